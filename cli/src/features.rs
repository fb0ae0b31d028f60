//! `vcn features`.

use std::fs::File;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;
use vcn_codec::Codec;
use vcn_curate::features::{Features, Item, Kind, Lease, Number, read_list};

use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::models;
use crate::print::Stream;
use crate::progress::Progress;

/// How often it is looked whether another process has finished, or ended without.
const PATIENCE: Duration = Duration::from_millis(500);

/// Arguments of `vcn features`.
#[derive(Args)]
#[command(after_help = "\
The list is CSV and begins with the line video_path,feature_path; paths are relative to the current folder. Features are
arrays that numpy.load reads, a row for each second (2d) or each 16 frames (3d). A row holds the mean of every channel of
the codec's intra transform over the picture, then the standard deviation of every channel (768 numbers), and with 3d the
same of its motion transform (832 numbers). Pictures are looked at without letterbox, at 160x160.

Start the same command several times, on machines that share the disk if you like: each video is done by one process. What
is done already is left alone, also what was done before. A process ends when the whole list is done; where another one is
killed, it takes over.

Exit codes beyond those of vcn: 1 if a video failed; the others are done.

Examples:
  vcn features --csv list.csv
  vcn features --csv list.csv --type 3d --dtype f16 --l2-normalize
  vcn features --csv list.csv & vcn features --csv list.csv   # two processes share the work")]
pub struct Arguments {
    /// The list of videos and of files for their features.
    #[arg(long, value_name = "LIST")]
    csv: PathBuf,
    /// What is described: seconds by their first frame, or 16 frames by the middle one and how things move.
    #[arg(long = "type", value_enum, default_value_t)]
    kind: Type,
    /// Type of the numbers.
    #[arg(long, value_enum, default_value_t)]
    dtype: Dtype,
    /// Scale each row to unit length.
    #[arg(long)]
    l2_normalize: bool,
    /// Model whose transforms look: a name from `vcn models`, or a file [default: the built-in one].
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compute: Compute,
}

/// A kind as written on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Type {
    /// A row for each second.
    #[default]
    #[value(name = "2d")]
    Appearance,
    /// A row for each 16 frames.
    #[value(name = "3d")]
    Motion,
}

/// A type of numbers as written on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Dtype {
    /// 16 bits.
    F16,
    /// 32 bits.
    #[default]
    F32,
}

/// The result.
#[derive(Serialize)]
struct Report {
    version: u32,
    /// What this process did.
    done: Vec<Done>,
    /// What was done before, or by others meanwhile.
    skipped: usize,
    failed: Vec<Failed>,
}

#[derive(Serialize)]
struct Done {
    video: PathBuf,
    features: PathBuf,
    rows: u64,
}

#[derive(Serialize)]
struct Failed {
    video: PathBuf,
    reason: String,
}

/// What became of an item.
enum Outcome {
    Done(u64),
    /// It is there.
    Skipped,
    /// Another process has it.
    Taken,
}

/// Runs the command.
pub fn run(a: &Arguments) -> Result<()> {
    let path = a.csv.display().to_string();
    let file = File::open(&a.csv).map_err(Failure::io(&path, "read"))?;
    let mut open = read_list(&a.csv, file).map_err(|error| Failure::Usage(error.to_string()))?;
    let features = Features {
        kind: match a.kind {
            Type::Appearance => Kind::Appearance,
            Type::Motion => Kind::Motion,
        },
        number: match a.dtype {
            Dtype::F16 => Number::F16,
            Dtype::F32 => Number::F32,
        },
        normalised: a.l2_normalize,
    };
    let codec = a.compute.open(models::for_encoding(a.model.as_deref(), models::Metric::Psnr)?)?;
    let mut report = Report { version: 1, done: Vec::new(), skipped: 0, failed: Vec::new() };
    while !open.is_empty() {
        let before = open.len();
        let mut taken = Vec::new();
        for item in open {
            match once(&features, &codec, &item) {
                Ok(Outcome::Done(rows)) => {
                    if !a.json {
                        let (video, output) = (item.video_path.display(), item.feature_path.display());
                        Stream::Out.text(&format!("{video}\t{output}\t{rows} x {}", features.length()))?;
                    }
                    report.done.push(Done { video: item.video_path, features: item.feature_path, rows });
                }
                Ok(Outcome::Skipped) => report.skipped += 1,
                Ok(Outcome::Taken) => taken.push(item),
                Err(error) => {
                    if !a.json {
                        crate::print::note(&format!("failed\t{}\t{error}", item.video_path.display()));
                    }
                    report.failed.push(Failed { video: item.video_path, reason: error.to_string() });
                }
            }
        }
        if taken.len() == before {
            sleep(PATIENCE);
        }
        open = taken;
    }
    if a.json {
        Stream::Out.json(&report)?;
    } else {
        Stream::Out.text(&format!(
            "{} videos done, {} were done already, {} failed",
            report.done.len(),
            report.skipped,
            report.failed.len()
        ))?;
    }
    match report.failed.len() {
        0 => Ok(()),
        count => Err(Failure::Other(format!("{count} videos failed; see above").into())),
    }
}

/// Does an item unless it is done or somebody does it.
fn once(features: &Features, codec: &Codec, item: &Item) -> vcn_curate::Result<Outcome> {
    if features.are_at(&item.feature_path)? {
        return Ok(Outcome::Skipped);
    }
    let Some(_lease) = Lease::take(&item.feature_path)? else { return Ok(Outcome::Taken) };
    // Whoever had the lease before may have done it.
    if features.are_at(&item.feature_path)? {
        return Ok(Outcome::Skipped);
    }
    let progress = Progress::new(&item.video_path.display().to_string(), None);
    let rows = features.write(codec, &item.video_path, &item.feature_path, || progress.frame())?;
    Ok(Outcome::Done(rows))
}
