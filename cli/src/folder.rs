//! Folders of results.

use std::cell::RefCell;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage};
use vcn_media::{AtomicFile, Fleeting};

use crate::failure::{Failure, Result};

/// A folder of results. Its files get their names together, when all are written: what fails half-way, as on a full disk,
/// leaves a folder as it was.
pub struct Folder {
    path: PathBuf,
    overwrite: bool,
    // Dropped before the folder, which must be empty to go.
    written: RefCell<Vec<AtomicFile>>,
    /// Present if the folder was made for this.
    _made: Option<Fleeting>,
}

impl Folder {
    /// Creates the folder; without `overwrite` it must be empty or not there. What is hidden does not count: it may be of a
    /// run that was killed, whose outputs go when the first of this one is begun.
    pub fn create(path: &Path, overwrite: bool) -> Result<Folder> {
        let name = path.display().to_string();
        let made = (!path.exists()).then(|| Fleeting::new(path));
        fs::create_dir_all(path).map_err(Failure::io(&name, "create"))?;
        for entry in fs::read_dir(path).map_err(Failure::io(&name, "read"))? {
            let entry = entry.map_err(Failure::io(&name, "read"))?;
            if !overwrite && !entry.file_name().as_encoded_bytes().starts_with(b".") {
                return Err(vcn_media::Error::Exists { path: path.to_owned() }.into());
            }
        }
        Ok(Folder { path: path.to_owned(), overwrite, written: RefCell::default(), _made: made })
    }

    /// Writes a picture as PNG.
    pub fn image(&self, name: &str, image: &RgbImage) -> Result<()> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).map_err(|error| Failure::Other(error.into()))?;
        self.file(name, &bytes.into_inner())
    }

    /// Writes a file.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let mut file = AtomicFile::create(&path, self.overwrite)?;
        let written = file.write_all(bytes).and_then(|()| file.flush());
        written.map_err(Failure::io(&path.display().to_string(), "write"))?;
        self.written.borrow_mut().push(file);
        Ok(())
    }

    /// Gives all files their names.
    pub fn finish(self) -> Result<()> {
        self.written.take().into_iter().try_for_each(|file| Ok(file.commit()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out");
        let folder = Folder::create(&path, false).unwrap();
        folder.file("a", b"half").unwrap();
        assert!(!path.join("a").exists());
        drop(folder);
        assert!(!path.exists());
        let folder = Folder::create(&path, false).unwrap();
        folder.file("a", b"whole").unwrap();
        folder.finish().unwrap();
        assert_eq!(fs::read(path.join("a")).unwrap(), b"whole");
        assert!(Folder::create(&path, false).is_err());
    }
}
