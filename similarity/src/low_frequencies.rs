//! A descriptor that needs no model.

use std::f32::consts::{PI, SQRT_2};

use crate::{
    descriptor::{Descriptor, is_flat, quantised},
    thumbnail::{SIDE, Thumbnail},
};

/// Blocks in a row.
const BLOCKS: usize = 4;
/// Frequencies of a block, as pairs of horizontal and vertical.
const FREQUENCIES: [(usize, usize); 8] = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1), (1, 2)];
/// Largest number of a vector of unit length.
const MOST: f32 = 0.2;

/// The lowest frequencies of a cosine transform of 4x4 blocks of luma, without the mean of the frame and without its
/// contrast.
#[derive(Clone, Copy, Debug, Default)]
pub struct LowFrequencies;

impl Descriptor for LowFrequencies {
    fn id(&self) -> [u8; 32] {
        *blake3::hash(b"vcn-store low frequencies 1").as_bytes()
    }

    fn length(&self) -> usize {
        BLOCKS * BLOCKS * FREQUENCIES.len()
    }

    fn alike(&self) -> f32 {
        0.86
    }

    fn describe(&self, thumbnail: &Thumbnail) -> Option<Vec<i8>> {
        let luma = thumbnail.luma();
        if luma.len() != SIDE * SIDE || is_flat(thumbnail) {
            return None;
        }
        let mean = luma.iter().map(|sample| f32::from(*sample)).sum::<f32>() / luma.len() as f32;
        let side = SIDE / BLOCKS;
        let wave = |frequency: usize, at: usize| {
            let scale = if frequency == 0 { 1.0 } else { SQRT_2 };
            scale * (PI * (at as f32 + 0.5) * frequency as f32 / side as f32).cos()
        };
        let waves: Vec<Vec<f32>> = (0..3).map(|f| (0..side).map(|at| wave(f, at)).collect()).collect();
        let mut vector = Vec::with_capacity(self.length());
        for block in 0..BLOCKS * BLOCKS {
            let (top, left) = (block / BLOCKS * side, block % BLOCKS * side);
            for (horizontal, vertical) in FREQUENCIES {
                let mut sum = 0.0;
                for y in 0..side {
                    let row = &luma[(top + y) * SIDE + left..][..side];
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
        Some(quantised(vector, MOST))
    }
}
