//! Linear shortcuts: a block DCT from which the learned transforms start (the idea of AuxT, Li et al. 2025).
//!
//! Pictures are packed at 1/8 resolution: 64 luma channels (one 8x8 block, row by row), 16 channels of Cb and 16 of
//! Cr (4x4 each). Two by two of these sites form one 16x16 luma block with its two 8x8 chroma blocks.

use super::latent::{KNOTS, Latent, Sizes};
use super::ops::Ops;
use super::params::{Conv, Init, LATENT, PIXEL, Params, dct, low_frequencies};
use super::{QUALITIES, lambda};

/// Weights of the mean squared errors of Y, Cb and Cr whose sum is the mean squared error in RGB (BT.709).
const RGB_WEIGHTS: [f32; 3] = [1.0, 1.159, 0.9];
/// What the squared error of a sample of Y, Cb or Cr adds to the squared error of the picture in RGB: a chroma sample
/// stands for four pixels.
pub const SAMPLE_WEIGHTS: [f32; 3] = [RGB_WEIGHTS[0], 4.0 * RGB_WEIGHTS[1], 4.0 * RGB_WEIGHTS[2]];
/// Luma samples per site of a packed picture, each way.
pub const SIDE: usize = 8;
/// Channels of a packed picture.
pub const PACKED: usize = 96;
/// Of these, luma.
pub const LUMA: usize = SIDE * SIDE;
/// Grey levels that a real value of 1 stands for in a packed picture.
pub const GREY: f32 = 32.0;
/// Size of a coefficient that a real value of 1 stands for in a latent.
pub const COEFFICIENT: f32 = 64.0;

/// How many coefficients of a macroblock the latent keeps: luma, and each chroma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Luma coefficients of 256.
    pub luma: usize,
    /// Coefficients of 64 for each chroma plane.
    pub chroma: usize,
}

impl Kept {
    /// Latent channels.
    pub fn channels(self) -> usize {
        self.luma + 2 * self.chroma
    }

    /// What becomes [`super::latent::Latent::error`]: the transform is orthonormal.
    pub fn error(self, channel: usize) -> f32 {
        COEFFICIENT * COEFFICIENT * SAMPLE_WEIGHTS[plane(channel, self.luma, self.chroma)]
    }

    /// Gain of a channel at a quality knot, for a quantisation step of `ratio * sqrt(lambda)` grey levels: at high rate
    /// D = step^2 / 12 and -dD/dR = 2 ln 2 D, so what weighs D + lambda R has a ratio of 2.94. Frames that others are
    /// predicted from deserve less. Chroma weighs more in its error, so its steps are finer.
    pub fn gain(self, knot: usize, channel: usize, ratio: f32) -> f32 {
        let quality = (QUALITIES - 1) as f32 * knot as f32 / (KNOTS - 1) as f32;
        let weight = self.error(channel) / (COEFFICIENT * COEFFICIENT);
        COEFFICIENT / (ratio * (lambda(quality) / weight).sqrt())
    }

    /// The entropy model of the kept coefficients: steps of `ratio * sqrt(lambda)` grey levels, `spread` as in
    /// [`Kept::spread`].
    pub fn latent(self, p: &mut Params, sizes: Sizes, ratio: f32, spread: &[f32]) -> Latent {
        Latent::new(p, "latent", sizes, |k, c| self.gain(k, c, ratio), |c| spread[c], |c| self.error(c))
    }

    /// Expected magnitude of every channel in real units: `luma` or `chroma` grey levels at DC, falling with the
    /// frequency to the power `fall`.
    pub fn spread(self, luma: f32, chroma: f32, fall: f32) -> Vec<f32> {
        let spread = |(plane, f): (usize, f32)| {
            (if plane == 0 { luma } else { chroma }) / (1.0 + f).powf(fall) / COEFFICIENT
        };
        self.frequencies().into_iter().map(spread).collect()
    }

    /// For every latent channel: plane (0, 1, 2) and radial frequency in cycles per 16 luma samples (times two).
    pub fn frequencies(self) -> Vec<(usize, f32)> {
        let radius = |(u, v): (usize, usize), s: f32| ((u * u + v * v) as f32).sqrt() * s;
        let luma = low_frequencies(16, self.luma).into_iter().map(|f| (0, radius(f, 1.0)));
        let chroma =
            |plane| low_frequencies(8, self.chroma).into_iter().map(move |f| (plane, radius(f, 1.0)));
        luma.chain(chroma(1)).chain(chroma(2)).collect()
    }
}

/// The plane (0, 1, 2) of a channel where so many of luma come first, then so many of each chroma.
fn plane(channel: usize, luma: usize, chroma: usize) -> usize {
    if channel < luma { 0 } else { 1 + (channel - luma) / chroma }
}

/// The plane (0, 1, 2) of a channel of a packed picture.
pub fn packed_plane(channel: usize) -> usize {
    plane(channel, LUMA, (PACKED - LUMA) / 2)
}

/// Packed channel and sub-site (of 2x2) of a sample of a macroblock.
fn packed_channel(plane: usize, row: usize, column: usize) -> usize {
    let (side, base) = if plane == 0 { (8, 0) } else { (4, 64 + 16 * (plane - 1)) };
    let channel = base + (row % side) * side + column % side;
    channel * 4 + (row / side) * 2 + column / side
}

/// The matrix `[kept, 384]` of the block DCT on an unshuffled packed picture.
fn matrix(kept: Kept, scale: f32) -> Vec<Vec<f32>> {
    let mut rows = Vec::with_capacity(kept.channels());
    for (plane, n, count) in [(0, 16, kept.luma), (1, 8, kept.chroma), (2, 8, kept.chroma)] {
        for (u, v) in low_frequencies(n, count) {
            let mut row = vec![0.0; 4 * PACKED];
            for i in 0..n {
                for j in 0..n {
                    row[packed_channel(plane, i, j)] = scale * dct(n, u, i) * dct(n, v, j);
                }
            }
            rows.push(row);
        }
    }
    rows
}

/// The pair of shortcuts.
#[derive(Clone, Debug)]
pub struct Shortcut {
    forward: Conv,
    inverse: Conv,
}

impl Shortcut {
    /// Shortcuts that start as a block DCT.
    pub fn new(p: &mut Params, name: &str, kept: Kept) -> Shortcut {
        let forward = matrix(kept, GREY / COEFFICIENT);
        let inverse = matrix(kept, COEFFICIENT / GREY);
        let c = kept.channels();
        let transposed = (0..4 * PACKED).flat_map(|s| inverse.iter().map(move |row| row[s])).collect();
        p.scope(name, |p| Shortcut {
            forward: p
                .conv("forward", 4 * PACKED, c, 1, Init::Values(forward.concat()))
                .format(p, LATENT)
                .precise(p),
            inverse: p
                .conv("inverse", c, 4 * PACKED, 1, Init::Values(transposed))
                .wide(p)
                .format(p, PIXEL)
                .precise(p),
        })
    }

    /// Both layers.
    pub fn convs(&self) -> [&Conv; 2] {
        [&self.forward, &self.inverse]
    }

    /// Packed picture `[b, 96, h, w]` to latent `[b, c, h / 2, w / 2]`.
    pub fn analyse<O: Ops>(&self, o: &O, packed: &O::Tensor) -> O::Tensor {
        o.conv(&self.forward, &o.unshuffle(packed, 2))
    }

    /// Latent to packed picture.
    pub fn synthesise<O: Ops>(&self, o: &O, latent: &O::Tensor) -> O::Tensor {
        o.shuffle(&o.conv(&self.inverse, latent), 2)
    }
}
