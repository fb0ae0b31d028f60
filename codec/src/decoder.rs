//! Decoding a GOP frame by frame.

use std::collections::BTreeMap;
use std::sync::Arc;

use vcn_media::Yuv420;

use crate::codec::{Codec, FrameKind, Geometry, Reference};
use crate::entropy::SymbolDecoder;
use crate::frame_syntax::{self, Head};
use crate::keep::{Keeper, put_back};
use crate::order::{Order, Span};
use crate::packing::cropped;
use crate::vectors::{Sides, Vectors};
use crate::warp::Flow;
use crate::{Error, Result};

/// Decodes the frames of one GOP in the order in which they are shown.
pub struct GopDecoder<'a> {
    /// What is left of the payload; nothing once it was found to end where it should.
    coder: Option<SymbolDecoder<'a>>,
    state: State<'a>,
    /// Decoded frames by place, of which an earlier one is not decoded yet.
    ready: BTreeMap<u32, Arc<Yuv420>>,
    /// How many frames were shown.
    shown: u32,
    frames: u32,
}

/// What earlier frames leave for later ones.
struct State<'a> {
    codec: &'a Codec,
    geometry: Geometry,
    /// The latest frame that was coded from earlier ones alone, and how many frames there are up to it.
    reference: Option<Arc<Reference>>,
    places: u32,
    keeper: Keeper,
    vectors: Vectors,
    /// The same for frames between others.
    between_keeper: Keeper,
    sides: Sides,
    /// What was skipped over.
    order: Order,
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
        let state = State {
            codec,
            reference: None,
            places: 0,
            keeper: Keeper::new(geometry.site),
            vectors: Vectors::new(geometry.site),
            between_keeper: Keeper::new(geometry.site),
            sides: Sides::new(geometry.site),
            geometry,
            order: Order::default(),
        };
        let coder = Some(SymbolDecoder::new(payload)?);
        Ok(GopDecoder { coder, state, ready: BTreeMap::new(), shown: 0, frames })
    }

    /// The next frame, or `None` after the last, once the payload has been found to end there.
    ///
    /// # Errors
    /// If the payload is damaged.
    pub fn frame(&mut self) -> Result<Option<Yuv420>> {
        let Some(coder) = self.coder.as_mut() else { return Ok(None) };
        if self.shown == self.frames {
            self.coder.take().map_or(Ok(()), SymbolDecoder::finish)?;
            return Ok(None);
        }
        // Whatever is decoded lies at a place before the last that is known of, so this ends.
        let picture = loop {
            if let Some(picture) = self.ready.remove(&self.shown) {
                break picture;
            }
            let (place, picture) = self.state.decode(coder, self.frames)?;
            self.ready.insert(place, picture);
        };
        self.shown += 1;
        let [height, width] = self.state.geometry.picture;
        Ok(Some(cropped(&picture, width, height)))
    }
}

impl State<'_> {
    /// Decodes the frame that is next in the payload; gives its place and picture.
    fn decode(&mut self, coder: &mut SymbolDecoder, frames: u32) -> Result<(u32, Arc<Yuv420>)> {
        let known = match (&self.reference, self.order.next()) {
            (_, Some(span)) => return self.between(coder, span),
            (None, None) => Some(FrameKind::Intra),
            (Some(_), None) => None,
        };
        let head = frame_syntax::read(coder, known, self.codec.checkpoint().syntax())?;
        let mut place = self.places;
        let next = match (head.kind, self.reference.take()) {
            (FrameKind::Repeat, Some(reference)) => reference,
            (FrameKind::Inter, Some(reference)) => {
                let left = frames - place - 1;
                if head.skipped > left {
                    return Err(Error::SymbolRange { symbol: head.skipped as i32, limit: left as i32 });
                }
                place += head.skipped;
                let (next, flow) = self.inter(coder, head, &reference)?;
                let next = Arc::new(next);
                self.order.open([self.places - 1, place], [reference, next.clone()], flow, 0);
                next
            }
            (_, _) => Arc::new(self.intra(coder, head.quality)?),
        };
        self.places = place + 1;
        let picture = next.picture.clone();
        self.reference = Some(next);
        Ok((place, picture))
    }

    fn intra(&mut self, coder: &mut SymbolDecoder, quality: i8) -> Result<Reference> {
        let g = &self.geometry;
        self.keeper = Keeper::new(g.site);
        self.vectors = Vectors::new(g.site);
        let latent = self.codec.latent(0, quality, g).decode(coder, None)?;
        Ok(self.codec.intra_frame(&latent, quality, g))
    }

    /// A frame from an earlier one; gives also its flow.
    fn inter(
        &mut self,
        coder: &mut SymbolDecoder,
        head: Head,
        before: &Reference,
    ) -> Result<(Reference, Flow)> {
        let (codec, g, quality) = (self.codec, &self.geometry, head.quality);
        let syntax = codec.checkpoint().syntax();
        let (motion, mut flow) = match head.motion {
            Some(quality) => {
                let context = codec.motion_context(before, g);
                let latent = codec.latent(1, quality, g).decode(coder, Some(&context))?;
                let flow = codec.flow(&latent, quality, g);
                (Some(latent), flow)
            }
            None => (None, Flow::still(g.site)),
        };
        if syntax.vectors {
            flow = self.vectors.read(coder, &flow)?;
        }
        let prediction = codec.predict(before, &flow, quality, g);
        let latent = codec.latent(2, quality, g).decode(coder, Some(&prediction.context.entropy))?;
        let becomes = head.anchors.then_some(before);
        let mut next = codec.inter_frame(&prediction, &latent, motion, becomes, g);
        if syntax.anchors {
            let kept = self.keeper.read(coder, &flow)?;
            put_back(Arc::make_mut(&mut next.picture), &before.picture, kept);
        }
        Ok((next, flow))
    }

    /// The middle frame of a span.
    fn between(&mut self, coder: &mut SymbolDecoder, span: Span) -> Result<(u32, Arc<Yuv420>)> {
        let (codec, g) = (self.codec, &self.geometry);
        let quality =
            frame_syntax::read(coder, Some(FrameKind::Between), codec.checkpoint().syntax())?.quality;
        let between = self.sides.read(coder, &span.foretold())?;
        let prediction = codec.predict_between(span.ends(), &between, quality, g);
        let latent = codec.latent(2, quality, g).decode(coder, Some(&prediction.context.entropy))?;
        let mut next = codec.inter_frame(&prediction, &latent, None, None, g);
        let kept = self.between_keeper.read(coder, &between.flows[0])?;
        let [before, _] = span.ends();
        put_back(Arc::make_mut(&mut next.picture), &before.picture, kept);
        let (place, picture) = (span.middle(), next.picture.clone());
        self.order.divide(span, Arc::new(next), &between.flows);
        Ok((place, picture))
    }
}
