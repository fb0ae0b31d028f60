//! What the store asks of a codec.

use vcn_media::{Colour, Picture};

use crate::{digest::Digest, error::BoxError, frame::Format};

/// Turns the frames of a closed GOP into bytes and back. Implemented by [`Planes`](crate::Planes) here, and for the
/// learned codec where that is linked in.
pub trait SegmentCodec: Send + Sync {
    /// What decodes its bytes: the digest of the model, for the learned codec.
    fn id(&self) -> Digest;

    /// A name for messages.
    fn name(&self) -> String;

    /// Whether decoded frames equal the source's, in their layout. Only such a codec serves class `frames`.
    fn lossless(&self) -> bool;

    /// Encodes the frames of a GOP, all of one format. A lossless codec ignores `quality` and `colour`; another converts
    /// RGB to `colour`.
    ///
    /// # Errors
    /// Whatever the codec meets; the put then fails.
    fn encode(&self, frames: &[Picture], colour: Colour, quality: u16) -> Result<Vec<u8>, BoxError>;

    /// Decodes what [`SegmentCodec::encode`] returned: the same pictures on every machine. `bytes` may be hostile.
    ///
    /// # Errors
    /// Bytes that are not a segment of `frames` pictures of this format.
    fn decode(&self, bytes: &[u8], format: Format, frames: usize) -> Result<Vec<Picture>, BoxError>;

    /// How many GOPs of up to `frames` pictures of this format may be coded at the same time, for speed; each takes memory.
    fn at_once(&self, _format: Format, _frames: usize) -> usize {
        1
    }

    /// The layout in which pictures of `source` are decoded.
    fn decoded_format(&self, source: Format) -> Format;
}

/// Says where segments start. Its answer for a frame may depend on that frame and those before it only.
pub trait Splitter {
    /// Whether a segment starts at this frame, given the frames before; the first frame always starts one.
    fn starts(&mut self, frame: &Picture, digest: &Digest) -> bool;
}

impl<F: FnMut(&Picture) -> bool> Splitter for F {
    fn starts(&mut self, frame: &Picture, _digest: &Digest) -> bool {
        self(frame)
    }
}
