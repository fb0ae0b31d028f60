//! 8-bit pictures: planar 4:2:0 inside the codec, RGB and 4:4:4 at its edges.

use serde::{Deserialize, Serialize};

/// A planar Y'CbCr 4:2:0 picture, 8 bits a sample, planes stored row by row without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yuv420 {
    /// Luma width in samples, at least 1.
    pub width: usize,
    /// Luma height in samples, at least 1.
    pub height: usize,
    /// Luma, `width * height` samples.
    pub y: Vec<u8>,
    /// Blue difference, `width.div_ceil(2) * height.div_ceil(2)` samples.
    pub u: Vec<u8>,
    /// Red difference, same size as `u`.
    pub v: Vec<u8>,
}

/// Which matrix relates Y'CbCr to RGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Matrix {
    /// Recommendation ITU-R BT.709.
    Bt709,
    /// Recommendation ITU-R BT.601.
    Bt601,
}

/// Which code values stand for black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Range {
    /// 0..=255 for luma and chroma.
    Full,
    /// 16..=235 for luma, 16..=240 for chroma.
    Limited,
}

/// How the samples of a [`Yuv420`] are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Colour {
    /// Conversion matrix.
    pub matrix: Matrix,
    /// Code range.
    pub range: Range,
}

impl Colour {
    /// What RGB input is converted to: BT.709, full range.
    pub const RGB_INPUT: Colour = Colour { matrix: Matrix::Bt709, range: Range::Full };
}
