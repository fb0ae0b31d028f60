//! Mean squared error and peak signal-to-noise ratio of 8-bit pictures.
//!
//! PSNR = 10 log10(255^2 / MSE) dB. Identical pictures have no finite PSNR; here and in every mean it is [`PSNR_CAP`].

use crate::error::{Error, Result};
use vcn_media::{Rgb8, Yuv420};

/// PSNR in dB that identical pictures are given, so that means over frames stay finite (and JSON can hold them).
pub const PSNR_CAP: f64 = 100.0;

/// Side in pixels of the blocks of [`worst_block_psnr`].
pub const BLOCK: usize = 16;

/// PSNR in dB of a mean squared error over 8-bit samples, at most [`PSNR_CAP`].
pub fn psnr_from_mse(mse: f64) -> f64 {
    if mse > 0.0 { (10.0 * (255.0 * 255.0 / mse).log10()).min(PSNR_CAP) } else { PSNR_CAP }
}

/// Mean squared error over two slices of 8-bit samples of equal length.
pub fn mse(a: &[u8], b: &[u8]) -> Result<f64> {
    if a.len() != b.len() || a.is_empty() {
        return Err(Error::SizeMismatch {
            what: "samples of a plane",
            expected: a.len().max(1).to_string(),
            found: b.len().to_string(),
        });
    }
    Ok(squared_error(a, b) as f64 / a.len() as f64)
}

/// Mean squared error over all pixels and all three channels.
pub fn mse_rgb(a: &Rgb8, b: &Rgb8) -> Result<f64> {
    check_rgb(a, b)?;
    mse(&a.data, &b.data)
}

/// PSNR in dB over all three channels together.
pub fn psnr_rgb(a: &Rgb8, b: &Rgb8) -> Result<f64> {
    mse_rgb(a, b).map(psnr_from_mse)
}

/// Mean squared errors of the planes Y, U and V.
pub fn mse_yuv(a: &Yuv420, b: &Yuv420) -> Result<[f64; 3]> {
    if (a.width, a.height) != (b.width, b.height) {
        return Err(size_mismatch("4:2:0 pictures", (a.width, a.height), (b.width, b.height)));
    }
    Ok([mse(&a.y, &b.y)?, mse(&a.u, &b.u)?, mse(&a.v, &b.v)?])
}

/// (6 Y + U + V) / 8 of the planes' PSNRs in dB, as in the JCT-VC common test conditions.
pub fn psnr_yuv(a: &Yuv420, b: &Yuv420) -> Result<f64> {
    let [y, u, v] = mse_yuv(a, b)?.map(psnr_from_mse);
    Ok((6.0 * y + u + v) / 8.0)
}

/// Lowest RGB PSNR in dB of any 16x16 block; blocks at the right and bottom edges may be smaller.
///
/// A mean hides a block that broke; this does not.
pub fn worst_block_psnr(a: &Rgb8, b: &Rgb8) -> Result<f64> {
    check_rgb(a, b)?;
    let row = 3 * a.width;
    let mut worst: f64 = 0.0;
    for (band_a, band_b) in a.data.chunks(row * BLOCK).zip(b.data.chunks(row * BLOCK)) {
        let mut error = vec![0u64; a.width.div_ceil(BLOCK)];
        for (row_a, row_b) in band_a.chunks(row).zip(band_b.chunks(row)) {
            let blocks = row_a.chunks(3 * BLOCK).zip(row_b.chunks(3 * BLOCK));
            for (sum, (a, b)) in error.iter_mut().zip(blocks) {
                *sum += squared_error(a, b);
            }
        }
        let rows = band_a.len() / row;
        for (k, sum) in error.iter().enumerate() {
            let columns = BLOCK.min(a.width - k * BLOCK);
            worst = worst.max(*sum as f64 / (3 * rows * columns) as f64);
        }
    }
    Ok(psnr_from_mse(worst))
}

/// Sum of squared differences; the inner sums of at most 2^15 samples fit 32 bits and vectorise.
fn squared_error(a: &[u8], b: &[u8]) -> u64 {
    const RUN: usize = 1 << 15;
    let run = |(a, b): (&[u8], &[u8])| {
        let sum: u32 = a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2)).sum();
        u64::from(sum)
    };
    a.chunks(RUN).zip(b.chunks(RUN)).map(run).sum()
}

pub(crate) fn check_rgb(a: &Rgb8, b: &Rgb8) -> Result<()> {
    if (a.width, a.height) != (b.width, b.height) {
        return Err(size_mismatch("RGB pictures", (a.width, a.height), (b.width, b.height)));
    }
    for picture in [a, b] {
        let expected = picture.width.saturating_mul(picture.height).saturating_mul(3);
        if picture.data.len() != expected || expected == 0 {
            return Err(Error::SizeMismatch {
                what: "samples of an RGB picture",
                expected: expected.max(3).to_string(),
                found: picture.data.len().to_string(),
            });
        }
    }
    Ok(())
}

fn size_mismatch(what: &'static str, a: (usize, usize), b: (usize, usize)) -> Error {
    Error::SizeMismatch { what, expected: format!("{}x{}", a.0, a.1), found: format!("{}x{}", b.0, b.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_pictures_are_capped_and_one_wrong_block_is_found() {
        let a = Rgb8 { width: 35, height: 18, data: vec![9; 35 * 18 * 3] };
        let mut b = a.clone();
        assert_eq!(psnr_rgb(&a, &b).unwrap(), PSNR_CAP);
        assert_eq!(worst_block_psnr(&a, &b).unwrap(), PSNR_CAP);
        // The bottom right block is 3x2: one channel of one pixel off by 6 is an MSE of 36 / 18 = 2.
        *b.data.last_mut().unwrap() += 6;
        assert!((worst_block_psnr(&a, &b).unwrap() - psnr_from_mse(2.0)).abs() < 1e-12);
        assert!((mse_rgb(&a, &b).unwrap() - 36.0 / (35.0 * 18.0 * 3.0)).abs() < 1e-12);
    }

    #[test]
    fn sizes_that_differ_are_an_error() {
        let a = Rgb8 { width: 2, height: 1, data: vec![0; 6] };
        let b = Rgb8 { width: 1, height: 2, data: vec![0; 6] };
        assert!(matches!(psnr_rgb(&a, &b), Err(Error::SizeMismatch { .. })));
        assert!(psnr_rgb(&a, &Rgb8 { data: vec![], ..a.clone() }).is_err());
    }
}
