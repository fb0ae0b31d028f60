//! The header: what is known before the first frame is coded.

use std::io::Read;

use vcn_media::{Chroma, Colour, MAX_SIDE, Matrix, Range, Rational};

use super::{
    input::Input,
    sum::{check_short, hexadecimal, short},
    varint,
};
use crate::{Error, Result};

/// The format version that this program writes and reads.
pub const VERSION: u8 = 1;

/// The quality index goes from 0, the smallest file, to this, the best picture.
pub const MAX_QUALITY: u8 = 63;

/// First bytes of a file. The first has its high bit set, so that text is never mistaken for video.
const MAGIC: [u8; 4] = *b"\x89VCN";

/// What the model was trained to optimise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// Mean squared error.
    Psnr,
    /// Multi-scale structural similarity.
    MsSsim,
}

impl Metric {
    /// All of them.
    pub const ALL: [Metric; 2] = [Metric::Psnr, Metric::MsSsim];

    /// As it is written on command lines, in reports and in training records.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Psnr => "psnr",
            Metric::MsSsim => "ms-ssim",
        }
    }
}

/// The fixed facts of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// BLAKE3 digest of the checkpoint that decodes the file.
    pub model: [u8; 32],
    /// Luma width, `1..=16384`.
    pub width: u32,
    /// Luma height, `1..=16384`.
    pub height: u32,
    /// Frames per second.
    pub fps: Rational,
    /// Colour of the decoded pictures.
    pub colour: Colour,
    /// Quality index, `0..=63`. What each frame really used is in its own syntax.
    pub quality: u8,
    /// Metric of the model.
    pub metric: Metric,
}

impl Header {
    /// The bytes of the header.
    ///
    /// # Errors
    /// [`Error::Field`] for a value outside the format.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check(0)?;
        let mut body = self.model.to_vec();
        for value in [self.width, self.height, self.fps.num, self.fps.den] {
            varint::put(&mut body, value.into());
        }
        let matrix = match self.colour.matrix {
            Matrix::Bt709 => 0,
            Matrix::Bt601 => 1,
        };
        let range = match self.colour.range {
            Range::Full => 0,
            Range::Limited => 1,
        };
        let chroma = match self.colour.chroma {
            Chroma::Bilinear => 0,
            Chroma::Nearest => 1,
            Chroma::Guided => 2,
        };
        let metric = match self.metric {
            Metric::Psnr => 0,
            Metric::MsSsim => 1,
        };
        body.extend([chroma << 6 | range << 4 | matrix, self.quality, metric]);

        let mut bytes = MAGIC.to_vec();
        bytes.extend([VERSION, body.len() as u8]);
        bytes.extend(body);
        bytes.extend(short(&bytes));
        Ok(bytes)
    }

    /// Reads the header at the beginning of a file.
    pub(super) fn read<R: Read>(input: &mut Input<R>) -> Result<Header> {
        let what = "the header";
        let start = input.offset();
        input.begin();
        let magic: [u8; 4] = input.field(what)?;
        if magic != MAGIC {
            return Err(Error::NotVcn { found: hexadecimal(&magic), expected: hexadecimal(&MAGIC) });
        }
        let [version] = input.field(what)?;
        if version != VERSION {
            return Err(Error::Version { found: version, supported: VERSION });
        }
        let [length] = input.field(what)?;
        let body_start = input.offset();
        let body = input.bulk(length.into(), what)?;
        let whole = [input.part(), body.as_slice()].concat();
        check_short(&whole, input.field(what)?, what, start)?;

        let mut fields = Input::new(body.as_slice(), body_start);
        let model = fields.field("the model digest")?;
        let width = number(&mut fields, "the width")?;
        let height = number(&mut fields, "the height")?;
        let num = number(&mut fields, "the frame rate's numerator")?;
        let den = number(&mut fields, "the frame rate's denominator")?;
        let offset = fields.offset();
        let [colour, quality, metric] = fields.field("the colour, quality and metric")?;
        let field = |what, found: u8, expected| Error::Field { what, offset, found: found.into(), expected };
        let matrix = match colour & 15 {
            0 => Matrix::Bt709,
            1 => Matrix::Bt601,
            _ => return Err(field("the colour", colour, "a matrix (low 4 bits) of 0 or 1")),
        };
        let range = match colour >> 4 & 3 {
            0 => Range::Full,
            1 => Range::Limited,
            _ => return Err(field("the colour", colour, "a range (bits 4 and 5) of 0 or 1")),
        };
        let chroma = match colour >> 6 {
            0 => Chroma::Bilinear,
            1 => Chroma::Nearest,
            2 => Chroma::Guided,
            _ => return Err(field("the colour", colour, "a chroma upsampling (bits 6 and 7) of 0, 1 or 2")),
        };
        let metric = match metric {
            0 => Metric::Psnr,
            1 => Metric::MsSsim,
            _ => return Err(field("the metric", metric, "0 (PSNR) or 1 (MS-SSIM)")),
        };
        if !fields.at_end()? {
            return Err(field("the header's length", length, "no bytes after its last field"));
        }
        let colour = Colour { matrix, range, chroma };
        let header = Header { model, width, height, fps: Rational { num, den }, colour, quality, metric };
        header.check(start)?;
        Ok(header)
    }

    fn check(&self, offset: u64) -> Result<()> {
        let field =
            |what, found: u32, expected| Err(Error::Field { what, offset, found: found.into(), expected });
        let side = 1..=MAX_SIDE as u32;
        match self {
            _ if !side.contains(&self.width) => field("the width", self.width, "1..=16384"),
            _ if !side.contains(&self.height) => field("the height", self.height, "1..=16384"),
            _ if self.fps.num == 0 => field("the frame rate's numerator", 0, "at least 1"),
            _ if self.fps.den == 0 => field("the frame rate's denominator", 0, "at least 1"),
            _ if self.quality > MAX_QUALITY => field("the quality", self.quality.into(), "0..=63"),
            _ => Ok(()),
        }
    }
}

fn number(fields: &mut Input<&[u8]>, what: &'static str) -> Result<u32> {
    let offset = fields.offset();
    let found = fields.varint(what)?;
    u32::try_from(found).map_err(|_| Error::Field { what, offset, found, expected: "at most 32 bits" })
}
