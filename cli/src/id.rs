//! `vcn id`.

use std::path::PathBuf;

use clap::Args;
use rayon::prelude::*;
use serde::Serialize;
use vcn_curate::{Scan, VideoId};
use vcn_similarity::BlockSpectrum;

use crate::failure::{Failure, Result};
use crate::print::{Stream, note};
use crate::progress::Progress;

/// Arguments of `vcn id`.
#[derive(Args)]
#[command(after_help = "\
The exact id is equal for equal decoded frames, whatever the name, the container or a lossless encoding; it is what the
archive knows a video's frames by. The perceptual id survives lossy encoding: ids of copies differ in few of their bits, those
of different videos in about half. doc/RESULTS.md has how few, and how often that errs: it nominates, and proves nothing.
Each id has 256 bits; its first 64 are an id of their own. Sound is no part of them.

Exit codes beyond those of vcn: 1 if a video could not be read; the others are printed.

Examples:
  vcn id clip.mp4
  vcn id clip.mp4 copy.mkv other.mp4       # also in how many bits each perceptual id differs from the first
  vcn id videos/*.mp4 --json")]
pub struct Arguments {
    /// Videos, or folders of frames.
    #[arg(value_name = "VIDEO", required = true)]
    videos: Vec<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    version: u32,
    videos: Vec<Video>,
}

#[derive(Serialize)]
struct Video {
    path: PathBuf,
    frames: u64,
    exact64: String,
    exact256: String,
    /// Absent for a video that is black throughout.
    perceptual64: Option<String>,
    perceptual256: Option<String>,
    /// In how many of 256 bits the perceptual id differs from that of the first video.
    distance: Option<u32>,
}

/// Runs the command.
pub fn run(a: &Arguments) -> Result<()> {
    let progress = Progress::new("reading", None);
    let read: Vec<_> = a
        .videos
        .par_iter()
        .map(|path| {
            let scan = Scan::of(path, &BlockSpectrum, || progress.frame());
            scan.map(|scan| (path, scan.frames, VideoId::of(&scan, &BlockSpectrum)))
        })
        .collect();
    drop(progress);
    let failed = read.iter().filter(|read| read.is_err()).count();
    let mut videos: Vec<Video> = Vec::new();
    let mut first = None;
    for read in read {
        let (path, frames, id) = match read {
            Ok(read) => read,
            Err(error) => {
                note(&error.to_string());
                continue;
            }
        };
        let looks = id.perceptual;
        let first = *first.get_or_insert(looks);
        videos.push(Video {
            path: path.clone(),
            frames,
            exact64: format!("{:016x}", id.short()),
            exact256: id.exact.to_string(),
            perceptual64: looks.map(|looks| format!("{:016x}", looks.short())),
            perceptual256: looks.map(|looks| looks.to_string()),
            distance: first.zip(looks).map(|(first, looks)| first.distance(&looks)),
        });
    }
    if a.json {
        Stream::Out.json(&Report { version: 1, videos })?;
    } else {
        for (at, video) in videos.iter().enumerate() {
            Stream::Out.text(&video.lines(at > 0))?;
        }
    }
    match failed {
        0 => Ok(()),
        count => Err(Failure::Other(format!("{count} of {} could not be read", a.videos.len()).into())),
    }
}

impl Video {
    fn lines(&self, compared: bool) -> String {
        let looks = self.perceptual256.as_deref().unwrap_or("none: it is black throughout");
        let distance = match self.distance {
            Some(distance) if compared => format!("  ({distance} bits from the first)"),
            _ => String::new(),
        };
        format!(
            "{}  ({} frames)\n  exact       {}\n  perceptual  {looks}{distance}",
            self.path.display(),
            self.frames,
            self.exact256
        )
    }
}
