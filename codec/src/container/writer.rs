//! Writing a file or a pipe, front to back.

use std::io::Write;

use super::{
    GopRecord, Header,
    footer::{self, Entry},
    record::Head,
};
use crate::{Error, Result};

/// Writes a `.vcn` stream. Without [`Writer::finish`] the stream lacks its footer, as if it had been cut off.
#[derive(Debug)]
pub struct Writer<W> {
    inner: W,
    offset: u64,
    frames: u64,
    table: Vec<Entry>,
}

impl<W: Write> Writer<W> {
    /// Writes the header. Writes are few and large: `inner` needs no buffer.
    ///
    /// # Errors
    /// [`Error::Field`] for a header outside the format, [`Error::Io`].
    pub fn new(inner: W, header: &Header) -> Result<Writer<W>> {
        let bytes = header.to_bytes()?;
        let mut writer = Writer { inner, offset: 0, frames: 0, table: Vec::new() };
        writer.write(&bytes)?;
        Ok(writer)
    }

    /// Writes the next GOP.
    ///
    /// # Errors
    /// [`Error::Field`] for a record outside the format (nothing is written then), [`Error::Io`].
    pub fn gop(&mut self, record: &GopRecord) -> Result<()> {
        let head = Head {
            first_frame: self.frames,
            frames: record.frames,
            payload_length: record.payload.len() as u64,
            payload_sum: record.payload_sum(),
            frames_sum: record.frames_sum,
        };
        let start = self.offset;
        let head = head.to_bytes(start)?;
        self.write(&head)?;
        self.write(&record.payload)?;
        self.frames += u64::from(record.frames);
        self.table.push(Entry { frames: record.frames, length: self.offset - start });
        Ok(())
    }

    /// Frames written so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.offset
    }

    /// Writes the footer and flushes.
    ///
    /// # Errors
    /// [`Error::NoFrames`] if no GOP was written, [`Error::Io`].
    pub fn finish(mut self) -> Result<W> {
        if self.table.is_empty() {
            return Err(Error::NoFrames);
        }
        let bytes = footer::to_bytes(&self.table, self.offset)?;
        self.write(&bytes)?;
        let offset = self.offset;
        self.inner.flush().map_err(|source| Error::Io { action: "write", offset, source })?;
        Ok(self.inner)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let offset = self.offset;
        self.inner.write_all(bytes).map_err(|source| Error::Io { action: "write", offset, source })?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}
