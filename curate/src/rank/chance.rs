//! Whether what was picked is better than chance.

use std::collections::HashMap;

use serde::Serialize;

use super::pick::{Candidate, draw, pick};

/// Random selections that are drawn.
const ROUNDS: usize = 2000;

/// The share of wanted scenes among those that were picked, beside random ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BesideRandom {
    /// Scenes in a selection.
    pub scenes: usize,
    /// The share among the picked ones.
    pub picked: f64,
    /// The mean share among random ones.
    pub random: f64,
    /// Where 95 % of random selections are.
    pub random_range: [f64; 2],
}

/// Holds what is picked of labelled candidates against random selections, which too take one scene of a clip at most.
/// For candidates that the ranker learned from, their scores must be those that they got while held out. Nothing if none
/// can be picked.
pub fn beside_random(
    candidates: &[Candidate],
    wanted: &HashMap<String, bool>,
    count: usize,
    seed: u64,
) -> Option<BesideRandom> {
    let labelled: Vec<Candidate> =
        candidates.iter().filter(|candidate| wanted.contains_key(&candidate.id)).cloned().collect();
    let picked = pick(&labelled, count);
    let share = |indices: &[usize]| {
        let wanted = indices.iter().filter(|index| wanted.get(&labelled[**index].id) == Some(&true)).count();
        wanted as f64 / indices.len().max(1) as f64
    };
    if picked.is_empty() {
        return None;
    }
    let mut random = fastrand::Rng::with_seed(seed);
    let mut shares: Vec<f64> =
        (0..ROUNDS).map(|_| share(&draw(&labelled, picked.len(), &mut random))).collect();
    let mean = shares.iter().sum::<f64>() / ROUNDS as f64;
    let range = middle(&mut shares);
    Some(BesideRandom { scenes: picked.len(), picked: share(&picked), random: mean, random_range: range })
}

/// The difference of the means of two samples and its 95 % confidence interval, by resampling both (Efron 1979).
/// Nothing if one has no values.
pub fn difference(a: &[f64], b: &[f64], seed: u64) -> Option<(f64, [f64; 2])> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut again = |values: &[f64]| {
        values.iter().map(|_| values[random.usize(..values.len())]).sum::<f64>() / values.len() as f64
    };
    let mut differences: Vec<f64> = (0..ROUNDS).map(|_| again(a) - again(b)).collect();
    Some((mean(a) - mean(b), middle(&mut differences)))
}

/// The 95 % confidence interval of the ratio of two sums, by resampling the pairs that are summed up (Efron 1979).
pub(super) fn ratio(pairs: &[(f64, f64)]) -> [f64; 2] {
    let mut random = fastrand::Rng::with_seed(1);
    let mut again = || {
        let drawn = pairs.iter().map(|_| pairs[random.usize(..pairs.len())]);
        let (above, below) = drawn.fold((0.0, 0.0), |(a, b), pair| (a + pair.0, b + pair.1));
        above / below
    };
    middle(&mut (0..ROUNDS).map(|_| again()).collect::<Vec<f64>>())
}

/// The range without the lowest and the highest 2.5 %.
fn middle(values: &mut [f64]) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    let cut = values.len() / 40;
    [values[cut], values[values.len() - 1 - cut]]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn one_of_a_clip_and_better_than_chance() {
        let candidates: Vec<Candidate> = (0..90)
            .map(|index| Candidate {
                clip: format!("{}", index / 3),
                id: format!("{index:02}"),
                score: f64::from(index % 10) / 10.0,
            })
            .collect();
        let picked = pick(&candidates, 10);
        let clips: HashSet<&str> = picked.iter().map(|index| candidates[*index].clip.as_str()).collect();
        assert_eq!((picked.len(), clips.len()), (10, 10));
        assert!(picked.is_sorted_by(|a, b| candidates[*a].score >= candidates[*b].score));
        assert_eq!(pick(&candidates, 1000).len(), 30);

        let mut wanted: HashMap<String, bool> =
            candidates.iter().map(|candidate| (candidate.id.clone(), candidate.score >= 0.7)).collect();
        let found = beside_random(&candidates, &wanted, 10, 1).unwrap();
        assert!(found.picked == 1.0 && found.picked > found.random_range[1], "{found:?}");
        assert!((found.random - 0.3).abs() < 0.05, "{found:?}");
        wanted.clear();
        assert_eq!(beside_random(&candidates, &wanted, 10, 1), None);
    }

    #[test]
    fn a_difference_is_told_from_none() {
        let values = |offset: f64| -> Vec<f64> { (0..30).map(|k| f64::from(k * 7 % 11) + offset).collect() };
        let (mean, [low, high]) = difference(&values(3.0), &values(0.0), 1).unwrap();
        assert!((mean - 3.0).abs() < 1e-9 && low > 0.5 && high < 5.5, "{low} {high}");
        let (_, [low, high]) = difference(&values(0.0), &values(0.0), 1).unwrap();
        assert!(low < 0.0 && high > 0.0, "{low} {high}");
        assert_eq!(difference(&[], &[1.0], 1), None);
    }
}
