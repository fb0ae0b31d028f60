//! From GOPs to verified frames.

use std::ops::Range;

use vcn_codec::container::{FramesHasher, Header};
use vcn_codec::{Codec, Error};
use vcn_media::{SourceKind, VideoInfo, Yuv420};

use crate::failure::Result;
use crate::source::Gop;

/// Decoded frames are held back until their GOP is verified, up to so many bytes; those of larger GOPs go out before.
const HELD_BYTES: usize = 512 << 20;

/// What is known of the decoded video.
pub fn info(header: &Header, frames: Option<u64>) -> VideoInfo {
    VideoInfo {
        width: header.width as usize,
        height: header.height as usize,
        fps: header.fps,
        colour: header.colour,
        frames,
        source: SourceKind::Other,
    }
}

/// Decodes a GOP whole, compares its checksum, and gives the frames that are in `wanted`, counted in the video, to
/// `each` with their number. `failed` says which file the GOP is from.
pub fn decode(
    codec: &Codec,
    header: &Header,
    gop: &Gop,
    wanted: &Range<u64>,
    failed: impl Fn(Error) -> crate::failure::Failure,
    mut each: impl FnMut(u64, Yuv420) -> Result<()>,
) -> Result<()> {
    let (width, height) = (header.width as usize, header.height as usize);
    let record = &gop.record;
    let mut decoder = codec.decode(&record.payload, record.frames, width, height).map_err(&failed)?;
    let mut hasher = FramesHasher::new();
    let most = HELD_BYTES / (width * height * 3 / 2).max(1);
    let mut held = Vec::new();
    let mut number = gop.first_frame;
    while let Some(frame) = decoder.frame().map_err(&failed)? {
        hasher.push(&frame);
        if wanted.contains(&number) {
            held.push((number, frame));
        }
        number += 1;
        if held.len() > most {
            held.drain(..).try_for_each(|(number, frame)| each(number, frame))?;
        }
    }
    let found = hasher.finish();
    if found != record.frames_sum {
        let (expected, found) = (record.frames_sum.to_string(), found.to_string());
        return Err(failed(Error::FramesChecksum { first_frame: gop.first_frame, expected, found }));
    }
    held.into_iter().try_for_each(|(number, frame)| each(number, frame))
}
