//! The end of a put: manifest, descriptors, frame times and original are written, then one transaction publishes the name.

use std::io::Read;

use vcn_similarity::Distortion;

use super::{Dedup, Put, PutOutcome, Sharing};
use crate::{
    blob,
    catalogue::{Change, DescriptorRow, ManifestRow},
    digest::Digest,
    error::{Error, Result},
    failpoint::reached,
    frame::Format,
    manifest::{self, BlobRef, Manifest, SegmentRef, SideRef},
    objects::{Kind, ObjectId, fetch},
    record::{Class, Entry, Event, Timing},
    store::Store,
};

/// Names that an outcome lists at most.
pub(super) const NAMED: usize = 5;

/// What a new manifest says beyond the request.
pub(super) struct Contents {
    pub format: Format,
    /// Root over the digests of the source's frames.
    pub root: Digest,
    pub identity: Digest,
    pub distortion: Distortion,
    /// All of them are here.
    pub segments: Vec<SegmentRef>,
    pub side: Vec<SideRef>,
}

impl Store {
    /// Names that stand for any of some manifests.
    pub(super) fn a_few_names(&self, manifests: impl Iterator<Item = Digest>) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for manifest in manifests {
            if names.len() >= NAMED {
                break;
            }
            for name in self.catalogue.names_of(manifest, NAMED)? {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names.truncate(NAMED);
        Ok(names)
    }
}

impl Put<'_, '_> {
    /// Writes the manifest of a video that is new, and publishes it.
    pub(super) fn publish_new(mut self, contents: Contents) -> Result<PutOutcome> {
        let Contents { format, root, identity, distortion, segments, side } = contents;
        let codec = self.request.codec;
        let manifest = Manifest {
            version: manifest::VERSION,
            codec: codec.id(),
            codec_name: codec.name(),
            lossless: codec.lossless(),
            quality: self.request.quality,
            format,
            frames: segments.iter().map(SegmentRef::shown).sum(),
            root,
            identity,
            distortion,
            segments,
            side,
            claimant: self.claimant.clone(),
        };
        let (id, bytes) = manifest.to_object()?;
        self.write(id, &bytes)?;
        reached("put.manifest")?;
        self.publish(id.digest, manifest, false)
    }

    /// Gives the name to a manifest, all of whose parts are there and pinned.
    pub(super) fn publish(mut self, id: Digest, manifest: Manifest, identical: bool) -> Result<PutOutcome> {
        if let Some(picked) = &mut self.picked {
            picked.root = manifest.root;
        }
        self.describe()?;
        let timing = self.timing(manifest.frames)?;
        let original = match self.request.original.take() {
            Some(original) if self.request.class == Class::Source => Some(self.write_original(original)?),
            _ => self.original.take(),
        };
        let entry = Entry {
            name: self.request.name.to_owned(),
            manifest: id,
            class: self.request.class,
            timing,
            colour: self.request.colour,
            source: std::mem::take(&mut self.request.source),
            original,
            receipt: None,
        };
        if let Some(row) = self.store.catalogue.live(&entry.name)?
            && let Ok(live) = self.store.entry_of(&row)
            && (same(&live, &entry) || (!self.request.overwrite && holds(&live, &entry)))
        {
            let outcome = self.outcome(id, &manifest, Sharing::AlreadyThere);
            return Ok(PutOutcome { class: live.class, ..outcome });
        }
        let row = ManifestRow::of(id, &manifest);
        let could = self.could_have_shared(manifest.identity, manifest.frames)?;
        let shared_with = self.store.catalogue.names_of(id, NAMED)?;
        reached("put.before-publish")?;
        let bytes = self.store.catalogue.apply(
            self.store.objects.as_ref(),
            Change {
                event: Event::Put(entry),
                manifest: Some(&row),
                lease: Some((self.lease.id, self.request.name)),
                replace: self.request.overwrite,
            },
            || reached("put.record"),
        )?;
        reached("put.published")?;
        self.tally.new_bytes += bytes;
        self.store.catalogue.add_keys(&self.tally.keys, Some(id))?;
        let sharing = match (identical, self.tally.shared_frames) {
            (true, _) => Sharing::Identical,
            (false, 0) => Sharing::None,
            (false, _) => Sharing::Segments,
        };
        let mut outcome = self.outcome(id, &manifest, sharing);
        if identical {
            outcome.shared_with = shared_with;
        }
        if let Some((reason, names)) = could {
            (outcome.reason, outcome.shared_with) = (reason, names);
        }
        Ok(outcome)
    }

    /// What a put that shares nothing could have shared: why, and names of videos that have it.
    fn could_have_shared(&self, identity: Digest, frames: u64) -> Result<Option<(String, Vec<String>)>> {
        if self.request.dedup != Dedup::Report {
            return Ok(None);
        }
        let same = self.store.stored_same(&self.request, self.claimant.as_deref(), identity)?;
        let shared = self.stored.frames();
        let (sharing, names) = match (same, shared) {
            (Some((id, _)), _) => (Sharing::Identical, self.store.catalogue.names_of(id, NAMED)?),
            (None, 0) => return Ok(None),
            (None, _) => (Sharing::Segments, self.stored.names(self.store)?),
        };
        let what = sharing.reason(shared, frames);
        Ok(Some((format!("nothing was shared, as asked, though {what}"), names)))
    }

    pub(super) fn outcome(&self, id: Digest, manifest: &Manifest, sharing: Sharing) -> PutOutcome {
        let whole = matches!(sharing, Sharing::AlreadyThere | Sharing::Identical);
        let tally = &self.tally;
        let stored: u64 = manifest.segments.iter().map(|segment| segment.bytes).sum();
        let shared_with = self.store.a_few_names(tally.shared_with.iter().copied()).unwrap_or_default();
        PutOutcome {
            name: self.request.name.to_owned(),
            identity: manifest.identity,
            manifest: id,
            class: self.request.class,
            sharing,
            frames: manifest.frames,
            encoded_frames: tally.encoded_frames,
            shared_frames: if whole { manifest.frames } else { tally.shared_frames },
            new_bytes: tally.new_bytes,
            shared_bytes: if whole { stored } else { tally.shared_bytes },
            shared_with,
            alike: Vec::new(),
            reason: sharing.reason(tally.shared_frames, manifest.frames),
        }
    }

    fn timing(&mut self, frames: u64) -> Result<Timing> {
        match self.timing.take() {
            Some(Timing::Stamps { ticks, .. }) if Some(ticks.bytes) != frames.checked_mul(8) => {
                let reason = format!("{} bytes are not the times of {frames} frames", ticks.bytes);
                return Err(Error::Offer { name: self.request.name.to_owned(), reason });
            }
            Some(timing) => return Ok(timing),
            None => {}
        }
        let rate = self.request.rate;
        match self.times.take() {
            None => Ok(Timing::Rate(rate)),
            Some(times) if times.ticks.len() as u64 != frames => Err(Error::Input {
                name: self.request.name.to_owned(),
                source: format!("{} times for {frames} frames", times.ticks.len()).into(),
            }),
            Some(times) => {
                let ticks = self.write_blob(&mut times.to_bytes().as_slice())?;
                Ok(Timing::Stamps { base: times.base, rate, ticks })
            }
        }
    }

    /// Writes the original. If the name stands for another one, this fails before a chunk of it is written.
    fn write_original(&mut self, original: &mut dyn Read) -> Result<BlobRef> {
        let name = self.request.name;
        let Some(there) = self.original_of_name()? else { return self.write_blob(original) };
        let mut there = there.into_iter();
        blob::write(name, original, &mut |id, bytes| match there.next() == Some(id) {
            true => self.write(id, &bytes),
            false => Err(Error::NameTaken { name: name.to_owned() }),
        })
    }

    /// The objects of the original that the name stands for, if it may not be taken over and they are known.
    fn original_of_name(&self) -> Result<Option<Vec<ObjectId>>> {
        let live = self.store.catalogue.live(self.request.name)?;
        let Some(row) = live.filter(|_| !self.request.overwrite) else { return Ok(None) };
        let chunks = || -> Result<Option<Vec<ObjectId>>> {
            let Some(original) = self.store.entry_of(&row)?.original else { return Ok(None) };
            let chunks = blob::chunks(self.store.objects.as_ref(), &original)?;
            Ok(Some(chunks.into_iter().map(|(id, _)| id).chain([original.id()]).collect()))
        };
        match chunks() {
            Err(error) if error.is_loss() => Ok(None),
            result => result,
        }
    }

    /// Writes the descriptors of the frames, unless they are there.
    fn describe(&mut self) -> Result<()> {
        let Some(picked) = self.picked.take() else { return Ok(()) };
        let (root, model) = (picked.root, picked.descriptor);
        if let Some(digest) = self.store.catalogue.descriptors_of(root, model)? {
            let id = ObjectId { kind: Kind::Descriptors, digest };
            self.pin(&[id])?;
            if fetch(self.store.objects.as_ref(), id).is_ok() {
                return Ok(());
            }
        }
        let object = picked.to_object();
        let rate = self.rate();
        let id = ObjectId { kind: Kind::Descriptors, digest: Digest::of(&object) };
        self.write(id, &object)?;
        reached("put.described")?;
        let row = DescriptorRow { root, model, object: id.digest, rate, picked: object };
        self.store.catalogue.add_descriptors(&[row])
    }
}

/// Whether two entries say the same of a video; where it came from may differ.
fn same(a: &Entry, b: &Entry) -> bool {
    same_frames(a, b) && a.class == b.class && a.original == b.original
}

/// Whether an entry gives all that another would, and more.
fn holds(a: &Entry, b: &Entry) -> bool {
    same_frames(a, b) && a.class > b.class
}

fn same_frames(a: &Entry, b: &Entry) -> bool {
    a.manifest == b.manifest && a.timing == b.timing && a.colour == b.colour
}
