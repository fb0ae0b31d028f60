//! One measurement of our codec.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use vcn_codec::Codec;
use vcn_eval::{FrameQuality, RdPoint, SequenceQuality};
use vcn_media::{Colour, Picture, Yuv420};

use super::{memory, sequence::Sequence, unwritable};
use crate::compute::threads;
use crate::decoding::Decoding;
use crate::encoding::{Settings, encode};
use crate::failure::{Failure, Result};
use crate::progress::Progress;
use crate::source::Source;

/// Encodes a sequence to a file in `folder`, decodes that file, and measures what comes back. Also gives the number of
/// frames.
pub fn point(
    codec: &Codec,
    sequence: &Sequence,
    settings: Settings,
    folder: &Path,
) -> Result<(RdPoint, usize)> {
    let path = folder.join("ours.vcn");
    let name = path.display().to_string();
    memory::forget_peak();
    let mut reader = sequence.open()?;
    let file = File::create(&path).map_err(unwritable(&name))?;
    let label = format!("{} at {}: encoding", sequence.name, settings.quality);
    let progress = Progress::new(&label, reader.info().frames);
    let (encoded, file) = encode(codec, reader.as_mut(), file, settings, &mut None, &progress)?;
    drop((file, progress));
    let bytes = fs::metadata(&path).map_err(Failure::io(&name, "read"))?.len();

    let (frames, seconds) = decoded(codec, sequence, settings.quality, &name)?;
    let quality = SequenceQuality::of(&frames)?;
    let size = (encoded.width, encoded.height);
    let point = RdPoint::measured(f64::from(settings.quality), bytes, size, &quality);
    let rate = |seconds: f64| Some(frames.len() as f64 / seconds.max(1e-9));
    let point = RdPoint {
        encode_fps: rate(encoded.codec_seconds),
        decode_fps: rate(seconds),
        peak_memory: memory::peak(),
        ..point
    };
    Ok((point, frames.len()))
}

/// The quality of every frame of a file, and the time that decoding took.
fn decoded(codec: &Codec, sequence: &Sequence, quality: u8, name: &str) -> Result<(Vec<FrameQuality>, f64)> {
    let mut reader = sequence.open()?;
    let mut source = Source::open(name)?;
    let header = source.header().clone();
    let label = format!("{} at {quality}: decoding", sequence.name);
    let progress = Progress::new(&label, source.frames());
    let mut measured = Measured { colour: header.colour, waiting: Vec::new(), frames: Vec::new() };
    let mut measuring = Duration::ZERO;
    let started = Instant::now();
    let measure = |number, frame| {
        let paused = Instant::now();
        let picture = reader.next()?.ok_or_else(|| {
            Failure::Other(format!("{}: has no frame {number} any more", sequence.input).into())
        })?;
        measured.push(picture, frame)?;
        progress.frame();
        measuring += paused.elapsed();
        Ok(())
    };
    Decoding::whole(codec, &header, name).run(source.gops(0..u64::MAX), measure, |_, outcome| outcome)?;
    let seconds = (started.elapsed() - measuring).as_secs_f64();
    measured.flush()?;
    Ok((measured.frames, seconds))
}

/// Measures as many frames at once as there are threads.
struct Measured {
    colour: Colour,
    waiting: Vec<(Picture, Yuv420)>,
    frames: Vec<FrameQuality>,
}

impl Measured {
    fn push(&mut self, source: Picture, decoded: Yuv420) -> Result<()> {
        self.waiting.push((source, decoded));
        if self.waiting.len() >= threads() { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let colour = self.colour;
        let one = |(source, decoded): (Picture, Yuv420)| {
            let (before, planes) = (source.to_rgb(colour), source.into_yuv420(colour));
            let decoded_planes = decoded.clone();
            let after = Picture::from(decoded).to_rgb(colour);
            FrameQuality::measure(&before, &after, Some((&planes, &decoded_planes)))
        };
        let qualities: Vec<vcn_eval::Result<FrameQuality>> =
            std::mem::take(&mut self.waiting).into_par_iter().map(one).collect();
        for quality in qualities {
            self.frames.push(quality?);
        }
        Ok(())
    }
}
