//! Changing names: one transaction writes the record of the event as an object and makes it visible.
//!
//! The record is written while the transaction holds the database, so that the order of records is the order of
//! changes. A crash in between leaves a record that no row names: a collection removes it, and a rebuild of the
//! catalogue completes the event that it tells of.

use rusqlite::{Transaction, params};

use super::{Catalogue, Sql, StepError, digest_of, names::entry, now, optional};
use crate::{
    digest::Digest,
    error::{Error, Result},
    manifest::Manifest,
    objects::{Backend, Kind, ObjectId},
    record::{Event, Record},
};

/// An event of the journal.
#[derive(Clone, Debug)]
pub(crate) struct EventRow {
    pub record: Digest,
}

/// What a manifest looks like to the catalogue.
#[derive(Clone, Debug)]
pub(crate) struct ManifestRow {
    pub id: Digest,
    pub identity: Digest,
    pub root: Digest,
    pub codec: Digest,
    pub quality: u16,
    pub lossless: bool,
    pub frames: u64,
    pub width: u32,
    pub height: u32,
    pub bytes: u64,
}

impl ManifestRow {
    pub fn of(id: Digest, manifest: &Manifest) -> ManifestRow {
        let segments: u64 = manifest.segments.iter().map(|segment| segment.bytes).sum();
        let side: u64 = manifest.side.iter().map(|side| side.blob.bytes).sum();
        ManifestRow {
            id,
            identity: manifest.identity,
            root: manifest.root,
            codec: manifest.codec,
            quality: manifest.quality,
            lossless: manifest.lossless,
            frames: manifest.frames,
            width: manifest.format.width,
            height: manifest.format.height,
            bytes: segments.saturating_add(side),
        }
    }
}

/// A change to names, with what must hold for it.
pub(crate) struct Change<'a> {
    pub event: Event,
    /// The manifest that the event refers to.
    pub manifest: Option<&'a ManifestRow>,
    /// The lease that must still be there.
    pub lease: Option<(i64, &'a str)>,
    /// Whether a name that stands for something else is taken over.
    pub replace: bool,
}

impl Catalogue {
    /// Makes a change; returns the bytes of its record. `before_commit` runs when everything is written and nothing is
    /// visible yet.
    pub fn apply(
        &self,
        backend: &dyn Backend,
        change: Change,
        before_commit: impl FnOnce() -> Result<()>,
    ) -> Result<u64> {
        self.change_with("publish a change of names", |sql| {
            check(sql, &change)?;
            let last: Option<i64> =
                sql.query_row("SELECT max(sequence) FROM events", [], |row| row.get(0))?;
            let sequence = now().max(last.unwrap_or(0).saturating_add(1));
            let record = Record::new(sequence, change.event);
            let (id, bytes) = record.to_object()?;
            backend.publish(id, &bytes)?;
            replay(sql, &record, id.digest, change.manifest)?;
            before_commit()?;
            Ok(bytes.len() as u64)
        })
    }

    /// The latest events, or those of one name.
    pub fn events(&self, name: Option<&str>, limit: usize) -> Result<Vec<EventRow>> {
        self.read("read the journal", |sql| {
            let mut query = sql.prepare_cached(
                "SELECT record FROM events WHERE ?1 IS NULL OR name = ?1 ORDER BY sequence DESC LIMIT ?2",
            )?;
            query
                .query_map(params![name, limit as i64], |row| {
                    Ok(EventRow { record: digest_of(row.get_ref(0)?)? })
                })?
                .collect()
        })
    }

    /// Fills an empty catalogue from records, in any order, and the manifests that they need.
    pub fn rebuild(
        &self,
        records: &mut [(Record, ObjectId)],
        manifest_of: &mut dyn FnMut(Digest) -> Option<ManifestRow>,
        keys: &[(Digest, Digest, Digest)],
    ) -> Result<i64> {
        records.sort_by_key(|(record, id)| (record.sequence, *id));
        self.change_with("rebuild the catalogue", |sql| {
            for table in [
                "entries",
                "manifests",
                "keys",
                "events",
                "descriptors",
                "distinct_pairs",
                "quarantine",
                "pins",
                "leases",
            ] {
                sql.execute(&format!("DELETE FROM {table}"), [])?;
            }
            for (record, id) in records.iter() {
                let row = match record.event.entry() {
                    Some(entry) => match manifest_of(entry.manifest) {
                        Some(row) => Some(row),
                        // Purged, or lost: it cannot be served either way, but the journal keeps it.
                        None => {
                            add_event(sql, record, id.digest)?;
                            continue;
                        }
                    },
                    None => None,
                };
                replay(sql, record, id.digest, row.as_ref())?;
            }
            for (key, segment, manifest) in keys {
                let values = params![key.0, segment.0, manifest.0];
                sql.execute("INSERT OR REPLACE INTO keys VALUES (?1, ?2, ?3)", values)?;
            }
            Ok(sql.query_row("SELECT count(*) FROM entries WHERE ended IS NULL", [], |row| row.get(0))?)
        })
    }
}

/// Whether a change is still possible.
fn check(sql: &Transaction, change: &Change) -> std::result::Result<(), StepError> {
    if let Some((lease, name)) = change.lease {
        let there: Option<i64> =
            optional(sql.query_row("SELECT id FROM leases WHERE id = ?1", [lease], |row| row.get(0)))?;
        if there.is_none() {
            return Err(Error::LeaseLost { name: name.to_owned(), seconds: super::LEASE_SECONDS }.into());
        }
    }
    let live = match change.event.name() {
        None => return Ok(()),
        Some(name) => optional(sql.query_row(
            "SELECT e.sequence, e.name, e.record, e.identity, e.class, e.bytes, e.ended, 0, 0, 0, 0, e.rate \
             FROM entries e WHERE e.name = ?1 AND e.ended IS NULL",
            [name],
            entry,
        ))?,
    };
    match (&change.event, live) {
        (Event::Put(entry) | Event::Undelete(entry), Some(_)) if !change.replace => {
            Err(Error::NameTaken { name: entry.name.clone() }.into())
        }
        (Event::Rm { name }, None) => Err(Error::UnknownName { name: name.clone() }.into()),
        (Event::Undelete(entry), _) => {
            // A collection may have purged it since it was looked up.
            let there: i64 = sql.query_row(
                "SELECT count(*) FROM entries WHERE name = ?1 AND manifest = ?2 AND ended IS NOT NULL",
                params![entry.name, entry.manifest.0],
                |row| row.get(0),
            )?;
            match there {
                0 => Err(Error::NotRemoved { name: entry.name.clone() }.into()),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Makes an event visible.
fn replay(sql: &Transaction, record: &Record, id: Digest, manifest: Option<&ManifestRow>) -> Sql<()> {
    add_event(sql, record, id)?;
    let end = |name: &str| {
        sql.execute(
            "UPDATE entries SET ended = ?2 WHERE name = ?1 AND ended IS NULL",
            params![name, record.sequence],
        )
    };
    match &record.event {
        Event::Put(entry) | Event::Undelete(entry) => {
            let Some(row) = manifest else { return Ok(()) };
            end(&entry.name)?;
            sql.execute(
                "INSERT OR REPLACE INTO manifests VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    row.id.0,
                    row.identity.0,
                    row.root.0,
                    row.codec.0,
                    row.quality,
                    row.lossless,
                    row.frames.cast_signed(),
                    row.width,
                    row.height,
                    row.bytes.cast_signed()
                ],
            )?;
            sql.execute(
                "INSERT OR REPLACE INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL)",
                params![
                    record.sequence,
                    entry.name,
                    id.0,
                    entry.manifest.0,
                    row.identity.0,
                    entry.class.as_str(),
                    entry.source.bytes.cast_signed(),
                    entry.timing.rate().as_f64()
                ],
            )?;
        }
        Event::Rm { name } => {
            end(name)?;
        }
        Event::Purge { entries } => {
            for sequence in entries {
                sql.execute("DELETE FROM entries WHERE sequence = ?1 AND ended IS NOT NULL", [sequence])?;
            }
        }
        Event::Distinct { a, b, revoked } => {
            let pair = [a.min(b).0, a.max(b).0];
            match revoked {
                false => sql.execute("INSERT OR IGNORE INTO distinct_pairs VALUES (?1, ?2)", pair)?,
                true => sql.execute("DELETE FROM distinct_pairs WHERE a = ?1 AND b = ?2", pair)?,
            };
        }
    }
    Ok(())
}

fn add_event(sql: &Transaction, record: &Record, id: Digest) -> Sql<()> {
    sql.execute(
        "INSERT OR REPLACE INTO events VALUES (?1, ?2, ?3, ?4)",
        params![record.sequence, record.event.kind(), record.event.name(), id.0],
    )?;
    Ok(())
}

impl EventRow {
    /// The record object.
    pub fn id(&self) -> ObjectId {
        ObjectId { kind: Kind::Log, digest: self.record }
    }
}
