//! The canonical thumbnail: luma without its letterbox, 160x160.

use vcn_media::{Colour, Picture};

/// Side of the thumbnail, in samples.
pub(crate) const SIDE: usize = 160;

/// Luma at or below this is black, in a letterbox.
const BLACK: u8 = 28;

/// The thumbnail of a picture.
pub(crate) fn thumbnail(picture: &Picture) -> Vec<u8> {
    let (width, height) = picture.size();
    let converted;
    let luma = match picture {
        Picture::Yuv420(picture) => &picture.y,
        Picture::Yuv444(picture) => &picture.y,
        Picture::Rgb(_) => {
            converted = picture.to_yuv420(Colour::RGB_INPUT);
            &converted.y
        }
    };
    let row_is_black = |y: usize| luma[y * width..(y + 1) * width].iter().all(|sample| *sample <= BLACK);
    let column_is_black = |x: usize| luma[x..].iter().step_by(width).all(|sample| *sample <= BLACK);
    let rows = inside(height, row_is_black);
    let columns = inside(width, column_is_black);
    let mut out = Vec::with_capacity(SIDE * SIDE);
    for y in 0..SIDE {
        let ys = part(&rows, y);
        for x in 0..SIDE {
            let xs = part(&columns, x);
            let sum: u64 = ys
                .clone()
                .map(|y| luma[y * width..][xs.clone()].iter().map(|sample| u64::from(*sample)).sum::<u64>())
                .sum();
            let count = (ys.len() * xs.len()) as u64;
            out.push(((sum + count / 2) / count) as u8);
        }
    }
    out
}

/// The mirror image of a thumbnail.
pub(crate) fn mirrored(thumbnail: &[u8]) -> Vec<u8> {
    thumbnail.chunks(SIDE).flat_map(|row| row.iter().rev().copied()).collect()
}

/// What is left of `length` lines without black ones at both ends; everything if too little would be left.
fn inside(length: usize, is_black: impl Fn(usize) -> bool) -> std::ops::Range<usize> {
    let first = (0..length).find(|line| !is_black(*line)).unwrap_or(0);
    let last = (first..length).rev().find(|line| !is_black(*line)).unwrap_or(length - 1);
    if last + 1 - first < length / 4 { 0..length } else { first..last + 1 }
}

/// The lines that fall on line `index` of the thumbnail: at least one.
fn part(range: &std::ops::Range<usize>, index: usize) -> std::ops::Range<usize> {
    let from = range.start + index * range.len() / SIDE;
    let to = range.start + (index + 1) * range.len() / SIDE;
    from..to.max(from + 1)
}
