//! Clips are measured in batches, each of which is a file that is not made again.

use std::io::Read;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use vcn_codec::Codec;
use vcn_codec::checkpoint::Checkpoint;
use vcn_curate::rank::{Scene, scenes};
use vcn_media::{OpenOptions, open};

use super::save;
use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::models::hex;
use crate::print::note;
use crate::progress::Progress;
use crate::store::input::Input;

const VERSION: u32 = 1;
/// Most bytes of a batch that is read.
const MOST: u64 = 1 << 30;

/// What was found in some clips.
#[derive(Serialize, Deserialize)]
pub struct Batch {
    version: u32,
    /// Pictures measured a second, and with which model.
    pictures_per_second: f64,
    model: String,
    clips: Vec<String>,
    /// The scenes of the clips, in order.
    pub scenes: Vec<Scene>,
    /// Clips that could not be read.
    pub failed: Vec<Unread>,
}

/// A clip that could not be read.
#[derive(Clone, Serialize, Deserialize)]
pub struct Unread {
    /// The clip.
    pub clip: String,
    /// Why.
    pub reason: String,
}

/// What measures; the model is moved to the device when it is first needed.
pub struct Measure<'a> {
    pictures_per_second: f64,
    compute: &'a Compute,
    model: String,
    checkpoint: Option<Checkpoint>,
    codec: Option<Codec>,
}

impl<'a> Measure<'a> {
    /// Measures so many pictures a second with a model.
    pub fn new(pictures_per_second: f64, checkpoint: Checkpoint, compute: &'a Compute) -> Measure<'a> {
        let model = hex(&checkpoint.digest());
        Measure { pictures_per_second, compute, model, checkpoint: Some(checkpoint), codec: None }
    }

    /// The batch of these clips: what is at `path`, or else what is found now and saved there.
    pub fn batch(&mut self, path: &Path, clips: &[Input]) -> Result<Batch> {
        if let Some(batch) = self.done(path, clips)? {
            return Ok(batch);
        }
        let batch = self.measured(clips)?;
        save(path, &batch, false)?;
        Ok(batch)
    }

    /// The batch at `path`, if there is one; it must be of the same clips, measured in the same way.
    fn done(&self, path: &Path, clips: &[Input]) -> Result<Option<Batch>> {
        let name = path.display().to_string();
        let mut text = String::new();
        match std::fs::File::open(path).map(|file| file.take(MOST).read_to_string(&mut text)) {
            Ok(Ok(_)) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Ok(Err(error)) | Err(error) => return Err(Failure::io(&name, "read")(error)),
        }
        let batch: Batch = serde_json::from_str(&text)
            .map_err(|error| Failure::Damaged(format!("{name}: {error}: remove it to have it made again")))?;
        let same_way = batch.version == VERSION
            && batch.pictures_per_second == self.pictures_per_second
            && batch.model == self.model;
        match same_way && batch.clips.iter().eq(clips.iter().map(|clip| &clip.name)) {
            true => Ok(Some(batch)),
            false => Err(Failure::Usage(format!(
                "{name}: is of other clips, of another model, or of another number of pictures a second: choose \
                 another folder with --output"
            ))),
        }
    }

    fn measured(&mut self, clips: &[Input]) -> Result<Batch> {
        if let Some(checkpoint) = self.checkpoint.take() {
            self.codec = Some(self.compute.open(checkpoint)?);
        }
        let Some(codec) = &self.codec else { return Err(Failure::Usage("no model".to_owned())) };
        let progress = Progress::new(&format!("measuring {} clips", clips.len()), None);
        let look = |clip: &Input| {
            let mut reader = open(&clip.path, OpenOptions::default())?;
            scenes(&clip.name, reader.as_mut(), codec, self.pictures_per_second, || progress.frame())
        };
        let found: Vec<vcn_curate::Result<Vec<Scene>>> = clips.par_iter().map(look).collect();
        drop(progress);
        let mut batch = Batch {
            version: VERSION,
            pictures_per_second: self.pictures_per_second,
            model: self.model.clone(),
            clips: clips.iter().map(|clip| clip.name.clone()).collect(),
            scenes: Vec::new(),
            failed: Vec::new(),
        };
        for (clip, found) in clips.iter().zip(found) {
            match found {
                Ok(scenes) => batch.scenes.extend(scenes),
                Err(error) => {
                    note(&error.to_string());
                    batch.failed.push(Unread { clip: clip.name.clone(), reason: error.to_string() });
                }
            }
        }
        Ok(batch)
    }
}
