//! Encoding a GOP frame by frame, through the decoder's own reconstruction.

use std::sync::Arc;

use burn::tensor::Tensor;
use vcn_media::Yuv420;

use crate::Result;
use crate::checkpoint::Syntax;
use crate::codec::{Codec, FrameKind, Geometry, Reference, activation, warped};
use crate::container::{FramesHasher, GopRecord};
use crate::entropy::{Histogram, SymbolEncoder};
use crate::frame_syntax::{self, Head};
use crate::integer::Integer;
use crate::judge::{Judge, PACE_BITS};
use crate::keep::{Keeper, put_back, site_errors};
use crate::model::lambda;
use crate::model::params::{ACTIVATION, FLOW, LATENT, WIDE};
use crate::model::transform::{PACKED, Shortcut};
use crate::packing::cropped;
use crate::search::{SEARCH, search};
use crate::source::Source;
use crate::symbols::CodedLatent;
use crate::vectors::{self, Chosen, Eye, Vectors};
use crate::warp::{Flow, Plane};

/// How hard the encoder tries; the format is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// Motion from vectors alone, nothing refined.
    Fast,
    /// The motion network's best, mended by vectors, tried too; latents of intra frames refined a little.
    #[default]
    Medium,
    /// More motions tried, latents refined as far as it pays.
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

/// What one coded frame cost.
#[derive(Clone, Debug)]
pub struct FrameLog {
    /// How it was coded.
    pub kind: FrameKind,
    /// Its quality index.
    pub quality: u8,
    /// Bits of its motion: of the motion latent with its hyper-latent, and of vectors.
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
    /// Motion of the last inter frame as it was searched and as it was coded.
    pub(crate) flows: Option<[Flow; 2]>,
    keeper: Keeper,
    vectors: Vectors,
    previous: Option<Yuv420>,
    hasher: FramesHasher,
    frames: u32,
}

/// How many quality steps better than asked the first frame of a GOP is coded: all others are built on it.
const INTRA_BOOST: i32 = 8;
/// Quality of inter frames relative to the one asked for, repeating: some frames carry the quality, others lean on them.
const HIERARCHY: [i32; 4] = [-7, -5, -7, -3];
/// How motion may be coded for models without vectors: by how much better than its frame, and with what share more weight on
/// smooth fields. The best is taken; with little effort, of the first two.
const MOTIONS: [(i32, f32); 5] = [(8, 1.0), (-4, 2.0), (16, 1.0), (-8, 4.0), (4, 4.0)];
/// The same where vectors may mend it, besides nothing told by the network; none with little effort, one with medium.
const ROUGH_MOTIONS: [(i32, f32); 3] = [(-8, 4.0), (-4, 2.0), (4, 4.0)];
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
            vectors: Vectors::new(geometry.site),
            geometry,
            quality,
            effort,
            reference: None,
            flows: None,
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
        let mut log = FrameLog { kind, quality, motion_bits: 0.0, residual_bits: 0.0, side_bits: 0.0 };
        let next = match (kind, self.reference.take()) {
            (FrameKind::Repeat, Some(reference)) => {
                self.head(&mut log, None)?;
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
    fn head(&mut self, log: &mut FrameLog, motion: Option<u8>) -> Result<()> {
        let start = self.coder.bits_written();
        let FrameLog { kind, quality, .. } = *log;
        // The only intra frame of a GOP is its first.
        let first = kind == FrameKind::Intra;
        let head = Head { kind, quality, motion, anchors: anchors(self.frames) };
        frame_syntax::write(&mut self.coder, first, self.codec.checkpoint.syntax(), head)?;
        log.side_bits += self.coder.bits_written() - start;
        Ok(())
    }

    fn intra(&mut self, frame: &Yuv420, log: &mut FrameLog) -> Result<Reference> {
        self.head(log, None)?;
        let g = self.geometry;
        let quality = log.quality;
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
        self.head(log, motion.told.as_ref().map(|told| told.quality))?;
        let before = self.coder.bits_written();
        let (motion_latent, flow) = self.write_motion(&motion, &known)?;
        log.motion_bits = self.coder.bits_written() - before;
        self.flows = Some([motion.searched, flow.clone()]);

        let quality = log.quality;
        let prediction = codec.predict(&reference, &flow, quality, &g);
        let parts = codec.model.inter.analyse(exec, &source.packed, &prediction.packed, &prediction.context);
        let y = analysed(exec, parts);
        let latent = codec.latent(2, quality, &g);
        let attempt = |coder: &mut SymbolEncoder, y: &[i32]| {
            let coded = latent.encode(coder, y, Some(&prediction.context.entropy), &[])?;
            let becomes = anchors(self.frames).then_some(&reference);
            let next = codec.inter_frame(&prediction, &coded.latent, motion_latent.clone(), becomes, &g);
            Ok((coded, next))
        };
        let best = self.refined(y, log, &source, codec.model.inter.shortcut(), attempt)?;
        let mut next = self.settle(best, log);
        if codec.checkpoint.syntax().anchors {
            let start = self.coder.bits_written();
            let [decoded, before] = [&next, &reference].map(|r| site_errors(&source.frame, &r.picture));
            let gain = decoded.into_iter().zip(before);
            let gain: Vec<f64> = gain.map(|(decoded, before)| KEEPING_WORTH * (decoded - before)).collect();
            let kept = self.keeper.write(&mut self.coder, &flow, &gain, lambda(quality as f32).into());
            put_back(Arc::make_mut(&mut next.picture), &reference.picture, kept);
            log.side_bits += self.coder.bits_written() - start;
        }
        Ok(next)
    }

    /// Analysis by synthesis: what the linear transform makes of what is missing is added to the latent, a share of it
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
        let tried = |y: &[i32]| -> Result<Attempt> {
            let mut coder = self.coder.clone();
            let (coded, next) = attempt(&mut coder, y)?;
            Ok(Attempt { coder, coded, next })
        };
        let first = tried(&y)?;
        let rounds = self.effort.rounds(log.kind);
        if rounds == 0 {
            return Ok(first);
        }
        let judge = Judge::new(self.codec.checkpoint.metric, &source.frame);
        let judged = |attempt: Attempt| {
            let seen = judge.judge(&attempt.next.picture);
            let bits = attempt.coded.side_bits + attempt.coded.symbol_bits;
            let cost = seen.distortion + f64::from(lambda(log.quality as f32)) * bits;
            Judged { attempt, cost, missing: seen.missing }
        };
        let pace = judge.pace();
        let mut best = judged(first);
        // The last attempt where that is not the best one.
        let mut worse: Option<Judged> = None;
        for _ in 0..rounds {
            let last = worse.as_ref().unwrap_or(&best);
            let missing = exec.tensor(&last.missing, [PACKED, h, w]);
            let missing = exec.integers(transform.analyse(exec, &missing));
            let unit = 1 << (LATENT.frac - WIDE.frac);
            for ((y, latent), missing) in y.iter_mut().zip(&last.attempt.coded.latent).zip(missing) {
                let way = unit * latent + missing - *y;
                *y = (*y + ((pace * way) >> PACE_BITS)).clamp(-LATENT.max(), LATENT.max());
            }
            let next = judged(tried(&y)?);
            if next.cost < best.cost {
                (best, worse) = (next, None);
            } else {
                worse = Some(next);
            }
        }
        Ok(best.attempt)
    }

    /// Takes the bits of an attempt.
    fn settle(&mut self, best: Attempt, log: &mut FrameLog) -> Reference {
        self.coder = best.coder;
        log.residual_bits = best.coded.symbol_bits;
        log.side_bits += best.coded.side_bits;
        best.next
    }

    /// A frame's motion, as it is worth its bits: what the network tells at one of several qualities, or nothing, and the
    /// vectors that mend it; `known` is [`Codec::motion_context`].
    fn best_motion(
        &self,
        source: &Source,
        reference: &Reference,
        known: &Tensor<4>,
        quality: u8,
    ) -> Result<FrameMotion> {
        let g = self.geometry;
        let worth = vectors::worth(lambda(quality as f32));
        let luma = Plane::luma(&source.frame);
        let shown = Plane::luma(&reference.picture);
        let Syntax { vectors, blend, .. } = self.codec.checkpoint.syntax();
        let searched = Flow::from(&search(&luma, &shown, vectors::SEARCH * lambda(quality as f32)));
        let eye = vectors.then(|| Eye::new(&luma, &shown, blend));
        let tried = |told: Option<Told>| -> Result<TriedMotion> {
            let (mut flow, mut bits, mut site_bits) = (Flow::still(g.site), 0.0, Vec::new());
            if let Some(told) = &told {
                let coded = told.code(self.codec, &mut SymbolEncoder::new(), known, &g)?;
                flow = self.codec.flow(&coded.latent, told.quality, &g);
                bits = coded.side_bits + coded.symbol_bits;
                site_bits = coded.site_bits;
            }
            let chosen = eye.as_ref().map(|eye| self.vectors.choose(eye, &flow, &searched, worth));
            if let Some(chosen) = &chosen {
                let mut coder = SymbolEncoder::new();
                flow = self.vectors.clone().write(&mut coder, &flow, chosen)?;
                bits += coder.bits_written();
            }
            let errors = source.motion_errors(&warped(&reference.picture, &flow, blend), &g);
            let cost = errors.iter().sum::<f64>() + worth * bits;
            Ok(TriedMotion { told, chosen, cost, errors, site_bits })
        };
        let motions: &[(i32, f32)] = match (vectors, self.effort) {
            (false, Effort::Fast) => &MOTIONS[..2],
            (false, _) => &MOTIONS,
            (true, Effort::Fast) => &[],
            (true, Effort::Medium) => &ROUGH_MOTIONS[..1],
            (true, Effort::Slow) => &ROUGH_MOTIONS,
        };
        let told = motions.iter().map(|&(boost, smooth)| {
            let quality = (quality as i32 + boost).clamp(0, 63) as u8;
            Some(Told::analyse(self.codec, source, &reference.picture, quality, smooth, &g))
        });
        let mut best: Option<TriedMotion> = None;
        for told in vectors.then_some(None).into_iter().chain(told) {
            let next = tried(told)?;
            if best.as_ref().is_none_or(|best| next.cost < best.cost) {
                best = Some(next);
            }
        }
        let mut best = best.expect("at least one motion is tried");
        if let (Some(told), true) = (&best.told, self.effort != Effort::Fast) {
            // What the network tells of a site's motion is worth its bits, or the site is silent and has the motion that was
            // foretold. Sites lean on each other, so what the choice really does decides.
            let silent = tried(Some(Told { silent: vec![true; best.errors.len()], ..told.clone() }))?;
            let costs = best.errors.iter().zip(&silent.errors).zip(&best.site_bits);
            let choice = costs.map(|((told, silent), bits)| silent - told < worth * bits).collect();
            let chosen = tried(Some(Told { silent: choice, ..told.clone() }))?;
            if chosen.cost < best.cost {
                best = chosen;
            }
        }
        Ok(FrameMotion { told: best.told, chosen: best.chosen, searched })
    }

    /// Writes a frame's motion; gives the motion latent, where the network told one, and the flow.
    fn write_motion(&mut self, motion: &FrameMotion, known: &Tensor<4>) -> Result<(Option<Vec<i32>>, Flow)> {
        let g = self.geometry;
        let (mut latent, mut flow) = (None, Flow::still(g.site));
        if let Some(told) = &motion.told {
            let coded = told.code(self.codec, &mut self.coder, known, &g)?.latent;
            flow = self.codec.flow(&coded, told.quality, &g);
            latent = Some(coded);
        }
        if let Some(chosen) = &motion.chosen {
            flow = self.vectors.write(&mut self.coder, &flow, chosen)?;
        }
        Ok((latent, flow))
    }
}

/// A way to code a frame's intra or residual latent.
struct Attempt {
    /// The stream with the latent.
    coder: SymbolEncoder,
    coded: CodedLatent,
    next: Reference,
}

/// An attempt and what was seen of it.
struct Judged {
    attempt: Attempt,
    /// Distortion plus what the bits are worth.
    cost: f64,
    /// What is missing in the picture, packed.
    missing: Vec<i32>,
}

/// How a frame's motion will be coded.
struct FrameMotion {
    /// What the network tells, if anything.
    told: Option<Told>,
    /// The blocks' own motion, for models that know of it.
    chosen: Option<Chosen>,
    /// As it was searched.
    searched: Flow,
}

/// A way to code a frame's motion.
struct TriedMotion {
    told: Option<Told>,
    chosen: Option<Chosen>,
    /// Squared error of the prediction plus what the bits are worth.
    cost: f64,
    /// Squared errors of the prediction by site of the motion latent.
    errors: Vec<f64>,
    /// Bits that silence would save, by site.
    site_bits: Vec<f64>,
}

/// What the motion network has to tell of a frame, before rounding.
#[derive(Clone)]
pub(crate) struct Told {
    quality: u8,
    /// Sites of the latent that tell nothing.
    silent: Vec<bool>,
    /// Its latent, format [`LATENT`].
    pub y: Vec<i32>,
}

impl Told {
    /// Searches the motion of a frame from a padded picture and analyses it at a quality of its own.
    pub fn analyse(
        codec: &Codec,
        source: &Source,
        reference: &Yuv420,
        quality: u8,
        smooth: f32,
        g: &Geometry,
    ) -> Told {
        let [h, w] = g.site;
        let exec = &codec.exec;
        let weight = SEARCH * smooth * lambda(quality as f32);
        let searched = Flow::from(&search(&Plane::luma(&source.frame), &Plane::luma(reference), weight));
        let blend = codec.checkpoint.syntax().blend;
        let seen = exec.tensor(&activation(&warped(reference, &searched, blend)), [PACKED, h, w]);
        debug_assert_eq!(FLOW.frac, ACTIVATION.frac);
        let flow = exec.tensor(&searched.data, [2, h, w]);
        let plane = codec.plane(quality);
        let parts = codec.model.inter.motion.analyse(exec, &flow, &source.packed, &seen, &plane);
        Told { quality, silent: Vec::new(), y: analysed(exec, parts) }
    }

    fn code(
        &self,
        codec: &Codec,
        coder: &mut SymbolEncoder,
        known: &Tensor<4>,
        g: &Geometry,
    ) -> Result<CodedLatent> {
        codec.latent(1, self.quality, g).encode(coder, &self.y, Some(known), &self.silent)
    }
}

/// A latent from the two parts that an analysis gives.
pub(crate) fn analysed(exec: &Integer, parts: [Tensor<4>; 2]) -> Vec<i32> {
    exec.sum(parts).into_iter().map(|v| v.clamp(-LATENT.max(), LATENT.max())).collect()
}
