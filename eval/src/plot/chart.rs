//! Line charts with markers, grid and legend.

use std::path::Path;

use super::axis::{Axis, Scale};
use super::svg::{Anchor, Svg, text_width};
use super::{legend, marker};
use crate::error::{Error, Result};

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Thick line, large filled markers: what the plot is about.
    Strong,
    /// Line with filled markers.
    Solid,
    /// Dashed line with hollow markers: numbers of others.
    Dashed,
    /// Line without markers.
    Line,
    /// Pale line without markers and without an entry in the legend.
    Faint,
}

/// A curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Points (x, y) in drawing order; a point that the axes cannot show interrupts the line.
    pub points: Vec<(f64, f64)>,
    /// Drawing style.
    pub stroke: Stroke,
    /// Number of colour and marker; series of equal number look related.
    pub look: usize,
}

/// A chart. [`Chart::svg`] draws it.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Heading; empty for none.
    pub title: String,
    /// Title of the horizontal axis, with its unit.
    pub x_title: String,
    /// Title of the vertical axis, with its unit.
    pub y_title: String,
    /// Scale of the horizontal axis.
    pub x_scale: Scale,
    /// Scale of the vertical axis.
    pub y_scale: Scale,
    /// Part of the horizontal axis to show; all of it if `None`.
    pub x_range: Option<(f64, f64)>,
    /// Part of the vertical axis to show; all of it if `None`.
    pub y_range: Option<(f64, f64)>,
    /// Curves, the first on top.
    pub series: Vec<Series>,
}

/// Width and height of the whole picture in pixels, without a legend beside it.
const SIZE: (f64, f64) = (720.0, 480.0);
const TICK_FONT: f64 = 12.0;
const AXIS_FONT: f64 = 13.0;
const TITLE_FONT: f64 = 15.0;
const INK: &str = "#333333";
const GRID: &str = "#E3E3E3";

/// Plot area in pixels.
struct Area {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    x: Axis,
    y: Axis,
}

impl Area {
    fn pixel(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        // Far outside of a chosen range pixels are clamped: clipping hides them and the file keeps sane numbers.
        let x = self.left + self.x.fraction(x)?.clamp(-9.0, 9.0) * (self.right - self.left);
        let y = self.bottom - self.y.fraction(y)?.clamp(-9.0, 9.0) * (self.bottom - self.top);
        Some((x, y))
    }
}

impl Chart {
    /// The chart as an SVG document.
    pub fn svg(&self) -> String {
        self.draw().0
    }

    /// The same with its width and height in pixels.
    pub(super) fn draw(&self) -> (String, f64, f64) {
        let area = self.area();
        let lines: Vec<Vec<Vec<(f64, f64)>>> =
            self.series.iter().map(|series| unbroken(&series.points, |point| area.pixel(point))).collect();
        let named: Vec<&Series> =
            self.series.iter().filter(|series| series.stroke != Stroke::Faint).collect();
        let legend_size = legend::size(named.iter().map(|series| series.name.as_str()));
        let box_of = (area.left, area.top, area.right, area.bottom);
        let flat: Vec<Vec<(f64, f64)>> = lines.iter().flatten().cloned().collect();
        let inside = legend::corner(legend_size, box_of, &flat);
        let beside = (area.right + 14.0, area.top);

        let mut svg = Svg::new();
        self.draw_frame(&mut svg, &area);
        svg.begin_clip((area.left, area.top), (area.right - area.left, area.bottom - area.top));
        for (series, lines) in self.series.iter().zip(&lines).rev() {
            draw_series(&mut svg, series, lines);
        }
        svg.end();
        let (mut width, mut height) = SIZE;
        if !named.is_empty() {
            draw_legend(&mut svg, &named, inside.unwrap_or(beside), legend_size);
            if inside.is_none() {
                width += legend_size.0 + 10.0;
                height = height.max(beside.1 + legend_size.1 + 14.0);
            }
        }
        (svg.finish(width, height, &self.title), width, height)
    }

    /// Draws the chart into a file.
    pub fn save(&self, path: &Path) -> Result<()> {
        std::fs::write(path, self.svg()).map_err(Error::io(path))
    }

    fn area(&self) -> Area {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = Axis::new(self.x_scale, points().map(|point| point.0), self.x_range, 8);
        let y = Axis::new(self.y_scale, points().map(|point| point.1), self.y_range, 7);
        let widest = y.ticks.iter().map(|(_, label)| text_width(label, TICK_FONT)).fold(0.0, f64::max);
        let top = if self.title.is_empty() { 18.0 } else { 46.0 };
        Area { left: 40.0 + widest, top, right: SIZE.0 - 22.0, bottom: SIZE.1 - 54.0, x, y }
    }

    fn draw_frame(&self, svg: &mut Svg, area: &Area) {
        let Area { left, top, right, bottom, .. } = *area;
        let ink = format!(r#"fill="{INK}""#);
        let mut free_from = f64::NEG_INFINITY;
        for (value, label) in &area.x.ticks {
            let Some(fraction) = area.x.fraction(*value) else { continue };
            let x = left + fraction * (right - left);
            svg.line((x, top), (x, bottom), GRID, 1.0);
            svg.line((x, bottom), (x, bottom + 4.0), INK, 1.0);
            let half = text_width(label, TICK_FONT) / 2.0;
            if x - half > free_from {
                svg.text((x, bottom + 18.0), TICK_FONT, Anchor::Middle, &ink, label);
                free_from = x + half + 8.0;
            }
        }
        for (value, label) in &area.y.ticks {
            let Some(fraction) = area.y.fraction(*value) else { continue };
            let y = bottom - fraction * (bottom - top);
            svg.line((left, y), (right, y), GRID, 1.0);
            svg.line((left - 4.0, y), (left, y), INK, 1.0);
            svg.text((left - 8.0, y + 4.2), TICK_FONT, Anchor::End, &ink, label);
        }
        svg.line((left, top), (left, bottom), INK, 1.2);
        svg.line((left, bottom), (right, bottom), INK, 1.2);

        let (middle_x, middle_y) = ((left + right) / 2.0, (top + bottom) / 2.0);
        svg.text((middle_x, bottom + 41.0), AXIS_FONT, Anchor::Middle, &ink, &self.x_title);
        let turned = format!(r#"fill="{INK}" transform="rotate(-90 18 {middle_y:.1})""#);
        svg.text((18.0, middle_y), AXIS_FONT, Anchor::Middle, &turned, &self.y_title);
        if !self.title.is_empty() {
            let bold = format!(r#"fill="{INK}" font-weight="bold""#);
            svg.text((left, 27.0), TITLE_FONT, Anchor::Start, &bold, &self.title);
        }
    }
}

/// Runs of points that the axes can show, in pixels.
fn unbroken(points: &[(f64, f64)], pixel: impl Fn((f64, f64)) -> Option<(f64, f64)>) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for &point in points {
        match (pixel(point), runs.last_mut()) {
            (Some(pixel), Some(run)) => run.push(pixel),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn draw_series(svg: &mut Svg, series: &Series, lines: &[Vec<(f64, f64)>]) {
    let attributes = line_attributes(series);
    for line in lines {
        svg.polyline(line, &attributes);
    }
    for &point in lines.iter().flatten() {
        draw_marker(svg, series, point);
    }
}

fn line_attributes(series: &Series) -> String {
    let colour = marker::colour(series.look);
    let (width, more) = match series.stroke {
        Stroke::Strong => (2.8, ""),
        Stroke::Solid => (1.7, ""),
        Stroke::Dashed => (1.5, r#" stroke-dasharray="6 4""#),
        Stroke::Line => (2.0, ""),
        Stroke::Faint => (1.0, r#" stroke-opacity="0.25""#),
    };
    format!(
        r#"stroke="{colour}" stroke-width="{width}" stroke-linejoin="round" stroke-linecap="round"{more}"#
    )
}

fn draw_marker(svg: &mut Svg, series: &Series, point: (f64, f64)) {
    let colour = marker::colour(series.look);
    let (radius, attributes) = match series.stroke {
        Stroke::Strong => (5.2, format!(r#"fill="{colour}" stroke="white" stroke-width="1""#)),
        Stroke::Solid => (4.2, format!(r#"fill="{colour}" stroke="white" stroke-width="0.8""#)),
        Stroke::Dashed => (4.2, format!(r#"fill="white" stroke="{colour}" stroke-width="1.5""#)),
        Stroke::Line | Stroke::Faint => return,
    };
    svg.path(&marker::path(series.look, point, radius), &attributes);
}

fn draw_legend(svg: &mut Svg, series: &[&Series], (x, y): (f64, f64), size: (f64, f64)) {
    svg.rect((x, y), size, r##"rx="3" fill="white" fill-opacity="0.92" stroke="#C8C8C8""##);
    for (k, series) in series.iter().enumerate() {
        let middle = y + legend::INSET + legend::ROW * (k as f64 + 0.5);
        let start = x + legend::INSET;
        svg.polyline(&[(start, middle), (start + legend::SAMPLE, middle)], &line_attributes(series));
        draw_marker(svg, series, (start + legend::SAMPLE / 2.0, middle));
        let at = (start + legend::SAMPLE + legend::GAP, middle + 4.2);
        svg.text(at, legend::FONT, Anchor::Start, &format!(r#"fill="{INK}""#), &series.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(series: Vec<Series>) -> Chart {
        Chart {
            title: "a < b & c".into(),
            x_title: "x".into(),
            y_title: "y".into(),
            x_scale: Scale::Log,
            y_scale: Scale::Linear,
            x_range: None,
            y_range: None,
            series,
        }
    }

    #[test]
    fn what_cannot_be_drawn_interrupts_a_line_and_names_are_escaped() {
        let points = vec![(0.1, 1.0), (0.2, 2.0), (0.0, 3.0), (0.4, f64::NAN), (0.5, 3.0)];
        let svg = chart(vec![Series { name: "<s>".into(), points, stroke: Stroke::Solid, look: 3 }]).svg();
        // Two runs and the sample in the legend.
        assert_eq!(svg.matches("<polyline").count(), 3);
        assert!(svg.contains("a &lt; b &amp; c") && svg.contains("&lt;s&gt;") && !svg.contains("NaN"));
        assert!(!chart(vec![]).svg().contains("NaN"));
    }

    #[test]
    fn a_legend_that_fits_nowhere_goes_beside_the_plot() {
        let across = |k: usize, y: f64| Series {
            name: format!("series {k}"),
            points: vec![(0.1, y), (1.0, 1.0 - y)],
            stroke: Stroke::Solid,
            look: k,
        };
        let width = |svg: &str| {
            svg.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse::<f64>().unwrap()
        };
        assert_eq!(width(&chart(vec![across(0, 0.5)]).svg()), SIZE.0);
        assert!(width(&chart(vec![across(0, 0.0), across(1, 1.0)]).svg()) > SIZE.0);
    }
}
