//! Leases: what operations under way rely upon, so that a collection leaves it alone.
//!
//! Whoever wants to refer to an object pins it first and looks whether it is there afterwards. Pinning takes the object
//! out of quarantine in the same transaction; a collection removes objects inside a transaction that finds them in
//! quarantine and not pinned. So the object is either kept, or seen to be missing.

use rusqlite::params;

use super::{Catalogue, now, object_bytes};
use crate::{error::Result, objects::ObjectId};

/// How long a lease lives after its last use.
pub(crate) const LEASE_SECONDS: u64 = 3600;

/// A lease, released when dropped.
pub(crate) struct Lease<'a> {
    catalogue: &'a Catalogue,
    pub id: i64,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // If this fails, the lease expires.
        let _ = self.catalogue.release(self.id);
    }
}

impl Catalogue {
    /// Takes a lease.
    pub fn lease(&self, holder: &str) -> Result<Lease<'_>> {
        let id = self.change_quickly("take a lease", |sql| {
            sql.execute("INSERT INTO leases (holder, expires) VALUES (?1, ?2)", params![holder, expiry()])?;
            Ok(sql.last_insert_rowid())
        })?;
        Ok(Lease { catalogue: self, id })
    }

    fn release(&self, lease: i64) -> Result<()> {
        self.change_quickly("release a lease", |sql| {
            sql.execute("DELETE FROM pins WHERE lease = ?1", [lease])?;
            sql.execute("DELETE FROM leases WHERE id = ?1", [lease])?;
            Ok(())
        })
    }

    /// Removes leases that have run out.
    pub fn expire_leases(&self) -> Result<()> {
        self.change_quickly("expire leases", |sql| {
            sql.execute("DELETE FROM leases WHERE expires < ?1", [now()])?;
            sql.execute("DELETE FROM pins WHERE lease NOT IN (SELECT id FROM leases)", [])?;
            Ok(())
        })
    }
}

impl Lease<'_> {
    /// Pins objects, and renews the lease. Returns whether the lease was still there.
    pub fn pin(&self, objects: &[ObjectId]) -> Result<bool> {
        self.catalogue.change_quickly("pin objects", |sql| {
            let renewed =
                sql.execute("UPDATE leases SET expires = ?2 WHERE id = ?1", params![self.id, expiry()])?;
            if renewed == 0 {
                return Ok(false);
            }
            let mut pin = sql.prepare_cached("INSERT OR IGNORE INTO pins VALUES (?1, ?2)")?;
            let mut rescue = sql.prepare_cached("DELETE FROM quarantine WHERE object = ?1")?;
            for object in objects {
                let object = object_bytes(*object);
                pin.execute(params![self.id, object])?;
                rescue.execute([object])?;
            }
            Ok(true)
        })
    }
}

fn expiry() -> i64 {
    now() + LEASE_SECONDS as i64 * 1_000_000
}
