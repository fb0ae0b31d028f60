//! Which videos agree with a query, and at which offset in time.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{
    cells::Cells,
    descriptor::{Descriptor, likeness},
    picker::PickedFrame,
    scan::{Vectors, floor},
};

/// A vector that is alike frames of more videos than this, such as of a shared intro, votes for none.
const COMMON: usize = 64;

/// The picked frames of many videos. A cache: it is made from them when needed.
pub struct Index {
    vectors: Vectors,
    alike: f32,
    /// For each vector, its video and its frame, in the order of the videos.
    places: Vec<(u32, u32)>,
    /// Frame rate and number of picked frames of each video.
    videos: Vec<(f64, usize)>,
}

/// An alignment of a query with a video of the index.
#[derive(Clone, Debug)]
pub struct Alignment {
    /// The video: the number that [`Index::add`] gave.
    pub video: usize,
    /// Mean likeness of the frames that agree, times the square root of their share in the frames that could.
    pub score: f32,
    /// Where the query's first frame is in the video, in seconds; negative if before its start.
    pub offset: f64,
    /// Pairs of frames that agree, in the query's order: index into its picked frames, and frame of the video.
    pub pairs: Vec<(usize, u32)>,
}

/// A frame of a query that is alike one of the index.
struct Vote {
    /// Index into the query's picked frames.
    query: usize,
    /// Frame of the video.
    frame: u32,
    alike: f32,
    offset: f64,
}

impl Index {
    /// An empty index for vectors of this descriptor.
    pub fn new(descriptor: &dyn Descriptor) -> Index {
        Index {
            vectors: Vectors::new(descriptor.length()),
            alike: descriptor.alike(),
            places: Vec::new(),
            videos: Vec::new(),
        }
    }

    /// Adds a video of so many frames per second and gives its number, counted from 0. Vectors of another length are left
    /// out.
    pub fn add(&mut self, frames: &[PickedFrame], rate: f64) -> usize {
        let video = self.videos.len();
        let before = self.places.len();
        for frame in frames {
            if self.vectors.push(&frame.vector) {
                self.places.push((video as u32, frame.frame));
            }
        }
        self.videos.push((rate, self.places.len() - before));
        video
    }

    /// [`Index::add`] for frames as they are stored: index, and the bytes of the vector.
    pub fn add_stored<'a>(&mut self, frames: impl Iterator<Item = (u32, &'a [u8])>, rate: f64) -> usize {
        let video = self.videos.len();
        let before = self.places.len();
        for (frame, vector) in frames {
            if self.vectors.push_bytes(vector) {
                self.places.push((video as u32, frame));
            }
        }
        self.videos.push((rate, self.places.len() - before));
        video
    }

    /// How many videos there are.
    pub fn len(&self) -> usize {
        self.videos.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.videos.is_empty()
    }

    /// Frames per second of a video, and its frames, without thumbnails.
    pub fn video(&self, video: usize) -> (f64, Vec<PickedFrame>) {
        let frame = |place: usize| PickedFrame {
            frame: self.places[place].1,
            vector: self.vectors.get(place).to_vec(),
            thumbnail: None,
        };
        (self.videos[video].0, self.places_of(video).map(frame).collect())
    }

    /// Videos that agree with a query at some offset, at the best offset of each, the best first. `rate` is the query's;
    /// `except` is not looked at.
    pub fn align(&self, query: &[PickedFrame], rate: f64, except: Option<usize>) -> Vec<Alignment> {
        self.agreeing(query, rate, self.hits(query), &|video| Some(video) != except)
    }

    /// Prepares for a search of very many videos; an `exhaustive` one looks at every vector all the same.
    pub fn neighbours(&self, exhaustive: bool) -> Neighbours<'_> {
        let cells = if exhaustive { None } else { Cells::of(&self.vectors) };
        Neighbours { index: self, cells }
    }

    fn places_of(&self, video: usize) -> std::ops::Range<usize> {
        let number = |place: &(u32, u32)| place.0 as usize;
        let first = self.places.partition_point(|place| number(place) < video);
        first..first + self.videos[video].1
    }

    /// All that is alike the query's frames.
    fn hits(&self, query: &[PickedFrame]) -> Vec<Vec<(usize, f32)>> {
        let vectors: Vec<&[i8]> = query.iter().map(|picked| picked.vector.as_slice()).collect();
        self.vectors.alike(&vectors, self.alike)
    }

    /// The best alignment with each of some videos, from what is alike each frame of the query.
    fn agreeing(
        &self,
        query: &[PickedFrame],
        rate: f64,
        hits: Vec<Vec<(usize, f32)>>,
        wanted: &dyn Fn(usize) -> bool,
    ) -> Vec<Alignment> {
        let mut best: HashMap<u32, Alignment> = HashMap::new();
        for ((video, _), votes) in self.votes(query, rate, hits, wanted) {
            let possible = query.len().min(self.videos[video as usize].1).max(1);
            let Some(alignment) = agreed(video, votes, possible) else { continue };
            let other = best.entry(video).or_insert_with(|| alignment.clone());
            if alignment.score > other.score {
                *other = alignment;
            }
        }
        let mut found: Vec<Alignment> = best.into_values().collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.video.cmp(&b.video)));
        found
    }

    /// Votes by video and offset in quarters of a second.
    fn votes(
        &self,
        query: &[PickedFrame],
        rate: f64,
        hits: Vec<Vec<(usize, f32)>>,
        wanted: &dyn Fn(usize) -> bool,
    ) -> HashMap<(u32, i64), Vec<Vote>> {
        let mut votes: HashMap<(u32, i64), Vec<Vote>> = HashMap::new();
        for (index, (picked, found)) in query.iter().zip(hits).enumerate() {
            let videos: HashSet<u32> = found.iter().map(|(place, _)| self.places[*place].0).collect();
            if videos.len() > COMMON {
                continue;
            }
            for (place, alike) in found {
                let (video, frame) = self.places[place];
                if !wanted(video as usize) {
                    continue;
                }
                let offset =
                    f64::from(frame) / self.videos[video as usize].0 - f64::from(picked.frame) / rate;
                let bin = (offset * 4.0).round() as i64;
                // The frames that were picked of the two need not be quite the same.
                for near in bin - 1..=bin + 1 {
                    votes.entry((video, near)).or_default().push(Vote { query: index, frame, alike, offset });
                }
            }
        }
        votes
    }
}

/// An [`Index`] in which a search does not look at every vector.
pub struct Neighbours<'a> {
    index: &'a Index,
    cells: Option<Cells>,
}

impl Neighbours<'_> {
    /// [`Index::align`] with those videos that are `wanted`. Videos none of whose frames is found near one of the query's
    /// are missed; with all others the alignment is as good as there.
    pub fn align(&self, query: &[PickedFrame], rate: f64, wanted: &dyn Fn(usize) -> bool) -> Vec<Alignment> {
        let Index { vectors, places, alike, .. } = self.index;
        let Some(cells) = &self.cells else {
            return self.index.agreeing(query, rate, self.index.hits(query), wanted);
        };
        let floor = floor(*alike);
        let sought: Vec<&[i8]> = query.iter().map(|picked| picked.vector.as_slice()).collect();
        let mut videos: Vec<HashSet<u32>> = vec![HashSet::new(); query.len()];
        cells.near(&sought, |at, place, inner| {
            if inner > floor && likeness(sought[at], vectors.get(place)) >= *alike {
                videos[at].insert(places[place].0);
            }
        });
        let common: Vec<bool> = videos.iter().map(|videos| videos.len() > COMMON).collect();
        let telling = videos.into_iter().filter(|videos| videos.len() <= COMMON);
        let mut nominated: BTreeSet<u32> = telling.flatten().collect();
        nominated.retain(|video| wanted(*video as usize));
        let with_nominated = |(picked, common): (&PickedFrame, bool)| -> Vec<(usize, f32)> {
            let places =
                nominated.iter().filter(|_| !common).flat_map(|video| self.index.places_of(*video as usize));
            let likeness = |place| (place, likeness(&picked.vector, vectors.get(place)));
            places.map(likeness).filter(|(_, found)| found >= alike).collect()
        };
        let hits = query.iter().zip(common).map(with_nominated).collect();
        self.index.agreeing(query, rate, hits, wanted)
    }
}

/// The alignment that votes for one offset make; none if they may have agreed by chance.
fn agreed(video: u32, mut votes: Vec<Vote>, possible: usize) -> Option<Alignment> {
    votes.sort_by(|a, b| a.query.cmp(&b.query).then(b.alike.total_cmp(&a.alike)));
    votes.dedup_by_key(|vote| vote.query);
    let count = votes.len();
    // One frame of many may agree by chance.
    if count < 2 && possible > 2 {
        return None;
    }
    let mean = votes.iter().map(|vote| vote.alike).sum::<f32>() / count as f32;
    let mut offsets: Vec<f64> = votes.iter().map(|vote| vote.offset).collect();
    offsets.sort_by(f64::total_cmp);
    Some(Alignment {
        video: video as usize,
        score: mean * (count as f32 / possible as f32).min(1.0).sqrt(),
        offset: offsets[count / 2],
        pairs: votes.iter().map(|vote| (vote.query, vote.frame)).collect(),
    })
}
