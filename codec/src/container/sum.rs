//! Checksums: the first bytes of BLAKE3.

use std::fmt;

use vcn_media::Yuv420;

use crate::{Error, Result};

/// The first 8 bytes of a BLAKE3 hash: of a payload, or of the decoded frames of a GOP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sum(pub [u8; 8]);

impl Sum {
    /// The checksum of `bytes`.
    pub fn of(bytes: &[u8]) -> Sum {
        Sum(first(&blake3::hash(bytes)))
    }
}

impl fmt::Display for Sum {
    /// Sixteen hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal(&self.0))
    }
}

/// Computes the checksum of decoded frames: planes Y, U, V of each frame, in the order of frames.
#[derive(Clone, Debug, Default)]
pub struct FramesHasher(blake3::Hasher);

impl FramesHasher {
    /// Without frames so far.
    pub fn new() -> FramesHasher {
        FramesHasher::default()
    }

    /// Adds the next frame.
    pub fn push(&mut self, frame: &Yuv420) {
        for plane in [&frame.y, &frame.u, &frame.v] {
            self.0.update(plane);
        }
    }

    /// The checksum of the frames added.
    pub fn finish(&self) -> Sum {
        Sum(first(&self.0.finalize()))
    }
}

/// Length of the checksum of a header, a record head or the footer.
pub(super) const SHORT: usize = 4;

/// Checks that `bytes`, which begin at `offset`, have the checksum `expected`.
pub(super) fn check_short(
    bytes: &[u8],
    expected: [u8; SHORT],
    what: &'static str,
    offset: u64,
) -> Result<()> {
    let found = short(bytes);
    if found == expected {
        return Ok(());
    }
    Err(Error::Checksum { what, offset, expected: hexadecimal(&expected), found: hexadecimal(&found) })
}

/// The first 4 bytes of the BLAKE3 hash of `bytes`: for parts of a few bytes, where 8 would cost more than they are.
pub(super) fn short(bytes: &[u8]) -> [u8; SHORT] {
    first(&blake3::hash(bytes))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn first<const N: usize>(hash: &blake3::Hash) -> [u8; N] {
    std::array::from_fn(|i| hash.as_bytes()[i])
}
