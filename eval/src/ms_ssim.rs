//! Multi-scale structural similarity.
//!
//! Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity for image quality assessment", 2003:
//! five scales, 11-tap Gaussian window with a standard deviation of 1.5, valid region only, scales made by 2x2 averaging.
//! Computed on the R, G and B channels and averaged, as TensorFlow's `ssim_multiscale` and `pytorch_msssim` do.
//!
//! Those two differ where a side is odd before a 2x2 averaging: this is TensorFlow's rule (the last row or column is
//! repeated); `pytorch_msssim` pads with zeros on both sides, which moves the result by about 1e-4.

use crate::error::Result;
use crate::psnr::check_rgb;
use vcn_media::Rgb8;

/// Exponents of the five scales, finest first.
pub const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

const TAPS: usize = 11;
const SIGMA: f64 = 1.5;
const C1: f32 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f32 = (0.03 * 255.0) * (0.03 * 255.0);

/// Samples are centred around zero before squares are taken, which keeps f32 sums accurate.
const CENTRE: f32 = 128.0;

/// MS-SSIM of two RGB pictures, 0..=1.
///
/// A picture whose smaller side is below 161 has no room for the window at the fifth scale. Then as many scales are
/// used as fit, their weights divided by their sum; a side below 11 gets a window as long as the side.
pub fn ms_ssim(a: &Rgb8, b: &Rgb8) -> Result<f64> {
    check_rgb(a, b)?;
    let mean = (0..3)
        .map(|channel| channel_ms_ssim(Plane::channel(a, channel), Plane::channel(b, channel)))
        .sum::<f64>()
        / 3.0;
    Ok(mean)
}

/// MS-SSIM in dB, -10 log10(1 - x), which spreads out values near 1; at most [`crate::psnr::PSNR_CAP`].
pub fn ms_ssim_db(ms_ssim: f64) -> f64 {
    if ms_ssim < 1.0 {
        (-10.0 * (1.0 - ms_ssim).log10()).min(crate::psnr::PSNR_CAP)
    } else {
        crate::psnr::PSNR_CAP
    }
}

/// Number of scales whose smaller side still holds the window, at least 1.
fn scales(width: usize, height: usize) -> usize {
    let mut side = width.min(height);
    let mut count = 1;
    while count < WEIGHTS.len() && side.div_ceil(2) >= TAPS {
        side = side.div_ceil(2);
        count += 1;
    }
    count
}

fn channel_ms_ssim(mut a: Plane, mut b: Plane) -> f64 {
    let weights = &WEIGHTS[..scales(a.width, a.height)];
    let total: f64 = weights.iter().sum();
    let mut product = 1.0;
    for (scale, weight) in weights.iter().enumerate() {
        let (ssim, contrast) = similarity(&a, &b);
        let last = scale + 1 == weights.len();
        product *= (if last { ssim } else { contrast }).max(0.0).powf(weight / total);
        if !last {
            (a, b) = (a.half(), b.half());
        }
    }
    product
}

/// One channel at one scale, samples minus [`CENTRE`].
struct Plane {
    width: usize,
    height: usize,
    data: Vec<f32>,
}

impl Plane {
    fn channel(picture: &Rgb8, channel: usize) -> Plane {
        let data = picture.data.chunks_exact(3).map(|pixel| f32::from(pixel[channel]) - CENTRE).collect();
        Plane { width: picture.width, height: picture.height, data }
    }

    fn row(&self, y: usize) -> &[f32] {
        &self.data[y * self.width..(y + 1) * self.width]
    }

    /// 2x2 averages; an odd last row or column is repeated.
    fn half(&self) -> Plane {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut data = Vec::with_capacity(width * height);
        for y in 0..height {
            let top = self.row(2 * y);
            let bottom = self.row((2 * y + 1).min(self.height - 1));
            let pairs = top.chunks_exact(2).zip(bottom.chunks_exact(2));
            data.extend(pairs.map(|(t, b)| 0.25 * (t[0] + t[1] + b[0] + b[1])));
            if self.width % 2 == 1 {
                data.push(0.5 * (top[self.width - 1] + bottom[self.width - 1]));
            }
        }
        Plane { width, height, data }
    }
}

/// Gaussian window of `TAPS` taps, or of `side` taps where the picture is smaller; sums to 1.
fn window(side: usize) -> Vec<f32> {
    let taps = TAPS.min(side);
    let middle = (taps as f64 - 1.0) / 2.0;
    let gauss: Vec<f64> =
        (0..taps).map(|k| (-(k as f64 - middle).powi(2) / (2.0 * SIGMA * SIGMA)).exp()).collect();
    let sum: f64 = gauss.iter().sum();
    gauss.iter().map(|g| (g / sum) as f32).collect()
}

/// Mean SSIM and mean contrast-structure term over the valid region.
///
/// The variances enter only as their sum, so four filtered maps suffice: a, b, a^2 + b^2 and a b.
fn similarity(a: &Plane, b: &Plane) -> (f64, f64) {
    let (down, across) = (window(a.height), window(a.width));
    let (valid_rows, valid_columns) = (a.height + 1 - down.len(), a.width + 1 - across.len());
    let pairs = || a.data.iter().zip(&b.data);
    let squares: Vec<f32> = pairs().map(|(a, b)| a * a + b * b).collect();
    let products: Vec<f32> = pairs().map(|(a, b)| a * b).collect();
    let maps: [&[f32]; 4] = [&a.data, &b.data, &squares, &products];

    let mut column = vec![0.0; a.width];
    let mut filtered: [Vec<f32>; 4] = std::array::from_fn(|_| vec![0.0; valid_columns]);
    let (mut ssim_sum, mut contrast_sum) = (0.0, 0.0);
    for y in 0..valid_rows {
        for (map, out) in maps.iter().zip(&mut filtered) {
            column.fill(0.0);
            for (k, &weight) in down.iter().enumerate() {
                let row = &map[(y + k) * a.width..(y + k + 1) * a.width];
                add_scaled(&mut column, row, weight);
            }
            out.fill(0.0);
            for (k, &weight) in across.iter().enumerate() {
                add_scaled(out, &column[k..k + valid_columns], weight);
            }
        }
        let [mean_a, mean_b, square, product] = &filtered;
        let (mut ssim_row, mut contrast_row) = (0.0f32, 0.0f32);
        for (((&ma, &mb), &square), &product) in mean_a.iter().zip(mean_b).zip(square).zip(product) {
            let contrast = (2.0 * (product - ma * mb) + C2) / (square - ma * ma - mb * mb + C2);
            let (ma, mb) = (ma + CENTRE, mb + CENTRE);
            contrast_row += contrast;
            ssim_row += contrast * (2.0 * ma * mb + C1) / (ma * ma + mb * mb + C1);
        }
        ssim_sum += f64::from(ssim_row);
        contrast_sum += f64::from(contrast_row);
    }
    let count = (valid_rows * valid_columns) as f64;
    (ssim_sum / count, contrast_sum / count)
}

fn add_scaled(out: &mut [f32], row: &[f32], weight: f32) {
    for (out, sample) in out.iter_mut().zip(row) {
        *out += weight * sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize, sample: impl Fn(i64, i64, i64) -> i64) -> Rgb8 {
        let mut data = Vec::new();
        for (y, x) in (0..height as i64).flat_map(|y| (0..width as i64).map(move |x| (y, x))) {
            data.extend((0..3).map(|c| sample(x, y, c).clamp(0, 255) as u8));
        }
        Rgb8 { width, height, data }
    }

    fn busy(width: usize, height: usize) -> (Rgb8, Rgb8) {
        let clean = |x: i64, y: i64, c: i64| {
            (x * x / 7 + y * y / 5 + x * y / 11 + 40 * c + (x / 16 + y / 16) % 2 * 60) % 256
        };
        let noise = |x: i64, y: i64, c: i64| (x * 73 + y * 151 + c * 37 + (x * y) % 61 * 29) % 41 - 20;
        (picture(width, height, clean), picture(width, height, |x, y, c| clean(x, y, c) + noise(x, y, c)))
    }

    fn smooth(width: usize, height: usize) -> (Rgb8, Rgb8) {
        let clean = |x: i64, y: i64, c: i64| ((x * 3 + y * 2 + c * 50) % 510 - 255).abs();
        let banded = |x, y, c| clean(x, y, c) / 8 * 8 + 4 + (x / 8 + y / 8) % 3 * 3;
        (picture(width, height, clean), picture(width, height, banded))
    }

    fn close((a, b): (Rgb8, Rgb8), expected: f64) {
        let found = ms_ssim(&a, &b).unwrap();
        assert!((found - expected).abs() < 2e-6, "{found} {expected}");
    }

    /// Values of pytorch_msssim 1.0.0 in f64. Odd scales and three scales: its windowed SSIM with the pooling and
    /// the weights described above.
    #[test]
    fn agrees_with_pytorch_msssim() {
        close(busy(416, 240), 0.9785672);
        close(smooth(176, 168), 0.9882696);
        close(busy(192, 181), 0.9837250);
        close(busy(165, 171), 0.9849658);
        close(smooth(64, 48), 0.9801992);
    }

    #[test]
    fn every_size_has_a_value_and_identity_is_one() {
        for (width, height) in [(1, 1), (2, 1), (7, 30), (11, 11), (160, 161), (161, 161)] {
            let (a, b) = busy(width, height);
            assert!((ms_ssim(&a, &a).unwrap() - 1.0).abs() < 1e-6);
            assert!((0.0..1.0).contains(&ms_ssim(&a, &b).unwrap()), "{width}x{height}");
        }
        assert_eq!((scales(160, 400), scales(161, 400), scales(5, 5)), (4, 5, 1));
    }
}
