//! The catalogue: an SQLite database that answers quickly what the objects say slowly. It holds nothing that the objects
//! do not, apart from leases; reads of a video trust only the objects.
//!
//! Several processes use it at once. Names change in transactions that are on the disk when they return (`synchronous
//! = FULL`). Leases, pins and frames keys may be lost with the power (`NORMAL`): the operation that needed them is then
//! dead, too.

mod collect;
mod descriptors;
mod journal;
mod keys;
mod leases;
mod names;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, types::ValueRef};

use crate::{
    digest::Digest,
    error::{Error, Result},
    objects::{Kind, ObjectId},
};

pub(crate) use collect::Snapshot;
pub(crate) use descriptors::DescriptorRow;
pub(crate) use journal::{Change, ManifestRow};
pub(crate) use leases::{LEASE_SECONDS, Lease};
pub(crate) use names::EntryRow;

/// Version of the schema.
const SCHEMA: i64 = 2;

/// How long to wait for other processes.
const PATIENCE: Duration = Duration::from_secs(120);

/// SQLite's own result.
type Sql<T> = std::result::Result<T, rusqlite::Error>;

pub(crate) struct Catalogue {
    path: PathBuf,
    /// For names: durable.
    durable: Mutex<Connection>,
    /// For leases and keys, and for reading.
    quick: Mutex<Connection>,
}

impl Catalogue {
    /// Opens the database, which is created if it is not there.
    pub fn open(path: &Path) -> Result<Catalogue> {
        let failed = |error| failed(path, "open the catalogue", error);
        let durable = connect(path, "FULL").map_err(failed)?;
        let quick = connect(path, "NORMAL").map_err(failed)?;
        let version: i64 =
            quick.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
        if version > SCHEMA {
            let object = path.display().to_string();
            let [found, known] = [version, SCHEMA].map(i64::cast_unsigned);
            return Err(Error::Version { object, found, known });
        }
        if version < SCHEMA {
            let reason = format!("it is of version {version}, this program has version {SCHEMA}");
            return Err(Error::Catalogue { path: path.to_owned(), doing: "open the catalogue", reason });
        }
        Ok(Catalogue { path: path.to_owned(), durable: Mutex::new(durable), quick: Mutex::new(quick) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A stored fact, such as the store's id.
    pub fn fact(&self, key: &str) -> Result<Option<String>> {
        self.read("read the catalogue", |sql| {
            optional(sql.query_row("SELECT value FROM facts WHERE key = ?1", [key], |row| row.get(0)))
        })
    }

    /// Stores a fact.
    pub fn set_fact(&self, key: &str, value: &str) -> Result<()> {
        self.change("write the catalogue", |sql| {
            sql.execute("INSERT OR REPLACE INTO facts VALUES (?1, ?2)", [key, value]).map(|_| ())
        })
    }

    /// SQLite's own check of the file; `None` if it is whole.
    pub fn integrity(&self) -> Result<Option<String>> {
        let answer: String = self.read("check the catalogue", |sql| {
            sql.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        })?;
        Ok((answer != "ok").then_some(answer))
    }

    fn read<T>(&self, doing: &'static str, work: impl FnOnce(&Connection) -> Sql<T>) -> Result<T> {
        work(&lock(&self.quick)).map_err(|error| failed(&self.path, doing, error))
    }

    /// A durable transaction.
    fn change<T>(&self, doing: &'static str, work: impl FnOnce(&Transaction) -> Sql<T>) -> Result<T> {
        let mut connection = lock(&self.durable);
        in_transaction(&mut connection, work).map_err(|error| failed(&self.path, doing, error))
    }

    /// A transaction that the power may take back.
    fn change_quickly<T>(&self, doing: &'static str, work: impl FnOnce(&Transaction) -> Sql<T>) -> Result<T> {
        let mut connection = lock(&self.quick);
        in_transaction(&mut connection, work).map_err(|error| failed(&self.path, doing, error))
    }

    /// A durable transaction with steps that fail in other ways than SQLite. An error takes it back.
    fn change_with<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction) -> std::result::Result<T, StepError>,
    ) -> Result<T> {
        let mut connection = lock(&self.durable);
        let result = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StepError::Sql)
            .and_then(|transaction| {
                let value = work(&transaction)?;
                transaction.commit()?;
                Ok(value)
            });
        result.map_err(|error| match error {
            StepError::Sql(error) => failed(&self.path, doing, error),
            StepError::Other(error) => error,
        })
    }
}

/// Why a step of a transaction failed.
pub(crate) enum StepError {
    Sql(rusqlite::Error),
    Other(Error),
}

impl From<rusqlite::Error> for StepError {
    fn from(error: rusqlite::Error) -> StepError {
        StepError::Sql(error)
    }
}

impl From<Error> for StepError {
    fn from(error: Error) -> StepError {
        StepError::Other(error)
    }
}

fn connect(path: &Path, synchronous: &str) -> Sql<Connection> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Not to wait for a writer where nothing is to be written.
    let version = |sql: &Connection| sql.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    if version(&connection)? != 0 {
        return Ok(connection);
    }
    in_transaction(&mut connection, |sql| {
        if version(sql)? == 0 {
            sql.execute_batch(include_str!("schema.sql"))?;
            sql.pragma_update(None, "user_version", SCHEMA)?;
        }
        Ok(())
    })?;
    Ok(connection)
}

fn in_transaction<T>(connection: &mut Connection, work: impl FnOnce(&Transaction) -> Sql<T>) -> Sql<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

fn failed(path: &Path, doing: &'static str, error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{DiskFull, SystemIoFailure};
    match error.sqlite_error_code() {
        // What SQLite says of a full disk as well where it cannot make room for the index of its log. Nothing is wrong
        // with the catalogue.
        Some(DiskFull | SystemIoFailure) => {
            let reason = format!("{error}: is the disk full?");
            Error::io(doing, path)(std::io::Error::new(std::io::ErrorKind::StorageFull, reason))
        }
        _ => Error::Catalogue { path: path.to_owned(), doing, reason: error.to_string() },
    }
}

/// A connection stays usable after a panic elsewhere: its transaction was rolled back.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn optional<T>(result: Sql<T>) -> Sql<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Microseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn object_bytes(id: ObjectId) -> [u8; 33] {
    let mut bytes = [0; 33];
    bytes[0] = id.kind as u8;
    bytes[1..].copy_from_slice(&id.digest.0);
    bytes
}

fn object_of(value: ValueRef) -> Option<ObjectId> {
    let (kind, digest) = value.as_blob().ok()?.split_first()?;
    Some(ObjectId { kind: Kind::from_u8(*kind)?, digest: Digest(digest.try_into().ok()?) })
}

fn digest_of(value: ValueRef) -> Sql<Digest> {
    let bytes = value.as_blob().ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Digest).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, 0))
}
