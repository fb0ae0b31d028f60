//! Features of videos for other programs: one vector for each second, or for each 16 frames, as NumPy arrays.
//!
//! Frames are decoded on the fly and looked at as canonical thumbnails (160x160, without letterbox). A vector holds, for
//! each channel of the codec's intra transform, the mean over all positions, then for each channel the standard
//! deviation; [`Kind::Motion`] adds the same of the motion transform, over all positions and all pairs of neighbours
//! among the 16 frames. So vectors of videos of any size have one length.

mod lease;
mod list;
mod npy;
mod pooling;

use std::path::Path;

use vcn_codec::Codec;
use vcn_media::{AtomicFile, FrameReader, Picture, Rational, Yuv420};
use vcn_similarity::{SIDE, Thumbnail, Window};

pub use lease::Lease;
pub use list::{Item, read_list};
pub use npy::Number;

use crate::error::{Error, Result};
use crate::scan::open_path;
use npy::Array;
use pooling::Pool;

/// Frames in a clip that gives one vector with motion.
const CLIP: usize = 16;

/// What a vector tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first frame of each second.
    Appearance,
    /// The middle frame of each 16, and the motion between neighbours among them. The last clip may be shorter.
    Motion,
}

/// What is written.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    /// What vectors tell of.
    pub kind: Kind,
    /// Type of the numbers.
    pub number: Number,
    /// Whether vectors are scaled to unit length.
    pub normalised: bool,
}

impl Features {
    /// Numbers in a vector.
    pub fn length(&self) -> usize {
        let motion = if self.kind == Kind::Motion { vcn_codec::model::motion::CHANNELS } else { 0 };
        2 * (vcn_codec::model::intra::KEPT.channels() + motion)
    }

    /// Whether a file holds such features already.
    ///
    /// # Errors
    /// A file of that name holds something else.
    pub fn are_at(&self, path: &Path) -> Result<bool> {
        npy::is_at(path, self.number, self.length())
    }

    /// Writes the features of a video; the file appears when it is complete. `seen` is called after each frame. Gives the
    /// number of vectors.
    ///
    /// # Errors
    /// The video cannot be read to its end or has no frame, or the file is there or cannot be written.
    pub fn write(&self, codec: &Codec, video: &Path, output: &Path, mut seen: impl FnMut()) -> Result<u64> {
        let mut reader = open_path(video)?;
        if let Some(folder) = output.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let mut array = Array::begin(AtomicFile::create(output, false)?, self.number, self.length())?;
        match self.kind {
            Kind::Appearance => self.seconds(codec, reader.as_mut(), &mut array, &mut seen)?,
            Kind::Motion => self.clips(codec, reader.as_mut(), &mut array, &mut seen)?,
        }
        array.finish(video)
    }

    fn seconds(
        &self,
        codec: &Codec,
        reader: &mut dyn FrameReader,
        array: &mut Array,
        seen: &mut impl FnMut(),
    ) -> Result<()> {
        let rate = reader.info().fps;
        let mut frame = 0;
        while let Some(picture) = reader.next()? {
            if begins_second(frame, rate) {
                let mut pool = Pool::default();
                pool.add(&codec.analyse_intra(Thumbnail::of(&picture).picture()));
                array.push(self.scaled(pool.vector()))?;
            }
            frame += 1;
            seen();
        }
        Ok(())
    }

    fn clips(
        &self,
        codec: &Codec,
        reader: &mut dyn FrameReader,
        array: &mut Array,
        seen: &mut impl FnMut(),
    ) -> Result<()> {
        let mut clip = Clip::default();
        while let Some(picture) = reader.next()? {
            clip.push(&picture);
            if clip.frames.len() == CLIP {
                array.push(self.scaled(clip.vector(codec)?))?;
                clip = Clip::default();
            }
            seen();
        }
        if !clip.frames.is_empty() {
            array.push(self.scaled(clip.vector(codec)?))?;
        }
        Ok(())
    }

    fn scaled(&self, mut vector: Vec<f32>) -> Vec<f32> {
        if self.normalised {
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            vector.iter_mut().for_each(|value| *value /= length.max(f32::MIN_POSITIVE));
        }
        vector
    }
}

/// Up to 16 frames, all without the letterbox of the first: what moves is not the letterbox.
#[derive(Default)]
struct Clip {
    window: Option<Window>,
    frames: Vec<Yuv420>,
}

impl Clip {
    fn push(&mut self, picture: &Picture) {
        let window = self.window.get_or_insert_with(|| Window::of(picture));
        self.frames.push(Thumbnail::with(picture, window, SIDE).picture().clone());
    }

    fn vector(&self, codec: &Codec) -> Result<Vec<f32>> {
        let (mut appearance, mut motion) = (Pool::default(), Pool::default());
        appearance.add(&codec.analyse_intra(&self.frames[self.frames.len() / 2]));
        // A single frame is the same before and after.
        let still = [(&self.frames[0], &self.frames[0])];
        let pairs = self.frames.iter().zip(&self.frames[1..]);
        let pairs = pairs.chain(still.into_iter().filter(|_| self.frames.len() == 1));
        for (before, after) in pairs {
            motion.add(&codec.analyse_motion(after, before)?);
        }
        Ok([appearance.vector(), motion.vector()].concat())
    }
}

/// Whether a frame is the first one of a second.
fn begins_second(frame: u64, rate: Rational) -> bool {
    let second = |frame: u64| frame * u64::from(rate.den) / u64::from(rate.num);
    frame == 0 || second(frame) > second(frame - 1)
}
