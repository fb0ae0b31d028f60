//! Near-duplicates (level 2): similarity nominates, pixels decide, and nothing is merged.
//!
//! How videos are found to be alike is in `vcn-similarity`; here are the objects that keep what a search needs, and the
//! reports.

mod picked;
mod report;

pub(crate) use picked::Picked;
pub use report::{FindOptions, Level, Match, Pair};
