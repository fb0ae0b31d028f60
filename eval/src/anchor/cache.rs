//! Finished measurements of anchors, so that evaluating a model again does not code the same sequence again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{Anchor, Source};
use crate::error::{Error, Result};
use crate::report::RdPoint;

/// To be counted up whenever an anchor's measurement changes its meaning.
const VERSION: u32 = 1;

/// A folder of measurements, one JSON file each. A measurement is found again by everything that decides it: the
/// source's samples, the command lines, the versions of ffmpeg and of this cache.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// A cache in `folder`, which is created when it is first written to.
    pub fn new(folder: impl Into<PathBuf>) -> Cache {
        Cache { folder: folder.into() }
    }

    /// The file of a measurement that an encoder makes with `arguments`.
    pub(super) fn file(
        &self,
        anchor: &Anchor,
        source: &Source,
        arguments: &[String],
        ffmpeg: &str,
    ) -> Result<PathBuf> {
        let mut hasher = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(&VERSION.to_le_bytes());
        part(ffmpeg.as_bytes());
        // The conversions' commands say the size, the frame rate and the number of frames, too.
        source.commands.iter().chain(arguments).for_each(|word| part(word.as_bytes()));
        for path in [&source.rgb, &source.yuv] {
            part(&digest(path)?);
        }
        let digest = hasher.finalize().to_hex();
        Ok(self.folder.join(anchor.to_string()).join(format!("{}.json", &digest[..32])))
    }

    /// A measurement, if it is there; what cannot be read is measured anew.
    pub(super) fn get(file: &Path) -> Option<RdPoint> {
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    /// Keeps a measurement; two processes that measure the same may both do so.
    pub(super) fn put(file: &Path, point: &RdPoint) -> Result<()> {
        let text = serde_json::to_string_pretty(point)
            .map_err(|source| Error::Json { path: file.into(), source })?;
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        let partial = file.with_extension(format!("partial-{}", std::process::id()));
        fs::write(&partial, text).map_err(Error::io(&partial))?;
        fs::rename(&partial, file).map_err(Error::io(file))
    }
}

fn digest(path: &Path) -> Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(Error::io(path))?;
    hasher.update_reader(file).map_err(Error::io(path))?;
    Ok(hasher.finalize().into())
}
