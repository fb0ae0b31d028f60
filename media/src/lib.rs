//! Pictures, colour conversion, and the one place where vcn opens inputs and outputs.
//!
//! Without the feature `files` only [`picture`], [`colour`] and [`rational`] remain, which is all that a decoder needs.
//! With it, [`open`] reads a folder of images, one image, Y4M (a file or standard input) and whatever `ffmpeg` reads;
//! [`create`] writes a folder of PNG, one PNG, Y4M (a file or standard output) and whatever `ffmpeg` writes.
//!
//! ```no_run
//! # fn main() -> Result<(), vcn_media::Error> {
//! use vcn_media::{CreateOptions, OpenOptions, create, open};
//!
//! let mut reader = open("clip.mp4", OpenOptions { limit: Some(32), ..Default::default() })?;
//! let mut writer = create("frames/", reader.info(), CreateOptions { overwrite: false })?;
//! while let Some(picture) = reader.next()? {
//!     writer.write(&picture)?;
//! }
//! writer.finish()?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod best_colour;
pub mod colour;
mod error;
pub mod picture;
pub mod rational;
mod upsample;

#[cfg(feature = "files")]
mod atomic_file;
#[cfg(feature = "files")]
mod create;
#[cfg(feature = "files")]
mod ffmpeg;
#[cfg(feature = "files")]
mod folder;
#[cfg(feature = "files")]
mod frame_times;
#[cfg(feature = "files")]
mod natural_order;
#[cfg(feature = "files")]
mod open;
#[cfg(feature = "files")]
mod pending;
#[cfg(feature = "files")]
mod scratch;
#[cfg(feature = "files")]
mod septuplet;
#[cfg(feature = "files")]
mod video;
#[cfg(feature = "files")]
mod window;
#[cfg(feature = "files")]
mod y4m;

pub use error::{Error, Result};
pub use picture::{Chroma, Colour, MAX_SIDE, Matrix, Picture, Range, Rgb8, Yuv420, Yuv444};
pub use rational::Rational;

#[cfg(feature = "files")]
pub use atomic_file::AtomicFile;
#[cfg(feature = "files")]
pub use create::{CreateOptions, create, create_timed, keeps_times};
#[cfg(feature = "files")]
pub use ffmpeg::ffmpeg_output;
#[cfg(feature = "files")]
pub use frame_times::FrameTimes;
#[cfg(feature = "files")]
pub use open::{OpenOptions, open};
#[cfg(feature = "files")]
pub use pending::{Fleeting, remove_abandoned, remove_pending};
#[cfg(feature = "files")]
pub use scratch::Scratch;
#[cfg(feature = "files")]
pub use septuplet::SeptupletList;
#[cfg(feature = "files")]
pub use video::{FrameReader, FrameWriter, SourceKind, VideoInfo};
