//! Counts of symbols, from which tables are made at export time.

use std::collections::BTreeMap;

use super::{
    MAX_SYMBOL, Table,
    frequencies::frequencies,
    laplace::{Laplace, MAX_REACH},
};
use crate::Result;

/// Symbols farther out than this share of the counts are left to the escape.
const ESCAPED_SHARE: f64 = 1.0 / 8192.0;

/// How often each symbol occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    counts: BTreeMap<i32, u64>,
}

impl Histogram {
    /// Counts one occurrence; symbols beyond [`MAX_SYMBOL`] count as the nearest that can be coded.
    pub fn add(&mut self, symbol: i32) {
        *self.counts.entry(symbol.clamp(-MAX_SYMBOL, MAX_SYMBOL)).or_default() += 1;
    }

    /// Adds the counts of `other`, for instance from another thread.
    pub fn merge(&mut self, other: &Histogram) {
        for (&symbol, &count) in &other.counts {
            *self.counts.entry(symbol).or_default() += count;
        }
    }

    /// Number of symbols counted.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The table of these counts plus `strength` occurrences spread like `prior`.
    ///
    /// Covers the support of the prior, and what the counts show beyond it except for rare outliers.
    pub(super) fn table(&self, prior: Laplace, strength: f64) -> Result<Table> {
        let strength = if strength.is_finite() { strength.max(1e-3) } else { 1e-3 };
        let total = self.total() as f64;
        let rare = ESCAPED_SHARE * total / 2.0;
        let (mut min, mut max) = prior.support();
        let centre = prior.centre as i32;
        if let Some(low) = first_beyond(rare, self.counts.iter()) {
            min = min.min(low.max(centre - MAX_REACH));
        }
        if let Some(high) = first_beyond(rare, self.counts.iter().rev()) {
            max = max.max(high.min(centre + MAX_REACH));
        }

        let counted = |symbol: i32| self.counts.get(&symbol).copied().unwrap_or(0) as f64;
        let mut weights: Vec<f64> =
            (min..=max).map(|symbol| counted(symbol) + strength * prior.mass(symbol)).collect();
        let inside: f64 = (min..=max).map(counted).sum();
        weights.push(total - inside + strength * prior.mass_outside(min, max));
        let mut integers = frequencies(&weights).unwrap_or_default();
        integers.pop(); // Table::new gives the escape what the others leave
        let integers: Vec<u16> = integers.into_iter().map(|f| f as u16).collect();
        Table::new(min, &integers)
    }
}

/// The symbol at which the sum of `counts` exceeds `share`.
fn first_beyond<'a>(share: f64, counts: impl Iterator<Item = (&'a i32, &'a u64)>) -> Option<i32> {
    let mut seen = 0;
    for (&symbol, &count) in counts {
        seen += count;
        if seen as f64 > share {
            return Some(symbol);
        }
    }
    None
}
