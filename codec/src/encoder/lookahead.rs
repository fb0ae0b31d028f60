//! Frames that wait to be coded, and how much of them will be built on those that are coded first.
//!
//! What is spent on a frame serves the frames that are predicted from it, as far as prediction works. So shares of each frame's
//! worth are handed back along the motion to what it leans on, from the last frame that is known to the first, as in x264's
//! macroblock tree (Garrett-Glaser, "A novel macroblock-tree algorithm for high-performance optimization of dependent video coding
//! in H.264/AVC", 2009).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rayon::prelude::*;
use vcn_media::Yuv420;

use crate::model::QUANTISED;
use crate::model::params::FLOW;
use crate::packing::{SITE, padded};
use crate::search::search;
use crate::source::GREY_LEVEL;
use crate::vectors;
use crate::warp::{Blend, Flow, Plane, warp_luma};

/// Most frames that are looked ahead.
pub(super) const FAR: usize = 32;
/// How much each of its two ends is worth to a frame between them.
const HALF: f32 = 0.5;

/// Frames from the next to be coded on.
#[derive(Clone)]
pub(super) struct Lookahead {
    /// Number of 8x8 sites of a frame.
    sites: usize,
    /// Place in the GOP of the first frame.
    place: u32,
    frames: VecDeque<Waiting>,
    /// How frames lean on earlier ones, by both places, the earlier first.
    leanings: BTreeMap<[u32; 2], Arc<Leaning>>,
}

#[derive(Clone)]
struct Waiting {
    frame: Arc<Yuv420>,
    /// Whether it is the same as the one before.
    repeats: bool,
}

/// How the sites of a frame lean on an earlier frame.
struct Leaning {
    /// To the earlier frame.
    flow: Flow,
    /// The share of what is spent there that each site saves: 1 where the frames differ by less than quantisation leaves.
    shares: Vec<f32>,
}

impl Lookahead {
    /// Before the first frame of a GOP of `height` x `width` sites.
    pub fn new([height, width]: [usize; 2]) -> Lookahead {
        Lookahead { sites: height * width, place: 0, frames: VecDeque::new(), leanings: BTreeMap::new() }
    }

    /// Takes in the next frame that is shown, and whether it repeats the one before.
    pub fn push(&mut self, frame: Arc<Yuv420>, repeats: bool) {
        self.frames.push_back(Waiting { frame, repeats });
    }

    /// How many frames wait.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether the next frame repeats the one before.
    pub fn repeats(&self) -> bool {
        self.frames.front().is_some_and(|waiting| waiting.repeats)
    }

    /// The next frames, up to `most` of them or to one that repeats another.
    pub fn next(&self, most: usize) -> Vec<Arc<Yuv420>> {
        self.run(0, most).map(|waiting| Arc::clone(&waiting.frame)).collect()
    }

    /// Frames from one on, up to `most` or to one that repeats another.
    fn run(&self, from: usize, most: usize) -> impl Iterator<Item = &Waiting> {
        self.frames.iter().skip(from).take_while(|waiting| !waiting.repeats).take(most)
    }

    /// Lets go of the frames before a place: they are coded.
    pub fn forget(&mut self, place: u32) {
        self.frames.drain(..(place - self.place) as usize);
        self.place = place;
        self.leanings.retain(|[from, _], _| *from >= place);
    }

    /// Steps after the first `skipped` frames, from one frame that is built on to the next, at most `span` frames long: both places.
    fn steps(&self, skipped: u32, span: u32) -> Vec<[u32; 2]> {
        let mut steps = Vec::new();
        let mut from = skipped as usize;
        while from + 1 < self.len() {
            let to = from + self.run(from + 1, span as usize).count().max(1);
            steps.push([from, to].map(|at| self.place + at as u32));
            from = to;
        }
        steps
    }

    /// How often what is spent on the sites of the frame after the first `skipped` ones counts, once for itself and for what is built on
    /// it: the mean of the logarithms to base 2. Frames that are built on follow each other by `span`; of those that do not wait yet
    /// nothing is foreseen.
    pub fn doublings(&mut self, skipped: u32, span: u32, lambda: f32) -> f32 {
        let steps = self.steps(skipped, span);
        self.lean(&steps, lambda);
        let leanings = steps.iter().map(|step| self.leanings.get(step));
        let mut worth = vec![1.0; self.sites];
        for ([from, to], leaning) in steps.iter().zip(leanings).rev() {
            if let Some(leaning) = leaning {
                // What lies between leans on both ends, and through the later one on the earlier one, too.
                worth = leaning.handed_back(&worth, 2.0 * HALF * (to - from - 1) as f32);
            }
            worth.iter_mut().for_each(|worth| *worth += 1.0);
        }
        let between = HALF * skipped as f32;
        worth.iter().map(|worth| (worth + between).log2()).sum::<f32>() / self.sites as f32
    }

    /// Finds how frames lean on earlier ones, by both places, where they do not repeat them and it is not known yet.
    fn lean(&mut self, steps: &[[u32; 2]], lambda: f32) {
        let frames = |step: &[u32; 2]| step.map(|place| &self.frames[(place - self.place) as usize]);
        let new = |step: &&[u32; 2]| !frames(step)[1].repeats && !self.leanings.contains_key(*step);
        let lean = |step: &[u32; 2]| {
            let [before, after] = frames(step);
            (*step, Arc::new(Leaning::new(&after.frame, &before.frame, lambda)))
        };
        let found: Vec<_> = steps.par_iter().filter(new).map(lean).collect();
        self.leanings.extend(found);
    }
}

impl Leaning {
    fn new(frame: &Yuv420, before: &Yuv420, lambda: f32) -> Leaning {
        let [luma, before] = [frame, before].map(|frame| Plane::luma(&padded(frame)));
        let flow = Flow::from(&search(&luma, &before, vectors::SEARCH * lambda));
        let seen = warp_luma(&before.half_samples(), &flow, Blend::Pictures);
        let mut errors = vec![0.0; flow.width * flow.height];
        for (i, (&own, seen)) in luma.data.iter().zip(seen).enumerate() {
            let site = i / luma.width / SITE * flow.width + i % luma.width / SITE;
            errors[site] += (f32::from(own) - seen as f32 / GREY_LEVEL as f32).powi(2) / (SITE * SITE) as f32;
        }
        let shares = errors.iter().map(|error| 1.0 / (1.0 + error / (QUANTISED * lambda))).collect();
        Leaning { flow, shares }
    }

    /// What the sites of the earlier frame are worth to the later one, whose sites have a worth of their own, and `between` on
    /// top of it.
    fn handed_back(&self, worth: &[f32], between: f32) -> Vec<f32> {
        let Flow { width, height, ref data } = self.flow;
        let sites = width * height;
        let mut back = vec![0.0; sites];
        let along = |component: usize, site: usize, at: usize, side: usize| {
            let place = at as f32 + data[component * sites + site] as f32 / (1 << FLOW.frac) as f32;
            let place = place.clamp(0.0, (side - 1) as f32);
            let whole = (place as usize).min(side.saturating_sub(2));
            (whole, place - whole as f32)
        };
        for (site, (worth, share)) in worth.iter().zip(&self.shares).enumerate() {
            let (left, right) = along(0, site, site % width, width);
            let (top, below) = along(1, site, site / width, height);
            let given = share * (worth + between);
            for (row, upright) in [(top, 1.0 - below), (top + 1, below)] {
                for (column, across) in [(left, 1.0 - right), (left + 1, right)] {
                    if row < height && column < width {
                        back[row * width + column] += given * upright * across;
                    }
                }
            }
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAMBDA: f32 = 100.0;

    /// Noise, another one for every seed, or a picture that stands still.
    fn picture(seed: Option<u32>) -> Arc<Yuv420> {
        let (width, height) = (64, 48);
        let mut state = seed.unwrap_or(7).wrapping_mul(2_654_435_761) | 1;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let y = (0..width * height).map(|_| noise()).collect();
        Arc::new(Yuv420 {
            width,
            height,
            y,
            u: vec![128; width * height / 4],
            v: vec![128; width * height / 4],
        })
    }

    fn doublings(frames: &[(Option<u32>, bool)]) -> f32 {
        let mut lookahead = Lookahead::new([6, 8]);
        frames.iter().for_each(|&(seed, repeats)| lookahead.push(picture(seed), repeats));
        lookahead.doublings(0, 4, LAMBDA)
    }

    #[test]
    fn a_frame_counts_for_all_that_show_the_same() {
        let still = [(None, false); 17];
        for known in [1, 5, 9, 17] {
            assert!((doublings(&still[..known]) - (known as f32).log2()).abs() < 0.01, "{known}");
        }
        let repeated: Vec<_> = (0..8).map(|i| (None, i > 0)).collect();
        assert_eq!(doublings(&repeated), 3.0);
    }

    #[test]
    fn nothing_leans_on_what_shows_something_else() {
        let noise: Vec<_> = (1..14).map(|seed| (Some(seed), false)).collect();
        assert!(doublings(&noise) < 0.2);
        // Up to the change, and from there.
        let cut: Vec<_> = (0..13).map(|i| ((i > 4).then_some(9), false)).collect();
        let whole = doublings(&cut);
        assert!((whole - 5f32.log2()).abs() < 0.3, "{whole}");
    }

    #[test]
    fn worth_goes_where_motion_came_from() {
        let sites = 12;
        let mut data = vec![0; 2 * sites];
        // The second site shows what lay one site and a half to the right of it.
        data[1] = 3 << (FLOW.frac - 1);
        let leaning = Leaning { flow: Flow { width: 4, height: 3, data }, shares: vec![0.5; sites] };
        let mut worth = vec![0.0; sites];
        worth[1] = 8.0;
        let back = leaning.handed_back(&worth, 0.0);
        assert_eq!(back[..5], [0.0, 0.0, 2.0, 2.0, 0.0]);
        assert_eq!(leaning.handed_back(&vec![2.0; sites], 2.0).iter().sum::<f32>(), 24.0);
    }

    #[test]
    fn frames_are_handed_out_in_runs_and_forgotten() {
        let mut lookahead = Lookahead::new([6, 8]);
        for repeats in [false, false, true, false] {
            lookahead.push(picture(None), repeats);
        }
        assert_eq!((lookahead.next(4).len(), lookahead.next(1).len()), (2, 1));
        lookahead.doublings(1, 4, LAMBDA);
        lookahead.forget(2);
        assert!(lookahead.repeats() && lookahead.next(4).is_empty());
        assert_eq!((lookahead.len(), lookahead.place, lookahead.leanings.len()), (2, 2, 1));
        assert!(lookahead.doublings(0, 4, LAMBDA) > 0.9);
    }
}
