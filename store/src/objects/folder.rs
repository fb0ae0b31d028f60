//! Objects as files.
//!
//! The order of a publication: temporary file, write, fsync, read back and check, hard link under the final name (which
//! fails if that exists), fsync of the folder, removal of the temporary name. Where the file system has no hard links,
//! a rename takes their place: equal names mean equal bytes, so replacing does no harm.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use super::{Backend, Kind, Listed, MAX_OBJECT, ObjectId, check};
use crate::{
    error::{Error, Result},
    failpoint::reached,
};

/// Where files are before they are complete.
const TEMPORARY: &str = "tmp";

/// Where `repair` puts what is damaged.
const DAMAGED: &str = "damaged";

pub(crate) struct Folder {
    root: PathBuf,
    next: AtomicU64,
}

impl Folder {
    pub fn new(root: &Path) -> Folder {
        Folder { root: root.to_owned(), next: AtomicU64::new(0) }
    }

    /// A new file in `tmp/` with these bytes, on the disk.
    fn temporary(&self, bytes: &[u8]) -> Result<PathBuf> {
        let folder = self.root.join(TEMPORARY);
        make_folder(&folder)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{now:x}-{count}", std::process::id()));
        let written = write_and_sync(&path, bytes);
        if written.is_err() {
            let _ = fs::remove_file(&path);
        }
        written.map(|()| path)
    }
}

impl Backend for Folder {
    fn publish(&self, id: ObjectId, bytes: &[u8]) -> Result<bool> {
        let target = self.root.join(id.path());
        let folder = parent(&target);
        let there = match self.read(&id.path(), MAX_OBJECT)? {
            None => false,
            Some(found) if check(id, &found).is_ok() => {
                // Another process may have linked it without having come to its fsync.
                sync(&target)?;
                sync(folder)?;
                return Ok(false);
            }
            Some(_) => true,
        };
        let temporary = self.temporary(bytes)?;
        let published = || -> Result<()> {
            let back = fs::read(&temporary).map_err(Error::io("read back", &temporary))?;
            check(id, &back)?;
            reached("object.checked")?;
            make_folder(folder)?;
            // A damaged object is replaced; an object that appeared meanwhile is as good as this one.
            match there {
                true => fs::rename(&temporary, &target).map_err(Error::io("create", &target))?,
                false => match fs::hard_link(&temporary, &target) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                    Err(_) => fs::rename(&temporary, &target).map_err(Error::io("create", &target))?,
                },
            }
            reached("object.linked")?;
            sync(folder)?;
            reached("object.durable")
        }();
        let _ = fs::remove_file(&temporary);
        published.map(|()| true)
    }

    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let path = self.root.join(path);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", path)(error)),
        };
        let size = file.metadata().map_err(Error::io("read", &path))?.len();
        let mut bytes = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0));
        file.take(limit).read_to_end(&mut bytes).map_err(Error::io("read", &path))?;
        Ok(Some(bytes))
    }

    fn size(&self, path: &str) -> Result<Option<u64>> {
        let path = self.root.join(path);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    fn list(&self, kind: Kind, each: &mut dyn FnMut(Listed) -> Result<()>) -> Result<()> {
        for fan in entries(&self.root.join(kind.folder()))? {
            let mut found = Vec::new();
            let listing = match fs::read_dir(&fan) {
                Ok(listing) => listing,
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    continue;
                }
                Err(error) => return Err(Error::io("list", fan)(error)),
            };
            for entry in listing {
                let entry = entry.map_err(Error::io("list", &fan))?;
                let (Some(fan), Some(name)) = (file_name(&fan), entry.file_name().into_string().ok()) else {
                    continue;
                };
                let Some(id) = ObjectId::from_path(&format!("{}/{fan}/{name}", kind.folder())) else {
                    continue;
                };
                // Relative to the open folder, which is quicker than by path where there are very many.
                match entry.metadata() {
                    Ok(metadata) => found.push(Listed { id, bytes: metadata.len() }),
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(Error::io("read", entry.path())(error)),
                }
            }
            found.sort_unstable_by_key(|listed| listed.id);
            found.into_iter().try_for_each(&mut *each)?;
        }
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<()> {
        let path = self.root.join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
            _ => Ok(()),
        }
    }

    fn set_aside(&self, id: ObjectId) -> Result<()> {
        let folder = self.root.join(DAMAGED);
        make_folder(&folder)?;
        let from = self.root.join(id.path());
        match fs::rename(&from, folder.join(format!("{}-{}", id.kind.folder(), id.digest))) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("set aside", from)(error)),
            _ => Ok(()),
        }
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let target = self.root.join(path);
        let temporary = self.temporary(bytes)?;
        make_folder(parent(&target))?;
        fs::rename(&temporary, &target).map_err(Error::io("create", &target))?;
        sync(parent(&target))
    }

    fn remove_temporary(&self, before: SystemTime, dry_run: bool) -> Result<u64> {
        let mut removed = 0;
        for path in entries(&self.root.join(TEMPORARY))? {
            let Ok(modified) = fs::metadata(&path).and_then(|metadata| metadata.modified()) else { continue };
            if modified < before && (dry_run || fs::remove_file(&path).is_ok()) {
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create_new(path).map_err(Error::io("create", path))?;
    reached("object.created")?;
    let (first, second) = bytes.split_at(bytes.len() / 2);
    file.write_all(first).map_err(Error::io("write", path))?;
    reached("object.torn")?;
    file.write_all(second).map_err(Error::io("write", path))?;
    reached("object.written")?;
    file.sync_all().map_err(Error::io("write", path))?;
    reached("object.synced")
}

/// Makes a folder and brings its name to the disk.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    if above != folder && !above.as_os_str().is_empty() {
        make_folder(above)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
        other => other.map_err(Error::io("create", folder))?,
    }
    sync(above)
}

/// Brings a file or the names in a folder to the disk.
fn sync(path: &Path) -> Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::io("bring to the disk", path))
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name().and_then(|name| name.to_str())
}

/// What is in a folder, in order; nothing if there is no such folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let found = match fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(Error::io("list", folder)(error)),
    };
    let paths: Result<Vec<PathBuf>, std::io::Error> = found.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(Error::io("list", folder))?;
    paths.sort_unstable();
    Ok(paths)
}
