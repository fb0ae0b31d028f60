//! Duplicates in folders: found by what frames look like, confirmed in time and in pixels, acted upon with care.
//!
//! Videos with the same decoded frames come first, whatever anything else says of them. Of the others, those of about the
//! same length that look alike at one offset are clustered (DBSCAN); each pair of a cluster must then agree frame by
//! frame in time and in pixels before it is called a duplicate, and what is removed was compared with that which is kept,
//! never with a third.

mod act;
mod cluster;
mod confirm;
mod find;
mod journal;
mod keep;
mod pictures;
mod relation;
mod timing;

pub use act::{Action, Step, apply, plan, undo};
pub use find::{Options, find};
pub use journal::{Entry, Journal, Undone};
pub use keep::Rule;
pub use relation::{Evidence, Group, Member, Related, Relation, Report};
