//! `vcn store put`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

use clap::{Args, ValueEnum};
use serde::Serialize;
use vcn_codec::gop::GopPolicy;
use vcn_media::{OpenOptions, Rational, SourceKind};
use vcn_store::{
    BlockSpectrum, Class, Dedup, Error, FrameSource, MaxDistortion, PutOutcome, PutRequest, SegmentCodec,
    SourceFacts, Step, Store,
};

use super::class::{ClassName, Storing};
use super::codec::splitter;
use super::input::{Counted, Frames, Input, expand, list};
use super::watch::Watch;
use super::{Context, failure, json, side};
use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::print::{Stream, bytes, note};

const EXAMPLES: &str = "\
Examples:
  vcn store put a.mp4 b.mkv frames/ --store s          each under its own name
  vcn store put --list videos.csv --store s            a path a line, and after a comma its name
  ffmpeg -i in.mp4 -f yuv4mpegpipe - | vcn store put - --name in --store s
  vcn store put tv/ --dedup replace --max-distortion 42,36 --store s
  vcn store put tv/ --dry-run --store s";

/// Arguments of `vcn store put`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Videos, folders of frames, folders of these, patterns such as 'tv/*.mp4', or `-` for Y4M on standard input.
    #[arg(required_unless_present = "list")]
    inputs: Vec<String>,
    /// A CSV file with an input a line, and after a comma its name, if it is to have another.
    #[arg(long, value_name = "FILE")]
    list: Option<String>,
    /// The name of a single input, instead of its file name.
    #[arg(long, value_name = "NAME", conflicts_with = "list")]
    name: Option<String>,
    #[command(flatten)]
    storing: Storing,
    /// exact: share what is equal; report: share nothing, say what could be; replace: also give up pictures for those of
    /// a stored video within --max-distortion, which `undelete` takes back; link: refused, since the codec keeps no residual
    /// against another video.
    #[arg(long, value_enum, default_value_t = DedupName::Exact)]
    dedup: DedupName,
    /// For --dedup replace: what the worst frame and the worst block must reach, in dB of PSNR.
    #[arg(long, value_name = "FRAME,BLOCK", value_parser = bounds, default_value = "40,34")]
    max_distortion: MaxDistortion,
    /// Take over names that stand for other videos, which `undelete` brings back.
    #[arg(long)]
    overwrite: bool,
    /// Videos that are put at the same time.
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Name so many stored videos that look like a new one, by thumbnails alone; 0 does not look. That takes time that
    /// grows with the store.
    #[arg(long, value_name = "N", default_value_t = 3)]
    alike: usize,
    /// Say what would be put under which name and what of it is stored, and stop. Reads all frames.
    #[arg(long)]
    dry_run: bool,
    /// Frames per second, instead of what the input says (images: 25; a file whose frames have times of their own keeps
    /// these).
    #[arg(long)]
    fps: Option<Rational>,
    /// A model by name or file.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    #[command(flatten)]
    compute: Compute,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DedupName {
    Exact,
    Report,
    Link,
    Replace,
}

fn bounds(text: &str) -> std::result::Result<MaxDistortion, String> {
    let wrong = || format!("expected two numbers of dB, such as 40,34, got {text}");
    let (frame, block) = text.split_once(',').ok_or_else(wrong)?;
    let bounds = MaxDistortion {
        frame: frame.trim().parse().map_err(|_| wrong())?,
        block: block.trim().parse().map_err(|_| wrong())?,
    };
    match bounds.is_possible() {
        true => Ok(bounds),
        false => Err(format!(
            "{text} would let a caption pass: the worst block must reach at least {} dB, the worst frame as much as that",
            MaxDistortion::LEAST_BLOCK
        )),
    }
}

#[derive(Serialize)]
struct Report {
    results: Vec<json::Put>,
    failed: Vec<Failed>,
    new_bytes: u64,
    shared_bytes: u64,
}

#[derive(Serialize)]
struct Failed {
    input: String,
    name: String,
    reason: String,
}

impl Failed {
    fn new(input: &Input, error: &Failure) -> Failed {
        Failed { input: input.path.clone(), name: input.name.clone(), reason: error.to_string() }
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is wrong with the input itself names it already.
        match self.reason.starts_with(&self.input) {
            true => f.write_str(&self.reason),
            false => write!(f, "{}: {}", self.input, self.reason),
        }
    }
}

impl Arguments {
    fn dedup(&self) -> Dedup {
        match self.dedup {
            DedupName::Exact => Dedup::Exact,
            DedupName::Report => Dedup::Report,
            DedupName::Link => Dedup::Link,
            DedupName::Replace => Dedup::Replace(self.max_distortion),
        }
    }
}

/// Runs the command.
pub fn run(context: &Context, a: &Arguments) -> Result<()> {
    let class = Class::from(a.storing.class);
    a.dedup().check(class).map_err(failure)?;
    let inputs = inputs(a)?;
    let store = context.open()?;
    let codec = a.storing.codec(a.model.as_deref(), &a.compute)?;
    if a.dry_run {
        return would_put(context, &store, codec.as_ref(), a, &inputs);
    }
    let total = inputs.len();
    let queue = Mutex::new(VecDeque::from(inputs));
    let report =
        Mutex::new(Report { results: Vec::new(), failed: Vec::new(), new_bytes: 0, shared_bytes: 0 });
    // Frames are read to be hashed and, unless they are stored, once more to be encoded.
    let watch = Watch::new("put", context.json);
    std::thread::scope(|scope| {
        for _ in 0..usize::from(a.jobs).min(total) {
            scope.spawn(|| {
                loop {
                    let Some(input) = queue.lock().ok().and_then(|mut queue| queue.pop_front()) else {
                        return;
                    };
                    let outcome = one(codec.as_ref(), a, &input, &|| watch.frame(None), |request, frames| {
                        store.put(request, frames)
                    });
                    if let Ok(mut report) = report.lock() {
                        watch.bar.while_hidden(|| take(context, &mut report, &input, outcome));
                        let done = (report.results.len() + report.failed.len()) as u64;
                        watch.tell(Step { counting: "inputs", done, total: Some(total as u64) });
                    }
                }
            });
        }
    });
    drop(watch);
    let report = report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if context.json {
        json::print(&report)?;
    } else if total > 1 {
        let (new, shared) = (bytes(report.new_bytes), bytes(report.shared_bytes));
        Stream::Out.text(&format!("{} videos put, {new} new, {shared} shared", report.results.len()))?;
    }
    all_put(report.failed.len(), total)
}

fn all_put(failed: usize, total: usize) -> Result<()> {
    match failed {
        0 => Ok(()),
        count => Err(Failure::Other(format!("{count} of {total} inputs could not be put").into())),
    }
}

fn would_put(
    context: &Context,
    store: &Store,
    codec: &dyn SegmentCodec,
    a: &Arguments,
    inputs: &[Input],
) -> Result<()> {
    #[derive(Serialize)]
    struct Report {
        dry_run: bool,
        would_put: Vec<json::WouldPut>,
        failed: Vec<Failed>,
    }
    let mut report = Report { dry_run: true, would_put: Vec::new(), failed: Vec::new() };
    let watch = Watch::new("put", context.json);
    for (at, input) in inputs.iter().enumerate() {
        let foreseen =
            one(codec, a, input, &|| watch.frame(None), |request, frames| store.foresee(request, frames));
        match foreseen {
            Ok(foreseen) => {
                let would = json::WouldPut::new(input, foreseen);
                if !context.json {
                    watch.bar.while_hidden(|| Stream::Out.text(&would.to_string()))?;
                }
                report.would_put.push(would);
            }
            Err(error) => {
                let failed = Failed::new(input, &error);
                if !context.json {
                    watch.bar.while_hidden(|| note(&failed.to_string()));
                }
                report.failed.push(failed);
            }
        }
        let (done, total) = (at as u64 + 1, Some(inputs.len() as u64));
        watch.tell(Step { counting: "inputs", done, total });
    }
    drop(watch);
    if context.json {
        json::print(&report)?;
    }
    all_put(report.failed.len(), inputs.len())
}

fn inputs(a: &Arguments) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in &a.inputs {
        inputs.extend(expand(path, &a.storing.prefix)?);
    }
    if let Some(file) = &a.list {
        inputs.extend(list(file, &a.storing.prefix)?);
    }
    if let Some(name) = &a.name {
        a.storing.rename(&mut inputs, name)?;
    }
    Ok(inputs)
}

fn take(context: &Context, report: &mut Report, input: &Input, outcome: Result<PutOutcome>) {
    match outcome {
        Ok(outcome) => {
            report.new_bytes += outcome.new_bytes;
            report.shared_bytes += outcome.shared_bytes;
            if !context.json {
                let with = match outcome.shared_with.first() {
                    Some(name) => format!(" (as in {name})"),
                    None => String::new(),
                };
                let _ = Stream::Out.text(&format!(
                    "{}: {}, {} new, {} shared: {}{with}",
                    outcome.name,
                    json::sharing(outcome.sharing),
                    bytes(outcome.new_bytes),
                    bytes(outcome.shared_bytes),
                    outcome.reason
                ));
                for alike in &outcome.alike {
                    let (name, score) = (&alike.name, alike.score);
                    let [from, to] = [alike.from, alike.to];
                    let _ = Stream::Out.text(&format!(
                        "  looks like {name} at {from:.1}-{to:.1} s (score {score:.2}): `vcn store dups` compares pixels"
                    ));
                }
            }
            report.results.push(json::Put::new(&input.path, outcome));
        }
        Err(error) => {
            let failed = Failed::new(input, &error);
            if !context.json {
                note(&failed.to_string());
            }
            report.failed.push(failed);
        }
    }
}

/// Opens an input, and puts it or whatever else `run` does with it.
fn one<T>(
    codec: &dyn SegmentCodec,
    a: &Arguments,
    input: &Input,
    each: &(dyn Fn() + Sync),
    run: impl FnOnce(PutRequest, &mut dyn FrameSource) -> vcn_store::Result<T>,
) -> Result<T> {
    let mut original;
    // A rate that was asked for goes before the times in the file.
    let options = OpenOptions { fps: a.fps, times: a.fps.is_none(), ..OpenOptions::default() };
    let mut frames = Counted { frames: Frames::open(&input.path, options)?, each };
    let info = frames.frames.info().clone();
    let mut request = PutRequest::frames(&input.name, info.fps, info.colour);
    request.rate = info.fps;
    request.descriptor = Some(&BlockSpectrum);
    request.overwrite = a.overwrite;
    request.source = facts(&input.path, info.source);
    request.dedup = a.dedup();
    request.alike = a.alike;
    if info.source == SourceKind::Ffmpeg {
        request.side = side::streams(&input.path)?;
    }
    match a.storing.class {
        ClassName::Frames => {}
        ClassName::Quality | ClassName::Source => {
            request.class = Class::Quality;
            request.codec = codec;
            request.quality = a.storing.quality;
            request.any_codec = a.model.is_none();
            request.splitter = Box::new(splitter(GopPolicy::default(), info.colour));
        }
    }
    if matches!(a.storing.class, ClassName::Source) {
        original = match std::fs::metadata(&input.path) {
            Ok(metadata) if metadata.is_file() => {
                File::open(&input.path).map_err(Failure::io(&input.path, "read"))?
            }
            _ => {
                let reason = "class source keeps the bytes of one file: use frames, or pack the folder first";
                return Err(Failure::Usage(format!("{}: {reason}", input.path)));
            }
        };
        request.class = Class::Source;
        request.original = Some(&mut original as &mut dyn Read);
    }
    run(request, &mut frames).map_err(|error| match error {
        Error::Input { source, .. } => Failure::Other(source),
        other => failure(other),
    })
}

/// What is worth remembering of a file.
pub(crate) fn facts(path: &str, kind: SourceKind) -> SourceFacts {
    let metadata = std::fs::metadata(path).ok();
    let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
    let modified =
        modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map(|time| time.as_secs() as i64);
    let extension = Path::new(path).extension().map(|e| e.to_string_lossy().into_owned());
    let container = match kind {
        SourceKind::Images => "images".to_owned(),
        SourceKind::Stdin => "y4m".to_owned(),
        _ => extension.unwrap_or_default(),
    };
    let bytes = size(Path::new(path));
    SourceFacts { file: path.to_owned(), container, bytes, modified, ..SourceFacts::default() }
}

/// Bytes of a file, or of all files in a folder of frames.
fn size(path: &Path) -> u64 {
    let file = |path: &Path| {
        let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
        metadata.map_or(0, |metadata| metadata.len())
    };
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| file(&entry.path())).sum(),
        Err(_) => file(path),
    }
}
