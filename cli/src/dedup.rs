//! `vcn dedup`.

mod evidence;
mod report;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use rayon::prelude::*;
use vcn_curate::dedup::{self, Journal, Options, Rule, Step};
use vcn_curate::{Scan, VIDEOS, discover};
use vcn_similarity::BlockSpectrum;

use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::number;
use crate::print::{Stream, note};
use crate::progress::Progress;
use crate::store::side;

/// Arguments of `vcn dedup`.
#[derive(Args)]
#[command(after_help = "\
Videos of the same decoded frames are found first. Others must look alike at one offset in time, agree frame by frame, and
agree in the pixels of every frame, down to the worst block, before they are called duplicates. What is cropped, mirrored,
brightened, captioned or contained in another is listed as related and never touched. Nothing is done without --apply.

Exit codes beyond those of vcn: 1 if a step of --apply or --undo failed; unreadable files are listed and skipped.

Examples:
  vcn dedup videos/                                        # what is there twice
  vcn dedup videos/ --html duplicates.html                 # the same, to look at
  vcn dedup videos/ --action trash                         # what would be done
  vcn dedup videos/ --action trash --apply                 # moves duplicates to videos/.vcn-dedup/
  vcn dedup --undo videos/.vcn-dedup/1700000000/journal.jsonl
  vcn dedup best/ other/ --keep folder --action delete --apply --json")]
pub struct Arguments {
    /// Folders to search, at any depth.
    #[arg(value_name = "DIR", required_unless_present = "undo")]
    folders: Vec<PathBuf>,
    /// File types to look at.
    #[arg(long, value_name = "TYPES", value_delimiter = ',', default_values_t = VIDEOS.map(str::to_owned))]
    extensions: Vec<String>,
    /// Largest distance of neighbours in a cluster, from 0 to 1.
    #[arg(long, default_value_t = f64::from(Options::default().eps), value_parser = number::part)]
    eps: f64,
    /// Neighbours that make a cluster, the video itself included.
    #[arg(long, value_name = "N", default_value_t = Options::default().min_samples, value_parser = number::count)]
    min_samples: usize,
    /// By which share of the longer one the lengths of duplicates may differ.
    #[arg(long, value_name = "SHARE", default_value_t = Options::default().length_tolerance, value_parser = number::part)]
    length_tolerance: f64,
    /// Which of several is kept; the next rule decides where one does not.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Keep::Resolution, Keep::Bitrate, Keep::Oldest])]
    keep: Vec<Keep>,
    /// What becomes of duplicates.
    #[arg(long, value_enum, default_value_t)]
    action: Action,
    /// Do it.
    #[arg(long)]
    apply: bool,
    /// Act although the sound or the subtitles are others than those of the file that is kept.
    #[arg(long)]
    ignore_sound: bool,
    /// Where what was done is written down [default: DIR/.vcn-dedup/TIME/journal.jsonl].
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Undo what a journal tells of.
    #[arg(long, value_name = "JOURNAL", conflicts_with_all = ["folders", "apply", "action"])]
    undo: Option<PathBuf>,
    /// Write a page with pictures of all that was found.
    #[arg(long, value_name = "FILE", conflicts_with = "undo")]
    html: Option<String>,
    /// Replace the page if it exists.
    #[arg(long, requires = "html")]
    overwrite: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// An action as written on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Say what is there.
    #[default]
    Report,
    /// Make hard links of them; --undo brings back those that were byte for byte the same.
    Link,
    /// Make copies of them that share the blocks of the file that is kept (btrfs, XFS, APFS ...); --undo as for links.
    Reflink,
    /// Move them to a hidden folder, from which --undo brings them back.
    Trash,
    /// Delete them; --undo brings back those that were byte for byte the same.
    Delete,
}

/// A rule as written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Keep {
    /// Most samples per frame.
    Resolution,
    /// Most bits per second.
    Bitrate,
    /// Modified first.
    Oldest,
    /// Modified last.
    Newest,
    /// In the folder that was named first.
    Folder,
}

impl Action {
    fn action(self) -> dedup::Action {
        match self {
            Action::Report => dedup::Action::Report,
            Action::Link => dedup::Action::Link,
            Action::Reflink => dedup::Action::Reflink,
            Action::Trash => dedup::Action::Trash,
            Action::Delete => dedup::Action::Delete,
        }
    }
}

impl Keep {
    fn rule(self) -> Rule {
        match self {
            Keep::Resolution => Rule::Resolution,
            Keep::Bitrate => Rule::Bitrate,
            Keep::Oldest => Rule::Oldest,
            Keep::Newest => Rule::Newest,
            Keep::Folder => Rule::Folder,
        }
    }
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    if let Some(journal) = &a.undo {
        return undo(journal, a.json);
    }
    if a.apply && a.action == Action::Report {
        return Err(Failure::Usage("--apply needs an --action: link, reflink, trash or delete".into()));
    }
    if let Some(path) = a.html.as_ref().map(PathBuf::from)
        && path.exists()
        && !a.overwrite
    {
        return Err(vcn_media::Error::Exists { path }.into());
    }
    let mut skipped = Vec::new();
    let scanned = scan(&a, &mut skipped)?;
    let (scans, folders): (Vec<Scan>, Vec<usize>) = scanned.into_iter().unzip();
    let options = Options {
        eps: a.eps as f32,
        min_samples: a.min_samples,
        length_tolerance: a.length_tolerance,
        keep: a.keep.iter().map(|keep| keep.rule()).collect(),
    };
    let progress = Progress::new("comparing pairs", None);
    let found = dedup::find(&scans, &folders, &BlockSpectrum, &options, |_, _| progress.frame());
    drop(progress);
    let found = found.map_err(failure)?;
    let mut steps = dedup::plan(&found, &scans);
    if a.action != Action::Report && !a.ignore_sound {
        steps.iter_mut().filter(|step| step.refused.is_none()).for_each(refuse_other_sound);
    }
    if let Some(path) = &a.html {
        // Before anything is done: the page shows what is no longer there afterwards.
        let names: Vec<String> = a.folders.iter().map(|folder| folder.display().to_string()).collect();
        let title = format!("Duplicates in {}", names.join(", "));
        evidence::page(title, &scans, &skipped, &found, &steps, &BlockSpectrum)?.write(path, a.overwrite)?;
    }
    let done = if a.apply { Some(apply(&a, &steps, &scans, &folders)?) } else { None };
    let report = report::Report::new(&a.folders, &scans, &found, skipped, &steps, a.action.action(), done);
    if a.json {
        Stream::Out.json(&report)?;
    } else {
        Stream::Out.text(&report.to_string())?;
    }
    match report.failures() {
        0 => Ok(()),
        count => Err(Failure::Other(format!("{count} steps failed; see the report").into())),
    }
}

/// Reads all videos; what cannot be read is skipped.
fn scan(a: &Arguments, skipped: &mut Vec<(PathBuf, String)>) -> Result<Vec<(Scan, usize)>> {
    let mut videos: Vec<(PathBuf, usize)> = Vec::new();
    let mut known = HashSet::new();
    for (at, folder) in a.folders.iter().enumerate() {
        if !folder.is_dir() {
            return Err(Failure::Usage(format!("{}: not a folder", folder.display())));
        }
        let found = discover(folder, &a.extensions);
        skipped.extend(found.unreadable);
        // Folders may overlap, and be named in several ways.
        let new = found
            .videos
            .into_iter()
            .filter(|path| known.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
        videos.extend(new.map(|path| (path, at)));
    }
    if videos.is_empty() {
        note(&format!("there are no videos; looked for {}, and folders of frames", a.extensions.join(", ")));
    }
    let progress = Progress::new(&format!("reading {} videos", videos.len()), None);
    let read: Vec<_> = videos
        .par_iter()
        .map(|(path, at)| {
            let scan = Scan::of(path, &BlockSpectrum, || progress.frame());
            scan.map(|scan| (scan, *at)).map_err(|error| (path.clone(), error.to_string()))
        })
        .collect();
    let mut scanned = Vec::new();
    for read in read {
        match read {
            Ok(scan) => scanned.push(scan),
            Err(reason) => skipped.push(reason),
        }
    }
    Ok(scanned)
}

/// A duplicate with other sound or subtitles than the file that is kept has something that would be lost.
fn refuse_other_sound(step: &mut Step) {
    let sides = |path: &Path| -> Result<Vec<_>> {
        let streams = side::streams(&path.to_string_lossy())?;
        Ok(streams.into_iter().map(|stream| (stream.kind, stream.identity)).collect())
    };
    step.refused = match (sides(&step.path), sides(&step.kept)) {
        (Ok(own), Ok(kept)) if own.iter().all(|stream| kept.contains(stream)) => None,
        (Ok(_), Ok(_)) => Some("its sound or subtitles are not those of the file that is kept".to_owned()),
        (Err(error), _) | (_, Err(error)) => Some(error.to_string()),
    };
}

/// Does the steps; gives the journal and what became of each.
fn apply(
    a: &Arguments,
    steps: &[Step],
    scans: &[Scan],
    folders: &[usize],
) -> Result<(PathBuf, Vec<std::result::Result<(), String>>)> {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let holding = |folder: &Path| folder.join(".vcn-dedup").join(time.to_string());
    let path = a.journal.clone().unwrap_or_else(|| holding(&a.folders[0]).join("journal.jsonl"));
    let mut journal = Journal::create(&path).map_err(failure)?;
    note(&format!("what is done is written down in {}", path.display()));
    let folder_of = |path: &Path| {
        let found = scans.iter().zip(folders).find(|(scan, _)| scan.path == path);
        &a.folders[found.map_or(0, |(_, at)| *at)]
    };
    let done = steps.iter().map(|step| {
        let holding = holding(folder_of(&step.path)).join("held");
        let act = || dedup::apply(step, a.action.action(), &holding, &mut journal);
        interrupt::whole(act).map_err(|error| error.to_string())
    });
    let done = done.collect();
    Ok((path, done))
}

fn undo(journal: &Path, json: bool) -> Result<()> {
    let undone = dedup::undo(journal).map_err(failure)?;
    if json {
        Stream::Out.json(&report::Undo { version: report::VERSION, undone: &undone })?;
    } else {
        for step in &undone {
            let word = if step.restored { "restored" } else { "not restored" };
            Stream::Out.text(&format!("{word}\t{}\t{}", step.path.display(), step.reason))?;
        }
    }
    match undone.iter().filter(|step| !step.restored).count() {
        0 => Ok(()),
        count => Err(Failure::Other(format!("{count} files could not be restored").into())),
    }
}

fn failure(error: vcn_curate::Error) -> Failure {
    match error {
        vcn_curate::Error::Media(error) => Failure::Media(error),
        vcn_curate::Error::Clustering(_) => Failure::Usage(error.to_string()),
        error => Failure::Other(error.into()),
    }
}
