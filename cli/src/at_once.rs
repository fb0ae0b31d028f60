//! How many GOPs are coded at the same time.
//!
//! The frames of a GOP are built on one another, GOPs are not: they are what many processors can share. Each takes memory
//! of its own, so of large frames, which processors can share within, fewer are coded at once.

use crate::compute::threads;

/// What all of them may take together.
const MOST_BYTES: usize = 2 << 30;

/// What an encoder takes beside the frames of its GOP, by sample of luma: 300 bytes in 1280x720.
const ENCODER_BYTES: usize = 320;

/// What a decoder takes beside the frames that it gave, by sample of luma: 150 bytes in 1280x720.
const DECODER_BYTES: usize = 160;

/// GOPs of up to `frames` frames that may be encoded at once. A frame is held as it was read, up to three bytes a sample,
/// and as 4:2:0.
pub fn encoders([width, height]: [usize; 2], frames: usize) -> usize {
    most(width, height, ENCODER_BYTES + frames * 9 / 2)
}

/// GOPs of up to `frames` frames that may be decoded at once, all of them held as 4:2:0.
pub fn decoders([width, height]: [usize; 2], frames: usize) -> usize {
    most(width, height, DECODER_BYTES + frames * 3 / 2)
}

/// As many as there are threads and memory allows, at least one.
fn most(width: usize, height: usize, bytes: usize) -> usize {
    threads().min(MOST_BYTES / width.saturating_mul(height).saturating_mul(bytes).max(1)).max(1)
}
