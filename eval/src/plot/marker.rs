//! Marker shapes and the palette.

/// Okabe and Ito's colours that people with any colour vision tell apart (2008), without the yellow, which is too light
/// for lines on white.
const PALETTE: [&str; 7] = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];

/// Colour of the n-th series.
pub(super) fn colour(n: usize) -> &'static str {
    PALETTE[n % PALETTE.len()]
}

/// SVG path of the n-th series' marker around a point; shapes also tell series apart without colour.
pub(super) fn path(n: usize, (x, y): (f64, f64), radius: f64) -> String {
    let polygon = |corners: &[(f64, f64)]| {
        let corner = |(dx, dy): &(f64, f64)| format!("{:.2},{:.2}", x + dx * radius, y + dy * radius);
        format!("M{}Z", corners.iter().map(corner).collect::<Vec<_>>().join("L"))
    };
    match n % 8 {
        0 => format!(
            "M{:.2},{y:.2}a{radius:.2},{radius:.2} 0 1 0 {d:.2},0a{radius:.2},{radius:.2} 0 1 0 -{d:.2},0Z",
            x - radius,
            d = 2.0 * radius
        ),
        1 => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        2 => polygon(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
        3 => polygon(&[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)]),
        4 => polygon(&[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)]),
        5 => polygon(&[(0.0, -1.15), (1.1, -0.35), (0.68, 0.95), (-0.68, 0.95), (-1.1, -0.35)]),
        6 => polygon(&[(-1.2, 0.0), (0.8, -1.1), (0.8, 1.1)]),
        _ => polygon(&[(1.2, 0.0), (-0.8, -1.1), (-0.8, 1.1)]),
    }
}
