//! MS-SSIM of packed pictures, differentiably: the metric of `vcn test`, but for a short cut at its finest scale.
//!
//! The metric compares R, G and B. Chroma has half the resolution of luma here, so at the finest scale, whose weight is
//! .04, luma stands for all three; from the second on they are what the metric sees.

use vcn_codec::model::transform::GREY;

use crate::tape::Tape;

/// Exponents of the scales, finest first (Wang, Simoncelli and Bovik 2003).
const WEIGHTS: [f32; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
const TAPS: usize = 11;
const SIGMA: f32 = 1.5;
const C1: f32 = (0.01 * 255.0 / GREY) * (0.01 * 255.0 / GREY);
const C2: f32 = (0.03 * 255.0 / GREY) * (0.03 * 255.0 / GREY);
/// Mid-grey, which is 0 in packed pictures.
const CENTRE: f32 = 128.0 / GREY;
/// What Cb and Cr add to luma in R, G and B (BT.709, full range).
const CHROMA: [[f32; 2]; 3] = [[0.0, 1.5748], [-0.1873, -0.4681], [1.8556, 0.0]];
/// Smallest similarity of a scale: below it powers have no slope.
const LEAST: f32 = 1e-3;

/// MS-SSIM of each sample of two batches `[b, 96, h, w]` (f32), `[b]`. Sides of pictures are multiples of 16; as many scales
/// count as hold the window (five from 176), their exponents divided by their sum.
pub fn ms_ssim<P: Tape>(t: &P, x: &P::Tensor, y: &P::Tensor) -> P::Tensor {
    let shape = t.shape(x);
    let scales = scales(8 * shape[2].min(shape[3]));
    let weights = &WEIGHTS[..scales];
    let total: f32 = weights.iter().sum();
    let luma = [x, y].map(|p| t.shuffle(&t.channels(p, 0, 64), 8));
    let term = |[a, b]: &[P::Tensor; 2], scale: usize| {
        let similarity = t.clamp(&similarity(t, a, b, scale + 1 == scales), LEAST, 1.0);
        t.affine(&t.ln(&similarity), weights[scale] / total, 0.0)
    };
    let mut log = term(&luma, 0);
    let mut planes = [0, 1].map(|k| rgb(t, &t.halve(&luma[k]), [x, y][k]));
    for scale in 1..scales {
        if scale > 1 {
            planes = planes.map(|p| t.halve(&p));
        }
        log = t.plus(&term(&planes, scale), &log);
    }
    let of_channel = t.exp(&log);
    let channels = t.shape(&of_channel)[1];
    t.affine(&t.sum_samples(&of_channel), 1.0 / channels as f32, 0.0)
}

/// Number of scales whose side still holds the window, at least 1.
fn scales(mut side: usize) -> usize {
    let mut count = 1;
    while count < WEIGHTS.len() && side / 2 >= TAPS {
        side /= 2;
        count += 1;
    }
    count
}

/// R, G and B at half the resolution, from luma there and the chroma of a packed picture.
fn rgb<P: Tape>(t: &P, luma: &P::Tensor, packed: &P::Tensor) -> P::Tensor {
    let chroma = t.shuffle(&t.channels(packed, 64, 32), 4);
    // As the metric sees chroma: brought to luma's resolution, from where all planes are halved.
    let chroma = t.halve(&t.enlarge(&chroma, 2));
    let [cb, cr] = [0, 1].map(|k| t.channels(&chroma, k, 1));
    let planes = CHROMA.map(|[b, r]| t.plus(luma, &t.plus(&t.affine(&cb, b, 0.0), &t.affine(&cr, r, 0.0))));
    t.cat(&[&planes[0], &planes[1], &planes[2]])
}

/// Mean contrast-structure term of each plane, `[b, c]`; times luminance at the `coarsest` scale.
fn similarity<P: Tape>(t: &P, a: &P::Tensor, b: &P::Tensor, coarsest: bool) -> P::Tensor {
    let window = window();
    let mean = |x: &P::Tensor| t.filter(x, &window);
    let sum_of_squares = |a: &P::Tensor, b: &P::Tensor| t.plus(&t.mul(a, a), &t.mul(b, b));
    let (ma, mb) = (mean(a), mean(b));
    let variances = t.minus(&mean(&sum_of_squares(a, b)), &sum_of_squares(&ma, &mb));
    let covariance = t.minus(&mean(&t.mul(a, b)), &t.mul(&ma, &mb));
    let mut map = t.div(&t.affine(&covariance, 2.0, C2), &t.affine(&variances, 1.0, C2));
    if coarsest {
        let (ma, mb) = (t.affine(&ma, 1.0, CENTRE), t.affine(&mb, 1.0, CENTRE));
        let luminance =
            t.div(&t.affine(&t.mul(&ma, &mb), 2.0, C1), &t.affine(&sum_of_squares(&ma, &mb), 1.0, C1));
        map = t.mul(&map, &luminance);
    }
    let shape = t.shape(&map);
    t.affine(&t.sum_sites(&map), 1.0 / (shape[2] * shape[3]) as f32, 0.0)
}

/// The Gaussian window; sums to 1.
fn window() -> [f32; TAPS] {
    let gauss: [f32; TAPS] =
        std::array::from_fn(|k| (-(k as f32 - (TAPS / 2) as f32).powi(2) / (2.0 * SIGMA * SIGMA)).exp());
    let sum: f32 = gauss.iter().sum();
    gauss.map(|g| g / sum)
}
