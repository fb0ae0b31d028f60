//! Shots: runs of frames that belong together.

use std::ops::Range;

/// Shots of a video of so many frames: it is cut where scenes change, and what is longer than `longest` frames is divided
/// where it changes most, as often as needed (binary segmentation, Scott and Knott 1974). `picks` are the frames that
/// `features` describe.
pub fn shots(
    cuts: &[u64],
    frames: u64,
    picks: &[u64],
    features: &[Vec<f32>],
    longest: u64,
) -> Vec<Range<u64>> {
    let longest = longest.max(2);
    let mut shots = Vec::new();
    let ends = cuts.iter().copied().filter(|cut| *cut > 0 && *cut < frames).chain([frames]);
    let mut start = 0;
    for end in ends {
        if end > start {
            divide(start..end, picks, features, longest, &mut shots);
        }
        start = end;
    }
    shots
}

fn divide(shot: Range<u64>, picks: &[u64], features: &[Vec<f32>], longest: u64, shots: &mut Vec<Range<u64>>) {
    let length = shot.end - shot.start;
    if length <= longest {
        return shots.push(shot);
    }
    let at = best_cut(&shot, picks, features, longest / 4).unwrap_or(shot.start + length / 2);
    divide(shot.start..at, picks, features, longest, shots);
    divide(at..shot.end, picks, features, longest, shots);
}

/// The picked frame that parts a shot in two whose means are furthest apart, weighted so that the scatter within both
/// becomes least. No part gets shorter than `shortest` frames.
fn best_cut(shot: &Range<u64>, picks: &[u64], features: &[Vec<f32>], shortest: u64) -> Option<u64> {
    let first = picks.partition_point(|pick| *pick < shot.start);
    let last = picks.partition_point(|pick| *pick < shot.end);
    let part = &features[first..last];
    let mut right = vec![0.0f32; part.first()?.len()];
    let mut left = right.clone();
    let add = |sum: &mut [f32], feature: &[f32], sign: f32| {
        sum.iter_mut().zip(feature).for_each(|(sum, value)| *sum += sign * value);
    };
    part.iter().for_each(|feature| add(&mut right, feature, 1.0));
    let mut best = None;
    for k in 1..part.len() {
        add(&mut left, &part[k - 1], 1.0);
        add(&mut right, &part[k - 1], -1.0);
        let frame = picks[first + k];
        if frame - shot.start < shortest.max(1) || shot.end - frame < shortest.max(1) {
            continue;
        }
        let (a, b) = (k as f32, (part.len() - k) as f32);
        let apart: f32 = left.iter().zip(&right).map(|(l, r)| (l / a - r / b).powi(2)).sum();
        let gain = apart * a * b / (a + b);
        if best.is_none_or(|(most, _)| gain > most) {
            best = Some((gain, frame));
        }
    }
    best.map(|(_, frame)| frame)
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

    #[test]
    fn long_shots_are_divided_where_they_change() {
        let picks: Vec<u64> = (0..60).map(|k| 10 * k).collect();
        let features: Vec<Vec<f32>> =
            picks.iter().map(|frame| vec![if *frame < 430 { 0.0 } else { 1.0 }, 0.5]).collect();
        let found = shots(&[200], 600, &picks, &features, 300);
        assert_eq!(found, [0..200, 200..430, 430..600]);
        let found = shots(&[], 600, &picks, &features, 100);
        assert!(
            found.iter().all(|shot| shot.end - shot.start <= 100)
                && found.iter().any(|shot| shot.start == 430)
        );
        assert_eq!(found.iter().map(|shot| shot.end - shot.start).sum::<u64>(), 600);
        // Without pictures to go by.
        assert_eq!(shots(&[], 9, &[], &[], 5), [0..4, 4..9]);
        assert_eq!(frame_scores(&[1.0, 2.0], &[0, 3], 5), [1.0, 1.0, 1.0, 2.0, 2.0]);
    }
}
