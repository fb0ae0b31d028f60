//! From trained weights to the integers of a checkpoint, and back to go on from them.

use std::path::Path;

use vcn_codec::checkpoint::{Checkpoint, Layer, STEP_FRAC, latents, steps};
use vcn_codec::container::Metric;
use vcn_codec::entropy::ScaleTables;
use vcn_codec::model::latent::{KNOTS, SCALES};
use vcn_codec::model::{Model, QUALITIES};

use crate::run::{initial, read_record, read_weights};
use crate::{Error, Result};

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
    let steps = latents(&model).map(|latent| steps(latent, &values[latent.log_gain]));
    let scales = ScaleTables::laplace(SCALES).map_err(codec)?;
    Checkpoint::new(name.to_owned(), metric, record, layers, steps, scales).map_err(codec)
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
