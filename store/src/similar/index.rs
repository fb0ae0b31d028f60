//! All vectors of a store in memory, and the exact search through them. A cache: it is read from `desc/` when needed.

use std::collections::HashMap;

use super::{
    descriptor::{dot, likeness},
    picked::{Picked, PickedFrame},
};
use crate::digest::Digest;

/// Vectors less alike than this never match.
const ALIKE: f32 = 0.86;

/// A vector that is alike frames of more videos than this, such as of a shared intro, votes for none.
const COMMON: usize = 64;

/// Vectors of all videos, one after the other.
#[derive(Default)]
pub(crate) struct Index {
    length: usize,
    vectors: Vec<i8>,
    /// For each vector, its video and its frame.
    places: Vec<(u32, u32)>,
    /// Frames root and frame rate of each video.
    videos: Vec<(Digest, f64)>,
}

/// An alignment of a query with a stored video.
#[derive(Clone, Debug)]
pub(crate) struct Alignment {
    pub root: Digest,
    /// Whether the query is the mirror image.
    pub mirrored: bool,
    /// Mean likeness of the frames that agree, times their share in the frames that could.
    pub score: f32,
    /// Pairs of frames that agree: of the query (index into its picked frames) and of the stored video.
    pub pairs: Vec<(usize, u32)>,
}

/// A frame of a query that is alike a stored one.
struct Vote {
    /// Index into the query's picked frames.
    query: usize,
    /// Frame of the stored video.
    stored: u32,
    alike: f32,
}

impl Index {
    /// An index of vectors of this length.
    pub fn new(length: usize) -> Index {
        Index { length, ..Index::default() }
    }

    /// Adds a video; vectors of another length are left out.
    pub fn add(&mut self, picked: &Picked, rate: f64) {
        let video = self.videos.len() as u32;
        self.videos.push((picked.root, rate));
        for frame in picked.frames.iter().filter(|frame| frame.vector.len() == self.length) {
            self.vectors.extend(&frame.vector);
            self.places.push((video, frame.frame));
        }
    }

    /// Stored videos that are alike a query at some offset, the best first. `rate` is the query's.
    pub fn align(
        &self,
        query: &[PickedFrame],
        rate: f64,
        mirrored: bool,
        not: Option<Digest>,
    ) -> Vec<Alignment> {
        // Votes by video and offset in quarters of a second.
        let mut votes: HashMap<(u32, i64), Vec<Vote>> = HashMap::new();
        for (index, frame) in query.iter().enumerate() {
            let found = self.alike(&frame.vector);
            let videos: std::collections::HashSet<u32> =
                found.iter().map(|(place, _)| self.places[*place].0).collect();
            if videos.len() > COMMON {
                continue;
            }
            for (place, alike) in found {
                let (video, stored) = self.places[place];
                let (root, stored_rate) = self.videos[video as usize];
                if Some(root) == not {
                    continue;
                }
                let offset = f64::from(stored) / stored_rate - f64::from(frame.frame) / rate;
                let bin = (offset * 4.0).round() as i64;
                // Sampling of the two need not fall on the same frames.
                for near in bin - 1..=bin + 1 {
                    votes.entry((video, near)).or_default().push(Vote { query: index, stored, alike });
                }
            }
        }
        let mut best: HashMap<u32, Alignment> = HashMap::new();
        for ((video, _), mut pairs) in votes {
            pairs.sort_by(|a, b| a.query.cmp(&b.query).then(b.alike.total_cmp(&a.alike)));
            pairs.dedup_by_key(|vote| vote.query);
            let count = pairs.len();
            let possible = query.len().min(self.picked_of(video)).max(1);
            let mean = pairs.iter().map(|vote| vote.alike).sum::<f32>() / count as f32;
            let score = mean * (count as f32 / possible as f32).min(1.0).sqrt();
            let alignment = Alignment {
                root: self.videos[video as usize].0,
                mirrored,
                score,
                pairs: pairs.iter().map(|vote| (vote.query, vote.stored)).collect(),
            };
            // One frame of many may agree by chance.
            if count >= 2 || possible <= 2 {
                let other = best.entry(video).or_insert_with(|| alignment.clone());
                if alignment.score > other.score {
                    *other = alignment;
                }
            }
        }
        let mut found: Vec<Alignment> = best.into_values().collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.root.cmp(&b.root)));
        found
    }

    fn picked_of(&self, video: u32) -> usize {
        let from = self.places.partition_point(|place| place.0 < video);
        let to = self.places.partition_point(|place| place.0 <= video);
        to - from
    }

    /// Places of the vectors that are alike one.
    fn alike(&self, vector: &[i8]) -> Vec<(usize, f32)> {
        // Vectors have about the length 127, so that most are ruled out by their inner product.
        let floor = (ALIKE * 0.9 * 127.0 * 127.0) as i32;
        let candidates = self.vectors.chunks_exact(self.length.max(1)).enumerate();
        candidates
            .filter(|(_, other)| dot(vector, other) > floor)
            .map(|(place, other)| (place, likeness(vector, other)))
            .filter(|(_, alike)| *alike >= ALIKE)
            .collect()
    }
}
