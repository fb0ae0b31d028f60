//! The best scenes, or random ones, at most one of a clip.

use std::collections::{BTreeMap, HashSet};

/// A scene to pick from.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its clip.
    pub clip: String,
    /// Its id.
    pub id: String,
    /// How good it is.
    pub score: f64,
}

/// Indices of the best candidates, at most one of each clip, the best first.
pub fn pick(candidates: &[Candidate], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&candidates[*a], &candidates[*b]);
        b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id))
    });
    let mut taken = HashSet::new();
    order.retain(|index| taken.insert(candidates[*index].clip.as_str()));
    order.truncate(count);
    order
}

/// Indices of random candidates: one of each of so many random clips.
pub fn pick_random(candidates: &[Candidate], count: usize, seed: u64) -> Vec<usize> {
    draw(candidates, count, &mut fastrand::Rng::with_seed(seed))
}

/// The same from numbers that go on.
pub(super) fn draw(candidates: &[Candidate], count: usize, random: &mut fastrand::Rng) -> Vec<usize> {
    let mut clips: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        clips.entry(&candidate.clip).or_default().push(index);
    }
    let some = random.choose_multiple(clips.values(), count);
    some.into_iter().filter_map(|scenes| random.choice(scenes).copied()).collect()
}
