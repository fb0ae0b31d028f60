//! `vcn decompress`.

use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use vcn_codec::Codec;
use vcn_codec::container::{Header, Salvage};
use vcn_media::{CreateOptions, FrameWriter, Picture, Yuv420, create};

use crate::compute::{Compute, threads};
use crate::decoding::{Decoding, info};
use crate::failure::{Failure, Result};
use crate::models;
use crate::print::{Stream, note, output_name};
use crate::progress::Progress;
use crate::source::{Gop, Source, seekable};

const EXAMPLES: &str = "\
Examples:
  vcn decompress clip.vcn -o frames/               im1.png, im2.png, ...
  vcn decompress clip.vcn -o clip.y4m              exactly the decoded 4:2:0 samples
  vcn decompress clip.vcn --frames 100..150 -o part.y4m
  vcn decompress clip.vcn -o - | ffplay -
  vcn decompress clip.vcn -o clip.mp4              through ffmpeg, nearly lossless H.264
  vcn decompress damaged.vcn --salvage -o rest/    all that is intact";

/// Arguments of `vcn decompress`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The .vcn file, or `-` for standard input.
    input: String,
    /// A folder for PNG frames, a .y4m file, a video that ffmpeg writes, or `-` for Y4M on standard output.
    #[arg(short, long, value_name = "OUT")]
    output: String,
    /// Only frames A to B - 1, counted from 0; either may be left out. Decodes only the GOPs needed.
    #[arg(long, value_name = "A..B", value_parser = range, conflicts_with = "salvage")]
    frames: Option<Range<u64>>,
    /// Write what is intact of a damaged file, and say what is lost.
    #[arg(long)]
    salvage: bool,
    /// Replace existing files. In a folder: im1.png, im2.png, ...
    #[arg(long)]
    overwrite: bool,
    /// The model that the file was coded with, if it is not built in.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compute: Compute,
}

/// Parses a half-open range of frames, `A..B`, either end of which may be left out.
pub fn range(text: &str) -> std::result::Result<Range<u64>, String> {
    let wrong = || format!("expected A..B with A below B, such as 0..10, got {text}");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let bound =
        |text: &str, open: u64| if text.is_empty() { Ok(open) } else { text.parse().map_err(|_| wrong()) };
    let range = bound(from, 0)?..bound(to, u64::MAX)?;
    if range.is_empty() { Err(wrong()) } else { Ok(range) }
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    if Path::new(&a.output).extension().is_some_and(|e| e.eq_ignore_ascii_case("vcn")) {
        let name = &a.output;
        return Err(Failure::Usage(format!(
            "{name}: decompress writes frames or video, not .vcn: choose another name"
        )));
    }
    if a.salvage { salvage(&a) } else { whole(&a) }
}

/// Decodes a sound file, or a part of it.
fn whole(a: &Arguments) -> Result<()> {
    let mut source = Source::open(&a.input)?;
    let header = source.header().clone();
    let mut wanted = a.frames.clone().unwrap_or(0..u64::MAX);
    if let Some(frames) = source.frames() {
        check_range(a, frames)?;
        wanted.end = wanted.end.min(frames);
    }
    let known = source.frames().map(|_| wanted.end - wanted.start);
    let mut output = Output::create(a, &header, known)?;
    let codec = a.compute.open(models::for_decoding(a.model.as_deref(), &a.input, &header.model)?)?;
    let started = Instant::now();
    let decoding = Decoding {
        wanted: wanted.clone(),
        live: known.is_none(),
        ..Decoding::whole(&codec, &header, &a.input)
    };
    decoding.run(source.gops(wanted), |_, frame| output.write(frame.into()), |_, outcome| outcome)?;
    check_range(a, source.frames_read())?;
    output.finish(a, &codec, started, None)
}

/// Refuses a range that is not in the video.
fn check_range(a: &Arguments, frames: u64) -> Result<()> {
    let Some(range) = &a.frames else { return Ok(()) };
    let open = range.end == u64::MAX;
    if range.start < frames && (open || range.end <= frames) {
        return Ok(());
    }
    let end = if open { String::new() } else { range.end.to_string() };
    Err(Failure::Usage(format!(
        "--frames {}..{end}: the video has {frames} frames, from 0 to {}",
        range.start,
        frames - 1
    )))
}

/// Decodes all intact GOPs.
fn salvage(a: &Arguments) -> Result<()> {
    let failed = Failure::file(&a.input);
    let mut found = Salvage::new(seekable(&a.input)?).map_err(&failed)?;
    let header = match found.header() {
        Ok(header) => header.clone(),
        Err(error) => {
            let reason = "without its header nothing can be decoded";
            return Err(Failure::Damaged(format!("{}: {error}; {reason}", a.input)));
        }
    };
    let codec = a.compute.open(models::for_decoding(a.model.as_deref(), &a.input, &header.model)?)?;
    let mut output = Output::create(a, &header, None)?;
    let started = Instant::now();
    let mut undecodable = Vec::new();
    let gops = found.by_ref().map(|gop| gop.map(Gop::from));
    let write = |_, frame: Yuv420| output.write(frame.into());
    Decoding::whole(&codec, &header, &a.input).run(gops, write, |gop, outcome| match outcome {
        Err(Failure::File { source, .. }) => {
            note(&format!("{}: {source}", a.input));
            undecodable.push(gop.first_frame..gop.end());
            Ok(())
        }
        other => other,
    })?;
    let report = found.report();
    let mut lost: Vec<Lost> = undecodable.into_iter().map(|frames| Lost::new(Some(frames), None)).collect();
    lost.extend(report.lost.into_iter().map(|l| Lost::new(l.frames, Some(l.bytes))));
    if output.frames == 0 {
        return Err(Failure::Damaged(format!("{}: no intact frame was found", a.input)));
    }
    if !a.json {
        for lost in &lost {
            note(&format!("{}: lost {lost}", a.input));
        }
    }
    output.finish(a, &codec, started, Some(lost))
}

/// What could not be salvaged.
#[derive(Serialize)]
struct Lost {
    first_frame: Option<u64>,
    end_frame: Option<u64>,
    first_byte: Option<u64>,
    end_byte: Option<u64>,
}

impl Lost {
    fn new(frames: Option<Range<u64>>, bytes: Option<Range<u64>>) -> Lost {
        let (frames, bytes) = (frames.as_ref(), bytes.as_ref());
        Lost {
            first_frame: frames.map(|f| f.start),
            end_frame: frames.map(|f| f.end),
            first_byte: bytes.map(|b| b.start),
            end_byte: bytes.map(|b| b.end),
        }
    }
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.first_frame, self.end_frame) {
            (Some(from), Some(to)) if from == to => write!(f, "no frames")?,
            (Some(from), Some(to)) => write!(f, "frames {from}..{to}")?,
            _ => write!(f, "an unknown number of frames")?,
        }
        match (self.first_byte, self.end_byte) {
            (Some(from), Some(to)) => write!(f, ", bytes {from}..{to}"),
            _ => Ok(()),
        }
    }
}

/// The decoded video on its way out.
struct Output {
    writer: Box<dyn FrameWriter>,
    progress: Progress,
    frames: u64,
}

#[derive(Serialize)]
struct Summary<'a> {
    input: &'a str,
    output: &'a str,
    frames: u64,
    verified: bool,
    device: &'a str,
    threads: usize,
    seconds: f64,
    decode_fps: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Vec<Lost>>,
}

impl Output {
    fn create(a: &Arguments, header: &Header, frames: Option<u64>) -> Result<Output> {
        let writer = create(&a.output, &info(header, frames), CreateOptions { overwrite: a.overwrite })?;
        Ok(Output { writer, progress: Progress::new("decompressing", frames), frames: 0 })
    }

    fn write(&mut self, picture: Picture) -> Result<()> {
        self.writer.write(&picture)?;
        self.frames += 1;
        self.progress.frame();
        Ok(())
    }

    fn finish(self, a: &Arguments, codec: &Codec, started: Instant, lost: Option<Vec<Lost>>) -> Result<()> {
        let Output { writer, progress, frames } = self;
        writer.finish()?;
        drop(progress);
        let seconds = started.elapsed().as_secs_f64();
        let decode_fps = frames as f64 / seconds.max(1e-9);
        let (device, threads) = (codec.device(), threads());
        let stream = Stream::beside(&a.output);
        if a.json {
            let (input, output) = (&a.input, &a.output);
            return stream.json(&Summary {
                input,
                output,
                frames,
                verified: true,
                device,
                threads,
                seconds,
                decode_fps,
                lost,
            });
        }
        stream.text(&format!(
            "{}: {frames} frames, all checksums right, {decode_fps:.2} frames per second on {device} with {threads} threads",
            output_name(&a.output),
        ))
    }
}
