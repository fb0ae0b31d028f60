//! What two videos differ in, and whether coding alone does that.

use crate::distortion::Distortion;

/// PSNR of the worst frame and of the worst block of a copy, in decibels.
const FRAME: f32 = 24.0;
const BLOCK: f32 = 17.0;
/// How far the worst block may be below the mean, in decibels: what compression and scaling leave is spread over the
/// picture, what somebody put there is not. Copies down to crf 35 and half size reached 14.7, a grey patch on a grey road
/// 17.5.
const GAP: f32 = 16.0;
/// Largest error of a mean over a block, in code values, and in root mean squared errors of all: compression keeps means.
/// The same copies reached 18 and 2.9, the same patch 7.5 and 4.4, other patches more.
const MEAN: f32 = 22.0;
const MEAN_RATIO: f32 = 3.6;
/// An error of a mean that rounding makes, in code values.
const ROUNDING: f32 = 2.0;
/// Largest error of a mean of Cb or Cr over a block, in code values: copies down to crf 35 and half size reached 13.5.
const COLOUR: f32 = 16.0;

/// What is left of the differences once a registration is undone.
#[derive(Clone, Copy, Debug)]
pub struct Residual {
    /// Errors of luma over the part that both show.
    pub distortion: Distortion,
    /// Mean squared error over the better four fifths of the blocks: what a caption or a logo leaves as it is.
    pub typical: f32,
    /// The largest error of a mean over 8x8 samples of the thumbnail, in code values: what compression hardly touches
    /// and a caption, a logo or a patch does.
    pub worst_mean: f32,
    /// Mean squared error of Cb and Cr over the better four fifths of the blocks: what is left where somebody changed the
    /// colours of all the picture.
    pub typical_colour: f32,
    /// The largest error of a mean of Cb or Cr over the same 8x8 samples of luma, in code values.
    pub worst_colour: f32,
    /// Share of the one picture that the other shows.
    pub overlap: f32,
}

impl Residual {
    /// Of no frame at all.
    pub const NONE: Residual = Residual {
        distortion: Distortion { mean: 0.0, worst_frame: 0.0, worst_block: 0.0 },
        typical: 0.0,
        worst_mean: 0.0,
        typical_colour: 0.0,
        worst_colour: 0.0,
        overlap: 1.0,
    };

    /// Takes another frame into account, after so many: of means the mean, of `worst_mean`, `worst_colour` and `overlap` the
    /// worst.
    pub fn add(&mut self, frames: u64, other: Residual) {
        let before = frames as f32;
        let mean = |own: f32, others: f32| (own * before + others) / (before + 1.0);
        self.distortion = self.distortion.merge(frames, other.distortion, 1);
        self.typical = mean(self.typical, other.typical);
        self.typical_colour = mean(self.typical_colour, other.typical_colour);
        self.worst_mean = self.worst_mean.max(other.worst_mean);
        self.worst_colour = self.worst_colour.max(other.worst_colour);
        self.overlap = self.overlap.min(other.overlap);
    }

    /// Whether nothing is left that compression and scaling do not leave: the one is a copy of the other, and nobody put
    /// anything into it or took anything out.
    pub fn is_clean(&self) -> bool {
        self.is_clean_luma() && self.worst_colour <= COLOUR
    }

    /// The same for luma alone.
    pub fn is_clean_luma(&self) -> bool {
        let Residual { distortion, worst_mean, .. } = *self;
        let [mean, frame, block] =
            [distortion.mean, distortion.worst_frame, distortion.worst_block].map(Distortion::psnr);
        let mean_limit = (MEAN_RATIO * distortion.mean.sqrt()).clamp(ROUNDING, MEAN);
        // Where nothing is left but rounding, a gap says nothing.
        let spread = mean - block <= GAP || worst_mean <= ROUNDING;
        frame >= FRAME && block >= BLOCK && spread && worst_mean <= mean_limit
    }
}
