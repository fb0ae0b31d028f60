//! The identity of frames: what makes two of them, and two videos, the same.

use std::fmt;

use serde::{Deserialize, Serialize};
use vcn_media::{Colour, Picture};

use crate::digest::Digest;

/// How the samples of a picture are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Layout {
    /// Planar Y'CbCr 4:2:0.
    Yuv420 = 0,
    /// Planar Y'CbCr 4:4:4.
    Yuv444 = 1,
    /// Interleaved RGB.
    Rgb = 2,
}

/// Size and layout: the same for all frames of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Format {
    /// Layout of the samples.
    pub layout: Layout,
    /// Luma width in samples.
    pub width: u32,
    /// Luma height in samples.
    pub height: u32,
}

impl Format {
    /// The format of a picture.
    pub fn of(picture: &Picture) -> Format {
        let layout = match picture {
            Picture::Yuv420(_) => Layout::Yuv420,
            Picture::Yuv444(_) => Layout::Yuv444,
            Picture::Rgb(_) => Layout::Rgb,
        };
        let (width, height) = picture.size();
        Format { layout, width: width as u32, height: height as u32 }
    }

    /// Bytes of a frame.
    pub fn frame_bytes(&self) -> u64 {
        let (width, height) = (u64::from(self.width), u64::from(self.height));
        match self.layout {
            Layout::Yuv420 => width * height + 2 * width.div_ceil(2) * height.div_ceil(2),
            Layout::Yuv444 | Layout::Rgb => 3 * width * height,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = match self.layout {
            Layout::Yuv420 => "4:2:0",
            Layout::Yuv444 => "4:4:4",
            Layout::Rgb => "RGB",
        };
        write!(f, "{}x{} {layout}", self.width, self.height)
    }
}

/// The planes of a picture, in order.
pub(crate) fn planes(picture: &Picture) -> Vec<&[u8]> {
    match picture {
        Picture::Yuv420(picture) => vec![&picture.y, &picture.u, &picture.v],
        Picture::Yuv444(picture) => vec![&picture.y, &picture.u, &picture.v],
        Picture::Rgb(picture) => vec![&picture.data],
    }
}

/// The digest of a frame: its layout, its size and its planes as the source holds them.
pub fn frame_digest(picture: &Picture) -> Digest {
    let format = Format::of(picture);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[format.layout as u8]);
    hasher.update(&format.width.to_le_bytes());
    hasher.update(&format.height.to_le_bytes());
    for plane in planes(picture) {
        hasher.update(plane);
    }
    Digest(*hasher.finalize().as_bytes())
}

/// The root over the digests of all frames of a video: equal roots mean equal pictures in equal order.
pub fn frames_root(frames: &[Digest]) -> Digest {
    digest_of("vcn-store 2026 frames root", frames)
}

/// What a video is, whatever its container: its frames, and its side streams in any order.
pub fn identity(root: Digest, side: impl Iterator<Item = Digest>) -> Digest {
    let mut parts: Vec<Digest> = side.collect();
    parts.sort_unstable();
    parts.insert(0, root);
    digest_of("vcn-store 2026 identity", &parts)
}

/// What a segment was made from and how: equal keys mean that one may stand for the other.
pub fn frames_key(codec: Digest, quality: u16, layout: Layout, colour: Colour, frames: &[Digest]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("vcn-store 2026 frames key");
    hasher.update(&codec.0);
    hasher.update(&quality.to_le_bytes());
    // Only the conversion of RGB depends on the colour.
    if layout == Layout::Rgb {
        hasher.update(format!("{colour:?}").as_bytes());
    }
    for frame in frames {
        hasher.update(&frame.0);
    }
    Digest(*hasher.finalize().as_bytes())
}

fn digest_of(context: &str, parts: &[Digest]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(&part.0);
    }
    Digest(*hasher.finalize().as_bytes())
}
