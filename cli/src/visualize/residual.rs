//! Differences as pictures.

use image::{Rgb, RgbImage};
use vcn_media::Rgb8;

/// How much larger than they are differences are drawn.
pub const GAIN: i32 = 4;

/// `picture - prediction` times [`GAIN`], on grey.
pub fn draw(picture: &Rgb8, prediction: &Rgb8) -> RgbImage {
    let (width, height) = (picture.width as u32, picture.height as u32);
    let mut image = RgbImage::new(width, height);
    let samples = picture.data.chunks_exact(3).zip(prediction.data.chunks_exact(3));
    for (pixel, (a, b)) in image.pixels_mut().zip(samples) {
        *pixel = Rgb([0, 1, 2].map(|c| {
            let difference = i32::from(a[c]) - i32::from(b[c]);
            (128 + GAIN * difference).clamp(0, 255) as u8
        }));
    }
    image
}
