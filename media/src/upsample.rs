//! Chroma of 4:2:0 at the luma's resolution.

use crate::picture::{Chroma, Yuv420};

/// Fractional bits of the slope of chroma over luma.
const SLOPE_BITS: u32 = 8;
/// The steepest slope: blue, whose luma hardly varies, has 4.4.
const STEEPEST: i64 = 4 << SLOPE_BITS;
/// What the variance of luma has to exceed by far for a slope to be believed, in squared grey levels.
const NOISE: i64 = 32;

/// A chroma plane of 4:2:0 at the luma's resolution, row by row, times 16.
pub(crate) struct Upsampled<'a> {
    picture: &'a Yuv420,
    plane: &'a [u8],
    way: Way,
    row: Vec<i32>,
}

enum Way {
    Nearest,
    Bilinear(Bilinear),
    Guided(Box<Guided>),
}

impl<'a> Upsampled<'a> {
    /// `plane` is a chroma plane of `picture`.
    pub(crate) fn new(picture: &'a Yuv420, plane: &'a [u8], chroma: Chroma) -> Upsampled<'a> {
        let way = match chroma {
            Chroma::Nearest => Way::Nearest,
            Chroma::Bilinear => Way::Bilinear(Bilinear::new(picture)),
            Chroma::Guided => Way::Guided(Box::new(Guided::new(picture, plane))),
        };
        Upsampled { picture, plane, way, row: vec![0; 2 * picture.chroma_width()] }
    }

    /// The row `luma_row`. One sample more than the luma has, if its width is odd.
    pub(crate) fn row(&mut self, luma_row: usize) -> &[i32] {
        match &mut self.way {
            Way::Nearest => repeat(self.plane, luma_row / 2, &mut self.row),
            Way::Bilinear(bilinear) => bilinear.row(self.plane, luma_row, &mut self.row),
            Way::Guided(guided) => guided.row(self.picture, self.plane, luma_row, &mut self.row),
        }
        &self.row
    }
}

/// Each sample of a row of chroma twice, times 16.
fn repeat(plane: &[u8], row: usize, out: &mut [i32]) {
    let width = out.len() / 2;
    for (pair, &sample) in out.chunks_exact_mut(2).zip(&plane[row * width..]) {
        pair.fill(16 * i32::from(sample));
    }
}

/// Interpolation with weights 9, 3, 3, 1, the samples at the edges repeated.
struct Bilinear {
    last_row: usize,
    /// Two rows weighed 3 to 1, with the first and the last sample repeated.
    column: Vec<i32>,
}

impl Bilinear {
    fn new(picture: &Yuv420) -> Bilinear {
        Bilinear {
            last_row: picture.chroma_height().saturating_sub(1),
            column: vec![0; picture.chroma_width() + 2],
        }
    }

    /// A row of a plane at chroma's resolution, times 16. The nearer row weighs 3 against 1 of the farther, then the same
    /// along the row.
    fn row<T: Copy + Into<i32>>(&mut self, plane: &[T], luma_row: usize, out: &mut [i32]) {
        let width = self.column.len() - 2;
        let near = luma_row / 2;
        let far =
            if luma_row.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(self.last_row) };
        let row = |row: usize| &plane[row * width..(row + 1) * width];
        for ((sum, &near), &far) in self.column[1..].iter_mut().zip(row(near)).zip(row(far)) {
            *sum = 3 * near.into() + far.into();
        }
        self.column[0] = self.column[1];
        self.column[width + 1] = self.column[width];
        for (pair, window) in out.chunks_exact_mut(2).zip(self.column.windows(3)) {
            pair[0] = 3 * window[1] + window[0];
            pair[1] = 3 * window[1] + window[2];
        }
    }
}

/// Chroma that follows luma's detail as it does around: the guided filter (He, Sun and Tang, "Guided Image Filtering",
/// ECCV 2010), luma the guide.
///
/// A line of another colour mostly is of another brightness, too. Around each chroma sample, chroma over luma has a slope;
/// what interpolated luma lacks of luma, times interpolated slope, is what interpolated chroma is taken to lack.
struct Guided {
    bilinear: Bilinear,
    /// Luma at chroma's resolution, in quarters of a grey level.
    luma: Vec<i32>,
    /// Chroma over luma, with [`SLOPE_BITS`].
    slope: Vec<i32>,
    /// A row of interpolated `luma`, and one of `slope`.
    rows: [Vec<i32>; 2],
}

impl Guided {
    fn new(picture: &Yuv420, chroma: &[u8]) -> Guided {
        let luma = sums_of_four(&picture.y, picture.width);
        let slope = slopes(&luma, chroma, picture.chroma_width());
        let rows = [0, 1].map(|_| vec![0; 2 * picture.chroma_width()]);
        Guided { bilinear: Bilinear::new(picture), luma, slope, rows }
    }

    fn row(&mut self, picture: &Yuv420, chroma: &[u8], luma_row: usize, out: &mut [i32]) {
        let [luma, slope] = &mut self.rows;
        self.bilinear.row(&self.luma, luma_row, luma);
        self.bilinear.row(&self.slope, luma_row, slope);
        self.bilinear.row(chroma, luma_row, out);
        let exact = &picture.y[luma_row * picture.width..];
        for (((out, &exact), &luma), &slope) in
            out[..picture.width].iter_mut().zip(exact).zip(&*luma).zip(&*slope)
        {
            // Detail in 1/64 grey levels, the slope times 16; chroma has 4 fractional bits.
            const SHIFT: u32 = SLOPE_BITS + 4 + 6 - 4;
            let detail = 64 * i32::from(exact) - luma;
            *out = (*out + ((slope * detail + (1 << (SHIFT - 1))) >> SHIFT)).clamp(0, 16 * 255);
        }
    }
}

/// The four samples of a plane that meet in each chroma sample together; a missing row or column repeats the last.
pub(crate) fn sums_of_four(plane: &[u8], width: usize) -> Vec<i32> {
    let mut sums = Vec::with_capacity(plane.len().div_ceil(width).div_ceil(2) * width.div_ceil(2));
    for rows in plane.chunks(2 * width) {
        let (top, bottom) = rows.split_at(width);
        let bottom = if bottom.is_empty() { top } else { bottom };
        sums.extend(top.chunks(2).zip(bottom.chunks(2)).map(|(top, bottom)| {
            [top[0], top[top.len() - 1], bottom[0], bottom[bottom.len() - 1]]
                .map(i32::from)
                .iter()
                .sum::<i32>()
        }));
    }
    sums
}

/// Covariance of chroma and luma over luma's variance, around each chroma sample: 3x3 samples with weights 1 2 1 each
/// way, the samples at the edges repeated.
fn slopes(luma: &[i32], chroma: &[u8], width: usize) -> Vec<i32> {
    let height = chroma.len() / width;
    let mut slopes = Vec::with_capacity(chroma.len());
    let mut columns = vec![[0; 4]; width];
    for row in 0..height {
        let rows = [row.saturating_sub(1), row, (row + 1).min(height - 1)].map(|row| row * width);
        for (x, column) in columns.iter_mut().enumerate() {
            let [above, here, below] = rows.map(|row| {
                let (luma, chroma) = (luma[row + x], i32::from(chroma[row + x]));
                [luma, chroma, luma * luma, luma * chroma]
            });
            *column = weighed(above, here, below);
        }
        slopes.extend((0..width).map(|x| {
            let [l, c, ll, lc] =
                weighed(columns[x.saturating_sub(1)], columns[x], columns[(x + 1).min(width - 1)]);
            // Weights are 16 together and luma has 2 fractional bits: 4 * 256 covariances, 16 * 256 variances.
            let covariance = i64::from(16 * lc - l * c);
            let variance = i64::from(16 * ll - l * l);
            let slope = (covariance << (SLOPE_BITS + 2)) / (variance + 16 * 256 * NOISE);
            slope.clamp(-STEEPEST, STEEPEST) as i32
        }));
    }
    slopes
}

/// Sums with weights 1, 2 and 1.
fn weighed(before: [i32; 4], here: [i32; 4], after: [i32; 4]) -> [i32; 4] {
    std::array::from_fn(|i| before[i] + 2 * here[i] + after[i])
}
