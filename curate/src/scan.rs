//! What is known of a video once all its frames were seen.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use vcn_media::{FrameReader, OpenOptions, open};
use vcn_similarity::{Descriptor, PickedFrame, Picker, Thumbnail, Window};
use vcn_store::{Digest, frame_digest, frames_root};

use crate::error::{Error, Result};

/// Frames described for each second of video.
const PER_SECOND: u32 = 2;
/// Side of the tiny pictures that are kept of all frames.
pub const TINY: usize = 8;

/// A video, its file, and what its frames look like.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The file, or the folder of frames.
    pub path: PathBuf,
    /// Whether it is a folder of frames.
    pub is_folder: bool,
    /// Bytes of the file, or of all files in the folder.
    pub bytes: u64,
    /// When it was last modified.
    pub modified: SystemTime,
    /// Width in luma samples.
    pub width: usize,
    /// Height in luma samples.
    pub height: usize,
    /// Number of frames.
    pub frames: u64,
    /// Frames per second.
    pub rate: f64,
    /// Digest over all decoded frames: equal means the same pictures in the same order.
    pub root: Digest,
    /// Descriptors.
    pub picked: Vec<PickedFrame>,
    /// What the letterbox leaves in at least one frame.
    pub window: Window,
    /// For each frame, 8x8 means of luma without their mean, of unit length times 127; zeros for flat frames.
    pub tiny: Vec<[i8; TINY * TINY]>,
}

impl Scan {
    /// Reads a video; `seen` is called after each frame.
    ///
    /// # Errors
    /// It cannot be read to its end.
    pub fn of(path: &Path, descriptor: &dyn Descriptor, mut seen: impl FnMut()) -> Result<Scan> {
        let (is_folder, bytes, modified) = facts(path)?;
        let mut reader = open_path(path)?;
        let info = reader.info().clone();
        let rate = info.fps.as_f64();
        let mut picker = Picker::new(descriptor, rate).per_second(PER_SECOND);
        let mut digests = Vec::new();
        let mut window: Option<Window> = None;
        let mut tiny = Vec::new();
        while let Some(picture) = reader.next()? {
            digests.push(frame_digest(&picture));
            picker.push(&picture);
            let own = Window::of(&picture);
            tiny.push(signature(Thumbnail::with(&picture, &own, TINY).luma()));
            window = Some(window.map_or_else(|| own.clone(), |window| window.union(&own)));
            seen();
        }
        let window = window.unwrap_or_else(|| Window::whole(info.width, info.height));
        Ok(Scan {
            path: path.to_owned(),
            is_folder,
            bytes,
            modified,
            width: info.width,
            height: info.height,
            frames: digests.len() as u64,
            rate,
            root: frames_root(&digests),
            picked: picker.finish(),
            window,
            tiny,
        })
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / self.rate
    }

    /// Bits per second of video.
    pub fn bitrate(&self) -> f64 {
        self.bytes as f64 * 8.0 / self.seconds().max(1e-3)
    }
}

/// Opens a path, whatever characters it is of.
pub(crate) fn open_path(path: &Path) -> Result<Box<dyn FrameReader>> {
    let text = path.to_str().ok_or_else(|| Error::Io {
        doing: "read",
        path: path.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, "its name is not UTF-8: rename it"),
    })?;
    Ok(open(text, OpenOptions::default())?)
}

/// Whether a path is a folder, its size in bytes, and when it was modified.
pub(crate) fn facts(path: &Path) -> Result<(bool, u64, SystemTime)> {
    let metadata = std::fs::metadata(path).map_err(Error::io("read", path))?;
    let modified = metadata.modified().map_err(Error::io("read", path))?;
    if !metadata.is_dir() {
        return Ok((false, metadata.len(), modified));
    }
    let entries = std::fs::read_dir(path).map_err(Error::io("read", path))?;
    let files = entries.flatten().filter_map(|entry| entry.metadata().ok()).filter(|file| file.is_file());
    Ok((true, files.map(|file| file.len()).sum(), modified))
}

/// A tiny picture without its brightness and its contrast.
fn signature(luma: &[u8]) -> [i8; TINY * TINY] {
    /// Standard deviation below which a picture is flat, in code values.
    const FLAT: f32 = 6.0;
    /// Largest deviation that counts, in standard deviations: a caption does not outweigh all else.
    const MOST: f32 = 1.5;
    let count = luma.len().max(1) as f32;
    let mean = luma.iter().map(|sample| f32::from(*sample)).sum::<f32>() / count;
    let spread = (luma.iter().map(|sample| (f32::from(*sample) - mean).powi(2)).sum::<f32>() / count).sqrt();
    let mut signature = [0; TINY * TINY];
    if spread < FLAT {
        return signature;
    }
    let clipped: Vec<f32> =
        luma.iter().map(|sample| ((f32::from(*sample) - mean) / spread).clamp(-MOST, MOST)).collect();
    let length = clipped.iter().map(|value| value * value).sum::<f32>().sqrt();
    for (value, clipped) in signature.iter_mut().zip(clipped) {
        *value = (clipped / length * 127.0).round() as i8;
    }
    signature
}
