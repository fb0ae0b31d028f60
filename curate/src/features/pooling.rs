//! Latents of any size as a vector: mean and standard deviation of each channel.

use vcn_codec::Analysis;

/// A latent's unit.
const UNIT: f64 = 256.0;

/// Sums over the positions of latents.
#[derive(Default)]
pub(super) struct Pool {
    count: f64,
    /// Sum and sum of squares of each channel.
    sums: Vec<[f64; 2]>,
}

impl Pool {
    /// Takes a latent into account.
    pub fn add(&mut self, latent: &Analysis) {
        self.sums.resize(latent.channels, [0.0; 2]);
        let positions = latent.height * latent.width;
        self.count += positions as f64;
        for (sum, values) in self.sums.iter_mut().zip(latent.values.chunks_exact(positions.max(1))) {
            for value in values {
                let value = f64::from(*value) / UNIT;
                sum[0] += value;
                sum[1] += value * value;
            }
        }
    }

    /// The means of all channels, then their standard deviations.
    pub fn vector(&self) -> Vec<f32> {
        let means = self.sums.iter().map(|[sum, _]| sum / self.count);
        let deviations = self.sums.iter().map(|[sum, squares]| {
            let mean = sum / self.count;
            (squares / self.count - mean * mean).max(0.0).sqrt()
        });
        means.chain(deviations).map(|value| value as f32).collect()
    }
}
