//! One latent between the networks and the entropy coder: hyper-latent, prior, symbols, dequantisation.

use crate::checkpoint::STEP_FRAC;
use crate::entropy::{ScaleTables, SymbolDecoder, SymbolEncoder};
use crate::integer::{Integer, Values};
use crate::model::latent::{HYPER_STRIDE, Latent, SCALE_ONE, SCALES};
use crate::model::params::{ENTROPY, LATENT, WIDE};
use crate::model::{LOWEST, QUALITIES};
use crate::{Error, Result};

/// Largest symbol magnitude: far beyond what a picture needs, small enough for every product to fit.
const MAX_SYMBOL: i32 = 4095;

/// By how much, in 1/4096, steps grow from quality 0 to each one below: as the square root of lambda.
const COARSER: [u64; 1 + LOWEST.unsigned_abs() as usize] = [
    4096, 4286, 4484, 4692, 4909, 5136, 5374, 5623, 5884, 6156, 6441, 6739, 7051, 7378, 7720, 8077, 8451,
    8842, 9252, 9680, 10129, 10598,
];

/// Everything that coding one latent at one quality needs.
pub struct LatentCoder<'a> {
    /// Executor.
    pub exec: &'a Integer,
    /// Networks.
    pub model: &'a Latent,
    /// Position among the checkpoint's latents.
    pub which: usize,
    /// Quantisation steps of the checkpoint.
    pub steps: &'a [u32],
    /// Tables by scale index.
    pub scales: &'a ScaleTables,
    /// Whether the first lattice's symbols come before the second's scales; if not, those need none.
    pub two_passes: bool,
    /// Quality index.
    pub quality: i8,
    /// The quality as the networks see it, `[1, 1, 1, 1]`.
    pub plane: Values,
    /// Height and width of the latent.
    pub size: [usize; 2],
}

/// What the decoder knows before the symbols.
struct Known {
    /// Means in real units times 2^[`STEP_FRAC`].
    mean: Vec<i32>,
    /// Log2 scales, format [`ENTROPY`].
    scale: Vec<i32>,
    features: Values,
}

/// A coded latent.
pub struct CodedLatent {
    /// Dequantised, format [`WIDE`], `[channels, h, w]`.
    pub latent: Vec<i32>,
    /// Bits of the hyper-latent.
    pub side_bits: f64,
    /// Bits of the symbols.
    pub symbol_bits: f64,
    /// By how much these exceed the bits of zeros, site by site.
    pub site_bits: Vec<f64>,
}

impl LatentCoder<'_> {
    fn channels(&self) -> usize {
        self.model.sizes.latent
    }

    fn hyper_shape(&self) -> [usize; 3] {
        let [h, w] = self.size;
        [self.model.sizes.hyper, h.div_ceil(HYPER_STRIDE), w.div_ceil(HYPER_STRIDE)]
    }

    fn step(&self, channel: usize) -> i32 {
        let quality = usize::try_from(self.quality).unwrap_or(0).min(QUALITIES - 1);
        let below = usize::from(self.quality.min(0).unsigned_abs()).min(COARSER.len() - 1);
        let step = u64::from(self.steps[quality * self.channels() + channel]);
        ((step * COARSER[below] + 2048) >> 12) as i32
    }

    /// Means of the hyper-latent in format [`WIDE`], and its scale indices.
    fn hyper_prior(&self, context: Option<&Values>) -> (Vec<i32>, Vec<u8>) {
        let [_, zh, zw] = self.hyper_shape();
        let like = self.exec.tensor(&vec![0; zh * zw], [1, zh, zw]);
        let [mean, scale] = self.model.hyper_prior(self.exec, context, &self.plane, &like);
        let shift = ENTROPY.frac - WIDE.frac;
        let mean = self.exec.integers(mean).into_iter().map(|v| (v + (1 << (shift - 1))) >> shift);
        (mean.collect(), self.exec.integers(scale).into_iter().map(scale_index).collect())
    }

    /// First step of the prior; `z` in format [`WIDE`].
    fn known(&self, z: &[i32], context: Option<&Values>) -> Known {
        let [h, w] = self.size;
        let z = self.exec.tensor(z, self.hyper_shape());
        let like = self.exec.tensor(&vec![0; h * w], [1, h, w]);
        let prior = self.model.prior(self.exec, &z, context, &self.plane, &like);
        let mean = self.means(self.exec.integers(prior.mean));
        Known { mean, scale: self.exec.integers(prior.scale), features: prior.features }
    }

    /// From the head's format to real units times 2^[`STEP_FRAC`].
    fn means(&self, mut head: Vec<i32>) -> Vec<i32> {
        let sites = self.size[0] * self.size[1];
        for (map, &unit) in head.chunks_exact_mut(sites).zip(&self.model.mean_unit) {
            let shift = STEP_FRAC as i32 - ENTROPY.frac as i32 + unit;
            map.iter_mut().for_each(|v| *v <<= shift);
        }
        head
    }

    /// Second step: adds to means and scales of the second lattice what the first lattice's symbols tell.
    fn refine(&self, known: &mut Known, symbols: &[i32], first: &[bool]) {
        let [h, w] = self.size;
        let limit = WIDE.max() >> WIDE.frac;
        let told = |(&k, &first): (&i32, &bool)| if first { k.clamp(-limit, limit) << WIDE.frac } else { 0 };
        let input: Vec<i32> = symbols.iter().zip(first).map(told).collect();
        let input = self.exec.tensor(&input, [self.channels(), h, w]);
        let [mean, scale] =
            self.model.refine(self.exec, &known.features, &input).map(|head| self.exec.integers(head));
        let mean = self.means(mean);
        for i in (0..first.len()).filter(|&i| !first[i]) {
            known.mean[i] += mean[i];
            known.scale[i] += scale[i];
        }
    }

    /// Whether each symbol, in coding order, is on the first lattice.
    fn lattice(&self) -> Vec<bool> {
        let [h, w] = self.size;
        let sites = move |c| (0..h * w).map(move |s| self.model.first(c, s / w, s % w));
        (0..self.channels()).flat_map(sites).collect()
    }

    fn dequantised(&self, known: &Known, symbols: &[i32]) -> Vec<i32> {
        let sites = self.size[0] * self.size[1];
        let round = 1 << (STEP_FRAC - WIDE.frac as u32 - 1);
        let value = |(i, &k): (usize, &i32)| {
            let value = known.mean[i] as i64 + k as i64 * self.step(i / sites) as i64;
            ((value + round) >> (STEP_FRAC - WIDE.frac as u32)).clamp(-WIDE.max() as i64, WIDE.max() as i64)
                as i32
        };
        symbols.iter().enumerate().map(value).collect()
    }

    /// Reads the symbols for which `index` tells a scale index; 0 means that the symbol is 0 and not coded.
    fn read(
        &self,
        coder: &mut SymbolDecoder,
        symbols: &mut [i32],
        index: impl Fn(usize) -> Option<u8>,
    ) -> Result<()> {
        for (i, symbol) in symbols.iter_mut().enumerate() {
            let Some(index) = index(i).filter(|&index| index > 0) else { continue };
            *symbol = coder.get_scaled(self.scales, index as usize)?;
            if symbol.abs() > MAX_SYMBOL {
                return Err(Error::SymbolRange { symbol: *symbol, limit: MAX_SYMBOL });
            }
        }
        Ok(())
    }

    /// Writes what [`LatentCoder::read`] reads.
    fn write(
        &self,
        coder: &mut SymbolEncoder,
        symbols: &[i32],
        index: impl Fn(usize) -> Option<u8>,
    ) -> Result<()> {
        for (i, &symbol) in symbols.iter().enumerate() {
            let Some(index) = index(i).filter(|&index| index > 0) else { continue };
            coder.tally(self.which, index as usize, symbol);
            coder.put_scaled(self.scales, index as usize, symbol)?;
        }
        Ok(())
    }

    /// Decodes the latent.
    ///
    /// # Errors
    /// If the payload ends or holds an impossible code.
    pub fn decode(&self, coder: &mut SymbolDecoder, context: Option<&Values>) -> Result<Vec<i32>> {
        let (mean, index) = self.hyper_prior(context);
        let mut z = vec![0; index.len()];
        self.read(coder, &mut z, |i| Some(index[i]))?;
        z.iter_mut().zip(mean).for_each(|(z, mean)| *z = hyper_value(mean, *z));
        let mut known = self.known(&z, context);
        let mut symbols = vec![0; known.mean.len()];
        let first = self.lattice();
        self.read(coder, &mut symbols, |i| {
            (first[i] || !self.two_passes).then(|| scale_index(known.scale[i]))
        })?;
        self.refine(&mut known, &symbols, &first);
        if self.two_passes {
            self.read(coder, &mut symbols, |i| (!first[i]).then(|| scale_index(known.scale[i])))?;
        }
        Ok(self.dequantised(&known, &symbols))
    }

    /// Encodes a latent given in format [`LATENT`], with nothing but zeros at the `silent` sites.
    ///
    /// # Errors
    /// Only if the checkpoint's tables contradict the model.
    pub fn encode(
        &self,
        coder: &mut SymbolEncoder,
        y: &[i32],
        context: Option<&Values>,
        silent: &[bool],
    ) -> Result<CodedLatent> {
        let start = coder.bits_written();
        let (mean, index) = self.hyper_prior(context);
        let half = 1 << (WIDE.frac - 1);
        let symbols: Vec<i32> = (self.hyper_latent(y).iter().zip(&mean).zip(&index))
            .map(|((&z, &mean), &index)| if index > 0 { (z - mean + half) >> WIDE.frac } else { 0 })
            .collect();
        let z: Vec<i32> = symbols.iter().zip(mean).map(|(&k, mean)| hyper_value(mean, k)).collect();
        self.write(coder, &symbols, |i| Some(index[i]))?;
        let middle = coder.bits_written();
        let mut known = self.known(&z, context);
        let sites = self.size[0] * self.size[1];
        let lambda = crate::model::lambda(self.quality.into());
        let worth: Vec<f32> = (0..self.channels())
            .map(|c| self.model.bit_worth(c, (1 << STEP_FRAC) as f32 / self.step(c) as f32, lambda))
            .collect();
        let quantised = |known: &Known, i: usize| {
            if silent.get(i % sites) == Some(&true) {
                return 0;
            }
            let distance = (y[i] << (STEP_FRAC - LATENT.frac as u32)) - known.mean[i];
            let steps = distance as f32 / self.step(i / sites) as f32;
            self.rounded(steps, scale_index(known.scale[i]) as usize, worth[i / sites])
        };
        let first = self.lattice();
        let mut symbols: Vec<i32> =
            (0..y.len()).map(|i| if first[i] { quantised(&known, i) } else { 0 }).collect();
        if self.two_passes {
            self.write(coder, &symbols, |i| first[i].then(|| scale_index(known.scale[i])))?;
        }
        self.refine(&mut known, &symbols, &first);
        (0..y.len()).filter(|&i| !first[i]).for_each(|i| symbols[i] = quantised(&known, i));
        self.write(coder, &symbols, |i| {
            (!first[i] || !self.two_passes).then(|| scale_index(known.scale[i]))
        })?;
        let end = coder.bits_written();
        let mut site_bits = vec![0.0; sites];
        for (i, &symbol) in symbols.iter().enumerate().filter(|(_, symbol)| **symbol != 0) {
            let index = scale_index(known.scale[i]) as usize;
            site_bits[i % sites] += f64::from(self.scales.bits(index, symbol) - self.scales.bits(index, 0));
        }
        Ok(CodedLatent {
            site_bits,
            latent: self.dequantised(&known, &symbols),
            side_bits: middle - start,
            symbol_bits: end - middle,
        })
    }

    /// Hyper-analysis of a latent, format [`WIDE`].
    fn hyper_latent(&self, y: &[i32]) -> Vec<i32> {
        let [h, w] = self.size;
        let sites = h * w;
        let limit = WIDE.max() as f32;
        let unit = (1 << WIDE.frac) as f32;
        let compressed = y.iter().enumerate().map(|(i, &v)| {
            let steps = (v << (STEP_FRAC - LATENT.frac as u32)) as f32 / self.step(i / sites) as f32;
            (steps.abs().ln_1p().copysign(steps) * unit).round() as i32
        });
        let real = y.iter().map(|&v| (v as f32 * (0.25 * unit / (1 << LATENT.frac) as f32)).round() as i32);
        let input: Vec<i32> = compressed.chain(real).map(|v| v.clamp(-limit as i32, limit as i32)).collect();
        let input = self.exec.tensor(&input, [2 * self.channels(), h, w]);
        self.exec.integers(self.model.hyper_analysis(self.exec, &input, &self.plane))
    }

    /// Rate-distortion optimised rounding: towards zero while the saved bits, at `worth` squared steps each, outweigh the
    /// added squared error.
    fn rounded(&self, x: f32, index: usize, worth: f32) -> i32 {
        if index == 0 {
            return 0;
        }
        let magnitude = x.abs();
        let mut symbol = (magnitude + 0.5).floor().min(MAX_SYMBOL as f32) as i32;
        while symbol > 0 {
            let sign = if x < 0.0 { -1 } else { 1 };
            let saved = self.scales.bits(index, sign * symbol) - self.scales.bits(index, sign * (symbol - 1));
            let growth = 2.0 * (magnitude - symbol as f32) + 1.0;
            if growth >= worth * saved {
                break;
            }
            symbol -= 1;
        }
        if x < 0.0 { -symbol } else { symbol }
    }
}

/// A hyper-latent from its mean and its symbol, as far as the hyper-synthesis can read it.
fn hyper_value(mean: i32, symbol: i32) -> i32 {
    (mean + (symbol << WIDE.frac)).clamp(-WIDE.max(), WIDE.max())
}

/// Index of the table for a log2 scale in format [`ENTROPY`]: quarter octaves.
fn scale_index(log_scale: i32) -> u8 {
    let quarter = 1 << (ENTROPY.frac - 2);
    ((log_scale + quarter / 2).div_euclid(quarter) + SCALE_ONE as i32).clamp(0, SCALES as i32 - 1) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lambda;

    #[test]
    fn steps_grow_below_quality_0_as_the_root_of_lambda() {
        for (below, &coarser) in COARSER.iter().enumerate() {
            let root = (lambda(-(below as f32)) / lambda(0.0)).sqrt();
            assert!((coarser as f32 - 4096.0 * root).abs() < 1.0, "{below}: {coarser}");
        }
    }
}
