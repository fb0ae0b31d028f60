//! Latents refined by what the decoder will make of them.

use super::{FrameLog, GopEncoder};
use crate::Result;
use crate::codec::Reference;
use crate::entropy::SymbolEncoder;
use crate::judge::{Judge, PACE_BITS};
use crate::model::lambda;
use crate::model::params::{LATENT, WIDE};
use crate::model::transform::{PACKED, Shortcut};
use crate::source::Source;
use crate::symbols::CodedLatent;

impl GopEncoder<'_> {
    /// Analysis by synthesis: what the linear transform makes of what is missing is added to the latent, a share of it
    /// at a time (an iteration after Landweber 1951, with the transform as the synthesis' adjoint). The learned analysis is
    /// one guess at the best latent; this knows what the decoder will really show. Of all rounds the cheapest in
    /// distortion plus rate is kept.
    pub(super) fn refined(
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
        let rounds = self.settings.effort.rounds(log.kind);
        if rounds == 0 {
            return Ok(first);
        }
        let judge = Judge::new(self.codec.checkpoint.metric, &source.frame);
        let judged = |attempt: Attempt| {
            let seen = judge.judge(&attempt.next.picture);
            let bits = attempt.coded.side_bits + attempt.coded.symbol_bits;
            let cost = seen.distortion + f64::from(lambda(log.quality.into())) * bits;
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
    pub(super) fn settle(&mut self, best: Attempt, log: &mut FrameLog) -> Reference {
        self.coder = best.coder;
        log.residual_bits = best.coded.symbol_bits;
        log.side_bits += best.coded.side_bits;
        best.next
    }
}

/// A way to code a frame's intra or residual latent.
pub(super) struct Attempt {
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
