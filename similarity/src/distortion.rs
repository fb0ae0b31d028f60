//! How far decoded frames are from their source: on the whole, in the worst frame and in the worst block.

use serde::{Deserialize, Serialize};
use vcn_media::{Colour, Picture, Yuv420};

use crate::thumbnail::luma;

/// Side of the blocks among which the worst is looked for, in luma samples.
const BLOCK: usize = 16;

/// Mean squared errors, in squared code values: of luma, or of whichever plane is off most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distortion {
    /// Mean over all samples.
    pub mean: f32,
    /// Of the worst frame.
    pub worst_frame: f32,
    /// Of the worst block of 16x16 samples.
    pub worst_block: f32,
}

impl Distortion {
    /// A squared error as a peak signal-to-noise ratio in decibels; infinite for 0.
    pub fn psnr(mse: f32) -> f32 {
        10.0 * (255.0 * 255.0 / mse).log10()
    }

    /// Takes another run of frames into account: `frames` and `others` are their numbers.
    #[must_use]
    pub fn merge(self, frames: u64, other: Distortion, others: u64) -> Distortion {
        let total = (frames + others).max(1) as f64;
        let sum = f64::from(self.mean) * frames as f64 + f64::from(other.mean) * others as f64;
        Distortion {
            mean: (sum / total) as f32,
            worst_frame: self.worst_frame.max(other.worst_frame),
            worst_block: self.worst_block.max(other.worst_block),
        }
    }

    /// The distortion of luma over a run of frames of one size. RGB is compared in `colour`.
    pub fn of(source: &[Picture], decoded: &[Picture], colour: Colour) -> Distortion {
        let mut total = Distortion::default();
        for (index, (source, decoded)) in source.iter().zip(decoded).enumerate() {
            let (width, height) = source.size();
            let frame = Distortion::of_planes(&luma(source, colour), &luma(decoded, colour), width, height);
            total = total.merge(index as u64, frame, 1);
        }
        total
    }

    /// The distortion of luma of a single frame of `width` x `height` samples.
    pub fn of_planes(a: &[u8], b: &[u8], width: usize, height: usize) -> Distortion {
        let (mean, worst_block) = planes(a, b, width, height, BLOCK);
        Distortion { mean, worst_frame: mean, worst_block }
    }

    /// The distortion between two pictures of one size, each part of it of the plane that is off most there: somebody may
    /// have changed nothing but colours. Blocks of chroma cover what those of luma do.
    pub fn between(a: &Yuv420, b: &Yuv420) -> Distortion {
        let luma = planes(&a.y, &b.y, a.width, a.height, BLOCK);
        let (width, height) = (a.chroma_width(), a.chroma_height());
        let chroma = [(&a.u, &b.u), (&a.v, &b.v)].map(|(a, b)| planes(a, b, width, height, BLOCK / 2));
        let (mean, worst_block) = chroma
            .into_iter()
            .fold(luma, |(mean, block), plane| (f32::max(mean, plane.0), f32::max(block, plane.1)));
        Distortion { mean, worst_frame: mean, worst_block }
    }
}

/// Mean squared error of two planes, and that of the worst block of this side.
fn planes(a: &[u8], b: &[u8], width: usize, height: usize, side: usize) -> (f32, f32) {
    let columns = width.div_ceil(side).max(1);
    let mut sum = 0u64;
    let mut worst = 0f32;
    for top in (0..height).step_by(side) {
        let rows = side.min(height - top);
        let mut blocks = vec![0u64; columns];
        for row in top..top + rows {
            let line = row * width..(row + 1) * width;
            let (Some(a), Some(b)) = (a.get(line.clone()), b.get(line)) else { continue };
            for (x, (a, b)) in a.iter().zip(b).enumerate() {
                blocks[x / side] += u64::from(a.abs_diff(*b)).pow(2);
            }
        }
        for (column, block) in blocks.iter().enumerate() {
            let samples = rows * side.min(width - column * side);
            worst = worst.max(*block as f32 / samples as f32);
            sum += block;
        }
    }
    (sum as f32 / (width * height).max(1) as f32, worst)
}
