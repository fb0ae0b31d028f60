//! The record of a GOP: a head with its own checksum, then the payload.

use std::io::Read;

use super::{
    Sum,
    input::Input,
    sum::{SHORT, check_short, short},
    varint,
};
use crate::{Error, Result};

/// Most frames in a GOP.
pub const MAX_GOP_FRAMES: u32 = 1 << 16;

/// Most bytes in the payload of a GOP.
pub const MAX_PAYLOAD: u64 = 1 << 31;

/// Most frames before a GOP: centuries.
pub(super) const MAX_FRAMES: u64 = 1 << 40;

/// First bytes of a record, by which [`super::Salvage`] finds it.
pub(super) const SYNC: [u8; 4] = *b"\xa7GOP";

/// Fewest and most bytes of a head.
pub(super) const MIN_HEAD: usize = 4 + 1 + 1 + 1 + 8 + 8 + SHORT;
pub(super) const MAX_HEAD: usize = 4 + 10 + 10 + 10 + 8 + 8 + SHORT;

const WHAT: &str = "a GOP record's head";

/// A coded GOP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GopRecord {
    /// Number of frames, `1..=65536`.
    pub frames: u32,
    /// What the entropy coder wrote, at most 2^31 bytes.
    pub payload: Vec<u8>,
    /// Checksum of the decoded frames, from a [`super::FramesHasher`].
    pub frames_sum: Sum,
}

impl GopRecord {
    /// Checksum of the payload, as the record stores it.
    pub fn payload_sum(&self) -> Sum {
        Sum::of(&self.payload)
    }
}

/// What a record says before its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Number of frames before this GOP.
    pub first_frame: u64,
    pub frames: u32,
    pub payload_length: u64,
    pub payload_sum: Sum,
    pub frames_sum: Sum,
}

impl Head {
    pub(super) fn to_bytes(&self, offset: u64) -> Result<Vec<u8>> {
        self.check(offset)?;
        let mut bytes = SYNC.to_vec();
        varint::put(&mut bytes, self.first_frame);
        varint::put(&mut bytes, self.frames.into());
        varint::put(&mut bytes, self.payload_length);
        bytes.extend(self.payload_sum.0);
        bytes.extend(self.frames_sum.0);
        bytes.extend(short(&bytes));
        Ok(bytes)
    }

    /// Reads a head whose [`SYNC`] was the last field read.
    pub(super) fn read<R: Read>(input: &mut Input<R>) -> Result<Head> {
        let start = input.offset() - SYNC.len() as u64;
        let first_frame = input.varint(WHAT)?;
        let frames = input.varint(WHAT)?;
        let payload_length = input.varint(WHAT)?;
        let payload_sum = Sum(input.field(WHAT)?);
        let frames_sum = Sum(input.field(WHAT)?);
        let part = input.part().to_vec();
        check_short(&part, input.field(WHAT)?, WHAT, start)?;
        let frames = u32::try_from(frames).unwrap_or(u32::MAX);
        let head = Head { first_frame, frames, payload_length, payload_sum, frames_sum };
        head.check(start)?;
        Ok(head)
    }

    /// Reads the payload that follows the head and checks it.
    pub(super) fn payload<R: Read>(self, input: &mut Input<R>) -> Result<GopRecord> {
        let offset = input.offset();
        let payload = input.bulk(self.payload_length, "a GOP's payload")?;
        let found = Sum::of(&payload);
        if found != self.payload_sum {
            let (expected, found) = (self.payload_sum.to_string(), found.to_string());
            return Err(Error::Checksum { what: "a GOP's payload", offset, expected, found });
        }
        Ok(GopRecord { frames: self.frames, payload, frames_sum: self.frames_sum })
    }

    fn check(&self, offset: u64) -> Result<()> {
        let field = |what, found, expected| Err(Error::Field { what, offset, found, expected });
        if self.first_frame > MAX_FRAMES {
            return field("the number of frames before a GOP", self.first_frame, "at most 2^40");
        }
        if !(1..=MAX_GOP_FRAMES).contains(&self.frames) {
            return field("the number of frames of a GOP", self.frames.into(), "1..=65536");
        }
        if self.payload_length > MAX_PAYLOAD {
            return field("the length of a GOP's payload", self.payload_length, "at most 2^31");
        }
        Ok(())
    }
}
