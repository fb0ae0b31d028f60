//! Reading a pipe, front to back.

use std::io::{BufReader, Read};

use super::{
    GopRecord, Header,
    footer::{self, Entry},
    input::Input,
    record::{Head, SYNC},
    sum::hexadecimal,
};
use crate::{Error, Result};

/// Reads a `.vcn` stream in order, without seeking.
#[derive(Debug)]
pub struct StreamReader<R: Read> {
    input: Input<BufReader<R>>,
    header: Header,
    seen: Vec<Entry>,
    frames: u64,
    ended: bool,
}

impl<R: Read> StreamReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::NotVcn`], [`Error::Version`], [`Error::Truncated`], [`Error::Checksum`], [`Error::Field`],
    /// [`Error::Io`].
    pub fn new(inner: R) -> Result<StreamReader<R>> {
        let mut input = Input::new(BufReader::new(inner), 0);
        let header = Header::read(&mut input)?;
        Ok(StreamReader { input, header, seen: Vec::new(), frames: 0, ended: false })
    }

    /// The fixed facts.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Number of frames of the GOPs read so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Reads the next GOP, its payload verified; `None` after the last, when the footer has been verified too.
    /// After an error the stream counts as ended.
    ///
    /// # Errors
    /// [`Error::NoRecord`], [`Error::Truncated`], [`Error::Checksum`], [`Error::Field`], [`Error::TableContradicts`],
    /// [`Error::TrailingBytes`], [`Error::Io`].
    pub fn next_gop(&mut self) -> Result<Option<GopRecord>> {
        if self.ended {
            return Ok(None);
        }
        let outcome = self.read_next();
        self.ended = !matches!(outcome, Ok(Some(_)));
        outcome
    }

    fn read_next(&mut self) -> Result<Option<GopRecord>> {
        let start = self.input.offset();
        self.input.begin();
        let marker: [u8; 4] = self.input.field("the mark of a GOP record or of the footer")?;
        if marker == footer::MARKER {
            return self.check_end().map(|()| None);
        }
        if marker != SYNC {
            return Err(Error::NoRecord { offset: start, found: hexadecimal(&marker) });
        }
        let head = Head::read(&mut self.input)?;
        if head.first_frame != self.frames {
            let what = "the number of frames before a GOP";
            let expected = "the number of frames of the GOPs before it in the stream";
            return Err(Error::Field { what, offset: start, found: head.first_frame, expected });
        }
        let record = head.payload(&mut self.input)?;
        self.frames += u64::from(record.frames);
        self.seen.push(Entry { frames: record.frames, length: self.input.offset() - start });
        Ok(Some(record))
    }

    fn check_end(&mut self) -> Result<()> {
        let table = footer::read(&mut self.input)?;
        let contradiction =
            |gop, what, found, expected| Err(Error::TableContradicts { gop, what, found, expected });
        for (gop, (seen, stated)) in self.seen.iter().zip(&table).enumerate() {
            if seen.frames != stated.frames {
                return contradiction(
                    gop,
                    "the number of its frames",
                    seen.frames.into(),
                    stated.frames.into(),
                );
            }
            if seen.length != stated.length {
                return contradiction(gop, "the length of its record", seen.length, stated.length);
            }
        }
        let (seen, stated) = (self.seen.len(), table.len());
        if seen != stated {
            return contradiction(seen.min(stated), "the number of GOPs", seen as u64, stated as u64);
        }
        match self.input.at_end()? {
            true => Ok(()),
            false => Err(Error::TrailingBytes { offset: self.input.offset() - 1 }),
        }
    }
}
