//! The one place that opens outputs.

use std::path::{Path, PathBuf};

use crate::{
    error::{Error, Result},
    ffmpeg,
    folder::{FolderWriter, ImageWriter},
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
/// (4:2:0), `.png` one image, a known type of video by way of `ffmpeg` (`.mp4`, `.m4v`, `.mkv` and `.mov` as nearly
/// lossless H.264), and a name that ends in `/` or in none of these types a folder of `im1.png`, `im2.png`, ...
///
/// # Errors
/// An output that exists and may not be overwritten, a failure to create it, or `ffmpeg` missing where it is needed.
pub fn create(output: &str, info: &VideoInfo, options: CreateOptions) -> Result<Box<dyn FrameWriter>> {
    if output == "-" {
        return Ok(Box::new(y4m::Writer::stdout(info)?));
    }
    let path = PathBuf::from(output);
    let extension = match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension) if !output.ends_with(['/', std::path::MAIN_SEPARATOR]) => {
            extension.to_ascii_lowercase()
        }
        _ => String::new(),
    };
    match extension.as_str() {
        "y4m" => Ok(Box::new(y4m::Writer::file(&path, info, options.overwrite)?)),
        "png" => Ok(Box::new(ImageWriter::new(&path, info, options.overwrite)?)),
        known if FFMPEG_TYPES.contains(&known) => {
            Ok(Box::new(ffmpeg::Writer::new(&path, known, info, options.overwrite)?))
        }
        _ => Ok(Box::new(FolderWriter::new(&path, info, options.overwrite)?)),
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
