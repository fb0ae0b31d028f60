//! Collecting garbage: objects that no name, no tombstone within its time and no operation under way needs.
//!
//! 1. Tombstones older than the retention are purged: a record says so, then their entries go.
//! 2. All objects are listed, then one snapshot of the catalogue is taken. In this order, an object that is in the list
//!    and will be needed is in the snapshot: it is pinned before it is written.
//! 3. Everything that the snapshot's entries need is marked by reading records and manifests. One that cannot be read
//!    ends the collection, for nobody knows what it needs, unless its entry has been given up meanwhile.
//! 4. What is not marked goes to quarantine, which is only a row in the catalogue; whoever pins it takes it out.
//! 5. What was in quarantine before this collection, for longer than the grace period, and is again not marked, is
//!    removed: records first, then manifests, then the rest, so that whatever is there has all that it refers to.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use crate::{
    catalogue::{Change, Snapshot, now},
    error::{Error, Result},
    failpoint::reached,
    objects::{Kind, Listed, ObjectId},
    record::Event,
    references::Marker,
    store::Store,
};

/// How to collect.
#[derive(Clone, Debug)]
pub struct GcOptions {
    /// How long removed names can be brought back.
    pub retention: Duration,
    /// How long an object stays in quarantine before it is removed.
    pub grace: Duration,
    /// The largest share of the store's bytes that may be removed at once, in percent.
    pub max_share: u8,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Default for GcOptions {
    /// A week, a day, half of the store.
    fn default() -> GcOptions {
        let day = Duration::from_secs(24 * 3600);
        GcOptions { retention: 7 * day, grace: day, max_share: 50, dry_run: false }
    }
}

/// What a collection did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Objects in the store.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Tombstones given up.
    pub purged: u64,
    /// Objects in quarantine now, besides those removed.
    pub quarantined_objects: u64,
    /// Their bytes.
    pub quarantined_bytes: u64,
    /// Objects removed.
    pub removed_objects: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Temporary files removed.
    pub temporary: u64,
    /// Whether nothing was changed.
    pub dry_run: bool,
}

/// Objects that are removed in one transaction, while which nobody else can write the catalogue.
const BATCH: usize = 64;

/// A removal of fewer objects than this is never suspicious.
const FEW: usize = 16;

impl Store {
    /// Collects garbage. Puts, gets and other collections may go on meanwhile.
    ///
    /// # Errors
    /// [`Error::CollectionAborted`] if something that names need cannot be read, [`Error::SuspiciousShare`] if too much
    /// would go; nothing is removed then.
    pub fn gc(&self, options: &GcOptions) -> Result<GcReport> {
        let started = now();
        let mut report = GcReport { dry_run: options.dry_run, ..GcReport::default() };
        if !options.dry_run {
            self.catalogue.expire_leases()?;
        }
        let purged = self.purge(started.saturating_sub(micros(options.retention)), options.dry_run)?;
        report.purged = purged.len() as u64;
        reached("gc.purged")?;

        let mut list: Vec<Listed> = Vec::new();
        for kind in Kind::ALL {
            self.objects.list(kind, &mut |listed| {
                list.push(listed);
                self.tell("objects listed", list.len() as u64, None);
                Ok(())
            })?;
        }
        report.objects = list.len() as u64;
        report.bytes = list.iter().map(|listed| listed.bytes).sum();
        let (snapshot, marked) = self.needed(&purged)?;
        reached("gc.marked")?;

        let ready = started.saturating_sub(micros(options.grace));
        let (mut quarantine, mut sweep, mut release) = (Vec::new(), Vec::new(), Vec::new());
        for listed in &list {
            let since = snapshot.quarantine.get(&listed.id);
            match (marked.contains(&listed.id), since) {
                (true, Some(_)) => release.push(listed.id),
                (true, None) => {}
                (false, Some(since)) if *since <= ready => sweep.push((*listed, *since)),
                (false, _) => quarantine.push(*listed),
            }
        }
        let bytes: u64 = sweep.iter().map(|(listed, _)| listed.bytes).sum();
        if sweep.len() >= FEW
            && bytes.saturating_mul(100) > report.bytes.saturating_mul(options.max_share.into())
        {
            let (objects, percent) = (sweep.len() as u64, options.max_share);
            return Err(Error::SuspiciousShare { bytes, total: report.bytes, objects, percent });
        }
        report.quarantined_objects = quarantine.len() as u64;
        report.quarantined_bytes = quarantine.iter().map(|listed| listed.bytes).sum();
        let before = SystemTime::now().checked_sub(options.grace.max(Duration::from_secs(3600)));
        report.temporary =
            self.objects.remove_temporary(before.unwrap_or(SystemTime::UNIX_EPOCH), options.dry_run)?;
        if options.dry_run {
            report.removed_objects = sweep.len() as u64;
            report.removed_bytes = bytes;
            return Ok(report);
        }
        let quarantine: Vec<ObjectId> = quarantine.iter().map(|listed| listed.id).collect();
        self.catalogue.quarantine(&quarantine, &release, started)?;
        reached("gc.quarantined")?;
        self.sweep(sweep, &mut report)?;
        Ok(report)
    }

    /// Gives up entries that ended before a time; returns them.
    fn purge(&self, before: i64, dry_run: bool) -> Result<HashSet<i64>> {
        let entries = self.catalogue.ended_before(before)?;
        if !dry_run && !entries.is_empty() {
            let event = Event::Purge { entries: entries.clone() };
            let change = Change { event, manifest: None, lease: None, replace: false };
            self.catalogue.apply(self.objects.as_ref(), change, || reached("gc.purge-record"))?;
        }
        Ok(entries.into_iter().collect())
    }

    /// A snapshot of the catalogue and what it needs.
    fn needed(&self, purged: &HashSet<i64>) -> Result<(Snapshot, HashSet<ObjectId>)> {
        let mut before: Option<Snapshot> = None;
        loop {
            let snapshot = self.catalogue.snapshot()?;
            reached("gc.snapshot")?;
            match self.mark(&snapshot, purged) {
                Ok(marked) => return Ok((snapshot, marked)),
                // Without grace, another collection may have removed what an entry needed that was given up after the
                // snapshot. Then the entry is not in the next.
                Err(error) if error.is_loss() && before.is_none_or(|b| b.entries != snapshot.entries) => {
                    before = Some(snapshot);
                }
                Err(source) => return Err(Error::CollectionAborted { source: Box::new(source) }),
            }
        }
    }

    /// What the snapshot needs.
    fn mark(&self, snapshot: &Snapshot, purged: &HashSet<i64>) -> Result<HashSet<ObjectId>> {
        let mut marker = Marker::new(self);
        let kept = snapshot.entries.iter().filter(|(sequence, _)| !purged.contains(sequence));
        marker.records(kept.map(|(_, record)| *record))?;
        // An operation under way pins a manifest before it is written, and one that it found before it has read it.
        for id in snapshot.pins.iter().filter(|id| id.kind == Kind::Manifest) {
            match marker.manifests(std::iter::once(*id)) {
                Err(error) if error.is_loss() => {}
                other => other?,
            }
        }
        let Marker { mut marked, roots, .. } = marker;
        let described = snapshot.descriptors.iter().filter(|(root, _)| roots.contains(root));
        marked.extend(described.map(|(_, digest)| ObjectId { kind: Kind::Descriptors, digest: *digest }));
        marked.extend(snapshot.pins.iter().copied());
        marked.extend(snapshot.events.iter().map(|record| ObjectId { kind: Kind::Log, digest: *record }));
        Ok(marked)
    }

    fn sweep(&self, mut sweep: Vec<(Listed, i64)>, report: &mut GcReport) -> Result<()> {
        sweep.sort_by_key(|(listed, _)| listed.id);
        let mut done = 0;
        for batch in sweep.chunks(BATCH) {
            let ids: Vec<(ObjectId, i64)> = batch.iter().map(|(listed, since)| (listed.id, *since)).collect();
            let removed: HashSet<ObjectId> = self
                .catalogue
                .sweep(self.objects.as_ref(), &ids, || reached("gc.removed"))?
                .into_iter()
                .collect();
            reached("gc.swept")?;
            for (listed, _) in batch.iter().filter(|(listed, _)| removed.contains(&listed.id)) {
                report.removed_objects += 1;
                report.removed_bytes += listed.bytes;
            }
            done += batch.len() as u64;
            self.tell("objects removed", done, Some(sweep.len() as u64));
        }
        Ok(())
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
