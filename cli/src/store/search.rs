//! `vcn store dups|find|describe`.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use vcn_codec::gop::GopPolicy;
use vcn_media::OpenOptions;
use vcn_store::{BlockSpectrum, DescribeReport, DigestSplitter, FindOptions, Match, Query, Step, Store};

use super::changes::done;
use super::codec::splitter;
use super::evidence::{Video, group, saved};
use super::input::{Counted, Frames};
use super::watch::Watch;
use super::{Context, failure, json};
use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::page::{Group, Page};
use crate::print::{Stream, bytes};

/// How to look.
#[derive(Args)]
struct How {
    /// The lowest score of videos that look alike, from 0 to 1.
    #[arg(long, value_name = "SCORE", default_value_t = 0.5)]
    min_score: f32,
    /// So many that look alike for each video.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Write a page with pictures of what was found: one file that needs no other.
    #[arg(long, value_name = "OUT")]
    html: Option<String>,
    /// Replace an existing page.
    #[arg(long, requires = "html")]
    overwrite: bool,
    /// Do not compare pixels.
    #[arg(long)]
    no_pixels: bool,
    /// A model by name or file, if it is not built in.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    #[command(flatten)]
    compute: Compute,
}

const EXAMPLES: &str = "\
Examples:
  vcn store dups --store s                             identical, in part the same, alike
  vcn store dups --html dups.html --store s            with pictures
  vcn store dups --not a.mp4 b.mp4 --store s           never name these two together again";

/// Arguments of `vcn store dups`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct DupsArguments {
    /// Remember that two names are no duplicates.
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    not: Option<Vec<String>>,
    /// Forget that two names are no duplicates.
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with = "not")]
    forget: Option<Vec<String>>,
    /// With --not or --forget: only say what would be remembered.
    #[arg(long)]
    dry_run: bool,
    /// Compare every sampled frame with every other: takes time in the square of the number of videos. Without it, where
    /// there are very many, videos that are only just alike may be missed.
    #[arg(long)]
    exhaustive: bool,
    #[command(flatten)]
    how: How,
}

/// Arguments of `vcn store describe`.
#[derive(Args)]
pub struct DescribeArguments {
    /// Only say how many videos need it.
    #[arg(long)]
    dry_run: bool,
    /// A model by name or file, if it is not built in.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    #[command(flatten)]
    compute: Compute,
}

/// Arguments of `vcn store find`.
#[derive(Args)]
pub struct FindArguments {
    /// A video, a folder of frames, or `-` for Y4M on standard input.
    input: String,
    #[command(flatten)]
    how: How,
}

#[derive(Serialize)]
struct Report {
    matches: Vec<json::Found>,
}

impl How {
    /// The store with the models that its videos need, watched.
    fn open(&self, context: &Context, watch: &Arc<Watch>) -> Result<Store> {
        Ok(context.open_with_codecs(self.model.as_deref(), &self.compute)?.watched(watch.watcher()))
    }

    fn options(&self) -> FindOptions<'_> {
        let (min_score, limit, pixels) = (self.min_score, self.limit, !self.no_pixels);
        FindOptions { min_score, limit, pixels, descriptor: &BlockSpectrum }
    }
}

/// `vcn store dups`.
pub fn dups(context: &Context, a: &DupsArguments) -> Result<()> {
    for (names, revoked) in [(&a.not, false), (&a.forget, true)] {
        if let Some([first, second]) = names.as_deref() {
            if first == second {
                return Err(Failure::Usage(format!("{first} twice: give two names")));
            }
            let store = context.open()?;
            let verb = match (a.dry_run, revoked) {
                (true, false) => "would mark as no duplicate",
                (true, true) => "would forget the mark of",
                (false, false) => "marked as no duplicate",
                (false, true) => "forgot the mark of",
            };
            match a.dry_run {
                true => [first, second].into_iter().try_for_each(|name| store.stat(name).map(drop)),
                false => store.mark_distinct(first, second, revoked),
            }
            .map_err(failure)?;
            return done(context, verb, &[first.clone(), second.clone()]);
        }
    }
    let watch = Watch::new("dups", context.json);
    let store = a.how.open(context, &watch)?;
    let options = a.how.options();
    let mut found: BTreeMap<String, Vec<Match>> = BTreeMap::new();
    for pair in store.dups(&options, a.exhaustive).map_err(failure)? {
        found.entry(pair.name).or_default().push(pair.other);
    }
    if let Some(path) = &a.how.html {
        let groups: Result<Vec<Group>> = found
            .iter()
            .zip(1..)
            .map(|((name, matches), done)| {
                let total = Some(found.len() as u64);
                watch.step(Step { counting: "groups drawn", done, total });
                group(&store, &Video::Stored(name), matches, options.descriptor)
            })
            .collect();
        let title = format!("Duplicates in {}", store.location());
        let others = found.values().flatten().map(|found| found.name.as_str());
        let saved = saved(&store, found.keys().map(String::as_str).chain(others))?;
        write_page(title, groups?, saved, path, a.how.overwrite)?;
    }
    watch.bar.end();
    let all = found.into_iter();
    print(context, all.flat_map(|(name, matches)| lines(&name, matches)).collect())
}

/// `vcn store find`.
pub fn find(context: &Context, a: &FindArguments) -> Result<()> {
    let watch = Watch::new("find", context.json);
    let store = a.how.open(context, &watch)?;
    let frames = Frames::open(&a.input, OpenOptions::default())?;
    let info = frames.info().clone();
    let each = || watch.frame(info.frames);
    let mut frames = Counted { frames, each: &each };
    let query = Query {
        rate: info.fps.as_f64(),
        colour: info.colour,
        splitters: vec![
            Box::new(DigestSplitter::default()),
            Box::new(splitter(GopPolicy::default(), info.colour)),
        ],
        options: a.how.options(),
    };
    let found = store.find(&mut frames, query).map_err(failure)?;
    watch.bar.end();
    if let Some(path) = &a.how.html {
        if a.input == "-" {
            let reason = "--html needs the pictures a second time: give a file instead of `-`";
            return Err(Failure::Usage(reason.to_owned()));
        }
        let video = Video::File(&a.input, OpenOptions::default());
        let groups = vec![group(&store, &video, &found, a.how.options().descriptor)?];
        let title = format!("What {} has in common with {}", a.input, store.location());
        let saved = groups.iter().map(|group| group.saved_bytes).sum();
        write_page(title, if found.is_empty() { Vec::new() } else { groups }, saved, path, a.how.overwrite)?;
    }
    print(context, lines(&a.input, found))
}

/// `vcn store describe`.
pub fn describe(context: &Context, a: &DescribeArguments) -> Result<()> {
    let watch = Watch::new("describe", context.json);
    let store = context.open_with_codecs(a.model.as_deref(), &a.compute)?.watched(watch.watcher());
    let report = store.describe(&BlockSpectrum, a.dry_run).map_err(failure)?;
    watch.bar.end();
    let DescribeReport { names, described, undecodable } = report;
    #[derive(Serialize)]
    struct Report {
        dry_run: bool,
        names: u64,
        described: u64,
        undecodable: u64,
    }
    if context.json {
        return json::print(&Report { dry_run: a.dry_run, names, described, undecodable });
    }
    let verb = if a.dry_run { "would be described" } else { "described" };
    Stream::Out.text(&format!("{described} of {names} names {verb}, {undecodable} could not be decoded"))
}

fn write_page(title: String, groups: Vec<Group>, saved: u64, path: &str, overwrite: bool) -> Result<()> {
    let mut notes = vec![
        "Identical videos and equal segments are kept once. What only looks alike is reported and never merged."
            .to_owned(),
    ];
    if saved > 0 {
        notes.push(format!("{} would be stored again without that.", bytes(saved)));
    }
    Page { title, notes, groups }.write(path, overwrite)
}

fn lines(name: &str, matches: Vec<Match>) -> Vec<json::Found> {
    matches.into_iter().map(|found| json::Found::new(name, found)).collect()
}

fn print(context: &Context, matches: Vec<json::Found>) -> Result<()> {
    match (context.json, matches.is_empty()) {
        (true, _) => json::print(&Report { matches }),
        (false, true) => Stream::Out.text("nothing in common"),
        (false, false) => {
            Stream::Out.text(&matches.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
    }
}
