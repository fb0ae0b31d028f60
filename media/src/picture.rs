//! 8-bit pictures: planar 4:2:0 inside the codec, RGB and 4:4:4 at its edges.

use serde::{Deserialize, Serialize};

use crate::{
    colour,
    error::{Error, Result},
};

/// The longest side of a picture, in samples.
pub const MAX_SIDE: usize = 16384;

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

impl Yuv420 {
    /// A picture of these planes.
    ///
    /// # Errors
    /// A side outside 1..=[`MAX_SIDE`], or a plane whose length does not follow from the size.
    pub fn new(width: usize, height: usize, y: Vec<u8>, u: Vec<u8>, v: Vec<u8>) -> Result<Yuv420> {
        check_size(width, height)?;
        let chroma = width.div_ceil(2) * height.div_ceil(2);
        check_plane("Y", width, height, width * height, y.len())?;
        check_plane("U", width, height, chroma, u.len())?;
        check_plane("V", width, height, chroma, v.len())?;
        Ok(Yuv420 { width, height, y, u, v })
    }

    /// Width of the chroma planes: half the luma's, rounded up.
    pub fn chroma_width(&self) -> usize {
        self.width.div_ceil(2)
    }

    /// Height of the chroma planes: half the luma's, rounded up.
    pub fn chroma_height(&self) -> usize {
        self.height.div_ceil(2)
    }
}

/// A planar Y'CbCr 4:4:4 picture: as [`Yuv420`], with chroma planes of the luma's size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yuv444 {
    /// Width in samples, at least 1.
    pub width: usize,
    /// Height in samples, at least 1.
    pub height: usize,
    /// Luma, `width * height` samples.
    pub y: Vec<u8>,
    /// Blue difference, `width * height` samples.
    pub u: Vec<u8>,
    /// Red difference, `width * height` samples.
    pub v: Vec<u8>,
}

impl Yuv444 {
    /// A picture of these planes.
    ///
    /// # Errors
    /// A side outside 1..=[`MAX_SIDE`], or a plane whose length is not `width * height`.
    pub fn new(width: usize, height: usize, y: Vec<u8>, u: Vec<u8>, v: Vec<u8>) -> Result<Yuv444> {
        check_size(width, height)?;
        check_plane("Y", width, height, width * height, y.len())?;
        check_plane("U", width, height, width * height, u.len())?;
        check_plane("V", width, height, width * height, v.len())?;
        Ok(Yuv444 { width, height, y, u, v })
    }
}

/// An RGB picture, 8 bits a sample, pixels interleaved as R, G, B, row by row without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgb8 {
    /// Width in pixels, at least 1.
    pub width: usize,
    /// Height in pixels, at least 1.
    pub height: usize,
    /// `width * height * 3` samples.
    pub data: Vec<u8>,
}

impl Rgb8 {
    /// A picture of these samples.
    ///
    /// # Errors
    /// A side outside 1..=[`MAX_SIDE`], or data of another length than `width * height * 3`.
    pub fn new(width: usize, height: usize, data: Vec<u8>) -> Result<Rgb8> {
        check_size(width, height)?;
        check_plane("RGB", width, height, width * height * 3, data.len())?;
        Ok(Rgb8 { width, height, data })
    }
}

/// A picture as its source holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// RGB, as images are.
    Rgb(Rgb8),
    /// 4:2:0, as most videos are.
    Yuv420(Yuv420),
    /// 4:4:4.
    Yuv444(Yuv444),
}

impl Picture {
    /// Width and height in luma samples.
    pub fn size(&self) -> (usize, usize) {
        match self {
            Picture::Rgb(picture) => (picture.width, picture.height),
            Picture::Yuv420(picture) => (picture.width, picture.height),
            Picture::Yuv444(picture) => (picture.width, picture.height),
        }
    }

    /// The picture as 4:2:0. RGB is converted to `colour`; Y'CbCr samples are in `colour` already and keep their values.
    pub fn to_yuv420(&self, colour: Colour) -> Yuv420 {
        match self {
            Picture::Rgb(picture) => colour::rgb_to_yuv420(picture, colour),
            Picture::Yuv420(picture) => picture.clone(),
            Picture::Yuv444(picture) => colour::yuv444_to_yuv420(picture),
        }
    }

    /// As [`Picture::to_yuv420`], without copying a picture that is 4:2:0 already.
    pub fn into_yuv420(self, colour: Colour) -> Yuv420 {
        match self {
            Picture::Yuv420(picture) => picture,
            other => other.to_yuv420(colour),
        }
    }

    /// The picture as RGB. Y'CbCr samples are understood as being in `colour`; RGB keeps its values.
    pub fn to_rgb(&self, colour: Colour) -> Rgb8 {
        match self {
            Picture::Rgb(picture) => picture.clone(),
            Picture::Yuv420(picture) => colour::yuv420_to_rgb(picture, colour),
            Picture::Yuv444(picture) => colour::yuv444_to_rgb(picture, colour),
        }
    }
}

impl From<Rgb8> for Picture {
    fn from(picture: Rgb8) -> Picture {
        Picture::Rgb(picture)
    }
}

impl From<Yuv420> for Picture {
    fn from(picture: Yuv420) -> Picture {
        Picture::Yuv420(picture)
    }
}

impl From<Yuv444> for Picture {
    fn from(picture: Yuv444) -> Picture {
        Picture::Yuv444(picture)
    }
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

/// How 4:2:0 chroma is brought to the luma's resolution. In any case it is made by averaging 2x2 samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chroma {
    /// Interpolated with weights 9, 3, 3, 1 over 16.
    #[default]
    Bilinear,
    /// Repeated over its 2x2 luma samples, which undoes the averaging of pictures made in the same way.
    Nearest,
    /// Interpolated, with the detail that luma has, as far as chroma follows luma around.
    Guided,
}

impl Chroma {
    fn is_bilinear(&self) -> bool {
        *self == Chroma::Bilinear
    }
}

/// How the samples of a [`Yuv420`] are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Colour {
    /// Conversion matrix.
    pub matrix: Matrix,
    /// Code range.
    pub range: Range,
    /// How chroma is brought to the luma's resolution.
    #[serde(default, skip_serializing_if = "Chroma::is_bilinear")]
    pub chroma: Chroma,
}

impl Colour {
    /// What RGB input is converted to unless something else is asked for: BT.709, full range.
    pub const RGB_INPUT: Colour =
        Colour { matrix: Matrix::Bt709, range: Range::Full, chroma: Chroma::Bilinear };

    /// Every colour, [`Colour::RGB_INPUT`] first.
    pub fn all() -> impl Iterator<Item = Colour> {
        let chromas = [Chroma::Bilinear, Chroma::Nearest, Chroma::Guided];
        [Matrix::Bt709, Matrix::Bt601].into_iter().flat_map(move |matrix| {
            [Range::Full, Range::Limited]
                .into_iter()
                .flat_map(move |range| chromas.map(|chroma| Colour { matrix, range, chroma }))
        })
    }
}

fn check_size(width: usize, height: usize) -> Result<()> {
    match (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height) {
        true => Ok(()),
        false => Err(Error::Size { width, height }),
    }
}

fn check_plane(
    plane: &'static str,
    width: usize,
    height: usize,
    expected: usize,
    found: usize,
) -> Result<()> {
    match expected == found {
        true => Ok(()),
        false => Err(Error::Plane { plane, width, height, expected, found }),
    }
}
