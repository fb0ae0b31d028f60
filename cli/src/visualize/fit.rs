//! The size at which pictures are shown.

use image::RgbImage;
use image::imageops::{FilterType, resize};

/// Largest side of a picture that is shown.
const MOST: u32 = 480;
/// Width up to which small pictures are enlarged; what is written about a picture needs as much.
pub const LEAST: u32 = 280;

/// A picture made to fit: large ones smaller, small ones larger by a whole number, so that their samples stay visible.
pub fn fitted(image: &RgbImage) -> RgbImage {
    let (columns, rows) = image.dimensions();
    let largest = columns.max(rows);
    if largest > MOST {
        let scaled = |side: u32| (u64::from(side) * u64::from(MOST) / u64::from(largest)).max(1) as u32;
        return resize(image, scaled(columns), scaled(rows), FilterType::CatmullRom);
    }
    let times = (LEAST / columns.max(1)).min(MOST / rows.max(1)).max(1);
    resize(image, columns * times, rows * times, FilterType::Nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_picture_is_too_large_or_vanishes() {
        let size = |columns, rows| fitted(&RgbImage::new(columns, rows)).dimensions();
        assert_eq!(size(416, 240), (416, 240));
        assert_eq!(size(1920, 1080), (480, 270));
        assert_eq!(size(1, 1), (280, 280));
        assert_eq!(size(100, 70), (200, 140));
        assert_eq!(size(1, 16384), (1, 480));
        assert_eq!(size(16384, 2), (480, 1));
    }
}
