//! Encoding a GOP frame by frame, through the decoder's own reconstruction.

use std::sync::Arc;

use burn::tensor::Tensor;
use vcn_media::Yuv420;

use crate::Result;
use crate::codec::{Codec, FrameKind, Geometry, Reference, activation, warped};
use crate::container::{FramesHasher, GopRecord};
use crate::entropy::{Histogram, SymbolEncoder};
use crate::frame_syntax::{self, Head};
use crate::integer::Integer;
use crate::keep::{Keeper, restore, site_errors};
use crate::model::lambda;
use crate::model::motion::STRIDE;
use crate::model::params::{ACTIVATION, FLOW, LATENT, PIXEL, WIDE};
use crate::model::transform::{GREY, LUMA, PACKED, Shortcut};
use crate::packing::{cropped, pack, padded};
use crate::search::{BLOCK, SEARCH, search};
use crate::symbols::CodedLatent;
use crate::warp::{Flow, Plane};

/// How hard the encoder tries; the format is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// Two motions tried, nothing refined.
    Fast,
    /// More motions tried, what of them is not worth its bits left out, latents of intra frames refined a little.
    #[default]
    Medium,
    /// Latents refined as far as it pays.
    Slow,
}

impl Effort {
    /// How often the latent of a frame is refined. Of inter frames it gains little: what is left of their errors is mostly
    /// not worth a bit.
    fn rounds(self, kind: FrameKind) -> usize {
        match (self, kind) {
            (Effort::Fast, _) => 0,
            (Effort::Medium, FrameKind::Intra) => 6,
            (Effort::Medium, _) => 0,
            (Effort::Slow, FrameKind::Intra) => 16,
            (Effort::Slow, _) => 3,
        }
    }
}

/// What one coded frame cost.
#[derive(Clone, Debug)]
pub struct FrameLog {
    /// How it was coded.
    pub kind: FrameKind,
    /// Its quality index.
    pub quality: u8,
    /// The quality index of its motion.
    pub motion_quality: u8,
    /// Bits of the motion latent with its hyper-latent.
    pub motion_bits: f64,
    /// Bits of the intra or residual latent.
    pub residual_bits: f64,
    /// Bits of hyper-latents of the intra or residual latent, and of the frame's head.
    pub side_bits: f64,
}

impl FrameLog {
    /// All bits.
    pub fn bits(&self) -> f64 {
        self.motion_bits + self.residual_bits + self.side_bits
    }
}

/// Encodes the frames of one GOP.
pub struct GopEncoder<'a> {
    pub(crate) codec: &'a Codec,
    coder: SymbolEncoder,
    pub(crate) geometry: Geometry,
    quality: u8,
    effort: Effort,
    pub(crate) reference: Option<Reference>,
    /// Motion of the last inter frame as it was searched.
    pub(crate) searched: Option<Flow>,
    keeper: Keeper,
    previous: Option<Yuv420>,
    hasher: FramesHasher,
    frames: u32,
}

/// How many quality steps better than asked the first frame of a GOP is coded: all others are built on it.
const INTRA_BOOST: i32 = 8;
/// Quality of inter frames relative to the one asked for, repeating: some frames carry the quality, others lean on them.
const HIERARCHY: [i32; 4] = [-9, -4, -9, 0];
/// How motion may be coded: by how much better than its frame, and with what share more weight on smooth fields. The best
/// is taken; with little effort, of the first two.
const MOTIONS: [(i32, f32); 5] = [(8, 1.0), (-4, 2.0), (16, 1.0), (-8, 4.0), (4, 4.0)];
/// What an error of the prediction is worth beside one of the decoded frame.
const PREDICTION_WORTH: f64 = 0.7;
/// What an error that is kept from a frame is worth beside one of the frame: the frames after it lean on it.
const KEEPING_WORTH: f64 = 1.5;
/// Near the best quality there is no room to carry: what is taken away shrinks over this many steps.
const ROOM: i32 = 16;

/// Quality of frame `index` of a GOP for the quality asked for.
pub fn frame_quality(asked: u8, index: u32) -> u8 {
    let asked = asked as i32;
    let offset = match index.checked_sub(1) {
        None => INTRA_BOOST,
        Some(inter) => HIERARCHY[inter as usize % HIERARCHY.len()] * (63 - asked).clamp(0, ROOM) / ROOM,
    };
    (asked + offset).clamp(0, 63) as u8
}

/// Whether the reference of frame `index` of a GOP becomes the anchor of the frames after it: frames that carry the quality
/// do, after the second of their kind.
pub fn anchors(index: u32) -> bool {
    let period = HIERARCHY.len() as u32;
    index > period && index % period == 1
}

impl<'a> GopEncoder<'a> {
    pub(crate) fn new(
        codec: &'a Codec,
        width: usize,
        height: usize,
        quality: u8,
        effort: Effort,
    ) -> GopEncoder<'a> {
        let geometry = Geometry::new(width, height);
        GopEncoder {
            codec,
            coder: SymbolEncoder::new(),
            keeper: Keeper::new(geometry.site),
            geometry,
            quality,
            effort,
            reference: None,
            searched: None,
            previous: None,
            hasher: FramesHasher::new(),
            frames: 0,
        }
    }

    /// Number of frames so far.
    pub fn frames(&self) -> u32 {
        self.frames
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

    /// Codes the next frame; gives what it cost and what the decoder will show.
    ///
    /// # Errors
    /// If the frame has another size than the video.
    pub fn push(&mut self, frame: &Yuv420) -> Result<(FrameLog, Yuv420)> {
        self.geometry.check(frame)?;
        let first = self.reference.is_none();
        let repeats = self.previous.as_ref() == Some(frame);
        let kind = match (first, repeats) {
            (true, _) => FrameKind::Intra,
            (false, true) => FrameKind::Repeat,
            (false, false) => FrameKind::Inter,
        };
        let quality = frame_quality(self.quality, self.frames);
        let mut log = FrameLog {
            kind,
            quality,
            motion_quality: quality,
            motion_bits: 0.0,
            residual_bits: 0.0,
            side_bits: 0.0,
        };
        let next = match (kind, self.reference.take()) {
            (FrameKind::Repeat, Some(reference)) => {
                self.head(&mut log)?;
                reference
            }
            (FrameKind::Inter, Some(reference)) => self.inter(frame, reference, &mut log)?,
            _ => self.intra(frame, &mut log)?,
        };
        let [height, width] = self.geometry.picture;
        let decoded = cropped(&next.picture, width, height);
        self.hasher.push(&decoded);
        self.reference = Some(next);
        self.previous = Some(frame.clone());
        self.frames += 1;
        Ok((log, decoded))
    }

    /// Closes the GOP.
    pub fn finish(self) -> GopRecord {
        GopRecord { frames: self.frames, frames_sum: self.hasher.finish(), payload: self.coder.finish() }
    }

    /// Writes what precedes the frame's latents.
    fn head(&mut self, log: &mut FrameLog) -> Result<()> {
        let start = self.coder.bits_written();
        let FrameLog { kind, quality, motion_quality, .. } = *log;
        // The only intra frame of a GOP is its first.
        let first = kind == FrameKind::Intra;
        let head = Head { kind, quality, motion_quality, anchors: anchors(self.frames) };
        frame_syntax::write(&mut self.coder, first, self.codec.anchored(), head)?;
        log.side_bits += self.coder.bits_written() - start;
        Ok(())
    }

    fn intra(&mut self, frame: &Yuv420, log: &mut FrameLog) -> Result<Reference> {
        self.head(log)?;
        let g = self.geometry;
        let quality = log.quality;
        let exec = &self.codec.exec;
        let source = Source::new(self.codec, frame, &g);
        let parts = self.codec.model.intra.analyse(exec, &source.packed, &self.codec.plane(quality));
        let y = sum(exec, parts);
        let latent = self.codec.latent(0, quality, &g);
        let attempt = |coder: &mut SymbolEncoder, y: &[i32]| {
            let coded = latent.encode(coder, y, None, &[])?;
            let next = self.codec.intra_frame(&coded.latent, quality, &g);
            Ok((coded, next))
        };
        let best = self.refined(y, log, &source, self.codec.model.intra.shortcut(), attempt)?;
        Ok(self.settle(best, log))
    }

    fn inter(&mut self, frame: &Yuv420, reference: Reference, log: &mut FrameLog) -> Result<Reference> {
        let g = self.geometry;
        let codec = self.codec;
        let exec = &codec.exec;
        let source = Source::new(codec, frame, &g);
        let known = codec.motion_context(&reference, &g);
        let motion = self.best_motion(&source, &reference, &known, log.quality)?;
        log.motion_quality = motion.quality;
        self.head(log)?;
        self.searched = Some(motion.searched.clone());
        let motion = motion.code(codec, &mut self.coder, &known, &g)?;
        log.motion_bits = motion.bits;

        let quality = log.quality;
        let prediction = codec.predict(&reference, &motion.flow, quality, &g);
        let parts = codec.model.inter.analyse(exec, &source.packed, &prediction.packed, &prediction.context);
        let y = sum(exec, parts);
        let latent = codec.latent(2, quality, &g);
        let attempt = |coder: &mut SymbolEncoder, y: &[i32]| {
            let coded = latent.encode(coder, y, Some(&prediction.context.entropy), &[])?;
            let becomes = anchors(self.frames).then_some(&reference);
            let next = codec.inter_frame(&prediction, &coded.latent, motion.latent.clone(), becomes, &g);
            Ok((coded, next))
        };
        let best = self.refined(y, log, &source, codec.model.inter.shortcut(), attempt)?;
        let mut next = self.settle(best, log);
        if codec.anchored() {
            let start = self.coder.bits_written();
            let [decoded, before] = [&next, &reference].map(|r| site_errors(&source.frame, &r.picture));
            let gain = decoded.into_iter().zip(before);
            let gain: Vec<f64> = gain.map(|(decoded, before)| KEEPING_WORTH * (decoded - before)).collect();
            let kept = self.keeper.write(&mut self.coder, &motion.flow, &gain, lambda(quality as f32).into());
            restore(Arc::make_mut(&mut next.picture), &reference.picture, kept);
            log.side_bits += self.coder.bits_written() - start;
        }
        Ok(next)
    }

    /// Analysis by synthesis: what the linear transform makes of the error that is left is added to the latent, half of it
    /// at a time (an iteration after Landweber 1951, with the transform as the synthesis' adjoint). The learned analysis is
    /// one guess at the best latent; this knows what the decoder will really show. Of all rounds the cheapest in
    /// distortion plus rate is kept.
    fn refined(
        &self,
        mut y: Vec<i32>,
        log: &FrameLog,
        source: &Source,
        transform: &Shortcut,
        attempt: impl Fn(&mut SymbolEncoder, &[i32]) -> Result<(CodedLatent, Reference)>,
    ) -> Result<Attempt> {
        let exec = &self.codec.exec;
        let [h, w] = self.geometry.site;
        let cost = |coded: &CodedLatent, next: &Reference| {
            let bits = coded.side_bits + coded.symbol_bits;
            site_errors(&source.frame, &next.picture).iter().sum::<f64>()
                + lambda(log.quality as f32) as f64 * bits
        };
        let tried = |y: &[i32]| -> Result<Attempt> {
            let mut coder = self.coder.clone();
            let (coded, next) = attempt(&mut coder, y)?;
            Ok(Attempt { cost: cost(&coded, &next), coder, coded, next })
        };
        let mut best = tried(&y)?;
        // The last attempt where that is not the best one.
        let mut worse: Option<Attempt> = None;
        for _ in 0..self.effort.rounds(log.kind) {
            let last = worse.as_ref().unwrap_or(&best);
            let left = exec.tensor(&difference(&source.frame, &last.next.picture), [PACKED, h, w]);
            let left = exec.integers(transform.analyse(exec, &left));
            let unit = 1 << (LATENT.frac - WIDE.frac);
            for ((y, latent), left) in y.iter_mut().zip(&last.coded.latent).zip(left) {
                *y = ((*y + unit * latent + left) >> 1).clamp(-LATENT.max(), LATENT.max());
            }
            let next = tried(&y)?;
            if next.cost < best.cost {
                (best, worse) = (next, None);
            } else {
                worse = Some(next);
            }
        }
        Ok(best)
    }

    /// Takes the bits of an attempt.
    fn settle(&mut self, best: Attempt, log: &mut FrameLog) -> Reference {
        self.coder = best.coder;
        log.residual_bits = best.coded.symbol_bits;
        log.side_bits += best.coded.side_bits;
        best.next
    }

    /// A frame's motion at the quality at which it is worth its bits; `known` is [`Codec::motion_context`].
    fn best_motion(
        &self,
        source: &Source,
        reference: &Reference,
        known: &Tensor<4>,
        quality: u8,
    ) -> Result<Motion> {
        let g = self.geometry;
        let at = |(boost, smooth): (i32, f32)| {
            let quality = (quality as i32 + boost).clamp(0, 63) as u8;
            Motion::analyse(self.codec, source, &reference.picture, quality, smooth, &g)
        };
        let [first, others @ ..] = MOTIONS;
        let first = at(first);
        let others = if self.effort == Effort::Fast { &others[..1] } else { &others[..] };
        let worth = lambda(quality as f32) as f64 / PREDICTION_WORTH;
        let tried = |motion: Motion| -> Result<TriedMotion> {
            let coded = motion.code(self.codec, &mut SymbolEncoder::new(), known, &g)?;
            let errors = motion_errors(&warped(&reference.picture, &coded.flow), &source.frame, &g);
            let cost = errors.iter().sum::<f64>() + worth * coded.bits;
            Ok(TriedMotion { motion, cost, errors, site_bits: coded.site_bits })
        };
        let mut best = tried(first)?;
        for motion in others.iter().copied().map(at) {
            let next = tried(motion)?;
            if next.cost < best.cost {
                best = next;
            }
        }
        if self.effort == Effort::Fast {
            return Ok(best.motion);
        }
        // What the network tells of a site's motion is worth its bits, or the site is silent and has the motion that was
        // foretold. Sites lean on each other, so what the choice really does decides.
        let silent = tried(Motion { silent: vec![true; best.errors.len()], ..best.motion.clone() })?;
        let costs = best.errors.iter().zip(&silent.errors).zip(&best.site_bits);
        let choice = costs.map(|((told, silent), bits)| silent - told < worth * bits).collect();
        let chosen = tried(Motion { silent: choice, ..best.motion.clone() })?;
        Ok(if chosen.cost < best.cost { chosen.motion } else { best.motion })
    }
}

/// A frame in the forms that coding it needs.
pub(crate) struct Source {
    /// Padded to whole blocks.
    frame: Yuv420,
    /// As the networks see it.
    pub packed: Tensor<4>,
}

impl Source {
    pub fn new(codec: &Codec, frame: &Yuv420, g: &Geometry) -> Source {
        let frame = padded(frame);
        let packed = codec.exec.tensor(&packed(&frame), [PACKED, g.site[0], g.site[1]]);
        Source { frame, packed }
    }
}

/// A way to code a frame's intra or residual latent.
struct Attempt {
    /// Squared error plus what the bits are worth.
    cost: f64,
    /// The stream with the latent.
    coder: SymbolEncoder,
    coded: CodedLatent,
    next: Reference,
}

/// A way to code a frame's motion.
struct TriedMotion {
    motion: Motion,
    /// Squared error of the prediction plus what the bits are worth.
    cost: f64,
    /// Squared errors of the prediction by site of the motion latent.
    errors: Vec<f64>,
    /// Bits that silence would save, by site.
    site_bits: Vec<f64>,
}

/// Motion of a frame before rounding.
#[derive(Clone)]
pub(crate) struct Motion {
    quality: u8,
    /// Sites of the latent that tell nothing.
    silent: Vec<bool>,
    /// As it was searched.
    searched: Flow,
    /// Its latent, format [`LATENT`].
    pub y: Vec<i32>,
}

/// Motion as the decoder has it.
struct CodedMotion {
    latent: Vec<i32>,
    flow: Flow,
    bits: f64,
    /// Bits that silence would save, by site.
    site_bits: Vec<f64>,
}

impl Motion {
    /// Searches the motion of a frame from a padded picture and analyses it at a quality of its own.
    pub fn analyse(
        codec: &Codec,
        source: &Source,
        reference: &Yuv420,
        quality: u8,
        smooth: f32,
        g: &Geometry,
    ) -> Motion {
        let [h, w] = g.site;
        let exec = &codec.exec;
        let searched = searched(&source.frame, reference, smooth * lambda(quality as f32));
        let seen = exec.tensor(&activation(&warped(reference, &searched)), [PACKED, h, w]);
        debug_assert_eq!(FLOW.frac, ACTIVATION.frac);
        let flow = exec.tensor(&searched.data, [2, h, w]);
        let plane = codec.plane(quality);
        let parts = codec.model.inter.motion.analyse(exec, &flow, &source.packed, &seen, &plane);
        Motion { quality, silent: Vec::new(), searched, y: sum(exec, parts) }
    }

    fn code(
        &self,
        codec: &Codec,
        coder: &mut SymbolEncoder,
        known: &Tensor<4>,
        g: &Geometry,
    ) -> Result<CodedMotion> {
        let coded = codec.latent(1, self.quality, g).encode(coder, &self.y, Some(known), &self.silent)?;
        let flow = codec.flow(&coded.latent, self.quality, g);
        let CodedLatent { latent, side_bits, symbol_bits, site_bits } = coded;
        Ok(CodedMotion { flow, bits: side_bits + symbol_bits, latent, site_bits })
    }
}

/// Squared errors of the luma of a packed prediction, in grey levels, by site of the motion latent.
fn motion_errors(prediction: &[i32], frame: &Yuv420, g: &Geometry) -> Vec<f64> {
    let target = pack(frame, |v| (v as i32 - 128) << (PIXEL.frac - 5));
    let scale = 1.0 / (1u64 << (2 * (PIXEL.frac - 5))) as f64;
    let [h, w] = g.site;
    let mut errors = vec![0i64; g.motion[0] * g.motion[1]];
    let maps = prediction.chunks_exact(h * w).zip(target.chunks_exact(h * w)).take(LUMA);
    for (site, (p, t)) in maps.flat_map(|(p, t)| p.iter().zip(t).enumerate()) {
        errors[site / w / STRIDE * g.motion[1] + site % w / STRIDE] += i64::from(p - t).pow(2);
    }
    errors.into_iter().map(|error| error as f64 * scale).collect()
}

/// What is missing in `shown`, packed, as the networks see it.
fn difference(frame: &Yuv420, shown: &Yuv420) -> Vec<i32> {
    packed(frame).into_iter().zip(packed(shown)).map(|(a, b)| a - b).collect()
}

/// A picture as the networks see it.
fn packed(frame: &Yuv420) -> Vec<i32> {
    let grey_level = (1 << ACTIVATION.frac) / GREY as i32;
    pack(frame, |v| grey_level * (v as i32 - 128))
}

/// A latent from the two parts that an analysis gives.
pub(crate) fn sum(exec: &Integer, parts: [Tensor<4>; 2]) -> Vec<i32> {
    let [a, b] = parts.map(|part| exec.integers(part));
    a.into_iter().zip(b).map(|(a, b)| (a + b).clamp(-LATENT.max(), LATENT.max())).collect()
}

/// Searched flow in 1/16 samples.
fn searched(frame: &Yuv420, reference: &Yuv420, lambda: f32) -> Flow {
    let field = search(&Plane::luma(frame), &Plane::luma(reference), SEARCH * lambda);
    debug_assert_eq!(BLOCK, crate::packing::SITE);
    let limit = FLOW.max();
    let component =
        |pick: fn(&(i32, i32)) -> i32| field.vectors.iter().map(move |v| (4 * pick(v)).clamp(-limit, limit));
    let data = component(|v| v.0).chain(component(|v| v.1)).collect();
    Flow { width: field.width, height: field.height, data }
}
