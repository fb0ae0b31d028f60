//! Segment objects: a fixed header, then the codec's bytes.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | `vcns` |
//! | 4 | 1 | version, 1 |
//! | 5 | 1 | layout of the source: 0 is 4:2:0, 1 is 4:4:4, 2 is RGB |
//! | 6 | 2 | quality |
//! | 8 | 4 | width |
//! | 12 | 4 | height |
//! | 16 | 4 | frames |
//! | 20 | 32 | codec: the digest of its model |
//! | 52 | 32 | frames key: what the segment was made from and how |
//! | 84 | 32 | root over the digests of the decoded frames |
//! | 116 | 12 | distortion: mean, worst frame, worst block, each an IEEE 754 single |
//! | 128 | | the codec's bytes |
//!
//! All numbers are little-endian.

use vcn_similarity::Distortion;

use crate::{
    digest::Digest,
    error::{Error, Result},
    frame::{Format, Layout},
    objects::ObjectId,
    split::longest,
};

const MAGIC: [u8; 4] = *b"vcns";
const VERSION: u8 = 1;

/// Bytes of the header.
pub(crate) const HEADER: usize = 128;

/// What the header of a segment says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SegmentHeader {
    pub format: Format,
    pub quality: u16,
    pub frames: u32,
    pub codec: Digest,
    pub key: Digest,
    pub decoded: Digest,
    pub distortion: Distortion,
}

impl SegmentHeader {
    /// The object with this header.
    pub fn with_payload(&self, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + payload.len());
        out.extend(MAGIC);
        out.extend([VERSION, self.format.layout as u8]);
        out.extend(self.quality.to_le_bytes());
        for number in [self.format.width, self.format.height, self.frames] {
            out.extend(number.to_le_bytes());
        }
        for digest in [self.codec, self.key, self.decoded] {
            out.extend(digest.0);
        }
        for error in [self.distortion.mean, self.distortion.worst_frame, self.distortion.worst_block] {
            out.extend(error.to_le_bytes());
        }
        out.extend(payload);
        out
    }
}

/// Splits a segment object into header and payload.
pub(crate) fn parse(id: ObjectId, bytes: &[u8]) -> Result<(SegmentHeader, &[u8])> {
    let malformed = |reason: String| Error::Malformed { object: id.path(), reason };
    let Some((header, payload)) = bytes.split_at_checked(HEADER) else {
        return Err(malformed(format!("{} bytes are too few for a segment", bytes.len())));
    };
    if header[..4] != MAGIC {
        return Err(malformed("not a segment: it does not start with `vcns`".to_owned()));
    }
    if header[4] != VERSION {
        return Err(Error::Version { object: id.path(), found: header[4].into(), known: VERSION.into() });
    }
    let layout = match header[5] {
        0 => Layout::Yuv420,
        1 => Layout::Yuv444,
        2 => Layout::Rgb,
        other => return Err(malformed(format!("layout {other} is not known"))),
    };
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let digest = |at: usize| {
        let mut digest = [0; 32];
        digest.copy_from_slice(&header[at..at + 32]);
        Digest(digest)
    };
    let format = Format { layout, width: number(8), height: number(12) };
    let frames = number(16);
    let sides = 1..=vcn_media::MAX_SIDE as u32;
    if !sides.contains(&format.width) || !sides.contains(&format.height) {
        return Err(malformed(format!("{format} is not a possible size")));
    }
    let most = longest(format);
    if frames == 0 || u64::from(frames) > most {
        return Err(malformed(format!("{frames} frames of {format}, from 1 to {most} are possible")));
    }
    let distortion = Distortion {
        mean: f32::from_bits(number(116)),
        worst_frame: f32::from_bits(number(120)),
        worst_block: f32::from_bits(number(124)),
    };
    let quality = u16::from_le_bytes([header[6], header[7]]);
    let (codec, key, decoded) = (digest(20), digest(52), digest(84));
    Ok((SegmentHeader { format, quality, frames, codec, key, decoded, distortion }, payload))
}
