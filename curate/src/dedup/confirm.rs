//! What the pixels say of two videos at an alignment.

use vcn_similarity::{Registration, Residual, Thumbnail};

use super::pictures::Pictures;
use super::relation::Evidence;
use super::timing::{Couple, Timing};
use crate::error::Result;

/// Pairs of frames that are compared before it is decided whether to compare all.
const SAMPLED: usize = 120;
/// Pairs of frames to which the registration is fitted.
const FITTED: usize = 4;

impl Couple<'_> {
    /// Compares pixels in a common part. All of its frames are compared where `all` says so of the evidence from a
    /// sample.
    ///
    /// # Errors
    /// One of the videos cannot be read any more.
    pub fn evidence(
        &self,
        pictures: &mut Pictures,
        timing: &Timing,
        all: impl Fn(&Evidence) -> bool,
    ) -> Result<Evidence> {
        let mut timing = timing.clone();
        let mut evidence = self.sampled(pictures, &timing)?;
        // Of pictures that are cropped or hardly move, tiny ones may tell the time wrong by a few frames.
        let step = 1.0 / self.a.rate.max(self.b.rate);
        for direction in [-step, step] {
            while !evidence.is_in_time()
                && let Some(other) = self.timing_at(timing.offset + direction)
            {
                let found = self.sampled(pictures, &other)?;
                if found.residual.typical >= evidence.residual.typical {
                    break;
                }
                (timing, evidence) = (other, found);
            }
        }
        if stride(&timing) > 1 && all(&evidence) {
            evidence = self.start(&timing, evidence.registration);
            let registration = evidence.registration;
            self.pairs(pictures, &timing, 1, |a, b| evidence.add(registration.residual(&a, &b)))?;
        }
        Ok(evidence)
    }

    /// Evidence from a sample of the frames.
    fn sampled(&self, pictures: &mut Pictures, timing: &Timing) -> Result<Evidence> {
        let mut pairs: Vec<(Thumbnail, Thumbnail)> = Vec::new();
        self.pairs(pictures, timing, stride(timing), |a, b| pairs.push((a, b)))?;
        let step = pairs.len().div_ceil(FITTED).max(1);
        let fitted: Vec<(&[u8], &[u8])> =
            pairs.iter().step_by(step).map(|(a, b)| (a.luma(), b.luma())).collect();
        let registration = Registration::fit(&fitted);
        let mut evidence = self.start(timing, registration);
        for (a, b) in &pairs {
            evidence.add(registration.residual(a, b));
        }
        Ok(evidence)
    }

    fn start(&self, timing: &Timing, registration: Registration) -> Evidence {
        let seconds = |frame: usize| frame as f64 / self.a.rate;
        Evidence {
            mirrored: self.mirrored,
            from: seconds(timing.run.start),
            to: seconds(timing.run.end),
            other_from: seconds(timing.run.start) + timing.offset,
            other_to: seconds(timing.run.end) + timing.offset,
            registration,
            frames: 0,
            residual: Residual::NONE,
        }
    }

    /// Every so many pairs of pictures of the common part, in order.
    fn pairs(
        &self,
        pictures: &mut Pictures,
        timing: &Timing,
        stride: usize,
        mut visit: impl FnMut(Thumbnail, Thumbnail),
    ) -> Result<()> {
        let (mut ours, mut theirs) = (pictures.of(self.a)?, pictures.of(self.b)?);
        for frame in timing.run.clone().step_by(stride) {
            let Some(other) = self.counterpart(frame, timing.offset) else { continue };
            let (Some(mut a), Some(b)) = (ours.at(frame)?, theirs.at(other)?) else { return Ok(()) };
            if self.mirrored {
                a = a.mirrored();
            }
            visit(a, b);
        }
        Ok(())
    }
}

/// Every so many frames of a common part are a sample of it.
fn stride(timing: &Timing) -> usize {
    timing.run.len().div_ceil(SAMPLED).max(1)
}
