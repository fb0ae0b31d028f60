//! MS-SSIM of packed pictures on the tape: its value and slope are the encoder's.

use vcn_codec::model::transform::{GREY, PACKED};
use vcn_codec::ms_ssim::Structure;
use vcn_codec::packing::{SITE, pack_planes, unpack_planes};

use crate::tape::Tape;

/// MS-SSIM of each sample of two batches `[b, 96, h, w]` (f32), `[b]`; gradients go to `shown` only. Sides of pictures are
/// multiples of 16.
pub fn ms_ssim<P: Tape>(t: &P, source: &P::Tensor, shown: &P::Tensor) -> P::Tensor {
    let shape = t.shape(shown);
    let (h, w) = (shape[2], shape[3]);
    let [sources, pictures] = [source, shown].map(|x| t.values(x));
    let planes = |packed: &[f32]| unpack_planes(packed, h, w, |v: f32| GREY * v);
    let (mut similarities, mut slopes) = (Vec::new(), Vec::new());
    for (source, picture) in sources.chunks_exact(PACKED * h * w).zip(pictures.chunks_exact(PACKED * h * w)) {
        let compared = Structure::new(planes(source), [SITE * h, SITE * w]).compare(planes(picture));
        similarities.push(compared.similarity);
        slopes.extend(pack_planes(compared.slopes.each_ref().map(Vec::as_slice), h, w, |s| GREY * s));
    }
    // What moves the value is the way from where the picture is, which is none, along the slope.
    let way = t.minus(shown, &t.detach(shown));
    let along = t.sum_samples(&t.mul(&way, &t.constant(&slopes, &shape)));
    t.plus(&along, &t.constant(&similarities, &[shape[0]]))
}
