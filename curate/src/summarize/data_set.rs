//! Data sets for summaries, in the HDF5 layout of pytorch-vsumm-reinforce: a group for each video with `features` (of
//! pictures), `picks` (their frames), `n_frames`, `change_points` (first and last frame of each shot), `user_summary` (a row
//! of 0 and 1 for each person) and, in some, `gtscore` (what people think of each picture).

use std::ops::Range;
use std::path::{Path, PathBuf};

use hdf5_pure::{Dataset, File};

use crate::error::{Error, Result};

/// Most numbers that are read of one table.
const MOST: u64 = 1 << 28;
/// Most pictures of a video: how alike any two are is kept.
const PICTURES: usize = 10_000;

/// A file with videos that people summarised.
pub struct DataSet {
    path: PathBuf,
    file: File,
}

/// A video, and what people think of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Its key in the file.
    pub key: String,
    /// Frames of the video.
    pub frames: u64,
    /// The frames that were taken.
    pub picks: Vec<u64>,
    /// What each looks like.
    pub features: Vec<Vec<f32>>,
    /// The shots.
    pub shots: Vec<Range<u64>>,
    /// For each person, whether a frame is in the summary; a few frames more or fewer than the video has, in some files.
    pub users: Vec<Vec<bool>>,
    /// What people think of each picture; empty if the file does not say.
    pub opinions: Vec<f32>,
}

impl DataSet {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read, or is not HDF5.
    pub fn open(path: &Path) -> Result<DataSet> {
        std::fs::File::open(path).map_err(Error::io("read", path))?;
        let file = File::open_streaming(path).map_err(|error| damaged(path, error.to_string()))?;
        Ok(DataSet { path: path.to_owned(), file })
    }

    /// The keys of its videos, in natural order.
    ///
    /// # Errors
    /// The file is damaged, or holds no videos.
    pub fn keys(&self) -> Result<Vec<String>> {
        let mut keys = self.file.root().groups().map_err(|error| damaged(&self.path, error.to_string()))?;
        if keys.is_empty() {
            return Err(damaged(&self.path, "there are no videos in it".to_owned()));
        }
        let number = |key: &String| key.rsplit('_').next().and_then(|number| number.parse::<u64>().ok());
        keys.sort_by(|a, b| number(a).cmp(&number(b)).then_with(|| a.cmp(b)));
        Ok(keys)
    }

    /// A video.
    ///
    /// # Errors
    /// There is none of this key, or its tables do not fit each other.
    pub fn video(&self, key: &str) -> Result<Reference> {
        let read = || self.read(key);
        read().map_err(|reason| damaged(&self.path, format!("{key}: {reason}")))
    }

    fn read(&self, key: &str) -> std::result::Result<Reference, String> {
        let group = self.file.root().group(key).map_err(|error| error.to_string())?;
        let table = |name: &str| group.dataset(name).map_err(|error| format!("{name}: {error}"));
        let whole =
            |name: &str| table(name).and_then(|table| numbers(&table)).map_err(|e| format!("{name}: {e}"));
        let (_, count) = whole("n_frames")?;
        let frames = count
            .first()
            .copied()
            .filter(|frames| (1.0..1e8).contains(frames))
            .ok_or("n_frames: no number")?;
        let frames = frames as u64;

        let (_, picks) = whole("picks")?;
        let picks: Vec<u64> = picks.into_iter().map(|pick| pick as u64).collect();
        let features = table("features")?;
        let shape = features.shape().map_err(|error| format!("features: {error}"))?;
        let [rows, columns] = bounded(&shape)?[..] else { return Err("features: not a table".to_owned()) };
        let values = features.read_f32().map_err(|error| format!("features: {error}"))?;
        if rows > PICTURES {
            return Err(format!("features: {rows} pictures are more than the {PICTURES} that are read"));
        }
        if columns == 0 || rows != picks.len() || values.len() != rows * columns {
            return Err(format!("features: {rows} rows of {columns} for {} picks", picks.len()));
        }
        if !picks.is_sorted()
            || picks.iter().any(|pick| *pick >= frames)
            || values.iter().any(|v| !v.is_finite())
        {
            return Err("picks or features: out of range".to_owned());
        }
        let features = values.chunks_exact(columns).map(<[f32]>::to_vec).collect();

        let (shape, points) = whole("change_points")?;
        if shape.len() != 2 || shape[1] != 2 {
            return Err("change_points: expected first and last frame of each shot".to_owned());
        }
        let shots: Vec<Range<u64>> =
            points.chunks_exact(2).map(|ends| ends[0] as u64..ends[1] as u64 + 1).collect();
        if shots.iter().any(|shot| shot.start >= shot.end || shot.end > frames) {
            return Err(format!("change_points: a shot is not within {frames} frames"));
        }

        let (shape, marks) = whole("user_summary")?;
        if shape.len() != 2 || shape.contains(&0) {
            return Err("user_summary: expected a row for each person".to_owned());
        }
        let users =
            marks.chunks_exact(shape[1]).map(|row| row.iter().map(|mark| *mark > 0.0).collect()).collect();
        let opinions = match group.dataset("gtscore") {
            Ok(table) => numbers(&table)?.1.into_iter().map(|value| value as f32).collect(),
            Err(_) => Vec::new(),
        };
        Ok(Reference { key: key.to_owned(), frames, picks, features, shots, users, opinions })
    }
}

/// The shape of a table, and its numbers, whatever their type.
fn numbers(table: &Dataset) -> std::result::Result<(Vec<usize>, Vec<f64>), String> {
    let shape = bounded(&table.shape().map_err(|error| error.to_string())?)?;
    let values = table.read_f64().map_err(|error| error.to_string())?;
    match values.len() == shape.iter().product::<usize>() {
        true => Ok((shape, values)),
        false => Err(format!("{} numbers, where its shape is {shape:?}", values.len())),
    }
}

fn bounded(shape: &[u64]) -> std::result::Result<Vec<usize>, String> {
    let count = shape.iter().try_fold(1u64, |count, side| count.checked_mul(*side));
    match count.is_some_and(|count| count <= MOST) {
        true => Ok(shape.iter().map(|side| *side as usize).collect()),
        false => Err(format!("a table of {shape:?} numbers is too large")),
    }
}

fn damaged(path: &Path, reason: String) -> Error {
    Error::DataSet { path: path.to_owned(), reason }
}
