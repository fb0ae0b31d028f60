//! Accounts: what each user has sent, fetched and saved, per hour; and whose segments have only his word behind them.
//!
//! The ledger is an SQLite file beside the catalogue, not a part of it: the catalogue can be made anew from the objects at
//! any time, accounts cannot.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, params};
use vcn_store::Digest;

use crate::{
    error::{Error, Result},
    protocol::AccountLine,
};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS traffic (
    user     TEXT NOT NULL,
    hour     INTEGER NOT NULL, -- its start, in seconds since 1970
    what     TEXT NOT NULL,
    requests INTEGER NOT NULL,
    received INTEGER NOT NULL,
    sent     INTEGER NOT NULL,
    new      INTEGER NOT NULL,
    saved    INTEGER NOT NULL,
    PRIMARY KEY (user, hour, what)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (
    user    TEXT NOT NULL,
    key     BLOB NOT NULL,
    segment BLOB NOT NULL,
    PRIMARY KEY (user, key)
) WITHOUT ROWID;
";

const HOUR: i64 = 3600;

/// The bytes of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bytes {
    pub received: u64,
    pub sent: u64,
    /// Of new objects.
    pub new: u64,
    /// That did not have to be sent.
    pub saved: u64,
}

pub(crate) struct Ledger {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Ledger {
    pub fn open(path: &Path) -> Result<Ledger> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(std::time::Duration::from_secs(60))?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            // The power may take the last seconds of an account with it; names are the store's.
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.execute_batch(SCHEMA)?;
            Ok(connection)
        };
        match open() {
            Ok(connection) => Ok(Ledger { path: path.to_owned(), connection: Mutex::new(connection) }),
            Err(error) => Err(failed(path, "open the accounts", error)),
        }
    }

    /// Adds a request to an account.
    pub fn add(&self, user: &str, what: &str, bytes: Bytes) -> Result<()> {
        self.with("write an account", |sql| {
            let values = [bytes.received, bytes.sent, bytes.new, bytes.saved].map(u64::cast_signed);
            let [received, sent, new, saved] = values;
            let hour = now() / HOUR * HOUR;
            sql.prepare_cached(
                "INSERT INTO traffic VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET \
                 requests = requests + 1, received = received + ?4, sent = sent + ?5, new = new + ?6, \
                 saved = saved + ?7",
            )?
            .execute(params![user, hour, what, received, sent, new, saved])
            .map(|_| ())
        })
    }

    /// The account of a user, the oldest hour first.
    pub fn account(&self, user: &str) -> Result<Vec<AccountLine>> {
        self.with("read an account", |sql| {
            sql.prepare_cached(
                "SELECT hour, what, requests, received, sent, new, saved FROM traffic WHERE user = ?1 \
                 ORDER BY hour, what",
            )?
            .query_map([user], |row| {
                let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
                Ok(AccountLine {
                    hour: row.get(0)?,
                    what: row.get(1)?,
                    requests: number(2)?,
                    received: number(3)?,
                    sent: number(4)?,
                    new: number(5)?,
                    saved: number(6)?,
                })
            })?
            .collect()
        })
    }

    /// Bytes of new objects that a user brought in during the last day.
    pub fn brought_today(&self, user: &str) -> Result<u64> {
        self.with("read an account", |sql| {
            sql.prepare_cached("SELECT coalesce(sum(new), 0) FROM traffic WHERE user = ?1 AND hour > ?2")?
                .query_row(params![user, now() - 24 * HOUR], |row| row.get::<_, i64>(0))
                .map(i64::cast_unsigned)
        })
    }

    /// Remembers on whose word a segment stands for a key.
    pub fn claim(&self, user: &str, key: Digest, segment: Digest) -> Result<()> {
        self.with("write a claim", |sql| {
            sql.prepare_cached("INSERT OR REPLACE INTO claims VALUES (?1, ?2, ?3)")?
                .execute(params![user, key.0, segment.0])
                .map(|_| ())
        })
    }

    /// The segment that stands for a key on a user's own word.
    pub fn claimed(&self, user: &str, key: Digest) -> Result<Option<Digest>> {
        self.with("read a claim", |sql| {
            let mut query = sql.prepare_cached("SELECT segment FROM claims WHERE user = ?1 AND key = ?2")?;
            let mut rows = query.query(params![user, key.0])?;
            match rows.next()? {
                Some(row) => Ok(row.get::<_, [u8; 32]>(0).ok().map(Digest)),
                None => Ok(None),
            }
        })
    }

    fn with<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection).map_err(|error| failed(&self.path, doing, error))
    }
}

fn failed(path: &Path, doing: &'static str, error: rusqlite::Error) -> Error {
    Error::Ledger { path: path.to_owned(), doing, reason: error.to_string() }
}

/// Seconds since 1970.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().cast_signed()
}
