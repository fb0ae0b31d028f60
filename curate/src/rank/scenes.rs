//! Scenes: runs of frames between cuts, which are found here.

use serde::{Deserialize, Serialize};
use vcn_codec::Codec;
use vcn_codec::gop::SceneChange;
use vcn_media::FrameReader;

use super::metrics::{Collector, Metrics};
use crate::error::Result;
use crate::whole::whole;

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
    let interval = (rate / pictures_per_second).round().max(1.0) as u64;
    let mut scenes: Vec<Scene> = Vec::new();
    let mut change = SceneChange::default();
    let (mut from, mut frame) = (0, 0);
    let mut collector = Collector::default();
    let mut close = |collector: Collector, from: u64, to: u64| {
        let (start, end) = (from as f64 / rate, to as f64 / rate);
        let scene = scenes.len() as u32;
        let metrics = collector.finish(to - from);
        scenes.push(Scene { clip: clip.to_owned(), scene, from, to, start, end, metrics });
    };
    while let Some(picture) = reader.next()? {
        let thumbnail = whole(&picture);
        if change.is_change(&thumbnail) {
            close(std::mem::take(&mut collector), from, frame);
            from = frame;
        }
        if (frame - from).is_multiple_of(interval) {
            collector.push(&thumbnail, codec);
        }
        frame += 1;
        seen();
    }
    if frame > from {
        close(collector, from, frame);
    }
    Ok(scenes)
}
