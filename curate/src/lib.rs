//! Tools for folders of videos.
//!
//! [`dedup`] finds videos that show the same, confirms each pair in time and in pixels, and acts on what is confirmed.

#![forbid(unsafe_code)]

pub mod dedup;
mod discover;
mod error;
mod scan;

pub use discover::{Found, IMAGES, VIDEOS, discover};
pub use error::{Error, Result};
pub use scan::Scan;
