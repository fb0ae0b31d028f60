//! Pictures as tensors at 1/8 resolution: 64 luma channels, 16 of Cb, 16 of Cr.

use vcn_media::Yuv420;

use crate::model::transform::PACKED;

/// Luma samples per packed site, each way.
pub const SITE: usize = 8;

/// Packs a picture whose sides are multiples of 8 into `[96, height / 8, width / 8]`, mapping every sample.
pub fn pack<T: Copy + Default>(picture: &Yuv420, map: impl Fn(u8) -> T) -> Vec<T> {
    let (h, w) = (picture.height / SITE, picture.width / SITE);
    let mut out = vec![T::default(); PACKED * h * w];
    let (luma, chroma) = out.split_at_mut(64 * h * w);
    let (cb, cr) = chroma.split_at_mut(16 * h * w);
    for (plane, side, out) in [(&picture.y, 8, luma), (&picture.u, 4, cb), (&picture.v, 4, cr)] {
        for (i, row) in plane.chunks_exact(side * w).enumerate() {
            for (j, &sample) in row.iter().enumerate() {
                let channel = (i % side) * side + j % side;
                out[(channel * h + i / side) * w + j / side] = map(sample);
            }
        }
    }
    out
}
