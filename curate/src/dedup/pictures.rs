//! The pictures of videos as they are compared: thumbnails of what a window shows.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use vcn_media::FrameReader;
use vcn_similarity::{SIDE, Thumbnail, Window};

use crate::error::Result;
use crate::scan::{Scan, open_path};

/// Bytes of pictures that are kept of videos that were compared before.
const BUDGET: usize = 256 << 20;
/// Bytes of a thumbnail.
const PICTURE: usize = SIDE * SIDE * 3 / 2;

/// Pictures of short videos, so that these are decoded once and not for each comparison.
#[derive(Default)]
pub(crate) struct Pictures {
    kept: VecDeque<(PathBuf, Window, Rc<Vec<Thumbnail>>)>,
    bytes: usize,
}

/// The pictures of one video, asked for in order.
pub(crate) enum Frames<'a> {
    /// All of them.
    Kept(Rc<Vec<Thumbnail>>),
    /// As they are decoded.
    Decoded { window: &'a Window, reader: Box<dyn FrameReader>, next: usize, last: Option<Thumbnail> },
}

impl Pictures {
    /// The pictures of a video, seen through a window.
    ///
    /// # Errors
    /// It cannot be read any more.
    pub fn of<'a>(&mut self, scan: &Scan, window: &'a Window) -> Result<Frames<'a>> {
        let found = self.kept.iter().position(|(path, seen, _)| *path == scan.path && seen == window);
        if let Some(kept) = found.and_then(|at| self.kept.remove(at)) {
            let frames = Frames::Kept(kept.2.clone());
            self.kept.push_back(kept);
            return Ok(frames);
        }
        let mut frames = Frames::Decoded { window, reader: open_path(&scan.path)?, next: 0, last: None };
        let bytes = scan.tiny.len() * PICTURE;
        if bytes > BUDGET / 8 {
            return Ok(frames);
        }
        let mut pictures = Vec::new();
        while let Some(picture) = frames.at(pictures.len())? {
            pictures.push(picture);
        }
        Ok(Frames::Kept(self.keep(&scan.path, window, pictures)))
    }

    fn keep(&mut self, path: &Path, window: &Window, pictures: Vec<Thumbnail>) -> Rc<Vec<Thumbnail>> {
        let size = |pictures: &[Thumbnail]| pictures.len() * PICTURE;
        self.bytes += size(&pictures);
        let pictures = Rc::new(pictures);
        self.kept.push_back((path.to_owned(), window.clone(), pictures.clone()));
        while self.bytes > BUDGET
            && let Some((.., oldest)) = self.kept.pop_front()
        {
            self.bytes -= size(&oldest);
        }
        pictures
    }
}

impl Frames<'_> {
    /// A picture that is not before the one asked for last; nothing after the end.
    ///
    /// # Errors
    /// The video cannot be read any more.
    pub fn at(&mut self, frame: usize) -> Result<Option<Thumbnail>> {
        match self {
            Frames::Kept(pictures) => Ok(pictures.get(frame).cloned()),
            Frames::Decoded { window, reader, next, last } => {
                while *next <= frame {
                    let Some(picture) = reader.next()? else { return Ok(None) };
                    if *next == frame {
                        *last = Some(Thumbnail::with(&picture, window, SIDE));
                    }
                    *next += 1;
                }
                Ok(last.clone())
            }
        }
    }
}
