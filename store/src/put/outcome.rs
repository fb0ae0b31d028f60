//! What a put did.

use crate::{digest::Digest, record::Class, similar::Match};

/// How much of a put was there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// The name stood for this video in this class.
    AlreadyThere,
    /// The whole video was stored under another name.
    Identical,
    /// Another video that looks the same takes its place, as [`Dedup::Replace`](crate::Dedup::Replace) allows.
    Replaced,
    /// Some segments were stored.
    Segments,
    /// Nothing.
    None,
}

impl Sharing {
    /// Why, in words, of a video of so many frames that shares so many.
    pub(super) fn reason(self, shared: u64, frames: u64) -> String {
        match self {
            Sharing::AlreadyThere => "the name stands for these frames and side streams already".to_owned(),
            Sharing::Identical => "the same frames and side streams are stored".to_owned(),
            Sharing::Segments => format!("{shared} of {frames} frames are in stored segments"),
            Sharing::Replaced | Sharing::None => "no run of its frames is stored".to_owned(),
        }
    }
}

/// What a put did.
#[derive(Clone, Debug)]
pub struct PutOutcome {
    /// The name.
    pub name: String,
    /// What the video is, whatever its container.
    pub identity: Digest,
    /// Its manifest.
    pub manifest: Digest,
    /// The class.
    pub class: Class,
    /// How much was there.
    pub sharing: Sharing,
    /// Frames of the video.
    pub frames: u64,
    /// Frames that were encoded.
    pub encoded_frames: u64,
    /// Frames whose segments were there.
    pub shared_frames: u64,
    /// Bytes of the objects that were written.
    pub new_bytes: u64,
    /// Bytes of segments and side streams that were there.
    pub shared_bytes: u64,
    /// Names of videos that use what is shared, a few of them.
    pub shared_with: Vec<String>,
    /// Stored videos that look like it, the most alike first; no pixel has been compared. Only of a video that is not
    /// the same as a stored one, and as many as [`PutRequest::alike`](crate::PutRequest::alike) asks for.
    pub alike: Vec<Match>,
    /// Why, in words.
    pub reason: String,
}
