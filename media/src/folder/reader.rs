//! Reads images as the frames of a video.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use image::{ImageReader, Limits};

use crate::{
    error::{Error, Result},
    natural_order,
    open::OpenOptions,
    picture::{Colour, MAX_SIDE, Picture, Rgb8},
    rational::Rational,
    video::{FrameReader, SourceKind, VideoInfo},
};

/// The images of a folder, or one image.
pub(crate) struct Reader {
    info: VideoInfo,
    frames: std::vec::IntoIter<PathBuf>,
}

impl Reader {
    /// All images of a folder in natural order; hidden files and files of other types are ignored.
    pub(crate) fn folder(path: &Path, options: OpenOptions) -> Result<Reader> {
        let mut frames = Vec::new();
        for entry in fs::read_dir(path).map_err(Error::io("read", path))? {
            let frame = entry.map_err(Error::io("read", path))?.path();
            if super::is_image(&frame) && frame.is_file() {
                frames.push(frame);
            }
        }
        frames.sort_by(|a, b| {
            let name = |path: &Path| path.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
            natural_order::compare(&name(a), &name(b))
        });
        Reader::new(path, frames, options)
    }

    /// A video of one frame.
    pub(crate) fn image(path: &Path, options: OpenOptions) -> Result<Reader> {
        Reader::new(path, vec![path.to_owned()], options)
    }

    fn new(path: &Path, mut frames: Vec<PathBuf>, options: OpenOptions) -> Result<Reader> {
        let Some(first) = frames.first() else {
            return Err(Error::NoFrames {
                path: path.to_owned(),
                expected: "expected PNG or JPEG images such as im1.png, im2.png",
            });
        };
        let (width, height) = size(first)?;

        let found = frames.len() as u64;
        if options.skip >= found {
            return Err(Error::Skip { path: path.to_owned(), skip: options.skip, frames: found });
        }
        frames.drain(..options.skip as usize);
        if let Some(limit) = options.limit {
            frames.truncate(limit.min(found) as usize);
        }

        let mut info = VideoInfo {
            width,
            height,
            fps: Rational::DEFAULT_FPS,
            colour: Colour::RGB_INPUT,
            frames: Some(frames.len() as u64),
            source: SourceKind::Images,
        };
        options.apply(&mut info);
        Ok(Reader { info, frames: frames.into_iter() })
    }
}

impl FrameReader for Reader {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Result<Option<Picture>> {
        let Some(path) = self.frames.next() else { return Ok(None) };
        let expected = (self.info.width, self.info.height);
        // The size is known before the pixels, so a frame of another size costs no memory.
        let found = size(&path)?;
        if found != expected {
            return Err(Error::FrameSize { path, found, expected });
        }
        let image = decoder(&path)?.decode().map_err(|error| unreadable(&path, &error))?.into_rgb8();
        let picture = Rgb8::new(image.width() as usize, image.height() as usize, image.into_raw())?;
        Ok(Some(Picture::Rgb(picture)))
    }
}

fn size(path: &Path) -> Result<(usize, usize)> {
    let (width, height) = decoder(path)?.into_dimensions().map_err(|error| unreadable(path, &error))?;
    let valid = 1..=MAX_SIDE as u32;
    match valid.contains(&width) && valid.contains(&height) {
        true => Ok((width as usize, height as usize)),
        false => Err(Error::FileSize { path: path.to_owned(), width: width.into(), height: height.into() }),
    }
}

/// A decoder of the format that the file's content, not its name, says.
fn decoder(path: &Path) -> Result<ImageReader<BufReader<File>>> {
    let reader = ImageReader::open(path).map_err(Error::io("read", path))?;
    let mut reader = reader.with_guessed_format().map_err(Error::io("read", path))?;
    let mut limits = Limits::no_limits();
    // 16 bits in each of four channels at the largest size.
    limits.max_alloc = Some((MAX_SIDE * MAX_SIDE * 8) as u64);
    reader.limits(limits);
    Ok(reader)
}

fn unreadable(path: &Path, error: &image::ImageError) -> Error {
    Error::Image { path: path.to_owned(), reason: error.to_string() }
}
