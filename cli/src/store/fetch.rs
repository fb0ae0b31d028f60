//! `vcn store get`.

use std::ops::Range;
use std::path::Path;

use clap::Args;
use serde::Serialize;
use vcn_media::{
    AtomicFile, CreateOptions, FrameTimes, SourceKind, VideoInfo, create, create_timed, keeps_times,
};
use vcn_store::{Class, Distortion, Layout, Playback, Store, Timing};

use super::watch::Watch;
use super::{Context, failure, json};
use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::print::{Stream, note, output_name};

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
    /// Also write when each frame is shown, in milliseconds, to this file (timestamp format v2, as mkvmerge reads it).
    /// Videos of varying frame rate keep their times in .mp4, .m4v, .mov, .mkv, .webm, .ts and .nut by themselves; a
    /// folder and .y4m cannot.
    #[arg(long, value_name = "FILE", conflicts_with = "original")]
    times: Option<String>,
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
    /// Whether the output has every sample as it was put.
    exact: bool,
    /// Whether frames are shown at times that no rate tells.
    varying_rate: bool,
    /// Whether the output keeps these times.
    times_kept: bool,
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
        exact: a.original || lossless && keeps_samples(&a.output, stat.manifest.format.layout),
        varying_rate: matches!(stat.entry.timing, Timing::Stamps { .. }),
        times_kept: true,
        mean_psnr: psnr(distortion.mean),
        worst_block_psnr: psnr(distortion.worst_block),
    };
    match a.original {
        true => original(&store, a)?,
        false => {
            report.frames = play(&store, a, context.json)?;
            report.times_kept = !report.varying_rate || keeps_times(&a.output);
        }
    }
    if !report.times_kept && !context.json {
        let rate = stat.entry.timing.rate();
        note(&format!(
            "{}: its frames are shown at times of their own, here at {rate} per second: give an output such as .mp4, or \
             --times FILE",
            a.name
        ));
    }
    let stream = Stream::beside(&a.output);
    if context.json {
        return json::print_to(stream, &report);
    }
    let fidelity = match (stat.entry.class, a.original, lossless) {
        (Class::Source, true, _) => "the original bytes".to_owned(),
        (_, _, true) if report.exact => format!("{} frames, exact", report.frames),
        (_, _, true) => {
            let exact = if stat.manifest.format.layout == Layout::Rgb { "a folder" } else { ".y4m" };
            format!(
                "{} frames, exact in the store, converted here: {exact} keeps every sample",
                report.frames
            )
        }
        _ => format!(
            "{} frames, luma PSNR {:.2} dB, worst block {:.2} dB",
            report.frames,
            report.mean_psnr.unwrap_or_default(),
            report.worst_block_psnr.unwrap_or_default()
        ),
    };
    stream.text(&format!("{}: class {}, {fidelity}", output_name(&a.output), report.class))
}

fn play(store: &Store, a: &Arguments, json: bool) -> Result<u64> {
    let whole = store.get(&a.name, None).map_err(failure)?;
    let total = whole.manifest().frames;
    let range = match (&a.range, &a.frames) {
        (Some(seconds), _) => Some(within(&whole, *seconds)?),
        (_, Some(frames)) => Some(frames.start..if frames.end == u64::MAX { total } else { frames.end }),
        _ => None,
    };
    let mut playback = match range {
        Some(range) => store.get(&a.name, Some(range)).map_err(failure)?,
        None => whole,
    };
    let entry = playback.entry().clone();
    let times = times(&playback)?;
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
    let options = CreateOptions { overwrite: a.overwrite };
    let mut writer = match &times {
        Some(times) => create_timed(&a.output, &info, times, options)?,
        None => create(&a.output, &info, options)?,
    };
    let watch = Watch::new("get", json);
    while let Some(frame) = playback.next_frame().map_err(failure)? {
        writer.write(&frame)?;
        watch.frame(Some(frames));
    }
    writer.finish()?;
    if let Some(file) = &a.times {
        write_times(file, times.as_ref(), &info, a.overwrite)?;
    }
    Ok(frames)
}

/// Whether an output takes samples of this layout as they are: images are RGB, and what ffmpeg encodes is only nearly
/// lossless.
fn keeps_samples(output: &str, layout: Layout) -> bool {
    let extension = Path::new(output).extension().map(|extension| extension.to_ascii_lowercase());
    match extension {
        _ if output == "-" => layout != Layout::Rgb,
        Some(extension) if extension == "y4m" => layout != Layout::Rgb,
        Some(extension) if extension != "png" => false,
        _ => layout == Layout::Rgb,
    }
}

/// When the frames of a playback are shown, if no rate tells it.
fn times(playback: &Playback) -> Result<Option<FrameTimes>> {
    let Timing::Stamps { base, .. } = playback.entry().timing else { return Ok(None) };
    Ok(playback.ticks().map_err(failure)?.map(|ticks| FrameTimes { base, ticks }))
}

/// The frames that are shown between two times, counted from the first frame.
fn within(whole: &Playback, (from, to): (f64, f64)) -> Result<Range<u64>> {
    let (total, rate) = (whole.manifest().frames, whole.entry().timing.rate().as_f64());
    let within = |range: Range<u64>| match range.is_empty() {
        false => Ok(range),
        true => {
            let (name, seconds) = (&whole.entry().name, total as f64 / rate);
            let end = if to == f64::MAX { String::new() } else { to.to_string() };
            let reason =
                format!("--range {from}..{end}: `{name}` shows no frame there: it is {seconds:.3} s long");
            Err(Failure::Usage(reason))
        }
    };
    let Some(FrameTimes { base, ticks }) = times(whole)? else {
        return within((from * rate).round() as u64..((to * rate).round() as u64).min(total));
    };
    let first = ticks.first().copied().unwrap_or(0);
    let before = |seconds: f64| {
        let shown = |tick: &&i64| tick.saturating_sub(first) as f64 * base.as_f64() + 1e-9 < seconds;
        ticks.iter().take_while(shown).count() as u64
    };
    within(before(from)..before(to))
}

/// Writes a line for each frame.
fn write_times(file: &str, times: Option<&FrameTimes>, info: &VideoInfo, overwrite: bool) -> Result<()> {
    let milliseconds: Vec<f64> = match times {
        Some(FrameTimes { base, ticks }) => {
            let first = ticks.first().copied().unwrap_or(0);
            ticks.iter().map(|tick| tick.saturating_sub(first) as f64 * base.as_f64() * 1e3).collect()
        }
        None => (0..info.frames.unwrap_or(0)).map(|index| index as f64 / info.fps.as_f64() * 1e3).collect(),
    };
    let mut text = "# timestamp format v2\n".to_owned();
    for time in milliseconds {
        text.push_str(&format!("{time:.6}\n"));
    }
    Ok(AtomicFile::write(file, text.as_bytes(), overwrite)?)
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
        AtomicFile::write(path, &bytes, a.overwrite)?;
    }
    Ok(())
}
