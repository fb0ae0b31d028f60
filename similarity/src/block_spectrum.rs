//! The descriptor that the archive and the tools use.
//!
//! The intra transform of the codec starts its training as a block DCT. The lowest channels of that are computed here,
//! without a model, so that what is described today can still be found when models change.

use std::f32::consts::PI;

use crate::{
    descriptor::{Descriptor, is_flat, normalise, quantised},
    thumbnail::{SIDE, Thumbnail},
};

/// Side of a block, in samples, as in the codec.
const BLOCK: usize = 16;
/// Blocks in a row of a thumbnail.
const BLOCKS: usize = SIDE / BLOCK;
/// Cells in a row over which energies are pooled.
const ENERGY_CELLS: usize = 4;
/// Cells in a row over which means are pooled.
const MEAN_CELLS: usize = 8;
/// Coefficients whose energy is pooled, as pairs of vertical and horizontal frequency, with mean and standard deviation
/// of the energy's logarithm over thumbnails of training clips: `similarity/examples/energies.rs` prints this table. What
/// is described with other numbers is another descriptor and needs another id.
const ENERGIES: [(usize, usize, f32, f32); 8] = [
    (0, 1, 1.41, 1.42),
    (1, 0, 1.33, 1.35),
    (1, 1, 0.06, 1.35),
    (0, 2, 0.22, 1.58),
    (2, 0, -0.02, 1.42),
    (1, 2, -0.64, 1.37),
    (2, 1, -0.72, 1.32),
    (2, 2, -1.22, 1.25),
];
/// Size of a coefficient that the energies count as 1, as in the codec.
const COEFFICIENT: f32 = 64.0;
/// Energy that is noise.
const NOISE: f32 = 0.01;
/// Exponent of means, so that one bright or dark part does not outweigh all others.
const POWER: f32 = 0.7;
/// Largest number of a vector of unit length.
const MOST: f32 = 0.2;

/// Where light is and how busy each part is: pooled means and log energies of a 16x16 block DCT of luma.
///
/// Energies tell how busy a part is, whatever the phase of its texture: they hardly change where a crop shifts all blocks
/// by a few samples, which changes every other coefficient. Means tell where light is.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockSpectrum;

impl Descriptor for BlockSpectrum {
    fn id(&self) -> [u8; 32] {
        *blake3::hash(b"vcn block spectrum 1").as_bytes()
    }

    fn length(&self) -> usize {
        MEAN_CELLS * MEAN_CELLS + ENERGIES.len() * ENERGY_CELLS * ENERGY_CELLS
    }

    fn alike(&self) -> f32 {
        0.68
    }

    fn describe(&self, thumbnail: &Thumbnail) -> Option<Vec<i8>> {
        let luma = thumbnail.luma();
        if luma.len() != SIDE * SIDE || is_flat(thumbnail) {
            return None;
        }
        let energies = ENERGIES.iter().zip(BlockSpectrum::energies(thumbnail));
        let energies = energies.map(|((.., mean, deviation), energies)| (energies, *mean, *deviation));
        Some(vector(coefficients(luma, 0, 0), energies))
    }

    fn mirrored(&self, vector: &[i8]) -> Option<Vec<i8>> {
        Some(mirrored(vector))
    }
}

impl BlockSpectrum {
    /// How busy a thumbnail is: for each pair of vertical and horizontal frequency in [`BlockSpectrum::frequencies`], the
    /// logarithms of the pooled energies.
    pub fn energies(thumbnail: &Thumbnail) -> impl Iterator<Item = Vec<f32>> {
        BlockSpectrum::frequencies().map(move |(vertical, horizontal)| {
            log_energies(coefficients(thumbnail.luma(), vertical, horizontal))
        })
    }

    /// Pairs of vertical and horizontal frequency, in half periods a block.
    pub fn frequencies() -> impl Iterator<Item = (usize, usize)> {
        ENERGIES.into_iter().map(|(vertical, horizontal, ..)| (vertical, horizontal))
    }
}

/// The vector of what a transform makes of the blocks of a thumbnail: its coefficient for the mean, and the
/// [`log_energies`] of others, each with their mean and standard deviation over many pictures.
pub fn vector(means: Vec<f32>, energies: impl IntoIterator<Item = (Vec<f32>, f32, f32)>) -> Vec<i8> {
    let standardised = energies.into_iter().flat_map(|(energies, mean, deviation)| {
        energies.into_iter().map(move |energy| (energy - mean) / deviation)
    });
    let mut vector: Vec<f32> = standardised.collect();
    let mut means = pooled(means, MEAN_CELLS);
    let mean = means.iter().sum::<f32>() / means.len() as f32;
    means.iter_mut().for_each(|value| *value = (*value - mean).signum() * (*value - mean).abs().powf(POWER));
    normalise(&mut vector);
    normalise(&mut means);
    vector.append(&mut means);
    quantised(vector, MOST)
}

/// The vector of the mirror image: energies and means stay as they are, their cells change places.
pub fn mirrored(vector: &[i8]) -> Vec<i8> {
    let (energies, means) = vector.split_at(vector.len().saturating_sub(MEAN_CELLS * MEAN_CELLS));
    let flip = |part: &[i8], cells: usize| -> Vec<i8> {
        part.chunks(cells).flat_map(|row| row.iter().rev().copied()).collect()
    };
    [flip(energies, ENERGY_CELLS), flip(means, MEAN_CELLS)].concat()
}

/// Logarithms of the pooled energies of a coefficient of all blocks of a thumbnail.
pub fn log_energies(coefficients: Vec<f32>) -> Vec<f32> {
    let squares = coefficients.into_iter().map(|coefficient| coefficient * coefficient).collect();
    pooled(squares, ENERGY_CELLS).into_iter().map(|energy| (energy + NOISE).ln()).collect()
}

/// One coefficient of the orthonormal DCT of every block.
fn coefficients(luma: &[u8], vertical: usize, horizontal: usize) -> Vec<f32> {
    let wave = |frequency: usize| -> [f32; BLOCK] {
        let scale = if frequency == 0 { 1.0 } else { 2.0 } / BLOCK as f32;
        std::array::from_fn(|at| {
            scale.sqrt() * (PI * (at as f32 + 0.5) * frequency as f32 / BLOCK as f32).cos()
        })
    };
    let (rows, columns) = (wave(vertical), wave(horizontal));
    let mut out = vec![0.0; BLOCKS * BLOCKS];
    for (y, line) in luma.chunks_exact(SIDE).enumerate() {
        for (x, part) in line.chunks_exact(BLOCK).enumerate() {
            let sum: f32 = part.iter().zip(columns).map(|(sample, wave)| f32::from(*sample) * wave).sum();
            out[y / BLOCK * BLOCKS + x] += sum * rows[y % BLOCK] / COEFFICIENT;
        }
    }
    out
}

/// Weighted means of a grid of blocks over a grid of cells that overlap by half.
fn pooled(grid: Vec<f32>, cells: usize) -> Vec<f32> {
    let weights: Vec<Vec<f32>> = (0..cells)
        .map(|cell| {
            let centre = (cell as f32 + 0.5) / cells as f32;
            let distance =
                |block: usize| ((block as f32 + 0.5) / BLOCKS as f32 - centre).abs() * cells as f32;
            let row: Vec<f32> = (0..BLOCKS).map(|block| (1.0 - distance(block)).max(0.0)).collect();
            let sum: f32 = row.iter().sum();
            row.into_iter().map(|weight| weight / sum).collect()
        })
        .collect();
    let mut out = Vec::with_capacity(cells * cells);
    for rows in &weights {
        for columns in &weights {
            let lines = grid.chunks_exact(BLOCKS).zip(rows);
            let sum = lines.map(|(line, weight)| {
                weight * line.iter().zip(columns).map(|(value, weight)| value * weight).sum::<f32>()
            });
            out.push(sum.sum());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use vcn_media::{Picture, Yuv420};

    #[test]
    fn the_mirrored_vector_is_that_of_the_mirror_image() {
        let y = (0..SIDE * SIDE).map(|at| ((at % SIDE) * (at / SIDE) / 120 + at % 7) as u8).collect();
        let chroma = vec![128; SIDE * SIDE / 4];
        let picture: Picture = Yuv420 { width: SIDE, height: SIDE, y, u: chroma.clone(), v: chroma }.into();
        let thumbnail = Thumbnail::of(&picture);
        let vector = BlockSpectrum.describe(&thumbnail).unwrap();
        let mirror = BlockSpectrum.describe(&thumbnail.mirrored()).unwrap();
        assert_ne!(vector, mirror);
        let off =
            BlockSpectrum.mirrored(&vector).unwrap().iter().zip(&mirror).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off <= Some(1), "off by {off:?}");
    }
}
