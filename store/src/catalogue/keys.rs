//! Frames keys: which segment stands for which frames.

use rusqlite::params;

use super::{Catalogue, digest_of, optional};
use crate::{digest::Digest, error::Result};

impl Catalogue {
    /// The segment of a frames key, and the manifest that brought it in. The caller checks the segment itself.
    pub fn segment_of(&self, key: Digest) -> Result<Option<(Digest, Option<Digest>)>> {
        self.read("look up a frames key", |sql| {
            let mut query = sql.prepare_cached("SELECT segment, manifest FROM keys WHERE key = ?1")?;
            optional(
                query.query_row([key.0], |row| {
                    Ok((digest_of(row.get_ref(0)?)?, digest_of(row.get_ref(1)?).ok()))
                }),
            )
        })
    }

    /// Remembers the segments of frames keys, and the manifest that brought them in.
    pub fn add_keys(&self, keys: &[(Digest, Digest)], manifest: Option<Digest>) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        self.change_quickly("write a frames key", |sql| {
            let mut insert = sql.prepare_cached("INSERT OR REPLACE INTO keys VALUES (?1, ?2, ?3)")?;
            for (key, segment) in keys {
                insert.execute(params![key.0, segment.0, manifest.map(|manifest| manifest.0)])?;
            }
            Ok(())
        })
    }

    /// Forgets the keys of a segment.
    pub fn forget_segment(&self, segment: Digest) -> Result<()> {
        self.change_quickly("forget a segment", |sql| {
            sql.execute("DELETE FROM keys WHERE segment = ?1", [segment.0]).map(|_| ())
        })
    }
}
