//! What every input and every output offers.

use crate::{
    error::Result,
    frame_times::FrameTimes,
    picture::{Colour, Picture},
    rational::Rational,
};

/// What is known of a video before its frames are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoInfo {
    /// Luma width in samples, 1 to [`MAX_SIDE`](crate::MAX_SIDE).
    pub width: usize,
    /// Luma height in samples, 1 to [`MAX_SIDE`](crate::MAX_SIDE).
    pub height: usize,
    /// Frames per second.
    pub fps: Rational,
    /// How Y'CbCr frames are to be understood; for RGB frames, what they should be converted to unless the reader of
    /// the frames chooses, for example by [`best_for`](crate::colour::best_for).
    pub colour: Colour,
    /// How many frames will follow, where that is known without reading them. For a source of
    /// [`SourceKind::Ffmpeg`] it is what the file claims: good for a progress bar, not to be relied upon.
    pub frames: Option<u64>,
    /// Where the frames come from.
    pub source: SourceKind,
}

/// Where frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceKind {
    /// A folder of images, or a single image.
    Images,
    /// A `.y4m` file.
    Y4m,
    /// Y4M on standard input.
    Stdin,
    /// Any other file, by way of `ffmpeg`.
    Ffmpeg,
    /// None of these: made by a program, as the frames of a decoder are.
    Other,
}

/// A source of frames in the order of display.
pub trait FrameReader: Send {
    /// Size, frame rate and colour of all frames.
    fn info(&self) -> &VideoInfo;

    /// The next frame, or `None` after the last.
    ///
    /// # Errors
    /// A frame that cannot be read or has another size than the video; the message names its file or its index.
    fn next(&mut self) -> Result<Option<Picture>>;

    /// After the last frame: when frames are shown, if [`OpenOptions::times`](crate::OpenOptions::times) asked for it and
    /// they do not follow each other at one rate.
    ///
    /// # Errors
    /// They were asked for and cannot be read.
    fn times(&mut self) -> Result<Option<FrameTimes>> {
        Ok(None)
    }
}

/// A destination of frames. Nothing appears under the output's name before [`FrameWriter::finish`]; a writer that is
/// dropped without it removes what it has written.
pub trait FrameWriter: Send {
    /// Appends a frame. Its Y'CbCr samples are in the colour that the output was created with.
    ///
    /// # Errors
    /// A frame of another size than the video, or a failure to write.
    fn write(&mut self, picture: &Picture) -> Result<()>;

    /// Completes the output and gives it its name.
    ///
    /// # Errors
    /// A failure to write; the output is then not there.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// The colour of video that does not say it: limited range, and the matrix that players assume from the size.
pub(crate) fn unsignalled(width: usize, height: usize) -> Colour {
    use crate::picture::{Chroma, Matrix, Range};
    let matrix = if width >= 1280 || height > 576 { Matrix::Bt709 } else { Matrix::Bt601 };
    Colour { matrix, range: Range::Limited, chroma: Chroma::Bilinear }
}
