//! A look at a few pictures a second of a video, and at where its scenes begin.

use vcn_codec::gop::SceneChange;
use vcn_media::{FrameReader, Picture, Yuv420};
use vcn_similarity::{SIDE, Thumbnail, Window};

use crate::error::Result;

/// A frame, in its turn.
pub(crate) struct Frame<'a> {
    /// Its number, from 0.
    pub number: u64,
    /// All of the picture as a thumbnail: what a letterbox leaves may differ from frame to frame.
    pub thumbnail: &'a Yuv420,
    /// Whether a new scene begins with it; the first one begins without saying so.
    pub is_cut: bool,
}

/// Shows all frames of a video to `each`, in order, and says how many there were.
///
/// # Errors
/// The video cannot be read to its end.
pub(crate) fn frames(reader: &mut dyn FrameReader, mut each: impl FnMut(Frame)) -> Result<u64> {
    let mut change = SceneChange::default();
    let mut number = 0;
    while let Some(picture) = reader.next()? {
        let thumbnail = whole(&picture);
        let is_cut = change.is_change(&thumbnail);
        each(Frame { number, thumbnail: &thumbnail, is_cut });
        number += 1;
    }
    Ok(number)
}

/// Every how many frames one is looked at, for so many a second at this rate.
pub(crate) fn interval(rate: f64, pictures_per_second: f64) -> u64 {
    (rate / pictures_per_second).round().max(1.0) as u64
}

fn whole(picture: &Picture) -> Yuv420 {
    let (width, height) = picture.size();
    Thumbnail::with(picture, &Window::whole(width, height), SIDE).picture().clone()
}
