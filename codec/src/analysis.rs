//! Latents of single pictures, before quantisation: for what compares pictures rather than codes them.

use vcn_media::Yuv420;

use crate::Result;
use crate::codec::{Codec, Geometry};
use crate::encoder::{Told, analysed};
use crate::model::{intra, motion};
use crate::packing::padded;
use crate::source::Source;

/// The quality at which the transforms look at a picture.
const QUALITY: i8 = 32;

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
        let source = Source::new(self, picture, &g);
        let parts = self.model.intra.analyse(&self.exec, &source.packed, &self.plane(QUALITY));
        let values = analysed(&self.exec, parts);
        Analysis { channels: intra::KEPT.channels(), height: g.block[0], width: g.block[1], values }
    }

    /// What the motion transform makes of the motion from the picture `before`: a latent at 1/32 of its size.
    ///
    /// # Errors
    /// If the pictures are of different sizes.
    pub fn analyse_motion(&self, picture: &Yuv420, before: &Yuv420) -> Result<Analysis> {
        let g = Geometry::new(before.width, before.height);
        g.check(picture)?;
        let source = Source::new(self, picture, &g);
        let told = Told::analyse(self, &source, &padded(before), QUALITY, 1.0, &g);
        Ok(Analysis { channels: motion::CHANNELS, height: g.motion[0], width: g.motion[1], values: told.y })
    }
}
