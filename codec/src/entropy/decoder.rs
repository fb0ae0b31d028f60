//! Bytes to symbols.

use constriction::{
    CoderError,
    stream::{Code, Decode, model::DecoderModel, queue::RangeDecoder},
};

use super::{
    PRECISION, ScaleTables, Table,
    bypass::Bits,
    chance::Chance,
    table::Slots,
    words::{Exhausted, Words},
};
use crate::{Error, Result};

/// Reads the symbols of a payload in the order in which a [`SymbolEncoder`](super::SymbolEncoder) wrote them.
///
/// Any bytes are safe to decode: the result is symbols in range, or an error. Memory and time are bounded by the
/// number of calls. Whether the symbols are the right ones, the container's checksum tells.
#[derive(Clone, Debug)]
pub struct SymbolDecoder<'a> {
    coder: RangeDecoder<u16, u64, Words<'a>>,
}

impl<'a> SymbolDecoder<'a> {
    /// A decoder at the beginning of `payload`.
    ///
    /// # Errors
    /// None today: an empty payload is one without information. Later formats may refuse some payloads at once.
    pub fn new(payload: &'a [u8]) -> Result<SymbolDecoder<'a>> {
        match RangeDecoder::with_backend(Words::new(payload)) {
            Ok(coder) => Ok(SymbolDecoder { coder }),
            Err(Exhausted) => Err(Error::PayloadEnds { length: payload.len() }),
        }
    }

    /// Reads a symbol with the probabilities of `table`.
    ///
    /// # Errors
    /// [`Error::PayloadEnds`] or [`Error::PayloadInvalid`] for a damaged payload.
    #[inline]
    pub fn get(&mut self, table: &Table) -> Result<i32> {
        let slot = self.decode(Slots(table))?;
        if slot == table.escape() {
            return self.get_escaped(table);
        }
        Ok(table.min() + slot as i32)
    }

    /// Reads a symbol with the table of a scale index; index 0 reads nothing and gives 0.
    ///
    /// # Errors
    /// [`Error::NoSuchTable`] for an index beyond the tables, and those of [`SymbolDecoder::get`].
    #[inline]
    pub fn get_scaled(&mut self, tables: &ScaleTables, index: usize) -> Result<i32> {
        match tables.get(index)? {
            Some(table) => self.get(table),
            None => Ok(0),
        }
    }

    /// Reads yes or no.
    ///
    /// # Errors
    /// [`Error::PayloadEnds`] or [`Error::PayloadInvalid`] for a damaged payload.
    pub fn get_flag(&mut self, chance: Chance) -> Result<bool> {
        self.decode(chance)
    }

    /// Reads `count` bits, at most 32, most significant first.
    ///
    /// # Errors
    /// [`Error::PayloadEnds`] or [`Error::PayloadInvalid`] for a damaged payload.
    pub fn get_bits(&mut self, count: u32) -> Result<u32> {
        let mut left = count.min(32);
        let mut value = 0;
        while left > 0 {
            let piece = left.min(16);
            left -= piece;
            value = value << piece | u32::from(self.decode(Bits(piece))?);
        }
        Ok(value)
    }

    /// Reads an Exp-Golomb code of order 0.
    ///
    /// # Errors
    /// [`Error::PayloadEnds`] or [`Error::PayloadInvalid`] for a damaged payload.
    pub fn get_uint(&mut self) -> Result<u32> {
        let mut length = 0;
        while self.get_bits(1)? == 0 {
            length += 1;
            if length > 32 {
                return Err(self.invalid("a number with more than 32 bits"));
            }
        }
        let code = 1 << length | u64::from(self.get_bits(length)?);
        u32::try_from(code - 1).map_err(|_| self.invalid("a number with more than 32 bits"))
    }

    /// Information read so far, in bits.
    pub fn bits_read(&self) -> f64 {
        let state = self.coder.state();
        self.words().settled() as f64 * 8.0 + (64.0 - (state.range().get() as f64).log2())
    }

    /// Checks, after the last symbol, that the payload ends here.
    ///
    /// # Errors
    /// [`Error::PayloadTrails`] if bytes are left.
    pub fn finish(self) -> Result<()> {
        let (words, ..) = self.coder.into_raw_parts();
        let (length, settled) = (words.length(), words.settled());
        let used = settled + 2; // the encoder ends with at most one word
        if length > used { Err(Error::PayloadTrails { used, length }) } else { Ok(()) }
    }

    #[inline]
    fn decode<M>(&mut self, model: M) -> Result<M::Symbol>
    where
        M: DecoderModel<PRECISION, Probability = u16>,
    {
        self.coder.decode_symbol(model).map_err(|error| match error {
            CoderError::Frontend(_) => self.invalid("a code outside every interval"),
            CoderError::Backend(Exhausted) => Error::PayloadEnds { length: self.words().length() },
        })
    }

    #[cold]
    fn get_escaped(&mut self, table: &Table) -> Result<i32> {
        let below = self.get_bits(1)? == 1;
        let distance = self.get_uint()?;
        table.symbol_beyond(below, distance).ok_or_else(|| self.invalid("a symbol beyond +-16384"))
    }

    #[cold]
    fn invalid(&self, what: &'static str) -> Error {
        Error::PayloadInvalid { offset: self.words().settled(), what }
    }

    /// The reader; the coder gives only a copy away.
    #[cold]
    fn words(&self) -> Words<'a> {
        self.coder.clone().into_raw_parts().0
    }
}
