//! Several charts on one sheet.

use super::Chart;
use super::svg::Svg;

/// Charts in rows of `columns`, as one SVG document.
pub fn sheet(title: &str, charts: &[Chart], columns: usize) -> String {
    let drawn: Vec<_> = charts.iter().map(Chart::draw).collect();
    let columns = columns.clamp(1, drawn.len().max(1));
    let largest = |sizes: &mut dyn Iterator<Item = f64>| sizes.fold(0.0, f64::max);
    let widths: Vec<f64> = (0..columns)
        .map(|column| largest(&mut drawn.iter().skip(column).step_by(columns).map(|chart| chart.1)))
        .collect();
    let mut svg = Svg::new();
    let mut top = 0.0;
    for (row, charts) in drawn.chunks(columns).enumerate() {
        let mut left = 0.0;
        for (column, (chart, ..)) in charts.iter().enumerate() {
            svg.inset((left, top), chart, &format!("{row}-{column}"));
            left += widths[column];
        }
        top += largest(&mut charts.iter().map(|chart| chart.2));
    }
    svg.finish(widths.iter().sum(), top, title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Scale, training_curves};

    #[test]
    fn charts_share_a_document_without_sharing_names() {
        let chart = training_curves("t", "y", Scale::Linear, &[("a", vec![(0.0, 1.0), (1.0, 2.0)])]);
        let (_, width, height) = chart.draw();
        let svg = sheet("all", &[chart.clone(), chart.clone(), chart], 2);
        assert!(svg.starts_with("<svg "));
        assert!(svg.contains(&format!(r#"width="{:.0}" height="{:.0}""#, 2.0 * width, 2.0 * height)));
        for name in ["0-0", "0-1", "1-0"] {
            assert_eq!(svg.matches(&format!("area-{name}")).count(), 2, "{name}");
        }
        assert!(!svg.contains(r#"id="area""#));
        assert!(sheet("none", &[], 2).contains("</svg>"));
    }
}
