//! Near-duplicates (level 2): similarity nominates, pixels decide, and nothing is merged.
//!
//! How videos are found to be alike is in `vcn-similarity`; here are the objects that keep what a search needs, and the
//! searches: `find` for a video that is not stored, `dups` among those that are.

mod describe;
mod dups;
mod find;
mod near;
mod picked;
mod report;
mod video;

pub use describe::DescribeReport;
pub use find::Query;
pub use picked::Looks;
pub(crate) use picked::Picked;
pub use report::{FindOptions, Level, Match, Pair};
