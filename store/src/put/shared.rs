//! Finding what is stored already. The catalogue nominates; the objects, read and checked, decide.

use vcn_similarity::Distortion;

use super::{Dedup, Put, PutRequest};
use crate::{
    blob,
    digest::Digest,
    error::{Error, Result},
    frame::Format,
    manifest::{Manifest, SegmentRef},
    objects::{Kind, ObjectId, fetch},
    record::Class,
    segment,
    store::Store,
};

/// A stored segment that serves, and the manifest that brought it in.
pub(super) struct Found {
    pub segment: SegmentRef,
    pub distortion: Distortion,
    pub manifest: Option<Digest>,
}

impl Put<'_, '_> {
    /// A stored video of this identity whose class serves and all of whose parts are there. They are pinned then.
    pub(super) fn find_identical(&self, identity: Digest) -> Result<Option<(Digest, Manifest)>> {
        if self.request.dedup == Dedup::Report {
            return Ok(None);
        }
        self.store.first_of(identity, |digest| self.usable(digest, identity))
    }

    /// Pins a manifest and its parts, then checks that they are there.
    fn usable(&self, digest: Digest, identity: Digest) -> Result<Option<Manifest>> {
        let backend = self.store.objects.as_ref();
        let id = ObjectId { kind: Kind::Manifest, digest };
        self.pin(&[id])?;
        let manifest = Manifest::read(backend, id)?;
        let serves = serves(&self.request, self.claimant.as_deref(), &manifest);
        if manifest.identity != identity || !serves {
            return Ok(None);
        }
        let mut ids: Vec<ObjectId> = manifest.segments.iter().map(SegmentRef::id).collect();
        ids.extend(manifest.side.iter().map(|side| side.blob.id()));
        self.pin(&ids)?;
        for segment in &manifest.segments {
            self.check_segment(segment.id(), segment.key, Some(segment))?;
        }
        for side in &manifest.side {
            let chunks: Vec<ObjectId> =
                blob::chunks(backend, &side.blob)?.iter().map(|(id, _)| *id).collect();
            self.pin(&chunks)?;
            for id in chunks {
                self.check_there(id, None)?;
            }
        }
        Ok(Some(manifest))
    }

    /// A stored segment of these frames, pinned, if it is there and whole.
    pub(super) fn shared_segment(&self, digests: &[Digest], format: Option<Format>) -> Result<Option<Found>> {
        let Some(format) = format else { return Ok(None) };
        if self.request.dedup == Dedup::Report {
            return Ok(None);
        }
        let key = super::key_of(&self.request, digests, format);
        let Some((object, manifest)) = self.store.catalogue.segment_of(key)? else { return Ok(None) };
        let id = ObjectId { kind: Kind::Segment, digest: object };
        self.pin(&[id])?;
        match self.check_segment(id, key, None) {
            Ok((segment, distortion)) if segment.frames as usize == digests.len() => {
                Ok(Some(Found { segment, distortion, manifest }))
            }
            Ok(_) => Ok(None),
            Err(error) if error.is_loss() || error.is_of_unknown_version() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Accounts for a shared segment.
    pub(super) fn take(&mut self, found: Found) -> (SegmentRef, Distortion) {
        let Found { segment, distortion, manifest } = found;
        self.tally.shared_bytes += segment.bytes;
        self.tally.shared_frames += segment.shown();
        if let Some(manifest) = manifest
            && !self.tally.shared_with.contains(&manifest)
        {
            self.tally.shared_with.push(manifest);
        }
        (segment, distortion)
    }

    /// Checks that a segment is there and is what it is taken for.
    pub(super) fn check_segment(
        &self,
        id: ObjectId,
        key: Digest,
        known: Option<&SegmentRef>,
    ) -> Result<(SegmentRef, Distortion)> {
        if let (false, Some(known)) = (self.request.check_shared, known) {
            self.check_there(id, Some(known.bytes))?;
            return Ok((known.clone(), Distortion::default()));
        }
        let bytes = fetch(self.store.objects.as_ref(), id)?;
        let (header, _) = segment::parse(id, &bytes)?;
        let malformed = |reason: &str| Error::Malformed { object: id.path(), reason: reason.to_owned() };
        if header.key != key {
            return Err(malformed("holds other frames than the catalogue says"));
        }
        if known.is_some_and(|known| known.frames != header.frames) {
            return Err(malformed("has another number of frames than its manifest says"));
        }
        let bytes = bytes.len() as u64;
        let segment =
            SegmentRef { object: id.digest, key, bytes, frames: header.frames, trim_start: 0, trim_end: 0 };
        Ok((segment, header.distortion))
    }

    /// Checks that an object is there: its hash, or only its size.
    fn check_there(&self, id: ObjectId, bytes: Option<u64>) -> Result<()> {
        let backend = self.store.objects.as_ref();
        if self.request.check_shared {
            return fetch(backend, id).map(|_| ());
        }
        match backend.size(&id.path())? {
            Some(found) if bytes.is_none_or(|bytes| bytes == found) => Ok(()),
            _ => Err(Error::Missing { object: id.path() }),
        }
    }
}

impl Store {
    /// The first manifest of an identity that `usable` takes; those that are lost or of a newer kind are passed over.
    pub(super) fn first_of(
        &self,
        identity: Digest,
        usable: impl Fn(Digest) -> Result<Option<Manifest>>,
    ) -> Result<Option<(Digest, Manifest)>> {
        for digest in self.catalogue.manifests_of(identity)? {
            match usable(digest) {
                Ok(Some(manifest)) => return Ok(Some((digest, manifest))),
                Ok(None) => {}
                Err(error) if error.is_loss() || error.is_of_unknown_version() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// Whether a manifest has what the class of a request promises, and need not be taken on another's word.
pub(super) fn serves(request: &PutRequest, claimant: Option<&str>, manifest: &Manifest) -> bool {
    if manifest.claimant.is_some() && manifest.claimant.as_deref() != claimant {
        return false;
    }
    let codec = request.any_codec || manifest.codec == request.codec.id();
    let as_asked = codec && manifest.quality == request.quality;
    match request.class {
        Class::Frames => manifest.lossless,
        Class::Quality | Class::Source => manifest.lossless || as_asked,
    }
}
