//! Chroma of 4:2:0 at the luma's resolution.

use crate::picture::{Chroma, Yuv420};

/// A chroma plane of 4:2:0 at the luma's resolution, row by row, times 16.
pub(crate) struct Upsampled<'a> {
    plane: &'a [u8],
    chroma: Chroma,
    width: usize,
    last_row: usize,
    /// Two rows weighed 3 to 1, with the first and the last sample repeated.
    column: Vec<i32>,
    row: Vec<i32>,
}

impl<'a> Upsampled<'a> {
    /// `plane` is a chroma plane of `picture`.
    pub(crate) fn new(picture: &Yuv420, plane: &'a [u8], chroma: Chroma) -> Upsampled<'a> {
        let (width, height) = (picture.chroma_width(), picture.chroma_height());
        let (column, row) = (vec![0; width + 2], vec![0; 2 * width]);
        Upsampled { plane, chroma, width, last_row: height.saturating_sub(1), column, row }
    }

    /// The row `luma_row`. One sample more than the luma has, if its width is odd.
    pub(crate) fn row(&mut self, luma_row: usize) -> &[i32] {
        match self.chroma {
            Chroma::Bilinear => self.interpolate(luma_row),
            Chroma::Nearest => self.repeat(luma_row / 2),
        }
        &self.row
    }

    /// The nearer chroma row weighs 3 against 1 of the farther, then the same along the row.
    fn interpolate(&mut self, luma_row: usize) {
        let near = luma_row / 2;
        let far =
            if luma_row.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(self.last_row) };
        let chroma = |row: usize| &self.plane[row * self.width..(row + 1) * self.width];
        for ((sum, &near), &far) in self.column[1..].iter_mut().zip(chroma(near)).zip(chroma(far)) {
            *sum = 3 * i32::from(near) + i32::from(far);
        }
        self.column[0] = self.column[1];
        self.column[self.width + 1] = self.column[self.width];
        for (pair, window) in self.row.chunks_exact_mut(2).zip(self.column.windows(3)) {
            pair[0] = 3 * window[1] + window[0];
            pair[1] = 3 * window[1] + window[2];
        }
    }

    /// Each sample of the chroma row twice.
    fn repeat(&mut self, row: usize) {
        let samples = &self.plane[row * self.width..(row + 1) * self.width];
        for (pair, &sample) in self.row.chunks_exact_mut(2).zip(samples) {
            pair.fill(16 * i32::from(sample));
        }
    }
}
