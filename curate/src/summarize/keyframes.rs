//! Keyframes that maximise the reward.

use super::space::{NEAR, Space};

/// Rounds of exchanges: each makes the reward larger, few are needed.
const ROUNDS: usize = 20;

/// The keyframes of a video.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyframes {
    /// Their indices, in order.
    pub selected: Vec<usize>,
    /// Their reward.
    pub reward: f32,
    /// The reward after each step: keyframes that were added, then exchanges.
    pub steps: Vec<f32>,
}

/// So many keyframes: each is added that makes the reward largest, then keyframes are exchanged for others as long as that
/// makes it larger. What is found is near the best that there is: to know it, all selections would have to be tried.
pub fn keyframes(space: &Space, count: usize) -> Keyframes {
    let mut selected: Vec<usize> = Vec::new();
    let mut steps = Vec::new();
    while selected.len() < count.min(space.len()) {
        let Some((best, reward)) = best_addition(space, &selected) else { break };
        selected.push(best);
        steps.push(reward);
    }
    for _ in 0..ROUNDS {
        let before = steps.last().copied().unwrap_or_default();
        for at in 0..selected.len() {
            let mut others = selected.clone();
            others.remove(at);
            match best_addition(space, &others) {
                Some((best, reward)) if reward > steps.last().copied().unwrap_or_default() + 1e-6 => {
                    selected[at] = best;
                    steps.push(reward);
                }
                _ => {}
            }
        }
        if steps.last().copied().unwrap_or_default() <= before {
            break;
        }
    }
    selected.sort_unstable();
    let reward = space.reward(&selected);
    Keyframes { selected, reward, steps }
}

/// The picture that makes the reward of a selection largest, and that reward.
fn best_addition(space: &Space, selected: &[usize]) -> Option<(usize, f32)> {
    let all = 0..space.len();
    let nearest: Vec<f32> = all.clone().map(|picture| space.nearest(picture, selected)).collect();
    let pairs = space.pairs(selected);
    let rated = all.filter(|picture| !selected.contains(picture)).map(|picture| {
        let pairs = pairs + selected.iter().map(|s| space.difference(picture, *s)).sum::<f32>();
        let sum: f32 = nearest.iter().enumerate().map(|(t, near)| near.min(space.distance(t, picture))).sum();
        (picture, space.rate(selected.len() + 1, pairs, sum))
    });
    rated.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
}

/// How well keyframes speak for each picture: how alike it is to the most alike of those that are near in time.
pub fn scores(space: &Space, keyframes: &[usize]) -> Vec<f32> {
    let score = |picture: usize| {
        let near = keyframes.iter().filter(|keyframe| keyframe.abs_diff(picture) <= NEAR);
        near.map(|keyframe| space.cosine(picture, *keyframe)).fold(0.0, f32::max)
    };
    (0..space.len()).map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four shots of ten pictures; the second and the fourth show nearly the same.
    fn four_shots() -> Space {
        let shown = [0, 1, 2, 1];
        let feature = |t: usize| {
            let mut feature = vec![0.0; 4];
            feature[shown[t / 10]] = 1.0;
            feature[3] = 0.02 * (t % 10) as f32;
            feature
        };
        Space::new(&(0..40).map(feature).collect::<Vec<_>>())
    }

    #[test]
    fn one_keyframe_of_each_thing_that_is_shown() {
        let space = four_shots();
        let found = keyframes(&space, 3);
        let shots: Vec<usize> = found.selected.iter().map(|t| t / 10).collect();
        assert!(shots == [0, 1, 2] || shots == [0, 2, 3], "{found:?}");
        assert!(found.steps.is_sorted(), "{found:?}");
        assert!((found.reward - space.reward(&found.selected)).abs() < 1e-5);
        // No three pictures do much better.
        for a in 0..40 {
            for b in 0..a {
                for c in 0..b {
                    assert!(space.reward(&[c, b, a]) <= found.reward + 0.01, "{c} {b} {a}");
                }
            }
        }
        let scores = scores(&space, &found.selected);
        assert!(found.selected.iter().all(|t| scores[*t] > 0.999));
        assert_eq!(keyframes(&space, 100).selected.len(), 40);
        assert!(keyframes(&Space::new(&[]), 3).selected.is_empty());
    }

    #[test]
    fn what_is_far_apart_in_time_counts_as_different() {
        let space = Space::new(&vec![vec![1.0, 2.0]; 30]);
        assert!(space.difference(0, 20).abs() < 1e-6);
        assert_eq!(space.difference(0, 21), 1.0);
        assert!((space.reward(&[0, 25]) - 1.0).abs() < 1e-3 && (space.reward(&[0, 5]) - 0.5).abs() < 1e-3);
    }
}
