//! `vcn traffic`: what identification saves of social traffic.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use vcn_eval::plot::{Chart, Scale, Series, Stroke, sheet};
use vcn_eval::{Align, Table};
use vcn_media::{AtomicFile, OpenOptions};
use vcn_serve::traffic::{
    Cell, Look, Looks, Options, Report, Share, Synthetic, Video, is_copy, read, replay, synthetic, write,
};

use crate::failure::{Failure, Result};
use crate::network::failure;
use crate::print::{Stream, bytes, note};
use crate::progress::Progress;
use crate::store::input::Frames;

const EXAMPLES: &str = "\
Examples:
  vcn traffic --synthetic 1                                      # a seeded log of 20000 shares
  vcn traffic --synthetic 1 --plot traffic.svg --write-log log.csv
  vcn traffic --replay log.csv --videos folder/                  # reads the files, compares frames and pixels
  vcn traffic --replay log.csv --json

A log is CSV with the columns time (seconds since 1970), user, video, to (receivers, separated by semicolons), app, kind
(single or group), and bytes. With --videos, videos are files below that folder; without, they are told apart by name
and the column bytes is needed.";

/// Arguments of `vcn traffic`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[command(group(clap::ArgGroup::new("log").required(true).args(["replay", "synthetic"])))]
pub struct Arguments {
    /// A log of shares.
    #[arg(long, value_name = "LOG.csv")]
    replay: Option<PathBuf>,
    /// A synthetic log made from this seed.
    #[arg(long, value_name = "SEED")]
    synthetic: Option<u64>,
    /// The folder of the videos of the log.
    #[arg(long, value_name = "DIR", requires = "replay")]
    videos: Option<PathBuf>,
    /// Shares of a synthetic log.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    shares: u32,
    /// Users of a synthetic log.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    users: u32,
    /// Different videos of a synthetic log.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    different: u32,
    /// Days of a synthetic log.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Let all apps share a server and a device's videos.
    #[arg(long)]
    across_apps: bool,
    /// Draw bytes per hour and savings per app.
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
    /// Write the log that was replayed.
    #[arg(long, value_name = "OUT.csv")]
    write_log: Option<PathBuf>,
    /// Replace existing files.
    #[arg(long)]
    overwrite: bool,
    /// Print results as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(a: &Arguments) -> Result<()> {
    // Before all the videos are read.
    let begin =
        |path: &Option<PathBuf>| path.as_ref().map(|path| AtomicFile::create(path, a.overwrite)).transpose();
    let (log, drawing) = (begin(&a.write_log)?, begin(&a.plot)?);
    let (shares, videos) = match (&a.replay, a.synthetic) {
        (Some(path), _) => {
            let name = path.display().to_string();
            let file = File::open(path).map_err(Failure::io(&name, "read"))?;
            let shares = read(path, file).map_err(failure)?;
            let videos = match &a.videos {
                Some(folder) => identify(&shares, folder)?,
                None => by_name(&shares)?,
            };
            (shares, videos)
        }
        (None, seed) => synthetic(&Synthetic {
            seed: seed.unwrap_or_default(),
            users: a.users,
            videos: a.different,
            shares: a.shares,
            days: a.days,
        }),
    };
    let options = Options { across_apps: a.across_apps, ..Options::default() };
    let report = replay(&shares, &videos, &options).map_err(failure)?;
    if let Some(mut file) = log {
        let path = file.target().to_owned();
        write(&path, &mut file, &shares).map_err(failure)?;
        file.commit()?;
    }
    if let Some(mut file) = drawing {
        let path = file.target().display().to_string();
        file.write_all(plot(&report).as_bytes()).map_err(Failure::io(&path, "write"))?;
        file.commit()?;
    }
    if a.json {
        #[derive(Serialize)]
        struct Versioned<'a> {
            version: u32,
            options: Settings,
            #[serde(flatten)]
            report: &'a Report,
        }
        #[derive(Serialize)]
        struct Settings {
            across_apps: bool,
            overhead: vcn_serve::traffic::Overhead,
        }
        let options = Settings { across_apps: options.across_apps, overhead: options.overhead };
        return Stream::Out.json(&Versioned { version: 1, options, report: &report });
    }
    let hour = |hour: i64| format!("{:02}:00", hour.div_euclid(3600).rem_euclid(24));
    let days =
        report.hours.keys().map(|hour| hour.div_euclid(86_400)).collect::<std::collections::BTreeSet<_>>();
    let mut of_day: BTreeMap<String, Cell> = BTreeMap::new();
    for (at, cell) in &report.hours {
        of_day.entry(hour(*at)).or_default().add(cell);
    }
    let mut apps = report.apps.clone();
    apps.insert("all".to_owned(), report.total);
    Stream::Out.text(&format!(
        "{} shares to {} receivers, {} of them with groups, within {} day(s)\n\n{}\n{}",
        report.total.shares,
        report.total.receivers,
        report.total.groups,
        days.len(),
        table("app", &apps).to_text(),
        table("hour", &of_day).to_text().trim_end()
    ))
}

fn table(first: &str, rows: &BTreeMap<String, Cell>) -> Table {
    let titles = ["shares", "receivers", "without", "identical", "saved", "and copies", "saved"];
    let titles = titles.into_iter().map(|title| (title, Align::Right));
    let mut table = Table::new([(first, Align::Left)].into_iter().chain(titles));
    for (name, cell) in rows {
        let [exact, copies] = cell.saved().map(|saved| format!("{:.1} %", 100.0 * saved));
        table.push([
            name.clone(),
            cell.shares.to_string(),
            cell.receivers.to_string(),
            bytes(cell.without.total()),
            bytes(cell.exact.total()),
            exact,
            bytes(cell.copies.total()),
            copies,
        ]);
    }
    table
}

/// Bytes per hour, and what is saved per app.
fn plot(report: &Report) -> String {
    let start = report.hours.keys().next().copied().unwrap_or_default();
    let hours = |at: i64| (at - start) as f64 / 3600.0;
    let chart = |title: &str, y_title: &str, series| Chart {
        title: title.to_owned(),
        x_title: "hours since the first share".to_owned(),
        y_title: y_title.to_owned(),
        x_scale: Scale::Linear,
        y_scale: Scale::Linear,
        x_range: None,
        y_range: None,
        series,
    };
    type Bytes = fn(&Cell) -> u64;
    let ways: [(&str, Bytes); 3] = [
        ("without identification", |cell| cell.without.total()),
        ("identical videos as references", |cell| cell.exact.total()),
        ("and confirmed copies", |cell| cell.copies.total()),
    ];
    let bytes = ways.into_iter().enumerate().map(|(look, (name, of))| Series {
        name: name.to_owned(),
        points: report.hours.iter().map(|(at, cell)| (hours(*at), of(cell) as f64 / 1e9)).collect(),
        stroke: Stroke::Solid,
        look,
    });
    let saved = report.app_hours.iter().enumerate().map(|(look, (app, cells))| {
        let mut so_far = Cell::default();
        let points = cells.iter().map(|(at, cell)| {
            so_far.add(cell);
            (hours(*at), 100.0 * so_far.saved()[1])
        });
        Series { name: app.clone(), points: points.collect(), stroke: Stroke::Solid, look }
    });
    let charts = [
        chart("Traffic", "GB per hour", bytes.collect()),
        chart("Saved so far, by app", "% of all bytes", saved.collect()),
    ];
    sheet("What identification saves", &charts, 2)
}

/// Videos that are known by name alone.
fn by_name(shares: &[Share]) -> Result<HashMap<String, Video>> {
    let mut videos: HashMap<String, Video> = HashMap::new();
    for share in shares {
        if let Some(bytes) = share.bytes {
            let identity = share.video.clone();
            videos.entry(share.video.clone()).or_insert(Video { bytes, identity, copy_of: None });
        } else if !videos.contains_key(&share.video) {
            let video = &share.video;
            return Err(Failure::Usage(format!(
                "{video}: the log does not say its bytes: give --videos DIR"
            )));
        }
    }
    Ok(videos)
}

/// Reads the videos of a log: what they show, and which of them are copies of which.
fn identify(shares: &[Share], folder: &Path) -> Result<HashMap<String, Video>> {
    let mut videos: HashMap<String, Video> = HashMap::new();
    let mut looks = Looks::default();
    // The first video of each identity: its identity, what it was made from, and its file.
    let mut kinds: Vec<(String, Option<String>, String)> = Vec::new();
    let progress = Progress::new("identifying", None);
    for share in shares {
        if videos.contains_key(&share.video) {
            continue;
        }
        let relative = Path::new(&share.video);
        let plain = relative.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !plain {
            let video = &share.video;
            return Err(Failure::Usage(format!(
                "{video}: videos of a log are files below the folder of --videos"
            )));
        }
        let path = folder.join(relative).display().to_string();
        let size = std::fs::metadata(&path).map_err(Failure::io(&path, "read"))?.len();
        let mut frames = Frames::open(&path, OpenOptions::default())?;
        let rate = frames.info().fps.as_f64();
        let look = Look::at(&path, &mut frames, rate).map_err(failure)?;
        let identity = look.root.to_string();
        progress.frame();
        let known = kinds.iter().find(|(root, ..)| *root == identity);
        let copy_of = match known {
            Some((_, copy_of, _)) => copy_of.clone(),
            None => {
                let mut copy_of = None;
                for video in looks.nominate(&look) {
                    let Some((root, before, other)) = kinds.get(video) else { continue };
                    let mut one = Frames::open(&path, OpenOptions::default())?;
                    let mut two = Frames::open(other, OpenOptions::default())?;
                    // Only what was compared with an original counts: likeness is not handed on.
                    if before.is_none() && is_copy((&path, &mut one), (other, &mut two)).map_err(failure)? {
                        note(&format!("{}: pixels confirm a copy of {other}", share.video));
                        copy_of = Some(root.clone());
                        break;
                    }
                }
                looks.add(look);
                kinds.push((identity.clone(), copy_of.clone(), path));
                copy_of
            }
        };
        videos.insert(share.video.clone(), Video { bytes: size, identity, copy_of });
    }
    Ok(videos)
}
