//! Content-defined segments by the digests of frames.

use vcn_media::Picture;

use crate::{codec::Splitter, digest::Digest, frame::Format};

/// Starts a segment where the digests of this frame and the one before meet a mask, so that equal runs of frames are cut
/// alike wherever they begin (section 5 of the contract). The rule of the learned codec's GOPs may take its place.
#[derive(Clone, Debug)]
pub struct DigestSplitter {
    minimum: u32,
    average: u32,
    maximum: u32,
    length: u32,
    previous: Option<Digest>,
}

impl DigestSplitter {
    /// Segments of `minimum` to `maximum` frames, `average` of them on average; each at least 1 and in that order.
    pub fn new(minimum: u32, average: u32, maximum: u32) -> DigestSplitter {
        let minimum = minimum.max(1);
        let average = average.max(minimum);
        DigestSplitter { minimum, average, maximum: maximum.max(average), length: 0, previous: None }
    }
}

impl Default for DigestSplitter {
    /// 4 to 24 frames, 12 on average.
    fn default() -> DigestSplitter {
        DigestSplitter::new(4, 12, 24)
    }
}

impl Splitter for DigestSplitter {
    fn starts(&mut self, _frame: &Picture, digest: &Digest) -> bool {
        let cut = match self.previous.replace(*digest) {
            None => true,
            Some(_) if self.length < self.minimum => false,
            Some(_) if self.length >= self.maximum => true,
            Some(previous) => {
                let mut both = [0; 64];
                both[..32].copy_from_slice(&previous.0);
                both[32..].copy_from_slice(&digest.0);
                let mixed = blake3::hash(&both);
                let [a, b, c, d, ..] = *mixed.as_bytes();
                let period = (self.average - self.minimum).max(1);
                u32::from_le_bytes([a, b, c, d]).is_multiple_of(period)
            }
        };
        self.length = if cut { 1 } else { self.length + 1 };
        cut
    }
}

/// Most frames in one segment.
pub(crate) const MAX_SEGMENT_FRAMES: u64 = 256;

/// Most bytes that the frames of a segment take, unless it is a single one.
const MAX_SEGMENT_BYTES: u64 = 1 << 30;

/// Most frames of this format in one segment; a splitter that never cuts is cut here, so that memory stays bounded.
pub(crate) fn longest(format: Format) -> u64 {
    (MAX_SEGMENT_BYTES / format.frame_bytes().max(1)).clamp(1, MAX_SEGMENT_FRAMES)
}

/// Any splitter, with segments that are never longer than the store takes them.
pub struct Bounded<'a> {
    splitter: &'a mut dyn Splitter,
    length: u64,
}

impl<'a> Bounded<'a> {
    /// Bounds a splitter.
    pub fn new(splitter: &'a mut dyn Splitter) -> Bounded<'a> {
        Bounded { splitter, length: 0 }
    }

    /// Whether a segment starts at this frame; the first frame always starts one.
    pub fn starts(&mut self, frame: &Picture, digest: &Digest) -> bool {
        let longest = longest(Format::of(frame));
        let cut = self.splitter.starts(frame, digest) || self.length == 0 || self.length >= longest;
        self.length = if cut { 1 } else { self.length + 1 };
        cut
    }
}
