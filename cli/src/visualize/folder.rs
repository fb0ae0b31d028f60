//! Where the pictures go.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage};
use vcn_media::AtomicFile;

use crate::failure::{Failure, Result};

/// A folder of pictures.
pub struct Folder {
    path: PathBuf,
    overwrite: bool,
}

impl Folder {
    /// Creates the folder; without `overwrite` it must be empty or not there.
    pub fn create(path: &Path, overwrite: bool) -> Result<Folder> {
        let name = path.display().to_string();
        fs::create_dir_all(path).map_err(Failure::io(&name, "create"))?;
        let mut entries = fs::read_dir(path).map_err(Failure::io(&name, "read"))?;
        if !overwrite && entries.next().is_some() {
            return Err(vcn_media::Error::Exists { path: path.to_owned() }.into());
        }
        Ok(Folder { path: path.to_owned(), overwrite })
    }

    /// Writes a picture as PNG.
    pub fn image(&self, name: &str, image: &RgbImage) -> Result<()> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).map_err(|error| Failure::Other(error.into()))?;
        self.file(name, &bytes.into_inner())
    }

    /// Writes a file.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        Ok(AtomicFile::write(self.path.join(name), bytes, self.overwrite)?)
    }
}
