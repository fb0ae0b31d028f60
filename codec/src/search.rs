//! Motion search on luma: hierarchical block matching with overlapping windows, down to a quarter sample, and a
//! relaxation towards a smooth field at the end.
//!
//! The encoder starts from this flow: the motion network improves it, and vectors of blocks are chosen from it. Nothing here is
//! known to the decoder.
//! One vector per 8x8 luma block, in quarter samples, `(x, y)`, pointing into the reference.

use crate::model::params::FLOW;
use crate::warp::{Flow, Plane};

/// Luma samples between neighbouring vectors.
pub const BLOCK: usize = 8;
/// The share of a frame's lambda with which the search weighs its vectors: coded motion is smoother than what is
/// searched, so the search should see detail that the motion network then weighs.
pub const SEARCH: f32 = 0.5;
/// A vector in quarter samples.
pub type Vector = (i32, i32);

/// A field of vectors at 1/8 resolution.
#[derive(Clone, Debug)]
pub struct Field {
    /// Vectors in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Vectors, row by row.
    pub vectors: Vec<Vector>,
}

// A field's vectors are those of a flow's sites.
const _: () = assert!(BLOCK == crate::packing::SITE);

impl From<&Field> for Flow {
    fn from(field: &Field) -> Flow {
        let limit = FLOW.max();
        let component =
            |pick: fn(&Vector) -> i32| field.vectors.iter().map(move |v| (4 * pick(v)).clamp(-limit, limit));
        let data = component(|v| v.0).chain(component(|v| v.1)).collect();
        Flow { width: field.width, height: field.height, data }
    }
}

/// Half the resolution by averaging 2x2 samples; odd sides lose their last row or column.
fn halved(p: &Plane) -> Plane {
    let (width, height) = (p.width / 2, p.height / 2);
    let mut data = Vec::with_capacity(width * height);
    for i in 0..height {
        let (a, b) = (&p.data[2 * i * p.width..], &p.data[(2 * i + 1) * p.width..]);
        data.extend((0..width).map(|j| {
            let sum = a[2 * j] as u16 + a[2 * j + 1] as u16 + b[2 * j] as u16 + b[2 * j + 1] as u16;
            ((sum + 2) >> 2) as u8
        }));
    }
    Plane { width, height, data }
}

/// A plane with a replicated border, so that windows may leave the picture.
struct Bordered {
    stride: usize,
    border: i32,
    width: i32,
    height: i32,
    data: Vec<u8>,
}

impl Bordered {
    fn new(p: &Plane, border: usize) -> Bordered {
        let stride = p.width + 2 * border;
        let mut data = Vec::with_capacity(stride * (p.height + 2 * border));
        for i in 0..p.height + 2 * border {
            let row = &p.data[i.saturating_sub(border).min(p.height - 1) * p.width..][..p.width];
            data.resize(data.len() + border, row[0]);
            data.extend_from_slice(row);
            data.resize(data.len() + border, row[p.width - 1]);
        }
        Bordered { stride, border: border as i32, width: p.width as i32, height: p.height as i32, data }
    }

    /// Start of the window whose first sample is `(x, y)`, pulled back to where the border suffices.
    fn at(&self, x: i32, y: i32, size: i32) -> &[u8] {
        let x = x.clamp(-self.border, self.width + self.border - size) + self.border;
        let y = y.clamp(-self.border, self.height + self.border - size) + self.border;
        &self.data[y as usize * self.stride + x as usize..]
    }
}

/// Sum of absolute differences over an `N` x `N` window, or as much of it as shows that it exceeds `limit`.
fn sad<const N: usize>(a: &[u8], a_stride: usize, b: &[u8], b_stride: usize, limit: u32) -> u32 {
    let mut sum = 0u32;
    for i in (0..N).step_by(4) {
        for i in i..i + 4 {
            let (a, b) = (&a[i * a_stride..][..N], &b[i * b_stride..][..N]);
            sum += a.iter().zip(b).map(|(&a, &b)| a.abs_diff(b) as u32).sum::<u32>();
        }
        if sum > limit {
            break;
        }
    }
    sum
}

/// The half-sample grid taken apart into four planes: by whether column and row are whole samples.
struct Phases {
    planes: [Vec<u8>; 4],
    stride: usize,
    border: i32,
    width: i32,
    height: i32,
}

impl Phases {
    /// With the edges of the grid repeated `border` points beyond them, an even number.
    fn new(grid: &Plane, border: usize) -> Phases {
        let (width, height) = (grid.width / 2 + border, grid.height / 2 + border);
        let plane = |phase: usize| {
            let mut data = Vec::with_capacity(width * height);
            for i in 0..height {
                let i = (2 * i + phase / 2).saturating_sub(border).min(grid.height - 1);
                let row = &grid.data[i * grid.width..][..grid.width];
                let before = border / 2;
                data.resize(data.len() + before, row[0]);
                data.extend(row[phase % 2..].iter().step_by(2));
                data.resize(data.len() + before, row[grid.width - 1]);
            }
            data
        };
        Phases {
            planes: [0, 1, 2, 3].map(plane),
            stride: width,
            border: border as i32,
            width: grid.width as i32,
            height: grid.height as i32,
        }
    }

    /// From the grid's point `(x, y)` on, every second point of a row.
    fn from(&self, x: usize, y: usize) -> &[u8] {
        &self.planes[2 * (y & 1) + (x & 1)][(y >> 1) * self.stride + (x >> 1)..]
    }

    /// Sum of absolute differences between `cur` and `N` x `N` samples at the quarter-sample position `(x, y)`, bilinear
    /// between grid points, or as much of it as shows that it exceeds `limit`.
    fn sad<const N: usize>(&self, cur: &[u8], cur_stride: usize, x: i32, y: i32, limit: u32) -> u32 {
        let size = 2 * N as i32 + 1;
        let at = |q: i32, side: i32| {
            ((q >> 1).clamp(-self.border, side + self.border - size) + self.border) as usize
        };
        let (gx, gy) = (at(x, self.width), at(y, self.height));
        let (right, below) = ((x & 1) as usize, (y & 1) as usize);
        let a = self.from(gx, gy);
        if right + below == 0 {
            return sad::<N>(cur, cur_stride, a, self.stride, limit);
        }
        let mut patch = [[0u8; N]; N];
        let d = self.from(gx + right, gy + below);
        if right + below == 1 {
            for (i, out) in patch.iter_mut().enumerate() {
                let [a, d] = [a, d].map(|p| &p[i * self.stride..][..N]);
                for (j, out) in out.iter_mut().enumerate() {
                    *out = ((a[j] as u16 + d[j] as u16 + 1) >> 1) as u8;
                }
            }
        } else {
            let (b, c) = (self.from(gx + 1, gy), self.from(gx, gy + 1));
            for (i, out) in patch.iter_mut().enumerate() {
                let [a, b, c, d] = [a, b, c, d].map(|p| &p[i * self.stride..][..N]);
                for (j, out) in out.iter_mut().enumerate() {
                    let sum = a[j] as u16 + b[j] as u16 + c[j] as u16 + d[j] as u16;
                    *out = ((sum + 2) >> 2) as u8;
                }
            }
        }
        sad::<N>(cur, cur_stride, patch.as_flattened(), N, limit)
    }
}

/// The least cost so far and its vector; of equal costs, the smaller vector.
#[derive(Clone, Copy, PartialEq)]
struct Best {
    cost: u32,
    vector: Vector,
}

impl Best {
    const NONE: Best = Best { cost: u32::MAX, vector: (0, 0) };

    /// Considers a vector that costs `penalty` besides its `error`, which is told above which value it does not matter.
    fn consider(&mut self, vector: Vector, penalty: u32, error: impl FnOnce(u32) -> u32) {
        if penalty > self.cost || (vector == self.vector && self.cost < u32::MAX) {
            return;
        }
        let cost = penalty + error(self.cost - penalty);
        if (cost, vector) < (self.cost, self.vector) {
            *self = Best { cost, vector };
        }
    }
}

/// One level of the hierarchy: vectors in samples of this level, one per `step` samples.
struct Level<'a> {
    cur: &'a Bordered,
    reference: &'a Bordered,
    step: usize,
    width: usize,
    height: usize,
    penalty: &'a Penalty,
    /// Quarter samples of the picture in a unit of this level's vectors.
    unit: u32,
}

impl Level<'_> {
    fn error<const N: usize>(&self, i: usize, j: usize, v: Vector, limit: u32) -> u32 {
        let margin = (N as i32 - self.step as i32) / 2;
        let (x, y) = ((j * self.step) as i32 - margin, (i * self.step) as i32 - margin);
        let a = self.cur.at(x, y, N as i32);
        let b = self.reference.at(x + v.0, y + v.1, N as i32);
        sad::<N>(a, self.cur.stride, b, self.reference.stride, limit)
    }

    /// Best vector for every block: from the candidates, then by steps of one sample while the cost falls, at most
    /// `walk` of them.
    fn refine<const N: usize>(
        &self,
        candidates: impl Fn(usize, usize) -> Vec<Vector>,
        walk: usize,
    ) -> Vec<Vector> {
        let mut field: Vec<Vector> = Vec::with_capacity(self.width * self.height);
        for i in 0..self.height {
            for j in 0..self.width {
                let near = neighbour(&field, self.width, i, j);
                let mut best = Best::NONE;
                let consider = |best: &mut Best, v: Vector| {
                    let penalty = self.penalty.of(v, near, self.unit);
                    best.consider(v, penalty, |limit| self.error::<N>(i, j, v, limit));
                };
                for v in candidates(i, j).into_iter().chain([near, (0, 0)]) {
                    consider(&mut best, v);
                }
                for _ in 0..walk {
                    let start = best;
                    for (dx, dy) in STEPS {
                        consider(&mut best, (start.vector.0 + dx, start.vector.1 + dy));
                    }
                    if best == start {
                        break;
                    }
                }
                field.push(best.vector);
            }
        }
        field
    }
}

/// What a vector costs in the currency of absolute differences, by its distance from the predicted one.
struct Penalty(Vec<u32>);

impl Penalty {
    /// `lambda` is what a bit is worth in squared differences; its root is what it is worth in absolute ones. A
    /// difference of `d` quarter samples takes about `1 + 2 log2(1 + d)` bits of a variable-length code.
    fn new(lambda: f32) -> Penalty {
        let cost = |d: i32| if d == 0 { 0.0 } else { lambda.sqrt() * (1.0 + 2.0 * (1.0 + d as f32).log2()) };
        Penalty((0..=64).map(|d| cost(d) as u32).collect())
    }

    /// The city-block distance is capped so that a true edge in the motion stays affordable.
    fn of(&self, a: Vector, b: Vector, unit: u32) -> u32 {
        let distance = ((a.0 - b.0).unsigned_abs() + (a.1 - b.1).unsigned_abs()) * unit;
        self.0[distance.min(64) as usize]
    }
}

/// Median of the left, upper and upper right vectors, the usual motion predictor.
fn neighbour(field: &[Vector], width: usize, i: usize, j: usize) -> Vector {
    let at = |i: usize, j: usize| field.get(i * width + j).copied().unwrap_or((0, 0));
    match (i, j) {
        (0, 0) => (0, 0),
        (0, _) => at(0, j - 1),
        (_, 0) => at(i - 1, 0),
        _ => {
            let (a, b, c) = (at(i, j - 1), at(i - 1, j), at(i - 1, (j + 1).min(width - 1)));
            let median = |a: i32, b: i32, c: i32| a.max(b).min(a.min(b).max(c));
            (median(a.0, b.0, c.0), median(a.1, b.1, c.1))
        }
    }
}

/// Finds the motion from `cur` to `reference`, two planes of one size whose sides are multiples of 8. A bit is worth
/// `lambda` squared grey levels: the larger, the smoother the field.
pub fn search(cur: &Plane, reference: &Plane, lambda: f32) -> Field {
    let penalty = &Penalty::new(lambda);
    let (width, height) = (cur.width.div_ceil(BLOCK), cur.height.div_ceil(BLOCK));
    let quarter = |p: &Plane| halved(&halved(p));

    // At a quarter of the resolution: every vector within 12 samples (48 of the picture), one per 16x16 samples.
    let (small_cur, small_ref) = (quarter(cur), quarter(reference));
    let (cur4, ref4) = (Bordered::new(&small_cur, 24), Bordered::new(&small_ref, 24));
    let (coarse_width, coarse_height) = (width.div_ceil(2), height.div_ceil(2));
    let coarse = Level {
        cur: &cur4,
        reference: &ref4,
        step: 4,
        width: coarse_width,
        height: coarse_height,
        penalty,
        unit: 16,
    };
    const REACH: i32 = 12;
    let everywhere = |_: usize, _: usize| {
        (-REACH..=REACH).flat_map(|y| (-REACH..=REACH).map(move |x| (x, y))).collect::<Vec<_>>()
    };
    let coarse = coarse.refine::<8>(everywhere, 8);

    // At half the resolution, one per 8x8 samples of the picture: the best of the coarse vectors around, refined.
    let (half_cur, half_ref) = (halved(cur), halved(reference));
    let (cur2, ref2) = (Bordered::new(&half_cur, 64), Bordered::new(&half_ref, 64));
    let middle = Level { cur: &cur2, reference: &ref2, step: 4, width, height, penalty, unit: 8 }
        .refine::<8>(|i, j| around(&coarse, coarse_width, coarse_height, i / 2, j / 2, 2), 4);

    // At full resolution in whole samples.
    let (cur1, ref1) = (Bordered::new(cur, 128), Bordered::new(reference, 128));
    let full = Level { cur: &cur1, reference: &ref1, step: BLOCK, width, height, penalty, unit: 4 };
    let whole = full.refine::<16>(|i, j| around(&middle, width, height, i, j, 2), 4);

    // Half and quarter samples around it.
    let fine = Fine { cur: &cur1, grid: &Phases::new(&reference.half_samples(), 256) };
    let mut field: Vec<Vector> = Vec::with_capacity(whole.len());
    for i in 0..height {
        for j in 0..width {
            let near = neighbour(&field, width, i, j);
            let start = whole[i * width + j];
            let mut best = Best::NONE;
            let consider = |best: &mut Best, v: Vector| {
                best.consider(v, penalty.of(v, near, 1), |limit| fine.error(i, j, v, limit));
            };
            for v in [(4 * start.0, 4 * start.1), near, (0, 0)] {
                consider(&mut best, v);
            }
            for unit in [2, 1] {
                let centre = best.vector;
                for (dx, dy) in STEPS.into_iter().chain([(-1, -1), (1, 1), (-1, 1), (1, -1)]) {
                    consider(&mut best, (centre.0 + unit * dx, centre.1 + unit * dy));
                }
            }
            field.push(best.vector);
        }
    }
    relax(&fine, &mut field, width, &Edges::new(lambda));
    Field { width, height, vectors: field }
}

/// The four neighbouring quarter samples.
const STEPS: [Vector; 4] = [(-1, 0), (1, 0), (0, -1), (0, 1)];

/// Errors of blocks at quarter-sample vectors.
struct Fine<'a> {
    cur: &'a Bordered,
    /// The reference at half-sample resolution.
    grid: &'a Phases,
}

impl Fine<'_> {
    fn error(&self, i: usize, j: usize, v: Vector, limit: u32) -> u32 {
        const N: usize = 12;
        let margin = ((N - BLOCK) / 2) as i32;
        let (x, y) = ((j * BLOCK) as i32 - margin, (i * BLOCK) as i32 - margin);
        let cur = self.cur.at(x, y, N as i32);
        self.grid.sad::<N>(cur, self.cur.stride, 4 * x + v.0, 4 * y + v.1, limit)
    }
}

/// What differing neighbours cost. Motion is coded by a block transform, which has no predictor: what counts is how far a
/// vector is from those on all sides.
struct Edges(Vec<u32>);

impl Edges {
    fn new(lambda: f32) -> Edges {
        Edges((0..=64).map(|d| (lambda.sqrt() * (1.0 + d as f32).log2()) as u32).collect())
    }

    fn of(&self, a: Vector, b: Vector) -> u32 {
        self.0[((a.0 - b.0).unsigned_abs() + (a.1 - b.1).unsigned_abs()).min(64) as usize]
    }
}

/// Lowers errors plus edges block by block, once backward and once forward (iterated conditional modes, Besag 1986).
fn relax(fine: &Fine, field: &mut [Vector], width: usize, edges: &Edges) {
    let blocks = field.len();
    for n in (0..blocks).rev().chain(0..blocks) {
        let (i, j) = (n / width, n % width);
        let beside = [
            (j > 0).then(|| n - 1),
            (j + 1 < width).then_some(n + 1),
            n.checked_sub(width),
            (n + width < blocks).then_some(n + width),
        ];
        let near: Vec<Vector> = beside.into_iter().flatten().map(|n| field[n]).collect();
        let consider = |best: &mut Best, v: Vector| {
            let edges = near.iter().map(|&b| edges.of(v, b)).sum();
            best.consider(v, edges, |limit| fine.error(i, j, v, limit));
        };
        let mean = |pick: fn(&Vector) -> i32| {
            (near.iter().map(pick).sum::<i32>() as f32 / near.len().max(1) as f32).round() as i32
        };
        let candidates = near.iter().copied().chain([(mean(|v| v.0), mean(|v| v.1))]);
        let mut best = Best::NONE;
        for v in [field[n]].into_iter().chain(candidates) {
            consider(&mut best, v);
        }
        let centre = best.vector;
        for (dx, dy) in STEPS {
            consider(&mut best, (centre.0 + dx, centre.1 + dy));
        }
        field[n] = best.vector;
    }
}

/// The vectors of the 3x3 blocks around `(i, j)`, scaled up by `factor`.
fn around(field: &[Vector], width: usize, height: usize, i: usize, j: usize, factor: i32) -> Vec<Vector> {
    let mut list = Vec::with_capacity(9);
    for i in i.saturating_sub(1)..=(i + 1).min(height - 1) {
        for j in j.saturating_sub(1)..=(j + 1).min(width - 1) {
            let v = field[i * width + j];
            list.push((factor * v.0, factor * v.1));
        }
    }
    list.dedup();
    list
}
