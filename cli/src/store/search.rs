//! `vcn store dups|find`.

use clap::Args;
use serde::Serialize;
use vcn_media::OpenOptions;
use vcn_store::FindOptions;

use super::input::Frames;
use super::{Context, failure, json};
use crate::compute::Compute;
use crate::failure::Result;
use crate::print::Stream;

/// How to look.
#[derive(Args)]
struct How {
    /// The lowest score of videos that look alike, from 0 to 1.
    #[arg(long, value_name = "SCORE", default_value_t = 0.5)]
    min_score: f32,
    /// So many that look alike for each video.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Do not compare pixels.
    #[arg(long)]
    no_pixels: bool,
    /// A model by name or file, if it is not built in.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    #[command(flatten)]
    compute: Compute,
}

/// Arguments of `vcn store dups`.
#[derive(Args)]
pub struct DupsArguments {
    /// Remember that two names are no duplicates.
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    not: Option<Vec<String>>,
    /// Forget that two names are no duplicates.
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with = "not")]
    forget: Option<Vec<String>>,
    #[command(flatten)]
    how: How,
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
    fn options(&self) -> FindOptions {
        FindOptions { min_score: self.min_score, limit: self.limit, pixels: !self.no_pixels }
    }
}

/// `vcn store dups`.
pub fn dups(context: &Context, a: &DupsArguments) -> Result<()> {
    for (names, revoked) in [(&a.not, false), (&a.forget, true)] {
        if let Some([first, second]) = names.as_deref() {
            return context.open()?.mark_distinct(first, second, revoked).map_err(failure);
        }
    }
    let store = context.open_with_codecs(a.how.model.as_deref(), &a.how.compute)?;
    let pairs = store.dups(&a.how.options()).map_err(failure)?;
    print(context, pairs.into_iter().map(|pair| json::Found::new(&pair.name, pair.other)).collect())
}

/// `vcn store find`.
pub fn find(context: &Context, a: &FindArguments) -> Result<()> {
    let store = context.open_with_codecs(a.how.model.as_deref(), &a.how.compute)?;
    let mut frames = Frames::open(&a.input, OpenOptions::default())?;
    let rate = frames.info().fps.as_f64();
    let found = store.find(&mut frames, rate, &a.how.options()).map_err(failure)?;
    print(context, found.into_iter().map(|found| json::Found::new(&a.input, found)).collect())
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
