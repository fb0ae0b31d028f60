//! The sequence that anchors code, spooled to disk as RGB and as 4:2:0.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use vcn_media::{Chroma, Colour, Matrix, Range, Rational, Rgb8, Yuv420};

use super::ffmpeg;
use super::raw::{RawReader, rgb_bytes, yuv_bytes};
use crate::error::{Error, Result};
use crate::psnr_rgb;

/// Frames on which the conversions are compared.
const TRIAL_FRAMES: usize = 8;

/// How ffmpeg's swscale converts RGB to 4:2:0 and back.
///
/// Neither always wins. Footage that was 4:2:0 with repeated chroma before it became RGB (BasketballPass as OpenDVC
/// distributes it) survives [`Conversion::Plain`] at 44.9 dB and [`Conversion::Accurate`] at 40.9 dB, worth 0.15 dB
/// behind an encoder at 31 dB. So both are tried without an encoder and the better is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// `bicubic`: what ffmpeg does unasked.
    Plain,
    /// `bicubic+accurate_rnd+full_chroma_int+full_chroma_inp`.
    Accurate,
}

impl Conversion {
    fn flags(self) -> &'static str {
        match self {
            Conversion::Plain => "bicubic",
            Conversion::Accurate => "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp",
        }
    }
}

/// What RGB becomes on its way to an anchor: BT.601 limited range, ffmpeg's own choice. BT.709 and full range were
/// measured too and are no better for the anchors.
const RGB_COLOUR: Colour = Colour { matrix: Matrix::Bt601, range: Range::Limited, chroma: Chroma::Bilinear };

/// A sequence ready to be coded. Its files live as long as the folder they are in.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name of the sequence.
    pub name: String,
    /// Width in pixels, even.
    pub width: usize,
    /// Height in pixels, even.
    pub height: usize,
    /// Number of frames, at least 1.
    pub frames: usize,
    /// Frames per second.
    pub fps: Rational,
    /// Conversion between RGB and 4:2:0.
    pub conversion: Conversion,
    /// Command lines that made the spooled files.
    pub commands: Vec<String>,
    pub(super) colour: Colour,
    pub(super) rgb: PathBuf,
    pub(super) yuv: PathBuf,
}

/// Receives the frames of a sequence, all RGB or all 4:2:0.
pub struct SourceWriter {
    program: PathBuf,
    folder: PathBuf,
    name: String,
    fps: Rational,
    size: (usize, usize),
    frames: usize,
    yuv_colour: Option<Colour>,
    path: PathBuf,
    file: BufWriter<File>,
}

impl SourceWriter {
    pub(super) fn create(
        program: &Path,
        folder: &Path,
        name: &str,
        size: (usize, usize),
        fps: Rational,
        yuv_colour: Option<Colour>,
    ) -> Result<SourceWriter> {
        let (width, height) = size;
        if width % 2 == 1 || height % 2 == 1 {
            return Err(Error::OddSize { width, height });
        }
        if fps.num == 0 || fps.den == 0 {
            return Err(Error::FrameRate { num: fps.num, den: fps.den });
        }
        let path = folder.join(if yuv_colour.is_some() { "source.yuv" } else { "source.rgb" });
        let file = BufWriter::with_capacity(1 << 18, File::create(&path).map_err(Error::io(&path))?);
        let (program, folder, name) = (program.into(), folder.into(), name.into());
        Ok(SourceWriter { program, folder, name, fps, size, frames: 0, yuv_colour, path, file })
    }

    /// Appends an RGB frame.
    pub fn push_rgb(&mut self, frame: &Rgb8) -> Result<()> {
        let kind = if self.yuv_colour.is_some() { "a 4:2:0 frame" } else { "an RGB frame" };
        let right = self.yuv_colour.is_none() && frame.data.len() == rgb_bytes(self.size.0, self.size.1);
        self.check(right, (frame.width, frame.height), kind, "an RGB frame")?;
        self.append(&[&frame.data])
    }

    /// Appends a 4:2:0 frame.
    pub fn push_yuv(&mut self, frame: &Yuv420) -> Result<()> {
        let kind = if self.yuv_colour.is_some() { "a 4:2:0 frame" } else { "an RGB frame" };
        let bytes = frame.y.len() + frame.u.len() + frame.v.len();
        let right = self.yuv_colour.is_some() && bytes == yuv_bytes(self.size.0, self.size.1);
        self.check(right, (frame.width, frame.height), kind, "a 4:2:0 frame")?;
        self.append(&[&frame.y, &frame.u, &frame.v])
    }

    fn check(&self, right: bool, size: (usize, usize), expected: &str, found: &str) -> Result<()> {
        if right && size == self.size {
            return Ok(());
        }
        Err(Error::SizeMismatch {
            what: "frame of an anchor's source",
            expected: format!("{expected} of {}x{}", self.size.0, self.size.1),
            found: format!("{found} of {}x{}", size.0, size.1),
        })
    }

    fn append(&mut self, planes: &[&[u8]]) -> Result<()> {
        for plane in planes {
            self.file.write_all(plane).map_err(Error::io(&self.path))?;
        }
        self.frames += 1;
        Ok(())
    }

    /// Ends the sequence and makes the other of the two spooled files.
    pub fn finish(mut self) -> Result<Source> {
        self.file.flush().map_err(Error::io(&self.path))?;
        if self.frames == 0 {
            return Err(Error::NoFrames { what: self.name });
        }
        let mut source = Source {
            name: self.name,
            width: self.size.0,
            height: self.size.1,
            frames: self.frames,
            fps: self.fps,
            conversion: Conversion::Accurate,
            commands: Vec::new(),
            colour: self.yuv_colour.unwrap_or(RGB_COLOUR),
            rgb: self.folder.join("source.rgb"),
            yuv: self.folder.join("source.yuv"),
        };
        let (rgb, yuv) = (source.rgb.clone(), source.yuv.clone());
        let run = if self.yuv_colour.is_some() {
            ffmpeg::run(&self.program, &self.folder, &source.to_rgb(&yuv, &rgb))?
        } else {
            source.choose_conversion(&self.program, &self.folder)?;
            ffmpeg::run(&self.program, &self.folder, &source.to_yuv(&rgb, &yuv, source.frames))?
        };
        source.commands.push(run.command);
        Ok(source)
    }
}

impl Source {
    /// Takes the conversion that loses less on the first frames when nothing is coded.
    fn choose_conversion(&mut self, program: &Path, folder: &Path) -> Result<()> {
        let frames = self.frames.min(TRIAL_FRAMES);
        let (yuv, rgb) = (folder.join("trial.yuv"), folder.join("trial.rgb"));
        let mut best = f64::NEG_INFINITY;
        for conversion in [Conversion::Plain, Conversion::Accurate] {
            let trial = Source { conversion, ..self.clone() };
            ffmpeg::run(program, folder, &trial.to_yuv(&self.rgb, &yuv, frames))?;
            ffmpeg::run(program, folder, &trial.to_rgb(&yuv, &rgb))?;
            let mut before = self.reader(&self.rgb, rgb_bytes, self.frames)?;
            let mut after = self.reader(&rgb, rgb_bytes, frames)?;
            let mut sum = 0.0;
            for _ in 0..frames {
                sum += psnr_rgb(&before.rgb()?, &after.rgb()?)?;
            }
            if sum > best {
                (best, self.conversion) = (sum, conversion);
            }
        }
        for trial in [yuv, rgb] {
            std::fs::remove_file(&trial).map_err(Error::io(&trial))?;
        }
        Ok(())
    }

    pub(super) fn reader(
        &self,
        path: &Path,
        frame_bytes: impl Fn(usize, usize) -> usize,
        frames: usize,
    ) -> Result<RawReader> {
        RawReader::open(path, (self.width, self.height), frame_bytes(self.width, self.height), frames)
    }

    /// Options that read a raw file of this sequence.
    pub(super) fn input(&self, format: &str, path: &Path) -> Vec<String> {
        let Source { width, height, fps, .. } = self;
        let mut input: Vec<String> = format!(
            "-f rawvideo -pix_fmt {format} -video_size {width}x{height} -framerate {}/{} -i",
            fps.num, fps.den
        )
        .split(' ')
        .map(str::to_owned)
        .collect();
        input.push(path.display().to_string());
        input
    }

    fn to_yuv(&self, from: &Path, to: &Path, frames: usize) -> Vec<String> {
        let mut arguments = self.input("rgb24", from);
        arguments.extend(["-frames:v".into(), frames.to_string(), "-vf".into(), self.scale("out")]);
        arguments.extend(["-f", "rawvideo", "-pix_fmt", "yuv420p"].map(str::to_owned));
        arguments.push(to.display().to_string());
        arguments
    }

    /// Options that convert 4:2:0 of this sequence to RGB.
    pub(super) fn to_rgb(&self, from: &Path, to: &Path) -> Vec<String> {
        let mut arguments = self.input("yuv420p", from);
        arguments.extend(["-vf".into(), self.scale("in")]);
        arguments.extend(["-f", "rawvideo", "-pix_fmt", "rgb24"].map(str::to_owned));
        arguments.push(to.display().to_string());
        arguments
    }

    fn scale(&self, side: &str) -> String {
        let matrix = match self.colour.matrix {
            Matrix::Bt709 => "bt709",
            Matrix::Bt601 => "bt601",
        };
        let range = match self.colour.range {
            Range::Full => "full",
            Range::Limited => "limited",
        };
        format!("scale={side}_color_matrix={matrix}:{side}_range={range}:flags={}", self.conversion.flags())
    }
}
