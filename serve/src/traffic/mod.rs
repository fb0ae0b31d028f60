//! What identification saves of social traffic: a log of shares is replayed with and without it.
//!
//! Without it, every share is an upload, and a download for every receiver. With it, a server that has the video takes a
//! reference instead of the upload, and a receiver who holds it gets a reference instead of the download. Identical means
//! equal decoded frames. A re-encoded copy counts as identical only where a pixel check has said so ([`is_copy`]).

mod copies;
mod log;
mod replay;
mod synthetic;

pub use copies::{Look, Looks, is_copy};
pub use log::{Share, read, write};
pub use replay::{Cell, Options, Overhead, Report, Video, replay};
pub use synthetic::{Synthetic, synthetic};
