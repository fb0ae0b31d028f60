//! Entropy coding: integer symbols to bytes and back, with integer probabilities only.
//!
//! A [`Table`] gives each symbol a frequency out of 65536; it comes from the checkpoint, never from floating-point
//! arithmetic at run time, so that every machine decodes the same symbols. [`ScaleTables`] holds the zero-mean tables
//! that a latent's scale index picks. A [`SymbolEncoder`] writes all symbols of a GOP into one range-coded payload, a [`SymbolDecoder`] reads them in the same order.
//!
//! ```
//! use vcn_codec::entropy::{ScaleTables, SymbolDecoder, SymbolEncoder};
//!
//! let tables = ScaleTables::laplace(48)?;
//! let mut encoder = SymbolEncoder::new();
//! encoder.put_uint(7);
//! encoder.put_scaled(&tables, 20, -3)?;
//! encoder.put_scaled(&tables, 0, 0)?; // scale index 0: costs nothing
//! let payload = encoder.finish();
//!
//! let mut decoder = SymbolDecoder::new(&payload)?;
//! assert_eq!(decoder.get_uint()?, 7);
//! assert_eq!(decoder.get_scaled(&tables, 20)?, -3);
//! assert_eq!(decoder.get_scaled(&tables, 0)?, 0);
//! decoder.finish()?;
//! # Ok::<(), vcn_codec::Error>(())
//! ```
//!
//! The exact format is in `doc/BITSTREAM.md`.

mod bypass;
mod chance;
mod decoder;
mod encoder;
mod frequencies;
mod histogram;
mod laplace;
mod scales;
mod serial;
mod table;
mod words;

#[cfg(test)]
pub(crate) mod tests;

pub use chance::{Chance, Habit};
pub use decoder::SymbolDecoder;
pub use encoder::SymbolEncoder;
pub use histogram::Histogram;
pub use scales::{SCALE_OFFSET, ScaleTables, scale, scale_index};
pub use table::{MAX_SYMBOL, Table};

/// Frequencies of a table sum to `2^PRECISION`.
pub const PRECISION: usize = 16;

/// `2^PRECISION`.
pub(crate) const TOTAL: u32 = 1 << PRECISION;
