//! What a test found: tables for people, JSON for programs, plots for both.

use serde::Serialize;
use vcn_eval::plot::{Chart, Scale, rate_distortion, sheet};
use vcn_eval::{Align, MEAN, Metric, RdCurve, Report, Role, Table};
use vcn_media::AtomicFile;

use super::Arguments;
use crate::failure::{Failure, Result};
use crate::print::Stream;

/// What `--json` holds: the fields of a [`Report`], and what follows from them.
#[derive(Serialize)]
struct Results<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// Means over sequences.
    mean: Vec<RdCurve>,
    /// BD-rates of our codec.
    bd_rates: Vec<BdRate>,
}

/// A BD-rate of our codec.
#[derive(Serialize)]
struct BdRate {
    anchor: String,
    metric: Metric,
    /// A sequence, or `mean`.
    sequence: String,
    /// Difference in rate at equal quality; `None` if the curves cannot be compared.
    percent: Option<f64>,
    /// How many sequences it is of.
    sequences: usize,
    /// What to know of it, or why there is none.
    notes: Vec<String>,
}

/// Writes everything that was asked for.
pub fn write(a: &Arguments, ours: &str, report: &Report) -> Result<()> {
    let rates: Vec<BdRate> = [Metric::PsnrRgb, Metric::PsnrYuv, Metric::MsSsimDb]
        .into_iter()
        .flat_map(|metric| bd_rates(report, ours, metric))
        .collect();
    let mean = if report.sequences().len() > 1 { report.mean_curves() } else { Vec::new() };
    let stream = Stream::beside(a.json.as_deref().unwrap_or_default());
    stream.text(text(report, &mean, ours, &rates).trim_end())?;
    if let Some(path) = &a.plot {
        AtomicFile::write(path, plots(report, &mean).as_bytes(), a.overwrite)?;
    }
    let Some(path) = &a.json else { return Ok(()) };
    let results = Results { report, mean, bd_rates: rates };
    if path == "-" {
        return Stream::Out.json(&results);
    }
    let json = serde_json::to_string_pretty(&results).map_err(|error| Failure::Other(error.into()))?;
    Ok(AtomicFile::write(path, (json + "\n").as_bytes(), a.overwrite)?)
}

/// Of our codec against all others that have the metric.
fn bd_rates(report: &Report, ours: &str, metric: Metric) -> Vec<BdRate> {
    let has_metric = |codec: &str| {
        report.curves.iter().any(|curve| curve.codec == codec && !curve.samples(metric).is_empty())
    };
    let mut rates = Vec::new();
    for anchor in report.codecs().into_iter().filter(|codec| *codec != ours && has_metric(codec)) {
        let matrix = report.bd_matrix(anchor, metric);
        let Some(column) = matrix.codecs.iter().position(|codec| codec == ours) else { continue };
        let rate = |sequence: &str, percent, sequences, notes| BdRate {
            anchor: anchor.to_owned(),
            metric,
            sequence: sequence.to_owned(),
            percent,
            sequences,
            notes,
        };
        for (sequence, cells) in &matrix.rows {
            rates.extend(cells.get(column).and_then(Option::as_ref).map(|cell| match cell {
                Ok(delta) => rate(sequence, Some(delta.value), 1, delta.notes.clone()),
                Err(reason) => rate(sequence, None, 1, vec![reason.clone()]),
            }));
        }
        let mean = matrix.mean(column);
        rates.push(rate(MEAN, mean.map(|mean| mean.0), mean.map_or(0, |mean| mean.1), Vec::new()));
    }
    rates
}

fn text(report: &Report, mean: &[RdCurve], ours: &str, rates: &[BdRate]) -> String {
    let mut text = report.environment.join("\n") + "\n\n" + &report.points_table().to_text() + "\n";
    if !mean.is_empty() {
        let mean = Report { curves: mean.to_vec(), ..Report::default() };
        text += &(mean.points_table().to_text() + "\n");
    }
    for metric in [Metric::PsnrRgb, Metric::MsSsimDb] {
        let rates: Vec<&BdRate> = rates.iter().filter(|rate| rate.metric == metric).collect();
        if rates.is_empty() {
            continue;
        }
        text += &bd_table(report, ours, metric, &rates).to_text();
        for BdRate { anchor, sequence, notes, .. } in rates {
            notes.iter().for_each(|note| text += &format!("* {sequence}, {anchor}: {note}\n"));
        }
        text += "\n";
    }
    for anchor in report.anchors() {
        let points = report.curves.iter().filter(|curve| curve.codec == anchor).flat_map(|c| &c.points);
        let command = points.flat_map(|point| &point.commands).find(|command| command.contains(" -crf "));
        text += &command.map_or(String::new(), |command| format!("{anchor}: {command}\n"));
    }
    text
}

/// A row per anchor, a column per sequence and one for the mean.
fn bd_table(report: &Report, ours: &str, metric: Metric, rates: &[&BdRate]) -> Table {
    let mut sequences = report.sequences();
    if sequences.len() > 1 {
        sequences.push(MEAN);
    }
    let title = format!("BD-rate % of {ours}, {}, against", metric.label());
    let columns = sequences.iter().map(|sequence| ((*sequence).to_owned(), Align::Right));
    let mut table = Table::new([(title, Align::Left)].into_iter().chain(columns));
    let mut anchors: Vec<&str> = Vec::new();
    for rate in rates {
        if !anchors.contains(&rate.anchor.as_str()) {
            anchors.push(&rate.anchor);
        }
    }
    for anchor in anchors {
        let cells = sequences.iter().map(|sequence| {
            let of = |rate: &&&BdRate| rate.anchor == anchor && rate.sequence == *sequence;
            let Some(rate) = rates.iter().find(of) else { return String::new() };
            let mark = if rate.notes.is_empty() { "" } else { "*" };
            let all = *sequence != MEAN || rate.sequences + 1 == sequences.len();
            let some = if all { String::new() } else { format!(" ({})", rate.sequences) };
            rate.percent.map_or(format!("n/a{mark}"), |percent| format!("{percent:+.1}{mark}{some}"))
        });
        table.push([anchor.to_owned()].into_iter().chain(cells));
    }
    table
}

/// PSNR and MS-SSIM of every sequence side by side, the means first.
fn plots(report: &Report, mean: &[RdCurve]) -> String {
    let means = Report { curves: mean.to_vec(), ..Report::default() };
    let mut charts: Vec<Chart> = Vec::new();
    for report in [&means, report] {
        for sequence in report.sequences() {
            for metric in [Metric::PsnrRgb, Metric::MsSsimDb] {
                charts.push(rate_distortion(report, sequence, metric, Scale::Log, &[]));
            }
        }
    }
    let ours = report.curves.iter().find(|curve| curve.role == Role::Ours);
    sheet(ours.map_or("vcn test", |curve| &curve.codec), &charts, 2)
}
