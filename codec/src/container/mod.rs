//! The `.vcn` file: a header with the fixed facts, a record per GOP, a footer with the GOP table.
//!
//! A [`Writer`] needs no seeking, so its output may be a pipe. A [`Reader`] finds the table at the end of a file and
//! goes straight to any GOP; a [`StreamReader`] takes the same bytes from a pipe, in order; [`Salvage`] finds what is
//! intact in a damaged file. Every byte is covered by a checksum, and memory is bounded by the bytes that are really
//! there, whatever lengths they claim.
//!
//! ```
//! use std::io::Cursor;
//! use vcn_codec::container::{FramesHasher, GopRecord, Header, Metric, Reader, Writer};
//! use vcn_media::{Colour, Rational};
//!
//! let header = Header {
//!     model: [7; 32],
//!     width: 416,
//!     height: 240,
//!     fps: Rational { num: 50, den: 1 },
//!     colour: Colour::RGB_INPUT,
//!     quality: 32,
//!     metric: Metric::Psnr,
//! };
//! let mut writer = Writer::new(Vec::new(), &header)?;
//! let frames_sum = FramesHasher::new().finish(); // after `push`ing each decoded frame
//! writer.gop(&GopRecord { frames: 32, payload: vec![1, 2, 3], frames_sum })?;
//! let file = writer.finish()?;
//!
//! let mut reader = Reader::open(Cursor::new(file))?;
//! assert_eq!(reader.header(), &header);
//! assert_eq!(reader.frames(), 32);
//! assert_eq!(reader.gop(0)?.payload, [1, 2, 3]);
//! # Ok::<(), vcn_codec::Error>(())
//! ```
//!
//! The exact format is in `doc/BITSTREAM.md`.

mod footer;
mod header;
mod input;
mod reader;
mod record;
mod salvage;
mod stream_reader;
mod sum;
pub(crate) mod varint;
mod writer;

#[cfg(test)]
mod tests;

pub use header::{Header, MAX_QUALITY, Metric, VERSION};
pub use reader::{GopEntry, Reader};
pub use record::{GopRecord, MAX_GOP_FRAMES, MAX_PAYLOAD};
pub use salvage::{Lost, Salvage, SalvageReport, SalvagedGop};
pub use stream_reader::StreamReader;
pub use sum::{FramesHasher, Sum};
pub use writer::Writer;
