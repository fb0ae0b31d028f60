//! How far what would be shown is from its source, by the metric of the model, and what is missing in it.

use vcn_media::Yuv420;

use crate::container::Metric;
use crate::keep::site_errors;
use crate::model::params::ACTIVATION;
use crate::model::transform::{GREY, SAMPLE_WEIGHTS, packed_plane};
use crate::ms_ssim::{Structure, WORTH};
use crate::packing::{SITE, pack_planes};
use crate::sensitivity::Sensitivity;
use crate::source::packed;
use crate::warp::Plane;

/// Compares pictures with a source.
pub(crate) struct Judge<'a> {
    source: &'a Yuv420,
    /// For MS-SSIM: what pictures are compared with, and what errors count.
    structure: Option<(Structure, Sensitivity)>,
}

/// What was seen of a picture beside its source.
pub(crate) struct Judgement {
    /// Squared error in grey levels, as in RGB, or what is lost in MS-SSIM by its [`WORTH`]; summed over all samples.
    pub distortion: f64,
    /// What is missing in the picture, packed, as the networks see it.
    pub missing: Vec<i32>,
}

/// What [`Judge::pace`] is counted in: so many binary digits of a whole.
pub(crate) const PACE_BITS: u32 = 5;

impl Judge<'_> {
    /// For a padded source.
    pub fn new(metric: Metric, source: &Yuv420) -> Judge<'_> {
        let structure = (metric == Metric::MsSsim).then(|| {
            let structure = Structure::new(planes(source), [source.height, source.width]);
            (structure, Sensitivity::new(&Plane::luma(source)))
        });
        Judge { source, structure }
    }

    /// The share of what is missing that is to be added at once. MS-SSIM is no parabola: longer steps overshoot (five single
    /// frames, ten rounds: with 1/10 -11 % of rate, with 1/2 nothing).
    pub fn pace(&self) -> i32 {
        if self.structure.is_some() { 3 } else { 16 }
    }

    /// Looks at a padded picture.
    pub fn judge(&self, shown: &Yuv420) -> Judgement {
        let Some((structure, sensitivity)) = &self.structure else {
            let missing = packed(self.source).into_iter().zip(packed(shown)).map(|(a, b)| a - b);
            return Judgement {
                distortion: site_errors(self.source, shown).iter().sum(),
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
}

/// A picture as MS-SSIM takes it.
fn planes(picture: &Yuv420) -> [Vec<f32>; 3] {
    [&picture.y, &picture.u, &picture.v].map(|p| p.iter().map(|&v| f32::from(v) - 128.0).collect())
}
