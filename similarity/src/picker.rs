//! Which frames of a video are described: one a second, and those at which the picture changes most.

use vcn_media::Picture;

use crate::{
    descriptor::{Descriptor, likeness},
    thumbnail::{SIDE, Thumbnail},
};

/// Mean absolute difference to the frame before, in code values, above which a local maximum of change is picked.
const CHANGE: u32 = 20;
/// Cosine to the frame picked before above which a frame says nothing new.
const SAME: f32 = 0.998;

/// A frame and its vector.
#[derive(Clone, Debug)]
pub struct PickedFrame {
    /// Its index in the video.
    pub frame: u32,
    /// What the descriptor says of it.
    pub vector: Vec<i8>,
    /// Kept only where the picker was asked to.
    pub thumbnail: Option<Thumbnail>,
}

/// Picks and describes frames as they come. Flat frames are left out, and those like the one picked before.
pub struct Picker<'a> {
    descriptor: &'a dyn Descriptor,
    interval: u32,
    keep_thumbnails: bool,
    next: u32,
    /// The frame from which the next interval counts.
    last: Option<u32>,
    /// A few samples of the frame before.
    before: Vec<u8>,
    /// Change of the frame before, and its thumbnail if it is a maximum so far.
    change: u32,
    rising: Option<Thumbnail>,
    frames: Vec<PickedFrame>,
}

impl<'a> Picker<'a> {
    /// A picker for a video of so many frames per second.
    pub fn new(descriptor: &'a dyn Descriptor, rate: f64) -> Picker<'a> {
        Picker {
            descriptor,
            interval: rate.round().clamp(1.0, 1000.0) as u32,
            keep_thumbnails: false,
            next: 0,
            last: None,
            before: Vec::new(),
            change: 0,
            rising: None,
            frames: Vec::new(),
        }
    }

    /// Picks so many frames a second instead of one.
    #[must_use]
    pub fn per_second(mut self, count: u32) -> Picker<'a> {
        self.interval = (self.interval / count.max(1)).max(1);
        self
    }

    /// Keeps the thumbnails of what is picked: 38 kB each.
    #[must_use]
    pub fn keeping_thumbnails(mut self) -> Picker<'a> {
        self.keep_thumbnails = true;
        self
    }

    /// Takes the next frame.
    pub fn push(&mut self, picture: &Picture) {
        let frame = self.next;
        self.next += 1;
        let samples = samples(picture);
        let change = difference(&self.before, &samples);
        self.before = samples;
        if let Some(thumbnail) = self.rising.take()
            && change <= self.change
        {
            self.pick(frame - 1, thumbnail);
        }
        let rises = change > CHANGE && change > self.change;
        self.change = change;
        if self.last.is_none_or(|last| frame - last >= self.interval) {
            self.pick(frame, Thumbnail::of(picture));
        } else if rises {
            self.rising = Some(Thumbnail::of(picture));
        }
    }

    /// What was picked.
    pub fn finish(mut self) -> Vec<PickedFrame> {
        if let Some(thumbnail) = self.rising.take() {
            self.pick(self.next - 1, thumbnail);
        }
        self.frames
    }

    fn pick(&mut self, frame: u32, thumbnail: Thumbnail) {
        let Some(vector) = self.descriptor.describe(&thumbnail) else { return };
        self.last = Some(frame);
        if self.frames.last().is_some_and(|last| likeness(&last.vector, &vector) > SAME) {
            return;
        }
        let thumbnail = self.keep_thumbnails.then_some(thumbnail);
        self.frames.push(PickedFrame { frame, vector, thumbnail });
    }
}

/// About a thousand luma (or green) samples of a picture, spread over it.
fn samples(picture: &Picture) -> Vec<u8> {
    let (plane, pixel) = match picture {
        Picture::Yuv420(picture) => (&picture.y, 1),
        Picture::Yuv444(picture) => (&picture.y, 1),
        Picture::Rgb(picture) => (&picture.data, 3),
    };
    let pixels = plane.len() / pixel;
    let count = pixels.min(SIDE * 6);
    (0..count).map(|index| plane[index * pixels / count * pixel + pixel / 2]).collect()
}

fn difference(a: &[u8], b: &[u8]) -> u32 {
    let sum: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    sum / (a.len().max(1) as u32)
}
