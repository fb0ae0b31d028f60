//! Conversion between RGB and Y'CbCr in integers only: the same bytes on every machine.
//!
//! Coefficients are the exact rational ones of BT.709 and BT.601 rounded to 16 fractional bits, green taking the
//! remainder so that grey has exactly no chroma. Every output sample is rounded once, half up, and clamped to 0..=255.
//! No intermediate value exceeds 31 bits. Chroma of 4:2:0 sits in the centre of its 2x2 luma samples, as in JPEG.
//!
//! [`yuv420_to_rgb`] is part of the promise that a stream decodes to the same bytes everywhere: a change of a single
//! output value is a change of the format.

pub use crate::best_colour::best_for;
use crate::{
    picture::{Chroma, Colour, Matrix, Range, Rgb8, Yuv420, Yuv444},
    upsample::{Upsampled, sums_of_four},
};

/// Fractional bits of the coefficients.
const BITS: u32 = 16;
/// Chroma's code value for "no colour".
const NEUTRAL: i32 = 128;

/// R'G'B' weights of the three components, and luma's code value for black.
struct Forward {
    y: [i32; 3],
    u: [i32; 3],
    v: [i32; 3],
    black: i32,
}

/// Weights of luma and of the two colour differences on their way to R'G'B', and luma's code value for black.
struct Inverse {
    luma: i32,
    red_v: i32,
    green_u: i32,
    green_v: i32,
    blue_u: i32,
    black: i32,
}

/// Kr, Kg and Kb, in units of 1/10000.
const fn primaries(matrix: Matrix) -> (i64, i64, i64) {
    match matrix {
        Matrix::Bt709 => (2126, 7152, 722),
        Matrix::Bt601 => (2990, 5870, 1140),
    }
}

/// Code values from black to white, and those spanned by chroma, of 255; and the code value for black.
const fn spans(range: Range) -> (i64, i64, i32) {
    match range {
        Range::Full => (255, 255, 0),
        Range::Limited => (219, 224, 16),
    }
}

/// `numerator / denominator` with [`BITS`] fractional bits, rounded to nearest; both are positive.
const fn fixed(numerator: i64, denominator: i64) -> i32 {
    (((numerator << (BITS + 1)) + denominator) / (2 * denominator)) as i32
}

const fn forward(colour: Colour) -> Forward {
    let (kr, _, kb) = primaries(colour.matrix);
    let (luma, chroma, black) = spans(colour.range);
    let (y_red, y_blue) = (fixed(kr * luma, 10_000 * 255), fixed(kb * luma, 10_000 * 255));
    let half = fixed(chroma, 2 * 255);
    let u_red = fixed(kr * chroma, 2 * (10_000 - kb) * 255);
    let v_blue = fixed(kb * chroma, 2 * (10_000 - kr) * 255);
    Forward {
        y: [y_red, fixed(luma, 255) - y_red - y_blue, y_blue],
        u: [-u_red, u_red - half, half],
        v: [half, v_blue - half, -v_blue],
        black,
    }
}

const fn inverse(colour: Colour) -> Inverse {
    let (kr, kg, kb) = primaries(colour.matrix);
    let (luma, chroma, black) = spans(colour.range);
    Inverse {
        luma: fixed(255, luma),
        red_v: fixed(2 * (10_000 - kr) * 255, 10_000 * chroma),
        green_u: fixed(2 * kb * (10_000 - kb) * 255, 10_000 * kg * chroma),
        green_v: fixed(2 * kr * (10_000 - kr) * 255, 10_000 * kg * chroma),
        blue_u: fixed(2 * (10_000 - kb) * 255, 10_000 * chroma),
        black,
    }
}

/// RGB to 4:2:0: each pixel's luma; chroma of the sum of each 2x2 pixels, a missing row or column repeating the last.
pub fn rgb_to_yuv420(picture: &Rgb8, colour: Colour) -> Yuv420 {
    let (width, height) = (picture.width, picture.height);
    let weights = forward(colour);

    let offset = (weights.black << BITS) + (1 << (BITS - 1));
    let y = picture
        .data
        .chunks_exact(3)
        .map(|rgb| to_u8((dot(weights.y, [rgb[0].into(), rgb[1].into(), rgb[2].into()]) + offset) >> BITS))
        .collect();

    let (mut u, mut v) = (Vec::new(), Vec::new());
    let chroma_samples = width.div_ceil(2) * height.div_ceil(2);
    u.reserve_exact(chroma_samples);
    v.reserve_exact(chroma_samples);
    let offset = (NEUTRAL << (BITS + 2)) + (1 << (BITS + 1));
    for rows in picture.data.chunks(2 * 3 * width) {
        let (top, bottom) = rows.split_at(3 * width);
        let bottom = if bottom.is_empty() { top } else { bottom };
        for (top, bottom) in top.chunks(6).zip(bottom.chunks(6)) {
            let right = top.len() - 3;
            let sum = [0, 1, 2].map(|channel| {
                i32::from(top[channel])
                    + i32::from(top[right + channel])
                    + i32::from(bottom[channel])
                    + i32::from(bottom[right + channel])
            });
            u.push(to_u8((dot(weights.u, sum) + offset) >> (BITS + 2)));
            v.push(to_u8((dot(weights.v, sum) + offset) >> (BITS + 2)));
        }
    }
    Yuv420 { width, height, y, u, v }
}

/// 4:4:4 to 4:2:0: the mean of each 2x2 chroma samples, a missing row or column repeating the last.
pub fn yuv444_to_yuv420(picture: &Yuv444) -> Yuv420 {
    let (width, height) = (picture.width, picture.height);
    let halve = |plane| sums_of_four(plane, width).into_iter().map(|sum| to_u8((sum + 2) >> 2)).collect();
    Yuv420 { width, height, y: picture.y.clone(), u: halve(&picture.u), v: halve(&picture.v) }
}

/// 4:2:0 to RGB. Chroma is repeated, or interpolated with weights 9, 3, 3, 1 over 16, where beyond the edges the last
/// sample repeats; it keeps its four extra bits until the one rounding at the end.
pub fn yuv420_to_rgb(picture: &Yuv420, colour: Colour) -> Rgb8 {
    let (width, height) = (picture.width, picture.height);
    let weights = inverse(colour);
    let mut data = vec![0; width * height * 3];
    let upsampled = |plane| Upsampled::new(picture, plane, colour.chroma);
    let (mut u, mut v) = (upsampled(&picture.u), upsampled(&picture.v));
    for (row, (y, rgb)) in picture.y.chunks_exact(width).zip(data.chunks_exact_mut(3 * width)).enumerate() {
        row_to_rgb::<4>(&weights, y, u.row(row), v.row(row), rgb);
    }
    Rgb8 { width, height, data }
}

/// 4:2:0 to 4:4:4: chroma is repeated or interpolated as by [`yuv420_to_rgb`], then rounded.
pub fn yuv420_to_yuv444(picture: &Yuv420, chroma: Chroma) -> Yuv444 {
    let (width, height) = (picture.width, picture.height);
    let widen = |plane: &[u8]| {
        let mut wide = Vec::with_capacity(width * height);
        let mut rows = Upsampled::new(picture, plane, chroma);
        for row in 0..height {
            wide.extend(rows.row(row)[..width].iter().map(|&sixteenths| to_u8((sixteenths + 8) >> 4)));
        }
        wide
    };
    Yuv444 { width, height, y: picture.y.clone(), u: widen(&picture.u), v: widen(&picture.v) }
}

/// 4:4:4 to RGB.
pub fn yuv444_to_rgb(picture: &Yuv444, colour: Colour) -> Rgb8 {
    let (width, height) = (picture.width, picture.height);
    let weights = inverse(colour);
    let mut data = vec![0; width * height * 3];
    let (mut u, mut v) = (vec![0; width], vec![0; width]);
    for (row, rgb) in data.chunks_exact_mut(3 * width).enumerate() {
        let samples = row * width..(row + 1) * width;
        widen(&picture.u[samples.clone()], &mut u);
        widen(&picture.v[samples.clone()], &mut v);
        row_to_rgb::<0>(&weights, &picture.y[samples], &u, &v, rgb);
    }
    Rgb8 { width, height, data }
}

fn widen(samples: &[u8], out: &mut [i32]) {
    for (out, &sample) in out.iter_mut().zip(samples) {
        *out = i32::from(sample);
    }
}

/// One row of R'G'B' from luma and chroma; chroma carries `EXTRA` fractional bits.
fn row_to_rgb<const EXTRA: u32>(weights: &Inverse, y: &[u8], u: &[i32], v: &[i32], rgb: &mut [u8]) {
    let shift = BITS + EXTRA;
    for (((rgb, &y), &u), &v) in rgb.chunks_exact_mut(3).zip(y).zip(u).zip(v) {
        let luma = (((i32::from(y) - weights.black) * weights.luma) << EXTRA) + (1 << (shift - 1));
        let u = u - (NEUTRAL << EXTRA);
        let v = v - (NEUTRAL << EXTRA);
        rgb[0] = to_u8((luma + weights.red_v * v) >> shift);
        rgb[1] = to_u8((luma - weights.green_u * u - weights.green_v * v) >> shift);
        rgb[2] = to_u8((luma + weights.blue_u * u) >> shift);
    }
}

fn dot(weights: [i32; 3], samples: [i32; 3]) -> i32 {
    weights[0] * samples[0] + weights[1] * samples[1] + weights[2] * samples[2]
}

fn to_u8(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}
