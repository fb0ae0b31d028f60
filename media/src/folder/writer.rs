//! Writes frames as PNG: `im1.png`, `im2.png`, ... in a folder, or one image.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

use crate::{
    atomic_file::AtomicFile,
    create::check_frame,
    error::{Error, Result},
    pending::Pending,
    picture::{Colour, Picture},
    video::{FrameWriter, VideoInfo},
};

/// A folder of frames. A new folder gets its name when it is complete; into an existing one the frames move then.
pub(crate) struct FolderWriter {
    target: PathBuf,
    info: VideoInfo,
    staging: Pending,
    existing: bool,
    frames: u64,
}

impl FolderWriter {
    /// Begins a folder of frames at `target`.
    pub(crate) fn new(target: &Path, info: &VideoInfo, overwrite: bool) -> Result<FolderWriter> {
        let existing = match fs::metadata(target) {
            Ok(metadata) if metadata.is_dir() => true,
            Ok(_) => return Err(Error::NotAFolder { path: target.to_owned() }),
            Err(_) => false,
        };
        let staging = if existing {
            check_content(target, overwrite)?;
            Pending::folder_inside(target)?
        } else {
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
            }
            Pending::folder_beside(target)?
        };
        Ok(FolderWriter { target: target.to_owned(), info: info.clone(), staging, existing, frames: 0 })
    }
}

impl FrameWriter for FolderWriter {
    fn write(&mut self, picture: &Picture) -> Result<()> {
        check_frame(&self.target, &self.info, picture)?;
        self.frames += 1;
        let path = self.staging.path().join(frame_name(self.frames));
        let file = File::create_new(&path).map_err(Error::io("create", &path))?;
        write_png(&path, BufWriter::new(file), picture, self.info.colour)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        if !self.existing {
            return self.staging.publish_folder(&self.target);
        }
        for frame in written_frames(&self.target)? {
            fs::remove_file(&frame).map_err(Error::io("replace", &frame))?;
        }
        for frame in 1..=self.frames {
            let (from, to) =
                (self.staging.path().join(frame_name(frame)), self.target.join(frame_name(frame)));
            fs::rename(&from, &to).map_err(Error::io("create", &to))?;
        }
        Ok(())
    }
}

/// A single PNG file, which holds one frame.
pub(crate) struct ImageWriter {
    file: AtomicFile,
    info: VideoInfo,
    written: bool,
}

impl ImageWriter {
    /// Begins the image `target`.
    pub(crate) fn new(target: &Path, info: &VideoInfo, overwrite: bool) -> Result<ImageWriter> {
        Ok(ImageWriter { file: AtomicFile::create(target, overwrite)?, info: info.clone(), written: false })
    }
}

impl FrameWriter for ImageWriter {
    fn write(&mut self, picture: &Picture) -> Result<()> {
        let path = self.file.target().to_owned();
        check_frame(&path, &self.info, picture)?;
        if self.written {
            return Err(Error::OneImage { path });
        }
        self.written = true;
        write_png(&path, &mut self.file, picture, self.info.colour)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.file.commit()
    }
}

fn frame_name(number: u64) -> String {
    format!("im{number}.png")
}

fn is_written_frame(name: &OsStr) -> bool {
    let number = name.to_str().and_then(|name| name.strip_prefix("im")?.strip_suffix(".png"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Checks that frames may be written into the existing folder `target`.
fn check_content(target: &Path, overwrite: bool) -> Result<()> {
    for entry in fs::read_dir(target).map_err(Error::io("read", target))? {
        let entry = entry.map_err(Error::io("read", target))?;
        let name = entry.file_name();
        if !overwrite && !name.as_encoded_bytes().starts_with(b".") {
            return Err(Error::Exists { path: target.to_owned() });
        }
        // Such an image would be read as a frame beside the new ones, and is not ours to delete.
        if super::is_image(Path::new(&name)) && !is_written_frame(&name) {
            return Err(Error::ForeignImage { image: entry.path() });
        }
    }
    Ok(())
}

/// The frames that an earlier run wrote into `target`.
fn written_frames(target: &Path) -> Result<Vec<PathBuf>> {
    let mut frames = Vec::new();
    for entry in fs::read_dir(target).map_err(Error::io("read", target))? {
        let entry = entry.map_err(Error::io("read", target))?;
        if is_written_frame(&entry.file_name()) {
            frames.push(entry.path());
        }
    }
    Ok(frames)
}

fn write_png(path: &Path, mut file: impl Write, picture: &Picture, colour: Colour) -> Result<()> {
    let converted;
    let rgb = match picture {
        Picture::Rgb(rgb) => rgb,
        other => {
            converted = other.to_rgb(colour);
            &converted
        }
    };
    PngEncoder::new(&mut file)
        .write_image(&rgb.data, rgb.width as u32, rgb.height as u32, ExtendedColorType::Rgb8)
        .map_err(|error| match error {
            image::ImageError::IoError(error) => Error::io("write", path)(error),
            other => Error::Image { path: path.to_owned(), reason: other.to_string() },
        })?;
    file.flush().map_err(Error::io("write", path))
}
