//! What was done to which file: lines of JSON, each on the disk before the step that it tells of.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::act::Action;
use super::relation::Relation;
use crate::error::{Error, Result};

/// The version of journals that this program reads and writes.
const VERSION: u32 = 1;
/// No line of a journal is longer, in bytes.
const LONGEST: usize = 1 << 16;

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of the format.
    pub version: u32,
    /// What was done.
    pub action: Action,
    /// To which file.
    pub removed: PathBuf,
    /// What was kept in its place.
    pub kept: PathBuf,
    /// Where the file was moved to, if it was.
    pub held: Option<PathBuf>,
    /// What the two are to each other.
    pub relation: Relation,
    /// BLAKE3 of the bytes of the file.
    pub blake3: String,
    /// Whether the bytes of the two files were the same.
    pub same_bytes: bool,
}

impl Entry {
    /// An entry of the version that this program writes.
    pub(crate) fn new(
        action: Action,
        [removed, kept]: [&Path; 2],
        held: Option<PathBuf>,
        relation: Relation,
        [digest, other]: [blake3::Hash; 2],
    ) -> Entry {
        Entry {
            version: VERSION,
            action,
            removed: removed.to_owned(),
            kept: kept.to_owned(),
            held,
            relation,
            blake3: digest.to_hex().to_string(),
            same_bytes: digest == other,
        }
    }
}

/// How a step was undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// The file.
    pub path: PathBuf,
    /// Whether it is as it was before.
    pub restored: bool,
    /// What was done, or why it could not be.
    pub reason: String,
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Begins a new journal.
    ///
    /// # Errors
    /// There is one of that name, or it cannot be created.
    pub fn create(path: &Path) -> Result<Journal> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let file = OpenOptions::new().append(true).create_new(true).open(path);
        Ok(Journal { path: path.to_owned(), file: file.map_err(Error::io("create", path))? })
    }

    /// Writes an entry and waits until it is on the disk.
    pub(crate) fn write(&mut self, entry: &Entry) -> Result<()> {
        let io = || Error::io("write", &self.path);
        let mut line = serde_json::to_vec(entry).map_err(|error| io()(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(io())?;
        self.file.sync_data().map_err(io())
    }
}

/// Reads a journal. A last line that a crash cut short is left out: its step was not begun.
pub(crate) fn read(path: &Path) -> Result<Vec<Entry>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut entries = Vec::new();
    let malformed = |line: usize, reason: String| Error::Journal { path: path.to_owned(), line, reason };
    let mut reader = BufReader::new(file);
    for number in 1.. {
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut reader, LONGEST as u64).read_until(b'\n', &mut line);
        let length = read.map_err(Error::io("read", path))?;
        if length == 0 || (line.last() != Some(&b'\n') && length < LONGEST) {
            break;
        }
        let entry: Entry =
            serde_json::from_slice(&line).map_err(|error| malformed(number, error.to_string()))?;
        if entry.version != VERSION {
            return Err(malformed(number, format!("version {}, but only {VERSION} is known", entry.version)));
        }
        entries.push(entry);
    }
    Ok(entries)
}
