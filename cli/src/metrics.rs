//! `vcn metrics`.

use clap::Args;
use serde::Serialize;
use vcn_eval::{FrameQuality, SequenceQuality};
use vcn_media::{FrameReader, OpenOptions, Picture, VideoInfo, open};

use crate::failure::{Failure, Result};
use crate::print::Stream;
use crate::progress::Progress;

/// Arguments of `vcn metrics`.
#[derive(Args)]
#[command(after_help = "\
PSNR is that of each frame, averaged over frames; identical frames count as 100 dB. YUV PSNR is (6 Y + U + V) / 8 in 4:2:0.

Examples:
  vcn metrics source/ decoded/
  vcn metrics source.mp4 decoded.y4m --per-frame --json")]
pub struct Arguments {
    /// The original: a folder of images, an image, a .y4m file, `-`, or any video that ffmpeg reads.
    reference: String,
    /// What to compare with it.
    decoded: String,
    /// Frames to compare at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// Print a line for every frame, too.
    #[arg(long)]
    per_frame: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    reference: &'a str,
    decoded: &'a str,
    #[serde(flatten)]
    mean: SequenceQuality,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_frame: Option<&'a [FrameQuality]>,
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    if a.reference == "-" && a.decoded == "-" {
        return Err(Failure::Usage("only one of the two can be standard input".into()));
    }
    let mut reference = open_video(&a.reference, a.frames)?;
    let mut decoded = open_video(&a.decoded, a.frames)?;
    let frames = measure(&a, reference.as_mut(), decoded.as_mut())?;
    let mean = SequenceQuality::of(&frames)?;
    if a.json {
        let per_frame = a.per_frame.then_some(frames.as_slice());
        return Stream::Out.json(&Report { reference: &a.reference, decoded: &a.decoded, mean, per_frame });
    }
    if a.per_frame {
        Stream::Out.text(" frame  PSNR RGB  PSNR YUV  MS-SSIM  worst 16x16")?;
        for (index, frame) in frames.iter().enumerate() {
            Stream::Out.text(&format!(
                "{index:>6}  {:>8.3}  {:>8}  {:>7.5}  {:>11.3}",
                frame.psnr_rgb,
                decibels(frame.psnr_yuv),
                frame.ms_ssim,
                frame.worst_block
            ))?;
        }
    }
    Stream::Out.text(&format!(
        "{} frames: PSNR RGB {:.3} dB, YUV {} dB, MS-SSIM {:.5}, worst 16x16 block {:.3} dB",
        mean.frames,
        mean.psnr_rgb,
        decibels(mean.psnr_yuv),
        mean.ms_ssim,
        mean.worst_block
    ))
}

fn open_video(input: &str, limit: Option<u64>) -> Result<Box<dyn FrameReader>> {
    if std::path::Path::new(input).extension().is_some_and(|e| e.eq_ignore_ascii_case("vcn")) {
        let advice = "decode it first with vcn decompress -o OUT.y4m";
        return Err(Failure::Usage(format!("{input}: metrics compares frames: {advice}")));
    }
    Ok(open(input, OpenOptions { limit, ..Default::default() })?)
}

fn decibels(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.3}"))
}

fn measure(
    a: &Arguments,
    reference: &mut dyn FrameReader,
    decoded: &mut dyn FrameReader,
) -> Result<Vec<FrameQuality>> {
    let infos = [reference.info().clone(), decoded.info().clone()];
    let progress = Progress::new("comparing", infos[0].frames);
    let mut frames = Vec::new();
    loop {
        match (reference.next()?, decoded.next()?) {
            (Some(first), Some(second)) => frames.push(pair(&infos, first, second)?),
            (None, None) => return Ok(frames),
            (first, _) => {
                let short = if first.is_some() { &a.decoded } else { &a.reference };
                let count = frames.len();
                return Err(Failure::Other(
                    format!("{short}: has only {count} frames, the other has more").into(),
                ));
            }
        }
        progress.frame();
    }
}

/// Planes can be compared only if both videos mean the same colour by the same sample; RGB is converted to what the
/// other video means.
fn pair(infos: &[VideoInfo; 2], first: Picture, second: Picture) -> Result<FrameQuality> {
    let [a, b] = infos;
    let rgb = (first.to_rgb(a.colour), second.to_rgb(b.colour));
    let any_rgb = [&first, &second].into_iter().any(|picture| matches!(picture, Picture::Rgb(_)));
    let same = (a.colour.matrix, a.colour.range) == (b.colour.matrix, b.colour.range);
    let (first, second) = (first.into_yuv420(b.colour), second.into_yuv420(a.colour));
    let yuv = (any_rgb || same).then_some((&first, &second));
    Ok(FrameQuality::measure(&rgb.0, &rgb.1, yuv)?)
}
