//! How much a squared error counts for MS-SSIM in each place of a picture.
//!
//! Structural similarity divides the error of a window by the variance that the source has there (contrast masking): to
//! second order `1 - SSIM = e^2 / (2 v + C2)`, whether the error is noise or missing detail. That makes the scale on which
//! the slope of MS-SSIM is turned into an error again.

use crate::packing::{BLOCK, SITE};
use crate::warp::Plane;

/// Side of the window of the variance: the box that comes nearest to the metric's Gaussian window (standard deviation 1.5).
const WINDOW: usize = 5;
/// `C2 / 2`, the variance that counts as none (Wang et al. 2004, for 8-bit samples).
const FLOOR: f32 = 0.5 * (0.03 * 255.0) * (0.03 * 255.0);
/// What an error counts where the variance is 0, times [`FLOOR`]: so that the sum over a picture is about [`crate::ms_ssim::WORTH`]
/// times what a sample lacks in MS-SSIM. Fitted to six clips of the training set at three qualities: errors of single
/// blocks then foretell their share in MS-SSIM within 30 %, where squared error alone is off by a factor of three.
const STRENGTH: f32 = 256.0;

/// What a squared error counts in each 16x16 block of a picture.
#[derive(Clone, Debug)]
pub struct Sensitivity {
    /// Blocks in a row.
    width: usize,
    blocks: Vec<f32>,
}

impl Sensitivity {
    /// For a source whose sides are multiples of 16.
    pub fn new(luma: &Plane) -> Sensitivity {
        let width = luma.width / BLOCK;
        let counted = |variance| STRENGTH / (variance + FLOOR);
        let blocks = variances(luma).into_iter().map(counted).collect();
        Sensitivity { width, blocks }
    }

    /// At an 8x8 site, counted in raster order.
    pub fn at_site(&self, site: usize) -> f32 {
        const SITES: usize = BLOCK / SITE;
        let row = SITES * self.width;
        self.blocks[site / row / SITES * self.width + site % row / SITES]
    }
}

/// Mean over each block of the variance in the window around each sample; beyond the border there are no samples.
fn variances(luma: &Plane) -> Vec<f32> {
    let (width, height) = (luma.width, luma.height);
    // Sums of samples and of their squares above and to the left.
    let stride = width + 1;
    let mut sums = vec![[0u64; 2]; stride * (height + 1)];
    for (i, row) in luma.data.chunks_exact(width).enumerate() {
        let mut line = [0; 2];
        for (j, &v) in row.iter().enumerate() {
            line = [line[0] + u64::from(v), line[1] + u64::from(v) * u64::from(v)];
            let above = sums[i * stride + j + 1];
            sums[(i + 1) * stride + j + 1] = [above[0] + line[0], above[1] + line[1]];
        }
    }
    let reach = |at: usize, side: usize| (at.saturating_sub(WINDOW / 2), (at + WINDOW / 2 + 1).min(side));
    let mut blocks = vec![0.0; width / BLOCK * (height / BLOCK)];
    for i in 0..height {
        let (top, bottom) = reach(i, height);
        for j in 0..width {
            let (left, right) = reach(j, width);
            let corner = |i: usize, j: usize, k: usize| sums[i * stride + j][k];
            let [sum, squares] = [0, 1].map(|k| {
                corner(bottom, right, k) + corner(top, left, k)
                    - corner(top, right, k)
                    - corner(bottom, left, k)
            });
            let count = ((bottom - top) * (right - left)) as u64;
            let variance = (count * squares - sum * sum) as f32 / (count * count) as f32;
            blocks[i / BLOCK * (width / BLOCK) + j / BLOCK] += variance / (BLOCK * BLOCK) as f32;
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_count_less_where_there_is_more_to_see() {
        // Flat, an edge, stripes: three blocks.
        let sample = |x: usize| match x / BLOCK {
            0 => 90,
            1 => 90 + 20 * (x % BLOCK > 8) as u8,
            _ => 60 + 80 * (x % 2) as u8,
        };
        let luma = Plane { width: 48, height: 16, data: (0..48 * 16).map(|i| sample(i % 48)).collect() };
        let [flat, edge, stripes] = Sensitivity::new(&luma).blocks[..] else { panic!() };
        assert!(flat > 1.5 * edge && edge > 5.0 * stripes, "{flat} {edge} {stripes}");
        // Stripes of 60 and 140: the variance of windows with 10 or 15 of either among 25 is 1536.
        let windows = STRENGTH / (1536.0 + FLOOR);
        assert!((stripes / windows - 1.0).abs() < 0.1, "{stripes} {windows}");
    }

    #[test]
    fn sites_have_their_blocks_sensitivity() {
        let sensitivity = Sensitivity { width: 2, blocks: vec![1.0, 2.0, 3.0, 4.0] };
        let sites: Vec<f32> = (0..16).map(|site| sensitivity.at_site(site)).collect();
        assert_eq!(sites, [1., 1., 2., 2., 1., 1., 2., 2., 3., 3., 4., 4., 3., 3., 4., 4.]);
    }
}
