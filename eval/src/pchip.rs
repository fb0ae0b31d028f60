//! Piecewise cubic Hermite interpolation that keeps the data's monotonicity (PCHIP).
//!
//! F. N. Fritsch, J. Butland, "A method for constructing local monotone piecewise cubic interpolants", 1984; end slopes
//! by the three-point formula of C. Moler, "Numerical Computing with MATLAB", 2004. The same slopes as SciPy's.

/// An interpolant through points whose abscissas strictly increase.
pub(crate) struct Pchip {
    x: Vec<f64>,
    y: Vec<f64>,
    slope: Vec<f64>,
}

impl Pchip {
    /// `None` with fewer than two points or abscissas that do not strictly increase.
    pub(crate) fn new(points: &[(f64, f64)]) -> Option<Pchip> {
        if points.len() < 2
            || points
                .windows(2)
                .any(|pair| pair[1].0.partial_cmp(&pair[0].0) != Some(std::cmp::Ordering::Greater))
        {
            return None;
        }
        let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        let step: Vec<f64> = x.windows(2).map(|x| x[1] - x[0]).collect();
        let secant: Vec<f64> = y.windows(2).zip(&step).map(|(y, h)| (y[1] - y[0]) / h).collect();
        let last = secant.len() - 1;
        let slope = (0..x.len())
            .map(|k| match k {
                _ if last == 0 => secant[0],
                0 => end_slope(step[0], step[1], secant[0], secant[1]),
                k if k == last + 1 => end_slope(step[last], step[last - 1], secant[last], secant[last - 1]),
                k => inner_slope(step[k - 1], step[k], secant[k - 1], secant[k]),
            })
            .collect();
        Some(Pchip { x, y, slope })
    }

    /// Integral from `low` to `high`, both inside the interpolated interval.
    pub(crate) fn integral(&self, low: f64, high: f64) -> f64 {
        (0..self.x.len() - 1)
            .map(|k| {
                let (from, to) = (low.max(self.x[k]), high.min(self.x[k + 1]));
                if from < to { self.piece_integral(k, from, to) } else { 0.0 }
            })
            .sum()
    }

    /// Simpson's rule is exact for a cubic.
    fn piece_integral(&self, k: usize, from: f64, to: f64) -> f64 {
        let value = |x| self.piece_value(k, x);
        (to - from) / 6.0 * (value(from) + 4.0 * value(0.5 * (from + to)) + value(to))
    }

    fn piece_value(&self, k: usize, x: f64) -> f64 {
        let h = self.x[k + 1] - self.x[k];
        let t = (x - self.x[k]) / h;
        let (t2, t3) = (t * t, t * t * t);
        (2.0 * t3 - 3.0 * t2 + 1.0) * self.y[k]
            + (3.0 * t2 - 2.0 * t3) * self.y[k + 1]
            + h * (t3 - 2.0 * t2 + t) * self.slope[k]
            + h * (t3 - t2) * self.slope[k + 1]
    }
}

/// Weighted harmonic mean of the neighbouring secants, 0 at an extremum.
fn inner_slope(h0: f64, h1: f64, d0: f64, d1: f64) -> f64 {
    if d0 * d1 <= 0.0 {
        return 0.0;
    }
    let (w0, w1) = (2.0 * h1 + h0, h1 + 2.0 * h0);
    (w0 + w1) / (w0 / d0 + w1 / d1)
}

/// Three-point slope at an end, limited so that the first piece stays monotone.
fn end_slope(h0: f64, h1: f64, d0: f64, d1: f64) -> f64 {
    let slope = ((2.0 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
    if slope * d0 <= 0.0 {
        0.0
    } else if d0 * d1 <= 0.0 && slope.abs() > 3.0 * d0.abs() {
        3.0 * d0
    } else {
        slope
    }
}
