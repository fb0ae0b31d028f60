//! The one place that opens inputs.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    ffmpeg, folder,
    picture::Colour,
    rational::Rational,
    video::{FrameReader, SourceKind, VideoInfo},
    window::Window,
    y4m,
};

/// How to open an input. The default reads all frames and believes what the input says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// Frame rate, in place of the input's own. Images have none and get [`Rational::DEFAULT_FPS`].
    pub fps: Option<Rational>,
    /// Colour, in place of what the input says or, if it says nothing, of what its size suggests. Samples are not
    /// changed by it. For images: what they should be converted to, in place of [`Colour::RGB_INPUT`].
    pub colour: Option<Colour>,
    /// Number of frames to leave out at the start.
    pub skip: u64,
    /// Number of frames to read at most, 1 or more.
    pub limit: Option<u64>,
    /// Whether to find out when frames are shown, for [`FrameReader::times`].
    pub times: bool,
}

impl OpenOptions {
    /// Puts the caller's wishes in place of what an input says of itself.
    pub(crate) fn apply(&self, info: &mut VideoInfo) {
        info.fps = self.fps.unwrap_or(info.fps);
        info.colour = self.colour.unwrap_or(info.colour);
    }
}

/// Opens `input`: a folder of PNG or JPEG images in natural order, one such image, a `.y4m` file, `-` for Y4M on
/// standard input, and anything else, addresses such as `https://...` included, by way of `ffmpeg`.
///
/// # Errors
/// An input that does not exist, has no frames or cannot be understood; `ffmpeg` missing where it is needed. The
/// message names the file.
pub fn open(input: &str, options: OpenOptions) -> Result<Box<dyn FrameReader>> {
    let path = PathBuf::from(input);
    if options.limit == Some(0) {
        return Err(Error::Limit { path });
    }
    if input == "-" {
        return y4m_stream("standard input".into(), BufReader::new(io::stdin()), SourceKind::Stdin, options);
    }
    if input.contains("://") && !path.exists() {
        return through_ffmpeg(&path, input, options);
    }

    let metadata = fs::metadata(&path).map_err(Error::io("read", &path))?;
    if metadata.is_dir() {
        return Ok(Box::new(folder::Reader::folder(&path, options)?));
    }
    if folder::is_image(&path) {
        return Ok(Box::new(folder::Reader::image(&path, options)?));
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("y4m")) {
        let file = File::open(&path).map_err(Error::io("read", &path))?;
        return y4m_stream(path, BufReader::new(file), SourceKind::Y4m, options);
    }
    // Keeps ffmpeg from taking a file's name for a protocol or an option.
    through_ffmpeg(&path, &format!("file:{input}"), options)
}

fn y4m_stream<S: y4m::Source + 'static>(
    path: PathBuf,
    source: S,
    kind: SourceKind,
    options: OpenOptions,
) -> Result<Box<dyn FrameReader>> {
    let mut reader = y4m::Reader::new(&path, source, kind)?;
    options.apply(reader.info_mut());
    window(reader, &path, options)
}

fn through_ffmpeg(path: &Path, input: &str, options: OpenOptions) -> Result<Box<dyn FrameReader>> {
    let mut reader = ffmpeg::Reader::new(path, input, options.times)?;
    options.apply(reader.info_mut());
    window(reader, path, options)
}

fn window<R: FrameReader + 'static>(
    reader: R,
    path: &Path,
    options: OpenOptions,
) -> Result<Box<dyn FrameReader>> {
    match (options.skip, options.limit) {
        (0, None) => Ok(Box::new(reader)),
        (skip, limit) => Ok(Box::new(Window::new(reader, path, skip, limit)?)),
    }
}
