//! Random access to a file.

use std::io::{BufReader, Read, Seek};

use super::{
    GopRecord, Header,
    footer::{self, TRAILER},
    input::Input,
    record::{Head, SYNC},
    sum::hexadecimal,
};
use crate::{Error, Result};

/// Where a GOP is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GopEntry {
    /// Position of its record in the file.
    pub offset: u64,
    /// Bytes of its record, head included.
    pub length: u64,
    /// Number of frames before it.
    pub first_frame: u64,
    /// Number of its frames.
    pub frames: u32,
}

/// Reads a complete file, any GOP in any order.
#[derive(Debug)]
pub struct Reader<R: Read + Seek> {
    input: Input<BufReader<R>>,
    header: Header,
    table: Vec<GopEntry>,
}

impl<R: Read + Seek> Reader<R> {
    /// Reads the header and the GOP table.
    ///
    /// # Errors
    /// For anything but a complete file of this version: [`Error::NotVcn`], [`Error::Version`], [`Error::Truncated`],
    /// [`Error::NoTrailer`], [`Error::Checksum`], [`Error::Field`], [`Error::Io`].
    pub fn open(inner: R) -> Result<Reader<R>> {
        let mut input = Input::new(BufReader::new(inner), 0);
        input.seek(0)?;
        let header = Header::read(&mut input)?;
        let first = input.offset();
        let table = read_table(&mut input, first)?;
        Ok(Reader { input, header, table })
    }

    /// The fixed facts.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The GOPs in order.
    pub fn table(&self) -> &[GopEntry] {
        &self.table
    }

    /// Number of frames.
    pub fn frames(&self) -> u64 {
        self.table.last().map_or(0, |gop| gop.first_frame + u64::from(gop.frames))
    }

    /// Index of the GOP that contains a frame.
    pub fn gop_of_frame(&self, frame: u64) -> Option<usize> {
        let after = self.table.partition_point(|gop| gop.first_frame <= frame);
        (frame < self.frames()).then(|| after.saturating_sub(1))
    }

    /// Reads a GOP, its payload verified.
    ///
    /// # Errors
    /// [`Error::NoSuchGop`], [`Error::NoRecord`], [`Error::TableContradicts`], [`Error::Checksum`],
    /// [`Error::Truncated`], [`Error::Io`].
    pub fn gop(&mut self, index: usize) -> Result<GopRecord> {
        let count = self.table.len();
        let entry = *self.table.get(index).ok_or(Error::NoSuchGop { index, count })?;
        self.input.seek(entry.offset)?;
        self.input.begin();
        let sync: [u8; 4] = self.input.field("a GOP record")?;
        if sync != SYNC {
            return Err(Error::NoRecord { offset: entry.offset, found: hexadecimal(&sync) });
        }
        let head = Head::read(&mut self.input)?;
        let length = self.input.offset() - entry.offset + head.payload_length;
        for (what, found, expected) in [
            ("the number of frames before it", head.first_frame, entry.first_frame),
            ("the number of its frames", head.frames.into(), entry.frames.into()),
            ("the length of its record", length, entry.length),
        ] {
            if found != expected {
                return Err(Error::TableContradicts { gop: index, what, found, expected });
            }
        }
        head.payload(&mut self.input)
    }
}

/// Reads the table of a file whose first record begins at `first`.
fn read_table<R: Read + Seek>(input: &mut Input<R>, first: u64) -> Result<Vec<GopEntry>> {
    let (start, entries) = read_footer(input, first)?;
    let mut table = Vec::with_capacity(entries.len());
    let (mut offset, mut first_frame) = (first, 0);
    for entry in entries {
        let (frames, length) = (entry.frames, entry.length);
        table.push(GopEntry { offset, length, first_frame, frames });
        offset = offset.saturating_add(length);
        first_frame += u64::from(frames);
    }
    if offset != start {
        let what = "where the last GOP record ends according to the GOP table";
        let expected = "the position of the footer";
        return Err(Error::Field { what, offset: start, found: offset, expected });
    }
    Ok(table)
}

/// Finds the footer by the trailer and reads it: its position and its entries.
pub(super) fn read_footer<R: Read + Seek>(
    input: &mut Input<R>,
    first: u64,
) -> Result<(u64, Vec<footer::Entry>)> {
    let file_length = input.length()?;
    let Some(trailer) = file_length.checked_sub(TRAILER as u64).filter(|&offset| offset >= first) else {
        return Err(Error::Truncated { offset: file_length, what: "the footer" });
    };
    input.seek(trailer)?;
    let found = footer::length(input.field("the footer")?, file_length)?;
    let Some(start) = trailer.checked_sub(found).filter(|&offset| offset >= first) else {
        let expected = "no more than the bytes between header and trailer";
        return Err(Error::Field { what: "the footer's length", offset: trailer, found, expected });
    };
    input.seek(start)?;
    input.begin();
    let marker: [u8; 4] = input.field("the footer")?;
    if marker != footer::MARKER {
        return Err(Error::NoRecord { offset: start, found: hexadecimal(&marker) });
    }
    let entries = footer::read(input)?;
    if input.offset() != file_length {
        return Err(Error::TrailingBytes { offset: input.offset() });
    }
    Ok((start, entries))
}
