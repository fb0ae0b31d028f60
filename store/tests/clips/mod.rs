//! Videos and stores for tests.
#![allow(dead_code, missing_docs)]

#[cfg(feature = "s3")]
pub mod s3;

use std::sync::Arc;

use vcn_media::{Colour, Picture, Rational, Yuv420};
use vcn_store::{Clip, Format, Location, PutOutcome, PutRequest, SegmentCodec, Store};

pub const WIDTH: usize = 32;
pub const HEIGHT: usize = 24;
pub const FPS: Rational = Rational { num: 25, den: 1 };

/// Frame `index` of the take `take`: a moving gradient with noise, so that no two frames are equal.
pub fn frame(take: u64, index: u64) -> Picture {
    let mut state = (take << 32) ^ index ^ 0x9E37_79B9_7F4A_7C15;
    let mut plane = |size: usize, base: u64| -> Vec<u8> {
        let noisy = |at: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (base + at as u64 + index * 3 + (state >> 61)) as u8
        };
        (0..size).map(noisy).collect()
    };
    let chroma = WIDTH.div_ceil(2) * HEIGHT.div_ceil(2);
    let (y, u, v) = (plane(WIDTH * HEIGHT, take * 31), plane(chroma, 100), plane(chroma, 150));
    Picture::Yuv420(Yuv420 { width: WIDTH, height: HEIGHT, y, u, v })
}

/// A part of a take.
pub fn take(take: u64, range: std::ops::Range<u64>) -> Vec<Picture> {
    range.map(|index| frame(take, index)).collect()
}

pub fn request(name: &str) -> PutRequest<'_> {
    PutRequest::frames(name, FPS, Colour::RGB_INPUT)
}

pub fn put(store: &Store, name: &str, frames: &[Picture]) -> vcn_store::Result<PutOutcome> {
    store.put(request(name), &mut Clip::new(frames.to_vec()))
}

/// All frames of a name.
pub fn play(store: &Store, name: &str) -> vcn_store::Result<Vec<Picture>> {
    let mut playback = store.get(name, None)?;
    let mut frames = Vec::new();
    while let Some(frame) = playback.next_frame()? {
        frames.push(frame);
    }
    Ok(frames)
}

/// A store in a new folder.
pub fn folder() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::init(&Location::folder(folder.path()), codecs()).unwrap();
    (folder, store)
}

pub fn codecs() -> Vec<Arc<dyn SegmentCodec>> {
    vec![Arc::new(Coarse)]
}

/// A lossy codec: drops the low bits of each sample, then compresses.
pub struct Coarse;

impl SegmentCodec for Coarse {
    fn id(&self) -> vcn_store::Digest {
        vcn_store::Digest::of(b"coarse")
    }

    fn name(&self) -> String {
        "coarse".to_owned()
    }

    fn lossless(&self) -> bool {
        false
    }

    fn encode(
        &self,
        frames: &[Picture],
        colour: Colour,
        quality: u16,
    ) -> Result<Vec<u8>, vcn_store::BoxError> {
        let mut bytes = Vec::new();
        for frame in frames {
            let frame = frame.to_yuv420(colour);
            for plane in [&frame.y, &frame.u, &frame.v] {
                bytes.extend(plane.iter().map(|sample| sample >> quality << quality));
            }
        }
        Ok(zstd::bulk::compress(&bytes, 1)?)
    }

    fn decode(
        &self,
        bytes: &[u8],
        format: Format,
        frames: usize,
    ) -> Result<Vec<Picture>, vcn_store::BoxError> {
        let (width, height) = (format.width as usize, format.height as usize);
        let (luma, chroma) = (width * height, width.div_ceil(2) * height.div_ceil(2));
        let bytes = zstd::bulk::decompress(bytes, frames * (luma + 2 * chroma))?;
        let pictures = bytes.chunks_exact(luma + 2 * chroma).map(|frame| {
            let (y, rest) = frame.split_at(luma);
            let (u, v) = rest.split_at(chroma);
            Ok(Yuv420::new(width, height, y.to_vec(), u.to_vec(), v.to_vec())?.into())
        });
        pictures.collect()
    }

    fn at_once(&self, _format: Format, _frames: usize) -> usize {
        3
    }

    fn decoded_format(&self, source: Format) -> Format {
        Format { layout: vcn_store::Layout::Yuv420, ..source }
    }
}
