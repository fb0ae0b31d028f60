//! Near-duplicates (level 2): similarity nominates, pixels decide, and nothing is merged.
//!
//! A few frames of each video are described by short vectors ([`Descriptor`]). Vectors that are alike vote for a video
//! and an offset in time; at that alignment the pictures themselves are compared, and how far the worst block of the
//! worst frame is off is in the report.

mod descriptor;
mod index;
mod picked;
mod report;
mod thumbnail;

pub use descriptor::{Descriptor, LowFrequencies};
pub(crate) use picked::{Picked, Picker};
pub use report::{FindOptions, Level, Match, Pair};
