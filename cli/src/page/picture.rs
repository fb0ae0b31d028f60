//! Pictures inside of the page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, crop_imm, resize};
use image::{ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};
use vcn_media::{Colour, Picture, Rgb8};
use vcn_similarity::{SIDE, Thumbnail};

use super::Matrix;
use crate::failure::{Failure, Result};

/// Width of a still on the page, in pixels.
const STILL: u32 = 160;

/// A picture at the size at which the page shows it.
pub fn still(picture: &Rgb8) -> Result<Rgb8> {
    let image = to_image(picture)?;
    let height = (STILL * image.height() / image.width().max(1)).clamp(1, 4 * STILL);
    let small = resize(&image, STILL, height, FilterType::Triangle);
    Ok(Rgb8 { width: STILL as usize, height: height as usize, data: small.into_raw() })
}

/// A picture of any size as a still: a URL that contains it.
pub fn still_url(picture: &Rgb8) -> Result<String> {
    let small = to_image(&if picture.width == STILL as usize { picture.clone() } else { still(picture)? })?;
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 82)
        .write_image(small.as_raw(), small.width(), small.height(), ExtendedColorType::Rgb8)
        .map_err(|error| Failure::Other(error.into()))?;
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes)))
}

/// A picture with all of its samples.
pub fn exact(picture: &Rgb8) -> Result<String> {
    png(&to_image(picture)?)
}

/// A matrix as a picture with a pixel for each value: dark for its least one, white for its largest. Frames of any two videos
/// are alike to some degree, and those of one scene to a high one: what tells is the difference.
pub fn matrix(matrix: &Matrix) -> Result<String> {
    let width = matrix.width.max(1);
    let (least, most) = (matrix.least(), matrix.most());
    let image = RgbImage::from_fn(width as u32, (matrix.values.len() / width).max(1) as u32, |x, y| {
        let value = matrix.values.get(y as usize * width + x as usize).copied().unwrap_or_default();
        let shade = ((value - least) / (most - least).max(1e-3) * 255.0) as u8;
        Rgb([shade, shade, (f32::from(shade) * 0.8) as u8 + 51])
    });
    png(&image)
}

/// The block of a thumbnail whose left and top sample are at `place`, with as much around it, and outlined.
pub fn around(thumbnail: &Thumbnail, place: [usize; 2], block: usize) -> Rgb8 {
    let picture = Picture::from(thumbnail.picture().clone()).to_rgb(Colour::RGB_INPUT);
    let Ok(mut image) = to_image(&picture) else { return picture };
    let [left, top] = place;
    for step in 0..block {
        for (x, y) in [
            (left + step, top),
            (left + step, top + block - 1),
            (left, top + step),
            (left + block - 1, top + step),
        ] {
            image.put_pixel(x as u32, y as u32, Rgb([255, 40, 40]));
        }
    }
    let side = 3 * block;
    let start = |at: usize| at.saturating_sub(block).min(SIDE - side) as u32;
    let part = crop_imm(&image, start(left), start(top), side as u32, side as u32).to_image();
    Rgb8 { width: side, height: side, data: part.into_raw() }
}

fn to_image(picture: &Rgb8) -> Result<RgbImage> {
    let (width, height) = (picture.width as u32, picture.height as u32);
    RgbImage::from_raw(width, height, picture.data.clone())
        .ok_or_else(|| Failure::Other(format!("a picture that is not {width}x{height}").into()))
}

fn png(image: &RgbImage) -> Result<String> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).map_err(|error| Failure::Other(error.into()))?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(bytes.into_inner())))
}
