//! What a search says: which videos, how much they have in common, where, and why.

use vcn_similarity::{BlockSpectrum, Descriptor, Distortion};

/// How much two videos have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The same frames.
    Identical,
    /// Some of the same segments.
    Segments,
    /// Pictures that look alike.
    Near,
}

impl Level {
    /// `identical`, `segments` or `near`.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Identical => "identical",
            Level::Segments => "segments",
            Level::Near => "near",
        }
    }
}

/// A stored video that has something in common with another.
#[derive(Clone, Debug)]
pub struct Match {
    /// Its name; of several with the same frames, the first.
    pub name: String,
    /// How much.
    pub level: Level,
    /// From 0 to 1: the share of equal frames, or how alike the pictures are.
    pub score: f32,
    /// Where the common part starts in the query, in seconds.
    pub query_from: f64,
    /// Where it ends.
    pub query_to: f64,
    /// Where it starts in the stored video.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Whether the one is the mirror image of the other.
    pub mirrored: bool,
    /// What the pixels say at that alignment, on thumbnails of 160x160; none where frames are equal.
    pub distortion: Option<Distortion>,
    /// Frames whose pixels were compared, of the query and of the stored video, in order; none where frames are equal.
    pub frames: Vec<(u64, u64)>,
    /// Bytes of segments that both use.
    pub shared_bytes: u64,
    /// Why it is in the list, in words.
    pub reason: String,
}

/// Two stored videos with something in common.
#[derive(Clone, Debug)]
pub struct Pair {
    /// One of them, the query of the match.
    pub name: String,
    /// The other, and what they have in common.
    pub other: Match,
}

/// How to look for near-duplicates.
#[derive(Clone, Copy)]
pub struct FindOptions<'a> {
    /// The lowest score.
    pub min_score: f32,
    /// Most of them for each video.
    pub limit: usize,
    /// Compare the pixels of what looks alike.
    pub pixels: bool,
    /// What describes frames. Only videos that were put with the same one are found.
    pub descriptor: &'a dyn Descriptor,
}

impl Default for FindOptions<'_> {
    fn default() -> Self {
        FindOptions { min_score: 0.5, limit: 20, pixels: true, descriptor: &BlockSpectrum }
    }
}
