//! What `ffprobe` knows of a file and the Y4M on `ffmpeg`'s pipe does not say.

use std::path::Path;

use super::output::output;
use crate::{
    error::{Error, Result},
    picture::{Matrix, Range},
    rational::Rational,
};

/// How a file's frames are to be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) fps: Option<Rational>,
    pub(crate) frames: Option<u64>,
    /// Colour of the frames after [`Probe::filter`], where known.
    pub(crate) matrix: Option<Matrix>,
    pub(crate) range: Option<Range>,
    /// The filter chain that makes 8-bit 4:2:0 or 4:4:4 without touching samples that are that already.
    pub(crate) filter: String,
}

impl Probe {
    /// Asks `ffprobe` about `input`; `path` is for messages.
    pub(crate) fn run(path: &Path, input: &str) -> Result<Probe> {
        let entries = "stream=pix_fmt,color_range,color_space,avg_frame_rate,r_frame_rate,nb_frames";
        let video = ["-v", "error", "-select_streams", "v:0", "-show_entries", entries];
        let plain = ["-of", "default=noprint_wrappers=1", "-i", input];
        let printed = output("ffprobe", path, &[&video[..], &plain].concat())?;
        let text = String::from_utf8_lossy(&printed);
        let field = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=').map(str::trim))
        };
        let Some(pixels) = field("pix_fmt") else {
            return Err(Error::NoFrames { path: path.to_owned(), expected: "ffprobe finds no video stream" });
        };
        let mut probe = colours(pixels, field("color_range"), field("color_space"));
        probe.fps = frame_rate(field("avg_frame_rate"), field("r_frame_rate"));
        probe.frames = field("nb_frames").and_then(|frames| frames.parse().ok());
        Ok(probe)
    }
}

/// How to turn pixels of `ffmpeg`'s format `pixels` into 8-bit 4:2:0 or 4:4:4, and which colour they then have.
fn colours(pixels: &str, range: Option<&str>, space: Option<&str>) -> Probe {
    let probe = |matrix, range, filter| Probe { fps: None, frames: None, matrix, range, filter };
    let is_rgb = ["rgb", "bgr", "gbr", "pal8", "monow", "monob", "bayer", "xyz"];
    if is_rgb.iter().any(|name| pixels.contains(name)) {
        let filter = "scale=out_color_matrix=bt709:out_range=full,format=yuv444p".to_owned();
        return probe(Some(Matrix::Bt709), Some(Range::Full), filter);
    }

    // Formats named yuvj, and grey ones, are of full range unless they say otherwise.
    let range = match range {
        Some("pc") => Some(Range::Full),
        Some("tv") => Some(Range::Limited),
        _ if pixels.starts_with("yuvj") || pixels.starts_with("gray") => Some(Range::Full),
        _ => None,
    };
    // Said for both sides, or ffmpeg would squeeze full range into limited range.
    let kept = match range {
        Some(Range::Full) => "in_range=full:out_range=full",
        _ => "in_range=limited:out_range=limited",
    };
    let (matrix, converted) = match space {
        Some("bt709") => (Some(Matrix::Bt709), ""),
        Some("smpte170m" | "bt470bg") => (Some(Matrix::Bt601), ""),
        Some(other @ ("bt2020nc" | "fcc" | "smpte240m")) => {
            let name = if other == "bt2020nc" { "bt2020" } else { other };
            (Some(Matrix::Bt709), &*format!(":in_color_matrix={name}:out_color_matrix=bt709"))
        }
        _ => (None, ""),
    };
    let target = if pixels.contains("444") { "yuv444p" } else { "yuv420p" };
    probe(matrix, range, format!("scale={kept}{converted},format={target}"))
}

/// The nominal rate if the mean agrees within 1 %, else the mean: that is the one which keeps the duration.
fn frame_rate(mean: Option<&str>, nominal: Option<&str>) -> Option<Rational> {
    let parse = |text: Option<&str>| text?.parse::<Rational>().ok();
    match (parse(mean), parse(nominal)) {
        (Some(mean), Some(nominal)) => {
            let agrees = (mean.as_f64() / nominal.as_f64() - 1.0).abs() < 0.01;
            Some(if agrees { nominal } else { mean })
        }
        (mean, nominal) => mean.or(nominal),
    }
}
