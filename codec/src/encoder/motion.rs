//! The motion of a frame: what the network tells of it, and the vectors that mend that.

use vcn_media::Yuv420;

use super::{Effort, GopEncoder, analysed};
use crate::Result;
use crate::checkpoint::Syntax;
use crate::codec::{Codec, Geometry, Reference, activation, both, warped};
use crate::entropy::SymbolEncoder;
use crate::integer::Values;
use crate::model::lambda;
use crate::model::params::{ACTIVATION, FLOW};
use crate::model::transform::PACKED;
use crate::order::Span;
use crate::search::{SEARCH, search};
use crate::source::Source;
use crate::symbols::CodedLatent;
use crate::vectors::{self, Between, Chosen, Eye};
use crate::warp::{Flow, Plane};

/// How motion may be coded for models without vectors: by how much better than its frame, and with what share more weight on
/// smooth fields. The best is taken; with little effort, of the first two.
const MOTIONS: [(i32, f32); 5] = [(8, 1.0), (-4, 2.0), (16, 1.0), (-8, 4.0), (4, 4.0)];
/// The same where vectors may mend it, besides nothing told by the network; none with little effort, one with medium.
const ROUGH_MOTIONS: [(i32, f32); 3] = [(-8, 4.0), (-4, 2.0), (4, 4.0)];

impl GopEncoder<'_> {
    /// A frame's motion, as it is worth its bits: what the network tells at one of several qualities, or nothing, and the
    /// vectors that mend it; `known` is [`Codec::motion_context`].
    pub(super) fn best_motion(
        &self,
        source: &Source,
        reference: &Reference,
        known: &Values,
        quality: i8,
    ) -> Result<FrameMotion> {
        let g = self.geometry;
        let worth = vectors::worth(lambda(quality.into()));
        let luma = Plane::luma(&source.frame);
        let shown = Plane::luma(&reference.picture);
        let Syntax { vectors, blend, .. } = self.codec.checkpoint.syntax();
        let (searched, eye) = rayon::join(
            || Flow::from(&search(&luma, &shown, vectors::SEARCH * lambda(quality.into()))),
            || vectors.then(|| Eye::new(&luma, &shown, blend)),
        );
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
        let motions: &[(i32, f32)] = match (vectors, self.settings.effort) {
            (false, Effort::Fast) => &MOTIONS[..2],
            (false, _) => &MOTIONS,
            (true, Effort::Fast) => &[],
            (true, Effort::Medium) => &ROUGH_MOTIONS[..1],
            (true, Effort::Slow) => &ROUGH_MOTIONS,
        };
        let told = motions.iter().map(|&(boost, smooth)| {
            let quality = (i32::from(quality) + boost).clamp(0, 63) as i8;
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
        if let (Some(told), true) = (&best.told, self.settings.effort != Effort::Fast) {
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
    pub(super) fn write_motion(
        &mut self,
        motion: &FrameMotion,
        known: &Values,
    ) -> Result<(Option<Vec<i32>>, Flow)> {
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

    /// Chooses and writes the motion of a frame between others; gives it as it was searched, to the earlier one, and as it
    /// is coded.
    pub(super) fn write_between(
        &mut self,
        source: &Source,
        span: &Span,
        quality: i8,
    ) -> Result<(Flow, Between)> {
        let lambda = lambda(quality.into());
        let blend = self.codec.checkpoint.syntax().blend;
        let luma = Plane::luma(&source.frame);
        let shown = span.ends().map(|end| Plane::luma(&end.picture));
        let eyes = shown.each_ref().map(|shown| Eye::new(&luma, shown, blend));
        let searched = both(|end| Flow::from(&search(&luma, &shown[end], vectors::SEARCH * lambda)));
        let foretold = span.foretold();
        let chosen = self.sides.choose(&eyes, &foretold, &searched, vectors::worth(lambda));
        let [before, _] = searched;
        Ok((before, self.sides.write(&mut self.coder, &foretold, &chosen)?))
    }
}

/// How a frame's motion will be coded.
pub(super) struct FrameMotion {
    /// What the network tells, if anything.
    pub told: Option<Told>,
    /// The blocks' own motion, for models that know of it.
    chosen: Option<Chosen>,
    /// As it was searched.
    pub searched: Flow,
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
    pub quality: i8,
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
        quality: i8,
        smooth: f32,
        g: &Geometry,
    ) -> Told {
        let [h, w] = g.site;
        let exec = &codec.exec;
        let weight = SEARCH * smooth * lambda(quality.into());
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
        known: &Values,
        g: &Geometry,
    ) -> Result<CodedLatent> {
        codec.latent(1, self.quality, g).encode(coder, &self.y, Some(known), &self.silent)
    }
}
