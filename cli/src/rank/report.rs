//! What `vcn rank` found, for people and as JSON.

use std::fmt::Write;

use serde::Serialize;
use vcn_curate::rank::{BesideRandom, HeldOut, Scene};
use vcn_eval::{Align, Table};

use super::batch::Unread;

/// The version of this JSON.
pub const VERSION: u32 = 1;

/// The result of `vcn rank`.
#[derive(Serialize)]
pub struct Ranking {
    /// Of this JSON.
    pub version: u32,
    /// Clips that were looked at.
    pub clips: usize,
    /// Clips that could not be read.
    pub failed: Vec<Unread>,
    /// Scenes that were found.
    pub scenes: usize,
    /// Those of them that are neither too short nor too long.
    pub candidates: usize,
    /// Candidates of which `--score-cmd`, which ranks, did not give a score.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unscored: Vec<Unscored>,
    /// How well the ranker does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOut>,
    /// The share of wanted scenes in what is picked of labelled ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<BesideRandom>,
    /// What `--score-cmd` says of what was picked and of random scenes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<Judged>,
    /// What was picked, the best first.
    pub picked: Vec<Picked>,
}

/// A scene without a score, which is not picked.
#[derive(Serialize)]
pub struct Unscored {
    /// `CLIP#SCENE`.
    pub id: String,
    /// What went wrong at the last attempt.
    pub reason: String,
}

/// Scores by a program that had no part in the picking.
#[derive(Serialize)]
pub struct Judged {
    /// Mean score of the picked scenes.
    pub picked: f64,
    /// Mean score of as many random ones.
    pub random: f64,
    /// The 95 % confidence interval of the difference.
    pub interval: [f64; 2],
    /// The random scenes.
    pub random_scenes: Vec<Picked>,
}

/// A picked scene.
#[derive(Serialize)]
pub struct Picked {
    /// `CLIP#SCENE`.
    pub id: String,
    /// What ranks it.
    pub score: f64,
    /// The scene.
    #[serde(flatten)]
    pub scene: Scene,
    /// What `--caption-cmd` said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// What `--score-cmd` said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<f64>,
    /// Why a program did not answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

impl Ranking {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} scenes in {} clips, {} of them neither too short nor too long",
            self.scenes, self.clips, self.candidates
        );
        // Writing to a string does not fail.
        let mut line = |line: String| _ = write!(text, "\n{line}");
        if !self.failed.is_empty() {
            line(format!("{} clips could not be read", self.failed.len()));
        }
        if let Some(Unscored { id, reason }) = self.unscored.first() {
            line(format!("{} scenes have no score, the first is {id}: {reason}", self.unscored.len()));
        }
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        if let Some(HeldOut {
            scenes,
            groups,
            accuracy,
            interval,
            baseline,
            threshold,
            beyond_threshold,
            auc,
        }) = self.held_out
        {
            let range = |[low, high]: [f64; 2]| format!("{} to {}", percent(low), percent(high));
            line(format!(
                "held out: {} of {scenes} scenes in {groups} groups judged right (95 % confidence {}; always the same \
                 answer {}); AUC {auc:.3}",
                percent(accuracy),
                range(interval),
                percent(baseline)
            ));
            line(format!(
                "the best threshold on one metric: {} (95 % confidence of the difference {})",
                percent(threshold),
                range(beyond_threshold)
            ));
        }
        if let Some(BesideRandom { scenes, picked, random, random_range: [low, high] }) = self.wanted {
            line(format!(
                "wanted among {scenes} labelled scenes picked: {}, at random {} (95 % of selections {} to {})",
                percent(picked),
                percent(random),
                percent(low),
                percent(high)
            ));
        }
        if let Some(Judged { picked, random, interval: [low, high], .. }) = self.judged {
            line(format!(
                "--score-cmd: {picked:.4} for what was picked, {random:.4} at random (95 % confidence of the \
                 difference {low:.4} to {high:.4})"
            ));
        }
        if !self.picked.is_empty() {
            line(format!("\n{}", table(&self.picked)));
        }
        text
    }
}

fn table(picked: &[Picked]) -> String {
    let asked = picked.iter().any(|picked| picked.caption.is_some() || !picked.errors.is_empty());
    let mut columns = vec![
        ("score", Align::Right),
        ("scene", Align::Left),
        ("seconds", Align::Left),
        ("motion", Align::Right),
        ("difference", Align::Right),
    ];
    columns.extend(asked.then_some(("caption", Align::Left)));
    let mut table = Table::new(columns);
    for picked in picked {
        let Picked { score, scene, .. } = picked;
        let mut row = vec![
            format!("{score:.3}"),
            picked.id.clone(),
            format!("{:.1}-{:.1}", scene.start, scene.end),
            format!("{:.2}", scene.metrics.mean_motion),
            format!("{:.1}", scene.metrics.mean_difference),
        ];
        if asked {
            let failed = picked.errors.first().map(|error| format!("({error})"));
            row.push(picked.caption.clone().or(failed).unwrap_or_default());
        }
        table.push(row);
    }
    table.to_text().trim_end().to_owned()
}
