//! Plots of values over training time.

use super::{Chart, Scale, Series, Stroke};

/// Points up to which a curve is drawn as it is.
const FEW: usize = 60;

/// Most points that are drawn of a smoothed curve.
const MOST: usize = 1500;

/// Share of a curve over which its running mean forgets.
const SMOOTHING: f64 = 0.02;

/// Values such as losses over hours.
///
/// A curve of more than 60 points is drawn pale, with its exponential running mean (time constant 2 % of the points)
/// over it. `curves` are a name and points (hours, value); values that are not finite interrupt a curve.
pub fn training_curves(
    title: &str,
    y_title: &str,
    y_scale: Scale,
    curves: &[(&str, Vec<(f64, f64)>)],
) -> Chart {
    let mut bold = Vec::new();
    let mut pale = Vec::new();
    for (look, (name, points)) in curves.iter().enumerate() {
        let series = |points, stroke| Series { name: (*name).to_owned(), points, stroke, look };
        if points.len() <= FEW {
            bold.push(series(points.clone(), Stroke::Line));
        } else {
            bold.push(series(thinned(&running_mean(points)), Stroke::Line));
            pale.push(series(thinned(points), Stroke::Faint));
        }
    }
    bold.append(&mut pale);
    Chart {
        title: title.into(),
        x_title: "training time (hours)".into(),
        y_title: y_title.into(),
        x_scale: Scale::Linear,
        y_scale,
        x_range: None,
        y_range: None,
        series: bold,
    }
}

/// Exponential running mean without a bias towards the first value.
fn running_mean(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let keep = 1.0 - 1.0 / (SMOOTHING * points.len() as f64).max(1.0);
    let (mut sum, mut weight) = (0.0, 0.0);
    points
        .iter()
        .map(|&(hours, value)| {
            if !value.is_finite() {
                return (hours, value);
            }
            sum = keep * sum + value;
            weight = keep * weight + 1.0;
            (hours, sum / weight)
        })
        .collect()
}

/// Every n-th point and the last one.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let every = points.len().div_ceil(MOST).max(1);
    let last = points.len().saturating_sub(1);
    points.iter().enumerate().filter(|(k, _)| k % every == 0 || *k == last).map(|(_, point)| *point).collect()
}
