//! Latents of single pictures, before quantisation: for what compares pictures rather than codes them.

use vcn_media::Yuv420;

use crate::codec::{Codec, Geometry, activation, warped};
use crate::encoder::{packed, searched, sum};
use crate::model::transform::PACKED;
use crate::model::{lambda, motion};
use crate::packing::padded;
use crate::{Result, model};

/// The quality at which the transforms look at a picture.
const QUALITY: u8 = 32;

/// A latent `[channels, height, width]` in row-major order, in units of 1/256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// Number of channels: for an intra latent those of luma come first, each plane from low to high frequency.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// The values.
    pub values: Vec<i32>,
}

impl Codec {
    /// What the intra transform makes of a picture: a latent at 1/16 of its size.
    pub fn analyse_intra(&self, picture: &Yuv420) -> Analysis {
        let g = Geometry::new(picture.width, picture.height);
        let x = self.exec.tensor(&packed(&padded(picture)), [PACKED, g.site[0], g.site[1]]);
        let [a, b] = self.model.intra.analyse(&self.exec, &x, &self.plane(QUALITY));
        let values = sum(self.exec.integers(a), self.exec.integers(b));
        Analysis { channels: model::intra::KEPT.channels(), height: g.block[0], width: g.block[1], values }
    }

    /// What the motion transform makes of the motion from the picture `before`: a latent at 1/32 of its size.
    ///
    /// # Errors
    /// If the pictures are of different sizes.
    pub fn analyse_motion(&self, picture: &Yuv420, before: &Yuv420) -> Result<Analysis> {
        let g = Geometry::new(before.width, before.height);
        g.check(picture)?;
        let [h, w] = g.site;
        let (picture, before) = (padded(picture), padded(before));
        let flow = searched(&picture, &before, lambda(QUALITY as f32));
        let x = self.exec.tensor(&packed(&picture), [PACKED, h, w]);
        let seen = self.exec.tensor(&activation(&warped(&before, &flow)), [PACKED, h, w]);
        let flow = self.exec.tensor(&flow.data, [2, h, w]);
        let [a, b] = self.model.inter.motion.analyse(&self.exec, &flow, &x, &seen, &self.plane(QUALITY));
        let values = sum(self.exec.integers(a), self.exec.integers(b));
        Ok(Analysis { channels: motion::CHANNELS, height: g.motion[0], width: g.motion[1], values })
    }
}
