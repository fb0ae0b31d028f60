//! Rate of latents during training, and rate-distortion optimised rounding.

use std::f32::consts::LN_2;

use vcn_codec::model::latent::{HYPER_SCALE, KNOTS, Latent, MIXTURE, SCALE_ONE, SCALES};
use vcn_codec::model::{QUALITIES, lambda, quality_plane};

use crate::tape::Tape;

/// Smallest and largest log2 scale that the tables know.
const LOG_SCALE: [f32; 2] =
    [-(SCALE_ONE as f32) / 4.0, (SCALES - 1 - SCALE_ONE) as f32 / 4.0];

/// How much of the theoretical rate-distortion threshold the rounding applies; the rest is left to the learned
/// analysis, which can foresee more than one coefficient.
const ROUNDING_STRENGTH: f32 = 0.8;

/// The quality of each sample of a batch, in the forms that the networks want.
pub struct Quality<T> {
    /// Exchange rate of each sample.
    pub lambda: Vec<f32>,
    /// `[b, 1, 1, 1]` in network precision.
    pub plane: T,
    /// Interpolation weights of the gain knots, `[b, KNOTS]`.
    knots: T,
}

impl<T> Quality<T> {
    /// From one quality per sample, each 0 to 63.
    pub fn new<P: Tape<Tensor = T>>(tape: &P, qualities: &[f32]) -> Quality<T> {
        let b = qualities.len();
        let mut knots = vec![0.0; b * KNOTS];
        for (row, &q) in knots.chunks_exact_mut(KNOTS).zip(qualities) {
            let at = q / (QUALITIES - 1) as f32 * (KNOTS - 1) as f32;
            let low = (at as usize).min(KNOTS - 2);
            row[low] = 1.0 - (at - low as f32);
            row[low + 1] = at - low as f32;
        }
        let plane: Vec<f32> = qualities.iter().map(|&q| quality_plane(q)).collect();
        Quality {
            lambda: qualities.iter().map(|&q| lambda(q)).collect(),
            plane: tape.low(&tape.constant(&plane, &[b, 1, 1, 1])),
            knots: tape.constant(&knots, &[b, KNOTS]),
        }
    }
}

/// A latent as the decoder will have it.
pub struct Coded<T> {
    /// Dequantised latent in real units, f32.
    pub latent: T,
    /// Bits of each sample, `[b]`.
    pub bits: T,
    /// Of these, bits of the hyper-latent.
    pub side: T,
}

/// Codes the latent `y` (real units, f32).
pub fn code<P: Tape>(
    t: &P,
    model: &Latent,
    y: &P::Tensor,
    context: Option<&P::Tensor>,
    quality: &Quality<P::Tensor>,
) -> Coded<P::Tensor> {
    let shape = t.shape(y);
    let (b, c) = (shape[0], shape[1]);
    let log_gain = t.reshape(&t.matmul(&quality.knots, &t.param(model.log_gain)), &[b, c, 1, 1]);
    let steps = t.mul(y, &t.exp(&log_gain));

    let z = t.full(&model.hyper_analysis(t, &t.low(&t.affine(&steps, 1.0 / HYPER_SCALE, 0.0)), &quality.plane));
    let z = straight_through(t, &z, &t.floor(&t.affine(&z, 1.0, 0.5)));
    let side = t.sum_samples(&mixture_bits(t, model, &z));

    let prior = model.prior(t, &t.low(&z), context, &quality.plane, y);
    let mean = t.full(&prior.mean);
    let scale = t.full(&prior.scale);
    let scale = straight_through(t, &scale, &t.clamp(&scale, LOG_SCALE[0], LOG_SCALE[1]));
    let inverse_scale = t.exp(&t.affine(&scale, -LN_2, 0.0));

    let first = lattice(t, model, &shape);
    let symbols = t.mul(&rounded(t, &t.detach(&t.sub(&steps, &mean)), &inverse_scale), &first);
    let refinement = t.full(&model.refine(t, &prior.features, &t.low(&symbols)));
    let second = t.affine(&first, -1.0, 1.0);
    let mean = t.add(&mean, &t.mul(&refinement, &second));

    let residual = t.sub(&steps, &mean);
    let symbols = rounded(t, &residual, &inverse_scale);
    let bits = t.sum_samples(&laplace_bits(t, &straight_through(t, &residual, &symbols), &inverse_scale));
    // The true derivative with respect to the mean is one; the straight-through one with respect to the latent too.
    let reconstructed = t.add(&mean, &straight_through(t, &steps, &symbols));
    let latent = t.mul(&reconstructed, &t.exp(&t.affine(&log_gain, -1.0, 0.0)));
    Coded { latent, bits: t.add(&bits, &side), side }
}

/// The value of `hard` with the gradient of `soft`.
pub fn straight_through<P: Tape>(t: &P, soft: &P::Tensor, hard: &P::Tensor) -> P::Tensor {
    t.add(soft, &t.detach(&t.sub(hard, soft)))
}

/// 1 on the sites of the first lattice.
fn lattice<P: Tape>(t: &P, model: &Latent, shape: &[usize]) -> P::Tensor {
    let [c, h, w] = [shape[1], shape[2], shape[3]];
    let mut mask = Vec::with_capacity(c * h * w);
    for k in 0..c {
        for i in 0..h {
            mask.extend((0..w).map(|j| model.first(k, i, j) as u8 as f32));
        }
    }
    t.constant(&mask, &[1, c, h, w])
}

/// Bits of zero and of the first step away from it under a Laplace distribution over integers.
struct Costs<T> {
    zero: T,
    one: T,
}

fn costs<P: Tape>(t: &P, inverse_scale: &P::Tensor) -> Costs<P::Tensor> {
    // P(0) = 1 - exp(-1/2b); P(k) = exp(-(|k| - 1/2) / b) (1 - exp(-1/b)) / 2.
    let half = t.exp(&t.affine(inverse_scale, -0.5, 0.0));
    let zero = t.affine(&t.ln(&t.clamp(&t.affine(&half, -1.0, 1.0), 1e-6, 1.0)), -1.0 / LN_2, 0.0);
    let whole = t.clamp(&t.affine(&t.mul(&half, &half), -1.0, 1.0), 1e-6, 1.0);
    let one = t.affine(&t.sub(&t.affine(inverse_scale, 0.5, 0.0), &t.ln(&whole)), 1.0 / LN_2, 1.0);
    Costs { zero, one }
}

/// Bits of integer symbols `k` under a Laplace distribution of scale `1 / inverse_scale`, element by element.
fn laplace_bits<P: Tape>(t: &P, k: &P::Tensor, inverse_scale: &P::Tensor) -> P::Tensor {
    let Costs { zero, one } = costs(t, inverse_scale);
    let magnitude = t.abs(k);
    let coded = t.at_least(&magnitude, &t.constant(&[0.5], &[1, 1, 1, 1]));
    let beyond = t.mul(&t.affine(&magnitude, 1.0 / LN_2, -1.0 / LN_2), inverse_scale);
    let coded_bits = t.mul(&coded, &t.sub(&t.add(&one, &beyond), &zero));
    t.add(&zero, &coded_bits)
}

/// Rounds so that distortion plus rate is least: towards zero when the saved bits outweigh the error.
///
/// At high rate a bit is worth `2 ln 2 / 12` squared steps.
fn rounded<P: Tape>(t: &P, x: &P::Tensor, inverse_scale: &P::Tensor) -> P::Tensor {
    let x = t.detach(x);
    let inverse_scale = t.detach(inverse_scale);
    let magnitude = t.abs(&x);
    let nearest = t.floor(&t.affine(&magnitude, 1.0, 0.5));
    let Costs { zero, one } = costs(t, &inverse_scale);
    let first_step = t.sub(&one, &zero);
    let next_step = t.affine(&inverse_scale, 1.0 / LN_2, 0.0);
    let far = t.at_least(&nearest, &t.constant(&[1.5], &[1, 1, 1, 1]));
    let saved = t.add(&first_step, &t.mul(&far, &t.sub(&next_step, &first_step)));
    // Lower by one if (x - n + 1)^2 - (x - n)^2 < worth * saved; keep it where that is at least as large.
    let growth = t.affine(&t.sub(&magnitude, &nearest), 2.0, 1.0);
    let worth = ROUNDING_STRENGTH * 2.0 * LN_2 / 12.0;
    let keep = t.at_least(&growth, &t.affine(&saved, worth, 0.0));
    let positive = t.at_least(&nearest, &t.constant(&[0.5], &[1, 1, 1, 1]));
    let lowered = t.mul(&positive, &t.affine(&keep, -1.0, 1.0));
    let result = t.sub(&nearest, &lowered);
    let sign = t.affine(&t.at_least(&x, &t.constant(&[0.0], &[1, 1, 1, 1])), 2.0, -1.0);
    t.mul(&result, &sign)
}

/// Bits of the hyper-latent under its mixture of logistics, element by element.
fn mixture_bits<P: Tape>(t: &P, model: &Latent, z: &P::Tensor) -> P::Tensor {
    let hyper = model.sizes.hyper;
    let column = |p: &P::Tensor, k: usize| t.reshape(&t.channels(p, k, 1), &[1, hyper, 1, 1]);
    let (means, scales, weights) =
        (t.param(model.mixture_mean), t.param(model.mixture_scale), t.param(model.mixture_weight));
    let mut sum: Option<(P::Tensor, P::Tensor)> = None;
    for k in 0..MIXTURE {
        let inverse = t.exp(&t.affine(&t.clamp(&column(&scales, k), -3.0, 5.0), -1.0, 0.0));
        let offset = t.sub(z, &column(&means, k));
        let cdf = |shift: f32| t.sigmoid(&t.mul(&t.affine(&offset, 1.0, shift), &inverse));
        let weight = t.exp(&column(&weights, k));
        let mass = t.mul(&t.sub(&cdf(0.5), &cdf(-0.5)), &weight);
        sum = Some(match sum {
            None => (mass, weight),
            Some((m, w)) => (t.add(&m, &mass), t.add(&w, &weight)),
        });
    }
    let (mass, weight) = sum.expect("a mixture has components");
    t.affine(&t.sub(&t.ln(&t.clamp(&mass, 1e-9, 1e9)), &t.ln(&weight)), -1.0 / LN_2, 0.0)
}
