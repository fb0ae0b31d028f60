//! The first line of a Y4M stream.

use crate::{
    picture::{Chroma, Colour, MAX_SIDE, Matrix, Range},
    rational::Rational,
    video::unsignalled,
};

/// The first word of the line.
pub(crate) const MAGIC: &str = "YUV4MPEG2";

/// Which planes a frame has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// 4:2:0; where the chroma samples sit is not distinguished.
    Yuv420,
    /// 4:4:4.
    Yuv444,
    /// Luma only.
    Mono,
}

/// What the first line of a Y4M stream says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) fps: Rational,
    pub(crate) colour: Colour,
    pub(crate) layout: Layout,
}

impl Header {
    /// Reads the line, without its line feed. The reason of a refusal says what to do.
    pub(crate) fn parse(line: &[u8]) -> Result<Header, String> {
        let line = String::from_utf8_lossy(line);
        let mut words = line.split(' ');
        if words.next() != Some(MAGIC) {
            return Err(format!(
                "it does not begin with {MAGIC}, so this is not a Y4M stream: \
                 `ffmpeg -i INPUT -f yuv4mpegpipe -` makes one of any video"
            ));
        }
        let (mut width, mut height, mut fps, mut layout) = (None, None, None, Layout::Yuv420);
        let (mut range, mut matrix, mut chroma) = (None, None, Chroma::Bilinear);
        for word in words.filter(|word| !word.is_empty()) {
            let mut letters = word.chars();
            let tag = letters.next();
            let value = letters.as_str();
            match tag {
                Some('W') => width = Some(side("width", value)?),
                Some('H') => height = Some(side("height", value)?),
                Some('F') => fps = frame_rate(value)?,
                Some('C') => layout = parse_layout(value)?,
                Some('X') => match value {
                    "COLORRANGE=FULL" => range = Some(Range::Full),
                    "COLORRANGE=LIMITED" => range = Some(Range::Limited),
                    "MATRIX=BT709" => matrix = Some(Matrix::Bt709),
                    "MATRIX=BT601" => matrix = Some(Matrix::Bt601),
                    "CHROMA=NEAREST" => chroma = Chroma::Nearest,
                    "CHROMA=GUIDED" => chroma = Chroma::Guided,
                    _ => {}
                },
                // Interlacing and aspect ratio do not change how samples are coded; other tags are to be ignored.
                _ => {}
            }
        }
        let width = width.ok_or("it gives no width (W)")?;
        let height = height.ok_or("it gives no height (H)")?;
        let assumed = unsignalled(width, height);
        let (matrix, range) = (matrix.unwrap_or(assumed.matrix), range.unwrap_or(assumed.range));
        let colour = Colour { matrix, range, chroma };
        Ok(Header { width, height, fps: fps.unwrap_or(Rational::DEFAULT_FPS), colour, layout })
    }

    /// The line with its line feed. `XMATRIX` and `XCHROMA` are our own tags; the format has none for them.
    pub(crate) fn line(&self) -> String {
        let range = match self.colour.range {
            Range::Full => "FULL",
            Range::Limited => "LIMITED",
        };
        let matrix = match self.colour.matrix {
            Matrix::Bt709 => "BT709",
            Matrix::Bt601 => "BT601",
        };
        let layout = match self.layout {
            Layout::Yuv420 => "420jpeg",
            Layout::Yuv444 => "444",
            Layout::Mono => "mono",
        };
        let chroma = match (self.layout, self.colour.chroma) {
            (Layout::Yuv420, Chroma::Nearest) => " XCHROMA=NEAREST",
            (Layout::Yuv420, Chroma::Guided) => " XCHROMA=GUIDED",
            _ => "",
        };
        let Header { width, height, fps, .. } = self;
        format!(
            "YUV4MPEG2 W{width} H{height} F{}:{} Ip A1:1 C{layout} XCOLORRANGE={range} XMATRIX={matrix}{chroma}\n",
            fps.num, fps.den
        )
    }
}

fn side(name: &str, value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(side) if (1..=MAX_SIDE).contains(&side) => Ok(side),
        _ => Err(format!("the {name} is `{value}`, but sides go from 1 to {MAX_SIDE}")),
    }
}

/// `None` for 0:0, which means that the rate is not known.
fn frame_rate(value: &str) -> Result<Option<Rational>, String> {
    let invalid = || format!("the frame rate is `{value}`, expected one such as 30000:1001");
    let (num, den) = value.split_once(':').ok_or_else(invalid)?;
    match (num.parse::<u64>(), den.parse::<u64>()) {
        (Ok(0), Ok(0)) => Ok(None),
        (Ok(num), Ok(den)) => Rational::new(num, den).map(Some).ok_or_else(invalid),
        _ => Err(invalid()),
    }
}

fn parse_layout(value: &str) -> Result<Layout, String> {
    match value {
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Ok(Layout::Yuv420),
        "444" => Ok(Layout::Yuv444),
        "mono" => Ok(Layout::Mono),
        _ => Err(format!(
            "the colour space is `{value}`, but only 8-bit 420, 444 and mono are read: \
             convert it with `ffmpeg -i INPUT -pix_fmt yuv420p OUTPUT.y4m`"
        )),
    }
}
