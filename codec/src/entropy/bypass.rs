//! Values without a table: plain bits, and Exp-Golomb codes made of them.

use std::{borrow::Borrow, num::NonZeroU16};

use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};

use super::PRECISION;

/// The uniform distribution over `count` bits, `1..=16`.
#[derive(Clone, Copy)]
pub(super) struct Bits(pub u32);

impl Bits {
    fn shift(self) -> u32 {
        PRECISION as u32 - self.0
    }

    fn probability(self) -> NonZeroU16 {
        NonZeroU16::new(1 << self.shift()).unwrap_or(NonZeroU16::MIN)
    }
}

impl EntropyModel<PRECISION> for Bits {
    type Symbol = u16;
    type Probability = u16;
}

impl EncoderModel<PRECISION> for Bits {
    fn left_cumulative_and_probability(&self, value: impl Borrow<u16>) -> Option<(u16, NonZeroU16)> {
        Some((*value.borrow() << self.shift(), self.probability()))
    }
}

impl DecoderModel<PRECISION> for Bits {
    fn quantile_function(&self, quantile: u16) -> (u16, u16, NonZeroU16) {
        let value = quantile >> self.shift();
        (value, value << self.shift(), self.probability())
    }
}

/// Length in bits of the Exp-Golomb code of `value`.
pub(super) fn uint_length(value: u32) -> u32 {
    2 * (u64::from(value) + 1).ilog2() + 1
}
