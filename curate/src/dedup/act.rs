//! Acting on duplicates, and undoing it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use vcn_media::AtomicFile;

use super::journal::{Entry, Journal, Undone, read};
use super::relation::{Relation, Report};
use crate::error::{Error, Result};
use crate::scan::{Scan, facts};

/// What becomes of a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing.
    Report,
    /// It becomes a hard link to the file that is kept.
    Link,
    /// It becomes a copy of the file that is kept which shares its blocks on the disk.
    Reflink,
    /// It is moved to a hidden folder.
    Trash,
    /// It is deleted.
    Delete,
}

/// A duplicate, and what is known of it and of the file that is kept.
#[derive(Clone, Debug)]
pub struct Step {
    /// The duplicate.
    pub path: PathBuf,
    /// What is kept.
    pub kept: PathBuf,
    /// What the duplicate is to it.
    pub relation: Relation,
    /// Bytes that the duplicate takes: none if it is a link to what is kept.
    pub bytes: u64,
    /// Why it is left alone, if it is.
    pub refused: Option<String>,
    /// Bytes and time of modification of both when they were compared.
    seen: [(u64, SystemTime); 2],
}

/// The steps that a report asks for.
pub fn plan(report: &Report, scans: &[Scan]) -> Vec<Step> {
    let mut steps = Vec::new();
    for group in &report.groups {
        let kept = &scans[group.keep];
        for member in &group.others {
            let own = &scans[member.video];
            let folder = own.is_folder || kept.is_folder;
            // If that cannot be told, it is found out before anything is done.
            let link = is_same_file(&own.path, &kept.path).unwrap_or(false);
            let refused = match (folder, link) {
                (true, _) => Some("a folder of frames is only reported"),
                (_, true) => Some("it is a link to the file that is kept"),
                _ => None,
            };
            steps.push(Step {
                path: own.path.clone(),
                kept: kept.path.clone(),
                relation: member.relation,
                bytes: if link { 0 } else { own.bytes },
                refused: refused.map(str::to_owned),
                seen: [own, kept].map(|scan| (scan.bytes, scan.modified)),
            });
        }
    }
    steps
}

/// Does a step, after it is in the journal. `holding` is a folder for what is moved, on the same file system.
///
/// # Errors
/// The reason why the duplicate was left as it is.
pub fn apply(step: &Step, action: Action, holding: &Path, journal: &mut Journal) -> Result<()> {
    let refuse = |reason: &str| Error::Io {
        doing: "touch",
        path: step.path.clone(),
        source: std::io::Error::other(reason.to_owned()),
    };
    if let Some(reason) = &step.refused {
        return Err(refuse(reason));
    }
    for (path, seen) in [&step.path, &step.kept].into_iter().zip(step.seen) {
        let (folder, bytes, modified) = facts(path)?;
        if folder || (bytes, modified) != seen {
            return Err(refuse(&format!("{} changed since it was compared", path.display())));
        }
    }
    let both = [&step.path, &step.kept].map(|path| path.canonicalize().map_err(Error::io("find", path)));
    let [own, kept] = both;
    if own? == kept? || is_same_file(&step.path, &step.kept)? {
        return Err(refuse("it is the very file that is kept"));
    }
    let digests = [digest(&step.path)?, digest(&step.kept)?];
    let held = (action == Action::Trash).then(|| free_name(holding, &step.path));
    // A journal must say the same wherever it is read.
    let absolute = |path: &Path| std::path::absolute(path).map_err(Error::io("find", path));
    let (own, kept) = (absolute(&step.path)?, absolute(&step.kept)?);
    let held = held.map(|held| absolute(&held)).transpose()?;
    if action != Action::Report {
        journal.write(&Entry::new(action, [&own, &kept], held.clone(), step.relation, digests))?;
    }
    match (action, held) {
        (Action::Trash, Some(held)) => {
            fs::create_dir_all(holding).map_err(Error::io("create", holding))?;
            fs::rename(&step.path, &held).map_err(Error::io("move", &step.path))
        }
        (Action::Delete, _) => delete(step).map_err(Error::io("delete", &step.path)),
        (Action::Link, _) => replace(&step.path, |new| fs::hard_link(&step.kept, new)),
        (Action::Reflink, _) => {
            replace(&step.path, |new| reflink_copy::reflink(&step.kept, new).map_err(without_reflinks))
        }
        (Action::Report | Action::Trash, _) => Ok(()),
    }
}

/// Undoes what a journal tells of, the last step first. What is there already is never overwritten.
///
/// # Errors
/// The journal cannot be read.
pub fn undo(journal: &Path) -> Result<Vec<Undone>> {
    let mut entries = read(journal)?;
    entries.reverse();
    Ok(entries
        .iter()
        .map(|entry| {
            let path = entry.removed.clone();
            match restore(entry) {
                Ok(reason) => Undone { path, restored: true, reason: reason.to_owned() },
                Err(reason) => Undone { path, restored: false, reason },
            }
        })
        .collect())
}

fn restore(entry: &Entry) -> std::result::Result<&'static str, String> {
    let text = |error: Error| error.to_string();
    let is_there = fs::symlink_metadata(&entry.removed).is_ok();
    let unchanged = is_there && digest(&entry.removed).map_err(text)?.to_hex().as_str() == entry.blake3;
    if let Some(held) = &entry.held {
        return match (unchanged, is_there) {
            (true, _) => Ok("there already"),
            (_, true) => Err("another file has its name now".to_owned()),
            _ => {
                // Unlike a rename, a link fails if the name is taken meanwhile.
                let back = fs::hard_link(held, &entry.removed).and_then(|()| fs::remove_file(held));
                back.map_err(Error::io("move back", held)).map_err(text)?;
                Ok("moved back")
            }
        };
    }
    if let (false, Some(aside)) = (is_there, left_aside(entry)) {
        fs::rename(&aside, &entry.removed).map_err(Error::io("move back", &aside)).map_err(text)?;
        return Ok("moved back from the hidden name under which it was about to be deleted");
    }
    let linked = unchanged && is_same_file(&entry.removed, &entry.kept).map_err(text)?;
    if unchanged && !linked {
        return Ok("there already");
    }
    if !entry.same_bytes {
        return Err(format!(
            "its bytes are gone: it showed the same as {}, but was another file",
            entry.kept.display()
        ));
    }
    if is_there && !linked {
        return Err("another file has its name now".to_owned());
    }
    if digest(&entry.kept).map_err(text)?.to_hex().as_str() != entry.blake3 {
        return Err(format!("{} is no longer the file that was kept", entry.kept.display()));
    }
    copy(&entry.kept, &entry.removed, linked).map_err(text)?;
    Ok("copied from the file that was kept")
}

/// Copies a file, of which nothing is seen before all of it is there.
fn copy(from: &Path, to: &Path, overwrite: bool) -> Result<()> {
    let mut source = fs::File::open(from).map_err(Error::io("read", from))?;
    let mut file = AtomicFile::create(to, overwrite)?;
    std::io::copy(&mut source, &mut file).map_err(Error::io("write", to))?;
    file.commit()?;
    let permissions = source.metadata().map_err(Error::io("read", from))?.permissions();
    fs::set_permissions(to, permissions).map_err(Error::io("set the permissions of", to))
}

/// Deletes a duplicate. It steps aside first, and only then does what is kept have to be there: of two programs that each
/// keep what the other deletes, at most one finds it so.
fn delete(step: &Step) -> std::io::Result<()> {
    let aside = beside(&step.path);
    fs::rename(&step.path, &aside)?;
    let kept = facts(&step.kept).ok().map(|(_, bytes, modified)| (bytes, modified));
    if kept != Some(step.seen[1]) {
        fs::rename(&aside, &step.path)?;
        return Err(std::io::Error::other("what is kept is no longer there"));
    }
    fs::remove_file(&aside)
}

/// A file that had stepped aside when the process was killed.
fn left_aside(entry: &Entry) -> Option<PathBuf> {
    let start = hidden_name(&entry.removed);
    let files = fs::read_dir(entry.removed.parent()?).ok()?.flatten();
    let named =
        files.filter(|file| file.file_name().as_encoded_bytes().starts_with(start.as_encoded_bytes()));
    let is_it = |path: &PathBuf| digest(path).is_ok_and(|digest| digest.to_hex().as_str() == entry.blake3);
    named.map(|file| file.path()).find(is_it)
}

/// A hidden name in the same folder.
fn beside(path: &Path) -> PathBuf {
    let mut name = hidden_name(path);
    name.push(std::process::id().to_string());
    path.with_file_name(name)
}

/// What hidden names for a file begin with.
fn hidden_name(path: &Path) -> std::ffi::OsString {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".dedup-");
    name
}

/// Says what to do where files cannot share blocks.
fn without_reflinks(error: std::io::Error) -> std::io::Error {
    use std::io::ErrorKind::{CrossesDevices, Unsupported};
    match error.kind() {
        kind @ (CrossesDevices | Unsupported) => {
            let remedy = "the file system cannot share blocks between the two: link or trash them instead";
            std::io::Error::new(kind, format!("{error}; {remedy}"))
        }
        _ => error,
    }
}

/// Makes a file under another name beside `path`, then gives it that name.
fn replace(path: &Path, make: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    let new = beside(path);
    let made = make(&new).and_then(|()| fs::rename(&new, path));
    made.map_err(|error| {
        // Nothing half done stays; failing to tidy up must not hide the reason.
        let _ = fs::remove_file(&new);
        Error::io("replace", path)(error)
    })
}

/// A name in a folder that no file has.
fn free_name(folder: &Path, path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names =
        (0..).map(|count| folder.join(if count == 0 { name.clone() } else { format!("{count}-{name}") }));
    names.into_iter().find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_else(|| folder.join(&name))
}

fn digest(path: &Path) -> Result<blake3::Hash> {
    let file = fs::File::open(path).map_err(Error::io("read", path))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(Error::io("read", path))?;
    Ok(hasher.finalize())
}

#[cfg(unix)]
fn is_same_file(a: &Path, b: &Path) -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let of = |path: &Path| fs::metadata(path).map_err(Error::io("read", path)).map(|m| (m.dev(), m.ino()));
    Ok(of(a)? == of(b)?)
}

#[cfg(not(unix))]
fn is_same_file(_: &Path, _: &Path) -> Result<bool> {
    Ok(false)
}
