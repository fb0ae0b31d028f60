//! `vcn summarize`: what says most of a video.

mod evaluate;
mod plots;
mod video;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::number;

/// Arguments of `vcn summarize`.
#[derive(Args)]
#[command(after_help = "\
Keyframes should differ from each other and speak for all that is left out (the reward of Zhou et al., AAAI 2018, on the
codec's latents; pictures more than 20 samples apart count as different). Frames score by how alike they are to a keyframe
near them, shots by their frames, and the shots that score most are put together up to a share of the length.

Writes contact-sheet.png, summary.mp4 (without sound), summary.json, scores.svg and reward.svg.

With --evaluate, summaries are compared with those of people: DATA.h5 is laid out like the data sets of
pytorch-vsumm-reinforce, FILE like its splits. The F-score is the mean over people (usual for TVSum) and the best (usual for
SumMe). Random scores are evaluated beside the method. With -o, writes splits.json, results.json, scores-KEY.svg for the
videos that judged, and reward.svg.

Examples:
  vcn summarize film.mp4 -o summary/
  vcn summarize film.mp4 -o summary/ --keyframes 20 --share 0.05 --clip summary.y4m
  vcn summarize --evaluate tvsum.h5 --split-count 5 -o evaluation/
  vcn summarize --evaluate summe.h5 --splits splits.json --method policy --json")]
pub struct Arguments {
    /// The video: a file or a folder of frames.
    #[arg(required_unless_present = "evaluate", conflicts_with = "evaluate")]
    video: Option<String>,
    /// The folder for what is made.
    #[arg(short, long, value_name = "DIR", required_unless_present = "evaluate")]
    output: Option<PathBuf>,
    /// Evaluate on a data set.
    #[arg(long, value_name = "DATA.h5")]
    evaluate: Option<PathBuf>,
    /// What finds the keyframes.
    #[arg(long, value_enum, default_value_t)]
    method: Method,
    /// Keyframes on the contact sheet.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = number::count)]
    keyframes: usize,
    /// The share of the video that the summary may take.
    #[arg(long, value_name = "SHARE", default_value_t = 0.15, value_parser = number::share)]
    share: f64,
    /// Pictures of the video that are looked at a second; fewer of videos so long that these are more than 4000.
    #[arg(long, value_name = "N", default_value_t = 2.0, value_parser = number::positive)]
    pictures_per_second: f64,
    /// The longest shot in seconds. Scenes are divided into shots where they change (kernel temporal segmentation).
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = number::positive)]
    longest_shot: f64,
    /// The name of the clip in DIR; its type says how it is written.
    #[arg(long, value_name = "FILE", default_value = "summary.mp4")]
    clip: String,
    /// Splits to evaluate: JSON, a list of train_keys and test_keys.
    #[arg(long, value_name = "FILE", requires = "evaluate")]
    splits: Option<PathBuf>,
    /// Random splits to make where none are given.
    #[arg(long, value_name = "N", default_value_t = 5, conflicts_with = "splits")]
    split_count: usize,
    /// The share of the videos in a random split that is learned from.
    #[arg(long, value_name = "SHARE", default_value_t = 0.8, value_parser = number::part)]
    train_share: f64,
    /// Passes over the videos in which a policy learns.
    #[arg(long, value_name = "N", default_value_t = 60)]
    epochs: usize,
    /// Seed of splits, policies and random scores.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The model whose latents are compared: a name or a file.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    /// Replace what is there.
    #[arg(long)]
    overwrite: bool,
    /// Print results as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compute: Compute,
}

/// What finds keyframes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Method {
    /// Search for the keyframes of the largest reward.
    #[default]
    Direct,
    /// A policy that learns by that reward (REINFORCE), as in the paper, but small.
    Policy,
}

impl Arguments {
    fn training(&self) -> vcn_curate::summarize::Training {
        vcn_curate::summarize::Training { epochs: self.epochs, seed: self.seed, ..Default::default() }
    }
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    match (&a.evaluate, &a.video, &a.output) {
        (Some(data), ..) => evaluate::run(&a, data),
        (None, Some(video), Some(output)) => video::run(&a, video, output),
        _ => Err(Failure::Usage("which video, and where to?".to_owned())),
    }
}

fn failure(error: vcn_curate::Error) -> Failure {
    use vcn_curate::Error;
    match error {
        Error::DataSet { .. } => Failure::Damaged(error.to_string()),
        Error::Media(error) => Failure::Media(error),
        other => Failure::Other(other.into()),
    }
}
