//! `vcn test`: what a model is worth, by real files that are really decoded.

mod anchors;
mod memory;
mod ours;
mod results;
mod sequence;

use clap::Args;
use vcn_codec::gop::GopPolicy;
use vcn_eval::{RdCurve, RdPoint, Report, Role, published};
use vcn_media::{AtomicFile, Scratch};

use crate::compress::{Preset, policy};
use crate::compute::{Compute, threads};
use crate::encoding::Settings;
use crate::failure::{Failure, Result};
use crate::models::{self, Metric, hex};
use crate::print::note;
use crate::reordering::Reordering;
use anchors::{Anchors, Setting, Wanted};
use sequence::Sequence;

const EXAMPLES: &str = "\
Every quality is encoded to a .vcn file as vcn compress does, and the file is decoded as vcn decompress does. Rates are bits
of that file. Metrics are taken per frame and averaged over frames; frames per second are those of the codec alone, without
reading and measuring. BD-rate is the difference in rate at equal quality, below 0 is better.

Examples:
  vcn test clip/ --frames 96 --anchors x264,x265 --plot rd.svg
  vcn test eval/*/ --model new.vcnm --anchors x264 --json new.json
  vcn test clip.mp4 --setting honest --gop all --anchors x265-medium-whole,svtav1";

/// Arguments of `vcn test`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Sequences: folders of images, .y4m files, any video that ffmpeg reads.
    #[arg(required = true)]
    inputs: Vec<String>,
    /// Qualities to encode with, 0 to 63.
    #[arg(
        short,
        long,
        value_name = "Q,Q,...",
        value_delimiter = ',',
        default_value = "8,20,32,44,56",
        value_parser = clap::value_parser!(u8).range(0..=63)
    )]
    qualities: Vec<u8>,
    /// Key frame distance of all codecs: N frames, all (one GOP), or auto (the content decides; anchors as all)
    /// [default: 12 in the legacy setting, 32 in the honest one].
    #[arg(long, value_name = "auto|N|all", value_parser = policy)]
    gop: Option<GopPolicy>,
    #[command(flatten)]
    reordering: Reordering,
    /// Frames of each sequence at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// The model to test, by name or file [default: the latest for PSNR].
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    /// How hard our encoder tries.
    #[arg(long, value_enum, default_value_t)]
    preset: Preset,
    /// Codecs to compare with, through ffmpeg: x264, x265, svtav1, or one setting by its name, such as
    /// x265-medium-zerolatency-gop32.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    anchors: Vec<Wanted>,
    /// How the anchors named by their codec alone are run. Legacy: as DVC and its successors did, veryfast and
    /// zerolatency. Honest: two presets each, zerolatency and as users run them.
    #[arg(long, value_enum, default_value_t)]
    setting: Setting,
    /// Measure the anchors anew instead of taking what earlier tests found.
    #[arg(long)]
    no_anchor_cache: bool,
    /// Write all results as JSON, the commands of all codecs included; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// Write rate-distortion plots of all sequences.
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<String>,
    /// Replace existing files.
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    compute: Compute,
}

impl Arguments {
    fn gop(&self) -> GopPolicy {
        self.gop.unwrap_or(match self.setting {
            Setting::Legacy => GopPolicy::Fixed(12),
            Setting::Honest => GopPolicy::Fixed(32),
        })
    }
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    // Everything that can fail fast comes before the work.
    for output in [&a.json, &a.plot].into_iter().flatten().filter(|output| *output != "-") {
        drop(AtomicFile::create(output, a.overwrite)?);
    }
    let sequences = sequence::open_all(&a.inputs, a.frames)?;
    let mut qualities = a.qualities.clone();
    qualities.sort_unstable();
    qualities.dedup();
    let anchors = Anchors::new(&a)?;
    let codec = a.compute.open(models::for_encoding(a.model.as_deref(), Metric::Psnr)?)?;
    let name = match codec.checkpoint().name.as_str() {
        name if name.starts_with("vcn") => name.to_owned(),
        name => format!("vcn {name}"),
    };
    let mut report = Report { environment: environment(&a, &codec, &anchors), ..Report::default() };
    for sequence in &sequences {
        let scratch = Scratch::new()?;
        // First, because it tells at once what the anchors cannot code.
        let source = anchors.source(sequence, scratch.path())?;
        let mut curve = RdCurve {
            codec: name.clone(),
            role: Role::Ours,
            sequence: sequence.name.clone(),
            frames: None,
            threads: Some(threads()),
            note: format!("digest {}", hex(&codec.checkpoint().digest())),
            points: Vec::new(),
        };
        for &quality in &qualities {
            let settings = Settings {
                quality,
                gop: a.gop(),
                effort: a.preset.into(),
                between: a.reordering.b_frames,
                colour: None,
            };
            let (point, frames) = ours::point(&codec, sequence, settings, scratch.path())?;
            let point = RdPoint { commands: commands(&a, sequence, quality), ..point };
            say(&sequence.name, &name, &point);
            curve.frames = Some(frames);
            curve.points.push(point);
        }
        let psnr = range(&curve);
        report.curves.push(curve);
        if let Some(source) = &source {
            report.curves.extend(anchors.curves(source, scratch.path(), &psnr, say)?);
        }
        if sequence.name == published::BASKETBALL_PASS {
            report.curves.extend(published::basketball_pass());
        }
    }
    results::write(&a, &name, &report)
}

/// One finished measurement, for those who wait.
fn say(sequence: &str, codec: &str, point: &RdPoint) {
    let parameter = point.parameter.unwrap_or_default();
    let (psnr, ms_ssim) = (point.psnr_rgb.unwrap_or_default(), point.ms_ssim.unwrap_or_default());
    note(&format!("{sequence}, {codec} at {parameter}: {:.4} bpp, {psnr:.2} dB, {ms_ssim:.4}", point.bpp));
}

/// RGB PSNR from the lowest to the highest.
fn range(curve: &RdCurve) -> std::ops::RangeInclusive<f64> {
    let psnr = || curve.points.iter().filter_map(|point| point.psnr_rgb);
    psnr().fold(f64::INFINITY, f64::min)..=psnr().fold(f64::NEG_INFINITY, f64::max)
}

/// What does the same from a shell.
fn commands(a: &Arguments, sequence: &Sequence, quality: u8) -> Vec<String> {
    let frames = a.frames.map_or(String::new(), |frames| format!(" --frames {frames}"));
    let model = a.model.as_deref().map_or(String::new(), |model| format!(" --model {model}"));
    let gop = match a.gop() {
        GopPolicy::Fixed(frames) => frames.to_string(),
        GopPolicy::All => "all".into(),
        GopPolicy::Auto { .. } => "auto".into(),
    };
    let preset = format!("{:?}", a.preset).to_lowercase();
    let between = a.reordering.b_frames;
    let input = &sequence.input;
    vec![
        format!(
            "vcn compress {input} -q {quality} --gop {gop} --b-frames {between} --preset {preset}{frames}{model} -o ours.vcn"
        ),
        format!("vcn decompress ours.vcn{model} -o decoded.y4m"),
    ]
}

/// What else the numbers depend on.
fn environment(a: &Arguments, codec: &vcn_codec::Codec, anchors: &Anchors) -> Vec<String> {
    let checkpoint = codec.checkpoint();
    let processor = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let gop = match a.gop() {
        GopPolicy::Fixed(frames) => format!("GOP of {frames} frames"),
        GopPolicy::All => "one GOP".into(),
        GopPolicy::Auto { .. } => "GOPs where the content decides".into(),
    };
    let mut lines = vec![
        format!("vcn {}, device {}, {} threads", env!("CARGO_PKG_VERSION"), codec.device(), threads()),
        format!("model {}, digest {}", checkpoint.name, hex(&checkpoint.digest())),
        format!("{:?} setting, {gop}, {} B-frames, preset {:?}", a.setting, a.reordering.b_frames, a.preset)
            .to_lowercase()
            .replace("gop", "GOP"),
    ];
    lines.extend(processor.map(|name| format!("processor {name}")));
    lines.extend(anchors.version().map(str::to_owned));
    lines
}

/// For `map_err` where a result cannot be written.
fn unwritable(path: &str) -> impl Fn(std::io::Error) -> Failure {
    Failure::io(path, "write")
}
