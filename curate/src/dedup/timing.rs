//! Where in time two videos agree, frame by frame.

use std::ops::Range;

use crate::scan::{Scan, TINY};

/// Cosine of two tiny pictures from which they agree.
const AGREES: f32 = 0.7;
/// Frames in a row that may disagree within a common part.
const LAPSE: usize = 2;
/// How far from the offset that descriptors voted for the best one is looked for, in seconds.
const REACH: f64 = 1.0;
/// Frames by which offsets are compared at most.
const SAMPLED: usize = 400;

/// A common part of two videos.
#[derive(Clone, Debug)]
pub(crate) struct Timing {
    /// Where the first frame of the one is in the other, in seconds.
    pub offset: f64,
    /// Frames of the one that agree with the other.
    pub run: Range<usize>,
}

/// One video seen against another.
pub(crate) struct Couple<'a> {
    pub a: &'a Scan,
    pub b: &'a Scan,
    /// Whether `a` is looked at in the mirror.
    pub mirrored: bool,
}

/// How well a frame agrees with the other video.
#[derive(Clone, Copy)]
enum Agreement {
    /// The other video does not last so long.
    Outside,
    /// Both frames are flat and say nothing.
    Flat,
    /// Cosine of their tiny pictures.
    Cosine(f32),
}

impl Couple<'_> {
    /// The frame of `b` that is shown together with a frame of `a`.
    pub fn counterpart(&self, frame: usize, offset: f64) -> Option<usize> {
        let at = ((frame as f64 / self.a.rate + offset) * self.b.rate).round();
        (at >= 0.0 && at < self.b.tiny.len() as f64).then_some(at as usize)
    }

    /// The common part around an offset; nothing if there is none that says anything.
    pub fn timing(&self, near: f64) -> Option<Timing> {
        self.timing_at(self.best_offset(near)?)
    }

    /// The common part at an offset.
    pub fn timing_at(&self, offset: f64) -> Option<Timing> {
        let agreements: Vec<Agreement> =
            (0..self.a.tiny.len()).map(|frame| self.agreement(frame, offset)).collect();
        let run = longest_run(&agreements);
        let tells = agreements[run.clone()].iter().any(|found| matches!(found, Agreement::Cosine(_)));
        tells.then_some(Timing { offset, run })
    }

    fn best_offset(&self, near: f64) -> Option<f64> {
        let step = 1.0 / self.a.rate.max(self.b.rate);
        let reach = (REACH / step).ceil() as i64;
        let stride = self.a.tiny.len().div_ceil(SAMPLED).max(1);
        let sampled = self.a.tiny.len().div_ceil(stride).max(1) as f32;
        let score = |offset: f64| {
            let (mut sum, mut count) = (0.0, 0);
            for frame in (0..self.a.tiny.len()).step_by(stride) {
                if let Agreement::Cosine(cosine) = self.agreement(frame, offset) {
                    sum += cosine;
                    count += 1;
                }
            }
            let share = count as f32 / sampled;
            // A few frames prove little; and where nothing moves every offset is as good: then the one with most in
            // common is meant.
            sum / count.max(1) as f32 * (share * 10.0).min(1.0) + 0.02 * share
        };
        let offsets = (-reach..=reach).map(|at| near + at as f64 * step).chain([0.0]);
        offsets.map(|offset| (score(offset), offset)).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, at)| at)
    }

    fn agreement(&self, frame: usize, offset: f64) -> Agreement {
        let Some(other) = self.counterpart(frame, offset) else { return Agreement::Outside };
        let (a, b) = (&self.a.tiny[frame], &self.b.tiny[other]);
        let is_flat = |tiny: &[i8; TINY * TINY]| tiny.iter().all(|value| *value == 0);
        if is_flat(a) && is_flat(b) {
            return Agreement::Flat;
        }
        let mut sum = 0i32;
        for (at, value) in b.iter().enumerate() {
            let other = if self.mirrored { at / TINY * TINY + TINY - 1 - at % TINY } else { at };
            sum += i32::from(*value) * i32::from(a[other]);
        }
        Agreement::Cosine(sum as f32 / (127.0 * 127.0))
    }
}

/// The longest stretch of frames that agree or are flat in both.
fn longest_run(agreements: &[Agreement]) -> Range<usize> {
    let agrees = |agreement: &Agreement| match agreement {
        Agreement::Outside => false,
        Agreement::Flat => true,
        Agreement::Cosine(cosine) => *cosine >= AGREES,
    };
    let (mut best, mut start, mut end) = (0..0, 0, 0);
    for (frame, _) in agreements.iter().enumerate().filter(|(_, agreement)| agrees(agreement)) {
        if frame - end > LAPSE {
            start = frame;
        }
        end = frame + 1;
        if end - start > best.len() {
            best = start..end;
        }
    }
    best
}
