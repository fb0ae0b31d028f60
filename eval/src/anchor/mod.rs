//! Conventional codecs to compare with, run through ffmpeg.
//!
//! [`SourceWriter`] spools a sequence once, [`Bench`] encodes it with an [`Anchor`] at several CRFs, decodes the files
//! and measures them like ours: size of the elementary stream on disk, quality of what comes back from it.
//!
//! Choices that favour the anchors:
//! - bytes are those of a bare elementary stream; the encoders' self-advertising messages are left out (x265 repeats
//!   2 KiB of it at every key frame, a quarter of a 0.06 bpp file of GOP 12);
//! - RGB goes to 4:2:0 and back by whichever ffmpeg conversion loses less on the sequence, see [`Conversion`];
//! - times exclude that conversion and ffmpeg's start.
//!
//! One thread gives the best rate-distortion and the same bytes on every machine: x264 with `zerolatency` cuts frames
//! into a slice per thread.

mod bench;
mod cache;
mod ffmpeg;
mod raw;
mod source;

use std::{fmt, str::FromStr};

pub use bench::Bench;
pub use cache::Cache;
pub use source::{Conversion, Source, SourceWriter};

use crate::error::Error;

/// An encoder that ffmpeg has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264 by libx264.
    X264,
    /// H.265 by libx265.
    X265,
    /// AV1 by SVT-AV1.
    SvtAv1,
}

impl Codec {
    /// `x264`, `x265` or `svtav1`; reads back with [`FromStr`].
    pub fn name(self) -> &'static str {
        match self {
            Codec::X264 => "x264",
            Codec::X265 => "x265",
            Codec::SvtAv1 => "svtav1",
        }
    }

    /// CRFs that cover about 0.03..0.4 bits per pixel on 416x240 sequences.
    pub fn default_crfs(self) -> &'static [u32] {
        match self {
            Codec::X264 | Codec::X265 => &[19, 23, 27, 31, 35, 39],
            Codec::SvtAv1 => &[28, 35, 42, 49, 56, 63],
        }
    }

    /// The coarsest CRF that there is.
    fn last_crf(self) -> u32 {
        match self {
            Codec::X264 | Codec::X265 => 51,
            Codec::SvtAv1 => 63,
        }
    }
}

/// How far the encoder may look ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tune {
    /// As users run it: B-frames, lookahead, scene cuts.
    None,
    /// Frames are coded in display order without lookahead; for SVT-AV1 its low-delay prediction structure.
    ZeroLatency,
}

/// Distance of key frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gop {
    /// Exactly this many frames: no B-frames, no scene cuts, as DVC and its successors ran their anchors.
    Legacy(u32),
    /// At most this many frames.
    Frames(u32),
    /// One key frame, unless the encoder sees a scene cut.
    Whole,
}

/// An encoder with its setting. Its name, such as `x265-medium-zerolatency-gop32`, reads back with [`FromStr`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Anchor {
    /// Encoder.
    pub codec: Codec,
    /// Its own name for its effort: `veryfast`, `medium`; a number for SVT-AV1.
    pub preset: String,
    /// Lookahead.
    pub tune: Tune,
    /// Key frame distance.
    pub gop: Gop,
}

impl Anchor {
    /// *Legacy*: what DVC, OpenDVC and the seed compared with. x264 and x265 veryfast, zerolatency, GOP 12.
    pub fn legacy() -> Vec<Anchor> {
        [Codec::X264, Codec::X265]
            .map(|codec| Anchor::new(codec, "veryfast", Tune::ZeroLatency, Gop::Legacy(12)))
            .to_vec()
    }

    /// *Honest*: GOP 32 and whole sequence; x264 and x265 veryfast and medium, SVT-AV1 presets 8 and 6; low delay and
    /// as users run them. 24 settings.
    pub fn honest() -> Vec<Anchor> {
        let presets = [
            (Codec::X264, ["veryfast", "medium"]),
            (Codec::X265, ["veryfast", "medium"]),
            (Codec::SvtAv1, ["8", "6"]),
        ];
        let mut anchors = Vec::new();
        for (codec, presets) in presets {
            for preset in presets {
                for tune in [Tune::ZeroLatency, Tune::None] {
                    for gop in [Gop::Frames(32), Gop::Whole] {
                        anchors.push(Anchor::new(codec, preset, tune, gop));
                    }
                }
            }
        }
        anchors
    }

    /// An anchor.
    pub fn new(codec: Codec, preset: &str, tune: Tune, gop: Gop) -> Anchor {
        Anchor { codec, preset: preset.into(), tune, gop }
    }

    /// File name extension of the elementary stream.
    fn extension(&self) -> &'static str {
        match self.codec {
            Codec::X264 => "264",
            Codec::X265 => "265",
            Codec::SvtAv1 => "obu",
        }
    }

    /// ffmpeg's encoding options for a sequence of `frames` frames.
    fn arguments(&self, crf: u32, frames: usize, threads: usize) -> Vec<String> {
        let gop = match self.gop {
            Gop::Legacy(gop) | Gop::Frames(gop) => gop.to_string(),
            Gop::Whole => frames.to_string(),
        };
        let legacy = matches!(self.gop, Gop::Legacy(_));
        let zero_latency = self.tune == Tune::ZeroLatency;
        let mut line = match self.codec {
            Codec::X264 => {
                format!("-c:v libx264 -preset {} -crf {crf} -g {gop} -threads {threads}", self.preset)
            }
            Codec::X265 => format!("-c:v libx265 -preset {} -crf {crf}", self.preset),
            Codec::SvtAv1 => format!("-c:v libsvtav1 -preset {} -crf {crf} -g {gop}", self.preset),
        };
        if zero_latency && self.codec != Codec::SvtAv1 {
            line += " -tune zerolatency";
        }
        match self.codec {
            Codec::X264 => {
                if legacy {
                    line += &format!(" -bf 0 -sc_threshold 0 -keyint_min {gop}");
                }
                line += " -bsf:v filter_units=remove_types=6";
            }
            Codec::X265 => {
                line += &format!(" -x265-params keyint={gop}");
                if legacy {
                    line += &format!(":min-keyint={gop}:bframes=0:scenecut=0");
                }
                line += ":info=0";
                line += &if threads == 1 {
                    ":pools=none:frame-threads=1".into()
                } else {
                    format!(":pools={threads}")
                };
            }
            Codec::SvtAv1 => {
                line += &format!(" -svtav1-params lp={threads}");
                if zero_latency {
                    line += ":pred-struct=1";
                }
            }
        }
        line.split(' ').map(str::to_owned).collect()
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.codec.name(), self.preset)?;
        if self.tune == Tune::ZeroLatency {
            f.write_str("-zerolatency")?;
        }
        match self.gop {
            Gop::Legacy(gop) => write!(f, "-legacy{gop}"),
            Gop::Frames(gop) => write!(f, "-gop{gop}"),
            Gop::Whole => f.write_str("-whole"),
        }
    }
}

impl FromStr for Anchor {
    type Err = Error;

    fn from_str(name: &str) -> Result<Anchor, Error> {
        parse(name).ok_or_else(|| Error::UnknownAnchor { name: name.into() })
    }
}

impl FromStr for Codec {
    type Err = Error;

    fn from_str(name: &str) -> Result<Codec, Error> {
        let known = [Codec::X264, Codec::X265, Codec::SvtAv1].into_iter().find(|known| known.name() == name);
        known.ok_or_else(|| Error::UnknownAnchor { name: name.into() })
    }
}

fn parse(name: &str) -> Option<Anchor> {
    let parts: Vec<&str> = name.split('-').collect();
    let (codec, preset, tune, gop) = match parts[..] {
        [codec, preset, gop] => (codec, preset, Tune::None, gop),
        [codec, preset, "zerolatency", gop] => (codec, preset, Tune::ZeroLatency, gop),
        _ => return None,
    };
    let codec = codec.parse().ok()?;
    let length = |text: &str| text.parse().ok().filter(|&gop: &u32| gop > 0);
    let gop = match (gop.strip_prefix("legacy"), gop.strip_prefix("gop")) {
        (Some(gop), _) => Gop::Legacy(length(gop)?),
        (_, Some(gop)) => Gop::Frames(length(gop)?),
        _ if gop == "whole" => Gop::Whole,
        _ => return None,
    };
    let plain = !preset.is_empty() && preset.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| Anchor::new(codec, preset, tune, gop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for anchor in Anchor::legacy().into_iter().chain(Anchor::honest()) {
            assert_eq!(anchor.to_string().parse::<Anchor>().unwrap(), anchor);
        }
        for bad in ["", "x264", "x264-medium-gop0", "x264--whole", "vp9-medium-whole", "x264-a b-whole"] {
            assert!(matches!(bad.parse::<Anchor>(), Err(Error::UnknownAnchor { .. })), "{bad}");
        }
    }

    #[test]
    fn legacy_commands_are_those_of_the_literature() {
        let line = |anchor: &Anchor| anchor.arguments(27, 96, 1).join(" ");
        let legacy = Anchor::legacy();
        assert_eq!(
            line(&legacy[0]),
            "-c:v libx264 -preset veryfast -crf 27 -g 12 -threads 1 -tune zerolatency -bf 0 -sc_threshold 0 \
             -keyint_min 12 -bsf:v filter_units=remove_types=6"
        );
        assert_eq!(
            line(&legacy[1]),
            "-c:v libx265 -preset veryfast -crf 27 -tune zerolatency -x265-params \
             keyint=12:min-keyint=12:bframes=0:scenecut=0:info=0:pools=none:frame-threads=1"
        );
    }
}
