//! `--b-frames`: whether frames may be coded after some that are shown later.

use clap::Args;
use vcn_codec::{GopSettings, MOST_SKIPPED};

/// How far frames may be reordered.
#[derive(Clone, Copy, Debug, Args)]
pub struct Reordering {
    /// Frames that may be skipped over to be coded from both sides later; 0 for live video, whose frames cannot wait.
    #[arg(long, value_name = "N", default_value_t = GopSettings::default().between,
          value_parser = clap::value_parser!(u32).range(0..=i64::from(MOST_SKIPPED)))]
    pub b_frames: u32,
}
