//! A look at what happens to a frame on its way through the codec.

use vcn_media::Yuv420;

use crate::Result;
use crate::codec::{FrameKind, sample};
use crate::encoder::{FrameLog, GopEncoder};
use crate::packing::{cropped, unpack};
use crate::warp::Flow;

/// What an inter frame was coded with.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Motion as the encoder's search found it.
    pub searched: Flow,
    /// Motion as it was coded, the same in encoder and decoder.
    pub flow: Flow,
    /// The frame before seen through the coded motion, refined: what the residual is added to.
    pub prediction: Yuv420,
}

impl GopEncoder<'_> {
    /// Does what [`GopEncoder::push`] does and also shows an inter frame's inside.
    ///
    /// # Errors
    /// As [`GopEncoder::push`].
    pub fn push_inspected(&mut self, frame: &Yuv420) -> Result<(FrameLog, Yuv420, Option<Inspection>)> {
        let before = self.reference.clone();
        let (log, decoded) = self.push(frame)?;
        let inspection = match (log.kind, before, self.flows.clone()) {
            (FrameKind::Inter, Some(before), Some([searched, flow])) => {
                let g = &self.geometry;
                let prediction = self.codec.predict(&before, &flow, log.quality, g).samples;
                let prediction = unpack(&prediction, g.site[0], g.site[1], sample);
                let prediction = cropped(&prediction, frame.width, frame.height);
                Some(Inspection { searched, flow, prediction })
            }
            _ => None,
        };
        Ok((log, decoded, inspection))
    }
}

impl Flow {
    /// The motion of every luma sample of a `width` x `height` picture, in samples, row by row: where in the reference,
    /// relative to itself, a sample is taken from; where windows overlap, the middle of the places that are blended.
    pub fn dense(&self, width: usize, height: usize) -> Vec<[f32; 2]> {
        let mut motion = Vec::with_capacity(width * height);
        self.enlarged(crate::packing::SITE, |sample| {
            if sample.row < height && sample.column < width {
                motion.push(sample.motion.map(|v| v as f32 / 16.0));
            }
        });
        motion
    }
}
