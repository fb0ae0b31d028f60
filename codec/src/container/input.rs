//! Reading fields from a stream, with positions for errors and the bytes of a part for its checksum.

use std::io::{self, Read, Seek, SeekFrom};

use super::varint;
use crate::{Error, Result};

/// A reader that knows its position and remembers the fields since [`Input::begin`].
#[derive(Debug)]
pub(super) struct Input<R> {
    inner: R,
    offset: u64,
    part: Vec<u8>,
}

impl<R: Read> Input<R> {
    /// Reads from `inner`, whose next byte is at `offset` of the file.
    pub(super) fn new(inner: R, offset: u64) -> Input<R> {
        Input { inner, offset, part: Vec::new() }
    }

    /// Position of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Forgets the fields read so far.
    pub(super) fn begin(&mut self) {
        self.part.clear();
    }

    /// The bytes of the fields read since [`Input::begin`].
    pub(super) fn part(&self) -> &[u8] {
        &self.part
    }

    /// Reads a field of `N` bytes of the part called `what`.
    pub(super) fn field<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        let mut filled = 0;
        while filled < N {
            match self.inner.read(&mut bytes[filled..]) {
                Ok(0) => return Err(Error::Truncated { offset: self.offset, what }),
                Ok(count) => {
                    filled += count;
                    self.offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::Io { action: "read", offset: self.offset, source }),
            }
        }
        self.part.extend_from_slice(&bytes);
        Ok(bytes)
    }

    /// Reads a varint field of the part called `what`.
    pub(super) fn varint(&mut self, what: &'static str) -> Result<u64> {
        let offset = self.offset;
        let mut bytes = Vec::with_capacity(varint::MAX_LENGTH);
        loop {
            let [byte] = self.field(what)?;
            bytes.push(byte);
            if byte & 0x80 == 0 || bytes.len() == varint::MAX_LENGTH {
                break;
            }
        }
        let found = u64::from(bytes.last().copied().unwrap_or(0));
        let expected = "the last byte of the shortest varint of a number";
        varint::take(&mut bytes.as_slice()).map_err(|_| Error::Field { what, offset, found, expected })
    }

    /// Reads `length` bytes, which are not remembered. Memory grows with what is there, not with what is claimed.
    pub(super) fn bulk(&mut self, length: u64, what: &'static str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let outcome = self.inner.by_ref().take(length).read_to_end(&mut bytes);
        self.offset += bytes.len() as u64;
        if let Err(source) = outcome {
            return Err(Error::Io { action: "read", offset: self.offset, source });
        }
        if (bytes.len() as u64) < length {
            return Err(Error::Truncated { offset: self.offset, what });
        }
        Ok(bytes)
    }

    /// Whether the stream ends here.
    pub(super) fn at_end(&mut self) -> Result<bool> {
        match self.field::<1>("") {
            Ok(_) => Ok(false),
            Err(Error::Truncated { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

impl<R: Read + Seek> Input<R> {
    /// Goes to `offset`.
    pub(super) fn seek(&mut self, offset: u64) -> Result<()> {
        let action = "seek";
        self.inner.seek(SeekFrom::Start(offset)).map_err(|source| Error::Io { action, offset, source })?;
        self.offset = offset;
        Ok(())
    }

    /// Length of the stream; the position is then its end.
    pub(super) fn length(&mut self) -> Result<u64> {
        let offset = self.offset;
        let end = self.inner.seek(SeekFrom::End(0));
        self.offset = end.map_err(|source| Error::Io { action: "seek", offset, source })?;
        Ok(self.offset)
    }
}
