//! What frames look like, in a few numbers.

use std::f32::consts::PI;

use super::thumbnail::SIDE;
use crate::digest::Digest;

/// Describes frames so that alike frames have alike vectors. The learned codec's intra latents will be one of these.
pub trait Descriptor: Send + Sync {
    /// Identifies the descriptor and its model; vectors of different ones are never compared.
    fn id(&self) -> Digest;

    /// Numbers in a vector.
    fn length(&self) -> usize;

    /// The vector of a thumbnail of 160x160 luma samples, of about unit length times 127; `None` for frames that say too
    /// little, such as black ones.
    fn describe(&self, thumbnail: &[u8]) -> Option<Vec<i8>>;
}

/// Blocks in a row.
const BLOCKS: usize = 4;
/// Frequencies of a block, as pairs of horizontal and vertical.
const FREQUENCIES: [(usize, usize); 8] = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1), (1, 2)];
/// Standard deviation of luma below which a frame says too little.
const FLAT: f32 = 8.0;
/// Largest number of a vector of unit length.
const MOST: f32 = 0.2;

/// The lowest frequencies of a cosine transform of 4x4 blocks, without the mean of the frame and without its contrast.
#[derive(Clone, Copy, Debug, Default)]
pub struct LowFrequencies;

impl Descriptor for LowFrequencies {
    fn id(&self) -> Digest {
        Digest::of(b"vcn-store low frequencies 1")
    }

    fn length(&self) -> usize {
        BLOCKS * BLOCKS * FREQUENCIES.len()
    }

    fn describe(&self, thumbnail: &[u8]) -> Option<Vec<i8>> {
        let count = thumbnail.len() as f32;
        let mean = thumbnail.iter().map(|sample| f32::from(*sample)).sum::<f32>() / count;
        let variance =
            thumbnail.iter().map(|sample| (f32::from(*sample) - mean).powi(2)).sum::<f32>() / count;
        if thumbnail.len() != SIDE * SIDE || variance.sqrt() < FLAT {
            return None;
        }
        let side = SIDE / BLOCKS;
        let wave = |frequency: usize, at: usize| {
            let scale = if frequency == 0 { 1.0 } else { std::f32::consts::SQRT_2 };
            scale * (PI * (at as f32 + 0.5) * frequency as f32 / side as f32).cos()
        };
        let waves: Vec<Vec<f32>> = (0..3).map(|f| (0..side).map(|at| wave(f, at)).collect()).collect();
        let mut vector = Vec::with_capacity(self.length());
        for block in 0..BLOCKS * BLOCKS {
            let (top, left) = (block / BLOCKS * side, block % BLOCKS * side);
            for (horizontal, vertical) in FREQUENCIES {
                let mut sum = 0.0;
                for y in 0..side {
                    let row = &thumbnail[(top + y) * SIDE + left..][..side];
                    let line: f32 = row
                        .iter()
                        .zip(&waves[horizontal])
                        .map(|(sample, wave)| (f32::from(*sample) - mean) * wave)
                        .sum();
                    sum += line * waves[vertical][y];
                }
                vector.push(sum);
            }
        }
        normalise(&mut vector);
        // As in SIFT (Lowe 2004): a logo or a caption in one block does not outweigh all others.
        vector.iter_mut().for_each(|value| *value = value.clamp(-MOST, MOST));
        normalise(&mut vector);
        Some(vector.iter().map(|value| (value * 127.0).round() as i8).collect())
    }
}

fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter_mut().for_each(|value| *value /= length);
}

/// Cosine of the angle between two vectors.
pub(crate) fn likeness(a: &[i8], b: &[i8]) -> f32 {
    dot(a, b) as f32 / (dot(a, a) as f32 * dot(b, b) as f32).sqrt().max(1.0)
}

/// Inner product of two vectors.
pub(crate) fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}
