//! A payload as the 16-bit words that the range decoder pulls.

use constriction::{Queue, backends::ReadWords};

/// Words that a decoder may read after the end of the payload: those of its 64-bit window.
const WINDOW: usize = 4;

/// Big-endian words of a payload, then as many zeros as a well-formed payload can need.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    bytes: &'a [u8],
    read: usize,
}

/// The payload ended long ago.
#[derive(Debug)]
pub(super) struct Exhausted;

impl<'a> Words<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Words<'a> {
        Words { bytes, read: 0 }
    }

    /// Length of the payload in bytes.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes that have left the decoder's window: the encoder wrote them before it ended the payload.
    pub(super) fn settled(&self) -> usize {
        2 * self.read.saturating_sub(WINDOW)
    }
}

impl ReadWords<u16, Queue> for Words<'_> {
    type ReadError = Exhausted;

    #[inline]
    fn read(&mut self) -> Result<Option<u16>, Exhausted> {
        let start = 2 * self.read;
        self.read += 1;
        match self.bytes.get(start..start + 2) {
            Some(pair) => Ok(Some(u16::from_be_bytes([pair[0], pair[1]]))),
            None if start < self.bytes.len() => Ok(Some(u16::from_be_bytes([self.bytes[start], 0]))),
            // In whole words, the payload holds at least the settled ones.
            None if self.settled() <= self.bytes.len() => Ok(Some(0)),
            None => Err(Exhausted),
        }
    }
}
