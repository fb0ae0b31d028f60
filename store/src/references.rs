//! What refers to what.

use std::{collections::HashSet, panic::resume_unwind, thread};

use serde::Deserialize;

use crate::{
    blob,
    compressed::{self, Versioned},
    digest::Digest,
    error::{Error, Result},
    manifest::{self, BlobRef},
    objects::{Kind, ObjectId, fetch},
    record::{self, Entry, Timing},
    store::Store,
};

/// Objects that are read at the same time: disks and networks answer several at once sooner than one after the other.
const READERS: usize = 8;

/// Objects that are in memory at the same time.
const BATCH: usize = 4096;

/// Follows references from records to everything that they need.
///
/// Of what it reads it takes no more than the references, and it reads in the order of digests, which is that of the
/// folders: there may be very many.
pub(crate) struct Marker<'a> {
    store: &'a Store,
    /// What is needed.
    pub marked: HashSet<ObjectId>,
    /// Roots of the frames of marked manifests.
    pub roots: HashSet<Digest>,
}

/// What a record refers to.
#[derive(Deserialize)]
struct RecordReferences {
    version: u64,
    manifest: Option<Digest>,
    timing: Option<Timing>,
    original: Option<BlobRef>,
}

/// What a manifest refers to.
#[derive(Deserialize)]
struct ManifestReferences {
    version: u64,
    root: Digest,
    segments: Vec<SegmentReference>,
    #[serde(default)]
    side: Vec<SideReference>,
}

#[derive(Deserialize)]
struct SegmentReference {
    object: Digest,
}

#[derive(Deserialize)]
struct SideReference {
    blob: BlobRef,
}

impl Versioned for RecordReferences {
    const KNOWN: u64 = record::VERSION;

    fn version(&self) -> u64 {
        self.version
    }
}

impl Versioned for ManifestReferences {
    const KNOWN: u64 = manifest::VERSION;

    fn version(&self) -> u64 {
        self.version
    }
}

impl<'a> Marker<'a> {
    pub fn new(store: &'a Store) -> Marker<'a> {
        Marker { store, marked: HashSet::new(), roots: HashSet::new() }
    }

    /// Marks what the entries of these records need besides the records.
    pub fn records(&mut self, records: impl Iterator<Item = Digest>) -> Result<()> {
        let records = in_order(records.map(|digest| ObjectId { kind: Kind::Log, digest }));
        let (mut manifests, mut blobs) = (Vec::new(), Vec::new());
        let (store, backend) = (self.store, self.store.objects.as_ref());
        let read = |id: &ObjectId| -> Result<RecordReferences> {
            compressed::from_bytes(&id.path(), &fetch(backend, *id)?)
        };
        read_all(store, "records read", &records, read, |id, found| {
            let Some(digest) = found.manifest else {
                return Err(Error::Malformed { object: id.path(), reason: "stands for no video".to_owned() });
            };
            manifests.push(ObjectId { kind: Kind::Manifest, digest });
            blobs.extend(found.timing.and_then(|timing| timing.ticks().cloned()));
            blobs.extend(found.original);
            Ok(())
        })?;
        self.manifests(manifests.into_iter())?;
        self.blobs(blobs)
    }

    /// Marks manifests and what they need.
    pub fn manifests(&mut self, manifests: impl Iterator<Item = ObjectId>) -> Result<()> {
        let manifests = in_order(manifests.filter(|id| !self.marked.contains(id)));
        let mut blobs = Vec::new();
        let (store, backend) = (self.store, self.store.objects.as_ref());
        let read = |id: &ObjectId| -> Result<ManifestReferences> {
            compressed::from_bytes(&id.path(), &fetch(backend, *id)?)
        };
        read_all(store, "manifests read", &manifests, read, |id, found| {
            let segments = found.segments.into_iter();
            self.marked.extend(
                segments.map(|SegmentReference { object: digest }| ObjectId { kind: Kind::Segment, digest }),
            );
            blobs.extend(found.side.into_iter().map(|side| side.blob));
            self.marked.insert(*id);
            self.roots.insert(found.root);
            Ok(())
        })?;
        self.blobs(blobs)
    }

    fn blobs(&mut self, mut blobs: Vec<BlobRef>) -> Result<()> {
        blobs.retain(|blob| !self.marked.contains(&blob.id()));
        blobs.sort_unstable_by_key(|blob| blob.list);
        blobs.dedup();
        let (store, backend) = (self.store, self.store.objects.as_ref());
        read_all(
            store,
            "lists of chunks read",
            &blobs,
            |blob| blob::chunks(backend, blob),
            |blob, chunks| {
                self.marked.extend(chunks.into_iter().map(|(id, _)| id));
                self.marked.insert(blob.id());
                Ok(())
            },
        )
    }
}

/// Each object once, folder by folder.
fn in_order(ids: impl Iterator<Item = ObjectId>) -> Vec<ObjectId> {
    let mut ids: Vec<ObjectId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Reads several at a time, and passes them on in order.
fn read_all<I: Sync, T: Send>(
    store: &Store,
    counting: &'static str,
    items: &[I],
    read: impl Fn(&I) -> Result<T> + Sync,
    mut each: impl FnMut(&I, T) -> Result<()>,
) -> Result<()> {
    let read = &read;
    let mut done = 0;
    for batch in items.chunks(BATCH) {
        let found: Result<Vec<Vec<T>>> = thread::scope(|scope| {
            let share = batch.len().div_ceil(READERS);
            let parts: Vec<_> = batch
                .chunks(share)
                .map(|part| scope.spawn(move || part.iter().map(read).collect::<Result<Vec<T>>>()))
                .collect();
            parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        batch.iter().zip(found?.into_iter().flatten()).try_for_each(|(item, found)| each(item, found))?;
        done += batch.len() as u64;
        store.tell(counting, done, Some(items.len() as u64));
    }
    Ok(())
}

/// The blobs of an entry.
pub(crate) fn entry_blobs(entry: &Entry) -> impl Iterator<Item = &BlobRef> {
    entry.timing.ticks().into_iter().chain(&entry.original)
}
