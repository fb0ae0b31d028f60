//! `vcn demo`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use vcn_codec::gop::GopPolicy;
use vcn_codec::{Codec, Effort, GopSettings};
use vcn_eval::{FrameQuality, SequenceQuality};
use vcn_media::{AtomicFile, CreateOptions, FrameReader, OpenOptions, Picture, Rgb8, create, open};

use crate::compute::{Compute, threads};
use crate::decoding::{Decoding, info};
use crate::encoding::{Encoded, Settings, encode};
use crate::failure::{Failure, Result};
use crate::models::{self, Metric};
use crate::print::{Stream, bytes};
use crate::progress::Progress;
use crate::source::{Gop, Source};

/// What the licence of the embedded sample asks to be kept.
const NOTICE: &str = include_str!("../../tests/data/clip_driving_416x240/LICENSE");

/// Arguments of `vcn demo`.
#[derive(Args)]
pub struct Arguments {
    /// A video to show instead of the built-in sample: anything that vcn compress reads.
    input: Option<String>,
    /// Folder for the stream and the pictures.
    #[arg(short, long, value_name = "FOLDER", default_value = "vcn-demo")]
    output: PathBuf,
    /// From 0, the smallest file, to 63, the best picture.
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u8).range(0..=63))]
    quality: u8,
    /// Frames to show at most.
    #[arg(long, value_name = "N", default_value_t = 48, value_parser = clap::value_parser!(u64).range(1..))]
    frames: u64,
    /// A model by name or file.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    /// Replace the files of an earlier demo.
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    compute: Compute,
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    let checkpoint = models::for_encoding(a.model.as_deref(), Metric::Psnr)?;
    let folder = Folder::new(&a)?;
    let codec = a.compute.open(checkpoint)?;
    let source = match &a.input {
        Some(input) => input.clone(),
        None => folder.write_sample()?,
    };
    let options = OpenOptions { limit: Some(a.frames), ..Default::default() };
    let reader = open(&source, options)?;
    let encoded = compress(&codec, &a, &folder, reader)?;
    let decoded = decompress(&codec, &folder, encoded.frames, a.overwrite)?;
    let quality = compare(
        &folder,
        open(&source, options)?,
        open(&folder.name("decoded.y4m"), OpenOptions::default())?,
        a.overwrite,
    )?;
    Stream::Out.text(&screen(&a, &folder, &codec, &encoded, &decoded, &quality))
}

/// Where everything goes.
struct Folder(PathBuf);

impl Folder {
    fn new(a: &Arguments) -> Result<Folder> {
        let folder = Folder(a.output.clone());
        let name = a.output.display().to_string();
        fs::create_dir_all(&a.output).map_err(Failure::io(&name, "create"))?;
        let mut entries = fs::read_dir(&a.output).map_err(Failure::io(&name, "read"))?;
        if !a.overwrite && entries.next().is_some() {
            return Err(vcn_media::Error::Exists { path: a.output.clone() }.into());
        }
        Ok(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Writes the embedded pictures, with their notice.
    fn write_sample(&self) -> Result<String> {
        if models::sample().is_empty() {
            return Err(Failure::Usage("no sample is built in: name a video to show".into()));
        }
        let write = |path: &Path, contents: &[u8]| AtomicFile::write(path, contents, true);
        let folder = self.path("source");
        let name = folder.display().to_string();
        fs::create_dir_all(&folder).map_err(Failure::io(&name, "create"))?;
        for (frame, contents) in models::sample() {
            write(&folder.join(format!("{frame}.png")), contents)?;
        }
        write(&folder.join("LICENSE"), NOTICE.as_bytes())?;
        Ok(name)
    }
}

fn compress(
    codec: &Codec,
    a: &Arguments,
    folder: &Folder,
    mut reader: Box<dyn FrameReader>,
) -> Result<Encoded> {
    let progress = Progress::new("compressing", reader.info().frames);
    let settings = Settings {
        quality: a.quality,
        gop: GopPolicy::default(),
        effort: Effort::default(),
        between: GopSettings::default().between,
        colour: None,
    };
    let file = AtomicFile::create(folder.path("demo.vcn"), a.overwrite)?;
    let (encoded, file) = encode(codec, reader.as_mut(), file, settings, &mut None, &progress)?;
    file.commit()?;
    Ok(encoded)
}

/// What decoding the file came to.
struct Decoded {
    gops: usize,
    frames: u64,
    fps: f64,
}

/// Decodes the file that was written, every checksum compared.
fn decompress(codec: &Codec, folder: &Folder, frames: u64, overwrite: bool) -> Result<Decoded> {
    let path = folder.name("demo.vcn");
    let mut source = Source::open(&path)?;
    let header = source.header().clone();
    let mut writer =
        create(&folder.name("decoded.y4m"), &info(&header, Some(frames)), CreateOptions { overwrite })?;
    let progress = Progress::new("decompressing", Some(frames));
    let started = Instant::now();
    let mut decoded = Decoded { gops: 0, frames: 0, fps: 0.0 };
    let write = |_, frame| {
        decoded.frames += 1;
        progress.frame();
        Ok(writer.write(&Picture::from(frame))?)
    };
    let count = |_: &Gop, outcome: Result<()>| {
        decoded.gops += 1;
        outcome
    };
    Decoding::whole(codec, &header, &path).run(source.gops(0..u64::MAX), write, count)?;
    writer.finish()?;
    decoded.fps = decoded.frames as f64 / started.elapsed().as_secs_f64().max(1e-9);
    Ok(decoded)
}

/// Measures all frames, and writes the first and the last beside their sources.
fn compare(
    folder: &Folder,
    mut source: Box<dyn FrameReader>,
    mut decoded: Box<dyn FrameReader>,
    overwrite: bool,
) -> Result<SequenceQuality> {
    let progress = Progress::new("comparing", source.info().frames);
    let (colour, decoded_colour) = (source.info().colour, decoded.info().colour);
    let mut frames = Vec::new();
    let mut shown = Vec::new();
    while let (Some(first), Some(second)) = (source.next()?, decoded.next()?) {
        let pair = (first.to_rgb(colour), second.to_rgb(decoded_colour));
        // A source of RGB was coded in the stream's colour; other samples keep their values.
        let yuv = (first.into_yuv420(decoded_colour), second.into_yuv420(decoded_colour));
        frames.push(FrameQuality::measure(&pair.0, &pair.1, Some((&yuv.0, &yuv.1)))?);
        shown.truncate(1);
        shown.push(pair);
        progress.frame();
    }
    let sheet = sheet(&shown)?;
    let picture_info =
        vcn_media::VideoInfo { width: sheet.width, height: sheet.height, ..source.info().clone() };
    let mut writer = create(&folder.name("side-by-side.png"), &picture_info, CreateOptions { overwrite })?;
    writer.write(&Picture::from(sheet))?;
    writer.finish()?;
    Ok(SequenceQuality::of(&frames)?)
}

/// A row for each pair: source, decoded, four times their difference.
fn sheet(pairs: &[(Rgb8, Rgb8)]) -> Result<Rgb8> {
    let mut data = Vec::new();
    let (mut width, mut height) = (0, 0);
    for (source, decoded) in pairs {
        width = 3 * source.width;
        height += source.height;
        let difference: Vec<u8> = source
            .data
            .iter()
            .zip(&decoded.data)
            .map(|(&a, &b)| (128 + 4 * (i32::from(b) - i32::from(a))).clamp(0, 255) as u8)
            .collect();
        let row = 3 * source.width;
        for y in 0..source.height {
            for part in [&source.data, &decoded.data, &difference] {
                data.extend_from_slice(&part[y * row..][..row]);
            }
        }
    }
    Ok(Rgb8::new(width, height, data)?)
}

fn screen(
    a: &Arguments,
    folder: &Folder,
    codec: &Codec,
    e: &Encoded,
    d: &Decoded,
    q: &SequenceQuality,
) -> String {
    let raw = e.frames * (e.width * e.height + 2 * e.width.div_ceil(2) * e.height.div_ceil(2)) as u64;
    let video = match &a.input {
        Some(input) => input.clone(),
        None => "built-in sample (driving, Udacity, MIT licence)".into(),
    };
    let model = codec.checkpoint();
    let agreed = if d.frames == e.frames {
        "the decoder's frames are the encoder's, bit by bit"
    } else {
        "frames are MISSING"
    };
    format!(
        "vcn demo: {video}\n\
         \n\
         video      {frames} frames {width}x{height} at {fps} fps\n\
         model      {name}, quality {quality} of 63\n\
         size       {size} instead of {raw} (4:2:0), 1 : {ratio:.0}\n\
         rate       {bpp:.4} bits per pixel, {kbps:.1} kbit/s\n\
         quality    PSNR {psnr:.2} dB RGB, {yuv:.2} dB YUV; MS-SSIM {ssim:.4}; worst block {worst:.1} dB\n\
         speed      encoder {enc:.2}, decoder {dec:.2} frames per second on {device} with {threads} threads\n\
         check      {gops} GOPs, {decoded} frames: {agreed}\n\
         \n\
         stream     {stream}\n\
         pictures   {sheet}\n           \
         first and last frame: source | decoded | difference x 4\n\
         decoded    {y4m}",
        frames = e.frames,
        width = e.width,
        height = e.height,
        fps = e.fps,
        name = model.name,
        quality = e.quality,
        size = bytes(e.bytes),
        raw = bytes(raw),
        ratio = raw as f64 / e.bytes.max(1) as f64,
        bpp = e.bpp,
        kbps = e.kbps,
        psnr = q.psnr_rgb,
        yuv = q.psnr_yuv.unwrap_or(e.psnr_yuv),
        ssim = q.ms_ssim,
        worst = q.worst_block,
        enc = e.encode_fps,
        dec = d.fps,
        device = codec.device(),
        threads = threads(),
        gops = d.gops,
        decoded = d.frames,
        stream = folder.name("demo.vcn"),
        sheet = folder.name("side-by-side.png"),
        y4m = folder.name("decoded.y4m"),
    )
}
