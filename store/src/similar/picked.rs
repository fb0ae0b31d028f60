//! The object that holds the described frames of a video.
//!
//! It is: `vcnd`, version 1 (4 bytes), descriptor id (32), frames root (32), length of a vector (4), then for each picked
//! frame its index (4) and its vector. Numbers are little-endian.

use serde::{Deserialize, Serialize};
use vcn_similarity::{Descriptor, PickedFrame};

use crate::{
    digest::Digest,
    error::{Error, Result},
    objects::ObjectId,
};

const MAGIC: [u8; 4] = *b"vcnd";
const HEADER: usize = 76;

/// What a video looks like, as others say it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Looks {
    /// What describes the frames.
    pub descriptor: Digest,
    /// Frames per second, about.
    pub rate: f64,
    /// Index and vector of each described frame, in order.
    pub frames: Vec<(u32, Vec<i8>)>,
}

/// Most frames that others may describe: more than five hours of video.
const MOST: usize = 20_000;

impl Looks {
    /// The frames, if this descriptor can have made them.
    ///
    /// # Errors
    /// Why not.
    pub fn picked(&self, descriptor: &dyn Descriptor) -> std::result::Result<Vec<PickedFrame>, String> {
        if self.descriptor != Digest(descriptor.id()) {
            return Err("another descriptor made them".to_owned());
        }
        if !self.rate.is_finite() || self.rate <= 0.0 {
            return Err(format!("{} is no frame rate", self.rate));
        }
        let length = descriptor.length();
        if self.frames.len() > MOST || self.frames.iter().any(|(_, vector)| vector.len() != length) {
            return Err(format!("expected at most {MOST} vectors of {length} numbers"));
        }
        if !self.frames.is_sorted_by(|a, b| a.0 < b.0) {
            return Err("they are not in order".to_owned());
        }
        let picked = |(frame, vector): &(u32, Vec<i8>)| PickedFrame {
            frame: *frame,
            vector: vector.clone(),
            thumbnail: None,
        };
        Ok(self.frames.iter().map(picked).collect())
    }
}

/// The described frames of a video.
#[derive(Clone, Debug)]
pub(crate) struct Picked {
    pub descriptor: Digest,
    pub root: Digest,
    pub frames: Vec<PickedFrame>,
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
        let stored = Stored::parse(id, bytes)?;
        let frames = stored.frames().map(|(frame, vector)| PickedFrame {
            frame,
            vector: vector.iter().map(|byte| byte.cast_signed()).collect(),
            thumbnail: None,
        });
        Ok(Picked { descriptor: stored.descriptor, root: stored.root, frames: frames.collect() })
    }
}

/// The described frames of a video, in the bytes of their object.
pub(super) struct Stored<'a> {
    pub descriptor: Digest,
    pub root: Digest,
    /// Bytes of a frame and its vector.
    entry: usize,
    entries: &'a [u8],
}

impl<'a> Stored<'a> {
    /// Checks an object.
    pub fn parse(id: ObjectId, bytes: &'a [u8]) -> Result<Stored<'a>> {
        let malformed = |reason: &str| Error::Malformed { object: id.path(), reason: reason.to_owned() };
        let Some((header, entries)) = bytes.split_at_checked(HEADER) else {
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
        if !entries.len().is_multiple_of(entry) {
            return Err(malformed("its last vector is cut short"));
        }
        Ok(Stored { descriptor: digest(8), root: digest(40), entry, entries })
    }

    /// Indices of the frames, and the bytes of their vectors.
    pub fn frames(&self) -> impl Iterator<Item = (u32, &'a [u8])> + use<'a> {
        self.entries
            .chunks_exact(self.entry)
            .map(|entry| (u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]), &entry[4..]))
    }
}
