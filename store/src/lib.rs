//! The dedup-aware archive.
//!
//! A [`Store`] keeps videos under names. Frames go in as closed GOPs that a [`SegmentCodec`] encodes; equal videos and
//! equal runs of frames are kept once. Everything is an immutable object under the BLAKE3 of its bytes, so that damage
//! is found whenever something is read; a small SQLite catalogue makes it quick and can be made anew from the objects.
//! `doc/STORE.md` has the promises, the layout and the order of writes.
//!
//! ```
//! use vcn_media::{Colour, Picture, Rational, Yuv420};
//! use vcn_store::{Clip, Location, Planes, PutRequest, Store};
//!
//! let store = Store::init(&Location::memory(), Vec::new())?;
//! let frame = |value| Picture::Yuv420(Yuv420 { width: 2, height: 2, y: vec![value; 4], u: vec![9], v: vec![9] });
//! let clip: Vec<Picture> = (0..30).map(frame).collect();
//!
//! let rate = Rational { num: 25, den: 1 };
//! let first = store.put(PutRequest::frames("a", rate, Colour::RGB_INPUT), &mut Clip::new(clip.clone()))?;
//! let second = store.put(PutRequest::frames("b", rate, Colour::RGB_INPUT), &mut Clip::new(clip))?;
//! assert_eq!(first.encoded_frames, 30);
//! assert_eq!(second.encoded_frames, 0); // a reference
//!
//! let mut playback = store.get("b", Some(10..12))?;
//! assert_eq!(playback.next_frame()?, Some(frame(10)));
//! # Ok::<(), vcn_store::Error>(())
//! ```

#![forbid(unsafe_code)]

mod blob;
mod catalogue;
mod codec;
mod compressed;
mod digest;
mod error;
mod failpoint;
mod frame;
mod gc;
mod get;
#[cfg(feature = "s3")]
mod http;
mod intake;
mod location;
mod manifest;
mod names;
mod objects;
mod planes;
mod progress;
mod put;
mod record;
mod references;
mod repair;
mod replace;
mod segment;
mod similar;
mod split;
mod store;
mod verify;

pub use blob::write as cut_blob;
pub use codec::{SegmentCodec, Splitter};
pub use digest::{Digest, NotADigest};
pub use error::{BoxError, Error, Result};
pub use frame::{Format, Layout, frame_digest, frames_key, frames_root, identity};
pub use gc::{GcOptions, GcReport};
pub use get::Playback;
#[cfg(feature = "s3")]
pub use http::Http;
pub use intake::{Intake, IntakeLimits};
pub use location::Location;
pub use manifest::{BlobRef, Manifest, SegmentRef, SideRef};
pub use names::{Listing, Stat};
pub use objects::{Kind, ObjectId};
pub use planes::Planes;
pub use progress::{Step, Watcher};
pub use put::{
    Clip, Dedup, EncodedSegment, Foreseen, FrameSource, Known, Offer, Offered, Parts, PutOutcome, PutRequest,
    Sharing, SideStream, Times, encode_segment,
};
pub use record::{Class, Entry, Event, Receipt, Record, SourceFacts, Timing};
pub use repair::{Lost, RepairOptions, RepairReport};
pub use replace::MaxDistortion;
pub use similar::{DescribeReport, FindOptions, Level, Looks, Match, Pair, Query};
pub use split::{Bounded, DigestSplitter};
pub use store::Store;
pub use vcn_similarity::{BlockSpectrum, Descriptor, Distortion};
pub use verify::{Damage, VerifyOptions, VerifyReport};
