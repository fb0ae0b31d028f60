//! Axes: range, scale, and ticks at round numbers.

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences take equal lengths.
    Linear,
    /// Equal ratios take equal lengths; values up to 0 are left out.
    Log,
}

impl Scale {
    /// Position before scaling to pixels; `None` for what the axis cannot show.
    pub(super) fn position(self, value: f64) -> Option<f64> {
        let position = match self {
            Scale::Linear => value,
            Scale::Log => value.log10(),
        };
        position.is_finite().then_some(position)
    }
}

/// An axis with its range in positions and its ticks.
pub(super) struct Axis {
    pub(super) scale: Scale,
    pub(super) low: f64,
    pub(super) high: f64,
    /// Value positions of the ticks and their labels.
    pub(super) ticks: Vec<(f64, String)>,
}

/// Share of the range that is left free at both ends of an axis.
const PADDING: f64 = 0.05;

impl Axis {
    /// An axis that shows all values, or just `range` if one is given; about `wanted` ticks.
    pub(super) fn new(
        scale: Scale,
        values: impl Iterator<Item = f64>,
        range: Option<(f64, f64)>,
        wanted: usize,
    ) -> Axis {
        let ends = range.and_then(|(low, high)| Some((scale.position(low)?, scale.position(high)?)));
        let (low, high) = match ends.filter(|(low, high)| low < high) {
            Some(ends) => ends,
            None => padded(values.filter_map(|value| scale.position(value))),
        };
        let ticks = match scale {
            Scale::Linear => linear_ticks(low, high, wanted),
            Scale::Log => log_ticks(low, high, wanted),
        };
        Axis { scale, low, high, ticks }
    }

    /// Where a value lies between the ends of the axis, 0..=1 when it is in range.
    pub(super) fn fraction(&self, value: f64) -> Option<f64> {
        Some((self.scale.position(value)? - self.low) / (self.high - self.low))
    }
}

fn padded(positions: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut low, mut high) =
        positions.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), p| (low.min(p), high.max(p)));
    if low > high {
        (low, high) = (0.0, 1.0);
    }
    let span = if high - low > 1e-9 * high.abs().max(1e-9) { high - low } else { high.abs().max(0.1) };
    (low - PADDING * span, high + PADDING * span)
}

fn linear_ticks(low: f64, high: f64, wanted: usize) -> Vec<(f64, String)> {
    let rough = (high - low) / wanted as f64;
    let decade = 10f64.powf(rough.log10().floor());
    let step = decade
        * match rough / decade {
            ratio if ratio < 1.5 => 1.0,
            ratio if ratio < 3.5 => 2.0,
            ratio if ratio < 7.5 => 5.0,
            _ => 10.0,
        };
    let digits = (-(step * 1.0001).log10().floor()).clamp(0.0, 12.0) as usize;
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    // A range far from zero and tiny beside its values has no distinguishable ticks.
    (first..=last.min(first.saturating_add(100)))
        .map(|k| {
            let value = k as f64 * step;
            let value = if value == 0.0 { 0.0 } else { value };
            (value, format!("{value:.digits$}"))
        })
        .collect()
}

fn log_ticks(low: f64, high: f64, wanted: usize) -> Vec<(f64, String)> {
    const MANTISSAS: [&[f64]; 4] =
        [&[1.0], &[1.0, 2.0, 5.0], &[1.0, 2.0, 3.0, 5.0], &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0]];
    let within = |mantissas: &[f64]| -> Vec<(f64, String)> {
        let decades = low.floor().max(-300.0) as i32..=high.floor().min(300.0) as i32;
        decades
            .flat_map(|decade| mantissas.iter().map(move |m| m * 10f64.powi(decade)))
            .filter(|value| (low..=high).contains(&value.log10()))
            .map(|value| (value, short(value)))
            .collect()
    };
    let fine = MANTISSAS.iter().map(|mantissas| within(mantissas));
    let mut best = Vec::new();
    for ticks in fine {
        if best.len() < 2 || ticks.len() <= wanted + 2 {
            best = ticks;
        }
    }
    if best.len() < 2 {
        let round = |(position, _): (f64, String)| (10f64.powf(position), short(10f64.powf(position)));
        best = linear_ticks(low, high, wanted).into_iter().map(round).collect();
    }
    best
}

/// Three significant digits without trailing zeros; powers of ten where that is shorter.
fn short(value: f64) -> String {
    if !(1e-4..1e6).contains(&value) {
        return format!("{value:.0e}");
    }
    let digits = (2.0 - value.log10().floor()).max(0.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, low: f64, high: f64) -> Vec<String> {
        let ticks = Axis::new(scale, [low, high].into_iter(), None, 6).ticks;
        ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(Scale::Linear, 25.1, 36.9), ["26", "28", "30", "32", "34", "36"]);
        assert_eq!(labels(Scale::Linear, 0.89, 0.992), ["0.90", "0.92", "0.94", "0.96", "0.98"]);
        assert_eq!(labels(Scale::Log, 0.02, 0.32), ["0.02", "0.03", "0.05", "0.1", "0.2", "0.3"]);
        assert_eq!(
            labels(Scale::Log, 1e-3, 1e4),
            ["0.001", "0.01", "0.1", "1", "10", "100", "1000", "10000"]
        );
    }

    #[test]
    fn degenerate_ranges_still_make_an_axis() {
        for values in [vec![], vec![5.0], vec![f64::NAN], vec![0.0, 0.0], vec![-3.0], vec![1e300, 1e301]] {
            for scale in [Scale::Linear, Scale::Log] {
                let axis = Axis::new(scale, values.iter().copied(), None, 6);
                assert!(axis.low < axis.high && axis.ticks.len() < 120, "{values:?}");
            }
        }
    }
}
