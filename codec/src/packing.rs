//! Pictures as tensors at 1/8 resolution: 64 luma channels, 16 of Cb, 16 of Cr.

use vcn_media::Yuv420;

use crate::model::transform::{PACKED, SIDE};

/// Luma samples per packed site, each way.
pub const SITE: usize = SIDE;
/// Sides of coded pictures are multiples of this.
pub const BLOCK: usize = 16;

/// Calls `visit(packed, plane, sample)` for the indices of every sample of a picture whose sides are `SITE * w` and
/// `SITE * h`.
fn correspond(h: usize, w: usize, mut visit: impl FnMut(usize, usize, usize)) {
    for (plane, side, base) in [(0, 8, 0), (1, 4, 64), (2, 4, 80)] {
        for i in 0..side * h {
            for j in 0..side * w {
                let channel = base + (i % side) * side + j % side;
                visit((channel * h + i / side) * w + j / side, plane, i * side * w + j);
            }
        }
    }
}

/// Packs three planes (luma, Cb, Cr) into `[96, h, w]`, mapping every sample.
pub fn pack_planes<S: Copy, T: Copy + Default>(
    planes: [&[S]; 3],
    h: usize,
    w: usize,
    map: impl Fn(S) -> T,
) -> Vec<T> {
    let mut out = vec![T::default(); PACKED * h * w];
    correspond(h, w, |packed, plane, sample| out[packed] = map(planes[plane][sample]));
    out
}

/// Packs a picture whose sides are multiples of 8 into `[96, height / 8, width / 8]`, mapping every sample.
pub fn pack<T: Copy + Default>(picture: &Yuv420, map: impl Fn(u8) -> T) -> Vec<T> {
    pack_planes([&picture.y, &picture.u, &picture.v], picture.height / SITE, picture.width / SITE, map)
}

/// The inverse of [`pack_planes`].
pub fn unpack_planes<S: Copy, T: Copy + Default>(
    packed: &[S],
    h: usize,
    w: usize,
    map: impl Fn(S) -> T,
) -> [Vec<T>; 3] {
    let mut planes = [64, 16, 16].map(|samples| vec![T::default(); samples * h * w]);
    correspond(h, w, |at, plane, sample| planes[plane][sample] = map(packed[at]));
    planes
}

/// The inverse of [`pack`].
pub fn unpack<S: Copy>(packed: &[S], h: usize, w: usize, map: impl Fn(S) -> u8) -> Yuv420 {
    let [y, u, v] = unpack_planes(packed, h, w, map);
    Yuv420 { width: SITE * w, height: SITE * h, y, u, v }
}

/// Repeats the last row and column until both sides are multiples of [`BLOCK`].
pub fn padded(picture: &Yuv420) -> Yuv420 {
    let (width, height) = (picture.width.next_multiple_of(BLOCK), picture.height.next_multiple_of(BLOCK));
    let (cw, ch) = (picture.width.div_ceil(2), picture.height.div_ceil(2));
    let resize = |data: &[u8], from: [usize; 2], to: [usize; 2]| {
        let mut out = Vec::with_capacity(to[0] * to[1]);
        for i in 0..to[1] {
            let row = &data[i.min(from[1] - 1) * from[0]..][..from[0]];
            out.extend_from_slice(row);
            out.resize(out.len() + to[0] - from[0], row[from[0] - 1]);
        }
        out
    };
    Yuv420 {
        width,
        height,
        y: resize(&picture.y, [picture.width, picture.height], [width, height]),
        u: resize(&picture.u, [cw, ch], [width / 2, height / 2]),
        v: resize(&picture.v, [cw, ch], [width / 2, height / 2]),
    }
}

/// Keeps the first rows and columns.
pub fn cropped(picture: &Yuv420, width: usize, height: usize) -> Yuv420 {
    let keep = |data: &[u8], from: usize, w: usize, h: usize| {
        data.chunks_exact(from).take(h).flat_map(|row| &row[..w]).copied().collect()
    };
    let (cw, ch) = (width.div_ceil(2), height.div_ceil(2));
    Yuv420 {
        width,
        height,
        y: keep(&picture.y, picture.width, width, height),
        u: keep(&picture.u, picture.width / 2, cw, ch),
        v: keep(&picture.v, picture.width / 2, cw, ch),
    }
}
