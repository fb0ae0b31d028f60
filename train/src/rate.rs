//! Rate of latents during training, and rate-distortion optimised rounding.

use std::f32::consts::LN_2;
use std::sync::LazyLock;

use vcn_codec::model::latent::{KNOTS, Latent, SCALE_ONE, SCALES};
use vcn_codec::model::params::ACTIVATION;
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
    /// From one quality per sample, each up to 63; below 0 gains go on as between the lowest knots.
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
    let [mean, scale] = model.hyper_prior(t, context, &quality.plane, &z).map(|x| t.full(&x));
    let hyper = t.shape(&z);
    let ones = vec![1.0; b * hyper[1]];
    let known = Known { mean_values: t.sites(&mean), scale_values: t.sites(&scale), mean, scale };
    let plain = Rounding { gains: &ones, worth: None };
    let (z, side) = quantise(t, &z, &t.sites(&z), &known, plain);

    let prior = model.prior(t, &t.low(&z), context, &quality.plane, y);
    let units: Vec<f32> = model.mean_unit.iter().map(|&u| 2f32.powi(u)).collect();
    let units = t.constant(&units, &[1, c, 1, 1]);
    let (mean, scale) = (t.mul(&t.full(&prior.mean), &units), t.full(&prior.scale));
    // From here site by site: `[b, h, w, c]`.
    let gain_values = t.values(&gain);
    let y_values = t.sites(y);
    let mut mean_values = t.sites(&mean);
    let mut scale_values = t.sites(&scale);
    let first = lattice(model, &shape);
    let n = y_values.len();
    let sample = n / b;
    // Place in `[b, c]`.
    let channel = |i: usize| i / sample * c + i % c;
    let residual = |i: usize, mean: f32| (y_values[i] - mean) * gain_values[channel(i)];
    let worth: Vec<[f32; 2]> = (0..b * c)
        .map(|i| {
            let (gain, lambda) = (gain_values[i], quality.lambda[i / c]);
            [model.bit_worth(i % c, gain, lambda), lambda * gain * gain / model.error[i % c]]
        })
        .collect();
    let symbols: Vec<f32> = (0..n)
        .map(|i| {
            let on = first[i % sample];
            if on == 0.0 {
                return 0.0;
            }
            COSTS.at(scale_values[i]).round(residual(i, mean_values[i]), worth[channel(i)][0])
        })
        .collect();
    // Networks read no more than this in fixed point.
    let told: Vec<f32> = symbols.iter().map(|s| s.clamp(-ACTIVATION.limit(), ACTIVATION.limit())).collect();
    let [by_mean, by_scale] = model.refine(t, &prior.features, &t.low(&t.at_sites(&told, &shape)));
    let second: Vec<f32> = first.iter().map(|on| 1.0 - on).collect();
    let on_second = t.at_sites(&second, &[1, shape[1], shape[2], shape[3]]);
    let refined = |all: P::Tensor, values: &mut [f32], by: P::Tensor| {
        let added = t.sites(&by);
        values.iter_mut().zip(added).zip(second.iter().cycle()).for_each(|((v, a), on)| *v += on * a);
        t.plus(&all, &t.mul(&by, &on_second))
    };
    let mean = refined(mean, &mut mean_values, t.mul(&t.full(&by_mean), &units));
    let scale = refined(scale, &mut scale_values, t.full(&by_scale));

    let known = Known { mean, scale, mean_values, scale_values };
    let rounding = Rounding { gains: &gain_values, worth: Some(&worth) };
    let (latent, bits) = quantise(t, y, &y_values, &known, rounding);
    Coded { latent, bits: t.plus(&bits, &side), side }
}

/// What a latent is expected to be; values site by site.
struct Known<T> {
    mean: T,
    scale: T,
    mean_values: Vec<f32>,
    scale_values: Vec<f32>,
}

/// How a latent is rounded, by sample and channel, `[b, c]`.
struct Rounding<'a> {
    /// One over the step.
    gains: &'a [f32],
    /// Worth of a bit in squared steps, when rounding and in the loss; without it, to the nearest.
    worth: Option<&'a [[f32; 2]]>,
}

/// Rounds `y` around its means and prices it: the dequantised latent, and the bits of each sample.
///
/// Symbols, bits and all derivatives come from one pass over plain values; the tape sees planes with those slopes.
fn quantise<P: Tape>(
    t: &P,
    y: &P::Tensor,
    y_values: &[f32],
    known: &Known<P::Tensor>,
    rounding: Rounding,
) -> (P::Tensor, P::Tensor) {
    let shape = t.shape(y);
    let (b, c, n) = (shape[0], shape[1], y_values.len());
    let sample = n / b;
    let (mut latent, mut through) = (vec![0.0; n], vec![0.0; n]);
    let (mut by_y, mut by_scale) = (vec![0.0; n], vec![0.0; n]);
    let mut offset = vec![0.0; b];
    for i in 0..n {
        let k = i / sample * c + i % c;
        let (gain, mean, scale) = (rounding.gains[k], known.mean_values[i], known.scale_values[i]);
        let residual = (y_values[i] - mean) * gain;
        let cost = COSTS.at(scale);
        let symbol = cost.round(residual, rounding.worth.map_or(0.0, |worth| worth[k][0]));
        let (bits, by_symbol, by_s) = cost.bits(symbol);
        let (share, by_symbol) = match rounding.worth {
            Some(worth) => cost.wake(residual, symbol, worth[k]).unwrap_or((1.0, by_symbol)),
            None if symbol == 0.0 => (1.0, (4.0 * residual).clamp(-1.0, 1.0) * (cost.bits[1] - cost.bits[0])),
            None => (1.0, by_symbol),
        };
        // Nothing is gained beyond the tables' ends: a slope that pointed there would drive the scale, and the features
        // behind it, without bound.
        let outward = if by_s > 0.0 { scale <= SMALLEST } else { scale >= LARGEST };
        let by_s = if outward { 0.0 } else { by_s };
        through[i] = share;
        latent[i] = symbol / gain - share * (y_values[i] - mean);
        by_y[i] = by_symbol * gain;
        by_scale[i] = by_s;
        offset[i / sample] += bits - by_symbol * residual - by_s * scale;
    }
    let plane = |data: &[f32]| t.at_sites(data, &shape);
    let distance = t.minus(y, &known.mean);
    let slope = t.plus(&t.mul(&distance, &plane(&by_y)), &t.mul(&known.scale, &plane(&by_scale)));
    let bits = t.plus(&t.sum_samples(&slope), &t.constant(&offset, &[b]));
    // What does not follow y follows its mean.
    let moved = t.plus(&known.mean, &t.mul(&distance, &plane(&through)));
    (t.plus(&moved, &plane(&latent)), bits)
}

/// What the hyper-analysis reads: the latent in real units, and in steps with its range compressed, because it is
/// magnitudes over three decades that the scales follow.
fn hyper_input<P: Tape>(t: &P, y: &P::Tensor, gain: &P::Tensor) -> P::Tensor {
    let steps = t.mul(y, gain);
    let sign = t.affine(&t.at_least(&steps, &t.constant(&[0.0], &[1, 1, 1, 1])), 2.0, -1.0);
    let compressed = t.mul(&t.ln(&t.affine(&t.abs(&steps), 1.0, 1.0)), &sign);
    t.low(&t.cat(&[&compressed, &t.affine(y, 0.25, 0.0)]))
}

/// 1 where the first lattice is, site by site: `[h, w, c]`.
fn lattice(model: &Latent, shape: &[usize]) -> Vec<f32> {
    let [c, h, w] = [shape[1], shape[2], shape[3]];
    let mut mask = Vec::with_capacity(c * h * w);
    for i in 0..h {
        for j in 0..w {
            mask.extend((0..c).map(|k| model.first(k, i, j) as u8 as f32));
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

/// Half the width, in steps, of the surroundings of the threshold between 0 and 1 where values feel it.
const WINDOW: f32 = 0.25;
/// Most bits that a squared step counts as: at the best qualities it is worth more than any symbol costs.
const CURVATURE_LIMIT: f32 = 20.0;

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

    /// What a change of `x`, which became `symbol` of magnitude 0 or 1, does to error and bits: the share of the error's
    /// slope that passes to it, and the slope of the bits; `None` where both pass straight through.
    ///
    /// Straight through, the error of every silent symbol would call for larger values and no bit against it: networks
    /// then amplify until the dead zone is defeated (measured: a learned analysis that doubled every residual, at 7 % of
    /// rate). In truth nothing changes but where 0 turns to 1. Around that threshold the change is the step from 0 to 1:
    /// the squared error differs from what its slope promises by one squared step, `1 / worth` bits, on either side.
    fn wake(self, x: f32, symbol: f32, [rounding, loss]: [f32; 2]) -> Option<(f32, f32)> {
        let (magnitude, saved) = (x.abs(), self.bits[1] - self.bits[0]);
        let threshold = 0.5 + 0.5 * rounding * saved;
        let curvature = (1.0 / loss).min(CURVATURE_LIMIT);
        match symbol.abs() {
            0.0 if magnitude < threshold - WINDOW => Some((0.0, 0.0)),
            0.0 => Some((1.0, (saved + curvature).copysign(x))),
            1.0 if magnitude < threshold + WINDOW => Some((1.0, (saved - curvature).copysign(x))),
            _ => None,
        }
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
