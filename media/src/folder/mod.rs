//! Frames as images: a folder of them in natural order, or a single one.

mod reader;
mod writer;

use std::path::Path;

pub(crate) use reader::Reader;
pub(crate) use writer::{FolderWriter, ImageWriter};

/// Whether a file of this name is a frame: PNG or JPEG, and not hidden.
pub(crate) fn is_image(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let known = path.extension().is_some_and(|extension| {
        ["png", "jpg", "jpeg"].iter().any(|image| extension.eq_ignore_ascii_case(image))
    });
    known && !hidden
}
