//! Zero-mean tables, one per scale index.

use super::{Histogram, Table, laplace::Laplace, serial};
use crate::{Error, Result};

/// The scale index whose Laplace scale is one quantisation step.
pub const SCALE_OFFSET: i32 = 16;

/// Laplace scale (mean absolute deviation, in quantisation steps) of a scale index: `2^((index - SCALE_OFFSET) / 4)`.
pub fn scale(index: usize) -> f32 {
    ((index as f32 - SCALE_OFFSET as f32) / 4.0).exp2()
}

/// The scale index, in `0..count`, whose scale is nearest to `scale` on a logarithmic axis. For training and tests:
/// the decoder's indices come from integers.
pub fn scale_index(scale: f32, count: usize) -> usize {
    let index = (scale.log2() * 4.0 + SCALE_OFFSET as f32).round();
    (index.max(0.0) as usize).min(count.saturating_sub(1))
}

/// Tables for symbols `round(y - mean)`: index 0 means that the symbol is 0 and not coded, the others have increasing
/// scale.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleTables {
    /// Of the indices from 1 on.
    tables: Vec<Table>,
}

impl ScaleTables {
    /// Number of scale indices, the uncoded 0 included, that suits 8-bit video: scales up to 215 steps.
    pub const COUNT: usize = 48;

    /// Most scale indices that a checkpoint may have.
    pub const MAX_COUNT: usize = 256;

    /// Tables of Laplace distributions with the scales [`scale`]`(index)`, at export time.
    ///
    /// # Errors
    /// [`Error::Table`] if `count` is not in `1..=256`.
    pub fn laplace(count: usize) -> Result<ScaleTables> {
        check_count(count)?;
        ScaleTables::from_histograms(&vec![Histogram::default(); count], 1.0)
    }

    /// Tables from the symbols counted at each scale index, as if `strength` more symbols had followed the Laplace
    /// distribution of [`ScaleTables::laplace`] (256 is reasonable), at export time. The counts of index 0 are ignored.
    ///
    /// # Errors
    /// [`Error::Table`] if the number of histograms is not in `1..=256`.
    pub fn from_histograms(histograms: &[Histogram], strength: f64) -> Result<ScaleTables> {
        check_count(histograms.len())?;
        let table = |(index, histogram): (usize, &Histogram)| {
            histogram.table(Laplace { centre: 0.0, scale: scale(index).into() }, strength)
        };
        let tables = histograms.iter().enumerate().skip(1).map(table).collect::<Result<_>>()?;
        Ok(ScaleTables { tables })
    }

    /// Number of scale indices, the uncoded 0 included.
    pub fn count(&self) -> usize {
        self.tables.len() + 1
    }

    /// The table of a scale index, `None` for index 0.
    ///
    /// # Errors
    /// [`Error::NoSuchTable`] for an index from [`ScaleTables::count`] on.
    #[inline]
    pub fn get(&self, index: usize) -> Result<Option<&Table>> {
        match index.checked_sub(1) {
            None => Ok(None),
            Some(position) => match self.tables.get(position) {
                Some(table) => Ok(Some(table)),
                None => Err(Error::NoSuchTable { index, count: self.count() }),
            },
        }
    }

    /// What coding `symbol` at `index` costs in bits: infinity if it cannot be coded there.
    pub fn bits(&self, index: usize, symbol: i32) -> f32 {
        match self.get(index) {
            Ok(Some(table)) => table.bits(symbol),
            Ok(None) if symbol == 0 => 0.0,
            _ => f32::INFINITY,
        }
    }

    /// Appends the tables to a checkpoint.
    pub fn write(&self, out: &mut Vec<u8>) {
        serial::write(out, &self.tables);
    }

    /// Takes the tables from the front of `bytes`.
    ///
    /// # Errors
    /// [`Error::Table`] for anything that [`ScaleTables::write`] does not write.
    pub fn read(bytes: &mut &[u8]) -> Result<ScaleTables> {
        let tables = serial::read(bytes, ScaleTables::MAX_COUNT - 1)?;
        Ok(ScaleTables { tables })
    }
}

fn check_count(count: usize) -> Result<()> {
    if (1..=ScaleTables::MAX_COUNT).contains(&count) {
        return Ok(());
    }
    Err(Error::Table {
        what: "the number of scale indices",
        found: i64::try_from(count).unwrap_or(i64::MAX),
        expected: "1..=256",
    })
}
