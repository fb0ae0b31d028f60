//! Rate of latents during training, and rate-distortion optimised rounding.

use std::f32::consts::LN_2;
use std::sync::LazyLock;

use vcn_codec::model::latent::{HYPER_SCALE, KNOTS, Latent, MIXTURE, SCALE_ONE, SCALES};
use vcn_codec::model::{QUALITIES, lambda, quality_plane};

use crate::tape::Tape;

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
    let (mean, scale) = (t.full(&prior.mean), t.full(&prior.scale));
    let step_values = t.values(&steps);
    let mut mean_values = t.values(&mean);
    let scale_values = t.values(&scale);
    let first = lattice(model, &shape);
    let lattice = || first.iter().cycle();

    let symbols: Vec<f32> = step_values
        .iter()
        .zip(&mean_values)
        .zip(&scale_values)
        .zip(lattice())
        .map(|(((y, m), s), on)| on * COSTS.at(*s).round(y - m))
        .collect();
    let refinement = t.full(&model.refine(t, &prior.features, &t.low(&t.constant(&symbols, &shape))));
    let second: Vec<f32> = first.iter().map(|on| 1.0 - on).collect();
    let mean = t.add(&mean, &t.mul(&refinement, &t.constant(&second, &[1, shape[1], shape[2], shape[3]])));
    let refinement = t.values(&refinement);
    mean_values.iter_mut().zip(refinement).zip(second.iter().cycle()).for_each(|((m, r), on)| *m += on * r);

    // Symbols, bits and the derivatives of the bits in one pass; the tape sees a plane with those slopes.
    let n = step_values.len();
    let (mut correction, mut by_residual, mut by_scale) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut offset = vec![0.0; b];
    for i in 0..n {
        let residual = step_values[i] - mean_values[i];
        let cost = COSTS.at(scale_values[i]);
        let symbol = cost.round(residual);
        let (bits, by_symbol, by_s) = cost.bits(symbol);
        correction[i] = symbol - step_values[i];
        by_residual[i] = by_symbol;
        by_scale[i] = by_s;
        offset[i / (n / b)] += bits - by_symbol * residual - by_s * scale_values[i];
    }
    let slope = t.add(
        &t.mul(&t.sub(&steps, &mean), &t.constant(&by_residual, &shape)),
        &t.mul(&scale, &t.constant(&by_scale, &shape)),
    );
    let bits = t.add(&t.sum_samples(&slope), &t.constant(&offset, &[b]));
    // The true derivative with respect to the mean is one; the straight-through one with respect to the latent too.
    let reconstructed = t.add(&mean, &t.add(&steps, &t.constant(&correction, &shape)));
    let latent = t.mul(&reconstructed, &t.exp(&t.affine(&log_gain, -1.0, 0.0)));
    Coded { latent, bits: t.add(&bits, &side), side }
}

/// The value of `hard` with the gradient of `soft`.
pub fn straight_through<P: Tape>(t: &P, soft: &P::Tensor, hard: &P::Tensor) -> P::Tensor {
    t.add(soft, &t.detach(&t.sub(hard, soft)))
}

/// 1 on the sites of the first lattice, `[c, h, w]`.
fn lattice(model: &Latent, shape: &[usize]) -> Vec<f32> {
    let [c, h, w] = [shape[1], shape[2], shape[3]];
    let mut mask = Vec::with_capacity(c * h * w);
    for k in 0..c {
        for i in 0..h {
            mask.extend((0..w).map(|j| model.first(k, i, j) as u8 as f32));
        }
    }
    mask
}

/// Steps of the cost table in one octave of scale.
const RESOLUTION: usize = 32;
/// Log2 of the smallest scale in the tables.
const SMALLEST: f32 = -(SCALE_ONE as f32) / 4.0;
/// Entries of the cost table.
const ENTRIES: usize = RESOLUTION * (SCALES - 1) / 4 + 1;

static COSTS: LazyLock<Costs> = LazyLock::new(Costs::laplace);

/// Bits of symbols under Laplace distributions over the integers, by log2 of their scale `b`:
/// `P(0) = 1 - exp(-1/2b)`, `P(k) = exp(-(|k| - 1/2) / b) (1 - exp(-1/b)) / 2`.
struct Costs {
    /// Bits of 0, bits of 1 or -1, bits for each further step.
    table: Vec<[f32; 3]>,
}

/// The costs at one scale, and their slopes by its log2.
#[derive(Clone, Copy)]
struct Cost {
    bits: [f32; 3],
    slope: [f32; 3],
}

impl Costs {
    fn laplace() -> Costs {
        let entry = |i: usize| {
            let inverse = 2f64.powf(-(SMALLEST as f64 + i as f64 / RESOLUTION as f64));
            let zero = -(-(-0.5 * inverse).exp()).ln_1p() / LN_2 as f64;
            let one = (0.5 * inverse - (-(-inverse).exp()).ln_1p()) / LN_2 as f64 + 1.0;
            [zero as f32, one as f32, (inverse / LN_2 as f64) as f32]
        };
        Costs { table: (0..ENTRIES).map(entry).collect() }
    }

    /// Linear between entries; beyond the ends, the end's costs with its slopes.
    fn at(&self, log_scale: f32) -> Cost {
        let at = ((log_scale - SMALLEST) * RESOLUTION as f32).clamp(0.0, (ENTRIES - 1) as f32);
        let low = (at as usize).min(ENTRIES - 2);
        let (a, b, t) = (self.table[low], self.table[low + 1], at - low as f32);
        let mut cost = Cost { bits: a, slope: [0.0; 3] };
        for k in 0..3 {
            cost.slope[k] = (b[k] - a[k]) * RESOLUTION as f32;
            cost.bits[k] += (b[k] - a[k]) * t;
        }
        cost
    }
}

impl Cost {
    /// Rounds so that distortion plus rate is least: towards zero when the saved bits outweigh the error. At high rate
    /// a bit is worth `2 ln 2 / 12` squared steps.
    fn round(self, x: f32) -> f32 {
        const WORTH: f32 = ROUNDING_STRENGTH * 2.0 * LN_2 / 12.0;
        let magnitude = x.abs();
        let nearest = (magnitude + 0.5).floor();
        if nearest == 0.0 {
            return 0.0;
        }
        let saved = if nearest == 1.0 { self.bits[1] - self.bits[0] } else { self.bits[2] };
        // (x - n + 1)^2 - (x - n)^2: what going one lower adds to the squared error.
        let growth = 2.0 * (magnitude - nearest) + 1.0;
        let result = if growth < WORTH * saved { nearest - 1.0 } else { nearest };
        result.copysign(x)
    }

    /// Bits of an integer symbol, their slope by the symbol and by the log2 of the scale.
    fn bits(self, symbol: f32) -> (f32, f32, f32) {
        let magnitude = symbol.abs();
        if magnitude == 0.0 {
            return (self.bits[0], 0.0, self.slope[0]);
        }
        let beyond = magnitude - 1.0;
        let bits = self.bits[1] + beyond * self.bits[2];
        (bits, self.bits[2].copysign(symbol), self.slope[1] + beyond * self.slope[2])
    }
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
