//! The footer: the GOP table, and the trailer by which a seekable reader finds it.

use std::io::Read;

use super::{
    input::Input,
    record::{MAX_GOP_FRAMES, MIN_HEAD},
    sum::{SHORT, check_short, hexadecimal, short},
    varint,
};
use crate::{Error, Result};

/// First bytes of the footer, where otherwise the next record would begin.
pub(super) const MARKER: [u8; 4] = *b"\xa7END";

/// Last bytes of a file.
const END: [u8; 4] = *b"VCN\x9a";

/// Length of the trailer: length of the footer, checksum, end mark.
pub(super) const TRAILER: usize = 4 + SHORT + END.len();

const WHAT: &str = "the footer";

/// A GOP in the table: offset and first frame follow from the entries before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub frames: u32,
    /// Bytes of the whole record.
    pub length: u64,
}

/// The bytes of footer and trailer.
pub(super) fn to_bytes(table: &[Entry], offset: u64) -> Result<Vec<u8>> {
    let mut bytes = MARKER.to_vec();
    varint::put(&mut bytes, table.len() as u64);
    for entry in table {
        varint::put(&mut bytes, entry.frames.into());
        varint::put(&mut bytes, entry.length);
    }
    let what = "the length of the GOP table";
    let found = bytes.len() as u64;
    let length = u32::try_from(found);
    let length = length.map_err(|_| Error::Field { what, offset, found, expected: "at most 32 bits" })?;
    bytes.extend(length.to_le_bytes());
    bytes.extend(short(&bytes));
    bytes.extend(END);
    Ok(bytes)
}

/// Length of the footer, according to the last bytes of a file of `file_length` bytes.
pub(super) fn length(trailer: [u8; TRAILER], file_length: u64) -> Result<u64> {
    let [a, b, c, d, .., w, x, y, z] = trailer;
    if [w, x, y, z] != END {
        let (found, expected) = (hexadecimal(&[w, x, y, z]), hexadecimal(&END));
        return Err(Error::NoTrailer { length: file_length, found, expected });
    }
    Ok(u32::from_le_bytes([a, b, c, d]).into())
}

/// Reads a footer whose [`MARKER`] was the only field since [`Input::begin`], and the trailer.
pub(super) fn read<R: Read>(input: &mut Input<R>) -> Result<Vec<Entry>> {
    let start = input.offset() - MARKER.len() as u64;
    let count = input.varint(WHAT)?;
    let mut table = Vec::new();
    for _ in 0..count {
        let frames = input.varint(WHAT)?;
        let length = input.varint(WHAT)?;
        table.push((frames, length));
    }
    let footer_length = input.part().len() as u64;
    let stated: [u8; 4] = input.field(WHAT)?;
    let part = input.part().to_vec();
    check_short(&part, input.field(WHAT)?, WHAT, start)?;
    let found = u32::from_le_bytes(stated).into();
    if found != footer_length {
        let expected = "the number of bytes from its marker to here";
        return Err(Error::Field { what: "the footer's length", offset: input.offset(), found, expected });
    }
    let end: [u8; 4] = input.field(WHAT)?;
    if end != END {
        let (found, expected) = (hexadecimal(&end), hexadecimal(&END));
        return Err(Error::NoTrailer { length: input.offset(), found, expected });
    }
    if table.is_empty() {
        return Err(Error::NoFrames);
    }
    table.into_iter().map(|(frames, length)| entry(frames, length, start)).collect()
}

fn entry(frames: u64, length: u64, offset: u64) -> Result<Entry> {
    let field = |what, found, expected| Err(Error::Field { what, offset, found, expected });
    match u32::try_from(frames) {
        Ok(frames) if (1..=MAX_GOP_FRAMES).contains(&frames) => match length >= MIN_HEAD as u64 {
            true => Ok(Entry { frames, length }),
            false => field("the length of a GOP record in the table", length, "at least 27"),
        },
        _ => field("the number of frames of a GOP in the table", frames, "1..=65536"),
    }
}
