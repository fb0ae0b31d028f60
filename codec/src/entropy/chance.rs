//! Yes or no, with a probability that may follow what was seen.

use std::{borrow::Borrow, num::NonZeroU16};

use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};

use super::PRECISION;

/// The probability of yes, out of 65536.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance(NonZeroU16);

impl Chance {
    /// Yes in `yes` of 65536 cases, at least 1.
    pub const fn new(yes: u16) -> Chance {
        match NonZeroU16::new(yes) {
            Some(yes) => Chance(yes),
            None => Chance(NonZeroU16::MIN),
        }
    }

    /// What it costs in bits to say so; for decisions of the encoder only.
    pub fn bits(self, yes: bool) -> f32 {
        PRECISION as f32 - f32::from(self.part(yes).1.get()).log2()
    }

    /// Cumulative frequency before an answer, and its frequency: yes comes first.
    fn part(self, yes: bool) -> (u16, NonZeroU16) {
        let Chance(first) = self;
        if yes { (0, first) } else { (first.get(), NonZeroU16::MIN.saturating_add(u16::MAX - first.get())) }
    }
}

impl EntropyModel<PRECISION> for Chance {
    type Symbol = bool;
    type Probability = u16;
}

impl EncoderModel<PRECISION> for Chance {
    fn left_cumulative_and_probability(&self, yes: impl Borrow<bool>) -> Option<(u16, NonZeroU16)> {
        Some(self.part(*yes.borrow()))
    }
}

impl DecoderModel<PRECISION> for Chance {
    fn quantile_function(&self, quantile: u16) -> (bool, u16, NonZeroU16) {
        let yes = quantile < self.0.get();
        let (start, frequency) = self.part(yes);
        (yes, start, frequency)
    }
}

/// A chance that is counted as the answers come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habit {
    yes: u16,
    no: u16,
}

/// Counts are halved when they reach this sum: what was seen last counts most.
const MEMORY: u16 = 255;

impl Habit {
    /// As if `yes` answers had been yes and `no` had been no, both at least 1.
    pub const fn new(yes: u16, no: u16) -> Habit {
        Habit { yes, no }
    }

    /// The chance of yes now.
    pub fn chance(self) -> Chance {
        let sum = u32::from(self.yes) + u32::from(self.no);
        Chance::new((u32::from(self.yes) * 0xffff / sum.max(1)) as u16)
    }

    /// Takes an answer.
    pub fn learn(&mut self, yes: bool) {
        // Two a time: early answers should weigh more than the prior.
        *(if yes { &mut self.yes } else { &mut self.no }) += 2;
        if self.yes + self.no >= MEMORY {
            self.yes = self.yes.div_ceil(2);
            self.no = self.no.div_ceil(2);
        }
    }
}
