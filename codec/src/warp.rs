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

    /// Of a [`Plane::half_samples`], the luma in 1/16 grey levels of neighbouring samples of a row, the first of them at a position in
    /// 1/16 samples of the picture.
    pub(crate) fn luma_from(&self, x: i32, y: i32, seen: &mut [i32]) {
        // A 1/16 sample is 1/8 of a step of the half-sample grid.
        self.read::<2, 3>(x, y, seen);
    }

    /// Reads, in 1/16 of a grey level, samples `STEP` apart in a row as [`bilinear`] does, the first of them at a position in units of
    /// `1 << BITS` per sample.
    fn read<const STEP: usize, const BITS: u32>(&self, x: i32, y: i32, seen: &mut [i32]) {
        let Plane { width, height, ref data } = *self;
        let (half, shift) = (1 << (2 * BITS - 5), 2 * BITS - 4);
        let needed = STEP * (seen.len() - 1) + 2;
        let Some(left) = usize::try_from(x >> BITS).ok().filter(|left| left + needed <= width) else {
            for (i, seen) in seen.iter_mut().enumerate() {
                let x = x + ((STEP * i) << BITS) as i32;
                *seen = (bilinear(data, width, height, x, y, BITS) + half) >> shift;
            }
            return;
        };
        let y = y.clamp(0, ((height - 1) << BITS) as i32);
        let top = (y >> BITS) as usize;
        let [upper, lower] =
            [top, (top + 1).min(height - 1)].map(|row| &data[row * width + left..][..needed]);
        let whole: u16 = 1 << BITS;
        let [right, below] = [x, y].map(|at| at as u16 & (whole - 1));
        // 16 bits hold this for up to 8 bits of a position: sums of their products are quick.
        let across = |row: &[u8]| i32::from(u16::from(row[0]) * (whole - right) + u16::from(row[1]) * right);
        let [upper, lower] = [upper, lower].map(|row| row.windows(2).step_by(STEP));
        for ((seen, upper), lower) in seen.iter_mut().zip(upper).zip(lower) {
            *seen =
                (across(upper) * i32::from(whole - below) + across(lower) * i32::from(below) + half) >> shift;
        }
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

impl Flow {
    /// No motion at `height` x `width` sites.
    pub fn still([height, width]: [usize; 2]) -> Flow {
        Flow { width, height, data: vec![0; 2 * height * width] }
    }

    /// Every component by itself.
    pub(crate) fn map(&self, to: impl Fn(i32) -> i32) -> Flow {
        Flow { data: self.data.iter().map(|&v| to(v)).collect(), ..*self }
    }

    /// Calls `visit(row, column, motion)` for every sample of the flow enlarged bilinearly by `factor`, a power of two, sites
    /// centred.
    pub(crate) fn enlarged(&self, factor: usize, mut visit: impl FnMut(usize, usize, [i32; 2])) {
        self.runs_within(factor, 0..self.height * factor, 0..self.width * factor, |run| {
            run.columns.iter().for_each(|column| visit(run.row.at, column.at, run.motion(column)));
        });
    }

    /// Calls `visit` for runs of samples of the flow enlarged as by [`Flow::enlarged`], from the left to the right and from the top to the
    /// bottom of some rows and columns.
    fn runs_within(
        &self,
        factor: usize,
        rows: Range<usize>,
        columns: Range<usize>,
        mut visit: impl FnMut(Run),
    ) {
        let (w, h) = (self.width, self.height);
        let columns: Vec<_> = columns.map(|at| Enlarged::new(at, factor, w)).collect();
        let whole = 2 * factor as i32;
        for row in rows.map(|at| Enlarged::new(at, factor, h)) {
            let blended = |j: usize| {
                [0, 1].map(|c| {
                    let plane = &self.data[c * w * h..];
                    plane[row.before * w + j] * (whole - row.share) + plane[row.after * w + j] * row.share
                })
            };
            let mut right = None;
            for columns in columns.chunk_by(|a, b| a.before == b.before) {
                let Enlarged { before, after, .. } = columns[0];
                let ends = [right.take().unwrap_or_else(|| blended(before)), blended(after)];
                right = Some(ends[1]);
                visit(Run { row, columns, ends, whole });
            }
        }
    }

    /// Calls `visit(row, first column, values)` for runs of samples of what is seen through the flow enlarged by `factor`; `read(row, first
    /// column, motion, values)` reads neighbouring samples that move as one.
    pub(crate) fn seen_within(
        &self,
        blend: Blend,
        factor: usize,
        rows: Range<usize>,
        columns: Range<usize>,
        read: impl Fn(usize, usize, [i32; 2], &mut [i32]),
        mut visit: impl FnMut(usize, usize, &[i32]),
    ) {
        let (mut seen, mut one) = (vec![0; 2 * factor], vec![0; 2 * factor]);
        // Of one row of sites, those which are apart from the next ones to the right and below.
        let (mut of, mut apart) = (usize::MAX, vec![None; self.width]);
        self.runs_within(factor, rows, columns, |run| {
            let Run { row, columns, whole, .. } = run;
            let Enlarged { at: first, before: left, after: right, .. } = columns[0];
            if of != row.before {
                of = row.before;
                apart.fill(None);
            }
            let seen = &mut seen[..columns.len()];
            let is_apart = || blend == Blend::Pictures && self.is_apart(row.before, left);
            if *apart[left].get_or_insert_with(is_apart) {
                seen.fill(whole * whole / 2);
                let one = &mut one[..columns.len()];
                for (i, below) in [(row.before, whole - row.share), (row.after, row.share)] {
                    for (j, right) in [(left, false), (right, true)] {
                        read(row.at, first, self.at(i * self.width + j), one);
                        for ((seen, one), column) in seen.iter_mut().zip(&*one).zip(columns) {
                            let across = if right { column.share } else { whole - column.share };
                            *seen += below * across * one;
                        }
                    }
                }
                seen.iter_mut().for_each(|seen| *seen >>= 2 * whole.trailing_zeros());
            } else if run.ends[0] == run.ends[1] {
                read(row.at, first, run.motion(&columns[0]), seen);
            } else {
                for (seen, column) in seen.iter_mut().zip(columns) {
                    read(row.at, column.at, run.motion(column), std::slice::from_mut(seen));
                }
            }
            visit(row.at, first, seen);
        });
    }

    /// All that [`Flow::seen_within`] sees.
    fn seen(
        &self,
        blend: Blend,
        factor: usize,
        read: impl Fn(usize, usize, [i32; 2], &mut [i32]),
    ) -> Vec<i32> {
        let (height, width) = (factor * self.height, factor * self.width);
        let mut out = Vec::with_capacity(height * width);
        self.seen_within(blend, factor, 0..height, 0..width, read, |_, _, seen| out.extend_from_slice(seen));
        out
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

/// Where a row or a column of an enlarged flow lies between two rows or columns of sites.
#[derive(Clone, Copy)]
struct Enlarged {
    at: usize,
    before: usize,
    after: usize,
    /// The weight of the one after it, in `2 * factor`ths.
    share: i32,
}

impl Enlarged {
    fn new(at: usize, factor: usize, sites: usize) -> Enlarged {
        let numerator = (2 * at + 1).saturating_sub(factor);
        let before = (numerator / (2 * factor)).min(sites - 1);
        let share = (numerator % (2 * factor)) as i32;
        Enlarged { at, before, after: (before + 1).min(sites - 1), share }
    }
}

/// Samples of a row of an enlarged flow that lie between the same two columns of sites.
struct Run<'a> {
    row: Enlarged,
    columns: &'a [Enlarged],
    /// Motion at both columns of sites, in units of 1 / (16 `whole`) luma samples.
    ends: [[i32; 2]; 2],
    /// All of a share.
    whole: i32,
}

impl Run<'_> {
    /// Motion of one of its samples, in 1/16 luma samples.
    fn motion(&self, column: &Enlarged) -> [i32; 2] {
        let (whole, [left, right]) = (self.whole, self.ends);
        let blended = |c: usize| left[c] * (whole - column.share) + right[c] * column.share;
        [0, 1].map(|c| (blended(c) + whole * whole / 2) >> (2 * whole.trailing_zeros()))
    }
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
    flow.seen(blend, 8, |i, j, [x, y], seen| grid.luma_from(16 * j as i32 + x, 16 * i as i32 + y, seen))
}

/// A chroma plane (half the luma resolution) seen through a flow, in 1/16 grey levels.
pub fn warp_chroma(plane: &Plane, flow: &Flow, blend: Blend) -> Vec<i32> {
    flow.seen(blend, 4, |i, j, [x, y], seen| plane.read::<1, 5>(32 * j as i32 + x, 32 * i as i32 + y, seen))
}

/// A feature map `[channels, height, width]` at the flow's resolution seen through it.
pub fn warp_features(features: &[i32], flow: &Flow) -> Vec<i32> {
    let (w, h) = (flow.width, flow.height);
    let place = |site: usize| {
        let [x, y] = flow.at(site);
        [128 * (site % w) as i32 + x, 128 * (site / w) as i32 + y]
    };
    let places: Vec<[i32; 2]> = (0..w * h).map(place).collect();
    let seen = |map| places.iter().map(move |&[x, y]| (bilinear(map, w, h, x, y, 7) + (1 << 13)) >> 14);
    features.chunks_exact(w * h).flat_map(seen).collect()
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
