//! Tables in a checkpoint: varints, the escape's frequency left out because it is what is missing to 65536.
//!
//! `count`, then for each table: zigzag `min`, number of symbols, their frequencies.

use super::{MAX_SYMBOL, Table};
use crate::{Error, Result, container::varint};

pub(super) fn write(out: &mut Vec<u8>, tables: &[Table]) {
    varint::put(out, tables.len() as u64);
    for table in tables {
        varint::put(out, varint::zigzag(table.min().into()));
        varint::put(out, table.frequencies().len() as u64);
        for frequency in table.frequencies() {
            varint::put(out, frequency.into());
        }
    }
}

/// Memory is bounded by the length of `bytes`: a frequency takes at least one of them, a table at least three.
pub(super) fn read(bytes: &mut &[u8], most: usize) -> Result<Vec<Table>> {
    let count = number(bytes, "the number of tables", most as u64, "a varint within the limit of its kind")?;
    let mut tables = Vec::new();
    for _ in 0..count {
        let min =
            number(bytes, "the smallest symbol (zigzag)", 2 * MAX_SYMBOL as u64, "a varint up to 32768")?;
        let symbols =
            number(bytes, "the number of symbols", 2 * MAX_SYMBOL as u64 + 1, "a varint up to 32769")?;
        let mut frequencies = Vec::new();
        for _ in 0..symbols {
            frequencies.push(number(bytes, "a frequency", u16::MAX.into(), "a varint up to 65535")? as u16);
        }
        tables.push(Table::new(varint::unzigzag(min) as i32, &frequencies)?);
    }
    Ok(tables)
}

fn number(bytes: &mut &[u8], what: &'static str, most: u64, expected: &'static str) -> Result<u64> {
    let fault = |found| Error::Table { what, found, expected };
    match varint::take(bytes) {
        Ok(value) if value <= most => Ok(value),
        Ok(value) => Err(fault(i64::try_from(value).unwrap_or(i64::MAX))),
        Err(varint::Fault::Ends) => {
            Err(Error::Table { what, found: -1, expected: "more bytes: they end here" })
        }
        Err(varint::Fault::NotCanonical) => Err(fault(-1)),
    }
}
