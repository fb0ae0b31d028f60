//! Descriptors: what a search for near-duplicates reads.

use rusqlite::params;

use super::{Catalogue, StepError, digest_of, failed, lock, optional};
use crate::{digest::Digest, error::Result};

/// The descriptors of a video.
#[derive(Clone, Debug)]
pub(crate) struct DescriptorRow {
    pub root: Digest,
    pub model: Digest,
    pub object: Digest,
    /// Frames per second, about.
    pub rate: f64,
    /// The bytes of the object.
    pub picked: Vec<u8>,
}

impl Catalogue {
    /// The object that holds the descriptors of a video, by the root of its frames and by model.
    pub fn descriptors_of(&self, root: Digest, model: Digest) -> Result<Option<Digest>> {
        self.read("look up descriptors", |sql| {
            let mut query =
                sql.prepare_cached("SELECT object FROM descriptors WHERE root = ?1 AND model = ?2")?;
            optional(query.query_row([root.0, model.0], |row| digest_of(row.get_ref(0)?)))
        })
    }

    /// Remembers descriptors.
    pub fn add_descriptors(&self, rows: &[DescriptorRow]) -> Result<()> {
        self.change_quickly("write descriptors", |sql| {
            let mut insert = sql.prepare_cached(
                "INSERT OR REPLACE INTO descriptors (root, model, object, rate, picked) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for row in rows {
                insert.execute(params![row.root.0, row.model.0, row.object.0, row.rate, row.picked])?;
            }
            Ok(())
        })
    }

    /// Calls `each` with all descriptors of a model, one after the other: root, object, frame rate, bytes of the object.
    pub fn each_descriptors(
        &self,
        model: Digest,
        mut each: impl FnMut(Digest, Digest, f64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let connection = lock(&self.quick);
        let mut read = || -> std::result::Result<(), StepError> {
            let mut query = connection
                .prepare_cached("SELECT root, object, rate, picked FROM descriptors WHERE model = ?1")?;
            let mut rows = query.query([model.0])?;
            while let Some(row) = rows.next()? {
                let (root, object) = (digest_of(row.get_ref(0)?)?, digest_of(row.get_ref(1)?)?);
                let picked = row.get_ref(3)?;
                each(root, object, row.get(2)?, picked.as_blob().unwrap_or_default())?;
            }
            Ok(())
        };
        read().map_err(|error| match error {
            StepError::Sql(error) => failed(&self.path, "read descriptors", error),
            StepError::Other(error) => error,
        })
    }
}
