//! Decoding a GOP frame by frame.

use std::sync::Arc;

use vcn_media::Yuv420;

use crate::Result;
use crate::codec::{Codec, FrameKind, Geometry, Reference};
use crate::entropy::SymbolDecoder;
use crate::frame_syntax;
use crate::keep::{Keeper, put_back};
use crate::packing::cropped;
use crate::vectors::Vectors;
use crate::warp::Flow;

/// Decodes the frames of one GOP in order.
pub struct GopDecoder<'a> {
    codec: &'a Codec,
    coder: Option<SymbolDecoder<'a>>,
    geometry: Geometry,
    reference: Option<Reference>,
    keeper: Keeper,
    vectors: Vectors,
    left: u32,
}

impl<'a> GopDecoder<'a> {
    pub(crate) fn new(
        codec: &'a Codec,
        payload: &'a [u8],
        frames: u32,
        width: usize,
        height: usize,
    ) -> Result<GopDecoder<'a>> {
        let geometry = Geometry::new(width, height);
        Ok(GopDecoder {
            codec,
            coder: Some(SymbolDecoder::new(payload)?),
            keeper: Keeper::new(geometry.site),
            vectors: Vectors::new(geometry.site),
            geometry,
            reference: None,
            left: frames,
        })
    }

    /// The next frame, or `None` after the last, once the payload has been found to end there.
    ///
    /// # Errors
    /// If the payload is damaged.
    pub fn frame(&mut self) -> Result<Option<Yuv420>> {
        let Some(coder) = self.coder.as_mut() else { return Ok(None) };
        if self.left == 0 {
            self.coder.take().map_or(Ok(()), SymbolDecoder::finish)?;
            return Ok(None);
        }
        let g = &self.geometry;
        let syntax = self.codec.checkpoint().syntax();
        let head = frame_syntax::read(coder, self.reference.is_none(), syntax)?;
        let quality = head.quality;
        let next = match (head.kind, self.reference.take()) {
            (FrameKind::Repeat, Some(reference)) => reference,
            (FrameKind::Inter, Some(reference)) => {
                let (motion, mut flow) = match head.motion {
                    Some(quality) => {
                        let context = self.codec.motion_context(&reference, g);
                        let latent = self.codec.latent(1, quality, g).decode(coder, Some(&context))?;
                        let flow = self.codec.flow(&latent, quality, g);
                        (Some(latent), flow)
                    }
                    None => (None, Flow::still(g.site)),
                };
                if syntax.vectors {
                    flow = self.vectors.read(coder, &flow)?;
                }
                let prediction = self.codec.predict(&reference, &flow, quality, g);
                let latent =
                    self.codec.latent(2, quality, g).decode(coder, Some(&prediction.context.entropy))?;
                let becomes = head.anchors.then_some(&reference);
                let mut next = self.codec.inter_frame(&prediction, &latent, motion, becomes, g);
                if syntax.anchors {
                    let kept = self.keeper.read(coder, &flow)?;
                    put_back(Arc::make_mut(&mut next.picture), &reference.picture, kept);
                }
                next
            }
            (_, _) => {
                self.keeper = Keeper::new(g.site);
                self.vectors = Vectors::new(g.site);
                let latent = self.codec.latent(0, quality, g).decode(coder, None)?;
                self.codec.intra_frame(&latent, quality, g)
            }
        };
        self.left -= 1;
        let [height, width] = g.picture;
        let frame = cropped(&next.picture, width, height);
        self.reference = Some(next);
        Ok(Some(frame))
    }
}
