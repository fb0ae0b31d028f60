//! Writes a checkpoint with starting weights: it compresses badly, but every promise of the format can be tested on it.
//!
//! `cargo run --release -p vcn-codec --example untrained -- untrained.vcnm`

use vcn_codec::checkpoint::{Checkpoint, Layer, latents, steps};
use vcn_codec::container::Metric;
use vcn_codec::entropy::ScaleTables;
use vcn_codec::model::Model;
use vcn_codec::model::latent::SCALES;
use vcn_codec::model::params::{Init, Param};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: untrained FILE.vcnm")?;
    std::fs::write(&path, untrained("untrained", Metric::Psnr, 1)?.write())?;
    Ok(())
}

/// The model as it is before training; another seed is another model.
pub fn untrained(name: &str, metric: Metric, seed: u64) -> vcn_codec::Result<Checkpoint> {
    let model = Model::new();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let values: Vec<Vec<f32>> = model.params.list.iter().map(|p| starting(p, &mut state)).collect();
    let layers =
        model.params.convs.iter().map(|c| Layer::quantise(c, &values[c.weight], &values[c.bias])).collect();
    let steps = latents(&model).map(|latent| steps(latent, &values[latent.log_gain]));
    let record = r#"{"stage":"none"}"#.to_owned();
    let scales = ScaleTables::laplace(SCALES)?;
    Checkpoint::new(name.to_owned(), metric, record, layers, steps, [scales.clone(), scales.clone(), scales])
}

fn starting(param: &Param, state: &mut u64) -> Vec<f32> {
    match &param.init {
        Init::Constant(value) => vec![*value; param.len()],
        Init::Values(values) => values.clone(),
        Init::Fan(gain) => {
            let fan: usize = param.shape[1..].iter().product();
            let limit = gain * (6.0 / fan as f32).sqrt();
            let mut uniform = || {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
            };
            (0..param.len()).map(|_| limit * uniform()).collect()
        }
    }
}
