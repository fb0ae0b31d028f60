//! Where GOPs begin: content-defined cuts, so that equal runs of frames become equal GOPs in any video they occur in.
//!
//! As in content-defined chunking of files (Muthitacharoen et al. 2001; the normalisation of FastCDC, Xia et al. 2016),
//! a cut is decided by a hash of the last few frames alone. Two videos that share a stretch of frames therefore soon
//! cut it at the same places, whatever precedes it: the archive stores that stretch once.

use std::collections::VecDeque;

use vcn_media::Yuv420;

use crate::container::MAX_GOP_FRAMES;

/// How a video is divided into GOPs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GopPolicy {
    /// At places that the content decides, and at scene changes.
    Auto {
        /// Fewest frames, except before a scene change and in the last GOP.
        min: u32,
        /// About how many frames there are in the mean.
        average: u32,
        /// Most frames.
        max: u32,
    },
    /// Every so many frames.
    Fixed(u32),
    /// One GOP, as far as the format allows ([`MAX_GOP_FRAMES`]).
    All,
}

impl GopPolicy {
    /// About how many frames its GOPs have.
    pub fn length(self) -> u32 {
        match self {
            GopPolicy::Auto { average, .. } => average,
            GopPolicy::Fixed(length) => length,
            GopPolicy::All => MAX_GOP_FRAMES,
        }
    }

    /// The most frames that a GOP may have.
    pub fn longest(self) -> u32 {
        match self {
            GopPolicy::Auto { max, .. } => max,
            GopPolicy::Fixed(_) | GopPolicy::All => self.length(),
        }
    }
}

impl Default for GopPolicy {
    fn default() -> GopPolicy {
        GopPolicy::Auto { min: 8, average: 24, max: 48 }
    }
}

/// Distinct frames whose hashes decide a cut together.
const WINDOW: usize = 4;

/// Decides frame by frame, without looking ahead, where GOPs begin.
#[derive(Clone, Debug)]
pub struct Splitter {
    policy: GopPolicy,
    /// Frames in the current GOP, 0 before the first.
    frames: u32,
    /// Hash of the last frame.
    last: Option<u64>,
    /// Hashes of the last [`WINDOW`] frames that differed from their predecessors.
    window: VecDeque<u64>,
    scene: SceneChange,
}

impl Splitter {
    /// Before the first frame.
    pub fn new(policy: GopPolicy) -> Splitter {
        Splitter { policy, frames: 0, last: None, window: VecDeque::new(), scene: SceneChange::default() }
    }

    /// Takes the next frame; whether a GOP starts with it, as one always does with the first.
    pub fn starts(&mut self, frame: &Yuv420) -> bool {
        let cut = match self.policy {
            GopPolicy::Auto { min, average, max } => self.content(frame, min, average, max),
            GopPolicy::Fixed(length) => self.frames >= length,
            GopPolicy::All => false,
        };
        let starts = self.frames == 0 || cut || self.frames >= MAX_GOP_FRAMES;
        self.frames = if starts { 1 } else { self.frames + 1 };
        starts
    }

    fn content(&mut self, frame: &Yuv420, min: u32, average: u32, max: u32) -> bool {
        let hash = frame_hash(frame);
        // A repeated frame neither cuts nor counts for the window: a still shot is cut at the most frames only, so all
        // its GOPs but the first and the last are one and the same; and dropped or doubled frames move no cuts.
        if self.last.replace(hash) == Some(hash) {
            return self.frames >= max;
        }
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(hash);
        if self.scene.is_change(frame) {
            return true;
        }
        // Cuts are rarer up to the average and more frequent from there, which keeps lengths near it.
        let span = u64::from(average.saturating_sub(min).max(1));
        let once_in = if self.frames < average { span * 3 / 2 } else { span.div_ceil(2) };
        let meets = self.window.len() == WINDOW && mixed(&self.window) <= u64::MAX / once_in.max(1);
        self.frames >= max || (self.frames >= min && meets)
    }
}

/// The first bytes of the blake3 hash of a frame's size and planes.
fn frame_hash(frame: &Yuv420) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for side in [frame.width, frame.height] {
        hasher.update(&(side as u64).to_le_bytes());
    }
    for plane in [&frame.y, &frame.u, &frame.v] {
        hasher.update(plane);
    }
    first(&hasher.finalize())
}

/// One hash of several, in order.
fn mixed(hashes: &VecDeque<u64>) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hashes.iter().for_each(|hash| {
        hasher.update(&hash.to_le_bytes());
    });
    first(&hasher.finalize())
}

fn first(hash: &blake3::Hash) -> u64 {
    let bytes = hash.as_bytes();
    u64::from_le_bytes(std::array::from_fn(|i| bytes[i]))
}

/// Differences before the current one that tell how much change is usual.
const USUAL: usize = 3;
/// The unit of differences: this many are one grey level.
const GREY: u32 = 16;

/// Finds the first frame of a new scene by comparing its luma with that of the frame before, and that difference with
/// the few differences before it: fast motion and flicker differ as much every time, a new scene only once.
#[derive(Clone, Debug, Default)]
pub struct SceneChange {
    /// Some luma samples of the last frame.
    previous: Option<Vec<u8>>,
    differences: VecDeque<u32>,
}

impl SceneChange {
    /// Takes the next frame, of the same size as those before; whether it is the first of a new scene.
    pub fn is_change(&mut self, frame: &Yuv420) -> bool {
        let samples = thumbnail(frame);
        let difference = self.previous.as_ref().map(|previous| difference(previous, &samples));
        self.previous = Some(samples);
        let Some(difference) = difference else { return false };
        let usual = self.differences.iter().copied().max();
        if self.differences.len() == USUAL {
            self.differences.pop_front();
        }
        self.differences.push_back(difference);
        let Some(usual) = usual else { return false };
        // Of 39 joints of natural clips these find all that stand out of the motion around them, and nothing else.
        (difference >= 24 * GREY && difference >= 2 * usual)
            || (difference >= 12 * GREY && difference >= 4 * usual)
    }
}

/// Luma samples on a coarse grid.
fn thumbnail(frame: &Yuv420) -> Vec<u8> {
    let stride = (frame.width.max(frame.height) / 128).max(1);
    let rows = frame.y.chunks_exact(frame.width).step_by(stride);
    rows.flat_map(|row| row.iter().step_by(stride)).copied().collect()
}

/// Mean absolute difference in units of 1 / [`GREY`] grey level.
fn difference(a: &[u8], b: &[u8]) -> u32 {
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    (u64::from(GREY) * sum / a.len().max(1) as u64) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Frames of a moving texture, each unlike the others.
    fn video(seed: u64, count: usize) -> Vec<Yuv420> {
        (0..count).map(|t| frame(seed, t as u64)).collect()
    }

    /// A smooth texture that depends on the seed and drifts with time, with noise as cameras have.
    fn frame(seed: u64, t: u64) -> Yuv420 {
        let (width, height) = (24usize, 18usize);
        let mut state = (seed << 32 ^ t).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut noise = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 60) as u8
        };
        let level = (seed * 83 % 128) as usize;
        let sample = |i: usize, j: usize| (level + 3 * i + 2 * j + t as usize % 16) as u8;
        let y = (0..height * width).map(|k| sample(k / width, k % width).saturating_add(noise())).collect();
        let chroma = || vec![128; width / 2 * height / 2];
        Yuv420 { width, height, y, u: chroma(), v: chroma() }
    }

    fn cuts(frames: &[Yuv420], policy: GopPolicy) -> Vec<usize> {
        let mut splitter = Splitter::new(policy);
        frames.iter().enumerate().filter_map(|(i, f)| splitter.starts(f).then_some(i)).collect()
    }

    /// GOPs as lists of frame hashes.
    fn segments(frames: &[Yuv420], policy: GopPolicy) -> Vec<Vec<u64>> {
        let mut starts = cuts(frames, policy);
        starts.push(frames.len());
        starts.windows(2).map(|w| frames[w[0]..w[1]].iter().map(frame_hash).collect()).collect()
    }

    /// Share of the frames of `edited` that are in GOPs of `original`.
    fn shared(original: &[Yuv420], edited: &[Yuv420], policy: GopPolicy) -> f64 {
        let known: HashSet<_> = segments(original, policy).into_iter().collect();
        let reused: usize =
            segments(edited, policy).iter().filter(|s| known.contains(*s)).map(Vec::len).sum();
        reused as f64 / edited.len() as f64
    }

    #[test]
    fn lengths_keep_to_the_policy() {
        let frames = video(1, 2000);
        let starts = cuts(&frames, GopPolicy::default());
        let lengths: Vec<usize> = starts.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(lengths.iter().all(|l| (8..=48).contains(l)), "{lengths:?}");
        let mean = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
        assert!((18.0..28.0).contains(&mean), "{mean}");
        assert_eq!(starts, cuts(&frames, GopPolicy::default()));
        assert_eq!(cuts(&frames[..10], GopPolicy::Fixed(4)), [0, 4, 8]);
        assert_eq!(cuts(&frames[..3], GopPolicy::Fixed(1)), [0, 1, 2]);
        assert_eq!(cuts(&frames, GopPolicy::All), [0]);
        // Values that nobody means do no harm.
        assert_eq!(cuts(&frames[..3], GopPolicy::Fixed(0)), [0, 1, 2]);
        assert_eq!(cuts(&frames[..3], GopPolicy::Auto { min: 9, average: 3, max: 0 }), [0, 1, 2]);
    }

    #[test]
    fn cuts_come_together_again_after_a_trim() {
        let mut distances = Vec::new();
        for seed in 0..20 {
            let frames = video(seed, 700);
            let whole = cuts(&frames, GopPolicy::default());
            let trim = 37 + 11 * seed as usize;
            let rest: Vec<usize> =
                cuts(&frames[trim..], GopPolicy::default()).iter().map(|c| c + trim).collect();
            let first = rest.iter().position(|c| whole.contains(c)).expect("they meet");
            // From the first common cut on, all are common.
            assert_eq!(whole[whole.len() - (rest.len() - first)..], rest[first..]);
            distances.push(rest[first] - trim);
        }
        let mean = distances.iter().sum::<usize>() as f64 / distances.len() as f64;
        assert!(mean < 60.0, "{mean}");
    }

    #[test]
    fn edited_copies_share_most_of_their_frames() {
        let policy = GopPolicy::default();
        let mut sums = [0.0; 4];
        const VIDEOS: usize = 40;
        for seed in 0..VIDEOS {
            let frames = video(seed as u64, 673);
            let start = 7 + 13 * (seed % 30);
            let concat: Vec<Yuv420> =
                [5, 240, 470].iter().flat_map(|s| &frames[s + seed..s + seed + 150]).cloned().collect();
            let dropped: Vec<Yuv420> =
                frames.iter().enumerate().filter(|(i, _)| i % 100 != 99).map(|(_, f)| f.clone()).collect();
            let edits = [&frames[start..start + 60], &frames[start..start + 240], &concat, &dropped];
            for (sum, edited) in sums.iter_mut().zip(edits) {
                *sum += shared(&frames, edited, policy) / VIDEOS as f64;
            }
        }
        eprintln!(
            "shared frames: trim 60 {:.2}, trim 240 {:.2}, 3-way concat {:.2}, drop 1 in 100 {:.2}",
            sums[0], sums[1], sums[2], sums[3]
        );
        for (sum, floor) in sums.iter().zip([0.25, 0.75, 0.6, 0.58]) {
            assert!(*sum >= floor, "{sums:?}");
        }
    }

    #[test]
    fn a_still_shot_is_one_gop_many_times_over() {
        let mut frames = video(3, 20);
        frames.extend(vec![frame(3, 1000); 400]);
        frames.extend(video(3, 20));
        let policy = GopPolicy::default();
        let gops = segments(&frames, policy);
        let still = vec![frame_hash(&frame(3, 1000)); 48];
        let repeats = gops.iter().filter(|g| **g == still).count();
        assert!(repeats >= 6, "{repeats}");
        assert!(gops.len() <= repeats + 6);
    }

    #[test]
    fn doubled_frames_move_no_cut() {
        let frames = video(5, 300);
        let doubled: Vec<Yuv420> = frames.iter().flat_map(|f| [f.clone(), f.clone()]).collect();
        let policy = GopPolicy::Auto { min: 1, average: 24, max: 10_000 };
        let expected: Vec<usize> = cuts(&frames, policy).iter().map(|c| 2 * c).collect();
        let found = cuts(&doubled, policy);
        let common = found.iter().filter(|c| expected.contains(c)).count();
        assert!(common * 2 > expected.len(), "{found:?} {expected:?}");
    }

    #[test]
    fn a_new_scene_starts_a_gop_and_flicker_does_not() {
        let [a, b] = [frame(0, 0), frame(1, 0)];
        let mut frames = video(0, 5);
        frames.extend(video(1, 5));
        assert!(difference(&thumbnail(&a), &thumbnail(&b)) > 24 * GREY);
        assert_eq!(cuts(&frames, GopPolicy::default()), [0, 5]);
        let flicker: Vec<Yuv420> = (0..40).map(|t| frame(t % 2, t)).collect();
        assert!(cuts(&flicker, GopPolicy::default()).len() <= 5);
    }

    #[test]
    fn any_size_is_fine() {
        let one = |v| Yuv420 { width: 1, height: 1, y: vec![v], u: vec![1], v: vec![2] };
        let frames: Vec<Yuv420> = (0..200).map(one).collect();
        assert!(cuts(&frames, GopPolicy::default()).len() > 3);
    }
}
