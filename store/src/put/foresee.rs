//! What a put would share, going by the catalogue: for dry runs, and for puts that are asked to share nothing.

use std::collections::BTreeMap;

use super::{
    FrameSource, Hashed, PutRequest, Sharing, hash, key_of, publish::NAMED, ranges, refuse_taken,
    shared::serves,
};
use crate::{
    digest::Digest,
    error::{Error, Result},
    frame::{frames_root, identity},
    manifest::Manifest,
    objects::{Kind, ObjectId},
    store::Store,
};

/// What a put would find.
#[derive(Clone, Debug)]
pub struct Foreseen {
    /// What the video is, whatever its container.
    pub identity: Digest,
    /// How much of it is there.
    pub sharing: Sharing,
    /// Its frames.
    pub frames: u64,
    /// Frames whose segments are there.
    pub shared_frames: u64,
    /// Bytes of these segments.
    pub shared_bytes: u64,
    /// Names of videos that have them, a few.
    pub shared_with: Vec<String>,
    /// Why, in words.
    pub reason: String,
}

/// Segments of a video that are stored, by their frames keys.
#[derive(Default)]
pub(super) struct Stored {
    segments: BTreeMap<Digest, Segment>,
}

struct Segment {
    frames: u64,
    bytes: u64,
    /// The manifest that brought it in.
    manifest: Option<Digest>,
}

impl Store {
    /// Says what [`Store::put`] would find, and changes nothing. The source is read once.
    ///
    /// # Errors
    /// Those of a put, as far as they show before anything is encoded: an input that cannot be read, a name that is taken.
    pub fn foresee(&self, mut request: PutRequest, source: &mut dyn FrameSource) -> Result<Foreseen> {
        super::check_request(&request)?;
        let name = request.name;
        let Hashed { format, digests, starts } = hash(&mut request, source, None)?;
        let Some(format) = format else { return Err(Error::NoFrames { name: name.to_owned() }) };
        let identity = identity(frames_root(&digests), request.side_identities().into_iter());
        refuse_taken(self, &request, identity)?;
        let there = match self.catalogue.live(name)? {
            Some(row) => row.identity == identity,
            None => false,
        };
        let mut stored = Stored::default();
        for range in ranges(&starts) {
            let frames = &digests[range];
            stored.look_up(self, key_of(&request, frames, format), frames.len())?;
        }
        let same = self.stored_same(&request, None, identity)?;
        let frames = digests.len() as u64;
        let sharing = match (there, &same, stored.frames()) {
            (true, Some(_), _) => Sharing::AlreadyThere,
            (_, Some(_), _) => Sharing::Identical,
            (_, None, 0) => Sharing::None,
            (_, None, _) => Sharing::Segments,
        };
        let reason = sharing.reason(stored.frames(), frames);
        let (shared_frames, shared_bytes) = match &same {
            Some((_, manifest)) => (frames, manifest.segments.iter().map(|segment| segment.bytes).sum()),
            None => (stored.frames(), stored.bytes()),
        };
        let shared_with = match &same {
            Some((digest, _)) => self.catalogue.names_of(*digest, NAMED)?,
            None => stored.names(self)?,
        };
        Ok(Foreseen { identity, sharing, frames, shared_frames, shared_bytes, shared_with, reason })
    }

    /// A stored video of this identity in a class that serves, and that may be believed.
    pub(super) fn stored_same(
        &self,
        request: &PutRequest,
        claimant: Option<&str>,
        identity: Digest,
    ) -> Result<Option<(Digest, Manifest)>> {
        self.first_of(identity, |digest| {
            let id = ObjectId { kind: Kind::Manifest, digest };
            let manifest = Manifest::read(self.objects.as_ref(), id)?;
            Ok(serves(request, claimant, &manifest).then_some(manifest))
        })
    }
}

impl Stored {
    /// Remembers a segment if it is stored; a run of frames that comes twice counts twice.
    pub fn look_up(&mut self, store: &Store, key: Digest, frames: usize) -> Result<()> {
        if let Some(segment) = self.segments.get_mut(&key) {
            segment.frames += frames as u64;
            return Ok(());
        }
        let Some((digest, manifest)) = store.catalogue.segment_of(key)? else { return Ok(()) };
        let id = ObjectId { kind: Kind::Segment, digest };
        if let Some(bytes) = store.objects.size(&id.path())? {
            self.segments.insert(key, Segment { frames: frames as u64, bytes, manifest });
        }
        Ok(())
    }

    pub fn frames(&self) -> u64 {
        self.segments.values().map(|segment| segment.frames).sum()
    }

    fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }

    /// Names of videos that have these segments, a few.
    pub fn names(&self, store: &Store) -> Result<Vec<String>> {
        store.a_few_names(self.segments.values().filter_map(|segment| segment.manifest))
    }
}
