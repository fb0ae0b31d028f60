//! A file that appears under its name only when it is complete.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    pending::Pending,
};

/// A buffered file that is written as `.NAME.partial-PID` beside its target and renamed by [`AtomicFile::commit`].
/// Dropped without that, it leaves nothing behind. Devices and pipes, such as `/dev/null`, are written directly.
#[derive(Debug)]
pub struct AtomicFile {
    file: BufWriter<File>,
    target: PathBuf,
    overwrite: bool,
    /// Absent for devices and pipes.
    pending: Option<Pending>,
}

impl AtomicFile {
    /// Begins to write `path`. With `overwrite`, a file of that name is replaced by the commit, not before.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is such a file and it may not be replaced, [`Error::NotAFile`] for a folder, or a
    /// failure to create.
    pub fn create(path: impl AsRef<Path>, overwrite: bool) -> Result<AtomicFile> {
        let mut target = path.as_ref().to_owned();
        if is_special(&target) {
            let file = File::options().write(true).open(&target).map_err(Error::io("write", &target))?;
            return Ok(AtomicFile { file: BufWriter::new(file), target, overwrite, pending: None });
        }
        check_target(&mut target, overwrite)?;
        let (pending, file) = Pending::file(&target, None)?;
        Ok(AtomicFile { file: BufWriter::new(file), target, overwrite, pending: Some(pending) })
    }

    /// A whole file at once.
    ///
    /// # Errors
    /// Those of [`AtomicFile::create`] and [`AtomicFile::commit`], or a failure to write.
    pub fn write(path: impl AsRef<Path>, contents: &[u8], overwrite: bool) -> Result<()> {
        let mut file = AtomicFile::create(path, overwrite)?;
        file.write_all(contents).map_err(Error::io("write", &file.target))?;
        file.commit()
    }

    /// The name that the file will have.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Brings everything to the disk, then gives the file its name.
    ///
    /// # Errors
    /// A failure to write, or [`Error::Exists`] if a file of that name was created meanwhile and may not be replaced.
    pub fn commit(mut self) -> Result<()> {
        self.file.flush().map_err(Error::io("write", &self.target))?;
        let Some(pending) = self.pending.take() else { return Ok(()) };
        self.file.get_ref().sync_all().map_err(Error::io("write", &self.target))?;
        pending.publish_file(&self.target, self.overwrite)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// Checks that a file may be created at `target`; a symbolic link is replaced by what it points to, so that the link
/// survives.
pub(crate) fn check_target(target: &mut PathBuf, overwrite: bool) -> Result<()> {
    match fs::symlink_metadata(&target) {
        Ok(_) if target.is_dir() => Err(Error::NotAFile { path: target.clone() }),
        Ok(_) if !overwrite => Err(Error::Exists { path: target.clone() }),
        Ok(metadata) if metadata.is_symlink() => {
            if let Ok(resolved) = fs::canonicalize(&target) {
                *target = resolved;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Whether `path` is there and neither a file nor a folder.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}
