//! Symbols to bytes.

use constriction::{
    Pos,
    stream::{Encode, queue::RangeEncoder},
};

use super::{Histogram, MAX_SYMBOL, ScaleTables, Table, bypass::Bits, chance::Chance, table::Slots};
use crate::{Error, Result};

/// Writes symbols into one range-coded payload.
///
/// 16-bit words and a 64-bit state: ending a payload costs about one word, and 16-bit frequencies lose nothing to
/// rounding.
#[derive(Clone, Debug, Default)]
pub struct SymbolEncoder {
    coder: RangeEncoder<u16, u64>,
    counts: Vec<Vec<Histogram>>,
}

impl SymbolEncoder {
    /// An encoder that has written nothing.
    pub fn new() -> SymbolEncoder {
        SymbolEncoder::default()
    }

    /// Counts from here on the symbols that are told to [`SymbolEncoder::tally`]: for so many sets of tables with `scales`
    /// scale indices each.
    pub fn count(&mut self, sets: usize, scales: usize) {
        self.counts = vec![vec![Histogram::default(); scales]; sets];
    }

    /// What was counted, by set and scale index: nothing without [`SymbolEncoder::count`].
    pub fn counts(&self) -> &[Vec<Histogram>] {
        &self.counts
    }

    /// Counts a symbol that one of a set of tables is used for, if there is counting.
    pub fn tally(&mut self, set: usize, index: usize, symbol: i32) {
        if let Some(histogram) = self.counts.get_mut(set).and_then(|counts| counts.get_mut(index)) {
            histogram.add(symbol);
        }
    }

    /// Writes a symbol with the probabilities of `table`.
    ///
    /// # Errors
    /// [`Error::SymbolRange`] beyond [`MAX_SYMBOL`].
    #[inline]
    pub fn put(&mut self, table: &Table, symbol: i32) -> Result<()> {
        match table.slot(symbol) {
            Some(slot) => self.put_slot(table, slot),
            None => return self.put_escaped(table, symbol),
        }
        Ok(())
    }

    /// Writes a symbol with the table of a scale index; index 0 writes nothing.
    ///
    /// # Errors
    /// [`Error::UncodedSymbol`] for a symbol other than 0 at index 0, [`Error::NoSuchTable`] for an index beyond the
    /// tables, [`Error::SymbolRange`] beyond [`MAX_SYMBOL`].
    #[inline]
    pub fn put_scaled(&mut self, tables: &ScaleTables, index: usize, symbol: i32) -> Result<()> {
        match tables.get(index)? {
            Some(table) => self.put(table, symbol),
            None if symbol == 0 => Ok(()),
            None => Err(Error::UncodedSymbol { symbol }),
        }
    }

    /// Writes yes or no.
    pub fn put_flag(&mut self, chance: Chance, yes: bool) {
        let coded = self.coder.encode_symbol(yes, chance);
        debug_assert!(coded.is_ok(), "yes and no have a probability");
    }

    /// Writes the low `count` bits of `value`, `count` at most 32, most significant first.
    pub fn put_bits(&mut self, value: u32, count: u32) {
        let mut left = count.min(32);
        while left > 0 {
            let piece = left.min(16);
            left -= piece;
            let bits = (value >> left) & ((1 << piece) - 1);
            let coded = self.coder.encode_symbol(bits as u16, Bits(piece));
            debug_assert!(coded.is_ok(), "every value of a bypass piece has a probability");
        }
    }

    /// Writes `value` as an Exp-Golomb code of order 0.
    pub fn put_uint(&mut self, value: u32) {
        let code = u64::from(value) + 1;
        let length = code.ilog2();
        for _ in 0..length {
            self.put_bits(0, 1); // one at a time, as the decoder must read them: the coder rounds at every step
        }
        self.put_bits(1, 1);
        self.put_bits(code as u32, length); // without the leading one
    }

    /// Information written so far, in bits. Differences tell what a part of a frame costs.
    pub fn bits_written(&self) -> f64 {
        let (words, state) = self.coder.pos();
        words as f64 * 16.0 + (64.0 - (state.range().get() as f64).log2())
    }

    /// Ends the payload.
    pub fn finish(self) -> Vec<u8> {
        let settled = 2 * self.coder.pos().0;
        let words = match self.coder.into_compressed() {
            Ok(words) => words,
            Err(never) => match never {},
        };
        let mut bytes: Vec<u8> = words.into_iter().flat_map(u16::to_be_bytes).collect();
        // A decoder reads zeros after the end. Only zeros of the last word go, so that it can tell how far.
        while bytes.len() > settled && bytes.last() == Some(&0) {
            bytes.pop();
        }
        bytes
    }

    #[inline]
    fn put_slot(&mut self, table: &Table, slot: usize) {
        let coded = self.coder.encode_symbol(slot, Slots(table));
        debug_assert!(coded.is_ok(), "every slot of a table has a probability");
    }

    #[cold]
    fn put_escaped(&mut self, table: &Table, symbol: i32) -> Result<()> {
        if !(-MAX_SYMBOL..=MAX_SYMBOL).contains(&symbol) {
            return Err(Error::SymbolRange { symbol, limit: MAX_SYMBOL });
        }
        let (below, distance) = table.beyond(symbol);
        self.put_slot(table, table.escape());
        self.put_bits(below.into(), 1);
        self.put_uint(distance);
        Ok(())
    }
}
