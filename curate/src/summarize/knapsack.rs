//! Which shots make a summary of a given length.

use std::ops::Range;

/// Most cells of the table; larger problems are solved in coarser units of length.
const CELLS: usize = 1 << 27;

/// The items that are worth most together and take no more than there is room for (Bellman 1957). Each has a value of 0 or
/// more and a size. Exact while items times room is at most 2^27; beyond, sizes are rounded up.
pub fn knapsack(items: &[(f64, u64)], room: u64) -> Vec<usize> {
    let unit = (items.len() as u64 * (room + 1)).div_ceil(CELLS as u64).max(1);
    let room = (room / unit) as usize;
    let size = |at: usize| usize::try_from(items[at].1.div_ceil(unit)).unwrap_or(usize::MAX);
    let mut best = vec![0.0f64; room + 1];
    let mut taken = vec![false; items.len() * (room + 1)];
    for (at, (value, _)) in items.iter().enumerate() {
        let size = size(at);
        for left in (size..=room).rev() {
            let with = best[left - size] + value;
            if with > best[left] {
                best[left] = with;
                taken[at * (room + 1) + left] = true;
            }
        }
    }
    let mut chosen = Vec::new();
    let mut left = room;
    for at in (0..items.len()).rev() {
        if taken[at * (room + 1) + left] {
            chosen.push(at);
            left -= size(at);
        }
    }
    chosen.reverse();
    chosen
}

/// The shots of a summary that takes a share of a video: those whose mean scores sum up highest. `frame_scores` has a score
/// of 0 or more for each frame.
pub fn summary(shots: &[Range<u64>], frame_scores: &[f32], share: f64) -> Vec<usize> {
    let items: Vec<(f64, u64)> = shots
        .iter()
        .map(|shot| {
            let frames = &frame_scores[shot.start as usize..shot.end as usize];
            let mean = frames.iter().map(|score| f64::from(*score)).sum::<f64>() / frames.len().max(1) as f64;
            (mean, shot.end - shot.start)
        })
        .collect();
    knapsack(&items, (frame_scores.len() as f64 * share) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_choice_is_worth_more() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..50 {
            let items: Vec<(f64, u64)> = (0..10).map(|_| (random.f64(), random.u64(1..30))).collect();
            let room = random.u64(0..100);
            let total = |chosen: &mut dyn Iterator<Item = usize>| {
                chosen.fold((0.0, 0), |(value, size), at| (value + items[at].0, size + items[at].1))
            };
            let (value, size) = total(&mut knapsack(&items, room).into_iter());
            assert!(size <= room);
            for mask in 0u32..1 << 10 {
                let (other, size) = total(&mut (0..10).filter(|at| mask >> at & 1 == 1));
                assert!(size > room || other <= value + 1e-9);
            }
        }
        assert!(knapsack(&[], 10).is_empty() && knapsack(&[(1.0, 3)], 2).is_empty());
        // A day of film in a thousand shots.
        let items: Vec<(f64, u64)> = (0..1000).map(|k| (f64::from(k % 7), 2160)).collect();
        assert!(knapsack(&items, 324_000).len() > 120);
    }
}
