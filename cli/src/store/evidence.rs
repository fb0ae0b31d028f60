//! What the page of `dups` and `find` shows of videos that have something in common.

use std::collections::{BTreeMap, BTreeSet};

use vcn_media::{Colour, OpenOptions, Picture, Rgb8};
use vcn_similarity::{PickedFrame, Picker, Thumbnail};
use vcn_store::{Descriptor, FrameSource, Level, Match, Store};

use super::failure;
use super::input::Frames;
use crate::failure::{Failure, Result};
use crate::page::{Group, Matrix, Moment, Pair, WorstBlock};

/// Moments of a pair that are shown at least, if there are as many.
const MOMENTS: usize = 6;

/// Where the pictures of a video come from.
pub enum Video<'a> {
    /// The archive, under this name.
    Stored(&'a str),
    /// A file or folder.
    File(&'a str, OpenOptions),
}

/// Some frames of a video, and its sampled frames.
struct Seen {
    rate: f64,
    colour: Colour,
    pictures: BTreeMap<u64, Picture>,
    sampled: Vec<PickedFrame>,
}

/// A group of the page: a video and what was found for it.
pub fn group(store: &Store, video: &Video, matches: &[Match], descriptor: &dyn Descriptor) -> Result<Group> {
    let name = match video {
        Video::Stored(name) | Video::File(name, _) => (*name).to_owned(),
    };
    let mut group = Group { name, same: Vec::new(), pairs: Vec::new(), saved_bytes: 0 };
    for found in matches {
        group.saved_bytes += found.shared_bytes;
        match found.level {
            Level::Identical => group.same.push(format!("{}: {}", found.name, found.reason)),
            _ => group.pairs.push(pair(store, video, found, descriptor)?),
        }
    }
    Ok(group)
}

/// Bytes that the archive would hold more often than once if each of these names had its own segments.
pub fn saved<'a>(store: &Store, names: impl Iterator<Item = &'a str>) -> Result<u64> {
    let (mut once, mut all) = (BTreeMap::new(), 0);
    for name in names.collect::<BTreeSet<_>>() {
        for segment in store.stat(name).map_err(failure)?.manifest.segments {
            all += segment.bytes;
            once.insert(segment.object, segment.bytes);
        }
    }
    Ok(all - once.values().sum::<u64>())
}

fn pair(store: &Store, video: &Video, found: &Match, descriptor: &dyn Descriptor) -> Result<Pair> {
    let other = Video::Stored(&found.name);
    // What was compared, and where that is little, what both show in step.
    let mut frames = found.frames.clone();
    if frames.len() < MOMENTS {
        frames.extend(in_step(found, [rate(store, video)?, rate(store, &other)?]));
        frames.sort_unstable();
        frames.dedup_by_key(|(first, _)| *first);
    }
    let a = see(store, video, frames.iter().map(|(frame, _)| *frame).collect(), descriptor)?;
    let b = see(store, &other, frames.iter().map(|(_, frame)| *frame).collect(), descriptor)?;
    let shown: Vec<(_, _, &Picture, &Picture)> = frames
        .iter()
        .filter_map(|(first, second)| {
            let seconds = [*first as f64 / a.rate, *second as f64 / b.rate];
            Some((seconds, (*first, *second), a.pictures.get(first)?, b.pictures.get(second)?))
        })
        .collect();
    let thumbnails: Vec<(_, _, Thumbnail, Thumbnail)> = shown
        .iter()
        .map(|(seconds, frame, first, second)| {
            let first = Thumbnail::of(first);
            let first = if found.mirrored { first.mirrored() } else { first };
            (*seconds, *frame, first, Thumbnail::of(second))
        })
        .collect();
    let worst = match found.level {
        Level::Near => {
            let compared = |frame: &(u64, u64)| found.frames.is_empty() || found.frames.contains(frame);
            let compared = thumbnails.iter().filter(|(_, frame, ..)| compared(frame));
            WorstBlock::among(compared.map(|(seconds, _, a, b)| (*seconds, a, b)))
        }
        _ => None,
    };
    // What was sampled is described as it is: in the mirror, the moments that are shown have to do.
    let sampled: Vec<Vec<i8>> = match found.mirrored {
        true => thumbnails.iter().filter_map(|(_, _, first, _)| descriptor.describe(first)).collect(),
        false => a.sampled.iter().map(|frame| frame.vector.clone()).collect(),
    };
    let rgb = |picture: &Picture, colour: Colour| -> Rgb8 { picture.to_rgb(colour) };
    let moments = shown.iter().map(|(seconds, _, first, second)| Moment {
        seconds: *seconds,
        pictures: [rgb(first, a.colour), rgb(second, b.colour)],
    });
    Ok(Pair {
        name: found.name.clone(),
        level: found.level.as_str(),
        score: found.score,
        reason: found.reason.clone(),
        saved_bytes: found.shared_bytes,
        moments: moments.collect(),
        matrix: Matrix::of(
            &sampled.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            &b.sampled.iter().map(|frame| frame.vector.as_slice()).collect::<Vec<_>>(),
        ),
        worst,
    })
}

/// Frames of the part that two videos share, at the same distance from its start.
fn in_step(found: &Match, rates: [f64; 2]) -> Vec<(u64, u64)> {
    let [first, second] = rates;
    let frame = |seconds: f64, rate: f64| (seconds * rate).round().max(0.0) as u64;
    let (from, other_from) = (frame(found.query_from, first), frame(found.from, second));
    let length = (frame(found.query_to, first) - from.min(frame(found.query_to, first)))
        .min(frame(found.to, second).saturating_sub(other_from));
    let count = length.min(MOMENTS as u64);
    (0..count).map(|at| at * length / count).map(|at| (from + at, other_from + at)).collect()
}

fn rate(store: &Store, video: &Video) -> Result<f64> {
    Ok(match video {
        Video::Stored(name) => store.stat(name).map_err(failure)?.entry.timing.rate().as_f64(),
        Video::File(path, options) => Frames::open(path, *options)?.info().fps.as_f64(),
    })
}

fn see(store: &Store, video: &Video, wanted: BTreeSet<u64>, descriptor: &dyn Descriptor) -> Result<Seen> {
    match video {
        Video::Stored(name) => {
            let entry = store.stat(name).map_err(failure)?.entry;
            let mut pictures = BTreeMap::new();
            for frame in wanted {
                // What is damaged, or needs a model that is not here, is left out.
                let playback = store.get(name, Some(frame..frame + 1));
                if let Ok(Some(picture)) = playback.and_then(|mut playback| playback.next_frame()) {
                    pictures.insert(frame, picture);
                }
            }
            let sampled = store.described_frames(name, descriptor).map_err(failure)?;
            Ok(Seen { rate: entry.timing.rate().as_f64(), colour: entry.colour, pictures, sampled })
        }
        Video::File(path, options) => {
            let mut frames = Frames::open(path, *options)?;
            let info = frames.info().clone();
            let mut picker = Picker::new(descriptor, info.fps.as_f64());
            let mut pictures = BTreeMap::new();
            let mut index = 0;
            while let Some(picture) = frames.next_frame().map_err(|error| Failure::Other(error))? {
                picker.push(&picture);
                if wanted.contains(&index) {
                    pictures.insert(index, picture);
                }
                index += 1;
            }
            let sampled = picker.finish();
            Ok(Seen { rate: info.fps.as_f64(), colour: info.colour, pictures, sampled })
        }
    }
}
