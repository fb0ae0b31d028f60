//! How well a summary agrees with those of people.

use serde::{Deserialize, Serialize};

/// F-scores of a summary, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FScores {
    /// The mean over people, which is usual for TVSum.
    pub mean: f64,
    /// The best over people, which is usual for SumMe.
    pub best: f64,
}

/// Compares the frames of a summary with those that each person took: the harmonic mean of precision and recall. Where a person's
/// row is shorter than the summary, this is cut, and where it is longer, nothing is taken of the rest, as in the evaluation
/// of pytorch-vsumm-reinforce.
pub fn f_scores(summary: &[bool], users: &[Vec<bool>]) -> FScores {
    let count = |frames: &[bool]| frames.iter().filter(|taken| **taken).count() as f64;
    let f = |user: &Vec<bool>| {
        let both = summary.iter().zip(user).filter(|(a, b)| **a && **b).count() as f64;
        let judged = &summary[..summary.len().min(user.len())];
        if both == 0.0 { 0.0 } else { 2.0 * both / (count(judged) + count(user)) }
    };
    let scores: Vec<f64> = users.iter().map(f).collect();
    FScores {
        mean: scores.iter().sum::<f64>() / scores.len().max(1) as f64,
        best: scores.iter().copied().fold(0.0, f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_and_recall() {
        let frames = |text: &str| text.chars().map(|c| c == '1').collect::<Vec<bool>>();
        let found =
            f_scores(&frames("11110000"), &[frames("00110000"), frames("00001111"), frames("11110000")]);
        // Precision 1/2 and recall 1; nothing in common; the same.
        assert!((found.mean - (2.0 / 3.0 + 0.0 + 1.0) / 3.0).abs() < 1e-12 && found.best == 1.0, "{found:?}");
        // One of the two frames taken is not judged; of two frames liked one is past the end.
        assert_eq!(f_scores(&frames("1001"), &[frames("100")]).best, 1.0);
        assert_eq!(f_scores(&frames("1000"), &[frames("10001")]).best, 2.0 / 3.0);
        assert_eq!(f_scores(&frames("0000"), &[frames("0000")]), FScores::default());
    }
}
