//! A frame to be coded, and how far what would be shown is from it.

use burn::tensor::Tensor;
use vcn_media::Yuv420;

use crate::codec::{Codec, Geometry};
use crate::container::Metric;
use crate::keep::site_errors;
use crate::model::motion::STRIDE;
use crate::model::params::{ACTIVATION, PIXEL};
use crate::model::transform::{GREY, LUMA, PACKED, SAMPLE_WEIGHTS, packed_plane};
use crate::ms_ssim::{Structure, WORTH};
use crate::packing::{SITE, pack, pack_planes, padded};
use crate::sensitivity::Sensitivity;
use crate::warp::Plane;

/// A frame in the forms that coding it needs.
pub(crate) struct Source {
    /// Padded to whole blocks.
    pub frame: Yuv420,
    /// As the networks see it.
    pub packed: Tensor<4>,
    /// For models whose metric is MS-SSIM: what pictures are compared with, and what errors count.
    structure: Option<(Structure, Sensitivity)>,
}

/// What was seen of a picture beside its source.
pub(crate) struct Judgement {
    /// Squared error in grey levels, as in RGB, or what is lost in MS-SSIM by its [`WORTH`]; summed over all samples.
    pub distortion: f64,
    /// What is missing in the picture, packed, as the networks see it.
    pub missing: Vec<i32>,
}

/// What [`Source::pace`] is counted in: so many binary digits of a whole.
pub(crate) const PACE_BITS: u32 = 5;

impl Source {
    pub fn new(codec: &Codec, frame: &Yuv420, g: &Geometry) -> Source {
        let frame = padded(frame);
        let packed = codec.exec.tensor(&packed(&frame), [PACKED, g.site[0], g.site[1]]);
        let structure = (codec.checkpoint().metric == Metric::MsSsim).then(|| {
            (
                Structure::new(planes(&frame), [frame.height, frame.width]),
                Sensitivity::new(&Plane::luma(&frame)),
            )
        });
        Source { frame, packed, structure }
    }

    /// The share of what is missing that is to be added at once. MS-SSIM is no parabola: longer steps overshoot (five single
    /// frames, ten rounds: with 1/10 -11 % of rate, with 1/2 nothing).
    pub fn pace(&self) -> i32 {
        if self.structure.is_some() { 3 } else { 16 }
    }

    /// How far a padded picture is from the source by the model's metric.
    pub fn judge(&self, shown: &Yuv420) -> Judgement {
        let Some((structure, sensitivity)) = &self.structure else {
            let missing = packed(&self.frame).into_iter().zip(packed(shown)).map(|(a, b)| a - b);
            return Judgement {
                distortion: site_errors(&self.frame, shown).iter().sum(),
                missing: missing.collect(),
            };
        };
        let worth = WORTH * (shown.width * shown.height) as f32;
        let compared = structure.compare(planes(shown));
        // The error that would have this slope if errors counted what they do in the mean of their block: D = s e^2.
        let half = 0.5 * worth * (1 << ACTIVATION.frac) as f32 / GREY;
        let (h, w) = (shown.height / SITE, shown.width / SITE);
        let slopes = pack_planes(compared.slopes.each_ref().map(Vec::as_slice), h, w, |slope| half * slope);
        let limit = ACTIVATION.max() as f32;
        let error = |(i, slope): (usize, f32)| {
            let counts = SAMPLE_WEIGHTS[packed_plane(i / (h * w))] * sensitivity.at_site(i % (h * w));
            (slope / counts).round().clamp(-limit, limit) as i32
        };
        Judgement {
            distortion: f64::from(worth * (1.0 - compared.similarity)),
            missing: slopes.into_iter().enumerate().map(error).collect(),
        }
    }

    /// Squared errors of the luma of a packed prediction, in grey levels, by site of the motion latent.
    pub fn motion_errors(&self, prediction: &[i32], g: &Geometry) -> Vec<f64> {
        let target = pack(&self.frame, |v| (v as i32 - 128) << (PIXEL.frac - 5));
        let scale = 1.0 / (1u64 << (2 * (PIXEL.frac - 5))) as f64;
        let [h, w] = g.site;
        let mut errors = vec![0i64; g.motion[0] * g.motion[1]];
        let maps = prediction.chunks_exact(h * w).zip(target.chunks_exact(h * w)).take(LUMA);
        for (site, (p, t)) in maps.flat_map(|(p, t)| p.iter().zip(t).enumerate()) {
            errors[site / w / STRIDE * g.motion[1] + site % w / STRIDE] += i64::from(p - t).pow(2);
        }
        errors.into_iter().map(|error| error as f64 * scale).collect()
    }
}

/// A picture as MS-SSIM takes it.
fn planes(picture: &Yuv420) -> [Vec<f32>; 3] {
    [&picture.y, &picture.u, &picture.v].map(|p| p.iter().map(|&v| f32::from(v) - 128.0).collect())
}

/// A picture as the networks see it.
fn packed(frame: &Yuv420) -> Vec<i32> {
    let grey_level = (1 << ACTIVATION.frac) / GREY as i32;
    pack(frame, |v| grey_level * (v as i32 - 128))
}
