//! Training clips: loading, splitting by source, and augmented batches that depend on nothing but seed and step.

use std::path::{Path, PathBuf};

use fastrand::Rng;
use vcn_codec::QUALITY_ROOM;
use vcn_codec::model::LOWEST;
use vcn_media::{Colour, OpenOptions, Yuv420, open};

use crate::{Error, Result};

/// A clip held in memory.
pub struct Clip {
    /// Where it came from.
    pub name: String,
    /// Its frames, all of one size.
    pub frames: Vec<Yuv420>,
}

/// One in this many sources is held out for validation.
const HELD_OUT: u64 = 20;

/// Clips to train on and clips to validate on, no source in both.
pub struct Clips {
    /// For training.
    pub train: Vec<Clip>,
    /// For validation.
    pub validation: Vec<Clip>,
}

/// The source of a clip: segments of one recording share it.
fn source(name: &str) -> String {
    let name = name.trim_start_matches("long_");
    let name = name.find("davis").map_or(name, |at| &name[at..]);
    let name = name.strip_suffix("_s0").or_else(|| name.strip_suffix("_s1")).unwrap_or(name);
    let group =
        if name.starts_with("vimeo_") { name.rsplit_once('_').map_or(name, |(head, _)| head) } else { name };
    group.replace('_', "-")
}

/// FNV-1a: a hash that stays the same on every machine and in every release.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ b as u64).wrapping_mul(0x0100_0000_01b3))
}

impl Clips {
    /// Loads every clip below `folders`: folders that hold frames, and video files.
    ///
    /// # Errors
    /// Names the first clip that cannot be read, or says that there is none.
    pub fn load(folders: &[PathBuf]) -> Result<Clips> {
        let mut found = Vec::new();
        for folder in folders {
            find(folder, &mut found)?;
        }
        found.sort();
        let mut clips = Clips { train: Vec::new(), validation: Vec::new() };
        for path in found {
            let mut reader = open(&path.to_string_lossy(), OpenOptions::default())?;
            let mut frames = Vec::new();
            while let Some(picture) = reader.next()? {
                frames.push(picture.into_yuv420(Colour::RGB_INPUT));
            }
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let held_out = hash(&source(&name)).is_multiple_of(HELD_OUT);
            let clip = Clip { name, frames };
            if held_out { clips.validation.push(clip) } else { clips.train.push(clip) }
        }
        if clips.train.is_empty() {
            // All are of sources that would be held out: then nothing is.
            std::mem::swap(&mut clips.train, &mut clips.validation);
        }
        if clips.train.is_empty() {
            return Err(Error::NoClips(folders.to_vec()));
        }
        Ok(clips)
    }
}

/// Collects the folders with pictures in them and the video files below `folder`.
fn find(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |source| Error::Folder { path: folder.to_owned(), source };
    let mut holds_frames = false;
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        match extension.as_str() {
            _ if path.is_dir() => find(&path, found)?,
            "png" | "jpg" | "jpeg" => holds_frames = true,
            "y4m" | "mp4" | "mkv" | "mov" | "avi" | "webm" => found.push(path),
            _ => {}
        }
    }
    if holds_frames {
        found.push(folder.to_owned());
    }
    Ok(())
}

/// Shape of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Samples.
    pub batch: usize,
    /// Frames of each sample that teach.
    pub frames: usize,
    /// Up to this many frames go before them, in every second batch, coded without gradient: what the others are
    /// predicted from is then as worn as in the middle of a GOP.
    pub lead: usize,
    /// Pictures coded by themselves beside them: half of the bits of a short GOP are in its first frame, and teaching that
    /// costs a fraction of what a sample costs.
    pub stills: usize,
    /// Side of the square crop, a multiple of 16.
    pub crop: usize,
}

/// A batch: for each time instant, one crop of every sample.
pub struct Batch {
    /// `[lead + frames][batch]` square pictures.
    pub pictures: Vec<Vec<Yuv420>>,
    /// How many of the first frames are coded without gradient.
    pub lead: usize,
    /// Quality of each frame of each sample, `[lead + frames][batch]`, up to 63; may be below 0.
    pub qualities: Vec<Vec<f32>>,
    /// Quality of each frame's motion, `[lead + frames][batch]`.
    pub motion_qualities: Vec<Vec<f32>>,
    /// Whether the frame before each frame becomes the anchor of the ones after it, `[lead + frames]`.
    pub anchors: Vec<bool>,
    /// Whether the last frame is coded before the one before it, and that from both sides.
    pub between: bool,
    /// Whether the motion network tells something of each frame, `[lead + frames]`.
    pub network: Vec<bool>,
    /// Pictures coded by themselves.
    pub stills: Vec<Yuv420>,
    /// Quality of each of these.
    pub still_qualities: Vec<f32>,
}

/// By how much the first frame's quality may exceed the sample's, and the others' deviate from it: encoders spend more
/// on frames that others are built on (`codec/src/encoder/quality.rs` has the offsets that ours uses).
const QUALITY_SPREAD: [f32; 2] = [20.0, 5.0];

/// By how much the quality of the motion may exceed its frame's: the encoder chooses it frame by frame.
const MOTION_SPREAD: [f32; 2] = [-6.0, 22.0];

/// The highest of the qualities that are drawn more often than others.
const USUAL_QUALITIES: f32 = 40.0;

/// In how many of the frames the motion network tells something: vectors alone are mostly what the encoder chooses.
const NETWORK: f32 = 0.25;

/// In how many of the batches of three frames and more the last one is coded before the one before it.
const BETWEEN: f32 = 0.5;

/// By how much the quality of a frame between others exceeds theirs.
const BETWEEN_SPREAD: [f32; 2] = [-22.0, -6.0];

/// How many of the frames become anchors: distances vary, so that the encoder may choose.
const ANCHORS: f32 = 0.25;

impl Batch {
    /// The batch of a step.
    pub fn draw(clips: &[Clip], shape: Shape, seed: u64, step: u64) -> Batch {
        let mut rng = Rng::with_seed(seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let lead = if shape.lead > 0 && rng.bool() { rng.usize(1..=shape.lead) } else { 0 };
        let shape = Shape { frames: lead + shape.frames, ..shape };
        let samples: Vec<Vec<Yuv420>> = (0..shape.batch).map(|_| sample(clips, shape, &mut rng)).collect();
        let mut qualities = vec![Vec::with_capacity(shape.batch); shape.frames];
        for _ in 0..shape.batch {
            let quality = drawn_quality(&mut rng);
            for (t, of_frame) in qualities.iter_mut().enumerate() {
                let offset = match t {
                    _ if shape.frames == 1 => 0.0,
                    0 => QUALITY_SPREAD[0] * rng.f32(),
                    _ => QUALITY_SPREAD[1] * (2.0 * rng.f32() - 1.0),
                };
                of_frame.push((quality + offset).clamp(f32::from(LOWEST), 63.0));
            }
        }
        let motion_qualities = qualities
            .iter()
            .map(|of_frame| {
                let [low, high] = MOTION_SPREAD;
                of_frame.iter().map(|q| (q + low + (high - low) * rng.f32()).clamp(0.0, 63.0)).collect()
            })
            .collect();
        let anchors = (0..shape.frames).map(|_| rng.f32() < ANCHORS).collect();
        let network = (0..shape.frames).map(|_| rng.f32() < NETWORK).collect();
        let still = Shape { frames: 1, ..shape };
        let stills = (0..shape.stills).flat_map(|_| sample(clips, still, &mut rng)).collect();
        let still_qualities = (0..shape.stills).map(|_| drawn_quality(&mut rng)).collect();
        let between = shape.frames - lead > 2 && rng.f32() < BETWEEN;
        if between {
            let [low, high] = BETWEEN_SPREAD;
            for quality in &mut qualities[shape.frames - 2] {
                let room = ((63.0 - *quality) / QUALITY_ROOM as f32).min(1.0);
                *quality = (*quality + room * (low + (high - low) * rng.f32())).max(f32::from(LOWEST));
            }
        }
        let at = |t: usize| samples.iter().map(|s| s[t].clone()).collect();
        let pictures = (0..shape.frames).map(at).collect();
        Batch {
            pictures,
            lead,
            qualities,
            motion_qualities,
            anchors,
            between,
            network,
            stills,
            still_qualities,
        }
    }
}

/// A quality: half of the time any, else one of the lower that most videos are coded at.
fn drawn_quality(rng: &mut Rng) -> f32 {
    let highest = if rng.bool() { 63.0 } else { USUAL_QUALITIES };
    rng.f32() * highest
}

/// One augmented sample.
fn sample(clips: &[Clip], shape: Shape, rng: &mut Rng) -> Vec<Yuv420> {
    let usable = |c: &Clip| c.frames[0].width.min(c.frames[0].height) >= shape.crop;
    let clip = loop {
        let clip = &clips[rng.usize(..clips.len())];
        if usable(clip) || !clips.iter().any(usable) {
            break clip;
        }
    };
    let length = clip.frames.len();
    // Mostly the true frame rate; now and then faster motion, or a still picture.
    let skip = match rng.u32(..32) {
        0 => 0,
        1..=21 => 1,
        22..=28 => 2,
        _ => 3,
    };
    let skip = if shape.frames > 1 {
        skip.min((length - 1) / (shape.frames - 1)).max((skip > 0) as usize)
    } else {
        0
    };
    let span = (skip * (shape.frames - 1)).min(length - 1);
    let start = rng.usize(..length - span);
    let mut order: Vec<usize> = (0..shape.frames).map(|t| bounce(start + t * skip, length)).collect();
    if rng.bool() {
        order.reverse();
    }
    let (width, height) = (clip.frames[0].width, clip.frames[0].height);
    let window = Window {
        x: 2 * rng.usize(..=width.saturating_sub(shape.crop) / 2),
        y: 2 * rng.usize(..=height.saturating_sub(shape.crop) / 2),
        size: shape.crop,
        mirror: rng.bool(),
        flip: rng.bool(),
        transpose: rng.bool(),
    };
    order.into_iter().map(|k| window.cut(&clip.frames[k])).collect()
}

/// Walks back and forth over a clip that is shorter than the sample.
fn bounce(index: usize, length: usize) -> usize {
    if length == 1 {
        return 0;
    }
    let at = index % (2 * (length - 1));
    if at < length { at } else { 2 * (length - 1) - at }
}

/// A square crop with its orientation.
#[derive(Clone, Copy)]
struct Window {
    x: usize,
    y: usize,
    size: usize,
    mirror: bool,
    flip: bool,
    transpose: bool,
}

impl Window {
    fn cut(self, picture: &Yuv420) -> Yuv420 {
        let half = Window { x: self.x / 2, y: self.y / 2, size: self.size / 2, ..self };
        let (cw, ch) = (picture.width.div_ceil(2), picture.height.div_ceil(2));
        Yuv420 {
            width: self.size,
            height: self.size,
            y: self.plane(&picture.y, picture.width, picture.height),
            u: half.plane(&picture.u, cw, ch),
            v: half.plane(&picture.v, cw, ch),
        }
    }

    fn plane(self, data: &[u8], width: usize, height: usize) -> Vec<u8> {
        let n = self.size;
        let mut out = Vec::with_capacity(n * n);
        for i in 0..n {
            for j in 0..n {
                let (i, j) = if self.transpose { (j, i) } else { (i, j) };
                let i = if self.flip { n - 1 - i } else { i };
                let j = if self.mirror { n - 1 - j } else { j };
                out.push(data[(self.y + i).min(height - 1) * width + (self.x + j).min(width - 1)]);
            }
        }
        out
    }
}

/// The centre of a clip, for validation: the same frames every time.
pub fn centre(clip: &Clip, frames: usize, crop: usize) -> Vec<Yuv420> {
    let (width, height) = (clip.frames[0].width, clip.frames[0].height);
    let window = Window {
        x: width.saturating_sub(crop) / 4 * 2,
        y: height.saturating_sub(crop) / 4 * 2,
        size: crop,
        mirror: false,
        flip: false,
        transpose: false,
    };
    (0..frames).map(|t| window.cut(&clip.frames[bounce(t, clip.frames.len())])).collect()
}
