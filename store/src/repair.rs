//! Repair: says exactly what is lost, moves damaged objects out of the way so that a put can write them again, and makes
//! the catalogue anew. It removes nothing that is sound.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use crate::{
    catalogue::{DescriptorRow, ManifestRow},
    digest::Digest,
    error::Result,
    failpoint::reached,
    location::Location,
    manifest::Manifest,
    objects::{Kind, ObjectId, fetch},
    progress::Watcher,
    record::Record,
    similar::Picked,
    store::Store,
    verify::{Damage, VerifyOptions},
};

/// How to repair.
#[derive(Clone, Copy, Debug, Default)]
pub struct RepairOptions {
    /// Decode every segment to find damage.
    pub decode: bool,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// What a name has lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Ranges of frames that cannot be shown.
    pub frames: Vec<Range<u64>>,
    /// Objects without frames of their own that are lost: records, manifests, originals, side streams.
    pub objects: Vec<ObjectId>,
}

/// What a repair did.
#[derive(Clone, Debug, Default)]
pub struct RepairReport {
    /// By name, what is lost. All other names are whole.
    pub lost: BTreeMap<String, Lost>,
    /// Damaged objects that were moved to `damaged/`.
    pub set_aside: Vec<ObjectId>,
    /// Objects that are missing.
    pub missing: Vec<ObjectId>,
    /// Names after a rebuild of the catalogue.
    pub names: Option<u64>,
    /// Records that could not be read in a rebuild: names may be missing, or be in an older state.
    pub unreadable_records: Vec<ObjectId>,
}

impl Store {
    /// Finds damage and moves it aside. Names keep what is left: the frames that are not lost can still be got.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn repair(&self, options: &RepairOptions) -> Result<RepairReport> {
        let verify = VerifyOptions { decode: options.decode };
        let found = self.verify(verify)?;
        reached("repair.verified")?;
        let mut report = RepairReport::default();
        let damaged = found.damage.len() as u64;
        for (at, Damage { object, missing, lost, .. }) in found.damage.into_iter().enumerate() {
            self.tell("damaged objects looked at", at as u64 + 1, Some(damaged));
            for (name, frames) in lost {
                let entry = report.lost.entry(name).or_default();
                if frames.is_empty() {
                    entry.objects.push(object);
                }
                entry.frames.extend(frames);
            }
            match missing {
                true => report.missing.push(object),
                false => report.set_aside.push(object),
            }
            if options.dry_run {
                continue;
            }
            if !missing {
                self.objects.set_aside(object)?;
                reached("repair.set-aside")?;
            }
            if object.kind == Kind::Segment {
                self.catalogue.forget_segment(object.digest)?;
                reached("repair.forgotten")?;
            }
        }
        for lost in report.lost.values_mut() {
            lost.frames.sort_by_key(|range| range.start);
            lost.frames = join(&lost.frames);
        }
        Ok(report)
    }

    /// Makes the catalogue anew from the objects. Nobody else may have the store open. The old catalogue is kept
    /// beside the new one. `take_over` is for a store at a URL whose catalogue is on another machine or lost: be sure that
    /// nobody writes to the store with it.
    ///
    /// # Errors
    /// [`Error::InUse`](crate::Error::InUse), [`Error::Claimed`](crate::Error::Claimed), or the store cannot be read.
    pub fn rebuild_catalogue(
        location: &Location,
        take_over: bool,
        watcher: Option<Watcher>,
    ) -> Result<RepairReport> {
        let store = Store::open_for_rebuild(location, take_over)?.watched(watcher);
        reached("rebuild.begun")?;
        let report = fill(&store)?;
        reached("rebuild.filled")?;
        store.claim()?;
        Ok(report)
    }

    /// What [`Store::rebuild_catalogue`] would find. Changes nothing, and others may have the store open.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn try_rebuild(location: &Location, watcher: Option<Watcher>) -> Result<RepairReport> {
        fill(&Store::open_for_trial(location)?.watched(watcher))
    }
}

/// Fills an empty catalogue from the objects.
fn fill(store: &Store) -> Result<RepairReport> {
    let Journal { mut events, unreadable } = journal(store)?;
    let mut rows: HashMap<Digest, Option<ManifestRow>> = HashMap::new();
    let mut keys = Vec::new();
    let mut rates: HashMap<Digest, f64> = HashMap::new();
    for entry in events.iter().filter_map(|(record, _)| record.event.entry()) {
        let digest = entry.manifest;
        if rows.contains_key(&digest) {
            continue;
        }
        store.tell("manifests read", rows.len() as u64 + 1, None);
        let manifest = match Manifest::read(store.objects.as_ref(), ObjectId { kind: Kind::Manifest, digest })
        {
            Ok(manifest) => Some(manifest),
            Err(error) if error.is_loss() => None,
            Err(error) => return Err(error),
        };
        if let Some(manifest) = &manifest {
            rates.insert(manifest.root, entry.timing.rate().as_f64());
        }
        if let Some(manifest) = &manifest
            && manifest.claimant.is_none()
        {
            let whole = manifest.segments.iter().filter(|segment| segment.trim_start + segment.trim_end == 0);
            keys.extend(whole.map(|segment| (segment.key, segment.object, digest)));
        }
        rows.insert(digest, manifest.map(|manifest| ManifestRow::of(digest, &manifest)));
    }
    let mut row_of = |digest: Digest| rows.get(&digest).cloned().flatten();
    let names = store.catalogue.rebuild(&mut events, &mut row_of, &keys)?;
    add_descriptors(store, &rates)?;
    Ok(RepairReport {
        names: Some(names.cast_unsigned()),
        unreadable_records: unreadable,
        ..RepairReport::default()
    })
}

/// The records of the journal that can be read, and those that cannot.
struct Journal {
    events: Vec<(Record, ObjectId)>,
    unreadable: Vec<ObjectId>,
}

/// Fills in the descriptors of videos of these frame rates, by the roots of their frames.
fn add_descriptors(store: &Store, rates: &HashMap<Digest, f64>) -> Result<()> {
    let mut ids = Vec::new();
    store.objects.list(Kind::Descriptors, &mut |listed| {
        ids.push(listed.id);
        Ok(())
    })?;
    let mut done = 0;
    for batch in ids.chunks(1000) {
        let mut found = Vec::new();
        for id in batch {
            let Ok(bytes) = fetch(store.objects.as_ref(), *id) else { continue };
            // They can be made again from the frames: what cannot be read is left out.
            if let Ok(Picked { root, descriptor: model, .. }) = Picked::parse(*id, &bytes)
                && let Some(rate) = rates.get(&root)
            {
                found.push(DescriptorRow { root, model, object: id.digest, rate: *rate, picked: bytes });
            }
        }
        store.catalogue.add_descriptors(&found)?;
        done += batch.len() as u64;
        store.tell("descriptors read", done, Some(ids.len() as u64));
    }
    Ok(())
}

fn journal(store: &Store) -> Result<Journal> {
    let mut ids = Vec::new();
    store.objects.list(Kind::Log, &mut |listed| {
        ids.push(listed.id);
        Ok(())
    })?;
    let mut journal = Journal { events: Vec::new(), unreadable: Vec::new() };
    let total = ids.len() as u64;
    for (at, id) in ids.into_iter().enumerate() {
        store.tell("records read", at as u64 + 1, Some(total));
        match Record::read(store.objects.as_ref(), id) {
            Ok(record) => journal.events.push((record, id)),
            Err(error) if error.is_loss() => journal.unreadable.push(id),
            Err(error) => return Err(error),
        }
    }
    Ok(journal)
}

/// Joins ranges that touch.
fn join(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range.clone()),
        }
    }
    joined
}
