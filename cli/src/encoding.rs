//! From frames to a stream: what all compressing commands share.

use std::io::{self, Write};
use std::time::Instant;

use serde::Serialize;
use vcn_codec::container::{Header, Writer};
use vcn_codec::gop::GopPolicy;
use vcn_codec::{Codec, CodedFrame, Effort, GopSettings};
use vcn_eval::{bits_per_pixel, mse_yuv, psnr_from_mse, psnr_rgb};
use vcn_media::{Colour, FrameReader, Picture, VideoInfo, colour::best_for};

use crate::failure::Result;
use crate::frame_log::{FrameLine, FrameLogWriter};
use crate::gops::{Coded, Done, Gops};
use crate::progress::Progress;

/// How to encode.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Quality index, 0 to 63.
    pub quality: u8,
    /// Where GOPs begin.
    pub gop: GopPolicy,
    /// How hard to try.
    pub effort: Effort,
    /// How many frames may wait to be coded from both sides.
    pub between: u32,
    /// Colour of the stream, in place of what suits the first frame.
    pub colour: Option<Colour>,
}

impl Settings {
    /// Those of each GOP.
    pub fn of_gop(&self) -> GopSettings {
        let Settings { quality, effort, between, gop, .. } = *self;
        GopSettings { quality, effort, between, length: gop.length() }
    }
}

/// What an encoding came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Encoded {
    /// Quality index.
    pub quality: u8,
    /// Luma width.
    pub width: usize,
    /// Luma height.
    pub height: usize,
    /// Frames per second of the video.
    pub fps: f64,
    /// Number of frames.
    pub frames: u64,
    /// Number of GOPs.
    pub gops: u64,
    /// Size of the whole file.
    pub bytes: u64,
    /// Bits per pixel, everything included.
    pub bpp: f64,
    /// Kilobits (1000) per second of video, everything included.
    pub kbps: f64,
    /// Mean over frames of the RGB PSNR in dB.
    pub psnr_rgb: f64,
    /// Mean over frames of (6 Y + U + V) / 8 PSNR in dB.
    pub psnr_yuv: f64,
    /// Bits of motion in all frames.
    pub motion_bits: f64,
    /// Bits of residuals and intra frames.
    pub residual_bits: f64,
    /// Bits of side information.
    pub side_bits: f64,
    /// Time taken, reading and measuring included.
    pub seconds: f64,
    /// Frames encoded per second.
    pub encode_fps: f64,
    /// Time taken by the codec alone, writing the file included.
    pub codec_seconds: f64,
}

/// Encodes all frames of `reader` into a `.vcn` stream on `out`; memory is bounded whatever their number.
pub fn encode<W: Write>(
    codec: &Codec,
    reader: &mut dyn FrameReader,
    out: W,
    settings: Settings,
    log: &mut Option<FrameLogWriter>,
    progress: &Progress,
) -> Result<(Encoded, W)> {
    let started = Instant::now();
    let info = reader.info().clone();
    let (width, height) = (info.width, info.height);
    let mut next = reader.next()?;
    let colour = settings.colour.unwrap_or_else(|| natural_colour(&info, next.as_ref()));
    let header = Header {
        model: codec.checkpoint().digest(),
        width: width as u32,
        height: height as u32,
        fps: info.fps,
        colour,
        quality: settings.quality,
        metric: codec.checkpoint().metric,
    };
    let mut writer = Writer::new(Counted { inner: out, bytes: 0 }, &header)?;
    let mut gops = Gops::new(codec, [width, height], settings, false);
    let total =
        Encoded { quality: settings.quality, width, height, fps: info.fps.as_f64(), ..Default::default() };
    let mut tally = Tally { total, colour, log, progress };
    loop {
        let read = next.map(|picture| (picture.to_yuv420(colour), picture));
        let ended = read.is_none();
        let coding = Instant::now();
        let Done { records, coded } = match read {
            Some((frame, picture)) => gops.push(picture, frame)?,
            None => gops.finish()?,
        };
        for record in &records {
            writer.gop(record)?;
        }
        tally.total.codec_seconds += coding.elapsed().as_secs_f64();
        coded.into_iter().try_for_each(|coded| tally.add(coded))?;
        if ended {
            break;
        }
        next = reader.next()?;
    }
    tally.total.gops = gops.count();
    let coding = Instant::now();
    let Counted { inner, bytes } = writer.finish()?;
    tally.total.codec_seconds += coding.elapsed().as_secs_f64();
    let mut total = tally.total;
    total.close(bytes, started.elapsed().as_secs_f64());
    Ok((total, inner))
}

/// Y'CbCr keeps the colour it has; RGB gets the one in which its first frame loses least, since all have the same.
pub fn natural_colour(info: &VideoInfo, first: Option<&Picture>) -> Colour {
    match first {
        Some(Picture::Rgb(rgb)) => best_for(rgb),
        _ => info.colour,
    }
}

/// Adds up what frames come to.
struct Tally<'a> {
    total: Encoded,
    colour: Colour,
    log: &'a mut Option<FrameLogWriter>,
    progress: &'a Progress,
}

impl Tally<'_> {
    fn add(&mut self, Coded { gop, picture, frame, result }: Coded) -> Result<()> {
        let CodedFrame { log: cost, decoded, .. } = result;
        let planes @ [y, u, v] = mse_yuv(&frame, &decoded)?.map(psnr_from_mse);
        let decoded = Picture::from(decoded).to_rgb(self.colour);
        if let Some(log) = self.log {
            log.write(&FrameLine::new(self.total.frames, gop, &cost, planes))?;
        }
        let total = &mut self.total;
        total.frames += 1;
        total.psnr_rgb += psnr_rgb(&picture.to_rgb(self.colour), &decoded)?;
        total.psnr_yuv += (6.0 * y + u + v) / 8.0;
        total.motion_bits += cost.motion_bits;
        total.residual_bits += cost.residual_bits;
        total.side_bits += cost.side_bits;
        self.progress.frame();
        Ok(())
    }
}

impl Encoded {
    /// From sums to means and rates.
    fn close(&mut self, bytes: u64, seconds: f64) {
        let frames = self.frames.max(1) as f64;
        self.psnr_rgb /= frames;
        self.psnr_yuv /= frames;
        self.bytes = bytes;
        self.bpp = bits_per_pixel(bytes, self.width, self.height, self.frames.max(1) as usize);
        self.kbps = 8e-3 * bytes as f64 * self.fps / frames;
        self.seconds = seconds;
        self.encode_fps = frames / seconds.max(1e-9);
    }
}

/// Counts what is written.
struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
