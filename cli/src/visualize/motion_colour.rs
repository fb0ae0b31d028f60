//! Motion as colour: hue is direction, saturation is length.
//!
//! The colour wheel is that of Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 92 (2011), in
//! which neighbouring hues look equally far apart.

use std::f32::consts::PI;

use image::{Rgb, RgbImage};

/// Hues between two of the six corners of the wheel: red, yellow, green, cyan, blue, magenta, and red again.
const STEPS: [(usize, [f32; 3], [f32; 3]); 6] = [
    (15, [1.0, 0.0, 0.0], [1.0, 1.0, 0.0]),
    (6, [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]),
    (4, [0.0, 1.0, 0.0], [0.0, 1.0, 1.0]),
    (11, [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]),
    (13, [0.0, 0.0, 1.0], [1.0, 0.0, 1.0]),
    (6, [1.0, 0.0, 1.0], [1.0, 0.0, 0.0]),
];
/// All hues of the wheel.
const HUES: usize = 55;

/// Colour of a motion of unit length at most; longer ones are darkened.
fn colour([x, y]: [f32; 2]) -> Rgb<u8> {
    let length = x.hypot(y);
    let angle = (-y).atan2(-x) / PI;
    let place = (angle + 1.0) / 2.0 * (HUES - 1) as f32;
    let (first, share) = (place.floor() as usize, place.fract());
    let (a, b) = (hue(first), hue(first + 1));
    Rgb([0, 1, 2].map(|c| {
        let full = a[c] + share * (b[c] - a[c]);
        let seen = if length <= 1.0 { 1.0 - length * (1.0 - full) } else { 0.75 * full };
        (255.0 * seen).round().clamp(0.0, 255.0) as u8
    }))
}

/// A hue of the wheel, which starts again after the last.
fn hue(number: usize) -> [f32; 3] {
    let mut left = number % HUES;
    for (count, from, to) in STEPS {
        if left < count {
            let share = left as f32 / count as f32;
            return [0, 1, 2].map(|c| from[c] + share * (to[c] - from[c]));
        }
        left -= count;
    }
    STEPS[0].1
}

/// The length that 99 of 100 motions do not exceed, half a sample at least: what full saturation stands for.
pub fn scale(fields: &[&[[f32; 2]]]) -> f32 {
    let mut lengths: Vec<f32> = fields.iter().copied().flatten().map(|[x, y]| x.hypot(*y)).collect();
    lengths.sort_unstable_by(f32::total_cmp);
    lengths.get(lengths.len() * 99 / 100).copied().unwrap_or_default().max(0.5)
}

/// A field of motion vectors, row by row, as a picture.
pub fn draw(field: &[[f32; 2]], width: usize, scale: f32) -> RgbImage {
    let height = field.len() / width.max(1);
    RgbImage::from_fn(width as u32, height as u32, |j, i| {
        colour(field[i as usize * width + j as usize].map(|v| v / scale))
    })
}

/// The wheel itself as a key to the colours, on the background.
pub fn wheel(side: u32, background: Rgb<u8>) -> RgbImage {
    let radius = (side as f32 - 1.0) / 2.0;
    RgbImage::from_fn(side, side, |j, i| {
        let motion = [j as f32 - radius, i as f32 - radius].map(|v| v / radius.max(1.0));
        if motion[0].hypot(motion[1]) <= 1.0 { colour(motion) } else { background }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_is_white_and_directions_differ() {
        assert_eq!(colour([0.0, 0.0]), Rgb([255, 255, 255]));
        // As in the authors' own key to their colours.
        assert_eq!(colour([1.0, 0.0]), Rgb([255, 0, 0]));
        let around: Vec<_> =
            (0..8).map(|k| (k as f32 * PI / 4.0).sin_cos()).map(|(y, x)| colour([x, y])).collect();
        assert!((0..8).all(|a| (0..a).all(|b| around[a] != around[b])), "{around:?}");
        assert_eq!(colour([5.0, 0.0]), Rgb([191, 0, 0]));
    }

    #[test]
    fn a_few_outliers_do_not_set_the_scale() {
        let mut field = vec![[0.0, 2.0]; 500];
        field[7] = [90.0, 0.0];
        assert_eq!(scale(&[&field]), 2.0);
        assert_eq!(scale(&[&[]]), 0.5);
        assert_eq!(draw(&field, 50, 2.0).dimensions(), (50, 10));
    }
}
