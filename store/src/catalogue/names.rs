//! Reading names.

use rusqlite::{Row, params, types::Value};

use super::{Catalogue, Sql, digest_of, optional};
use crate::{
    digest::Digest,
    error::Result,
    objects::{Kind, ObjectId},
};

/// An entry: what a name stands for, or stood for.
#[derive(Clone, Debug)]
pub(crate) struct EntryRow {
    pub sequence: i64,
    pub name: String,
    pub record: Digest,
    pub identity: Digest,
    pub class: String,
    pub source_bytes: u64,
    pub ended: Option<i64>,
    pub frames: u64,
    pub width: u32,
    pub height: u32,
    pub stored_bytes: u64,
    /// Frames per second, about.
    pub rate: f64,
}

impl EntryRow {
    pub fn record_id(&self) -> ObjectId {
        ObjectId { kind: Kind::Log, digest: self.record }
    }
}

const COLUMNS: &str = "e.sequence, e.name, e.record, e.identity, e.class, e.bytes, e.ended, \
     coalesce(m.frames, 0), coalesce(m.width, 0), coalesce(m.height, 0), coalesce(m.bytes, 0), e.rate \
     FROM entries e LEFT JOIN manifests m ON m.id = e.manifest";

impl Catalogue {
    /// What a name stands for.
    pub fn live(&self, name: &str) -> Result<Option<EntryRow>> {
        self.one(&format!("SELECT {COLUMNS} WHERE e.name = ?1 AND e.ended IS NULL"), name)
    }

    /// What a removed or replaced name stood for last.
    pub fn last_ended(&self, name: &str) -> Result<Option<EntryRow>> {
        let sql = format!(
            "SELECT {COLUMNS} WHERE e.name = ?1 AND e.ended IS NOT NULL ORDER BY e.ended DESC LIMIT 1"
        );
        self.one(&sql, name)
    }

    /// What a name stood for with this manifest, the latest.
    pub fn ended_with(&self, name: &str, manifest: Digest) -> Result<Option<EntryRow>> {
        let sql = format!(
            "SELECT {COLUMNS} WHERE e.name = ?1 AND e.manifest = ?2 AND e.ended IS NOT NULL \
             ORDER BY e.ended DESC LIMIT 1"
        );
        Ok(self.many(&sql, params![name, manifest.0])?.pop())
    }

    /// Live names that start with `prefix` and come after `after`, in the order of their bytes.
    pub fn page(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<EntryRow>> {
        let sql = format!(
            "SELECT {COLUMNS} WHERE e.ended IS NULL AND e.name > ?1 AND e.name >= ?2 AND e.name < ?3 \
             ORDER BY e.name LIMIT ?4"
        );
        // To SQLite, any blob comes after any text.
        let end = behind(prefix).map_or(Value::Blob(Vec::new()), Value::Text);
        self.many(&sql, params![after, prefix, end, limit as i64])
    }

    /// Tombstones of names that start with `prefix`, the latest first.
    pub fn ended(&self, prefix: &str, limit: usize) -> Result<Vec<EntryRow>> {
        let sql = format!(
            "SELECT {COLUMNS} WHERE e.ended IS NOT NULL AND substr(e.name, 1, ?2) = ?1 \
             ORDER BY e.ended DESC LIMIT ?3"
        );
        self.many(&sql, params![prefix, prefix.chars().count() as i64, limit as i64])
    }

    /// Live names of a manifest.
    pub fn names_of(&self, manifest: Digest, limit: usize) -> Result<Vec<String>> {
        self.read("read names", |sql| {
            let mut query = sql.prepare_cached(
                "SELECT name FROM entries WHERE manifest = ?1 AND ended IS NULL ORDER BY sequence LIMIT ?2",
            )?;
            query.query_map(params![manifest.0, limit as i64], |row| row.get(0))?.collect()
        })
    }

    /// Live names, of those that start with `prefix`, of videos with these frames.
    pub fn with_root(&self, root: Digest, prefix: &str, limit: usize) -> Result<Vec<EntryRow>> {
        let sql = format!(
            "SELECT {COLUMNS} WHERE m.root = ?1 AND e.ended IS NULL AND substr(e.name, 1, ?3) = ?2 \
             ORDER BY e.name LIMIT ?4"
        );
        self.many(&sql, params![root.0, prefix, prefix.chars().count() as i64, limit as i64])
    }

    /// Live entries of a manifest.
    pub fn rows_of(&self, manifest: Digest, limit: usize) -> Result<Vec<EntryRow>> {
        let sql =
            format!("SELECT {COLUMNS} WHERE e.manifest = ?1 AND e.ended IS NULL ORDER BY e.name LIMIT ?2");
        self.many(&sql, params![manifest.0, limit as i64])
    }

    /// Codecs and qualities of which there are manifests.
    pub fn codings(&self) -> Result<Vec<(Digest, u16)>> {
        self.read("read codecs", |sql| {
            let mut query = sql.prepare_cached("SELECT DISTINCT codec, quality FROM manifests")?;
            query.query_map([], |row| Ok((digest_of(row.get_ref(0)?)?, row.get(1)?)))?.collect()
        })
    }

    /// Live names of an identity that start with `prefix`.
    pub fn names_of_identity(&self, identity: Digest, prefix: &str, limit: usize) -> Result<Vec<String>> {
        self.read("read names", |sql| {
            let mut query = sql.prepare_cached(
                "SELECT name FROM entries WHERE manifest IN (SELECT id FROM manifests WHERE identity = ?1) \
                 AND ended IS NULL AND substr(name, 1, ?3) = ?2 ORDER BY sequence LIMIT ?4",
            )?;
            let parameters = params![identity.0, prefix, prefix.chars().count() as i64, limit as i64];
            query.query_map(parameters, |row| row.get(0))?.collect()
        })
    }

    /// Manifests of an identity: id, codec, quality, lossless; the lossless ones first.
    pub fn manifests_of(&self, identity: Digest) -> Result<Vec<Digest>> {
        self.read("look up an identity", |sql| {
            let mut query = sql.prepare_cached(
                "SELECT id FROM manifests WHERE identity = ?1 ORDER BY lossless DESC, id LIMIT 64",
            )?;
            query.query_map([identity.0], |row| digest_of(row.get_ref(0)?))?.collect()
        })
    }

    /// Live names that use a segment, by way of `manifests`: the first names, for messages.
    pub fn count_live(&self) -> Result<u64> {
        self.read("count names", |sql| {
            sql.query_row("SELECT count(*) FROM entries WHERE ended IS NULL", [], |row| unsigned(row, 0))
        })
    }

    /// Whether two identities are marked as no duplicates.
    pub fn is_distinct(&self, a: Digest, b: Digest) -> Result<bool> {
        let (a, b) = (a.min(b), a.max(b));
        let found: Option<i64> = self.read("read marks", |sql| {
            optional(sql.query_row(
                "SELECT 1 FROM distinct_pairs WHERE a = ?1 AND b = ?2",
                [a.0, b.0],
                |row| row.get(0),
            ))
        })?;
        Ok(found.is_some())
    }

    fn one(&self, sql: &str, name: &str) -> Result<Option<EntryRow>> {
        self.read("read a name", |connection| {
            optional(connection.prepare_cached(sql)?.query_row([name], entry))
        })
    }

    fn many(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<EntryRow>> {
        self.read("read names", |connection| {
            connection.prepare_cached(sql)?.query_map(parameters, entry)?.collect()
        })
    }
}

pub(super) fn entry(row: &Row) -> Sql<EntryRow> {
    Ok(EntryRow {
        sequence: row.get(0)?,
        name: row.get(1)?,
        record: digest_of(row.get_ref(2)?)?,
        identity: digest_of(row.get_ref(3)?)?,
        class: row.get(4)?,
        source_bytes: unsigned(row, 5)?,
        ended: row.get(6)?,
        frames: unsigned(row, 7)?,
        width: row.get(8)?,
        height: row.get(9)?,
        stored_bytes: unsigned(row, 10)?,
        rate: row.get(11)?,
    })
}

/// The least text behind all texts that start with `prefix`, if there is one.
fn behind(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // Surrogates are no characters.
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// Counts are stored as SQLite has them, signed.
fn unsigned(row: &Row, index: usize) -> Sql<u64> {
    row.get::<_, i64>(index).map(i64::cast_unsigned)
}
