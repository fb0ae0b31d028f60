//! The Laplace distribution over integers, at export time.

use super::MAX_SYMBOL;

/// Largest number of symbols on each side of the centre.
pub(super) const MAX_REACH: i32 = 2047;

/// A Laplace density integrated over unit intervals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Laplace {
    /// Where the density peaks.
    pub centre: f64,
    /// Mean absolute deviation.
    pub scale: f64,
}

impl Laplace {
    /// Probability that rounding a sample to the nearest integer gives `symbol`.
    pub(super) fn mass(self, symbol: i32) -> f64 {
        let tail = |distance: f64| 0.5 * (-distance / self.scale).exp();
        let left = f64::from(symbol) - 0.5 - self.centre;
        let right = left + 1.0;
        if left >= 0.0 {
            tail(left) - tail(right)
        } else if right <= 0.0 {
            tail(-right) - tail(-left)
        } else {
            1.0 - tail(-left) - tail(right)
        }
    }

    /// Probability of all symbols outside `min..=max`, which contains the centre.
    pub(super) fn mass_outside(self, min: i32, max: i32) -> f64 {
        let tail = |distance: f64| 0.5 * (-distance.max(0.0) / self.scale).exp();
        tail(self.centre - f64::from(min) + 0.5) + tail(f64::from(max) + 0.5 - self.centre)
    }

    /// `min..=max` around the centre with at least 1 - 2^-16 of the mass, at most [`MAX_REACH`] to each side.
    pub(super) fn support(self) -> (i32, i32) {
        let reach =
            (16.0 * std::f64::consts::LN_2 * self.scale - 0.5).ceil().clamp(1.0, f64::from(MAX_REACH));
        let centre = self.centre.round() as i32;
        let bound = |symbol: i32| symbol.clamp(-MAX_SYMBOL, MAX_SYMBOL);
        (bound(centre.saturating_sub(reach as i32)), bound(centre.saturating_add(reach as i32)))
    }
}
