//! The whole picture as a thumbnail.

use vcn_media::{Picture, Yuv420};
use vcn_similarity::{SIDE, Thumbnail, Window};

/// A thumbnail that shows all of a picture: what a letterbox leaves may differ from frame to frame.
pub(crate) fn whole(picture: &Picture) -> Yuv420 {
    let (width, height) = picture.size();
    let window = Window { rows: 0..height, columns: 0..width };
    Thumbnail::with(picture, &window, SIDE).picture().clone()
}
