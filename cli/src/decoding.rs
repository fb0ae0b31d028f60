//! From GOPs to verified frames.

use std::ops::Range;

use rayon::prelude::*;
use vcn_codec::container::{FramesHasher, Header};
use vcn_codec::{Codec, Error};
use vcn_media::{SourceKind, VideoInfo, Yuv420};

use crate::at_once;
use crate::failure::{Failure, Result};
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

/// Decodes the GOPs of a video, several at the same time.
pub struct Decoding<'a> {
    /// The model that it was coded with.
    pub codec: &'a Codec,
    /// The fixed facts.
    pub header: &'a Header,
    /// The file, for messages.
    pub path: &'a str,
    /// Frames that are wanted, counted in the video.
    pub wanted: Range<u64>,
    /// Whether GOPs come as they are made, so that none can wait for the next.
    pub live: bool,
}

impl<'a> Decoding<'a> {
    /// Of all frames of a file.
    pub fn whole(codec: &'a Codec, header: &'a Header, path: &'a str) -> Decoding<'a> {
        Decoding { codec, header, path, wanted: 0..u64::MAX, live: false }
    }

    /// Decodes GOPs whole and compares their checksums. Gives the frames that are wanted to `each` with their number, and
    /// each GOP with what became of it to `ended`, all in order.
    ///
    /// # Errors
    /// The first from `gops`, or that `ended` passes on; what comes before it is done.
    pub fn run(
        &self,
        gops: impl Iterator<Item = vcn_codec::Result<Gop>>,
        mut each: impl FnMut(u64, Yuv420) -> Result<()>,
        mut ended: impl FnMut(&Gop, Result<()>) -> Result<()>,
    ) -> Result<()> {
        let failed = Failure::file(self.path);
        let mut gops = gops.peekable();
        while let Some(first) = gops.next() {
            let mut batch = vec![first.map_err(&failed)?];
            // To peek is to wait for what comes next.
            while !self.live
                && let Some(gop) = gops.next_if(|next| next.as_ref().is_ok_and(|gop| self.fits(&batch, gop)))
            {
                batch.extend(gop);
            }
            // A GOP by itself may be larger than what is held.
            if let [gop] = &batch[..] {
                ended(gop, self.decode(gop, &failed, &mut each))?;
                continue;
            }
            let decoded: Vec<_> = batch.par_iter().map(|gop| self.held(gop)).collect();
            for (gop, decoded) in batch.iter().zip(decoded) {
                let given =
                    |frames: Vec<_>| frames.into_iter().try_for_each(|(number, frame)| each(number, frame));
                ended(gop, decoded.map_err(&failed).and_then(given))?;
            }
        }
        Ok(())
    }

    /// Whether a GOP may be decoded at the same time as others.
    fn fits(&self, others: &[Gop], gop: &Gop) -> bool {
        let frames = others.iter().chain([gop]).map(|gop| gop.record.frames as usize).max().unwrap_or(0);
        let size = [self.header.width as usize, self.header.height as usize];
        others.len() < at_once::decoders(size, frames)
    }

    /// The frames of a GOP that are wanted.
    fn held(&self, gop: &Gop) -> vcn_codec::Result<Vec<(u64, Yuv420)>> {
        let mut frames = Vec::new();
        self.decode(
            gop,
            |error| error,
            |number, frame| {
                frames.push((number, frame));
                Ok(())
            },
        )?;
        Ok(frames)
    }

    /// Decodes a GOP; `failed` makes the caller's error of the codec's.
    fn decode<E>(
        &self,
        gop: &Gop,
        failed: impl Fn(Error) -> E,
        mut each: impl FnMut(u64, Yuv420) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let (width, height) = (self.header.width as usize, self.header.height as usize);
        let record = &gop.record;
        let mut decoder =
            self.codec.decode(&record.payload, record.frames, width, height).map_err(&failed)?;
        let mut hasher = FramesHasher::new();
        let most = HELD_BYTES / (width * height * 3 / 2).max(1);
        let mut held = Vec::new();
        let mut number = gop.first_frame;
        while let Some(frame) = decoder.frame().map_err(&failed)? {
            hasher.push(&frame);
            if self.wanted.contains(&number) {
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
}
