//! Text on pictures.

use image::{Pixel, Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

/// Height of a line in pixels.
pub const LINE: u32 = 18;
const SIZE: RasterHeight = RasterHeight::Size16;

/// How text looks.
#[derive(Clone, Copy, Debug)]
pub enum Weight {
    /// As most text.
    Regular,
    /// As headings.
    Bold,
}

impl Weight {
    fn font(self) -> FontWeight {
        match self {
            Weight::Regular => FontWeight::Regular,
            Weight::Bold => FontWeight::Bold,
        }
    }
}

/// Width of a text in pixels.
pub fn width(text: &str) -> u32 {
    (text.chars().count() * get_raster_width(FontWeight::Regular, SIZE)) as u32
}

/// Writes a line with its upper left corner at a place; what is outside of the picture is left out, and letters that the
/// font lacks become question marks.
pub fn write(image: &mut RgbImage, (x, y): (u32, u32), weight: Weight, ink: Rgb<u8>, text: &str) {
    let mut left = x;
    for c in text.chars() {
        let Some(letter) =
            get_raster(c, weight.font(), SIZE).or_else(|| get_raster('?', weight.font(), SIZE))
        else {
            continue;
        };
        for (i, row) in letter.rows().enumerate() {
            for (j, &cover) in row.iter().enumerate() {
                if let Some(pixel) = image.get_pixel_mut_checked(left + j as u32, y + i as u32) {
                    *pixel = pixel.map2(&ink, |below, ink| {
                        let cover = u32::from(cover);
                        ((u32::from(below) * (255 - cover) + u32::from(ink) * cover + 127) / 255) as u8
                    });
                }
            }
        }
        left += letter.width() as u32;
    }
}

/// A text cut to a width in pixels, with dots where something is missing.
pub fn cut(text: &str, pixels: u32) -> String {
    if width(text) <= pixels {
        return text.to_owned();
    }
    let letters = (pixels / width("x").max(1)) as usize;
    let kept: String = text.chars().take(letters.saturating_sub(3)).collect();
    format!("{kept}...")
}
