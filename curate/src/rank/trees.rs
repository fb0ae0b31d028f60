//! Gradient-boosted trees over metrics. `forust-ml` grows them; they are kept in a form of our own, which a reader can
//! check, and which outlives the crate.

use forust_ml::{GradientBooster, Matrix, objective::ObjectiveType};
use serde::{Deserialize, Serialize};

use super::metrics::Metrics;
use crate::error::{Error, Result};

/// Trees, their depth and their weight: labels are few, so trees are small and few.
const TREES: usize = 60;
const DEPTH: usize = 2;
const RATE: f32 = 0.1;

/// Trees whose leaves add up to log odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Trees {
    base: f64,
    trees: Vec<Vec<Node>>,
}

/// A node; children come after their parents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Node {
    Leaf { leaf: f64 },
    Split { metric: String, below: f64, yes: usize, no: usize },
}

impl Trees {
    /// Learns from scenes that are wanted or not.
    ///
    /// # Errors
    /// [`Error::Ranker`] if no metric tells any scene from another.
    pub fn fit(examples: &[(Metrics, bool)]) -> Result<Trees> {
        let failed = |reason: String| Error::Ranker { reason };
        let column =
            |at: usize| -> Vec<f64> { examples.iter().map(|(metrics, _)| metrics.values()[at]).collect() };
        // forust refuses metrics that are the same everywhere.
        let varies = |values: &[f64]| values.iter().any(|value| *value != values[0]);
        let (used, columns): (Vec<usize>, Vec<Vec<f64>>) =
            (0..Metrics::COUNT).map(|at| (at, column(at))).filter(|(_, values)| varies(values)).unzip();
        if used.is_empty() {
            return Err(failed("cannot learn: all labelled scenes measure the same".to_owned()));
        }
        let wanted: Vec<f64> = examples.iter().map(|(_, wanted)| f64::from(u8::from(*wanted))).collect();
        let mut booster = GradientBooster::default()
            .set_objective_type(ObjectiveType::LogLoss)
            .set_iterations(TREES)
            .set_max_depth(DEPTH)
            .set_learning_rate(RATE)
            .set_parallel(false);
        let data = columns.concat();
        let fitted = booster.fit_unweighted(&Matrix::new(&data, examples.len(), used.len()), &wanted, None);
        fitted.map_err(|error| failed(format!("cannot learn: {error}")))?;
        let name = |feature: usize| Metrics::NAMES[used[feature]].to_owned();
        let trees = booster.trees.iter().map(|tree| {
            let nodes = tree.nodes.iter().map(|node| match node.is_leaf {
                true => Node::Leaf { leaf: node.weight_value.into() },
                false => Node::Split {
                    metric: name(node.split_feature),
                    below: node.split_value,
                    yes: node.left_child,
                    no: node.right_child,
                },
            });
            nodes.collect()
        });
        Trees { base: booster.base_score, trees: trees.collect() }.checked()
    }

    /// The trees, if every walk through them ends in a leaf.
    ///
    /// # Errors
    /// [`Error::Ranker`] says what is wrong.
    pub fn checked(self) -> Result<Trees> {
        let sound = |nodes: &[Node]| {
            let child = |at: usize, child: usize| child > at && child < nodes.len();
            let node = |(at, node): (usize, &Node)| match node {
                Node::Leaf { leaf } => leaf.is_finite(),
                Node::Split { metric, below, yes, no } => {
                    Metrics::NAMES.contains(&metric.as_str())
                        && !below.is_nan()
                        && child(at, *yes)
                        && child(at, *no)
                }
            };
            !nodes.is_empty() && nodes.iter().enumerate().all(node)
        };
        match self.trees.iter().position(|nodes| !sound(nodes)) {
            None if self.base.is_finite() => Ok(self),
            None => Err(Error::Ranker { reason: "has a base that is no number".to_owned() }),
            Some(at) => Err(Error::Ranker { reason: format!("has a tree that is none: number {at}") }),
        }
    }

    /// How likely a scene is wanted, from 0 to 1.
    pub fn score(&self, metrics: &Metrics) -> f64 {
        let values = metrics.values();
        let value = |metric: &str| {
            let at = Metrics::NAMES.iter().position(|name| *name == metric);
            at.map_or(0.0, |at| values[at])
        };
        let leaf = |nodes: &Vec<Node>| {
            let mut at = 0;
            loop {
                match &nodes[at] {
                    Node::Leaf { leaf } => return *leaf,
                    Node::Split { metric, below, yes, no } => {
                        at = if value(metric) < *below { *yes } else { *no }
                    }
                }
            }
        };
        let odds = self.base + self.trees.iter().map(leaf).sum::<f64>();
        1.0 / (1.0 + (-odds).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_says_what_the_booster_says() {
        let examples: Vec<(Metrics, bool)> = (0..80)
            .map(|k| {
                let (motion, difference) = (f64::from(k * 7 % 13), f64::from(k * 5 % 11));
                let metrics =
                    Metrics { mean_motion: motion, mean_difference: difference, ..Metrics::default() };
                (metrics, motion + difference > 11.0)
            })
            .collect();
        let trees = Trees::fit(&examples).unwrap();
        let right = examples.iter().filter(|(metrics, wanted)| (trees.score(metrics) > 0.5) == *wanted);
        assert!(right.count() >= 78);
        let text = serde_json::to_string(&trees).unwrap();
        let again: Trees = serde_json::from_str(&text).unwrap();
        assert_eq!(again.checked().unwrap(), trees);
        // A walk that would never end, or leave the tree, is not begun.
        for (from, to) in
            [("\"yes\":1", "\"yes\":0"), ("\"no\":2", "\"no\":200"), ("mean_motion", "mean_emotion")]
        {
            let damaged: Trees = serde_json::from_str(&text.replace(from, to)).unwrap();
            assert!(damaged.checked().is_err(), "{from}");
        }
    }
}
