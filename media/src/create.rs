//! The one place that opens outputs.

use std::path::{Path, PathBuf};

use crate::{
    error::{Error, Result},
    ffmpeg,
    folder::{FolderWriter, ImageWriter},
    frame_times::FrameTimes,
    picture::Picture,
    video::{FrameWriter, VideoInfo},
    y4m,
};

/// How to create an output.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreateOptions {
    /// Whether to replace what is there. In a folder, the frames `im1.png`, `im2.png`, ... are replaced and all
    /// other files are kept.
    pub overwrite: bool,
}

/// File types that `ffmpeg` writes; any other name is that of a folder.
const FFMPEG_TYPES: [&str; 33] = [
    "264", "265", "3gp", "apng", "asf", "avi", "avif", "bmp", "dv", "flv", "gif", "h264", "h265", "hevc",
    "ivf", "jpeg", "jpg", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mxf", "nut", "ogv", "tif",
    "tiff", "ts", "webm", "webp", "wmv",
];

/// Begins the output `output` of frames as `info` describes them: `-` is Y4M on standard output, `.y4m` a Y4M file
/// (4:4:4 if the first frame is, else 4:2:0), `.png` one image, a known type of video by way of `ffmpeg` (`.mp4`,
/// `.m4v`, `.mkv` and `.mov` as nearly lossless H.264), and a name that ends in `/` or in none of these types a folder
/// of `im1.png`, `im2.png`, ...
///
/// # Errors
/// An output that exists and may not be overwritten, a failure to create it, or `ffmpeg` missing where it is needed.
pub fn create(output: &str, info: &VideoInfo, options: CreateOptions) -> Result<Box<dyn FrameWriter>> {
    if output == "-" {
        return Ok(Box::new(y4m::Writer::stdout(info)?));
    }
    let path = PathBuf::from(output);
    match extension(output).as_str() {
        "y4m" => Ok(Box::new(y4m::Writer::file(&path, info, options.overwrite)?)),
        "png" => Ok(Box::new(ImageWriter::new(&path, info, options.overwrite)?)),
        known if FFMPEG_TYPES.contains(&known) => {
            Ok(Box::new(ffmpeg::Writer::new(&path, known, info, None, options.overwrite)?))
        }
        _ => Ok(Box::new(FolderWriter::new(&path, info, options.overwrite)?)),
    }
}

/// File types in which every frame has a time of its own.
const TIMED_TYPES: [&str; 7] = ["m4v", "mkv", "mov", "mp4", "nut", "ts", "webm"];

/// Whether [`create_timed`] can give each frame of this output a time of its own: `.mp4`, `.m4v` and `.mov` keep any time,
/// `.mkv`, `.webm` round to milliseconds, `.ts` and `.nut` to ticks of their own.
pub fn keeps_times(output: &str) -> bool {
    TIMED_TYPES.contains(&extension(output).as_str())
}

/// [`create`] for frames that do not follow each other at one rate; an output of which [`keeps_times`] does not hold shows
/// them at the rate of `info` all the same.
///
/// # Errors
/// Those of [`create`].
pub fn create_timed(
    output: &str,
    info: &VideoInfo,
    times: &FrameTimes,
    options: CreateOptions,
) -> Result<Box<dyn FrameWriter>> {
    match keeps_times(output) && times.is_increasing() {
        true => Ok(Box::new(ffmpeg::Writer::new(
            Path::new(output),
            &extension(output),
            info,
            Some(times),
            options.overwrite,
        )?)),
        false => create(output, info, options),
    }
}

/// The file type that a name says, in lower case; nothing for the name of a folder.
fn extension(output: &str) -> String {
    match Path::new(output).extension().and_then(|extension| extension.to_str()) {
        Some(extension) if !output.ends_with(['/', std::path::MAIN_SEPARATOR]) => {
            extension.to_ascii_lowercase()
        }
        _ => String::new(),
    }
}

/// Checks that a frame has the size of its video.
pub(crate) fn check_frame(path: &Path, info: &VideoInfo, picture: &Picture) -> Result<()> {
    let (found, expected) = (picture.size(), (info.width, info.height));
    match found == expected {
        true => Ok(()),
        false => Err(Error::FrameSize { path: path.to_owned(), found, expected }),
    }
}
