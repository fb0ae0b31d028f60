//! When frames that wait are coded, and which of them are skipped over.

use std::sync::Arc;

use vcn_media::Yuv420;

use super::lookahead::FAR;
use super::{CodedFrame, Effort, GopEncoder, prefilter};
use crate::Result;
use crate::frame_syntax::MOST_SKIPPED;
use crate::judge::Judge;
use crate::model::lambda;
use crate::order::Order;
use crate::packing::padded;

/// From one quality to the next, error is exchanged for bits as single frames would do it so many steps lower: what is spent on a
/// frame serves those built on it, too (five evaluation clips, GOP 32: 21 to 27).
const STEEPER: f32 = 22.0;
/// How often spans are tried in halves.
const DEPTH: u32 = 2;

impl GopEncoder<'_> {
    /// How many frames wait until the first of them is coded.
    pub(super) fn window(&self) -> usize {
        if self.settings.between > 0 { FAR } else { 1 }
    }

    /// Codes frames until fewer than a `window` wait.
    pub(super) fn advance(&mut self, window: usize) -> Result<Vec<CodedFrame>> {
        let mut coded = Vec::new();
        while self.lookahead.len() >= window {
            coded.extend(self.next()?);
        }
        Ok(coded)
    }

    /// Codes what comes next: a repeated frame; the GOP's first one; or one further on and those that it skips over, with much
    /// effort in shorter spans where that is cheaper.
    fn next(&mut self) -> Result<Vec<CodedFrame>> {
        if self.lookahead.repeats() {
            return Ok(vec![self.repeat()?]);
        }
        let span = self.settings.between as usize + 1;
        if self.reference.is_none() {
            let frames = self.lookahead.next(1 + prefilter::OTHERS);
            let (first, after) = frames.split_first().expect("a frame waits");
            return Ok(vec![self.intra(first, after)?]);
        }
        match self.settings.effort {
            Effort::Slow if span > 1 => {
                let frames = self.lookahead.next((2 * span).min(MOST_SKIPPED as usize + 1));
                Ok(self.cheapest(&frames, DEPTH)?.0)
            }
            _ => self.span(&self.lookahead.next(span)),
        }
    }

    /// Codes frames as one span or, where that costs less, as two, each of which may be two; also gives what they cost in
    /// distortion plus rate.
    fn cheapest(&mut self, frames: &[Arc<Yuv420>], depth: u32) -> Result<(Vec<CodedFrame>, f64)> {
        let mut whole = self.clone();
        let coded = whole.span(frames)?;
        let metric = self.codec.checkpoint.metric;
        let lost = |(source, coded): (&Arc<Yuv420>, &CodedFrame)| {
            Judge::new(metric, &padded(source)).judge(&padded(&coded.decoded)).distortion
        };
        let distortion: f64 = frames.iter().zip(&coded).map(lost).sum();
        let bits: f64 = coded.iter().map(|frame| frame.log.bits()).sum();
        let cost = distortion + f64::from(lambda(self.qualities.asked as f32 - STEEPER)) * bits;
        if depth > 0 && frames.len() > 1 {
            let (first, last) = frames.split_at(frames.len().div_ceil(2));
            let mut halves = self.clone();
            let (mut parts, first) = halves.cheapest(first, depth - 1)?;
            let (rest, last) = halves.cheapest(last, depth - 1)?;
            if first + last < cost {
                parts.extend(rest);
                *self = halves;
                return Ok((parts, first + last));
            }
        }
        *self = whole;
        Ok((coded, cost))
    }

    /// Codes a span: its last frame from the one before it, then those between.
    fn span(&mut self, frames: &[Arc<Yuv420>]) -> Result<Vec<CodedFrame>> {
        let (Some((last, between)), Some(before)) = (frames.split_last(), self.reference.take()) else {
            return Ok(Vec::new());
        };
        let first = self.frames;
        let place = first + between.len() as u32;
        let (after, flow, last) = self.inter(last, &before, between.len() as u32)?;
        self.reference = Some(Arc::clone(&after));
        let mut coded: Vec<Option<CodedFrame>> = vec![None; between.len()];
        let mut order = Order::default();
        order.open([first - 1, place], [before, after], flow, 0);
        while let Some(span) = order.next() {
            let at = (span.middle() - first) as usize;
            let (middle, flows, frame) = self.between(&between[at], &span)?;
            coded[at] = Some(frame);
            order.divide(span, middle, &flows);
        }
        self.done(place + 1);
        Ok(coded.into_iter().flatten().chain([last]).collect())
    }
}
