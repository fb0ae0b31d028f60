//! Motion compensation in integers: a picture or a feature map seen through a flow.
//!
//! Luma is interpolated as H.264 and HEVC do: a half-sample grid from a long filter, then bilinear between its points.

use std::ops::Range;

use vcn_media::Yuv420;

/// Taps of the half-sample filter, sum 64 (HEVC, ITU-T H.265 table 8-11).
pub const HALF_SAMPLE: [i32; 8] = [-1, 4, -11, 40, 40, -11, 4, -1];

/// A plane of 8-bit samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Samples, row by row.
    pub data: Vec<u8>,
}

impl Plane {
    /// The luma of a picture.
    pub fn luma(picture: &Yuv420) -> Plane {
        Plane { width: picture.width, height: picture.height, data: picture.y.clone() }
    }

    /// Doubles the resolution: even rows and columns hold the samples, odd ones the half-sample positions; beyond the
    /// border the last sample repeats.
    pub fn half_samples(&self) -> Plane {
        let Plane { width, height, ref data } = *self;
        let wide = 2 * width;
        let mut rows = vec![0u8; wide * height];
        let mut padded = vec![0i32; width + 7];
        for (row, out) in data.chunks_exact(width).zip(rows.chunks_exact_mut(wide)) {
            padded[..3].fill(row[0] as i32);
            padded[width + 3..].fill(row[width - 1] as i32);
            padded[3..width + 3].iter_mut().zip(row).for_each(|(p, &s)| *p = s as i32);
            for (j, pair) in out.chunks_exact_mut(2).enumerate() {
                pair[0] = row[j];
                pair[1] = filtered(&padded[j..j + 8]);
            }
        }
        let mut out = vec![0u8; wide * 2 * height];
        for i in 0..height {
            out[2 * i * wide..][..wide].copy_from_slice(&rows[i * wide..][..wide]);
            let tap: [&[u8]; 8] = std::array::from_fn(|t| {
                let k = (i + t).saturating_sub(3).min(height - 1);
                &rows[k * wide..][..wide]
            });
            let below = &mut out[(2 * i + 1) * wide..][..wide];
            for j in 0..wide {
                let column: [i32; 8] = std::array::from_fn(|t| tap[t][j] as i32);
                below[j] = filtered(&column);
            }
        }
        Plane { width: wide, height: 2 * height, data: out }
    }

    /// Of a [`Plane::half_samples`], the luma in 1/16 grey levels at a position in 1/16 samples of the picture.
    pub(crate) fn luma_at(&self, x: i32, y: i32) -> i32 {
        // A 1/16 sample is 1/8 of a step of the half-sample grid.
        (bilinear(&self.data, self.width, self.height, x, y, 3) + 2) >> 2
    }
}

/// The half-sample filter on 8 neighbours, rounded and clamped to 8 bits.
fn filtered(samples: &[i32]) -> u8 {
    let sum: i32 = samples.iter().zip(HALF_SAMPLE).map(|(s, t)| s * t).sum();
    ((sum + 32) >> 6).clamp(0, 255) as u8
}

/// A flow at 1/8 resolution in units of 1/16 luma sample, horizontal component first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Sites in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[2, height, width]`.
    pub data: Vec<i32>,
}

/// What is seen between the centres of sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blend {
    /// What the blend of their flows shows (control grid interpolation).
    Flows,
    /// Where their flows are apart, the blend of what each of them shows (overlapped block motion compensation, ITU-T H.263
    /// annex F): at the edge of what moves, the flow between two motions shows neither.
    Pictures,
}

/// Flows further apart than this, in 1/16 luma samples, are not of one motion.
pub const APART: i32 = 8;

/// Where an enlarged position lies between two sites: both indices, and the weight of the second in `2 * factor`ths.
fn between(at: usize, factor: usize, size: usize) -> (usize, usize, i32) {
    let numerator = (2 * at + 1).saturating_sub(factor);
    let low = (numerator / (2 * factor)).min(size - 1);
    (low, (low + 1).min(size - 1), (numerator % (2 * factor)) as i32)
}

impl Flow {
    /// No motion at `height` x `width` sites.
    pub fn still([height, width]: [usize; 2]) -> Flow {
        Flow { width, height, data: vec![0; 2 * height * width] }
    }

    /// Every component by itself.
    pub(crate) fn map(&self, to: impl Fn(i32) -> i32) -> Flow {
        Flow { data: self.data.iter().map(|&v| to(v)).collect(), ..*self }
    }

    /// Calls `visit` for every sample of the flow enlarged bilinearly by `factor`, a power of two, sites centred.
    pub(crate) fn enlarged(&self, factor: usize, visit: impl FnMut(Enlarged)) {
        self.enlarged_within(factor, 0..self.height * factor, 0..self.width * factor, visit);
    }

    /// As [`Flow::enlarged`], for the samples of some rows and columns.
    pub(crate) fn enlarged_within(
        &self,
        factor: usize,
        rows: Range<usize>,
        columns: Range<usize>,
        mut visit: impl FnMut(Enlarged),
    ) {
        let (w, h) = (self.width, self.height);
        let columns: Vec<_> = columns.map(|j| (j, between(j, factor, w))).collect();
        let (Some((_, first)), Some((_, last))) = (columns.first(), columns.last()) else { return };
        let sites = first.0..last.1 + 1;
        let whole = 2 * factor as i32;
        let (half, bits) = (whole * whole / 2, 2 * whole.trailing_zeros());
        let mut blended = vec![[0i32; 2]; w];
        for row in rows {
            let vertical @ (top, bottom, t) = between(row, factor, h);
            for j in sites.clone() {
                blended[j] = [0, 1].map(|c| {
                    let plane = &self.data[c * w * h..];
                    plane[top * w + j] * (whole - t) + plane[bottom * w + j] * t
                });
            }
            for &(column, horizontal) in &columns {
                let (left, right, t) = horizontal;
                let motion =
                    [0, 1].map(|c| (blended[left][c] * (whole - t) + blended[right][c] * t + half) >> bits);
                visit(Enlarged { row, column, motion, vertical, horizontal });
            }
        }
    }

    /// Calls `visit(row, column, value)` for samples of what is seen through the flow enlarged by `factor`, of which `read(row,
    /// column, motion)` gives a sample.
    pub(crate) fn seen_within(
        &self,
        blend: Blend,
        factor: usize,
        rows: Range<usize>,
        columns: Range<usize>,
        read: impl Fn(usize, usize, [i32; 2]) -> i32,
        mut visit: impl FnMut(usize, usize, i32),
    ) {
        let whole = 2 * factor as i32;
        let (half, bits) = (whole * whole / 2, 2 * whole.trailing_zeros());
        let site = |at: usize, size| between(at, factor, size).0;
        let lefts = site(columns.start, self.width)..site(columns.end.max(1) - 1, self.width) + 1;
        // Of one row of sites, those which are apart from the next ones to the right and below.
        let (mut of, mut apart) = (usize::MAX, vec![false; self.width]);
        self.enlarged_within(factor, rows, columns, |sample| {
            let Enlarged { row, column, motion, vertical: (top, bottom, t), horizontal: (left, right, s) } =
                sample;
            if blend == Blend::Pictures && of != top {
                of = top;
                for left in lefts.clone() {
                    apart[left] = self.is_apart(top, left);
                }
            }
            if !apart[left] {
                return visit(row, column, read(row, column, motion));
            }
            let sum: i32 = [
                (top, left, (whole - t) * (whole - s)),
                (top, right, (whole - t) * s),
                (bottom, left, t * (whole - s)),
                (bottom, right, t * s),
            ]
            .into_iter()
            .map(|(i, j, weight)| weight * read(row, column, self.at(i * self.width + j)))
            .sum();
            visit(row, column, (sum + half) >> bits);
        });
    }

    /// Motion of a site.
    fn at(&self, site: usize) -> [i32; 2] {
        [self.data[site], self.data[self.width * self.height + site]]
    }

    /// Whether four neighbouring sites, this one the first, hardly move as one.
    fn is_apart(&self, row: usize, column: usize) -> bool {
        let (below, right) = ((row + 1).min(self.height - 1), (column + 1).min(self.width - 1));
        let sites = [(row, column), (row, right), (below, column), (below, right)]
            .map(|(i, j)| self.at(i * self.width + j));
        sites.iter().any(|a| sites.iter().any(|b| (0..2).any(|c| a[c] - b[c] > APART)))
    }
}

/// A sample of an enlarged flow.
pub(crate) struct Enlarged {
    pub row: usize,
    pub column: usize,
    /// In 1/16 luma samples.
    pub motion: [i32; 2],
    /// The sites above and below it, as [`between`] gives them.
    vertical: (usize, usize, i32),
    /// The sites left and right of it.
    horizontal: (usize, usize, i32),
}

/// Reads a plane bilinearly at a position in units of `1 << bits` per sample; the border repeats. The result is
/// scaled by `1 << (2 * bits)`.
fn bilinear<T: Copy + Into<i32>>(data: &[T], width: usize, height: usize, x: i32, y: i32, bits: u32) -> i32 {
    let x = x.clamp(0, ((width - 1) << bits) as i32);
    let y = y.clamp(0, ((height - 1) << bits) as i32);
    let (fx, fy) = (x & ((1 << bits) - 1), y & ((1 << bits) - 1));
    let (left, top) = ((x >> bits) as usize, (y >> bits) as usize);
    let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
    let (a, b): (i32, i32) = (data[top * width + left].into(), data[top * width + right].into());
    let (c, d): (i32, i32) = (data[bottom * width + left].into(), data[bottom * width + right].into());
    let whole = 1 << bits;
    (a * (whole - fx) + b * fx) * (whole - fy) + (c * (whole - fx) + d * fx) * fy
}

/// Luma seen through a flow, in 1/16 grey levels, `[8 height, 8 width]`. `grid` is the reference's
/// [`Plane::half_samples`].
pub fn warp_luma(grid: &Plane, flow: &Flow, blend: Blend) -> Vec<i32> {
    let (height, width) = (8 * flow.height, 8 * flow.width);
    let mut out = Vec::with_capacity(height * width);
    let read = |i: usize, j: usize, [x, y]: [i32; 2]| grid.luma_at(16 * j as i32 + x, 16 * i as i32 + y);
    flow.seen_within(blend, 8, 0..height, 0..width, read, |_, _, value| out.push(value));
    out
}

/// A chroma plane (half the luma resolution) seen through a flow, in 1/16 grey levels.
pub fn warp_chroma(plane: &Plane, flow: &Flow, blend: Blend) -> Vec<i32> {
    let (height, width) = (4 * flow.height, 4 * flow.width);
    let mut out = Vec::with_capacity(height * width);
    let read = |i: usize, j: usize, [x, y]: [i32; 2]| {
        let sum = bilinear(&plane.data, plane.width, plane.height, 32 * j as i32 + x, 32 * i as i32 + y, 5);
        (sum + 32) >> 6
    };
    flow.seen_within(blend, 4, 0..height, 0..width, read, |_, _, value| out.push(value));
    out
}

/// A feature map `[channels, height, width]` at the flow's resolution seen through it.
pub fn warp_features(features: &[i32], flow: &Flow) -> Vec<i32> {
    let (w, h) = (flow.width, flow.height);
    let mut out = Vec::with_capacity(features.len());
    for map in features.chunks_exact(w * h) {
        for i in 0..h {
            for j in 0..w {
                let [x, y] = [0, 1].map(|c| flow.data[(c * h + i) * w + j]);
                let sum = bilinear(map, w, h, 128 * j as i32 + x, 128 * i as i32 + y, 7);
                out.push((sum + (1 << 13)) >> 14);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_motions_both_are_seen() {
        // Left half still, right half from four samples further right: a picture of columns.
        let column = |j: usize| (j * j % 200) as u8;
        let plane = Plane { width: 32, height: 16, data: (0..32 * 16).map(|n| column(n % 32)).collect() };
        let grid = plane.half_samples();
        let mut flow = Flow::still([2, 4]);
        flow.data[..8].copy_from_slice(&[0, 0, 64, 64, 0, 0, 64, 64]);
        let [flows, pictures] = [Blend::Flows, Blend::Pictures].map(|blend| warp_luma(&grid, &flow, blend));
        // Not where the border repeats.
        for j in 0..28 {
            let seen = |by: usize| 16 * i32::from(column(j + by));
            let expected = match j {
                0..12 => seen(0),
                20..28 => seen(4),
                // Column 12 lies half a sample behind the centre of its site, so a sixteenth of the way to the next.
                _ => {
                    let t = 2 * (j as i32 - 12) + 1;
                    (seen(0) * (16 - t) + seen(4) * t + 8) >> 4
                }
            };
            assert_eq!(pictures[32 * 7 + j], expected, "{j}");
            assert!((12..20).contains(&j) || flows[32 * 7 + j] == expected, "{j}");
        }
        assert_ne!(flows, pictures);
        // What hardly differs is of one motion.
        flow.data[..8].copy_from_slice(&[0, 0, APART, APART, 0, 0, APART, APART]);
        let [flows, pictures] = [Blend::Flows, Blend::Pictures].map(|blend| warp_luma(&grid, &flow, blend));
        assert_eq!(flows, pictures);
    }
}
