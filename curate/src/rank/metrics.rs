//! What is measured of a scene. All of it is taken on thumbnails of 160x160, a few a second, so that neither the size of a
//! video nor its frame rate matters.

use serde::{Deserialize, Serialize};
use vcn_codec::search::{Vector, search};
use vcn_codec::warp::Plane;
use vcn_codec::{Codec, model};
use vcn_media::Yuv420;

/// Motion is searched as for this quality.
const QUALITY: f32 = 32.0;
/// Quarter samples of a thumbnail up to which a block is at rest.
const REST: i32 = 1;

/// The metrics of a scene: of its samples, the pictures that are measured, each beside the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Largest mean squared difference of luma, in squared grey levels.
    pub max_difference: f64,
    /// Mean of these differences.
    pub mean_difference: f64,
    /// Largest mean length of motion, in samples of the thumbnail.
    pub max_motion: f64,
    /// Mean of these lengths.
    pub mean_motion: f64,
    /// Mean length of the median motion of a picture, which is that of the camera where it moves.
    pub camera_motion: f64,
    /// Mean share of the picture that is at rest.
    pub rest: f64,
    /// Mean squared difference of intra latents, in squared coefficients.
    pub latent_mse: f64,
    /// Mean cosine of the same.
    pub latent_cosine: f64,
    /// Frames of the scene.
    pub frames: f64,
}

impl Metrics {
    /// How many there are.
    pub const COUNT: usize = 9;
    /// The names of the metrics, in the order of [`Metrics::values`].
    pub const NAMES: [&str; Metrics::COUNT] = [
        "max_difference",
        "mean_difference",
        "max_motion",
        "mean_motion",
        "camera_motion",
        "rest",
        "latent_mse",
        "latent_cosine",
        "frames",
    ];

    /// All of them.
    pub fn values(&self) -> [f64; Metrics::COUNT] {
        [
            self.max_difference,
            self.mean_difference,
            self.max_motion,
            self.mean_motion,
            self.camera_motion,
            self.rest,
            self.latent_mse,
            self.latent_cosine,
            self.frames,
        ]
    }
}

/// Collects the metrics of a scene from samples.
#[derive(Default)]
pub(super) struct Collector {
    before: Option<(Yuv420, Vec<i32>)>,
    pairs: u32,
    sums: Metrics,
}

impl Collector {
    /// Takes the next sample.
    pub fn push(&mut self, picture: &Yuv420, codec: &Codec) {
        let latent = codec.analyse_intra(picture).values;
        if let Some((before, old)) = &self.before {
            let difference = mean_square(&before.y, &picture.y);
            let motion = Motion::between(picture, before);
            let sums = &mut self.sums;
            sums.max_difference = sums.max_difference.max(difference);
            sums.mean_difference += difference;
            sums.max_motion = sums.max_motion.max(motion.mean);
            sums.mean_motion += motion.mean;
            sums.camera_motion += motion.median;
            sums.rest += motion.rest;
            // Latents are in quarters of a coefficient.
            sums.latent_mse += mean_square(old, &latent) / 16.0;
            sums.latent_cosine += cosine(old, &latent);
            self.pairs += 1;
        }
        self.before = Some((picture.clone(), latent));
    }

    /// The metrics of a scene of so many frames. A single sample does not change.
    pub fn finish(self, frames: u64) -> Metrics {
        if self.pairs == 0 {
            return Metrics { rest: 1.0, latent_cosine: 1.0, frames: frames as f64, ..Metrics::default() };
        }
        let (sums, mean) = (self.sums, |sum: f64| sum / f64::from(self.pairs));
        Metrics {
            mean_difference: mean(sums.mean_difference),
            mean_motion: mean(sums.mean_motion),
            camera_motion: mean(sums.camera_motion),
            rest: mean(sums.rest),
            latent_mse: mean(sums.latent_mse),
            latent_cosine: mean(sums.latent_cosine),
            frames: frames as f64,
            ..sums
        }
    }
}

/// What the codec's own search says of two pictures, in samples.
struct Motion {
    mean: f64,
    median: f64,
    rest: f64,
}

impl Motion {
    fn between(picture: &Yuv420, before: &Yuv420) -> Motion {
        let vectors = search(&Plane::luma(picture), &Plane::luma(before), model::lambda(QUALITY)).vectors;
        let count = vectors.len().max(1) as f64;
        let length = |(x, y): Vector| f64::from(x).hypot(f64::from(y)) / 4.0;
        let still = vectors.iter().filter(|(x, y)| x.abs() <= REST && y.abs() <= REST).count();
        let middle = |component: fn(&Vector) -> i32| {
            let mut values: Vec<i32> = vectors.iter().map(component).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        Motion {
            mean: vectors.iter().map(|v| length(*v)).sum::<f64>() / count,
            median: length((middle(|v| v.0), middle(|v| v.1))),
            rest: still as f64 / count,
        }
    }
}

fn mean_square<T: Copy + Into<i32>>(a: &[T], b: &[T]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from((*a).into() - (*b).into()).powi(2)).sum();
    sum / a.len().max(1) as f64
}

fn cosine(a: &[i32], b: &[i32]) -> f64 {
    let dot = |a: &[i32], b: &[i32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f64::MIN_POSITIVE)
}
