//! Making a segment: encode, decode again, compare.

use vcn_media::{Colour, Picture};
use vcn_similarity::Distortion;

use crate::{
    codec::SegmentCodec,
    digest::Digest,
    error::{Error, Result},
    frame::{Format, frame_digest, frames_key, frames_root},
    segment::SegmentHeader,
};

/// A segment that is in no store yet.
#[derive(Clone, Debug)]
pub struct EncodedSegment {
    /// The name of its object: the digest of `bytes`.
    pub object: Digest,
    /// Its frames key.
    pub key: Digest,
    /// Header and payload.
    pub bytes: Vec<u8>,
    /// How far it is from the frames.
    pub distortion: Distortion,
}

/// Encodes the frames of a segment and checks that it decodes to what it must. `digests` are those of the frames, `name`
/// is the video's, for messages.
///
/// # Errors
/// [`Error::NoFrames`], or [`Error::Codec`] from a codec that fails or does not reproduce what it must.
pub fn encode_segment(
    codec: &dyn SegmentCodec,
    name: &str,
    frames: &[Picture],
    digests: &[Digest],
    colour: Colour,
    quality: u16,
) -> Result<EncodedSegment> {
    let failed = |reason: String| Error::Codec { object: name.to_owned(), codec: codec.name(), reason };
    let Some(first) = frames.first() else { return Err(Error::NoFrames { name: name.to_owned() }) };
    let format = Format::of(first);
    let payload = codec.encode(frames, colour, quality).map_err(|error| failed(error.to_string()))?;
    let decoded = codec.decode(&payload, format, frames.len()).map_err(|error| failed(error.to_string()))?;
    let expected = codec.decoded_format(format);
    if decoded.len() != frames.len() || decoded.iter().any(|frame| Format::of(frame) != expected) {
        return Err(failed("does not decode to as many frames of the size that it encoded".to_owned()));
    }
    let decoded_digests: Vec<Digest> = decoded.iter().map(frame_digest).collect();
    if codec.lossless() && decoded_digests != digests {
        return Err(failed("claims to be lossless and is not".to_owned()));
    }
    let distortion = Distortion::of(frames, &decoded, colour);
    let key = frames_key(codec.id(), quality, format.layout, colour, digests);
    let decoded = frames_root(&decoded_digests);
    let frames = frames.len() as u32;
    let header = SegmentHeader { format, quality, frames, codec: codec.id(), key, decoded, distortion };
    let bytes = header.with_payload(&payload);
    Ok(EncodedSegment { object: Digest::of(&bytes), key, bytes, distortion })
}
