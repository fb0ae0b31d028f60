//! A range of the frames of a source that can only be read from its start.

use std::path::Path;

use crate::{
    error::{Error, Result},
    picture::Picture,
    video::{FrameReader, VideoInfo},
};

/// The frames of `inner` after the first few, up to a limit.
pub(crate) struct Window<R> {
    inner: R,
    info: VideoInfo,
    /// The first frame, which was read to see that there is one.
    first: Option<Picture>,
    /// How many frames to give yet, if there is a limit.
    left: Option<u64>,
}

impl<R: FrameReader> Window<R> {
    /// Reads past `skip` frames, then gives `limit` frames, or all.
    pub(crate) fn new(mut inner: R, path: &Path, skip: u64, limit: Option<u64>) -> Result<Window<R>> {
        let mut first = inner.next()?;
        for frames in 0..skip {
            if first.is_some() {
                first = inner.next()?;
            }
            if first.is_none() {
                return Err(Error::Skip { path: path.to_owned(), skip, frames: frames + 1 });
            }
        }
        let mut info = inner.info().clone();
        info.frames = info.frames.map(|frames| frames.saturating_sub(skip).min(limit.unwrap_or(u64::MAX)));
        Ok(Window { inner, info, first, left: limit })
    }
}

impl<R: FrameReader> FrameReader for Window<R> {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Result<Option<Picture>> {
        match &mut self.left {
            Some(0) => return Ok(None),
            Some(left) => *left -= 1,
            None => {}
        }
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.inner.next(),
        }
    }
}
