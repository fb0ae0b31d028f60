//! Which videos are in a folder, at any depth.

use std::path::{Path, PathBuf};

/// File types that are taken for videos.
pub const VIDEOS: [&str; 22] = [
    "3gp", "avi", "flv", "gif", "h264", "hevc", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts",
    "mxf", "nut", "ogv", "ts", "vob", "webm", "wmv", "y4m",
];
/// File types of the frames of a folder.
pub const IMAGES: [&str; 3] = ["png", "jpg", "jpeg"];

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Videos, and folders of frames, in the order of their paths.
    pub videos: Vec<PathBuf>,
    /// Folders that could not be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// All videos in a folder: files of these types (without dot, in any case), and folders that hold images. Links are not
/// followed, since they may lead back; hidden files and folders are left out.
pub fn discover(root: &Path, types: &[String]) -> Found {
    let mut found = Found::default();
    search(root, types, &mut found);
    found.videos.sort();
    found
}

fn search(folder: &Path, types: &[String], found: &mut Found) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return found.unreadable.push((folder.to_owned(), error.to_string())),
    };
    let mut folders = Vec::new();
    let mut images = false;
    for entry in entries {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                found.unreadable.push((folder.to_owned(), error.to_string()));
                continue;
            }
        };
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let Ok(kind) = path.symlink_metadata().map(|metadata| metadata.file_type()) else { continue };
        if hidden {
            continue;
        } else if kind.is_dir() {
            folders.push(path);
        } else if kind.is_file() && has_type(&path, types.iter().map(String::as_str)) {
            found.videos.push(path);
        } else if kind.is_file() {
            images |= has_type(&path, IMAGES.into_iter());
        }
    }
    if images {
        found.videos.push(folder.to_owned());
    }
    folders.iter().for_each(|folder| search(folder, types, found));
}

fn has_type<'a>(path: &Path, mut types: impl Iterator<Item = &'a str>) -> bool {
    path.extension().is_some_and(|extension| types.any(|known| extension.eq_ignore_ascii_case(known)))
}
