//! Taking in objects that others have made, one by one, and giving objects out. What is taken in belongs to no video yet:
//! it is garbage until [`Store::take`](crate::Store::take) gives it a name, and a collection leaves it alone for its
//! grace period.

use vcn_media::Colour;

use crate::{
    blob,
    digest::Digest,
    error::{Error, Result},
    frame::{frame_digest, frames_key},
    manifest::BlobRef,
    objects::{Kind, ObjectId, fetch},
    segment,
    store::Store,
};

/// What is refused for its size.
#[derive(Clone, Copy, Debug)]
pub struct IntakeLimits {
    /// Most bytes that the decoded frames of a segment may take.
    pub decoded: u64,
}

/// What a segment turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intake {
    /// Its frames key, as its header says.
    pub key: Digest,
    /// Its frames.
    pub frames: u32,
    /// Whether the key was recomputed from the decoded frames, so that nobody has to be believed.
    pub proven: bool,
    /// Whether it was written; otherwise it was there.
    pub new: bool,
}

impl Store {
    /// Takes a segment in: its hash, its header and what it decodes to are checked, then it is written.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the bytes have another digest, [`Error::Malformed`], [`Error::NoCodec`], [`Error::Codec`], or
    /// a failure to write.
    pub fn take_segment(&self, digest: Digest, bytes: &[u8], limits: &IntakeLimits) -> Result<Intake> {
        let id = ObjectId { kind: Kind::Segment, digest };
        crate::objects::check(id, bytes)?;
        let (header, _) = segment::parse(id, bytes)?;
        let malformed = |reason: String| Error::Malformed { object: id.path(), reason };
        let decoded = header.format.frame_bytes().saturating_mul(header.frames.into());
        if decoded > limits.decoded {
            let limit = limits.decoded;
            return Err(malformed(format!(
                "decodes to {decoded} bytes, {limit} are allowed: cut it shorter"
            )));
        }
        let errors = header.distortion;
        let errors = [errors.mean, errors.worst_frame, errors.worst_block];
        if errors.iter().any(|error| !error.is_finite() || *error < 0.0) {
            return Err(malformed(format!("{errors:?} are not mean squared errors")));
        }
        let pictures = self.decode_bytes(id, bytes)?;
        let proven = self.codec(header.codec).is_some_and(|codec| codec.lossless());
        if proven {
            let digests: Vec<Digest> = pictures.iter().map(frame_digest).collect();
            let key =
                |colour| frames_key(header.codec, header.quality, header.format.layout, colour, &digests);
            if !Colour::all().any(|colour| key(colour) == header.key) {
                return Err(malformed("holds other frames than its key says".to_owned()));
            }
            if errors != [0.0; 3] {
                return Err(malformed("is exact and claims an error".to_owned()));
            }
        }
        let new = self.take_object(id, bytes)?;
        if proven {
            self.catalogue.add_keys(&[(header.key, digest)], None)?;
        }
        Ok(Intake { key: header.key, frames: header.frames, proven, new })
    }

    /// Takes a chunk of a blob, or a list of chunks, in. Returns whether it was written.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the bytes have another digest, [`Error::Malformed`], or a failure to write.
    pub fn take_blob(&self, digest: Digest, bytes: &[u8]) -> Result<bool> {
        let id = ObjectId { kind: Kind::Blob, digest };
        crate::objects::check(id, bytes)?;
        blob::check_object(id, bytes)?;
        self.take_object(id, bytes)
    }

    fn take_object(&self, id: ObjectId, bytes: &[u8]) -> Result<bool> {
        let lease = self.catalogue.lease("take")?;
        lease.pin(&[id])?;
        self.objects.publish(id, bytes)
    }

    /// The bytes of an object, checked.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`], or it cannot be read.
    pub fn object(&self, id: ObjectId) -> Result<Vec<u8>> {
        fetch(self.objects.as_ref(), id)
    }

    /// The bytes that an object has, unread, or nothing if it is not there.
    ///
    /// # Errors
    /// The objects cannot be reached.
    pub fn object_size(&self, id: ObjectId) -> Result<Option<u64>> {
        self.objects.size(&id.path())
    }

    /// The chunks of a blob in order, with the bytes that each stands for; [`Store::blob_chunk`] reads one.
    ///
    /// # Errors
    /// A loss.
    pub fn blob_chunks(&self, blob: &BlobRef) -> Result<Vec<(ObjectId, u32)>> {
        blob::chunks(self.objects.as_ref(), blob)
    }

    /// The bytes that a chunk stands for, checked.
    ///
    /// # Errors
    /// A loss.
    pub fn blob_chunk(&self, id: ObjectId, length: u32) -> Result<Vec<u8>> {
        blob::read_chunk(self.objects.as_ref(), id, length)
    }

    /// Live names of videos of this identity that start with `prefix`, a few.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn names_of_identity(&self, identity: Digest, prefix: &str) -> Result<Vec<String>> {
        self.catalogue.names_of_identity(identity, prefix, 100)
    }

    /// The digests of the codecs that are loaded, with their names.
    pub fn codecs(&self) -> Vec<(Digest, String)> {
        self.all_codecs().map(|codec| (codec.id(), codec.name())).collect()
    }
}
