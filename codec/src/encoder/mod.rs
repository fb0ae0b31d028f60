//! Encoding a GOP, through the decoder's own reconstruction.

mod lookahead;
mod motion;
mod prefilter;
mod quality;
mod refinement;
mod spans;

use std::sync::Arc;

use vcn_media::Yuv420;

use crate::Result;
use crate::checkpoint::Syntax;
use crate::codec::{Codec, FrameKind, Geometry, Prediction, Reference};
use crate::container::{FramesHasher, GopRecord};
use crate::entropy::{Histogram, SymbolEncoder};
use crate::frame_syntax::{self, Head, MOST_SKIPPED};
use crate::gop::GopPolicy;
use crate::inspect::Inspection;
use crate::integer::{Integer, Values};
use crate::keep::{Keeper, put_back, site_errors};
use crate::model::lambda;
use crate::model::params::LATENT;
use crate::order::Span;
use crate::packing::cropped;
use crate::source::Source;
use crate::vectors::{Sides, Vectors};
use crate::warp::Flow;

use lookahead::Lookahead;
pub(crate) use motion::Told;
use quality::Qualities;
pub use quality::{QUALITY_ROOM, anchors, frame_quality};

/// How hard the encoder tries; the format is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// Motion from vectors alone, nothing refined.
    Fast,
    /// The motion network's best, mended by vectors, tried too; latents of intra frames refined a little.
    #[default]
    Medium,
    /// More motions tried, latents refined as far as it pays, frames skipped over only where that pays.
    Slow,
}

impl Effort {
    /// How often the latent of a frame is refined. Of inter frames it gains little: what is left of their errors is mostly
    /// not worth a bit.
    fn rounds(self, kind: FrameKind) -> usize {
        match (self, kind) {
            (Effort::Fast, _) => 0,
            (Effort::Medium, FrameKind::Intra) => 10,
            (Effort::Medium, _) => 0,
            (Effort::Slow, FrameKind::Intra) => 16,
            (Effort::Slow, _) => 3,
        }
    }
}

/// How a GOP is coded.
#[derive(Clone, Copy, Debug)]
pub struct GopSettings {
    /// Quality, 0 to 63.
    pub quality: u8,
    /// How hard to try.
    pub effort: Effort,
    /// How many frames may be skipped over to be coded from both sides later, at most 7. Frames wait for up to 31 others then: the first
    /// is filtered with what follows it, and what is built on a frame decides how well it is coded. 0 where they may not wait;
    /// models before version 10 of the checkpoint cannot.
    pub between: u32,
    /// About how many frames the GOP will have: the more build on its first frame, the better that is coded.
    pub length: u32,
}

impl Default for GopSettings {
    fn default() -> GopSettings {
        let length = GopPolicy::default().length();
        GopSettings { quality: 32, effort: Effort::default(), between: 3, length }
    }
}

/// What one coded frame cost.
#[derive(Clone, Debug)]
pub struct FrameLog {
    /// How it was coded.
    pub kind: FrameKind,
    /// Its quality, up to 63; may be below 0.
    pub quality: i8,
    /// Bits of its motion: of the motion latent with its hyper-latent, and of vectors.
    pub motion_bits: f64,
    /// Bits of the intra or residual latent.
    pub residual_bits: f64,
    /// Bits of hyper-latents of the intra or residual latent, and of the frame's head.
    pub side_bits: f64,
}

impl FrameLog {
    fn new(kind: FrameKind, quality: i8) -> FrameLog {
        FrameLog { kind, quality, motion_bits: 0.0, residual_bits: 0.0, side_bits: 0.0 }
    }

    /// All bits.
    pub fn bits(&self) -> f64 {
        self.motion_bits + self.residual_bits + self.side_bits
    }
}

/// A coded frame.
#[derive(Clone, Debug)]
pub struct CodedFrame {
    /// What it cost.
    pub log: FrameLog,
    /// What the decoder will show.
    pub decoded: Yuv420,
    /// What happened to it on the way, if [`GopEncoder::inspect`] asked for that and it was coded from others.
    pub inspection: Option<Inspection>,
}

/// Encodes the frames of one GOP.
#[derive(Clone)]
pub struct GopEncoder<'a> {
    codec: &'a Codec,
    coder: SymbolEncoder,
    geometry: Geometry,
    settings: GopSettings,
    qualities: Qualities,
    inspects: bool,
    /// The latest frame that was coded from earlier ones alone.
    reference: Option<Arc<Reference>>,
    keeper: Keeper,
    vectors: Vectors,
    /// The same for frames between others.
    between_keeper: Keeper,
    sides: Sides,
    previous: Option<Arc<Yuv420>>,
    lookahead: Lookahead,
    hasher: FramesHasher,
    /// Number of coded frames.
    frames: u32,
}

/// What an error that is kept from a frame is worth beside one of the frame, where the frames after it lean on it.
const KEEPING_WORTH: f64 = 1.5;

impl<'a> GopEncoder<'a> {
    pub(crate) fn new(
        codec: &'a Codec,
        width: usize,
        height: usize,
        settings: GopSettings,
    ) -> GopEncoder<'a> {
        let geometry = Geometry::new(width, height);
        let Syntax { between, lowest, .. } = codec.checkpoint.syntax();
        let most = if between { MOST_SKIPPED } else { 0 };
        GopEncoder {
            codec,
            coder: SymbolEncoder::new(),
            settings: GopSettings { between: settings.between.min(most), ..settings },
            qualities: Qualities::new(settings.quality, lowest),
            inspects: false,
            reference: None,
            keeper: Keeper::new(geometry.site),
            vectors: Vectors::new(geometry.site),
            between_keeper: Keeper::new(geometry.site),
            sides: Sides::new(geometry.site),
            geometry,
            previous: None,
            lookahead: Lookahead::new(geometry.site),
            hasher: FramesHasher::new(),
            frames: 0,
        }
    }

    /// Counts from here on which symbols are written at which scale index: tables are made from that.
    pub fn count(&mut self) {
        let scales = &self.codec.checkpoint.scales;
        self.coder.count(scales.len(), scales[0].count());
    }

    /// What was counted, by latent and scale index.
    pub fn counts(&self) -> &[Vec<Histogram>] {
        self.coder.counts()
    }

    /// Shows from here on what happens to frames on their way.
    pub fn inspect(&mut self) {
        self.inspects = true;
    }

    /// Takes the next frame; gives those that are coded with it, in the order in which they are shown.
    ///
    /// # Errors
    /// If the frame has another size than the video.
    pub fn push(&mut self, frame: &Yuv420) -> Result<Vec<CodedFrame>> {
        self.geometry.check(frame)?;
        let repeats = self.previous.as_deref() == Some(frame);
        let frame = self.previous.take().filter(|_| repeats).unwrap_or_else(|| Arc::new(frame.clone()));
        self.previous = Some(Arc::clone(&frame));
        self.lookahead.push(frame, repeats);
        let coded = self.advance(self.window())?;
        self.hash(&coded);
        Ok(coded)
    }

    /// Closes the GOP; gives it and the frames that had to wait.
    ///
    /// # Errors
    /// None that [`GopEncoder::push`] would not have given.
    pub fn finish(mut self) -> Result<(GopRecord, Vec<CodedFrame>)> {
        let coded = self.advance(1)?;
        self.hash(&coded);
        let record =
            GopRecord { frames: self.frames, frames_sum: self.hasher.finish(), payload: self.coder.finish() };
        Ok((record, coded))
    }

    fn hash(&mut self, coded: &[CodedFrame]) {
        coded.iter().for_each(|frame| self.hasher.push(&frame.decoded));
    }

    fn repeat(&mut self) -> Result<CodedFrame> {
        let mut log = FrameLog::new(FrameKind::Repeat, 0);
        self.head(&mut log, None, 0)?;
        self.done(self.frames + 1);
        let reference = self.reference.as_ref().expect("it repeats a frame");
        Ok(self.coded(log, reference, None))
    }

    /// Codes a frame by itself, filtered with those after it.
    fn intra(&mut self, frame: &Yuv420, after: &[Arc<Yuv420>]) -> Result<CodedFrame> {
        let quality = self.qualities.intra(self.settings.length);
        let frame = &prefilter::prefiltered(frame, after, quality);
        let mut log = FrameLog::new(FrameKind::Intra, quality);
        self.head(&mut log, None, 0)?;
        let g = self.geometry;
        let exec = &self.codec.exec;
        let source = Source::new(self.codec, frame, &g);
        let parts = self.codec.model.intra.analyse(exec, &source.packed, &self.codec.plane(quality));
        let y = analysed(exec, parts);
        let latent = self.codec.latent(0, quality, &g);
        let attempt = |coder: &mut SymbolEncoder, y: &[i32]| {
            let coded = latent.encode(coder, y, None, &[])?;
            let next = self.codec.intra_frame(&coded.latent, quality, &g);
            Ok((coded, next))
        };
        let best = self.refined(y, &log, &source, self.codec.model.intra.shortcut(), attempt)?;
        let next = Arc::new(self.settle(best, &mut log));
        self.reference = Some(next.clone());
        self.done(self.frames + 1);
        Ok(self.coded(log, &next, None))
    }

    /// Quality of the frame that is coded next, from an earlier one: as much is spent as is built on it, if that is known.
    fn inter_quality(&mut self, skipped: u32) -> i8 {
        if self.settings.between == 0 {
            return self.qualities.inter(self.frames);
        }
        let lambda = lambda(self.qualities.asked as f32);
        let doublings = self.lookahead.doublings(skipped, self.settings.between + 1, lambda);
        self.qualities.built_on(doublings, self.settings.length)
    }

    /// The first so many frames are coded.
    fn done(&mut self, frames: u32) {
        self.frames = frames;
        self.lookahead.forget(frames);
    }

    /// Codes a frame from an earlier one, `skipped` others between them; also gives what it leaves and its flow.
    fn inter(
        &mut self,
        frame: &Yuv420,
        reference: &Reference,
        skipped: u32,
    ) -> Result<(Arc<Reference>, Flow, CodedFrame)> {
        let g = self.geometry;
        let codec = self.codec;
        let quality = self.inter_quality(skipped);
        let mut log = FrameLog::new(FrameKind::Inter, quality);
        let source = Source::new(codec, frame, &g);
        let known = codec.motion_context(reference, &g);
        let motion = self.best_motion(&source, reference, &known, quality)?;
        self.head(&mut log, motion.told.as_ref().map(|told| told.quality), skipped)?;
        let start = self.coder.bits_written();
        let (motion_latent, flow) = self.write_motion(&motion, &known)?;
        log.motion_bits = self.coder.bits_written() - start;

        let prediction = codec.predict(reference, &flow, quality, &g);
        let becomes = anchors(self.frames).then_some(reference);
        let mut next = self.residual(&prediction, &source, &mut log, motion_latent, becomes)?;
        if codec.checkpoint.syntax().anchors {
            self.keep(&mut log, &source, &flow, reference, &mut next);
        }
        let inspection =
            self.inspects.then(|| Inspection::new(skipped + 1, motion.searched, &flow, &prediction, &g));
        let frame = self.coded(log, &next, inspection);
        Ok((Arc::new(next), flow, frame))
    }

    /// Codes the middle frame of a span; also gives what it leaves and its flows.
    fn between(&mut self, frame: &Yuv420, span: &Span) -> Result<(Arc<Reference>, [Flow; 2], CodedFrame)> {
        let g = self.geometry;
        let codec = self.codec;
        let quality = self.qualities.between(span.depth);
        let mut log = FrameLog::new(FrameKind::Between, quality);
        let source = Source::new(codec, frame, &g);
        self.head(&mut log, None, 0)?;
        let start = self.coder.bits_written();
        let (searched, between) = self.write_between(&source, span, quality)?;
        log.motion_bits = self.coder.bits_written() - start;

        let prediction = codec.predict_between(span.ends(), &between, quality, &g);
        let mut next = self.residual(&prediction, &source, &mut log, None, None)?;
        let [before, _] = span.ends();
        self.keep(&mut log, &source, &between.flows[0], before, &mut next);
        let inspection = self
            .inspects
            .then(|| Inspection::new(span.distance(), searched, &between.flows[0], &prediction, &g));
        let frame = self.coded(log, &next, inspection);
        Ok((Arc::new(next), between.flows, frame))
    }

    /// Codes what a prediction leaves of a frame.
    fn residual(
        &mut self,
        prediction: &Prediction,
        source: &Source,
        log: &mut FrameLog,
        motion: Option<Vec<i32>>,
        becomes: Option<&Reference>,
    ) -> Result<Reference> {
        let g = self.geometry;
        let codec = self.codec;
        let parts =
            codec.model.inter.analyse(&codec.exec, &source.packed, &prediction.packed, &prediction.context);
        let y = analysed(&codec.exec, parts);
        let latent = codec.latent(2, log.quality, &g);
        let attempt = |coder: &mut SymbolEncoder, y: &[i32]| {
            let coded = latent.encode(coder, y, Some(&prediction.context.entropy), &[])?;
            let next = codec.inter_frame(prediction, &coded.latent, motion.clone(), becomes, &g);
            Ok((coded, next))
        };
        let best = self.refined(y, log, source, codec.model.inter.shortcut(), attempt)?;
        Ok(self.settle(best, log))
    }

    /// Chooses and writes which sites keep what an earlier picture shows, and puts them back.
    fn keep(
        &mut self,
        log: &mut FrameLog,
        source: &Source,
        flow: &Flow,
        before: &Reference,
        next: &mut Reference,
    ) {
        let start = self.coder.bits_written();
        let (keeper, worth) = match log.kind {
            FrameKind::Between => (&mut self.between_keeper, 1.0),
            _ => (&mut self.keeper, KEEPING_WORTH),
        };
        let [decoded, kept] = [&*next, before].map(|r| site_errors(&source.frame, &r.picture));
        let gain: Vec<f64> =
            decoded.iter().zip(kept).map(|(decoded, kept)| worth * (decoded - kept)).collect();
        let kept = keeper.write(&mut self.coder, flow, &gain, lambda(log.quality.into()).into());
        put_back(Arc::make_mut(&mut next.picture), &before.picture, kept);
        log.side_bits += self.coder.bits_written() - start;
    }

    /// Writes what precedes the latents of a frame.
    fn head(&mut self, log: &mut FrameLog, motion: Option<i8>, skipped: u32) -> Result<()> {
        let start = self.coder.bits_written();
        let FrameLog { kind, quality, .. } = *log;
        let head = Head { kind, quality, motion, anchors: anchors(self.frames), skipped };
        frame_syntax::write(&mut self.coder, self.codec.checkpoint.syntax(), head)?;
        log.side_bits += self.coder.bits_written() - start;
        Ok(())
    }

    fn coded(&self, log: FrameLog, next: &Reference, inspection: Option<Inspection>) -> CodedFrame {
        let [height, width] = self.geometry.picture;
        CodedFrame { log, decoded: cropped(&next.picture, width, height), inspection }
    }
}

/// A latent from the two parts that an analysis gives.
pub(crate) fn analysed(exec: &Integer, parts: [Values; 2]) -> Vec<i32> {
    exec.sum(parts).into_iter().map(|v| v.clamp(-LATENT.max(), LATENT.max())).collect()
}
