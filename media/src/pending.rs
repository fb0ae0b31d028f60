//! Outputs under construction: they live under a hidden name beside their target until they are complete. Each is locked
//! by who makes it, so that others can tell what a killed process has left behind, on whatever machine that was.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::error::{Error, Result};

/// What is to be removed if this process is interrupted, in the order in which it was made.
static PENDING: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

/// Folders in which this process has looked for what was abandoned.
static TIDIED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

struct Entry {
    path: PathBuf,
    remove: fn(&Path),
}

/// Removes all outputs that are under construction in this process: for the handler of Ctrl-C, right before the
/// process ends. While what it gives is there, no output can be begun, completed or given up: a thread that tries waits,
/// and so does not report that its file is gone. Other threads that write on will fail later.
pub fn remove_pending() -> impl Sized {
    let mut registry = pending();
    // What is in a folder goes before the folder.
    for entry in registry.drain(..).rev() {
        (entry.remove)(&entry.path);
    }
    registry
}

/// Removes the unfinished outputs in a folder whose makers are gone, such as killed processes. What cannot be removed
/// stays: it is in nobody's way.
pub fn remove_abandoned(folder: &Path) {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(folder) else { return };
    // To open anything else could take for ever.
    let is_output = |entry: &fs::DirEntry| {
        is_hidden_name(&entry.file_name())
            && entry.file_type().is_ok_and(|kind| kind.is_file() || kind.is_dir())
    };
    for entry in entries.flatten().filter(is_output) {
        // Held while removing: whoever is just making it takes another name.
        if let Ok(Some(_lock)) = lock(&entry.path()) {
            remove(&entry.path());
        }
    }
}

/// A file, or a folder if it is empty, that is not to outlive the work that needs it: removed when dropped, and by
/// [`remove_pending`].
#[derive(Debug)]
pub struct Fleeting(PathBuf);

impl Fleeting {
    /// Answers for what is at `path` or will be.
    pub fn new(path: &Path) -> Fleeting {
        pending().push(Entry { path: path.to_owned(), remove: remove_one });
        Fleeting(path.to_owned())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Fleeting {
    fn drop(&mut self) {
        let mut registry = pending();
        forget(&mut registry, &self.0);
        remove_one(&self.0);
    }
}

/// A file or folder under construction, removed when dropped.
#[derive(Debug)]
pub(crate) struct Pending {
    path: PathBuf,
    renamed: bool,
    /// Absent where the file system has no locks.
    _lock: Option<File>,
}

impl Pending {
    /// Creates the empty file `.NAME.partial-PID` beside `target`; `.EXTENSION` follows where a program needs it.
    pub(crate) fn file(target: &Path, extension: Option<&str>) -> Result<(Pending, File)> {
        let (folder, name) = split(target)?;
        create(&folder, &name, extension, |path| File::options().write(true).create_new(true).open(path))
    }

    /// Creates the empty folder `.NAME.partial-PID` beside `target`.
    pub(crate) fn folder_beside(target: &Path) -> Result<Pending> {
        let (folder, name) = split(target)?;
        create(&folder, &name, None, |path| fs::create_dir(path)).map(|(pending, ())| pending)
    }

    /// Creates the empty folder `.frames.partial-PID` inside the existing folder `target`.
    pub(crate) fn folder_inside(target: &Path) -> Result<Pending> {
        create(target, &OsString::from("frames"), None, |path| fs::create_dir(path))
            .map(|(pending, ())| pending)
    }

    /// Where to write meanwhile.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name. Without `overwrite` a file that has come to bear it in the meantime is kept.
    pub(crate) fn publish_file(mut self, target: &Path, overwrite: bool) -> Result<()> {
        if overwrite {
            return self.rename(target).map_err(Error::io("replace", target));
        }
        // A hard link, unlike a rename, fails if the name is taken. Some file systems have none.
        match fs::hard_link(&self.path, target) {
            Ok(()) => Ok(()),
            Err(_) if fs::symlink_metadata(target).is_ok() => Err(Error::Exists { path: target.to_owned() }),
            Err(_) => self.rename(target).map_err(Error::io("create", target)),
        }
    }

    /// Gives the folder its name, which only an empty folder may bear.
    pub(crate) fn publish_folder(mut self, target: &Path) -> Result<()> {
        self.rename(target).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
                Error::Exists { path: target.to_owned() }
            }
            _ => Error::Io { doing: "create", path: target.to_owned(), source: error },
        })
    }

    fn rename(&mut self, target: &Path) -> io::Result<()> {
        // Held throughout, since the hidden name is free for others from here on.
        let mut registry = pending();
        fs::rename(&self.path, target)?;
        forget(&mut registry, &self.path);
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.renamed {
            let mut registry = pending();
            forget(&mut registry, &self.path);
            remove(&self.path);
        }
    }
}

fn pending() -> MutexGuard<'static, Vec<Entry>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forget(registry: &mut Vec<Entry>, path: &Path) {
    registry.retain(|entry| entry.path != path);
}

/// Folder and name of the target.
fn split(target: &Path) -> Result<(PathBuf, OsString)> {
    let invalid = || Error::Io {
        doing: "create",
        path: target.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"),
    };
    let name = target.file_name().ok_or_else(invalid)?.to_owned();
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    Ok((folder, name))
}

/// Creates the first free name with `make` and registers it. A crashed process of the same PID (always 1 in a
/// container) may have left one behind, and one process may write the same target twice.
fn create<T>(
    folder: &Path,
    name: &OsString,
    extension: Option<&str>,
    make: impl Fn(&Path) -> io::Result<T>,
) -> Result<(Pending, T)> {
    if TIDIED.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned()) {
        remove_abandoned(folder);
    }
    // Held while creating, so that `remove_pending` misses nothing.
    let mut registry = pending();
    let mut attempt = 0u32;
    loop {
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!("{PARTIAL}{}", std::process::id()));
        if attempt > 0 {
            hidden.push(format!("-{attempt}"));
        }
        if let Some(extension) = extension {
            hidden.push(format!(".{extension}"));
        }
        let path = folder.join(hidden);
        match make(&path) {
            Ok(made) => {
                // Another process may have taken it for abandoned before it was locked.
                match lock(&path) {
                    Ok(lock) => {
                        registry.push(Entry { path: path.clone(), remove });
                        return Ok((Pending { path, renamed: false, _lock: lock }, made));
                    }
                    Err(source) if attempt == MOST_ATTEMPTS => {
                        return Err(Error::Io { doing: "lock", path, source });
                    }
                    Err(_) => attempt += 1,
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < MOST_ATTEMPTS => {
                attempt += 1
            }
            // Users know the target's name, not this one.
            Err(source) => return Err(Error::Io { doing: "create", path: folder.join(name), source }),
        }
    }
}

/// Most names that are tried.
const MOST_ATTEMPTS: u32 = 1000;
/// What follows a target's name in a hidden one, before the PID.
const PARTIAL: &str = ".partial-";

/// Whether a name is `.NAME.partial-PID`, with or without the number of an attempt and an extension.
fn is_hidden_name(name: &OsStr) -> bool {
    let Some(name) = name.to_str().and_then(|name| name.strip_prefix('.')) else { return false };
    let Some((target, maker)) = name.rsplit_once(PARTIAL) else { return false };
    let maker = maker.split_once('.').map_or(maker, |(maker, _extension)| maker);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (pid, attempt) = maker.split_once('-').unwrap_or((maker, "0"));
    !target.is_empty() && is_number(pid) && is_number(attempt)
}

/// The lock of an output under construction; nothing where the file system has no locks.
///
/// # Errors
/// It is locked by its maker, or gone.
#[cfg(unix)]
fn lock(path: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::MetadataExt;

    let file = match File::open(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(_)) => return Ok(None),
    }
    // Another process may have removed it between the two, and this name may be somebody's again.
    let (locked, named) = (file.metadata()?, fs::symlink_metadata(path)?);
    match (locked.dev(), locked.ino()) == (named.dev(), named.ino()) {
        true => Ok(Some(file)),
        false => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Elsewhere a lock would keep the maker from writing through another handle.
#[cfg(not(unix))]
fn lock(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Removes a file or an empty folder.
fn remove_one(path: &Path) {
    // One of the two fails, and both if others have put something into the folder, which stays then.
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
}

fn remove(path: &Path) {
    // Failing to tidy up must not hide the reason for it. A thread that still writes can make a folder's removal fail.
    for _ in 0..3 {
        let removed = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(_) => return,
        };
        if removed.is_ok() {
            return;
        }
    }
}
