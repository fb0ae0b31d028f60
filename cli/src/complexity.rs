//! What the networks cost: multiply-accumulates, counted by running their wiring on shapes.

use std::cell::Cell;

use serde::Serialize;
use vcn_codec::model::inter::{self, Beside};
use vcn_codec::model::latent::{HYPER_STRIDE, Latent};
use vcn_codec::model::motion;
use vcn_codec::model::ops::Ops;
use vcn_codec::model::params::Conv;
use vcn_codec::model::transform::{LUMA, PACKED};
use vcn_codec::model::{FEATURES, Model, intra};

/// Side of the picture that is counted, a multiple of every stride.
const SIDE: usize = 1024;

/// A part of the model and its multiply-accumulates per pixel.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// What it does.
    pub name: &'static str,
    /// Whether the decoder runs it, too.
    pub decoder: bool,
    /// Multiply-accumulates per luma pixel of a frame that uses it.
    pub macs_per_pixel: f64,
}

/// The parts of the model in the order in which they run.
#[derive(Clone, Debug, Serialize)]
pub struct Complexity {
    /// Parts of an intra frame.
    pub intra: Vec<Part>,
    /// Parts of an inter frame.
    pub inter: Vec<Part>,
}

/// Sum over the parts that run in an encoder or in a decoder.
pub fn total(parts: &[Part], decoder: bool) -> f64 {
    parts.iter().filter(|part| part.decoder || !decoder).map(|part| part.macs_per_pixel).sum()
}

/// Counts the whole model.
pub fn count() -> Complexity {
    let model = Model::new();
    let o = Counter::default();
    let at = |channels: usize, stride: usize| [channels, SIDE / stride, SIDE / stride];
    let quality = [1, 1, 1];
    let part = |name, decoder, run: &dyn Fn()| {
        o.macs.set(0);
        run();
        Part { name, decoder, macs_per_pixel: o.macs.get() as f64 / (SIDE * SIDE) as f64 }
    };

    let latent_parts =
        |latent: &Latent, stride: usize, names: [&'static str; 2], context: Option<[usize; 3]>| {
            let y = at(latent.sizes.latent, stride);
            let z = at(latent.sizes.hyper, stride * HYPER_STRIDE);
            [
                part(names[0], false, &|| {
                    let doubled = [2 * y[0], y[1], y[2]];
                    latent.hyper_analysis(&o, &doubled, &quality);
                }),
                part(names[1], true, &|| {
                    let prior = latent.prior(&o, &z, context.as_ref(), &quality, &y);
                    latent.refine(&o, &prior.features, &y);
                }),
            ]
        };
    let picture = at(PACKED, 8);
    let features = at(FEATURES, 8);

    let [hyper, entropy] = latent_parts(&model.intra.latent, 16, ["hyper-analysis", "entropy model"], None);
    let intra = vec![
        part("analysis", false, &|| {
            model.intra.analyse(&o, &picture, &quality);
        }),
        hyper,
        entropy,
        part("synthesis", true, &|| {
            model.intra.synthesise(&o, &at(intra::KEPT.channels(), 16), &quality);
        }),
        part("restoration", true, &|| {
            model.intra.restoration.forward(&o, &at(LUMA, 8), &features, &quality);
        }),
    ];

    let motion_latent = at(motion::CHANNELS, 8 * motion::STRIDE);
    let names = ["motion hyper-analysis", "motion entropy model"];
    let [motion_hyper, motion_entropy] =
        latent_parts(&model.inter.motion.latent, 8 * motion::STRIDE, names, Some(motion_latent));
    let context = || model.inter.context(&o, &picture, &features, &Beside::Anchor(picture), &quality);
    let context_of = context();
    let seen = context_of.entropy;
    let [hyper, entropy] = latent_parts(
        &model.inter.latent,
        16,
        ["residual hyper-analysis", "residual entropy model"],
        Some(seen),
    );
    let inter = vec![
        part("motion analysis", false, &|| {
            model.inter.motion.analyse(&o, &at(2, 8), &picture, &picture, &quality);
        }),
        motion_hyper,
        motion_entropy,
        part("motion synthesis", true, &|| {
            model.inter.motion.synthesise(&o, &motion_latent, &quality);
        }),
        part("context", true, &|| {
            context();
        }),
        part("residual analysis", false, &|| {
            model.inter.analyse(&o, &picture, &picture, &context_of);
        }),
        hyper,
        entropy,
        part("residual synthesis", true, &|| {
            model.inter.synthesise(&o, &at(inter::KEPT.channels(), 16), &context_of);
        }),
    ];
    Complexity { intra, inter }
}

/// An executor on shapes `[channels, height, width]` that only counts.
#[derive(Default)]
struct Counter {
    macs: Cell<u64>,
}

impl Ops for Counter {
    type Tensor = [usize; 3];

    fn conv(&self, layer: &Conv, x: &[usize; 3]) -> [usize; 3] {
        debug_assert_eq!(layer.cin, x[0]);
        self.macs.set(self.macs.get() + (layer.macs() * x[1] * x[2]) as u64);
        [layer.cout, x[1], x[2]]
    }

    fn leaky(&self, x: &[usize; 3]) -> [usize; 3] {
        *x
    }

    fn add(&self, a: &[usize; 3], _: &[usize; 3]) -> [usize; 3] {
        *a
    }

    fn sub(&self, a: &[usize; 3], _: &[usize; 3]) -> [usize; 3] {
        *a
    }

    fn cat(&self, parts: &[&[usize; 3]]) -> [usize; 3] {
        let [height, width] = parts.first().map_or([0, 0], |part| [part[1], part[2]]);
        [parts.iter().map(|part| part[0]).sum(), height, width]
    }

    fn unshuffle(&self, x: &[usize; 3], r: usize) -> [usize; 3] {
        [x[0] * r * r, x[1] / r, x[2] / r]
    }

    fn shuffle(&self, x: &[usize; 3], r: usize) -> [usize; 3] {
        [x[0] / (r * r), x[1] * r, x[2] * r]
    }

    fn pad_to(&self, x: &[usize; 3], multiple: usize) -> [usize; 3] {
        [x[0], x[1].next_multiple_of(multiple), x[2].next_multiple_of(multiple)]
    }

    fn crop_like(&self, x: &[usize; 3], like: &[usize; 3]) -> [usize; 3] {
        [x[0], like[1], like[2]]
    }

    fn plane(&self, _: &[usize; 3], like: &[usize; 3]) -> [usize; 3] {
        [1, like[1], like[2]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_costs_something_and_the_decoder_less_than_the_encoder() {
        let complexity = count();
        for parts in [&complexity.intra, &complexity.inter] {
            assert!(parts.iter().all(|part| part.macs_per_pixel > 1.0), "{parts:?}");
            assert!(total(parts, true) < total(parts, false));
        }
        // The shortcut's 1x1 convolution alone, 384 to 224 channels at 1/16, is 336 per pixel.
        assert!(total(&complexity.intra, true) > 336.0);
    }
}
