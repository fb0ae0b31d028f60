//! Headerless files of raw frames, the form in which pictures go to ffmpeg and come back.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use vcn_media::{Rgb8, Yuv420};

use crate::error::{Error, Result};

/// Reads frames of one size one after another.
pub(super) struct RawReader {
    path: PathBuf,
    file: BufReader<File>,
    width: usize,
    height: usize,
}

impl RawReader {
    /// Opens a file that must hold exactly `frames` frames of `frame_bytes` bytes.
    pub(super) fn open(
        path: &Path,
        (width, height): (usize, usize),
        frame_bytes: usize,
        frames: usize,
    ) -> Result<RawReader> {
        let file = File::open(path).map_err(Error::io(path))?;
        let found = file.metadata().map_err(Error::io(path))?.len();
        let expected = frame_bytes as u64 * frames as u64;
        if found != expected {
            return Err(Error::FrameCount { path: path.into(), expected, found });
        }
        Ok(RawReader { path: path.into(), file: BufReader::with_capacity(1 << 18, file), width, height })
    }

    pub(super) fn rgb(&mut self) -> Result<Rgb8> {
        let data = self.samples(3 * self.width * self.height)?;
        Ok(Rgb8 { width: self.width, height: self.height, data })
    }

    pub(super) fn yuv(&mut self) -> Result<Yuv420> {
        let chroma = self.width.div_ceil(2) * self.height.div_ceil(2);
        let y = self.samples(self.width * self.height)?;
        let (u, v) = (self.samples(chroma)?, self.samples(chroma)?);
        Ok(Yuv420 { width: self.width, height: self.height, y, u, v })
    }

    fn samples(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut data = vec![0; count];
        self.file.read_exact(&mut data).map_err(Error::io(&self.path))?;
        Ok(data)
    }
}

/// Bytes of an RGB frame.
pub(super) fn rgb_bytes(width: usize, height: usize) -> usize {
    3 * width * height
}

/// Bytes of a 4:2:0 frame.
pub(super) fn yuv_bytes(width: usize, height: usize) -> usize {
    width * height + 2 * width.div_ceil(2) * height.div_ceil(2)
}
