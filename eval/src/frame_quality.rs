//! All metrics of one frame, and their mean over a sequence.

use serde::{Deserialize, Serialize};
use vcn_media::{Rgb8, Yuv420};

use crate::error::{Error, Result};
use crate::{ms_ssim, psnr_rgb, psnr_yuv, worst_block_psnr};

/// Frame, counted from 1, from which [`SequenceQuality::drift`] is measured.
const DRIFT_FROM: usize = 10;

/// What is measured of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameQuality {
    /// PSNR over R, G and B in dB.
    pub psnr_rgb: f64,
    /// (6 Y + U + V) / 8 PSNR in dB, where 4:2:0 planes were given.
    pub psnr_yuv: Option<f64>,
    /// MS-SSIM of R, G and B, 0..=1.
    pub ms_ssim: f64,
    /// RGB PSNR in dB of the worst 16x16 block.
    pub worst_block: f64,
}

impl FrameQuality {
    /// Measures a decoded frame against its source; `yuv` is (source, decoded) as the codec saw and gave them.
    pub fn measure(source: &Rgb8, decoded: &Rgb8, yuv: Option<(&Yuv420, &Yuv420)>) -> Result<FrameQuality> {
        Ok(FrameQuality {
            psnr_rgb: psnr_rgb(source, decoded)?,
            psnr_yuv: yuv.map(|(source, decoded)| psnr_yuv(source, decoded)).transpose()?,
            ms_ssim: ms_ssim(source, decoded)?,
            worst_block: worst_block_psnr(source, decoded)?,
        })
    }
}

/// Means over the frames of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequenceQuality {
    /// Number of frames.
    pub frames: usize,
    /// Mean of the frames' RGB PSNRs in dB (identical frames count as [`crate::PSNR_CAP`]).
    pub psnr_rgb: f64,
    /// Mean of the frames' YUV PSNRs in dB, if every frame has one.
    pub psnr_yuv: Option<f64>,
    /// Mean MS-SSIM, 0..=1.
    pub ms_ssim: f64,
    /// Lowest PSNR in dB of any 16x16 block of any frame.
    pub worst_block: f64,
    /// RGB PSNR of the last frame minus that of the tenth, in dB; `None` up to ten frames. Negative is drift.
    pub drift: Option<f64>,
}

impl SequenceQuality {
    /// Averages the frames of a sequence, given in display order.
    pub fn of(frames: &[FrameQuality]) -> Result<SequenceQuality> {
        let last = frames.last().ok_or_else(|| Error::NoFrames { what: "sequence".into() })?;
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / frames.len() as f64;
        let yuv: Option<Vec<f64>> = frames.iter().map(|frame| frame.psnr_yuv).collect();
        let tenth = frames.get(DRIFT_FROM - 1).filter(|_| frames.len() > DRIFT_FROM);
        Ok(SequenceQuality {
            frames: frames.len(),
            psnr_rgb: mean(&mut frames.iter().map(|frame| frame.psnr_rgb)),
            psnr_yuv: yuv.map(|yuv| mean(&mut yuv.into_iter())),
            ms_ssim: mean(&mut frames.iter().map(|frame| frame.ms_ssim)),
            worst_block: frames.iter().map(|frame| frame.worst_block).fold(f64::INFINITY, f64::min),
            drift: tenth.map(|tenth| last.psnr_rgb - tenth.psnr_rgb),
        })
    }
}
