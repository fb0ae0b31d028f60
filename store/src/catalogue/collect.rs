//! What a collection asks of the catalogue.

use std::collections::HashMap;

use rusqlite::params;

use super::{Catalogue, digest_of, object_bytes, object_of};
use crate::{
    digest::Digest,
    error::Result,
    objects::{Backend, Kind, ObjectId},
};

/// The state that a mark starts from, all of one moment.
#[derive(Default)]
pub(crate) struct Snapshot {
    /// Sequence and record of every entry.
    pub entries: Vec<(i64, Digest)>,
    /// Records of the journal.
    pub events: Vec<Digest>,
    /// Objects that operations under way rely upon.
    pub pins: Vec<ObjectId>,
    /// Descriptors: the root of the frames, and the object.
    pub descriptors: Vec<(Digest, Digest)>,
    /// Objects in quarantine, and since when.
    pub quarantine: HashMap<ObjectId, i64>,
}

impl Catalogue {
    /// Takes a snapshot.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.change_quickly("read the catalogue", |sql| {
            let mut snapshot = Snapshot::default();
            let mut query = sql.prepare("SELECT sequence, record FROM entries")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                snapshot.entries.push((row.get(0)?, digest_of(row.get_ref(1)?)?));
            }
            let mut query = sql.prepare("SELECT record FROM events")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                snapshot.events.push(digest_of(row.get_ref(0)?)?);
            }
            let mut query = sql.prepare("SELECT root, object FROM descriptors")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                snapshot.descriptors.push((digest_of(row.get_ref(0)?)?, digest_of(row.get_ref(1)?)?));
            }
            let mut query = sql.prepare("SELECT DISTINCT object FROM pins")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                snapshot.pins.extend(object_of(row.get_ref(0)?));
            }
            let mut query = sql.prepare("SELECT object, since FROM quarantine")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                if let Some(object) = object_of(row.get_ref(0)?) {
                    snapshot.quarantine.insert(object, row.get(1)?);
                }
            }
            Ok(snapshot)
        })
    }

    /// Entries that ended before a time, by their sequences.
    pub fn ended_before(&self, time: i64) -> Result<Vec<i64>> {
        self.read("read the catalogue", |sql| {
            let mut query =
                sql.prepare("SELECT sequence FROM entries WHERE ended IS NOT NULL AND ended < ?1")?;
            query.query_map([time], |row| row.get(0))?.collect()
        })
    }

    /// Puts objects in quarantine and takes others out.
    pub fn quarantine(&self, add: &[ObjectId], release: &[ObjectId], since: i64) -> Result<()> {
        self.change_quickly("quarantine objects", |sql| {
            let mut insert = sql.prepare_cached("INSERT OR IGNORE INTO quarantine VALUES (?1, ?2)")?;
            for object in add {
                insert.execute(params![object_bytes(*object), since])?;
            }
            let mut delete = sql.prepare_cached("DELETE FROM quarantine WHERE object = ?1")?;
            for object in release {
                delete.execute([object_bytes(*object)])?;
            }
            Ok(())
        })
    }

    /// Removes those of the objects that have been in quarantine since the given time and that nobody has pinned since.
    /// The database is held meanwhile, so nobody can pin one of them. Returns which were removed.
    pub fn sweep(
        &self,
        backend: &dyn Backend,
        objects: &[(ObjectId, i64)],
        mut step: impl FnMut() -> Result<()>,
    ) -> Result<Vec<ObjectId>> {
        self.change_with("remove objects", |sql| {
            let mut removed = Vec::new();
            for (object, since) in objects {
                let bytes = object_bytes(*object);
                let quarantined: i64 = sql
                    .prepare_cached("SELECT count(*) FROM quarantine WHERE object = ?1 AND since = ?2")?
                    .query_row(params![bytes, since], |row| row.get(0))?;
                let pinned: i64 = sql
                    .prepare_cached("SELECT count(*) FROM pins WHERE object = ?1")?
                    .query_row([bytes], |row| row.get(0))?;
                if quarantined == 0 || pinned != 0 {
                    continue;
                }
                backend.remove(&object.path())?;
                step()?;
                sql.prepare_cached("DELETE FROM quarantine WHERE object = ?1")?.execute([bytes])?;
                match object.kind {
                    Kind::Segment => {
                        sql.prepare_cached("DELETE FROM keys WHERE segment = ?1")?
                            .execute([object.digest.0])?;
                    }
                    Kind::Manifest => {
                        sql.prepare_cached("DELETE FROM manifests WHERE id = ?1")?
                            .execute([object.digest.0])?;
                    }
                    Kind::Descriptors => {
                        sql.execute("DELETE FROM descriptors WHERE object = ?1", [object.digest.0])?;
                    }
                    _ => {}
                }
                removed.push(*object);
            }
            Ok(removed)
        })
    }
}
