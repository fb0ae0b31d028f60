//! What refers to what.

use std::collections::HashSet;

use crate::{
    blob,
    digest::Digest,
    error::Result,
    manifest::{BlobRef, Manifest, SegmentRef},
    objects::{Backend, Kind, ObjectId},
    record::{Entry, Timing},
};

/// Follows references from entries to everything that they need.
pub(crate) struct Marker<'a> {
    backend: &'a dyn Backend,
    /// What is needed.
    pub marked: HashSet<ObjectId>,
    /// Roots of the frames of marked manifests.
    pub roots: HashSet<Digest>,
}

impl<'a> Marker<'a> {
    pub fn new(backend: &'a dyn Backend) -> Marker<'a> {
        Marker { backend, marked: HashSet::new(), roots: HashSet::new() }
    }

    /// Marks what an entry needs besides its record.
    pub fn entry(&mut self, entry: &Entry) -> Result<()> {
        for blob in entry_blobs(entry) {
            self.blob(blob)?;
        }
        self.manifest(ObjectId { kind: Kind::Manifest, digest: entry.manifest })
    }

    /// Marks a manifest and what it needs.
    pub fn manifest(&mut self, id: ObjectId) -> Result<()> {
        if self.marked.contains(&id) {
            return Ok(());
        }
        let manifest = Manifest::read(self.backend, id)?;
        self.marked.extend(manifest.segments.iter().map(SegmentRef::id));
        for side in &manifest.side {
            self.blob(&side.blob)?;
        }
        self.marked.insert(id);
        self.roots.insert(manifest.root);
        Ok(())
    }

    fn blob(&mut self, blob: &BlobRef) -> Result<()> {
        if !self.marked.contains(&blob.id()) {
            let chunks = blob::chunks(self.backend, blob)?;
            self.marked.extend(chunks.into_iter().map(|(id, _)| id));
            self.marked.insert(blob.id());
        }
        Ok(())
    }
}

/// The blobs of an entry.
pub(crate) fn entry_blobs(entry: &Entry) -> impl Iterator<Item = &BlobRef> {
    let ticks = match &entry.timing {
        Timing::Stamps { ticks, .. } => Some(ticks),
        Timing::Rate(_) => None,
    };
    ticks.into_iter().chain(&entry.original)
}
