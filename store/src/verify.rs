//! Verification: every object's hash, every reference, and on request every segment's pictures.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

use rayon::prelude::*;

use crate::{
    blob,
    error::{Error, Result},
    manifest::{Manifest, SegmentRef},
    objects::{Kind, ObjectId, fetch},
    record::Entry,
    references::entry_blobs,
    segment,
    store::Store,
};

/// How to verify.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerifyOptions {
    /// Decode every segment that names need, where its codec is there.
    pub decode: bool,
}

/// An object that is missing or wrong.
#[derive(Clone, Debug)]
pub struct Damage {
    /// The object.
    pub object: ObjectId,
    /// Whether nothing is there at all.
    pub missing: bool,
    /// What is wrong.
    pub reason: String,
    /// What is lost by it: by live name, the frames, or nothing if no frames are.
    pub lost: BTreeMap<String, Vec<Range<u64>>>,
}

/// What a verification found.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    /// Objects whose hash was checked.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Live names whose references were checked.
    pub names: u64,
    /// Objects of a version that this program does not know: sound, but not looked into.
    pub unknown: u64,
    /// Segments that were decoded.
    pub decoded: u64,
    /// Segments that could not be decoded because their codec is not loaded.
    pub undecodable: u64,
    /// What SQLite finds wrong with the catalogue's file.
    pub catalogue: Option<String>,
    /// Damaged and missing objects.
    pub damage: Vec<Damage>,
}

/// An object that an entry needs and does not have.
struct Loss {
    id: ObjectId,
    reason: String,
    /// The frames that it holds, for a segment.
    frames: Option<Range<u64>>,
}

impl Loss {
    fn of(id: ObjectId, error: &Error) -> Loss {
        Loss { id, reason: error.to_string(), frames: None }
    }
}

impl VerifyReport {
    /// Whether all is well.
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty() && self.catalogue.is_none()
    }
}

impl Store {
    /// Checks the store.
    ///
    /// # Errors
    /// The store cannot be read at all; damage is not an error but in the report.
    pub fn verify(&self, options: VerifyOptions) -> Result<VerifyReport> {
        let mut report = VerifyReport { catalogue: self.catalogue.integrity()?, ..VerifyReport::default() };
        let mut damage: BTreeMap<ObjectId, Damage> = BTreeMap::new();
        let mut present: HashSet<ObjectId> = HashSet::new();
        for kind in Kind::ALL {
            let mut listed = Vec::new();
            self.objects.list(kind, &mut |object| {
                listed.push(object.id);
                Ok(())
            })?;
            for id in listed {
                match fetch(self.objects.as_ref(), id)
                    .and_then(|bytes| check_form(id, &bytes).map(|()| bytes))
                {
                    Ok(bytes) => {
                        present.insert(id);
                        report.bytes += bytes.len() as u64;
                    }
                    // A collection removed it since it was listed. If it is needed, the references tell.
                    Err(Error::Missing { .. }) => continue,
                    Err(error) if error.is_loss() => note(&mut damage, id, &error),
                    Err(Error::Version { .. }) => {
                        present.insert(id);
                        report.unknown += 1;
                    }
                    Err(error) => return Err(error),
                }
                report.objects += 1;
                self.tell("objects checked", report.objects, None);
            }
        }
        self.verify_names(options, &present, &mut damage, &mut report)?;
        report.damage = damage.into_values().collect();
        Ok(report)
    }

    fn verify_names(
        &self,
        options: VerifyOptions,
        present: &HashSet<ObjectId>,
        damage: &mut BTreeMap<ObjectId, Damage>,
        report: &mut VerifyReport,
    ) -> Result<()> {
        let total = self.len()?;
        let mut decoded: HashMap<ObjectId, Option<String>> = HashMap::new();
        let mut after = String::new();
        loop {
            let page = self.catalogue.page("", &after, 1000)?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.name);
            for row in page {
                report.names += 1;
                let losses = match self.entry_of(&row) {
                    Ok(entry) => self.losses(&entry, present)?,
                    Err(error) if error.is_loss() => vec![Loss::of(row.record_id(), &error)],
                    Err(error) => return Err(error),
                };
                for Loss { id, reason, frames } in losses {
                    // What was put or removed since the listing is looked at again.
                    if fetch(self.objects.as_ref(), id).is_ok_and(|bytes| check_form(id, &bytes).is_ok()) {
                        continue;
                    }
                    let missing = !damage.contains_key(&id);
                    let entry = damage.entry(id).or_insert_with(|| Damage {
                        object: id,
                        missing,
                        reason,
                        lost: BTreeMap::new(),
                    });
                    entry.lost.entry(row.name.clone()).or_default().extend(frames);
                }
                if options.decode
                    && let Ok(entry) = self.entry_of(&row)
                {
                    self.verify_pictures(&entry, &mut decoded, damage, report)?;
                }
                self.tell("names checked", report.names, Some(total));
            }
        }
    }

    /// The objects that an entry needs and that are not present.
    fn losses(&self, entry: &Entry, present: &HashSet<ObjectId>) -> Result<Vec<Loss>> {
        let backend = self.objects.as_ref();
        let mut losses = Vec::new();
        let gone = |id: ObjectId| Loss::of(id, &Error::Missing { object: id.path() });
        let id = ObjectId { kind: Kind::Manifest, digest: entry.manifest };
        let mut blobs: Vec<_> = entry_blobs(entry).cloned().collect();
        match Manifest::read(backend, id) {
            Ok(manifest) => {
                let mut first = 0;
                for segment in &manifest.segments {
                    let frames = first..first + segment.shown();
                    first = frames.end;
                    if !present.contains(&segment.id()) {
                        losses.push(Loss { frames: Some(frames), ..gone(segment.id()) });
                    }
                }
                blobs.extend(manifest.side.into_iter().map(|side| side.blob));
            }
            Err(error) if error.is_loss() => losses.push(Loss::of(id, &error)),
            Err(error) => return Err(error),
        }
        for blob in blobs {
            match blob::chunks(backend, &blob) {
                Ok(chunks) => {
                    for (id, _) in chunks {
                        if !present.contains(&id) {
                            losses.push(gone(id));
                        }
                    }
                }
                Err(error) if error.is_loss() => losses.push(Loss::of(blob.id(), &error)),
                Err(error) => return Err(error),
            }
        }
        Ok(losses)
    }

    fn verify_pictures(
        &self,
        entry: &Entry,
        decoded: &mut HashMap<ObjectId, Option<String>>,
        damage: &mut BTreeMap<ObjectId, Damage>,
        report: &mut VerifyReport,
    ) -> Result<()> {
        let id = ObjectId { kind: Kind::Manifest, digest: entry.manifest };
        let Ok(manifest) = Manifest::read(self.objects.as_ref(), id) else { return Ok(()) };
        let mut new: Vec<ObjectId> = manifest.segments.iter().map(SegmentRef::id).collect();
        new.sort_unstable();
        new.dedup();
        let missing = |id: &ObjectId| damage.get(id).is_some_and(|damage| damage.missing);
        new.retain(|id| !decoded.contains_key(id) && !missing(id));
        for ids in new.chunks(self.at_once(&manifest)) {
            let outcomes: Vec<_> = ids.par_iter().map(|id| self.decode_segment(*id).map(drop)).collect();
            for (id, outcome) in ids.iter().zip(outcomes) {
                let wrong = match outcome {
                    Ok(()) => {
                        report.decoded += 1;
                        None
                    }
                    Err(Error::NoCodec { .. }) => {
                        report.undecodable += 1;
                        None
                    }
                    Err(error) => Some(error.to_string()),
                };
                decoded.insert(*id, wrong);
            }
        }
        let mut first = 0;
        for segment in &manifest.segments {
            let frames = first..first + segment.shown();
            first = frames.end;
            let id = segment.id();
            if let Some(reason) = decoded.get(&id).cloned().flatten() {
                let entry_damage = damage.entry(id).or_insert_with(|| Damage {
                    object: id,
                    missing: false,
                    reason,
                    lost: BTreeMap::new(),
                });
                let lost = entry_damage.lost.entry(entry.name.clone()).or_default();
                if !lost.contains(&frames) {
                    lost.push(frames);
                }
            }
        }
        Ok(())
    }
}

/// Checks what can be checked of an object by itself, its hash being right.
fn check_form(id: ObjectId, bytes: &[u8]) -> Result<()> {
    match id.kind {
        Kind::Segment => segment::parse(id, bytes).map(|_| ()),
        _ => Ok(()),
    }
}

fn note(damage: &mut BTreeMap<ObjectId, Damage>, id: ObjectId, error: &Error) {
    let reason = error.to_string();
    damage.insert(id, Damage { object: id, missing: false, reason, lost: BTreeMap::new() });
}
