//! From trained weights to the integers of a checkpoint, and back to go on from them.

use std::path::Path;

use vcn_codec::checkpoint::{Checkpoint, LatentTables, Layer, STEP_FRAC, latents};
use vcn_codec::container::Metric;
use vcn_codec::entropy::{ChannelTables, Histogram, ScaleTables};
use vcn_codec::model::latent::{KNOTS, Latent, MIXTURE, SCALES};
use vcn_codec::model::{Model, QUALITIES};

use crate::run::{initial, read_record, read_weights};
use crate::{Error, Result};

/// Largest hyper-latent.
const HYPER_LIMIT: i32 = 31;
/// Symbols that stand for a distribution when it becomes a histogram.
const MASS: f64 = 20_000.0;

/// Quantises the averaged weights of a run's state file.
///
/// # Errors
/// If the file cannot be read, does not fit the model, or a bound of the integer arithmetic cannot be kept.
pub fn export(state: &Path, name: &str, metric: Metric) -> Result<Checkpoint> {
    let model = Model::new();
    let record = serde_json::to_string(&read_record(state)?).expect("a map of strings is plain data");
    let mut values = initial(&model.params, 0);
    read_weights(state, &model.params, "average.", &mut values)?;
    let layers =
        model.params.convs.iter().map(|c| Layer::quantise(c, &values[c.weight], &values[c.bias])).collect();
    let codec = |e: vcn_codec::Error| Error::State { path: state.to_owned(), what: e.to_string() };
    let tables = |latent: &Latent| -> Result<LatentTables> {
        Ok(LatentTables {
            steps: steps(latent, &values[latent.log_gain]),
            hyper: hyper(latent, &values).map_err(codec)?,
        })
    };
    let [a, b, c] = latents(&model);
    let latents = [tables(a)?, tables(b)?, tables(c)?];
    let scales = ScaleTables::laplace(SCALES).map_err(codec)?;
    Checkpoint::new(name.to_owned(), metric, record, layers, latents, scales).map_err(codec)
}

/// Parameter values that stand for a checkpoint's integers: a machine without the run's state goes on from them.
///
/// # Errors
/// If the file cannot be read or is no checkpoint.
pub fn import(path: &Path) -> Result<Vec<Vec<f32>>> {
    let bytes = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let checkpoint =
        Checkpoint::read(&bytes).map_err(|e| Error::State { path: path.to_owned(), what: e.to_string() })?;
    let model = Model::new();
    let mut values = initial(&model.params, 0);
    for (conv, layer) in model.params.convs.iter().zip(&checkpoint.layers) {
        let fan = conv.macs() / conv.cout;
        let unit = |o: usize| 1.0 / (1u32 << layer.exponent[o]) as f32;
        values[conv.weight] =
            layer.weight.iter().enumerate().map(|(i, &w)| w as f32 * unit(i / fan)).collect();
        let frac = (1u32 << conv.input.frac) as f32;
        values[conv.bias] = layer.bias.iter().enumerate().map(|(o, &b)| b as f32 * unit(o) / frac).collect();
    }
    for (latent, tables) in latents(&model).into_iter().zip(&checkpoint.latents) {
        let channels = latent.sizes.latent;
        let one = (1u32 << STEP_FRAC) as f32;
        for (i, value) in values[latent.log_gain].iter_mut().enumerate() {
            let quality = (i / channels) * (QUALITIES - 1) / (KNOTS - 1);
            *value = (one / tables.steps[quality * channels + i % channels] as f32).ln();
        }
        for channel in 0..latent.sizes.hyper {
            let (mean, spread) = moments(&tables.hyper, channel);
            for k in 0..MIXTURE {
                values[latent.mixture_mean][channel * MIXTURE + k] = mean + (k as f32 - 1.0) * spread;
                values[latent.mixture_scale][channel * MIXTURE + k] = (0.4 * spread).ln();
            }
        }
    }
    Ok(values)
}

/// Mean and spread of a hyper-latent channel by its table.
fn moments(tables: &ChannelTables, channel: usize) -> (f32, f32) {
    let Ok(table) = tables.get(channel) else { return (0.0, 1.0) };
    let mass: Vec<(f32, f32)> =
        (table.min()..).zip(table.frequencies()).map(|(z, f)| (z as f32, f as f32)).collect();
    let total: f32 = mass.iter().map(|(_, f)| f).sum::<f32>().max(1.0);
    let mean = mass.iter().map(|(z, f)| z * f).sum::<f32>() / total;
    let variance = mass.iter().map(|(z, f)| (z - mean).powi(2) * f).sum::<f32>() / total;
    (mean, variance.sqrt().max(0.3))
}

/// Quantisation steps of every quality: gains interpolated between knots, inverted.
fn steps(latent: &Latent, log_gain: &[f32]) -> Vec<u32> {
    let channels = latent.sizes.latent;
    let mut steps = Vec::with_capacity(QUALITIES * channels);
    for quality in 0..QUALITIES {
        let at = quality as f32 / (QUALITIES - 1) as f32 * (KNOTS - 1) as f32;
        let low = (at as usize).min(KNOTS - 2);
        let t = at - low as f32;
        for c in 0..channels {
            let gain = log_gain[low * channels + c] * (1.0 - t) + log_gain[(low + 1) * channels + c] * t;
            steps.push(
                ((-gain).exp() * (1u32 << STEP_FRAC) as f32).round().clamp(1.0, (1 << 22) as f32) as u32
            );
        }
    }
    steps
}

/// Tables of the hyper-latent channels from their mixtures of logistics.
fn hyper(latent: &Latent, values: &[Vec<f32>]) -> vcn_codec::Result<ChannelTables> {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let histograms: Vec<Histogram> = (0..latent.sizes.hyper)
        .map(|channel| {
            let at = |id: usize, k: usize| values[id][channel * MIXTURE + k] as f64;
            let total: f64 = (0..MIXTURE).map(|k| at(latent.mixture_weight, k).exp()).sum();
            let mut histogram = Histogram::default();
            for z in -HYPER_LIMIT..=HYPER_LIMIT {
                let mass: f64 = (0..MIXTURE)
                    .map(|k| {
                        let inverse = (-at(latent.mixture_scale, k).clamp(-3.0, 5.0)).exp();
                        let offset = z as f64 - at(latent.mixture_mean, k);
                        let cdf = |shift: f64| sigmoid((offset + shift) * inverse);
                        at(latent.mixture_weight, k).exp() / total * (cdf(0.5) - cdf(-0.5))
                    })
                    .sum();
                (0..(mass * MASS).round() as u32).for_each(|_| histogram.add(z));
            }
            histogram
        })
        .collect();
    ChannelTables::from_histograms(&histograms, 1.0)
}
