//! Rate-distortion plots of a report.

use super::{Chart, Scale, Series, Stroke};
use crate::report::{Metric, Report, Role};

/// Quality over bits per pixel of all codecs on one sequence.
///
/// `codecs` selects curves by name; empty means all. A codec keeps its colour and marker in every plot of a report.
pub fn rate_distortion(
    report: &Report,
    sequence: &str,
    metric: Metric,
    x_scale: Scale,
    codecs: &[&str],
) -> Chart {
    let shown = |name: &str| codecs.is_empty() || codecs.contains(&name);
    let mut ordered = report.codecs();
    ordered.retain(|codec| shown(codec));
    // Ours first: it gets the first colour and lies on top.
    let role = |codec: &str| report.curves.iter().find(|curve| curve.codec == codec).map(|curve| curve.role);
    ordered.sort_by_key(|codec| role(codec) != Some(Role::Ours));
    let series = ordered
        .iter()
        .enumerate()
        .filter_map(|(look, codec)| {
            let curve = report.curve(codec, sequence)?;
            let points: Vec<(f64, f64)> =
                curve.samples(metric).iter().map(|sample| (sample.rate, sample.quality)).collect();
            let stroke = match curve.role {
                Role::Ours => Stroke::Strong,
                Role::Anchor => Stroke::Solid,
                Role::Published => Stroke::Dashed,
            };
            (!points.is_empty()).then(|| Series { name: (*codec).to_owned(), points, stroke, look })
        })
        .collect();
    Chart {
        title: sequence.into(),
        x_title: "bits per pixel".into(),
        y_title: metric.label().into(),
        x_scale,
        y_scale: Scale::Linear,
        x_range: None,
        y_range: None,
        series,
    }
}
