//! Summaries beside those of people.

use std::path::Path;

use serde::Serialize;
use vcn_curate::summarize::{
    DataSet, FScores, Policy, Reference, Space, Split, f_scores, frame_scores, keyframes, scores, splits,
    summary,
};
use vcn_eval::{Align, Table};

use super::{Arguments, Method, failure, plots};
use crate::failure::{Failure, Result};
use crate::folder::Folder;
use crate::print::Stream;
use crate::progress::Progress;

/// Random scores that are evaluated of each video.
const RANDOM: usize = 20;
/// Most bytes of a file of splits.
const MOST: u64 = 64 << 20;

#[derive(Serialize)]
struct Evaluation {
    version: u32,
    data_set: String,
    method: Method,
    /// Means over splits.
    found: FScores,
    random: FScores,
    splits: Vec<Outcome>,
}

#[derive(Serialize)]
struct Outcome {
    learned_from: usize,
    /// Means over the videos that judged.
    found: FScores,
    random: FScores,
    videos: Vec<Judged>,
}

#[derive(Serialize)]
struct Judged {
    key: String,
    found: FScores,
    random: FScores,
    /// The score of each picture.
    scores: Vec<f32>,
    /// First and last frame of each shot in the summary.
    summary: Vec<[u64; 2]>,
}

/// Runs the evaluation.
pub fn run(a: &Arguments, path: &Path) -> Result<()> {
    let data = DataSet::open(path).map_err(failure)?;
    let keys = data.keys().map_err(failure)?;
    let all = match &a.splits {
        Some(file) => read_splits(file)?,
        None => splits(&keys, a.split_count, a.train_share, a.seed),
    };
    let folder = a.output.as_deref().map(|output| Folder::create(output, a.overwrite)).transpose()?;
    let progress = Progress::new("splits", Some(all.len() as u64));
    let mut outcomes = Vec::new();
    let mut rewards = Vec::new();
    for (number, split) in all.iter().enumerate() {
        let first = folder.as_ref().filter(|_| number == 0);
        let policy = match a.method {
            Method::Direct => None,
            Method::Policy => {
                let (policy, steps) = learn(a, &data, split)?;
                rewards.push((format!("split {}", number + 1), steps));
                Some(policy)
            }
        };
        outcomes.push(judge(a, &data, split, policy.as_ref(), first)?);
        progress.frame();
    }
    drop(progress);
    let evaluation = Evaluation {
        version: 1,
        data_set: path.display().to_string(),
        method: a.method,
        found: mean(outcomes.iter().map(|outcome| outcome.found)),
        random: mean(outcomes.iter().map(|outcome| outcome.random)),
        splits: outcomes,
    };
    if let Some(folder) = folder {
        folder.file("splits.json", json(&all)?.as_bytes())?;
        folder.file("results.json", json(&evaluation)?.as_bytes())?;
        if !rewards.is_empty() {
            let curves = rewards.iter().map(|(name, steps)| (name.as_str(), steps.clone())).collect();
            let chart = plots::reward("Mean reward of the videos that were learned from", "epoch", curves);
            folder.file("reward.svg", chart.svg().as_bytes())?;
        }
        folder.finish()?;
    }
    if a.json { Stream::Out.text(&json(&evaluation)?) } else { Stream::Out.text(&said(&evaluation)) }
}

fn said(evaluation: &Evaluation) -> String {
    let mut table = Table::new(
        ["split", "videos", "F mean", "F best", "random: F mean", "F best"].map(|c| (c, Align::Right)),
    );
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let row = |name: String, videos: usize, found: &FScores, random: &FScores| {
        [
            name,
            videos.to_string(),
            percent(found.mean),
            percent(found.best),
            percent(random.mean),
            percent(random.best),
        ]
    };
    for (number, split) in evaluation.splits.iter().enumerate() {
        table.push(row((number + 1).to_string(), split.videos.len(), &split.found, &split.random));
    }
    let videos = evaluation.splits.iter().map(|split| split.videos.len()).sum();
    table.push(row("all".to_owned(), videos, &evaluation.found, &evaluation.random));
    table.to_text().trim_end().to_owned()
}

/// A policy that learned from the videos of a split, and the mean reward of each epoch.
fn learn(a: &Arguments, data: &DataSet, split: &Split) -> Result<(Policy, Vec<f64>)> {
    let mut videos = Vec::new();
    for key in &split.train_keys {
        let features = data.video(key).map_err(failure)?.features;
        let length = features.first().map(Vec::len);
        if videos
            .first()
            .is_some_and(|(first, _): &(Vec<Vec<f32>>, Space)| first.first().map(Vec::len) != length)
        {
            return Err(Failure::Damaged(format!("{key}: features are of another length than those before")));
        }
        let space = Space::new(&features);
        videos.push((features, space));
    }
    if videos.is_empty() {
        return Err(Failure::Usage(
            "a policy learns from videos: this split has none to learn from".to_owned(),
        ));
    }
    let mut steps = Vec::new();
    let policy = Policy::train(&videos, &a.training(), |epoch| {
        steps.push(f64::from(epoch.rewards.iter().sum::<f32>()) / epoch.rewards.len() as f64);
    });
    Ok((policy, steps))
}

fn judge(
    a: &Arguments,
    data: &DataSet,
    split: &Split,
    policy: Option<&Policy>,
    folder: Option<&Folder>,
) -> Result<Outcome> {
    let mut random = fastrand::Rng::with_seed(a.seed);
    let mut videos = Vec::new();
    for key in &split.test_keys {
        let video = data.video(key).map_err(failure)?;
        let scores = match policy {
            Some(policy) => policy.scores(&video.features),
            None => direct(a, &video),
        };
        let chance = (0..RANDOM).map(|_| {
            let scores: Vec<f32> = video.picks.iter().map(|_| random.f32()).collect();
            f_scores(&chosen(a, &video, &scores), &video.users)
        });
        let random = mean(chance);
        let taken = chosen(a, &video, &scores);
        let shots = video.shots.iter().filter(|shot| taken[shot.start as usize]);
        let summary: Vec<[u64; 2]> = shots.map(|shot| [shot.start, shot.end - 1]).collect();
        if let Some(folder) = folder {
            let name = key.replace(['/', '\\'], "-");
            folder.file(&format!("scores-{name}.svg"), drawn(&video, &scores, &summary).as_bytes())?;
        }
        let found = f_scores(&taken, &video.users);
        videos.push(Judged { key: key.clone(), found, random, scores, summary });
    }
    Ok(Outcome {
        learned_from: if policy.is_some() { split.train_keys.len() } else { 0 },
        found: mean(videos.iter().map(|video| video.found)),
        random: mean(videos.iter().map(|video| video.random)),
        videos,
    })
}

/// Scores by keyframes, one for each shot that there is room for.
fn direct(a: &Arguments, video: &Reference) -> Vec<f32> {
    let space = Space::new(&video.features);
    let count = (video.shots.len() as f64 * a.share).ceil().max(2.0) as usize;
    scores(&space, &keyframes(&space, count).selected)
}

/// The frames of the summary that scores make.
fn chosen(a: &Arguments, video: &Reference, scores: &[f32]) -> Vec<bool> {
    let by_frame = frame_scores(scores, &video.picks, video.frames);
    let mut frames = vec![false; video.frames as usize];
    for at in summary(&video.shots, &by_frame, a.share) {
        let shot = &video.shots[at];
        frames[shot.start as usize..shot.end as usize].fill(true);
    }
    frames
}

fn drawn(video: &Reference, scores: &[f32], summary: &[[u64; 2]]) -> String {
    let points = |values: &[f32]| {
        video.picks.iter().zip(values).map(|(pick, value)| (*pick as f64, f64::from(*value))).collect()
    };
    let chart = plots::scores(plots::Scores {
        title: video.key.clone(),
        time: "frame",
        scores: points(scores),
        keyframes: Vec::new(),
        taken: summary.iter().map(|ends| ends.map(|end| end as f64)).collect(),
        opinions: points(&video.opinions),
        name: "score",
    });
    chart.svg()
}

fn mean(all: impl Iterator<Item = FScores>) -> FScores {
    let all: Vec<FScores> = all.collect();
    let part = |value: fn(&FScores) -> f64| all.iter().map(value).sum::<f64>() / all.len().max(1) as f64;
    FScores { mean: part(|scores| scores.mean), best: part(|scores| scores.best) }
}

fn read_splits(path: &Path) -> Result<Vec<Split>> {
    use std::io::Read;
    let name = path.display().to_string();
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(Failure::io(&name, "read"))?;
    file.take(MOST).read_to_string(&mut text).map_err(Failure::io(&name, "read"))?;
    let splits: Vec<Split> =
        serde_json::from_str(&text).map_err(|error| Failure::Damaged(format!("{name}: {error}")))?;
    match splits.is_empty() {
        false => Ok(splits),
        true => Err(Failure::Damaged(format!("{name}: there are no splits in it"))),
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(|error| Failure::Other(error.into()))
}
