//! Which videos are learned from, and which judge what was learned.

use serde::{Deserialize, Serialize};

/// A division of a data set; the same JSON as that of pytorch-vsumm-reinforce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Keys of the videos to learn from.
    pub train_keys: Vec<String>,
    /// Keys of the others.
    pub test_keys: Vec<String>,
}

/// Random divisions, so many, each with a share of the videos to learn from and at least one to judge.
pub fn splits(keys: &[String], count: usize, train_share: f64, seed: u64) -> Vec<Split> {
    let mut random = fastrand::Rng::with_seed(seed);
    let train = ((keys.len() as f64 * train_share) as usize).min(keys.len().saturating_sub(1));
    let split = |_| {
        let mut keys = keys.to_vec();
        random.shuffle(&mut keys);
        let test_keys = keys.split_off(train);
        Split { train_keys: keys, test_keys }
    };
    (0..count).map(split).collect()
}
