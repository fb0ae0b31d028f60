//! Scenes: runs of frames between cuts, which are found here.

use serde::{Deserialize, Serialize};
use vcn_codec::Codec;
use vcn_media::FrameReader;

use super::metrics::{Collector, Metrics};
use crate::error::Result;
use crate::samples::{frames, interval};

/// A scene of a clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// What the clip is called.
    pub clip: String,
    /// The scene's number in the clip, from 0.
    pub scene: u32,
    /// Its first frame, counted from 0.
    pub from: u64,
    /// The first frame after it.
    pub to: u64,
    /// Where it starts, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// What was measured.
    pub metrics: Metrics,
}

impl Scene {
    /// What labels call it: `CLIP#SCENE`.
    pub fn id(&self) -> String {
        format!("{}#{}", self.clip, self.scene)
    }

    /// Its length in seconds.
    pub fn seconds(&self) -> f64 {
        self.end - self.start
    }
}

/// Cuts a clip into scenes and measures each on so many pictures a second; `seen` is called after each frame.
///
/// # Errors
/// The clip cannot be read to its end.
pub fn scenes(
    clip: &str,
    reader: &mut dyn FrameReader,
    codec: &Codec,
    pictures_per_second: f64,
    mut seen: impl FnMut(),
) -> Result<Vec<Scene>> {
    let rate = reader.info().fps.as_f64();
    let interval = interval(rate, pictures_per_second);
    let mut scenes: Vec<Scene> = Vec::new();
    let mut from = 0;
    let mut collector = Collector::default();
    let mut close = |collector: Collector, from: u64, to: u64| {
        let (start, end) = (from as f64 / rate, to as f64 / rate);
        let scene = scenes.len() as u32;
        let metrics = collector.finish(to - from);
        scenes.push(Scene { clip: clip.to_owned(), scene, from, to, start, end, metrics });
    };
    let count = frames(reader, |frame| {
        if frame.is_cut {
            close(std::mem::take(&mut collector), from, frame.number);
            from = frame.number;
        }
        if (frame.number - from).is_multiple_of(interval) {
            collector.push(frame.thumbnail, codec);
        }
        seen();
    })?;
    if count > from {
        close(collector, from, count);
    }
    Ok(scenes)
}
