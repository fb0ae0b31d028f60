//! The one error of this crate. Every message names the file, the value that was found and what to do.

use std::path::PathBuf;

use crate::picture::MAX_SIDE;

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with pictures, inputs and outputs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A picture with a side of 0 or above [`MAX_SIDE`].
    #[error("a picture of {width}x{height} is not possible: sides go from 1 to {MAX_SIDE}")]
    Size {
        /// Width asked for.
        width: usize,
        /// Height asked for.
        height: usize,
    },

    /// A plane whose length does not follow from the picture's size.
    #[error("the {plane} plane of a {width}x{height} picture needs {expected} bytes, but {found} were given")]
    Plane {
        /// Which plane.
        plane: &'static str,
        /// Picture width.
        width: usize,
        /// Picture height.
        height: usize,
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        found: usize,
    },

    /// Text that is not a frame rate.
    #[error("`{value}` is not a frame rate: write it as 25, 29.97 or 30000/1001")]
    Rate {
        /// The text.
        value: String,
    },

    /// The input does not exist.
    #[error("{}: no such file or folder", path.display())]
    NotFound {
        /// The input.
        path: PathBuf,
    },

    /// The operating system refused an operation.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Io {
        /// What was tried, as in "cannot ...".
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },

    /// An input with a side of 0 or above [`MAX_SIDE`].
    #[error("{}: its frames are {width}x{height}, but sides go from 1 to {MAX_SIDE}: scale it first", path.display())]
    FileSize {
        /// The input.
        path: PathBuf,
        /// Width found.
        width: u64,
        /// Height found.
        height: u64,
    },

    /// A picture whose size differs from the others of its video.
    #[error(
        "{}: this frame is {}x{}, but the video is {}x{}: all frames of a video have one size",
        path.display(), found.0, found.1, expected.0, expected.1
    )]
    FrameSize {
        /// The frame's file, or the output that it was written to.
        path: PathBuf,
        /// Width and height of the frame.
        found: (usize, usize),
        /// Width and height of the video.
        expected: (usize, usize),
    },

    /// An image that cannot be decoded.
    #[error("{}: not a readable image: {reason}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// What the decoder says.
        reason: String,
    },

    /// An input without any frame.
    #[error("{}: no frames in it: {expected}", path.display())]
    NoFrames {
        /// The input.
        path: PathBuf,
        /// What would have been read.
        expected: &'static str,
    },

    /// More frames to skip than there are.
    #[error("{}: cannot skip {skip} frames, there are only {frames}", path.display())]
    Skip {
        /// The input.
        path: PathBuf,
        /// Frames to skip.
        skip: u64,
        /// Frames there are.
        frames: u64,
    },

    /// A frame limit of 0.
    #[error("{}: a limit of 0 frames leaves nothing to read: give 1 or more, or no limit", path.display())]
    Limit {
        /// The input.
        path: PathBuf,
    },

    /// A Y4M stream header that is malformed or asks for what is not supported.
    #[error("{}: bad Y4M header: {reason}", path.display())]
    Y4mHeader {
        /// The stream.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },

    /// A Y4M frame that is malformed or cut short.
    #[error("{}: frame {frame} (counted from 0) of this Y4M stream {reason}", path.display())]
    Y4mFrame {
        /// The stream.
        path: PathBuf,
        /// Index of the frame in the file, from 0.
        frame: u64,
        /// What is wrong with it, as in "the frame ...".
        reason: String,
    },

    /// `ffmpeg` or `ffprobe` is not installed.
    #[error(
        "{}: needs `{program}`, which is not installed: `apt-get install ffmpeg`, \
         or use a folder of PNG or a .y4m file, which need no other program", path.display()
    )]
    FfmpegMissing {
        /// `ffmpeg` or `ffprobe`.
        program: &'static str,
        /// The file that needs it.
        path: PathBuf,
    },

    /// `ffmpeg` or `ffprobe` failed.
    #[error("{}: {program} failed: {message}", path.display())]
    Ffmpeg {
        /// `ffmpeg` or `ffprobe`.
        program: &'static str,
        /// The file that it worked on.
        path: PathBuf,
        /// The last line that it printed, or its exit status.
        message: String,
    },

    /// The output is there already.
    #[error("{}: exists already: choose another name, or replace it with --overwrite", path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },

    /// A folder of frames is to be written where a file is.
    #[error("{}: is a file, but frames go to a folder: choose another name", path.display())]
    NotAFolder {
        /// The output.
        path: PathBuf,
    },

    /// A file is to be written where a folder is.
    #[error("{}: is a folder, but a file is to be written: choose another name", path.display())]
    NotAFile {
        /// The output.
        path: PathBuf,
    },

    /// The output folder holds images that vcn did not write; replacing them could destroy somebody's pictures.
    #[error(
        "{}: is not a frame that vcn wrote (im1.png, im2.png, ...), so --overwrite does not touch its folder: \
         move it away or choose another folder", image.display()
    )]
    ForeignImage {
        /// The first such image.
        image: PathBuf,
    },

    /// A second frame for an image file.
    #[error("{}: an image file holds one frame: write to a folder instead", path.display())]
    OneImage {
        /// The output.
        path: PathBuf,
    },

    /// A line of a clip list that does not name a clip.
    #[error("{}: line {line} is `{found}`, expected a clip such as 00001/0001", path.display())]
    ClipList {
        /// The list.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What the line says.
        found: String,
    },
}

#[cfg(feature = "files")]
impl Error {
    /// For `map_err` after a failed system call.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| match source.kind() {
            std::io::ErrorKind::NotFound if doing == "read" => Error::NotFound { path },
            _ => Error::Io { doing, path, source },
        }
    }
}
