//! The canonical thumbnail: a picture without its letterbox, 160x160.

use std::{borrow::Cow, ops::Range};

use vcn_media::{Colour, Picture, Yuv420};

/// Side of a canonical thumbnail, in luma samples.
pub const SIDE: usize = 160;

/// Luma at or below this is black, in a letterbox.
const BLACK: u8 = 28;

/// What makes pictures of any size and shape comparable: 4:2:0, square, without letterbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail(Yuv420);

/// The part of a picture that a letterbox leaves, in luma samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows of the picture.
    pub rows: Range<usize>,
    /// Columns of the picture.
    pub columns: Range<usize>,
}

impl Window {
    /// What is left of a picture without black rows and columns at its edges.
    pub fn of(picture: &Picture) -> Window {
        let (width, height) = picture.size();
        let converted = converted(picture);
        let luma = planes(picture, converted.as_ref())[0];
        let black = |sample: &u8| *sample <= BLACK;
        let row_is_black = |y: usize| luma[y * width..(y + 1) * width].iter().all(black);
        let column_is_black = |x: usize| luma[x..].iter().step_by(width).all(black);
        Window { rows: inside(height, row_is_black), columns: inside(width, column_is_black) }
    }

    /// All of a picture of this size.
    pub fn whole(width: usize, height: usize) -> Window {
        Window { rows: 0..height, columns: 0..width }
    }

    /// The smallest window that contains both.
    pub fn union(&self, other: &Window) -> Window {
        let union = |a: &Range<usize>, b: &Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        Window { rows: union(&self.rows, &other.rows), columns: union(&self.columns, &other.columns) }
    }
}

impl Thumbnail {
    /// The canonical thumbnail of a picture.
    pub fn of(picture: &Picture) -> Thumbnail {
        Thumbnail::with(picture, &Window::of(picture), SIDE)
    }

    /// The thumbnail of the part of a picture that a window shows, of another even side.
    pub fn with(picture: &Picture, window: &Window, side: usize) -> Thumbnail {
        let (width, height) = picture.size();
        let converted = converted(picture);
        let [y, u, v] = planes(picture, converted.as_ref());
        let halved = !matches!(picture, Picture::Yuv444(_));
        let part = |length: usize, range: &Range<usize>, divide: usize| {
            let end = range.end.min(length);
            let start = range.start.min(end.saturating_sub(1));
            start / divide..end.div_ceil(divide)
        };
        let shrink = |plane: &[u8], divide: usize, side: usize| {
            let columns = part(width, &window.columns, divide);
            shrunk(plane, width.div_ceil(divide), &part(height, &window.rows, divide), &columns, side)
        };
        let divide = if halved { 2 } else { 1 };
        let [u, v] = [u, v].map(|plane| shrink(plane, divide, side / 2));
        Thumbnail(Yuv420 { width: side, height: side, y: shrink(y, 1, side), u, v })
    }

    /// The mirror image.
    #[must_use]
    pub fn mirrored(&self) -> Thumbnail {
        let flip = |plane: &[u8], width: usize| {
            plane.chunks(width).flat_map(|row| row.iter().rev().copied()).collect()
        };
        let Yuv420 { width, height, y, u, v } = &self.0;
        let half = width / 2;
        Thumbnail(Yuv420 {
            width: *width,
            height: *height,
            y: flip(y, *width),
            u: flip(u, half),
            v: flip(v, half),
        })
    }

    /// The picture.
    pub fn picture(&self) -> &Yuv420 {
        &self.0
    }

    /// Its luma, row by row.
    pub fn luma(&self) -> &[u8] {
        &self.0.y
    }
}

/// RGB as Y'CbCr; nothing for what is that already.
fn converted(picture: &Picture) -> Option<Yuv420> {
    matches!(picture, Picture::Rgb(_)).then(|| picture.to_yuv420(Colour::RGB_INPUT))
}

fn planes<'a>(picture: &'a Picture, converted: Option<&'a Yuv420>) -> [&'a [u8]; 3] {
    match (picture, converted) {
        (_, Some(picture)) | (Picture::Yuv420(picture), _) => [&picture.y, &picture.u, &picture.v],
        (Picture::Yuv444(picture), _) => [&picture.y, &picture.u, &picture.v],
        (Picture::Rgb(picture), None) => [&picture.data; 3],
    }
}

/// Luma of a picture; RGB is converted.
pub(crate) fn luma(picture: &Picture, colour: Colour) -> Cow<'_, [u8]> {
    match picture {
        Picture::Yuv420(picture) => picture.y.as_slice().into(),
        Picture::Yuv444(picture) => picture.y.as_slice().into(),
        Picture::Rgb(_) => picture.to_yuv420(colour).y.into(),
    }
}

/// What is left of `length` lines without black ones at both ends; everything if too little would be left.
fn inside(length: usize, is_black: impl Fn(usize) -> bool) -> Range<usize> {
    let first = (0..length).find(|line| !is_black(*line)).unwrap_or(0);
    let last = (first..length).rev().find(|line| !is_black(*line)).unwrap_or(length - 1);
    if last + 1 - first < length / 4 { 0..length } else { first..last + 1 }
}

/// A part of a plane at another size: means of areas.
fn shrunk(plane: &[u8], width: usize, rows: &Range<usize>, columns: &Range<usize>, side: usize) -> Vec<u8> {
    let part = |range: &Range<usize>, index: usize| {
        let from = range.start + index * range.len() / side;
        let to = range.start + (index + 1) * range.len() / side;
        from..to.max(from + 1)
    };
    let columns: Vec<Range<usize>> = (0..side).map(|x| part(columns, x)).collect();
    let mut out = Vec::with_capacity(side * side);
    for y in 0..side {
        let ys = part(rows, y);
        for xs in &columns {
            let sum: u64 = ys
                .clone()
                .map(|y| plane[y * width..][xs.clone()].iter().map(|sample| u64::from(*sample)).sum::<u64>())
                .sum();
            let count = (ys.len() * xs.len()) as u64;
            out.push(((sum + count / 2) / count) as u8);
        }
    }
    out
}
