//! Bjøntegaard deltas: the mean rate difference at equal quality, and the mean quality difference at equal rate.
//!
//! G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001, with the piecewise cubic
//! interpolation over log10(rate) that the JCT-VC common test conditions use (method `pchip` of the Python package
//! `bjontegaard`, with which the tests below agree to ten digits).

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::pchip::Pchip;

/// Fewest points with which a curve can be interpolated; below [`USUAL_POINTS`] the delta carries a note.
const FEWEST_POINTS: usize = 2;

/// Points that the method was designed for.
const USUAL_POINTS: usize = 4;

/// Share of the joint interval below which the delta carries a note.
const USUAL_OVERLAP: f64 = 0.5;

/// One point of a rate-distortion curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RdSample {
    /// Rate in bits per pixel or any other unit, above 0.
    pub rate: f64,
    /// Quality in dB, more is better.
    pub quality: f64,
}

/// A Bjøntegaard delta and how far it can be trusted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BdDelta {
    /// Mean difference of test against anchor: percent of rate (less is better) or dB (more is better).
    pub value: f64,
    /// Shared interval divided by the interval that both curves cover together, 0..=1.
    pub overlap: f64,
    /// Reservations in words; empty if there are none.
    pub notes: Vec<String>,
}

/// Mean rate difference in percent of `test` against `anchor` at equal quality; negative means that `test` is smaller.
///
/// Points may come in any order; a point that another one beats in rate without loss of quality is dropped with a note.
pub fn bd_rate(anchor: (&str, &[RdSample]), test: (&str, &[RdSample])) -> Result<BdDelta> {
    let mut delta = delta(anchor, test, |point| (point.quality, point.rate.log10()))?;
    delta.value = (10f64.powf(delta.value) - 1.0) * 100.0;
    Ok(delta)
}

/// Mean quality difference in dB of `test` against `anchor` at equal rate (BD-PSNR when the quality is a PSNR).
///
/// Points are treated as in [`bd_rate`].
pub fn bd_quality(anchor: (&str, &[RdSample]), test: (&str, &[RdSample])) -> Result<BdDelta> {
    delta(anchor, test, |point| (point.rate.log10(), point.quality))
}

fn delta(
    anchor: (&str, &[RdSample]),
    test: (&str, &[RdSample]),
    axes: impl Fn(&RdSample) -> (f64, f64),
) -> Result<BdDelta> {
    let mut notes = Vec::new();
    let mut curve = |(name, samples): (&str, &[RdSample])| -> Result<(Pchip, f64, f64)> {
        let points: Vec<(f64, f64)> = frontier(name, samples, &mut notes)?.iter().map(&axes).collect();
        let too_few =
            || Error::TooFewPoints { curve: name.into(), found: points.len(), needed: FEWEST_POINTS };
        let interpolant = Pchip::new(&points).ok_or_else(too_few)?;
        Ok((interpolant, points[0].0, points[points.len() - 1].0))
    };
    let (anchor_curve, anchor_low, anchor_high) = curve(anchor)?;
    let (test_curve, test_low, test_high) = curve(test)?;
    let (low, high) = (anchor_low.max(test_low), anchor_high.min(test_high));
    if low >= high {
        let (anchor, test) = (anchor.0.into(), test.0.into());
        return Err(Error::NoOverlap { anchor, anchor_low, anchor_high, test, test_low, test_high });
    }
    let overlap = (high - low) / (anchor_high.max(test_high) - anchor_low.min(test_low));
    if overlap < USUAL_OVERLAP {
        notes.push(format!(
            "{} and {} share only {:.0} % of their interval",
            anchor.0,
            test.0,
            100.0 * overlap
        ));
    }
    let value = (test_curve.integral(low, high) - anchor_curve.integral(low, high)) / (high - low);
    Ok(BdDelta { value, overlap, notes })
}

/// Points sorted by rate, without those that a cheaper or equally cheap point matches in quality.
fn frontier(name: &str, samples: &[RdSample], notes: &mut Vec<String>) -> Result<Vec<RdSample>> {
    let measured =
        |sample: &&RdSample| !(sample.rate > 0.0 && sample.rate.is_finite() && sample.quality.is_finite());
    if let Some(&RdSample { rate, quality }) = samples.iter().find(measured) {
        return Err(Error::InvalidSample { curve: name.into(), rate, quality });
    }
    let mut sorted = samples.to_vec();
    sorted.sort_by(|a, b| a.rate.total_cmp(&b.rate).then(b.quality.total_cmp(&a.quality)));
    let mut best = f64::NEG_INFINITY;
    sorted.retain(|sample| {
        let better = sample.quality > best;
        best = best.max(sample.quality);
        better
    });
    let dropped = samples.len() - sorted.len();
    if dropped > 0 {
        notes.push(format!("{name}: {dropped} point(s) dropped, another is no larger and no worse"));
    }
    if (FEWEST_POINTS..USUAL_POINTS).contains(&sorted.len()) {
        notes.push(format!("{name}: only {} points", sorted.len()));
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const X264: &[(f64, f64)] = &[(0.0580, 28.07), (0.0941, 30.00), (0.1551, 31.97), (0.2562, 34.02)];
    const RLVC: &[(f64, f64)] = &[(0.0547, 29.56), (0.0896, 31.60), (0.1430, 33.51), (0.2408, 35.37)];
    const SEED: &[(f64, f64)] = &[
        (0.0204, 29.39),
        (0.0354, 30.25),
        (0.0623, 30.82),
        (0.1120, 31.42),
        (0.2082, 32.71),
        (0.3191, 33.92),
    ];

    fn samples(points: &[(f64, f64)]) -> Vec<RdSample> {
        points.iter().map(|&(rate, quality)| RdSample { rate, quality }).collect()
    }

    fn both(anchor: &[(f64, f64)], test: &[(f64, f64)]) -> Result<(f64, f64)> {
        let (anchor, test) = (samples(anchor), samples(test));
        let (anchor, test) = (("anchor", anchor.as_slice()), ("test", test.as_slice()));
        Ok((bd_rate(anchor, test)?.value, bd_quality(anchor, test)?.value))
    }

    /// Values of the Python package bjontegaard 1.3.0, method `pchip`.
    #[test]
    fn agrees_with_the_bjontegaard_package() {
        let close = |found: (f64, f64), rate: f64, quality: f64| {
            assert!((found.0 - rate).abs() < 1e-8 && (found.1 - quality).abs() < 1e-8, "{found:?}");
        };
        close(both(X264, RLVC).unwrap(), -36.4200589358, 1.7892960615);
        close(both(SEED, X264).unwrap(), 41.0508859721, -0.7013161680);
        let two_against_three =
            both(&[(0.1, 28.0), (0.3, 33.0)], &[(0.12, 29.0), (0.25, 31.0), (0.5, 35.0)]).unwrap();
        close(two_against_three, 22.8424130463, -0.7657558716);
    }

    #[test]
    fn order_does_not_matter_and_dominated_points_are_dropped_with_a_note() {
        let mut shuffled = samples(RLVC);
        shuffled.reverse();
        shuffled.push(RdSample { rate: 0.2, quality: 33.0 });
        let anchor = samples(X264);
        let delta = bd_rate(("x264", &anchor), ("rlvc", &shuffled)).unwrap();
        assert!((delta.value + 36.4200589358).abs() < 1e-8);
        assert_eq!(delta.notes, ["rlvc: 1 point(s) dropped, another is no larger and no worse"]);
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        assert!(matches!(both(X264, &[(0.1, 36.0), (0.2, 38.0)]), Err(Error::NoOverlap { .. })));
        assert!(matches!(both(X264, &[(0.1, 30.0)]), Err(Error::TooFewPoints { found: 1, .. })));
        assert!(matches!(both(X264, &[(0.0, 30.0), (0.1, 31.0)]), Err(Error::InvalidSample { .. })));
        assert!(matches!(both(&[], X264), Err(Error::TooFewPoints { found: 0, .. })));
    }
}
