//! The learned video codec.
//!
//! A [`Codec`] is a [`checkpoint::Checkpoint`] on a device. [`Codec::encode`] turns the frames of a GOP into a
//! [`container::GopRecord`], [`Codec::decode`] turns its payload into the same frames on every machine; `container`
//! puts records into `.vcn` files. `doc/ARCHITECTURE.md` shows how the modules depend on each other.

mod analysis;
pub mod checkpoint;
mod codec;
pub mod container;
mod decoder;
mod device;
mod encoder;
pub mod entropy;
mod error;
mod frame_syntax;
pub mod gop;
mod inspect;
pub mod integer;
mod judge;
mod keep;
pub mod model;
pub mod ms_ssim;
mod order;
pub mod packing;
pub mod search;
mod sensitivity;
mod source;
mod symbols;
pub mod vectors;
pub mod warp;

pub use analysis::Analysis;
pub use codec::{Codec, FrameKind};
pub use decoder::GopDecoder;
pub use device::DeviceChoice;
pub use encoder::{
    CodedFrame, Effort, FrameLog, GopEncoder, GopSettings, QUALITY_ROOM, anchors, frame_quality,
};
pub use error::{Error, Result};
pub use frame_syntax::MOST_SKIPPED;
pub use inspect::Inspection;
