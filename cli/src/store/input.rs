//! What is put: which videos an argument means, their names, and their frames.

use std::path::{Path, PathBuf};

use serde::Serialize;
use vcn_media::{FrameReader, FrameTimes, OpenOptions, Picture, VideoInfo, open};
use vcn_store::{BoxError, FrameSource, Times};

use crate::failure::{Failure, Result};

/// File types that a search through folders takes for videos.
const VIDEOS: [&str; 22] = [
    "3gp", "avi", "flv", "gif", "h264", "hevc", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts",
    "mxf", "nut", "ogv", "ts", "vob", "webm", "wmv", "y4m",
];
/// File types of the frames of a folder.
const IMAGES: [&str; 3] = ["png", "jpg", "jpeg"];

/// A video to put.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Input {
    /// The file or folder.
    pub path: String,
    /// The name that it gets.
    pub name: String,
}

/// All videos that an argument means: itself; for a folder without frames, all in it at any depth; for a pattern such as
/// `tv/*.mp4` that no file is named after, all that it matches.
pub fn expand(path: &str, prefix: &str) -> Result<Vec<Input>> {
    let root = Path::new(path);
    if path != "-" && path.contains(['*', '?', '[']) && !path.contains("://") && !root.exists() {
        let wrong = |reason: String| Failure::Usage(format!("{path}: {reason}"));
        let mut inputs = Vec::new();
        for found in glob::glob(path).map_err(|error| wrong(error.to_string()))? {
            let found = found.map_err(|error| wrong(error.to_string()))?;
            inputs.extend(expand(&found.to_string_lossy(), prefix)?);
        }
        return if inputs.is_empty() { Err(wrong("matches nothing".to_owned())) } else { Ok(inputs) };
    }
    let name = |name: &str| format!("{prefix}{name}");
    if path == "-" || !root.is_dir() || has_images(root) {
        let own = root.file_name().map_or(path.to_owned(), |name| name.to_string_lossy().into_owned());
        let own = if path == "-" { "stdin".to_owned() } else { own };
        return Ok(vec![Input { path: path.to_owned(), name: name(&own) }]);
    }
    let mut found = Vec::new();
    search(root, &mut found).map_err(Failure::io(path, "read"))?;
    if found.is_empty() {
        return Err(Failure::Usage(format!("{path}: no video and no folder of frames in it")));
    }
    found.sort();
    let inputs = found.into_iter().map(|file| {
        let relative = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
        Input { path: file.to_string_lossy().into_owned(), name: name(&relative) }
    });
    Ok(inputs.collect())
}

/// The videos of a list in CSV: a path a line, and after a comma the name, if it is to have another. Fields with commas
/// are quoted, lines that begin with `#` are left out.
pub fn list(file: &str, prefix: &str) -> Result<Vec<Input>> {
    let wrong = |error: csv::Error| Failure::Usage(format!("{file}: {error}"));
    let opened = std::fs::File::open(file).map_err(Failure::io(file, "read"))?;
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(opened);
    let mut inputs = Vec::new();
    for row in rows.records() {
        let row = row.map_err(wrong)?;
        let fields: Vec<&str> = row.iter().collect();
        match fields.as_slice() {
            [path] | [path, ""] => inputs.extend(expand(path, prefix)?),
            [path, name] => {
                inputs.push(Input { path: (*path).to_owned(), name: format!("{prefix}{name}") });
            }
            _ => {
                let line = row.position().map_or(0, csv::Position::line);
                let reason = "expected a path and perhaps a name; put quotes around what has commas";
                return Err(Failure::Usage(format!(
                    "{file}, line {line}: {} fields, {reason}",
                    fields.len()
                )));
            }
        }
    }
    Ok(inputs)
}

fn search(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // Links are not followed: they may lead back here.
        let kind = path.symlink_metadata()?.file_type();
        if kind.is_dir() {
            match has_images(&path) {
                true => found.push(path),
                false => search(&path, found)?,
            }
        } else if has_type(&path, &VIDEOS) {
            found.push(path);
        }
    }
    Ok(())
}

fn has_images(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| has_type(&path, &IMAGES))
}

fn has_type(path: &Path, types: &[&str]) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| types.iter().any(|known| extension == *known))
}

/// Frames that somebody counts as they go by.
pub struct Counted<'a> {
    /// The frames.
    pub frames: Frames,
    /// Called for each.
    pub each: &'a (dyn Fn() + Sync),
}

impl FrameSource for Counted<'_> {
    fn next_frame(&mut self) -> std::result::Result<Option<Picture>, BoxError> {
        let frame = self.frames.next_frame()?;
        if frame.is_some() {
            (self.each)();
        }
        Ok(frame)
    }

    fn times(&mut self) -> std::result::Result<Option<Times>, BoxError> {
        self.frames.times()
    }

    fn rewind(&mut self) -> std::result::Result<bool, BoxError> {
        self.frames.rewind()
    }
}

/// The frames of an input, which is opened again where the store wants to read it twice.
pub struct Frames {
    path: String,
    options: OpenOptions,
    reader: Box<dyn FrameReader>,
    fresh: bool,
}

impl Frames {
    /// Opens an input.
    pub fn open(path: &str, options: OpenOptions) -> Result<Frames> {
        Ok(Frames { path: path.to_owned(), options, reader: open(path, options)?, fresh: true })
    }

    /// What is known of the video.
    pub fn info(&self) -> &VideoInfo {
        self.reader.info()
    }
}

impl FrameSource for Frames {
    fn next_frame(&mut self) -> std::result::Result<Option<Picture>, BoxError> {
        self.fresh = false;
        Ok(self.reader.next()?)
    }

    fn times(&mut self) -> std::result::Result<Option<Times>, BoxError> {
        Ok(self.reader.times()?.map(|FrameTimes { base, ticks }| Times { base, ticks }))
    }

    fn rewind(&mut self) -> std::result::Result<bool, BoxError> {
        if self.path == "-" {
            return Ok(false);
        }
        if !self.fresh {
            self.reader = open(&self.path, self.options)?;
            self.fresh = true;
        }
        Ok(true)
    }
}
