//! Which frames of a video are described: one per second, and those at which the picture changes most.
//!
//! A descriptor object is: `vcnd`, version 1 (4 bytes), descriptor id (32), frames root (32), length of a vector (4),
//! then for each picked frame its index (4) and its vector. Numbers are little-endian.

use vcn_media::Picture;

use super::{
    descriptor::Descriptor,
    thumbnail::{SIDE, thumbnail},
};
use crate::{
    digest::Digest,
    error::{Error, Result},
    objects::ObjectId,
};

const MAGIC: [u8; 4] = *b"vcnd";
const HEADER: usize = 76;

/// Mean absolute difference to the frame before above which a frame starts a shot, in code values.
const CHANGE: u32 = 20;

/// A frame and its vector.
#[derive(Clone, Debug)]
pub(crate) struct PickedFrame {
    pub frame: u32,
    pub vector: Vec<i8>,
    /// Kept only for a query, which is not stored.
    pub thumbnail: Option<Vec<u8>>,
}

/// The described frames of a video.
#[derive(Clone, Debug)]
pub(crate) struct Picked {
    pub descriptor: Digest,
    pub root: Digest,
    pub frames: Vec<PickedFrame>,
}

/// Picks and describes frames as they come.
pub(crate) struct Picker<'a> {
    descriptor: &'a dyn Descriptor,
    interval: u32,
    keep_thumbnails: bool,
    next: u32,
    last_picked: Option<u32>,
    /// A few samples of the frame before.
    before: Vec<u8>,
    frames: Vec<PickedFrame>,
}

impl<'a> Picker<'a> {
    /// A picker for a video of so many frames per second.
    pub fn new(descriptor: &'a dyn Descriptor, rate: f64, keep_thumbnails: bool) -> Picker<'a> {
        let interval = rate.round().clamp(1.0, 1000.0) as u32;
        Picker {
            descriptor,
            interval,
            keep_thumbnails,
            next: 0,
            last_picked: None,
            before: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Takes the next frame.
    pub fn push(&mut self, picture: &Picture) {
        let frame = self.next;
        self.next += 1;
        let samples = samples(picture);
        let changed = difference(&self.before, &samples) > CHANGE;
        self.before = samples;
        let due = self.last_picked.is_none_or(|last| frame - last >= self.interval);
        if !due && !changed {
            return;
        }
        let thumbnail = thumbnail(picture);
        if let Some(vector) = self.descriptor.describe(&thumbnail) {
            self.last_picked = Some(frame);
            let thumbnail = self.keep_thumbnails.then_some(thumbnail);
            self.frames.push(PickedFrame { frame, vector, thumbnail });
        }
    }

    /// What was picked.
    pub fn finish(self, root: Digest) -> Picked {
        Picked { descriptor: self.descriptor.id(), root, frames: self.frames }
    }
}

impl Picked {
    /// The object that holds this.
    pub fn to_object(&self) -> Vec<u8> {
        let length = self.frames.first().map_or(0, |frame| frame.vector.len());
        let mut out = MAGIC.to_vec();
        out.extend(1u32.to_le_bytes());
        out.extend(self.descriptor.0);
        out.extend(self.root.0);
        out.extend((length as u32).to_le_bytes());
        for frame in &self.frames {
            out.extend(frame.frame.to_le_bytes());
            out.extend(frame.vector.iter().map(|value| value.cast_unsigned()));
        }
        out
    }

    /// Reads an object.
    pub fn parse(id: ObjectId, bytes: &[u8]) -> Result<Picked> {
        let malformed = |reason: &str| Error::Malformed { object: id.path(), reason: reason.to_owned() };
        let Some((header, rest)) = bytes.split_at_checked(HEADER) else {
            return Err(malformed("too short for descriptors"));
        };
        let number =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        if header[..4] != MAGIC {
            return Err(malformed("does not start with `vcnd`"));
        }
        if number(4) != 1 {
            return Err(Error::Version { object: id.path(), found: number(4).into(), known: 1 });
        }
        let digest = |at: usize| {
            let mut digest = [0; 32];
            digest.copy_from_slice(&header[at..at + 32]);
            Digest(digest)
        };
        let length = number(72) as usize;
        let entry =
            length.checked_add(4).ok_or_else(|| malformed("vectors of a length that is not possible"))?;
        if !rest.len().is_multiple_of(entry) {
            return Err(malformed("its last vector is cut short"));
        }
        let frames = rest.chunks_exact(entry).map(|entry| PickedFrame {
            frame: u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]),
            vector: entry[4..].iter().map(|byte| byte.cast_signed()).collect(),
            thumbnail: None,
        });
        Ok(Picked { descriptor: digest(8), root: digest(40), frames: frames.collect() })
    }
}

/// About a thousand luma (or green) samples of a picture, spread over it.
fn samples(picture: &Picture) -> Vec<u8> {
    let (plane, pixel) = match picture {
        Picture::Yuv420(picture) => (&picture.y, 1),
        Picture::Yuv444(picture) => (&picture.y, 1),
        Picture::Rgb(picture) => (&picture.data, 3),
    };
    let pixels = plane.len() / pixel;
    let count = pixels.min(SIDE * 6);
    (0..count).map(|index| plane[index * pixels / count * pixel + pixel / 2]).collect()
}

fn difference(a: &[u8], b: &[u8]) -> u32 {
    let sum: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    sum / (a.len().max(1) as u32)
}
