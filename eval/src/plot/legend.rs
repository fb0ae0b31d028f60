//! Where the legend goes: a corner of the plot that no curve touches, else beside it.

use super::svg::text_width;

/// Height of a legend entry in pixels.
pub(super) const ROW: f64 = 19.0;
/// Length of the line sample in pixels.
pub(super) const SAMPLE: f64 = 30.0;
/// Free space inside the legend's border.
pub(super) const INSET: f64 = 9.0;
/// Font size of the entries.
pub(super) const FONT: f64 = 12.0;
/// Space between the line sample and its name.
pub(super) const GAP: f64 = 8.0;

/// Distance of the legend from the edges of the plot.
const MARGIN: f64 = 10.0;
/// Distance that curves keep from the legend.
const CLEARANCE: f64 = 9.0;

/// Width and height of a legend with these entries.
pub(super) fn size<'a>(names: impl Iterator<Item = &'a str>) -> (f64, f64) {
    let mut widest = 0.0f64;
    let mut rows = 0;
    for name in names {
        widest = widest.max(text_width(name, FONT));
        rows += 1;
    }
    (2.0 * INSET + SAMPLE + GAP + widest, 2.0 * INSET + ROW * f64::from(rows))
}

/// Top left corner of the legend inside a plot area, or `None` if every corner is taken.
///
/// `lines` are the curves in pixels; `area` is the plot's (left, top, right, bottom).
pub(super) fn corner(
    (width, height): (f64, f64),
    (left, top, right, bottom): (f64, f64, f64, f64),
    lines: &[Vec<(f64, f64)>],
) -> Option<(f64, f64)> {
    let (near_x, far_x) = (left + MARGIN, right - MARGIN - width);
    let (near_y, far_y) = (top + MARGIN, bottom - MARGIN - height);
    if far_x < near_x || far_y < near_y {
        return None;
    }
    let free = |&(x, y): &(f64, f64)| {
        let hit = |(px, py): (f64, f64)| {
            px > x - CLEARANCE
                && px < x + width + CLEARANCE
                && py > y - CLEARANCE
                && py < y + height + CLEARANCE
        };
        !lines.iter().any(|line| walk(line).any(hit))
    };
    [(far_x, far_y), (near_x, near_y), (far_x, near_y), (near_x, far_y)].into_iter().find(free)
}

/// Points along a line, a few pixels apart.
fn walk(line: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> + '_ {
    let between = line.windows(2).flat_map(|pair| {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let steps = (((x1 - x0).abs() + (y1 - y0).abs()) / 4.0).clamp(1.0, 1000.0) as u32;
        (0..steps).map(move |k| {
            let t = f64::from(k) / f64::from(steps);
            (x0 + t * (x1 - x0), y0 + t * (y1 - y0))
        })
    });
    between.chain(line.last().copied())
}
