//! `vcn train plot`: how a training went, from the log of its run.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use vcn_eval::plot::{Chart, Scale, sheet, training_curves};
use vcn_media::AtomicFile;

use crate::failure::{Failure, Result};
use crate::print::Stream;

/// Arguments of `vcn train plot`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  vcn train plot runs/joint1 -o joint1.svg
  vcn train plot runs/a runs/b -o compared.svg
  vcn train plot --join runs/intra runs/inter runs/joint -o all.svg")]
pub struct Arguments {
    /// Folders of runs, or their log.jsonl.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The picture to write.
    #[arg(short, long, value_name = "OUT.svg")]
    output: PathBuf,
    /// Show the runs as stages of one training, one after the other, instead of above each other.
    #[arg(long)]
    join: bool,
    /// Replace an existing file.
    #[arg(long)]
    overwrite: bool,
}

/// A line of a log, as far as it is drawn. Numbers that are not finite are null in JSON.
#[derive(Deserialize)]
struct Record {
    stage: String,
    step: u64,
    hours: f64,
    loss: Option<f64>,
    bpp: Option<f64>,
    motion_bpp: Option<f64>,
    mse: Option<f64>,
    prediction_mse: Option<f64>,
    searched_mse: Option<f64>,
    gradient_norm: Option<f64>,
    #[serde(default)]
    validation: Vec<Validation>,
}

#[derive(Deserialize)]
struct Validation {
    quality: f64,
    bpp: Option<f64>,
    psnr: Option<f64>,
}

/// A run and its name; the name is empty where there is only one.
struct Run {
    name: String,
    records: Vec<Record>,
}

/// Points of a curve: hours and value.
type Points = Vec<(f64, f64)>;

/// What a curve shows, and its name.
type Value = (&'static str, fn(&Record) -> Option<f64>);

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    drop(AtomicFile::create(&a.output, a.overwrite)?);
    let mut runs = a.runs.iter().map(|path| read(path)).collect::<Result<Vec<Run>>>()?;
    if a.join {
        runs = vec![joined(runs)];
    }
    if let [only] = &mut runs[..] {
        only.name.clear();
    }
    let name = a.output.display().to_string();
    AtomicFile::write(&a.output, sheet("vcn train", &charts(&runs), 2).as_bytes(), a.overwrite)?;
    let records: usize = runs.iter().map(|run| run.records.len()).sum();
    let hours =
        runs.iter().filter_map(|run| run.records.last()).map(|record| record.hours).fold(0.0, f64::max);
    Stream::Out.text(&format!("{name}: {records} records, {hours:.2} hours of training"))
}

/// Reads a run's log. What was logged between the last saved state and an interruption has been done again since; a new
/// stage in the same folder goes on where the one before ended.
fn read(path: &Path) -> Result<Run> {
    let log = if path.is_dir() { path.join("log.jsonl") } else { path.to_owned() };
    let name = log.display().to_string();
    let text = std::fs::read_to_string(&log).map_err(Failure::io(&name, "read"))?;
    let mut records: Vec<Record> = Vec::new();
    let mut before = 0.0;
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    for (k, line) in lines.iter().enumerate() {
        match serde_json::from_str::<Record>(line) {
            Ok(record) => {
                match records.last() {
                    Some(last) if last.stage != record.stage => before = last.hours,
                    _ => records.retain(|r| r.stage != record.stage || r.step < record.step),
                }
                records.push(Record { hours: before + record.hours, ..record });
            }
            // The run may be writing it.
            Err(_) if k + 1 == lines.len() && !text.ends_with('\n') => {}
            Err(error) => {
                let message = format!("{name}: line {} is not a record of a training: {error}", k + 1);
                return Err(Failure::Usage(message));
            }
        }
    }
    if records.is_empty() {
        return Err(Failure::Usage(format!("{name}: nothing has been logged yet")));
    }
    let folder = log.parent().and_then(Path::file_name);
    let name = folder.map_or_else(|| name.clone(), |folder| folder.to_string_lossy().into_owned());
    Ok(Run { name, records })
}

/// One run that goes on where another ends.
fn joined(runs: Vec<Run>) -> Run {
    let mut all = Run { name: String::new(), records: Vec::new() };
    for run in runs {
        let before = all.records.last().map_or(0.0, |record| record.hours);
        all.records.extend(run.records.into_iter().map(|r| Record { hours: before + r.hours, ..r }));
    }
    all
}

fn charts(runs: &[Run]) -> Vec<Chart> {
    let logged = |title: &str, axis, scale, values: &[Value]| {
        let mut curves: Vec<(String, Points)> = Vec::new();
        for run in runs {
            for (name, value) in values {
                let point = |record: &Record| (record.hours, value(record).unwrap_or(f64::NAN));
                curves.push((full(&run.name, name), run.records.iter().map(point).collect()));
            }
        }
        chart(title, axis, scale, curves)
    };
    let validated = |title: &str, axis, scale, value: fn(&Validation) -> Option<f64>| {
        let curves = runs.iter().flat_map(|run| {
            qualities(run).into_iter().map(|quality| {
                let point = |record: &Record| {
                    let found = record.validation.iter().find(|v| v.quality == quality)?;
                    Some((record.hours, value(found).unwrap_or(f64::NAN)))
                };
                let points = run.records.iter().filter_map(point).collect();
                (full(&run.name, &format!("quality {quality}")), points)
            })
        });
        chart(title, axis, scale, curves.collect())
    };
    let all = [
        logged("Loss", "loss", Scale::Log, &[("loss", |r| r.loss)]),
        logged("Rate", "bits per pixel", Scale::Log, &[("all", |r| r.bpp), ("motion", |r| r.motion_bpp)]),
        logged(
            "Distortion",
            "mean squared error",
            Scale::Log,
            &[
                ("decoded", |r| r.mse),
                ("predicted", |r| r.prediction_mse),
                ("predicted by search", |r| r.searched_mse),
            ],
        ),
        logged("Gradient", "length", Scale::Log, &[("gradient", |r| r.gradient_norm)]),
        validated("Validation: quality", "PSNR (dB)", Scale::Linear, |v| v.psnr),
        validated("Validation: rate", "bits per pixel", Scale::Log, |v| v.bpp),
    ];
    all.into_iter().flatten().collect()
}

/// Qualities that a run was validated at.
fn qualities(run: &Run) -> Vec<f64> {
    let mut qualities: Vec<f64> =
        run.records.iter().flat_map(|record| &record.validation).map(|v| v.quality).collect();
    qualities.sort_by(f64::total_cmp);
    qualities.dedup();
    qualities
}

fn full(run: &str, name: &str) -> String {
    if run.is_empty() { name.to_owned() } else { format!("{run}: {name}") }
}

/// A chart of the curves that have something to show; motion, for one, has no error in an intra stage.
fn chart(title: &str, axis: &str, scale: Scale, mut curves: Vec<(String, Points)>) -> Option<Chart> {
    let visible = |value: f64| value.is_finite() && (scale == Scale::Linear || value > 0.0);
    curves.retain(|(_, points)| points.iter().any(|&(_, value)| visible(value)));
    for (_, value) in curves.iter_mut().flat_map(|(_, points)| points) {
        if !visible(*value) {
            *value = f64::NAN;
        }
    }
    let named: Vec<(&str, Points)> =
        curves.iter().map(|(name, points)| (name.as_str(), points.clone())).collect();
    (!named.is_empty()).then(|| training_curves(title, axis, scale, &named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: u64, loss: &str) -> String {
        format!(
            r#"{{"stage":"joint","step":{step},"hours":{}.5,"loss":{loss},"bpp":0.5,"motion_bpp":0.0,"mse":9.0,"x":1}}"#,
            step / 50
        )
    }

    fn log(lines: &[String]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log.jsonl"), lines.join("\n")).unwrap();
        let path = folder.path().to_owned();
        (folder, path)
    }

    #[test]
    fn what_was_done_again_counts_once_and_a_half_line_not_at_all() {
        let lines = [
            line(50, "3.0"),
            line(100, "2.0"),
            line(150, "9.0"),
            line(100, "1.0"),
            "{\"step\": 1".to_owned(),
        ];
        let (_folder, path) = log(&lines);
        let run = read(&path).unwrap();
        let losses: Vec<_> = run.records.iter().map(|record| (record.step, record.loss)).collect();
        assert_eq!(losses, [(50, Some(3.0)), (100, Some(1.0))]);
        let charts = charts(&[run]);
        // No motion, no validation, no gradient: nothing is drawn of them.
        assert_eq!(charts.len(), 3);
    }

    #[test]
    fn stages_of_one_run_follow_each_other() {
        let joint = |step| line(step, "1.0");
        let lines = [
            joint(50).replace("joint", "intra"),
            joint(100).replace("joint", "intra"),
            joint(50),
            joint(100),
        ];
        let (_folder, path) = log(&lines);
        let hours: Vec<_> = read(&path).unwrap().records.iter().map(|record| record.hours).collect();
        assert_eq!(hours, [1.5, 2.5, 4.0, 5.0]);
    }

    #[test]
    fn other_files_are_refused_by_line() {
        let (_folder, path) = log(&[line(50, "null"), "words".to_owned(), line(100, "1.0")]);
        let Err(failure) = read(&path) else { panic!("read") };
        assert!(failure.to_string().contains("line 2"), "{failure}");
        let (_folder, path) = log(&[]);
        assert!(read(&path).is_err());
    }

    #[test]
    fn joined_runs_go_on_in_time() {
        let run = |steps: &[u64]| {
            let (_folder, path) = log(&steps.iter().map(|&step| line(step, "1.0")).collect::<Vec<_>>());
            read(&path).unwrap()
        };
        let all = joined(vec![run(&[50, 100]), run(&[50])]);
        assert_eq!(all.records.iter().map(|record| record.hours).collect::<Vec<_>>(), [1.5, 2.5, 4.0]);
    }
}
