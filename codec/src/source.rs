//! A frame to be coded, in the forms that coding it needs.

use vcn_media::Yuv420;

use crate::codec::{Codec, Geometry};
use crate::integer::Values;
use crate::model::motion::STRIDE;
use crate::model::params::{ACTIVATION, PIXEL};
use crate::model::transform::{GREY, LUMA, PACKED};
use crate::packing::{pack, padded};

/// A frame in the forms that coding it needs.
pub(crate) struct Source {
    /// Padded to whole blocks.
    pub frame: Yuv420,
    /// As the networks see it.
    pub packed: Values,
}

impl Source {
    pub fn new(codec: &Codec, frame: &Yuv420, g: &Geometry) -> Source {
        let frame = padded(frame);
        let packed = codec.exec.tensor(&packed(&frame), [PACKED, g.site[0], g.site[1]]);
        Source { frame, packed }
    }

    /// Squared errors of the luma of a packed prediction, in grey levels, by site of the motion latent.
    pub fn motion_errors(&self, prediction: &[i32], g: &Geometry) -> Vec<f64> {
        let target = samples(&self.frame);
        let scale = 1.0 / f64::from(GREY_LEVEL * GREY_LEVEL);
        let [h, w] = g.site;
        let mut errors = vec![0i64; g.motion[0] * g.motion[1]];
        let maps = prediction.chunks_exact(h * w).zip(target.chunks_exact(h * w)).take(LUMA);
        for (site, (p, t)) in maps.flat_map(|(p, t)| p.iter().zip(t).enumerate()) {
            errors[site / w / STRIDE * g.motion[1] + site % w / STRIDE] += i64::from(p - t).pow(2);
        }
        errors.into_iter().map(|error| error as f64 * scale).collect()
    }
}

/// A grey level in format [`PIXEL`].
pub(crate) const GREY_LEVEL: i32 = (1 << PIXEL.frac) / GREY as i32;

/// A picture as predictions are, packed, format [`PIXEL`].
pub(crate) fn samples(frame: &Yuv420) -> Vec<i32> {
    pack(frame, |v| GREY_LEVEL * (i32::from(v) - 128))
}

/// A picture as the networks see it.
pub(crate) fn packed(frame: &Yuv420) -> Vec<i32> {
    let grey_level = (1 << ACTIVATION.frac) / GREY as i32;
    pack(frame, |v| grey_level * (v as i32 - 128))
}
