//! Lists of what to do, as CSV: `video_path,feature_path`.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::table::rows;

/// A video, and where its features go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Item {
    /// The video.
    pub video_path: PathBuf,
    /// The file of its features.
    pub feature_path: PathBuf,
}

/// Reads a list, whose first line names the columns, in any order. What is listed twice is done once. `path` is for
/// messages.
///
/// # Errors
/// A line that cannot be read, an empty path, or one file for the features of two videos.
pub fn read_list(path: &Path, input: impl Read) -> Result<Vec<Item>> {
    let malformed = |line: u64, reason: String| Error::Line { path: path.to_owned(), line, reason };
    let mut seen: HashMap<PathBuf, (PathBuf, u64)> = HashMap::new();
    let mut items = Vec::new();
    for (line, item) in rows::<Item>(path, input, &["video_path", "feature_path"])? {
        if item.video_path.as_os_str().is_empty() || item.feature_path.file_name().is_none() {
            return Err(malformed(line, "a video and a file for its features are needed".to_owned()));
        }
        match seen.insert(item.feature_path.clone(), (item.video_path.clone(), line)) {
            None => items.push(item),
            Some((video, _)) if video == item.video_path => {}
            Some((video, before)) => {
                let reason = format!(
                    "{} is for {} already, in line {before}",
                    item.feature_path.display(),
                    video.display()
                );
                return Err(malformed(line, reason));
            }
        }
    }
    Ok(items)
}
