//! Near-duplicates: alignments nominate, the pixels of aligned frames tell how far off they are.

use std::collections::HashSet;

use vcn_similarity::{Alignment, Descriptor, Distortion, Index, PickedFrame, Thumbnail};

use super::{
    picked::Stored,
    report::{FindOptions, Level, Match},
    video::Video,
};
use crate::{
    digest::Digest,
    error::Result,
    objects::{Kind, ObjectId},
    store::Store,
};

/// Aligned frames whose pixels are compared at most.
const CHECKED: usize = 8;

/// Vectors that are in memory at the same time, in bytes.
pub(super) const BATCH: usize = 128 << 20;

/// The described frames of many videos, and the videos by their numbers in the index.
pub(super) struct Described {
    pub index: Index,
    pub roots: Vec<Digest>,
    bytes: usize,
}

/// A video that may look like a query.
pub(super) struct Nominee {
    pub root: Digest,
    pub mirrored: bool,
    pub alignment: Alignment,
}

/// The described frames of a query, as they are and in the mirror.
pub(super) struct Sought<'a> {
    pub root: Digest,
    /// Frames per second.
    pub rate: f64,
    pub frames: Vec<PickedFrame>,
    /// Frames in all, or more where that is not known.
    pub total: u64,
    pub mirrored: Vec<PickedFrame>,
    /// The query itself, if it is stored.
    pub own: Option<&'a Video>,
}

impl Described {
    fn new(descriptor: &dyn Descriptor) -> Described {
        Described { index: Index::new(descriptor), roots: Vec::new(), bytes: 0 }
    }

    /// Videos that may look like the query.
    pub fn nominate(&self, sought: &Sought) -> Vec<Nominee> {
        let except = self.roots.iter().position(|root| *root == sought.root);
        let both = [(false, &sought.frames), (true, &sought.mirrored)];
        let all = both.into_iter().flat_map(|(mirrored, frames)| {
            let found = self.index.align(frames, sought.rate, except).into_iter();
            found.map(move |alignment| Nominee { root: self.roots[alignment.video], mirrored, alignment })
        });
        all.collect()
    }
}

impl Store {
    /// Calls `each` with the descriptors of all videos, `most` bytes of them at a time.
    pub(super) fn described(
        &self,
        descriptor: &dyn Descriptor,
        most: usize,
        mut each: impl FnMut(Described) -> Result<()>,
    ) -> Result<()> {
        let model = Digest(descriptor.id());
        let mut batch = Described::new(descriptor);
        let mut read = 0;
        self.catalogue.each_descriptors(model, |root, digest, rate, bytes| {
            let id = ObjectId { kind: Kind::Descriptors, digest };
            // What cannot be read can be made again from the frames, and is not worth a failure.
            if let Ok(stored) = Stored::parse(id, bytes)
                && stored.root == root
                && stored.descriptor == model
            {
                batch.bytes += bytes.len();
                batch.index.add_stored(stored.frames(), rate);
                batch.roots.push(root);
            }
            read += 1;
            self.tell("described videos read", read, None);
            match batch.bytes < most {
                true => Ok(()),
                false => each(std::mem::replace(&mut batch, Described::new(descriptor))),
            }
        })?;
        each(batch)
    }

    /// The frames of a query as their mirror images are described; needs the pictures only if the descriptor cannot do
    /// without.
    pub(super) fn mirrored(
        &self,
        frames: &[PickedFrame],
        own: Option<&Video>,
        descriptor: &dyn Descriptor,
    ) -> Vec<PickedFrame> {
        let turned = |picked: &PickedFrame| {
            let vector = match descriptor.mirrored(&picked.vector) {
                Some(vector) => vector,
                None => descriptor.describe(&self.thumbnail_of(picked, own)?.mirrored())?,
            };
            Some(PickedFrame { frame: picked.frame, vector, thumbnail: None })
        };
        frames.iter().filter_map(turned).collect()
    }

    /// Looks at nominees, the best first; those that are no longer stored under a name that starts with `prefix` are passed
    /// over.
    pub(super) fn examine(
        &self,
        sought: &Sought,
        mut nominees: Vec<Nominee>,
        options: &FindOptions,
        prefix: &str,
    ) -> Result<Vec<(Digest, Match)>> {
        nominees.sort_by(|a, b| b.alignment.score.total_cmp(&a.alignment.score).then(a.root.cmp(&b.root)));
        let mut seen = HashSet::new();
        let mut matches = Vec::new();
        for nominee in nominees {
            if matches.len() == options.limit || nominee.alignment.score < options.min_score {
                break;
            }
            if !seen.insert(nominee.root) {
                continue;
            }
            let Some(video) = self.video_named(nominee.root, prefix)? else { continue };
            matches.push((nominee.root, self.compare(sought, &nominee, &video, options.pixels)));
        }
        Ok(matches)
    }

    /// Stored videos that look like a stored one from its first frame on, the best first.
    pub(crate) fn look_alikes(
        &self,
        own: &Video,
        descriptor: &dyn Descriptor,
        limit: usize,
    ) -> Result<Vec<Video>> {
        let root = own.manifest.root;
        let Some(picked) = self.picked(root, descriptor)? else { return Ok(Vec::new()) };
        let (rate, frames, total, mirrored) = (own.rate, picked.frames, own.manifest.frames, Vec::new());
        let sought = Sought { root, rate, frames, total, mirrored, own: None };
        let mut nominees: Vec<Nominee> = Vec::new();
        self.described(descriptor, BATCH, |batch| {
            nominees.extend(batch.nominate(&sought));
            Ok(())
        })?;
        nominees.retain(|nominee| nominee.alignment.offset.abs() < 0.5);
        nominees.sort_by(|a, b| b.alignment.score.total_cmp(&a.alignment.score).then(a.root.cmp(&b.root)));
        let mut videos = Vec::new();
        for nominee in nominees {
            if videos.len() == limit {
                break;
            }
            videos.extend(self.video_of(nominee.root)?);
        }
        Ok(videos)
    }

    /// The thumbnail of a frame of the query.
    fn shown(&self, sought: &Sought, frame: u32) -> Option<Thumbnail> {
        let at = sought.frames.binary_search_by_key(&frame, |picked| picked.frame).ok()?;
        self.thumbnail_of(&sought.frames[at], sought.own)
    }

    fn thumbnail_of(&self, picked: &PickedFrame, own: Option<&Video>) -> Option<Thumbnail> {
        match &picked.thumbnail {
            Some(thumbnail) => Some(thumbnail.clone()),
            None => self.stored_thumbnail(&own?.manifest, picked.frame),
        }
    }

    /// Compares the pixels of aligned frames.
    fn compare(&self, sought: &Sought, nominee: &Nominee, video: &Video, pixels: bool) -> Match {
        let query = if nominee.mirrored { &sought.mirrored } else { &sought.frames };
        let alike = &nominee.alignment.pairs;
        let compared = to_compare(query, sought.rate, &nominee.alignment, video);
        let mut total: Option<(u64, Distortion)> = None;
        for (frame, stored) in compared.iter().filter(|_| pixels) {
            let own = self.shown(sought, *frame);
            let Some((a, b)) = own.zip(self.stored_thumbnail(&video.manifest, *stored)) else { continue };
            let a = if nominee.mirrored { a.mirrored() } else { a };
            let frame = Distortion::between(a.picture(), b.picture());
            total = Some(match total {
                None => (1, frame),
                Some((count, sum)) => (count + 1, sum.merge(count, frame, 1)),
            });
        }
        let time = |pair: Option<&(usize, u32)>| {
            let (index, stored) = pair.copied().unwrap_or_default();
            let frame = query.get(index).map_or(0, |picked| picked.frame);
            (f64::from(frame) / sought.rate, f64::from(stored) / video.rate)
        };
        let (query_from, from) = time(alike.first());
        let (query_last, last) = time(alike.last());
        // A sampled frame stands for what comes until the next: a second at most, and to the end of either video.
        let next = alike.last().and_then(|(index, _)| query.get(index + 1));
        let next = next.map_or(f64::INFINITY, |picked| f64::from(picked.frame) / sought.rate);
        let left = (next.min(sought.total as f64 / sought.rate) - query_last)
            .min(video.manifest.frames as f64 / video.rate - last)
            .clamp(0.0, 1.0);
        let (query_to, to) = (query_last + left, last + left);
        let distortion = total.map(|(_, distortion)| distortion);
        let verdict = distortion.map_or(String::new(), |distortion| {
            let [mean, frame, block] =
                [distortion.mean, distortion.worst_frame, distortion.worst_block].map(Distortion::psnr);
            format!("; PSNR {mean:.1} dB, worst frame {frame:.1}, worst block {block:.1}")
        });
        let mirror = if nominee.mirrored { "in the mirror, " } else { "" };
        let between = alike.last().zip(alike.first()).map_or(0, |(last, first)| last.0 - first.0 + 1);
        let others = match between.saturating_sub(alike.len()) {
            0 => String::new(),
            others => format!(", {others} between them do not"),
        };
        Match {
            name: video.name.clone(),
            level: Level::Near,
            score: nominee.alignment.score,
            query_from,
            query_to,
            from,
            to,
            mirrored: nominee.mirrored,
            distortion,
            reason: format!(
                "{mirror}{} sampled frames look alike at one offset{others}{verdict}",
                alike.len()
            ),
            frames: compared.into_iter().map(|(own, stored)| (u64::from(own), u64::from(stored))).collect(),
            shared_bytes: 0,
        }
    }
}

/// Frames of a query and of a video whose pixels are to be compared, in order: of the sampled ones from the first that look
/// alike to the last some that do, and some that do not. These may show what somebody put there.
fn to_compare(query: &[PickedFrame], rate: f64, alignment: &Alignment, video: &Video) -> Vec<(u32, u32)> {
    let pairs = &alignment.pairs;
    let (Some((first, _)), Some((last, _))) = (pairs.first(), pairs.last()) else { return Vec::new() };
    let (mut alike, mut others) = (Vec::new(), Vec::new());
    for (index, picked) in query.iter().enumerate().take(last + 1).skip(*first) {
        match pairs.binary_search_by_key(&index, |(index, _)| *index) {
            Ok(at) => alike.push((picked.frame, pairs[at].1)),
            Err(_) => {
                let at = (f64::from(picked.frame) / rate + alignment.offset) * video.rate;
                if (0.0..video.manifest.frames as f64 - 0.5).contains(&at) {
                    others.push((picked.frame, at.round() as u32));
                }
            }
        }
    }
    let some = |frames: &[(u32, u32)], most: usize| -> Vec<(u32, u32)> {
        let count = frames.len().min(most);
        (0..count).map(|at| frames[at * frames.len() / count]).collect()
    };
    let mut compared = some(&others, CHECKED / 2);
    compared.extend(some(&alike, CHECKED - compared.len()));
    compared.sort_unstable();
    compared
}
