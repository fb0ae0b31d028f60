//! From trained weights to the integers of a checkpoint, and back to go on from them.

use std::path::Path;

use vcn_codec::checkpoint::{Checkpoint, Layer, STEP_FRAC, latents, steps};
use vcn_codec::container::Metric;
use vcn_codec::entropy::{Histogram, ScaleTables};
use vcn_codec::model::latent::{KNOTS, SCALES};
use vcn_codec::model::{Model, QUALITIES};
use vcn_codec::{Codec, DeviceChoice, GopSettings};

use crate::data::Clip;
use crate::run::{initial, read_record, read_weights};
use crate::{Error, Result};

/// Quantises the averaged weights of a run's state file: a checkpoint for the metric that the run was for.
///
/// # Errors
/// If the file cannot be read, does not fit the model, or a bound of the integer arithmetic cannot be kept.
pub fn export(state: &Path, name: &str) -> Result<Checkpoint> {
    let model = Model::new();
    let record = read_record(state)?;
    // Runs from before there was a choice say nothing of the metric.
    let trained_for = |metric: &Metric| record.get("metric").is_some_and(|name| name == metric.name());
    let metric = Metric::ALL.into_iter().find(trained_for).unwrap_or(Metric::Psnr);
    let record = serde_json::to_string(&record).expect("a map of strings is plain data");
    let mut values = initial(&model.params, 0);
    read_weights(state, &model.params, "average.", &mut values)?;
    let layers =
        model.params.convs.iter().map(|c| Layer::quantise(c, &values[c.weight], &values[c.bias])).collect();
    let codec = |e: vcn_codec::Error| Error::State { path: state.to_owned(), what: e.to_string() };
    let steps = latents(&model).map(|latent| steps(latent, &values[latent.log_gain]));
    let scales = ScaleTables::laplace(SCALES).map_err(codec)?;
    let scales = [scales.clone(), scales.clone(), scales];
    Checkpoint::new(name.to_owned(), metric, record, layers, steps, scales).map_err(codec)
}

/// One in this many clips, its first frames, and their qualities in turn: what [`fit_tables`] counts.
const COUNTED_CLIPS: usize = 5;
const COUNTED_FRAMES: usize = 9;
const COUNTED_QUALITIES: [u8; 4] = [4, 18, 32, 48];
/// As many symbols as would have had to be seen for the counts to weigh as much as the Laplace distribution.
const LAPLACE_STRENGTH: f64 = 256.0;

/// Replaces the Laplace tables by ones counted where the codec itself writes: rounding has a dead zone and tails are
/// heavier than the training believed.
///
/// # Errors
/// If a clip cannot be coded.
pub fn fit_tables(checkpoint: Checkpoint, clips: &[Clip]) -> Result<Checkpoint> {
    let wrong = Error::Tables;
    let codec = Codec::new(checkpoint, DeviceChoice::Cpu).map_err(wrong)?;
    let mut counts = vec![vec![Histogram::default(); SCALES]; codec.checkpoint().scales.len()];
    for (i, clip) in clips.iter().step_by(COUNTED_CLIPS).enumerate() {
        let quality = COUNTED_QUALITIES[i % COUNTED_QUALITIES.len()];
        let size = [clip.frames[0].width, clip.frames[0].height];
        let settings = GopSettings { quality, ..GopSettings::default() };
        let mut encoder = codec.encode(size[0], size[1], settings);
        encoder.count();
        for frame in clip.frames.iter().take(COUNTED_FRAMES) {
            encoder.push(frame).map_err(wrong)?;
        }
        let counted = encoder.counts().iter().flatten();
        counts.iter_mut().flatten().zip(counted).for_each(|(sum, counted)| sum.merge(counted));
    }
    let Checkpoint { name, metric, record, layers, steps, mut scales, .. } = codec.checkpoint().clone();
    for (scales, counts) in scales.iter_mut().zip(&counts) {
        *scales = ScaleTables::from_histograms(counts, LAPLACE_STRENGTH).map_err(wrong)?;
    }
    Checkpoint::new(name, metric, record, layers, steps, scales).map_err(wrong)
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
    // What is newer than the checkpoint starts as in a new model.
    let known = model
        .params
        .convs
        .iter()
        .zip(&checkpoint.layers)
        .filter(|(conv, _)| conv.since <= checkpoint.version());
    for (conv, layer) in known {
        [values[conv.weight], values[conv.bias]] = layer.real(conv);
    }
    for (latent, steps) in latents(&model).into_iter().zip(&checkpoint.steps) {
        let channels = latent.sizes.latent;
        let one = (1u32 << STEP_FRAC) as f32;
        for (i, value) in values[latent.log_gain].iter_mut().enumerate() {
            let quality = (i / channels) * (QUALITIES - 1) / (KNOTS - 1);
            *value = (one / steps[quality * channels + i % channels] as f32).ln();
        }
    }
    Ok(values)
}
