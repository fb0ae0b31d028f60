//! Rate of latents during training, and rate-distortion optimised rounding.

use std::f32::consts::LN_2;
use std::sync::LazyLock;

use vcn_codec::model::latent::{KNOTS, Latent, MIXTURE, SCALE_ONE, SCALES};
use vcn_codec::model::{QUALITIES, lambda, quality_plane};

use crate::tape::Tape;

/// Largest hyper-latent, set by the format in which the hyper-synthesis reads it.
const HYPER_LIMIT: f32 = 31.0;

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
    let gain = t.exp(&log_gain);
    let z = t.full(&model.hyper_analysis(t, &hyper_input(t, y, &gain), &quality.plane));
    let z = t.clamp(&z, -HYPER_LIMIT, HYPER_LIMIT);
    let z = straight_through(t, &z, &t.floor(&t.affine(&z, 1.0, 0.5)));
    let side = t.sum_samples(&mixture_bits(t, model, &z));

    let prior = model.prior(t, &t.low(&z), context, &quality.plane, y);
    let units: Vec<f32> = model.mean_unit.iter().map(|&u| 2f32.powi(u)).collect();
    let units = t.constant(&units, &[1, c, 1, 1]);
    let (mean, scale) = (t.mul(&t.full(&prior.mean), &units), t.full(&prior.scale));
    let gain_values = t.values(&gain);
    let y_values = t.values(y);
    let mut mean_values = t.values(&mean);
    let scale_values = t.values(&scale);
    let first = lattice(model, &shape);
    let n = y_values.len();
    let sites = shape[2] * shape[3];
    let residual = |i: usize, mean: f32| (y_values[i] - mean) * gain_values[i / sites];

    let sample = n / b;
    let worth: Vec<f32> =
        (0..b * c).map(|i| model.bit_worth(i % c, gain_values[i], quality.lambda[i / c])).collect();
    let round = |cost: Cost, i: usize, residual: f32| cost.round(residual, worth[i / sites]);
    let symbols: Vec<f32> = (0..n)
        .map(|i| first[i % sample] * round(COSTS.at(scale_values[i]), i, residual(i, mean_values[i])))
        .collect();
    let refinement = model.refine(t, &prior.features, &t.low(&t.constant(&symbols, &shape)));
    let refinement = t.mul(&t.full(&refinement), &units);
    let second: Vec<f32> = first.iter().map(|on| 1.0 - on).collect();
    let mean = t.plus(&mean, &t.mul(&refinement, &t.constant(&second, &[1, shape[1], shape[2], shape[3]])));
    let refinement = t.values(&refinement);
    mean_values.iter_mut().zip(refinement).zip(second.iter().cycle()).for_each(|((m, r), on)| *m += on * r);

    // Symbols, bits and the derivatives of the bits in one pass; the tape sees a plane with those slopes.
    let (mut correction, mut by_residual, mut by_scale) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut silent = vec![0.0; n];
    let mut offset = vec![0.0; b];
    for i in 0..n {
        let residual = residual(i, mean_values[i]);
        let cost = COSTS.at(scale_values[i]);
        let symbol = round(cost, i, residual);
        let (bits, by_symbol, by_s) = cost.bits(symbol);
        // Nothing is gained beyond the tables' ends: a slope that pointed there would drive the scale, and the features
        // behind it, without bound.
        let outward = if by_s > 0.0 { scale_values[i] <= SMALLEST } else { scale_values[i] >= LARGEST };
        let by_s = if outward { 0.0 } else { by_s };
        correction[i] = symbol - residual;
        silent[i] = (symbol == 0.0) as u8 as f32;
        by_residual[i] = by_symbol;
        by_scale[i] = by_s;
        offset[i / sample] += bits - by_symbol * residual - by_s * scale_values[i];
    }
    let distance = t.mul(&t.minus(y, &mean), &gain);
    let slope = t.plus(
        &t.mul(&distance, &t.constant(&by_residual, &shape)),
        &t.mul(&scale, &t.constant(&by_scale, &shape)),
    );
    let bits = t.plus(&t.sum_samples(&slope), &t.constant(&offset, &[b]));
    // Straight through to the latent; to the mean only where it alone decides, at silent sites.
    let fixed = t.detach(&mean);
    let symbols = t.plus(&t.mul(&t.minus(y, &fixed), &gain), &t.constant(&correction, &shape));
    let base = t.plus(&fixed, &t.mul(&t.minus(&mean, &fixed), &t.constant(&silent, &shape)));
    let latent = t.plus(&base, &t.mul(&symbols, &t.exp(&t.affine(&log_gain, -1.0, 0.0))));
    Coded { latent, bits: t.plus(&bits, &side), side }
}

/// What the hyper-analysis reads: the latent in real units, and in steps with its range compressed, because it is
/// magnitudes over three decades that the scales follow.
fn hyper_input<P: Tape>(t: &P, y: &P::Tensor, gain: &P::Tensor) -> P::Tensor {
    let steps = t.mul(y, gain);
    let sign = t.affine(&t.at_least(&steps, &t.constant(&[0.0], &[1, 1, 1, 1])), 2.0, -1.0);
    let compressed = t.mul(&t.ln(&t.affine(&t.abs(&steps), 1.0, 1.0)), &sign);
    t.low(&t.cat(&[&compressed, &t.affine(y, 0.25, 0.0)]))
}

/// The value of `hard` with the gradient of `soft`.
pub fn straight_through<P: Tape>(t: &P, soft: &P::Tensor, hard: &P::Tensor) -> P::Tensor {
    t.plus(soft, &t.detach(&t.minus(hard, soft)))
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
/// Log2 of the largest scale in the tables.
const LARGEST: f32 = (SCALES - 1 - SCALE_ONE) as f32 / 4.0;
/// Entries of the cost table.
const ENTRIES: usize = RESOLUTION * (SCALES - 1) / 4 + 1;

/// Most bits for each further step away from zero. Where almost nothing is expected a Laplace distribution would ask
/// for far more than the tables' escape costs, and a few such symbols would rule the gradient.
const STEEPEST: f64 = 6.0;

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
            [zero as f32, one as f32, (inverse / LN_2 as f64).min(STEEPEST) as f32]
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
    /// Rounds so that distortion plus rate is least: towards zero when the saved bits, at `worth` squared steps each,
    /// outweigh the error.
    fn round(self, x: f32, worth: f32) -> f32 {
        let magnitude = x.abs();
        let nearest = (magnitude + 0.5).floor();
        if nearest == 0.0 {
            return 0.0;
        }
        let saved = if nearest == 1.0 { self.bits[1] - self.bits[0] } else { self.bits[2] };
        // (x - n + 1)^2 - (x - n)^2: what going one lower adds to the squared error.
        let growth = 2.0 * (magnitude - nearest) + 1.0;
        let result = if growth < worth * saved { nearest - 1.0 } else { nearest };
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
        let offset = t.minus(z, &column(&means, k));
        let cdf = |shift: f32| t.sigmoid(&t.mul(&t.affine(&offset, 1.0, shift), &inverse));
        let weight = t.exp(&column(&weights, k));
        let mass = t.mul(&t.minus(&cdf(0.5), &cdf(-0.5)), &weight);
        sum = Some(match sum {
            None => (mass, weight),
            Some((m, w)) => (t.plus(&m, &mass), t.plus(&w, &weight)),
        });
    }
    let (mass, weight) = sum.expect("a mixture has components");
    t.affine(&t.minus(&t.ln(&t.clamp(&mass, 1e-9, 1e9)), &t.ln(&weight)), -1.0 / LN_2, 0.0)
}
