//! Shots: runs of frames that belong together.

use std::ops::Range;

use super::space::Space;

/// A shot is at least this part of the longest one, where there is a way.
const SHORTEST: u64 = 4;

/// Shots of a video of so many frames: it is cut where scenes change, and scenes are divided by kernel temporal
/// segmentation into shots of at most `longest` frames. `picks` are the frames that `space` knows.
pub fn shots(cuts: &[u64], frames: u64, picks: &[u64], space: &Space, longest: u64) -> Vec<Range<u64>> {
    let longest = longest.max(2);
    let mut shots = Vec::new();
    let ends = cuts.iter().copied().filter(|cut| *cut > 0 && *cut < frames).chain([frames]);
    let mut start = 0;
    for end in ends.filter(|end| *end > 0) {
        if end > start {
            let scene = Scene::new(start..end, picks, space);
            let least = longest / SHORTEST;
            let bounds = scene.segmented(least, longest).or_else(|| scene.segmented(1, longest));
            let bounds = bounds.unwrap_or_else(|| vec![start, end]);
            bounds.windows(2).for_each(|ends| halve(ends[0]..ends[1], longest, &mut shots));
        }
        start = end;
    }
    shots
}

/// What no picture says how to divide is halved.
fn halve(shot: Range<u64>, longest: u64, shots: &mut Vec<Range<u64>>) {
    if shot.end - shot.start <= longest {
        return shots.push(shot);
    }
    let middle = shot.start + (shot.end - shot.start) / 2;
    halve(shot.start..middle, longest, shots);
    halve(middle..shot.end, longest, shots);
}

/// A scene and its pictures.
struct Scene<'a> {
    space: &'a Space,
    /// The first picture.
    first: usize,
    /// Where the scene may be divided, and its ends: before picture `k` at `bounds[k]`.
    bounds: Vec<u64>,
}

impl Scene<'_> {
    fn new<'a>(frames: Range<u64>, picks: &[u64], space: &'a Space) -> Scene<'a> {
        let [first, last] =
            [frames.start, frames.end].map(|end| picks.partition_point(|pick| *pick < end).min(space.len()));
        let inner = picks.get(first + 1..last).unwrap_or_default();
        let bounds = [&[frames.start][..], inner, &[frames.end]].concat();
        Scene { space, first, bounds }
    }

    /// The ends of the segments whose scatter is least, with a penalty for their number (Potapov, Douze, Harchaoui and
    /// Schmid, Category-Specific Video Summarization, ECCV 2014). None if no segments are of `least` to `most` frames,
    /// or longer and of a single picture.
    fn segmented(&self, least: u64, most: u64) -> Option<Vec<u64>> {
        let count = self.bounds.len() - 1;
        let scatters = self.scatters(least, most);
        let frames = self.bounds[count] - self.bounds[0];
        let segments = count.min((frames / least.max(most / SHORTEST).max(1)) as usize + 1);
        // For each number of segments and of pictures in them: the least scatter, and where the last segment begins.
        let mut costs = vec![f64::INFINITY; count + 1];
        costs[0] = 0.0;
        let mut begins: Vec<Vec<u32>> = Vec::new();
        let mut best: Option<(f64, usize)> = None;
        for number in 1..=segments {
            let mut row = vec![f64::INFINITY; count + 1];
            let mut begin = vec![0; count + 1];
            for (end, scatters) in scatters.iter().enumerate() {
                for (start, scatter) in scatters {
                    let cost = costs[*start] + scatter;
                    if cost < row[end] {
                        (row[end], begin[end]) = (cost, *start as u32);
                    }
                }
            }
            costs = row;
            begins.push(begin);
            let cuts = (number - 1) as f64;
            let penalty = if number > 1 { cuts / 2.0 * ((count as f64 / cuts).ln() + 1.0) } else { 0.0 };
            let total = costs[count] + penalty;
            if total.is_finite() && best.is_none_or(|(least, _)| total < least) {
                best = Some((total, number));
            }
        }
        let (_, number) = best?;
        let mut ends = vec![self.bounds[count]];
        let mut end = count;
        for begin in begins[..number].iter().rev() {
            end = begin[end] as usize;
            ends.push(self.bounds[end]);
        }
        ends.reverse();
        Some(ends)
    }

    /// For each end, where segments may begin that end there, and how much the pictures in between differ from their mean:
    /// the sum of squared distances, in the space of directions.
    fn scatters(&self, least: u64, most: u64) -> Vec<Vec<(usize, f64)>> {
        let count = self.bounds.len() - 1;
        let picture = |at: usize| self.first + at;
        let known = |at: usize| picture(at) < self.space.len();
        // Sums of the cosines of all pairs in the segments that end here, by where they begin.
        let mut sums = vec![0.0f64; count];
        let mut all = vec![Vec::new()];
        for end in 1..=count {
            let last = end - 1;
            let mut row = 0.0;
            let mut found = Vec::new();
            for start in (0..end).rev() {
                let frames = self.bounds[end] - self.bounds[start];
                let single = start == last;
                if frames > most && !single {
                    break;
                }
                if known(last) && !single {
                    row += f64::from(self.space.cosine(picture(start), picture(last)));
                }
                sums[start] += 2.0 * row + 1.0;
                if frames >= least {
                    let length = (end - start) as f64;
                    found.push((start, (length - sums[start] / length).max(0.0)));
                }
            }
            all.push(found);
        }
        all
    }
}

/// A score for each of so many frames: that of the last picked frame up to it.
pub fn frame_scores(scores: &[f32], picks: &[u64], frames: u64) -> Vec<f32> {
    let mut out = vec![0.0; frames as usize];
    for (k, score) in scores.iter().enumerate() {
        let start = picks.get(k).copied().unwrap_or(frames).min(frames);
        let end = picks.get(k + 1).copied().unwrap_or(frames).clamp(start, frames);
        out[start as usize..end as usize].fill(*score);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(shots: &[Range<u64>], frames: u64, longest: u64) -> bool {
        shots.iter().all(|shot| shot.end - shot.start <= longest && shot.start < shot.end)
            && shots.windows(2).all(|pair| pair[0].end == pair[1].start)
            && shots.first().map(|shot| shot.start) == Some(0)
            && shots.last().map(|shot| shot.end) == Some(frames)
    }

    #[test]
    fn scenes_are_divided_where_they_change() {
        let picks: Vec<u64> = (0..60).map(|k| 10 * k).collect();
        // What was there before comes again: no single cut makes such a scene simpler, two do.
        let shown = |frame: u64| match frame {
            210..330 => vec![1.0, 0.0, 0.1],
            _ => vec![0.0, 1.0, 0.1],
        };
        let space = Space::new(&picks.iter().map(|frame| shown(*frame)).collect::<Vec<_>>());
        assert_eq!(shots(&[], 600, &picks, &space, 300), [0..210, 210..330, 330..600]);
        assert_eq!(shots(&[100], 600, &picks, &space, 300), [0..100, 100..210, 210..330, 330..600]);
        let found = shots(&[], 600, &picks, &space, 100);
        assert!(spans(&found, 600, 100) && found.len() < 12, "{found:?}");
        assert!(found.iter().any(|shot| shot.start == 210) && found.iter().any(|shot| shot.start == 330));
        // A still scene is not divided for nothing.
        let still = Space::new(&vec![vec![0.0; 3]; 60]);
        assert_eq!(shots(&[], 600, &picks, &still, 700), std::slice::from_ref(&(0..600)));
    }

    #[test]
    fn no_other_division_costs_less() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..20 {
            let features: Vec<Vec<f32>> =
                (0..9).map(|_| (0..3).map(|_| random.f32() - 0.5).collect()).collect();
            let space = Space::new(&features);
            let picks: Vec<u64> = (0..9).collect();
            let scene = Scene::new(0..9, &picks, &space);
            let scatter = |from: usize, to: usize| {
                let pairs = (from..to).flat_map(|a| (from..to).map(move |b| (a, b)));
                let sum: f64 = pairs.map(|(a, b)| f64::from(space.cosine(a, b))).sum();
                (to - from) as f64 - sum / (to - from) as f64
            };
            let cost = |ends: &[usize]| {
                let cuts = (ends.len() - 2) as f64;
                let penalty = if cuts > 0.0 { cuts / 2.0 * ((9.0 / cuts).ln() + 1.0) } else { 0.0 };
                penalty + ends.windows(2).map(|ends| scatter(ends[0], ends[1])).sum::<f64>()
            };
            let found: Vec<usize> =
                scene.segmented(1, 4).unwrap().into_iter().map(|end| end as usize).collect();
            for mask in 0u32..1 << 8 {
                let inner = (1..9).filter(|at| mask >> (at - 1) & 1 == 1);
                let ends: Vec<usize> = [0].into_iter().chain(inner).chain([9]).collect();
                let allowed = ends.windows(2).all(|ends| ends[1] - ends[0] <= 4);
                assert!(!allowed || cost(&found) <= cost(&ends) + 1e-4, "{found:?} {ends:?}");
            }
        }
    }

    #[test]
    fn without_pictures_to_go_by() {
        let none = Space::new(&[]);
        assert_eq!(shots(&[], 9, &[], &none, 5), [0..4, 4..9]);
        assert!(shots(&[], 0, &[], &none, 5).is_empty());
        let one = Space::new(&[vec![1.0]]);
        assert!(spans(&shots(&[3], 100, &[0], &one, 7), 100, 7));
        assert_eq!(frame_scores(&[1.0, 2.0], &[0, 3], 5), [1.0, 1.0, 1.0, 2.0, 2.0]);
    }
}
