//! A threshold on a single metric: what trees must beat to be worth having.

use super::metrics::Metrics;

/// Scenes on one side of a value of one metric are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threshold {
    metric: usize,
    /// What is at least this, or below it.
    at: f64,
    above: bool,
}

impl Threshold {
    /// The threshold that judges most examples right.
    pub fn fit(examples: &[(Metrics, bool)]) -> Threshold {
        let wanted = examples.iter().filter(|(_, wanted)| *wanted).count();
        // Wanting everything is the best so far.
        let mut best = (wanted, Threshold { metric: 0, at: f64::NEG_INFINITY, above: true });
        for metric in 0..Metrics::COUNT {
            let mut values: Vec<(f64, bool)> =
                examples.iter().map(|(metrics, wanted)| (metrics.values()[metric], *wanted)).collect();
            values.sort_by(|a, b| a.0.total_cmp(&b.0));
            // How many are right if those from here on are wanted.
            let mut right = wanted;
            for (index, (value, wanted)) in values.iter().enumerate() {
                if index > 0 && values[index - 1].0 < *value {
                    // In the middle of the gap, where it serves others best.
                    let at = (values[index - 1].0 + value) / 2.0;
                    for (right, above) in [(right, true), (examples.len() - right, false)] {
                        if right > best.0 {
                            best = (right, Threshold { metric, at, above });
                        }
                    }
                }
                right = if *wanted { right - 1 } else { right + 1 };
            }
            if examples.len() - wanted > best.0 {
                best = (examples.len() - wanted, Threshold { metric, at: f64::INFINITY, above: true });
            }
        }
        best.1
    }

    /// Whether a scene is on the wanted side.
    pub fn wants(&self, metrics: &Metrics) -> bool {
        (metrics.values()[self.metric] >= self.at) == self.above
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_threshold_judges_more_right() {
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..50 {
            let example = |_| {
                let (motion, rest) = (f64::from(random.u32(0..8)), f64::from(random.u32(0..8)));
                let metrics = Metrics { mean_motion: motion, rest, ..Metrics::default() };
                (metrics, random.u32(0..8) < if rest > 4.0 { 2 } else { 6 })
            };
            let examples: Vec<(Metrics, bool)> = (0..20).map(example).collect();
            let right = |wants: &dyn Fn(&Metrics) -> bool| {
                examples.iter().filter(|(metrics, wanted)| wants(metrics) == *wanted).count()
            };
            let found = Threshold::fit(&examples);
            let found = right(&|metrics| found.wants(metrics));
            for at in 0..9 {
                for metric in [|m: &Metrics| m.mean_motion, |m: &Metrics| m.rest] {
                    let above = right(&|metrics| metric(metrics) >= f64::from(at));
                    assert!(found >= above && found >= examples.len() - above);
                }
            }
        }
    }
}
