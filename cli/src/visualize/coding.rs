//! Codes a video, keeping what there is to see.

use std::collections::VecDeque;

use image::RgbImage;
use vcn_codec::{Codec, CodedFrame, FrameKind, FrameLog, Inspection, MOST_SKIPPED};
use vcn_eval::psnr_rgb;
use vcn_media::{FrameReader, Picture, Rgb8};

use super::fit::fitted;
use crate::encoding::{Settings, natural_colour};
use crate::failure::{Failure, Result};
use crate::gops::{self, Gops};
use crate::progress::Progress;

/// A coded video.
pub struct Coded {
    /// The frame that was asked for; `None` if the video ends before it.
    pub shown: Option<Shown>,
    /// All frames, for the animation.
    pub panels: Vec<Panel>,
    /// Frames per second.
    pub fps: f64,
}

/// An inter frame and what became of it.
pub struct Shown {
    /// Its number.
    pub number: u64,
    /// Number of the earlier frame that it was predicted from.
    pub before: u64,
    /// Source of that frame.
    pub first: Rgb8,
    /// Source.
    pub second: Rgb8,
    /// What it was coded with.
    pub inspection: Inspection,
    /// What it was predicted to be.
    pub prediction: Rgb8,
    /// Decoded.
    pub decoded: Rgb8,
    /// RGB PSNR of the prediction in dB.
    pub prediction_psnr: f64,
    /// RGB PSNR in dB.
    pub psnr: f64,
    /// What it cost.
    pub log: FrameLog,
}

/// A frame in the animation.
pub struct Panel {
    /// Source.
    pub source: RgbImage,
    /// Decoded.
    pub decoded: RgbImage,
    /// What it cost.
    pub log: FrameLog,
    /// RGB PSNR in dB.
    pub psnr: f64,
    /// Samples of the frame in the video.
    pub pixels: usize,
}

/// Codes all frames of `reader`; `wanted` is taken apart.
pub fn run(codec: &Codec, reader: &mut dyn FrameReader, settings: Settings, wanted: u64) -> Result<Coded> {
    let info = reader.info().clone();
    let mut next = reader.next()?;
    let colour = settings.colour.unwrap_or_else(|| natural_colour(&info, next.as_ref()));
    let mut gops = Gops::new(codec, [info.width, info.height], settings, true);
    let progress = Progress::new("coding", info.frames);
    let mut coded = Coded { shown: None, panels: Vec::new(), fps: info.fps.as_f64() };
    // Sources of the last frames, as far back as motion leads.
    let mut sources: VecDeque<Rgb8> = VecDeque::new();
    let mut number = 0;
    loop {
        let read = next.map(|picture| (picture.to_yuv420(colour), picture));
        let ended = read.is_none();
        let done = match read {
            Some((frame, picture)) => gops.push(picture, frame)?,
            None => gops.finish()?,
        };
        for gops::Coded { picture, result, .. } in done.coded {
            let CodedFrame { log, decoded, inspection } = result;
            let source = picture.to_rgb(colour);
            let decoded = Picture::from(decoded).to_rgb(colour);
            let psnr = psnr_rgb(&source, &decoded)?;
            if number == wanted {
                let inspection = inspection.ok_or_else(|| no_motion(number, log.kind))?;
                let distance = inspection.distance as usize;
                let prediction = Picture::from(inspection.prediction.clone()).to_rgb(colour);
                coded.shown = Some(Shown {
                    number,
                    before: number.saturating_sub(distance as u64),
                    first: sources[sources.len().saturating_sub(distance)].clone(),
                    second: source.clone(),
                    inspection,
                    prediction_psnr: psnr_rgb(&source, &prediction)?,
                    prediction,
                    decoded: decoded.clone(),
                    psnr,
                    log: log.clone(),
                });
            }
            let pixels = info.width * info.height;
            coded.panels.push(Panel {
                source: fitted(&image(&source)),
                decoded: fitted(&image(&decoded)),
                log,
                psnr,
                pixels,
            });
            if sources.len() > MOST_SKIPPED as usize {
                sources.pop_front();
            }
            sources.push_back(source);
            number += 1;
            progress.frame();
        }
        if ended {
            break;
        }
        next = reader.next()?;
    }
    Ok(coded)
}

/// Why there is nothing to show of a frame.
fn no_motion(number: u64, kind: FrameKind) -> Failure {
    let reason = match kind {
        FrameKind::Intra => "begins a GOP and has no motion",
        _ => "repeats the frame before and has no motion of its own",
    };
    Failure::Usage(format!("--frame {number}: {reason}: choose another, or other GOPs (--gop)"))
}

/// A picture as the drawing functions take it.
pub fn image(picture: &Rgb8) -> RgbImage {
    let (width, height) = (picture.width as u32, picture.height as u32);
    // The picture's own promise is that its data has this length.
    RgbImage::from_raw(width, height, picture.data.clone()).unwrap_or_else(|| RgbImage::new(width, height))
}
