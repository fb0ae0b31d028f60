//! One integer probability table: symbols `min..=max` and an escape for everything else.

use std::{borrow::Borrow, num::NonZeroU16};

use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};

use super::{PRECISION, TOTAL};
use crate::{Error, Result};

/// Symbols lie in `-MAX_SYMBOL..=MAX_SYMBOL`.
pub const MAX_SYMBOL: i32 = 1 << 14;

/// Bits of a quantile that index the table of first guesses.
const GUESS_BITS: usize = 8;

/// Integer frequencies, out of 65536, of the symbols `min..=max` and of an escape.
///
/// Every frequency is at least 1, so every symbol in `-MAX_SYMBOL..=MAX_SYMBOL` can be coded.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    min: i32,
    /// Cumulative frequency before each slot (symbols in order, then the escape), then 65536.
    starts: Box<[u32]>,
    /// For each value of a quantile's high bits, the slot of the first quantile that has them.
    guesses: Box<[u16]>,
    /// Information content of each slot in bits; for decisions of the encoder only.
    costs: Box<[f32]>,
}

impl Table {
    /// Builds a table from the frequencies of `min`, `min + 1`, ..; the escape gets what is missing to 65536.
    ///
    /// # Errors
    /// [`Error::Table`] if there is no symbol, a symbol lies beyond [`MAX_SYMBOL`], a frequency is 0, or nothing is
    /// left for the escape.
    pub fn new(min: i32, frequencies: &[u16]) -> Result<Table> {
        let fault = |what, found, expected| Error::Table { what, found, expected };
        if frequencies.is_empty() {
            return Err(fault("the number of symbols", 0, "at least 1"));
        }
        let max = i64::from(min) + frequencies.len() as i64 - 1;
        if min < -MAX_SYMBOL {
            return Err(fault("the smallest symbol", min.into(), "at least -16384"));
        }
        if max > i64::from(MAX_SYMBOL) {
            return Err(fault("the largest symbol", max, "at most 16384"));
        }
        let mut starts = Vec::with_capacity(frequencies.len() + 2);
        let mut sum = 0u32;
        for &frequency in frequencies {
            if frequency == 0 {
                return Err(fault("a frequency", 0, "at least 1"));
            }
            starts.push(sum);
            sum = sum.saturating_add(frequency.into());
        }
        if sum >= TOTAL {
            return Err(fault(
                "the sum of frequencies",
                sum.into(),
                "below 65536, to leave room for the escape",
            ));
        }
        starts.push(sum);
        starts.push(TOTAL);

        let mut guesses = Vec::with_capacity(1 << GUESS_BITS);
        let mut slot = 0;
        for high in 0..1u32 << GUESS_BITS {
            while starts[slot + 1] <= high << (PRECISION - GUESS_BITS) {
                slot += 1;
            }
            guesses.push(slot as u16);
        }
        let costs = starts.windows(2).map(|pair| PRECISION as f32 - ((pair[1] - pair[0]) as f32).log2());
        Ok(Table { min, costs: costs.collect(), starts: starts.into(), guesses: guesses.into() })
    }

    /// Smallest symbol that needs no escape.
    pub fn min(&self) -> i32 {
        self.min
    }

    /// Largest symbol that needs no escape.
    pub fn max(&self) -> i32 {
        self.min + self.escape() as i32 - 1
    }

    /// Frequencies of `min..=max`; the escape has the rest of 65536.
    pub fn frequencies(&self) -> impl ExactSizeIterator<Item = u16> {
        self.starts[..=self.escape()].windows(2).map(|pair| (pair[1] - pair[0]) as u16)
    }

    /// What coding `symbol` costs, in bits.
    pub fn bits(&self, symbol: i32) -> f32 {
        match self.slot(symbol) {
            Some(slot) => self.costs[slot],
            None => {
                let distance = self.beyond(symbol).1;
                self.costs[self.escape()] + 1.0 + super::bypass::uint_length(distance) as f32
            }
        }
    }

    /// The slot of the escape, which is the number of symbols.
    #[inline]
    pub(super) fn escape(&self) -> usize {
        self.starts.len() - 2
    }

    /// The slot of `symbol`, `None` if it needs the escape.
    #[inline]
    pub(super) fn slot(&self, symbol: i32) -> Option<usize> {
        let slot = i64::from(symbol) - i64::from(self.min);
        (0..self.escape() as i64).contains(&slot).then_some(slot as usize)
    }

    /// For a symbol outside `min..=max`: whether it lies below, and how many symbols lie between.
    pub(super) fn beyond(&self, symbol: i32) -> (bool, u32) {
        let below = symbol < self.min;
        let distance = if below { self.min.abs_diff(symbol) } else { self.max().abs_diff(symbol) };
        (below, distance.saturating_sub(1))
    }

    /// The inverse of [`Table::beyond`].
    pub(super) fn symbol_beyond(&self, below: bool, distance: u32) -> Option<i32> {
        let distance = i64::from(distance) + 1;
        let symbol = if below { i64::from(self.min) - distance } else { i64::from(self.max()) + distance };
        let limit = i64::from(MAX_SYMBOL);
        (-limit..=limit).contains(&symbol).then_some(symbol as i32)
    }
}

/// A table as `constriction` sees it: slots instead of symbols.
#[derive(Clone, Copy)]
pub(super) struct Slots<'a>(pub &'a Table);

impl EntropyModel<PRECISION> for Slots<'_> {
    type Symbol = usize;
    type Probability = u16;
}

impl Slots<'_> {
    #[inline]
    fn interval(&self, slot: usize) -> Option<(u16, NonZeroU16)> {
        let (&start, &end) = (self.0.starts.get(slot)?, self.0.starts.get(slot + 1)?);
        Some((start as u16, NonZeroU16::new((end - start) as u16)?))
    }
}

impl EncoderModel<PRECISION> for Slots<'_> {
    #[inline]
    fn left_cumulative_and_probability(&self, slot: impl Borrow<usize>) -> Option<(u16, NonZeroU16)> {
        self.interval(*slot.borrow())
    }
}

impl DecoderModel<PRECISION> for Slots<'_> {
    #[inline]
    fn quantile_function(&self, quantile: u16) -> (usize, u16, NonZeroU16) {
        let starts = &self.0.starts;
        let mut slot = usize::from(self.0.guesses[usize::from(quantile >> (PRECISION - GUESS_BITS))]);
        // At most 255 steps, because a frequency is at least 1; typically none or one.
        while starts[slot + 1] <= u32::from(quantile) {
            slot += 1;
        }
        let (start, end) = (starts[slot], starts[slot + 1]);
        (slot, start as u16, NonZeroU16::new((end - start) as u16).unwrap_or(NonZeroU16::MIN))
    }
}
