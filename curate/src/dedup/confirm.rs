//! What the pixels say of two videos at an alignment.

use vcn_similarity::{Registration, Residual, Thumbnail, Window};

use super::pictures::Pictures;
use super::relation::Evidence;
use super::timing::{Couple, Timing};
use crate::error::Result;
use crate::scan::Scan;

/// Pairs of frames that are compared before it is decided whether to compare all.
const SAMPLED: usize = 120;
/// Pairs of frames to which the registration is fitted.
const FITTED: usize = 4;
/// By how much the shapes of pictures may differ that were only scaled: rounding to even sides.
const SHAPE: f64 = 0.02;
/// By how much the edges of letterboxes may differ, in sides of the picture, before they are not the same.
const EDGE: f64 = 0.002;

/// What is compared of each of the two.
type Windows = [Window; 2];

impl Couple<'_> {
    /// Compares pixels in a common part. All of its frames are compared where `same` says so of the evidence from a
    /// sample.
    ///
    /// # Errors
    /// One of the videos cannot be read any more.
    pub fn evidence(
        &self,
        pictures: &mut Pictures,
        timing: &Timing,
        same: impl Fn(&Evidence) -> bool,
    ) -> Result<Evidence> {
        let inside = [self.a.window.clone(), self.b.window.clone()];
        let mut evidence = self.seen(&inside, pictures, timing, &same)?;
        if !same(&evidence)
            && let Some(whole) = self.whole()
        {
            let found = self.seen(&whole, pictures, timing, &same)?;
            if found.residual.typical < evidence.residual.typical {
                evidence = found;
            }
        }
        Ok(evidence)
    }

    /// All of both pictures, where these are of one shape and their letterboxes are not: the edge of a dark picture may be
    /// taken for a letterbox that begins at another row in each copy, and rows that are off by one blur all edges.
    fn whole(&self) -> Option<Windows> {
        let shape = |scan: &Scan| scan.width as f64 / scan.height.max(1) as f64;
        let alike = (shape(self.a) / shape(self.b) - 1.0).abs() < SHAPE;
        let edges = |scan: &Scan| {
            let Window { rows, columns } = &scan.window;
            let part = |at: usize, of: usize| at as f64 / of.max(1) as f64;
            let (rows, columns) = ([rows.start, rows.end], [columns.start, columns.end]);
            [rows.map(|row| part(row, scan.height)), columns.map(|column| part(column, scan.width))].concat()
        };
        let (ours, theirs) = (edges(self.a), edges(self.b));
        let differ = ours.iter().zip(theirs).any(|(a, b)| (a - b).abs() > EDGE);
        (alike && differ).then(|| [self.a, self.b].map(|scan| Window::whole(scan.width, scan.height)))
    }

    /// Evidence through windows.
    fn seen(
        &self,
        windows: &Windows,
        pictures: &mut Pictures,
        timing: &Timing,
        same: &impl Fn(&Evidence) -> bool,
    ) -> Result<Evidence> {
        let mut timing = timing.clone();
        let mut evidence = self.sampled(windows, pictures, &timing)?;
        // Of pictures that are cropped or hardly move, tiny ones may tell the time wrong by a few frames.
        let step = 1.0 / self.a.rate.max(self.b.rate);
        for direction in [-step, step] {
            while !evidence.is_in_time()
                && let Some(other) = self.timing_at(timing.offset + direction)
            {
                let found = self.sampled(windows, pictures, &other)?;
                if found.residual.typical >= evidence.residual.typical {
                    break;
                }
                (timing, evidence) = (other, found);
            }
        }
        if stride(&timing) > 1 && same(&evidence) {
            evidence = self.start(windows, &timing, evidence.registration);
            let registration = evidence.registration;
            self.pairs(windows, pictures, &timing, 1, |a, b| evidence.add(registration.residual(&a, &b)))?;
        }
        Ok(evidence)
    }

    /// Evidence from a sample of the frames.
    fn sampled(&self, windows: &Windows, pictures: &mut Pictures, timing: &Timing) -> Result<Evidence> {
        let mut pairs: Vec<(Thumbnail, Thumbnail)> = Vec::new();
        self.pairs(windows, pictures, timing, stride(timing), |a, b| pairs.push((a, b)))?;
        let evidence = |registration: Registration| {
            let mut evidence = self.start(windows, timing, registration);
            pairs.iter().for_each(|(a, b)| evidence.add(registration.residual(a, b)));
            evidence
        };
        let as_it_is = evidence(Registration::IDENTITY);
        if as_it_is.residual.is_clean() && as_it_is.is_as_it_was() {
            return Ok(as_it_is);
        }
        let step = pairs.len().div_ceil(FITTED).max(1);
        let fitted: Vec<(&[u8], &[u8])> =
            pairs.iter().step_by(step).map(|(a, b)| (a.luma(), b.luma())).collect();
        let fitted = evidence(Registration::fit(&fitted));
        // Where most is flat a fit may follow what coding did: what is no better than no change at all was none.
        let mean = |evidence: &Evidence| evidence.residual.distortion.mean;
        Ok(if mean(&as_it_is) <= mean(&fitted) { as_it_is } else { fitted })
    }

    fn start(&self, windows: &Windows, timing: &Timing, registration: Registration) -> Evidence {
        let seconds = |frame: usize| frame as f64 / self.a.rate;
        Evidence {
            mirrored: self.mirrored,
            from: seconds(timing.run.start),
            to: seconds(timing.run.end),
            other_from: seconds(timing.run.start) + timing.offset,
            other_to: seconds(timing.run.end) + timing.offset,
            windows: windows.clone(),
            registration,
            frames: 0,
            residual: Residual::NONE,
        }
    }

    /// Every so many pairs of pictures of the common part, in order.
    fn pairs(
        &self,
        windows: &Windows,
        pictures: &mut Pictures,
        timing: &Timing,
        stride: usize,
        mut visit: impl FnMut(Thumbnail, Thumbnail),
    ) -> Result<()> {
        let (mut ours, mut theirs) = (pictures.of(self.a, &windows[0])?, pictures.of(self.b, &windows[1])?);
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
