//! Manifests: which segments, in which order, are a video. They know nothing of names, so equal videos share them.

use serde::{Deserialize, Serialize};
use vcn_similarity::Distortion;

use crate::{
    compressed::{self, Versioned},
    digest::Digest,
    error::{Error, Result},
    frame::{Format, identity},
    objects::{Backend, Kind, ObjectId, fetch},
};

/// The version of manifests that this program reads and writes.
pub(crate) const VERSION: u64 = 1;

/// What a video consists of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1.
    pub version: u64,
    /// Digest of the codec's model.
    pub codec: Digest,
    /// The codec's name when it was written.
    pub codec_name: String,
    /// Whether the pictures equal the source's.
    pub lossless: bool,
    /// Quality that the codec was asked for.
    pub quality: u16,
    /// Size and layout of the source.
    pub format: Format,
    /// Number of frames.
    pub frames: u64,
    /// Root over the digests of the source's frames.
    pub root: Digest,
    /// Digest of the root and the side streams: equal for equal videos.
    pub identity: Digest,
    /// Distortion of the whole video.
    pub distortion: Distortion,
    /// Segments in the order of display.
    pub segments: Vec<SegmentRef>,
    /// Audio, subtitles and other opaque streams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub side: Vec<SideRef>,
    /// The user on whose word alone this store believes that these segments and side streams are those of the identity;
    /// it then answers for nobody else's video. Nobody, where the store encoded them or could check them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimant: Option<String>,
}

/// A run of frames from a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentRef {
    /// The segment object.
    pub object: Digest,
    /// Its frames key.
    pub key: Digest,
    /// Bytes of the object.
    pub bytes: u64,
    /// Frames of the object.
    pub frames: u32,
    /// Frames left out at its start.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub trim_start: u32,
    /// Frames left out at its end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub trim_end: u32,
}

impl SegmentRef {
    /// Frames that are shown.
    pub fn shown(&self) -> u64 {
        u64::from(self.frames).saturating_sub(u64::from(self.trim_start) + u64::from(self.trim_end))
    }

    /// The object's name.
    pub fn id(&self) -> ObjectId {
        ObjectId { kind: Kind::Segment, digest: self.object }
    }
}

/// An opaque stream beside the pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SideRef {
    /// What it is, such as `audio` or `subtitle`.
    pub kind: String,
    /// What the caller says of it: codec, language, title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Digest of what it means, whatever its packaging.
    pub identity: Digest,
    /// The bytes.
    pub blob: BlobRef,
}

/// A run of bytes, cut into chunks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRef {
    /// Number of bytes.
    pub bytes: u64,
    /// Their digest.
    pub digest: Digest,
    /// The blob object that lists the chunks.
    pub list: Digest,
}

impl BlobRef {
    /// The name of the list.
    pub fn id(&self) -> ObjectId {
        ObjectId { kind: Kind::Blob, digest: self.list }
    }
}

impl Versioned for Manifest {
    const KNOWN: u64 = VERSION;

    fn version(&self) -> u64 {
        self.version
    }
}

impl Manifest {
    /// Reads a manifest and checks everything that can be checked without its segments.
    pub(crate) fn read(backend: &dyn Backend, id: ObjectId) -> Result<Manifest> {
        let object = id.path();
        let manifest: Manifest = compressed::from_bytes(&object, &fetch(backend, id)?)?;
        let malformed = |reason: String| Error::Malformed { object: object.clone(), reason };
        if let Some(bad) = manifest.segments.iter().find(|segment| segment.shown() == 0) {
            return Err(malformed(format!("shows no frame of segment {}", bad.object)));
        }
        let shown = manifest.segments.iter().try_fold(0u64, |sum, segment| sum.checked_add(segment.shown()));
        if shown != Some(manifest.frames) || manifest.frames == 0 {
            return Err(malformed(format!("claims {} frames, its segments have others", manifest.frames)));
        }
        let side = manifest.side.iter().map(|side| side.identity);
        if identity(manifest.root, side) != manifest.identity {
            return Err(malformed("its identity is not that of its frames and side streams".to_owned()));
        }
        Ok(manifest)
    }

    /// The manifest as an object.
    pub(crate) fn to_object(&self) -> Result<(ObjectId, Vec<u8>)> {
        let bytes = compressed::to_bytes("manifest", self)?;
        Ok((ObjectId { kind: Kind::Manifest, digest: Digest::of(&bytes) }, bytes))
    }
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}
