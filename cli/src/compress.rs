//! `vcn compress`.

use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::path::Path;

use clap::{Args, ValueEnum};
use serde::Serialize;
use vcn_codec::gop::GopPolicy;
use vcn_codec::{Codec, Effort};
use vcn_media::{AtomicFile, FrameReader, OpenOptions, Rational, SourceKind, open};

use crate::colour::{self, Choice};
use crate::compute::{Compute, threads};
use crate::encoding::{Encoded, Settings, encode};
use crate::failure::{Failure, Result};
use crate::frame_log::FrameLogWriter;
use crate::models::{self, Metric, hex};
use crate::number::positive;
use crate::print::{Stream, bytes, gops, note, output_name};
use crate::progress::Progress;
use crate::reordering::Reordering;
use crate::target::{Target, search};

const EXAMPLES: &str = "\
Examples:
  vcn compress frames/ -o clip.vcn                 im1.png, im2.png, ... at quality 32
  vcn compress clip.mp4 -q 45 -o clip.vcn          any video that ffmpeg reads
  vcn compress clip.y4m --target-bpp 0.1 -o clip.vcn
  vcn compress clip.mp4 --log frames.csv --json -o clip.vcn
  ffmpeg -v error -i clip.mkv -f yuv4mpegpipe -pix_fmt yuv420p - | vcn compress - -o clip.vcn";

/// Arguments of `vcn compress`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A folder of images, an image, a .y4m file, any video that ffmpeg reads, or `-` for Y4M on standard input.
    input: String,
    /// The .vcn file to write, or `-` for standard output.
    #[arg(short, long, value_name = "OUT.vcn")]
    output: String,
    /// From 0, the smallest file, to 63, the best picture.
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u8).range(0..=63))]
    quality: u8,
    /// The best quality whose file has at most so many bits per pixel.
    #[arg(long, value_name = "BPP", value_parser = positive, conflicts_with_all = ["quality", "target_psnr"])]
    target_bpp: Option<f64>,
    /// The lowest quality with at least so many dB of RGB PSNR, mean over frames.
    #[arg(long, value_name = "DB", value_parser = positive, conflicts_with = "quality")]
    target_psnr: Option<f64>,
    /// Where closed groups of pictures begin: auto (the content decides), every N frames, or all (one group).
    #[arg(long, value_name = "auto|N|all", default_value = "auto", value_parser = policy)]
    gop: GopPolicy,
    #[command(flatten)]
    reordering: Reordering,
    /// What the model is optimised for.
    #[arg(long, value_enum, default_value_t, conflicts_with = "model")]
    metric: Metric,
    /// A model by name or file, instead of the default of the metric.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    /// How hard the encoder tries.
    #[arg(long, value_enum, default_value_t)]
    preset: Preset,
    /// Colour of the stream: auto (images: where RGB loses least; video: what it says), or bt709-full, bt709-limited,
    /// bt601-full, bt601-limited. Chroma is interpolated, or with -guided follows luma's detail, or with -nearest repeats.
    /// RGB is converted to it, Y'CbCr is taken to be in it.
    #[arg(long, value_name = "auto|COLOUR", default_value = "auto", value_parser = colour::choice)]
    colour: Choice,
    /// Frames per second, instead of what the input says (images: 25).
    #[arg(long)]
    fps: Option<Rational>,
    /// Frames to compress at most, or from A up to B; A.. leaves out the first A.
    #[arg(long, value_name = "N|A..B", value_parser = part)]
    frames: Option<Range<u64>>,
    /// Write a line per frame: index, GOP, type, quality, bits, PSNR. CSV, or JSON lines if it ends in .jsonl.
    #[arg(long, value_name = "FILE")]
    log: Option<String>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
    /// Replace existing files.
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    compute: Compute,
}

/// An encoder effort as written on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Preset {
    /// Motion from vectors alone, nothing refined.
    Fast,
    /// The motion network's best, mended by vectors, tried too; latents of intra frames refined a little.
    #[default]
    Medium,
    /// More motions tried, latents refined as far as it pays, frames skipped over only where that pays.
    Slow,
}

impl From<Preset> for Effort {
    fn from(preset: Preset) -> Effort {
        match preset {
            Preset::Fast => Effort::Fast,
            Preset::Medium => Effort::Medium,
            Preset::Slow => Effort::Slow,
        }
    }
}

/// Reads what `--frames` takes: a number from the first one on, or a half-open range.
fn part(text: &str) -> std::result::Result<Range<u64>, String> {
    match text.parse::<u64>() {
        Ok(0) => Err("expected a number of frames from 1 up, or a range A..B".into()),
        Ok(count) => Ok(0..count),
        Err(_) => crate::decompress::range(text).map_err(|reason| format!("{reason}, or a number of frames")),
    }
}

/// Reads what `--gop` takes.
pub fn policy(text: &str) -> std::result::Result<GopPolicy, String> {
    const MOST: u32 = vcn_codec::container::MAX_GOP_FRAMES;
    match (text, text.parse::<u32>()) {
        ("auto", _) => Ok(GopPolicy::default()),
        ("all", _) => Ok(GopPolicy::All),
        (_, Ok(length @ 1..=MOST)) => Ok(GopPolicy::Fixed(length)),
        _ => Err(format!("expected auto, all, or a number of frames from 1 to {MOST}")),
    }
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    check_names(&a)?;
    let part = a.frames.clone().unwrap_or(0..u64::MAX);
    let options = OpenOptions {
        fps: a.fps,
        skip: part.start,
        limit: (part.end < u64::MAX).then(|| part.end - part.start),
        ..Default::default()
    };
    let target = match (a.target_bpp, a.target_psnr) {
        (Some(bpp), _) => Some(Target::Bpp(bpp)),
        (_, Some(psnr)) => Some(Target::Psnr(psnr)),
        _ => None,
    };
    // Everything that can fail fast comes before the work.
    drop(Output::create(&a, false)?);
    let reader = open(&a.input, options)?;
    if target.is_some() && reader.info().source == SourceKind::Stdin {
        let reason = "a target needs to read the input several times, which standard input does not allow";
        return Err(Failure::Usage(format!("{reason}: give a file, or a quality")));
    }
    let codec = a.compute.open(models::for_encoding(a.model.as_deref(), a.metric)?)?;
    let (encoded, output, trials) = match target {
        None => {
            let (encoded, output) = one(&codec, &a, a.quality, reader, "compressing")?;
            (encoded, output, None)
        }
        Some(target) => {
            let mut first = Some(reader);
            let ((encoded, output), trials) = search(target, |quality| {
                let reader = first.take().map_or_else(|| open(&a.input, options), Ok)?;
                one(&codec, &a, quality, reader, &format!("trying quality {quality}"))
            })?;
            (encoded, output, Some(trials))
        }
    };
    output.commit()?;
    report(&a, &codec, &encoded, target.zip(trials))
}

/// Refuses names that cannot be meant.
fn check_names(a: &Arguments) -> Result<()> {
    let extension = |name: &str| Path::new(name).extension().map(|e| e.to_ascii_lowercase());
    if extension(&a.input).is_some_and(|e| e == "vcn") {
        return Err(Failure::Usage(format!("{}: is compressed already; see vcn decompress", a.input)));
    }
    if a.output == "-" && io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "a .vcn stream is not for a terminal: redirect it, or give a file to -o".into(),
        ));
    }
    match extension(&a.output) {
        Some(other) if other != "vcn" && !is_device(&a.output) => Err(Failure::Usage(format!(
            "{}: compress writes .vcn files: choose a name that ends in .vcn",
            a.output
        ))),
        _ => Ok(()),
    }
}

fn is_device(name: &str) -> bool {
    std::fs::metadata(name).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Encodes once.
fn one(
    codec: &Codec,
    a: &Arguments,
    quality: u8,
    mut reader: Box<dyn FrameReader>,
    task: &str,
) -> Result<(Encoded, Output)> {
    let searching = a.target_bpp.is_some() || a.target_psnr.is_some();
    let Output { mut stream, mut log } = Output::create(a, searching)?;
    let progress = Progress::new(task, reader.info().frames);
    let settings = Settings {
        quality,
        gop: a.gop,
        effort: a.preset.into(),
        between: a.reordering.b_frames,
        colour: a.colour.colour(),
    };
    let (encoded, _) = encode(codec, reader.as_mut(), &mut stream, settings, &mut log, &progress)
        .map_err(|failure| failure.for_output(&a.output))?;
    Ok((encoded, Output { stream, log }))
}

/// The outputs of an encoding, which get their names when it is the one that is kept.
struct Output {
    stream: OutputStream,
    log: Option<FrameLogWriter>,
}

enum OutputStream {
    File(Box<AtomicFile>),
    Stdout,
    /// For standard output while searching: only the best goes out.
    Memory(Vec<u8>),
}

impl Output {
    fn create(a: &Arguments, searching: bool) -> Result<Output> {
        let stream = match a.output.as_str() {
            "-" if searching => OutputStream::Memory(Vec::new()),
            "-" => OutputStream::Stdout,
            path => OutputStream::File(Box::new(AtomicFile::create(path, a.overwrite)?)),
        };
        let log = a.log.as_deref().map(|path| FrameLogWriter::create(path, a.overwrite)).transpose()?;
        Ok(Output { stream, log })
    }

    fn commit(self) -> Result<()> {
        match self.stream {
            OutputStream::File(file) => file.commit()?,
            OutputStream::Stdout => {}
            OutputStream::Memory(bytes) => {
                let mut out = io::stdout().lock();
                let written = out.write_all(&bytes).and_then(|()| out.flush());
                written.map_err(Failure::io("standard output", "write"))?;
            }
        }
        self.log.map_or(Ok(()), FrameLogWriter::commit)
    }
}

impl Write for OutputStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            OutputStream::File(file) => file.write(buffer),
            OutputStream::Stdout => io::stdout().write(buffer),
            OutputStream::Memory(bytes) => bytes.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            OutputStream::File(file) => file.flush(),
            OutputStream::Stdout => io::stdout().flush(),
            OutputStream::Memory(_) => Ok(()),
        }
    }
}

/// The summary as JSON.
#[derive(Serialize)]
struct Summary<'a> {
    input: &'a str,
    output: &'a str,
    model: &'a str,
    digest: String,
    metric: &'static str,
    device: &'a str,
    threads: usize,
    #[serde(flatten)]
    encoded: &'a Encoded,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Search>,
}

#[derive(Serialize)]
struct Search {
    target_bpp: Option<f64>,
    target_psnr: Option<f64>,
    met: bool,
    trials: u32,
}

fn report(a: &Arguments, codec: &Codec, e: &Encoded, search: Option<(Target, u32)>) -> Result<()> {
    let stream = Stream::beside(&a.output);
    let checkpoint = codec.checkpoint();
    let met = search.is_none_or(|(target, _)| target.is_met(e));
    if a.json {
        return stream.json(&Summary {
            input: &a.input,
            output: &a.output,
            model: &checkpoint.name,
            digest: hex(&checkpoint.digest()),
            metric: checkpoint.metric.name(),
            device: codec.device(),
            threads: threads(),
            encoded: e,
            search: search.map(|(_, trials)| Search {
                target_bpp: a.target_bpp,
                target_psnr: a.target_psnr,
                met,
                trials,
            }),
        });
    }
    if let Some((target, trials)) = search {
        let (wanted, reached) = match target {
            Target::Bpp(bpp) => (format!("{bpp} bpp"), format!("{:.4} bpp", e.bpp)),
            Target::Psnr(psnr) => (format!("{psnr} dB"), format!("{:.2} dB", e.psnr_rgb)),
        };
        let verdict = if met { "reached" } else { "out of reach, nearest is" };
        note(&format!("{wanted}: {verdict} {reached} at quality {} ({trials} encodings)", e.quality));
    }
    stream.text(&format!(
        "{}: {} frames {}x{} in {}, {}\n{:.4} bpp, {:.1} kbit/s at {} fps, PSNR RGB {:.2} dB, YUV {:.2} dB\n\
         quality {}, model {}, {:.2} frames per second on {} with {} threads",
        output_name(&a.output),
        e.frames,
        e.width,
        e.height,
        gops(e.gops),
        bytes(e.bytes),
        e.bpp,
        e.kbps,
        e.fps,
        e.psnr_rgb,
        e.psnr_yuv,
        e.quality,
        checkpoint.name,
        e.encode_fps,
        codec.device(),
        threads(),
    ))
}
