//! Tools for folders of videos.
//!
//! [`dedup`] finds videos that show the same, confirms each pair in time and in pixels, and acts on what is confirmed.
//! [`features`] writes what the codec's transforms see as NumPy arrays. [`VideoId`] names videos by what they show.
//! [`rank`] finds the scenes of many clips that are worth keeping, [`summarize`] the frames and shots that say most of
//! a video.

#![forbid(unsafe_code)]

pub mod dedup;
mod discover;
mod error;
pub mod features;
mod id;
pub mod rank;
mod samples;
mod scan;
pub mod summarize;
mod table;

pub use discover::{Found, IMAGES, VIDEOS, discover};
pub use error::{Error, Result};
pub use id::{Perceptual, VideoId};
pub use scan::Scan;
