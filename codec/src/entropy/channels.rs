//! One table per channel, for latents without a scale index: the hyper-latent.

use super::{Histogram, Table, serial};
use crate::{Error, Result};

/// Smallest Laplace scale that is fitted to a channel: one that was always zero still codes other values.
const LEAST_SCALE: f64 = 1.0 / 16.0;

/// Tables for integers that are coded with a distribution fixed per channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelTables {
    tables: Vec<Table>,
}

impl ChannelTables {
    /// Most channels that a checkpoint may have.
    pub const MAX_COUNT: usize = 4096;

    /// Tables from the symbols counted in each channel, as if `strength` more symbols had followed a Laplace
    /// distribution fitted to them (64 is reasonable), at export time.
    ///
    /// # Errors
    /// [`Error::Table`] if there are more than 4096 channels.
    pub fn from_histograms(histograms: &[Histogram], strength: f64) -> Result<ChannelTables> {
        if histograms.len() > ChannelTables::MAX_COUNT {
            let found = histograms.len() as i64;
            return Err(Error::Table { what: "the number of channels", found, expected: "at most 4096" });
        }
        let table = |histogram: &Histogram| histogram.table(histogram.fit(LEAST_SCALE), strength);
        Ok(ChannelTables { tables: histograms.iter().map(table).collect::<Result<_>>()? })
    }

    /// Number of channels.
    pub fn count(&self) -> usize {
        self.tables.len()
    }

    /// The table of a channel.
    ///
    /// # Errors
    /// [`Error::NoSuchTable`] for a channel from [`ChannelTables::count`] on.
    pub fn get(&self, channel: usize) -> Result<&Table> {
        self.tables.get(channel).ok_or(Error::NoSuchTable { index: channel, count: self.count() })
    }

    /// Appends the tables to a checkpoint.
    pub fn write(&self, out: &mut Vec<u8>) {
        serial::write(out, &self.tables);
    }

    /// Takes the tables from the front of `bytes`.
    ///
    /// # Errors
    /// [`Error::Table`] for anything that [`ChannelTables::write`] does not write.
    pub fn read(bytes: &mut &[u8]) -> Result<ChannelTables> {
        Ok(ChannelTables { tables: serial::read(bytes, ChannelTables::MAX_COUNT)? })
    }
}
