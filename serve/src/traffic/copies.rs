//! Re-encoded copies: descriptors nominate, the pixels of all frames decide.

use vcn_similarity::{BlockSpectrum, Index, PickedFrame, Picker, Registration, Residual, Thumbnail};
use vcn_store::{Digest, FrameSource, frame_digest, frames_root};

use crate::error::{Error, Result};

/// What is remembered of a video that was looked at.
#[derive(Clone, Debug)]
pub struct Look {
    /// Equal for equal decoded frames.
    pub root: Digest,
    /// Frames.
    pub frames: u64,
    picked: Vec<PickedFrame>,
    rate: f64,
}

impl Look {
    /// Looks at all frames of a video.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn at(name: &str, source: &mut dyn FrameSource, rate: f64) -> Result<Look> {
        let mut picker = Picker::new(&BlockSpectrum, rate);
        let mut digests = Vec::new();
        while let Some(frame) = source.next_frame().map_err(|error| unreadable(name, error.as_ref()))? {
            digests.push(frame_digest(&frame));
            picker.push(&frame);
        }
        let frames = digests.len() as u64;
        Ok(Look { root: frames_root(&digests), frames, picked: picker.finish(), rate })
    }
}

/// Videos that were looked at.
pub struct Looks {
    index: Index,
    looks: Vec<Look>,
}

impl Default for Looks {
    fn default() -> Looks {
        Looks { index: Index::new(&BlockSpectrum), looks: Vec::new() }
    }
}

impl Looks {
    /// Videos that this one may be a copy of, the most alike first, by the order in which they were added.
    pub fn nominate(&self, look: &Look) -> Vec<usize> {
        let mut found = self.index.align(&look.picked, look.rate, None);
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        let alike = found.into_iter().map(|alignment| alignment.video);
        alike
            .filter(|video| self.looks.get(*video).is_some_and(|other| other.frames == look.frames))
            .collect()
    }

    /// Adds a video; returns its number.
    pub fn add(&mut self, look: Look) -> usize {
        self.looks.push(look);
        let look = &self.looks[self.looks.len() - 1];
        self.index.add(&look.picked, look.rate)
    }
}

/// The pixel check of `vcn dedup`: whether two videos show the same in every frame and everywhere, in luma and in colour.
/// Both are read from where they are.
///
/// # Errors
/// An input cannot be read.
pub fn is_copy(a: (&str, &mut dyn FrameSource), b: (&str, &mut dyn FrameSource)) -> Result<bool> {
    let next = |name: &str, source: &mut dyn FrameSource| {
        source.next_frame().map_err(|error| unreadable(name, error.as_ref()))
    };
    let mut left = Residual::NONE;
    let mut frames = 0;
    loop {
        match (next(a.0, &mut *a.1)?, next(b.0, &mut *b.1)?) {
            (Some(one), Some(other)) => {
                let (one, other) = (Thumbnail::of(&one), Thumbnail::of(&other));
                left.add(frames, Registration::IDENTITY.residual(&one, &other));
                frames += 1;
            }
            (None, None) => return Ok(frames > 0 && left.is_clean()),
            _ => return Ok(false),
        }
    }
}

fn unreadable(name: &str, error: &dyn std::error::Error) -> Error {
    Error::Input { name: name.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vcn_media::{Picture, Yuv420};
    use vcn_store::Clip;

    /// A pan over a picture with detail; `change` alters a sample.
    fn clip(change: impl Fn(usize, usize, usize, u8) -> u8) -> Clip {
        coloured(change, |_| 128)
    }

    /// The same with a sample of Cb in all frames.
    fn coloured(change: impl Fn(usize, usize, usize, u8) -> u8, cb: impl Fn(usize) -> u8) -> Clip {
        const SIZE: usize = 160;
        let frame = |t: usize| {
            let y = (0..SIZE * SIZE).map(|at| {
                let (x, y) = (at % SIZE, at / SIZE);
                change(t, x, y, (((x + t) / 9 * 37 + y / 11 * 53) % 160 + 40) as u8)
            });
            let (y, u, v) =
                (y.collect(), (0..SIZE * SIZE / 4).map(&cb).collect(), vec![128; SIZE * SIZE / 4]);
            Picture::Yuv420(Yuv420 { width: SIZE, height: SIZE, y, u, v })
        };
        Clip::new((0..20).map(frame).collect())
    }

    #[test]
    fn pixels_tell_a_copy_from_a_forgery() {
        let same = |b: &mut Clip| is_copy(("a", &mut clip(|_, _, _, v| v)), ("b", b)).unwrap();
        assert!(same(&mut clip(|t, x, y, v| v.saturating_add((t * 31 + x * 7 + y * 3) as u8 % 8))));
        // A caption in three frames: invisible to a mean over the video.
        let caption =
            |t: usize, x: usize, y: usize, v| if (5..8).contains(&t) && x < 60 && y > 140 { 255 } else { v };
        assert!(!same(&mut clip(caption)));
        // Another shirt: luma is the same.
        let shirt = |at: usize| if at % 80 / 10 == 3 && at / 80 / 10 == 4 { 152 } else { 128 };
        assert!(!same(&mut coloured(|_, _, _, v| v, shirt)));
        assert!(!same(&mut clip(|t, x, y, v| v.wrapping_add((t * x * y) as u8))));
        assert!(!same(&mut Clip::default()));
        let mut looks = Looks::default();
        let look = |clip: &mut Clip| Look::at("x", clip, 10.0).unwrap();
        let first = looks.add(look(&mut clip(|_, _, _, v| v)));
        assert_eq!(looks.nominate(&look(&mut clip(|_, _, _, v| v.saturating_add(3)))), [first]);
    }
}
