//! Colours as written on the command line and shown.

use vcn_media::{Chroma, Colour, Matrix, Range};

/// The colour of a stream, as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What suits the input.
    Auto,
    /// This one.
    Is(Colour),
}

impl Choice {
    /// The colour, if one was asked for.
    pub fn colour(self) -> Option<Colour> {
        match self {
            Choice::Auto => None,
            Choice::Is(colour) => Some(colour),
        }
    }
}

/// Reads `auto`, or a matrix, a range and perhaps how chroma is brought to luma's resolution, such as
/// `bt601-limited-nearest`.
pub fn choice(text: &str) -> Result<Choice, String> {
    let expected = || {
        "expected auto, or bt709 or bt601, -full or -limited, and perhaps -nearest or -guided: \
         bt601-limited-nearest"
            .to_owned()
    };
    if text == "auto" {
        return Ok(Choice::Auto);
    }
    let (text, chroma) = [("-nearest", Chroma::Nearest), ("-guided", Chroma::Guided)]
        .into_iter()
        .find_map(|(suffix, chroma)| Some((text.strip_suffix(suffix)?, chroma)))
        .unwrap_or((text, Chroma::Bilinear));
    let (matrix, range) = match text {
        "bt709-full" => (Matrix::Bt709, Range::Full),
        "bt709-limited" => (Matrix::Bt709, Range::Limited),
        "bt601-full" => (Matrix::Bt601, Range::Full),
        "bt601-limited" => (Matrix::Bt601, Range::Limited),
        _ => return Err(expected()),
    };
    Ok(Choice::Is(Colour { matrix, range, chroma }))
}

/// For people: `BT.601 limited range, nearest chroma`.
pub fn describe(colour: Colour) -> String {
    let matrix = match colour.matrix {
        Matrix::Bt709 => "BT.709",
        Matrix::Bt601 => "BT.601",
    };
    let range = match colour.range {
        Range::Full => "full",
        Range::Limited => "limited",
    };
    let chroma = match colour.chroma {
        Chroma::Bilinear => "bilinear",
        Chroma::Nearest => "nearest",
        Chroma::Guided => "guided",
    };
    format!("{matrix} {range} range, {chroma} chroma")
}
