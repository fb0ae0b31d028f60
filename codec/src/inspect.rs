//! A look at what happens to a frame on its way through the codec.

use vcn_media::Yuv420;

use crate::codec::{Geometry, Prediction, sample};
use crate::packing::{cropped, unpack};
use crate::warp::Flow;

/// What a frame was coded with that was predicted from others; its motion is that to the earlier one.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// How many frames before this one the picture is shown that the motion leads to, at most 8.
    pub distance: u32,
    /// Motion as the encoder's search found it.
    pub searched: Flow,
    /// Motion as it was coded, the same in encoder and decoder.
    pub flow: Flow,
    /// The frame before seen through the coded motion, refined: what the residual is added to.
    pub prediction: Yuv420,
}

impl Inspection {
    pub(crate) fn new(
        distance: u32,
        searched: Flow,
        flow: &Flow,
        prediction: &Prediction,
        g: &Geometry,
    ) -> Inspection {
        let [height, width] = g.picture;
        let shown = unpack(&prediction.samples, g.site[0], g.site[1], sample);
        Inspection { distance, searched, flow: flow.clone(), prediction: cropped(&shown, width, height) }
    }
}

impl Flow {
    /// The motion of every luma sample of a `width` x `height` picture, in samples, row by row: where in the reference,
    /// relative to itself, a sample is taken from; where windows overlap, the middle of the places that are blended.
    pub fn dense(&self, width: usize, height: usize) -> Vec<[f32; 2]> {
        let mut motion = Vec::with_capacity(width * height);
        self.enlarged(crate::packing::SITE, |row, column, at| {
            if row < height && column < width {
                motion.push(at.map(|v| v as f32 / 16.0));
            }
        });
        motion
    }
}
