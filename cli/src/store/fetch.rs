//! `vcn store get`.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use clap::Args;
use serde::Serialize;
use vcn_media::{AtomicFile, CreateOptions, SourceKind, VideoInfo, create};
use vcn_store::{Class, Distortion, Store};

use super::{Context, failure, json};
use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::print::{Stream, output_name};
use crate::progress::Progress;

/// Arguments of `vcn store get`.
#[derive(Args)]
pub struct Arguments {
    /// The name.
    name: String,
    /// A folder for PNG frames, a .y4m file, a video that ffmpeg writes, or `-` for Y4M on standard output.
    #[arg(short, long, value_name = "OUT")]
    output: String,
    /// Only from T0 to T1 seconds; either may be left out. Decodes only what is needed.
    #[arg(long, value_name = "T0..T1", value_parser = seconds, conflicts_with_all = ["frames", "original"])]
    range: Option<(f64, f64)>,
    /// Only frames A to B - 1, counted from 0.
    #[arg(long, value_name = "A..B", value_parser = crate::decompress::range, conflicts_with = "original")]
    frames: Option<Range<u64>>,
    /// The original bytes, for class source.
    #[arg(long)]
    original: bool,
    /// Also write audio and subtitles to this folder, as Matroska or NUT files.
    #[arg(long, value_name = "DIR")]
    side: Option<String>,
    /// Replace existing files.
    #[arg(long)]
    overwrite: bool,
    /// A model by name or file, if it is not built in.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    #[command(flatten)]
    compute: Compute,
}

fn seconds(text: &str) -> std::result::Result<(f64, f64), String> {
    let wrong = || format!("expected T0..T1 in seconds, such as 1.5..3, got {text}");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let bound =
        |text: &str, open: f64| if text.is_empty() { Ok(open) } else { text.parse().map_err(|_| wrong()) };
    let (from, to): (f64, f64) = (bound(from, 0.0)?, bound(to, f64::MAX)?);
    if from >= 0.0 && from < to { Ok((from, to)) } else { Err(wrong()) }
}

#[derive(Serialize)]
struct Report {
    name: String,
    output: String,
    class: &'static str,
    frames: u64,
    original: bool,
    mean_psnr: Option<f32>,
    worst_block_psnr: Option<f32>,
}

/// Runs the command.
pub fn run(context: &Context, a: &Arguments) -> Result<()> {
    let store = context.open_with_codecs(a.model.as_deref(), &a.compute)?;
    let stat = store.stat(&a.name).map_err(failure)?;
    if let Some(folder) = &a.side {
        side(&store, a, folder)?;
    }
    let lossless = stat.manifest.lossless;
    // What is shown instead of a video's own pictures is as far from those as its receipt says.
    let distortion = match &stat.entry.receipt {
        Some(receipt) => receipt.distortion,
        None => stat.manifest.distortion,
    };
    let psnr = |mse: f32| (!lossless).then(|| Distortion::psnr(mse).min(99.0));
    let mut report = Report {
        name: a.name.clone(),
        output: a.output.clone(),
        class: stat.entry.class.as_str(),
        frames: 0,
        original: a.original,
        mean_psnr: psnr(distortion.mean),
        worst_block_psnr: psnr(distortion.worst_block),
    };
    match a.original {
        true => original(&store, a)?,
        false => report.frames = play(&store, a, stat.entry.timing.rate().as_f64(), stat.manifest.frames)?,
    }
    let stream = Stream::beside(&a.output);
    if context.json {
        return json::print_to(stream, &report);
    }
    let fidelity = match (stat.entry.class, a.original, lossless) {
        (Class::Source, true, _) => "the original bytes".to_owned(),
        (_, _, true) => format!("{} frames, exact", report.frames),
        _ => format!(
            "{} frames, luma PSNR {:.2} dB, worst block {:.2} dB",
            report.frames,
            report.mean_psnr.unwrap_or_default(),
            report.worst_block_psnr.unwrap_or_default()
        ),
    };
    stream.text(&format!("{}: class {}, {fidelity}", output_name(&a.output), report.class))
}

fn play(store: &Store, a: &Arguments, rate: f64, total: u64) -> Result<u64> {
    let range = match (&a.range, &a.frames) {
        (Some((from, to)), _) => Some((from * rate).round() as u64..((to * rate).round() as u64).min(total)),
        (_, Some(frames)) => Some(frames.start..if frames.end == u64::MAX { total } else { frames.end }),
        _ => None,
    };
    let mut playback = store.get(&a.name, range).map_err(failure)?;
    let entry = playback.entry().clone();
    let format = playback.manifest().format;
    let frames = playback.range().end - playback.range().start;
    let info = VideoInfo {
        width: format.width as usize,
        height: format.height as usize,
        fps: entry.timing.rate(),
        colour: entry.colour,
        frames: Some(frames),
        source: SourceKind::Other,
    };
    let mut writer = create(&a.output, &info, CreateOptions { overwrite: a.overwrite })?;
    let progress = Progress::new("getting", Some(frames));
    while let Some(frame) = playback.next_frame().map_err(failure)? {
        writer.write(&frame)?;
        progress.frame();
    }
    writer.finish()?;
    Ok(frames)
}

fn original(store: &Store, a: &Arguments) -> Result<()> {
    if a.output == "-" {
        store.original(&a.name, &mut std::io::stdout().lock()).map_err(failure)?;
        return Ok(());
    }
    let mut file = AtomicFile::create(&a.output, a.overwrite)?;
    store.original(&a.name, &mut file).map_err(failure)?;
    file.commit()?;
    Ok(())
}

fn side(store: &Store, a: &Arguments, folder: &str) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Failure::io(folder, "create"))?;
    let stat = store.stat(&a.name).map_err(failure)?;
    for (index, side) in stat.manifest.side.iter().enumerate() {
        // The kind is in the manifest, so it must not lead out of the folder.
        let kind: String = side.kind.chars().filter(char::is_ascii_alphanumeric).collect();
        let mut bytes = Vec::new();
        store.read_blob(&side.blob, &mut bytes).map_err(failure)?;
        let container = if bytes.starts_with(&[0x1A, 0x45, 0xDF, 0xA3]) { "mkv" } else { "nut" };
        let path = Path::new(folder).join(format!("{index}-{kind}.{container}"));
        let mut file = AtomicFile::create(path, a.overwrite)?;
        file.write_all(&bytes).map_err(Failure::io(folder, "write"))?;
        file.commit()?;
    }
    Ok(())
}
