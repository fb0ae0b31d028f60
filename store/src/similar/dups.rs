//! `dups`: what stored videos have in common.
//!
//! Manifests are read one after the other, and of each only a few bytes a segment are kept, so that memory stays small;
//! those of videos that have something in common are read again.

use std::collections::{BTreeMap, BTreeSet};

use vcn_similarity::{Alignment, Descriptor, PickedFrame};

use super::{
    near::{Described, Nominee, Sought},
    picked::Picked,
    report::{FindOptions, Pair},
};
use crate::{
    digest::Digest,
    error::Result,
    objects::{Kind, ObjectId, fetch},
    store::Store,
};

/// A segment of more videos than this, such as a black one, says nothing.
const COMMON: usize = 64;

/// A stored video under all of its names, the first of them first.
struct Named {
    root: Digest,
    identity: Digest,
    /// With their identities, which differ where side streams do.
    names: Vec<(String, Digest)>,
}

/// What is stored.
struct Stored {
    /// In the order of their first names.
    videos: Vec<Named>,
    /// Place in `videos`, by the root of their frames.
    places: BTreeMap<Digest, usize>,
    /// The start of each segment's digest, and the place of a video that has it.
    segments: Vec<(u64, usize)>,
}

impl Store {
    /// Pairs of stored videos that have something in common, without those that are marked as no duplicates. `exhaustive`
    /// compares every sampled frame with every other, which takes time in the square of their number; without it, videos
    /// that are only just alike may be missed where there are very many.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn dups(&self, options: &FindOptions, exhaustive: bool) -> Result<Vec<Pair>> {
        let mut stored = self.all_videos()?;
        let mut pairs = Vec::new();
        for same in stored.videos.iter().filter(|video| video.names.len() > 1) {
            let Some(video) = self.video_of(same.root)? else { continue };
            let (first, identity) = &same.names[0];
            for (other, theirs) in &same.names[1..] {
                let other = video.same_frames(other, theirs == identity);
                pairs.push(Pair { name: first.clone(), other });
            }
        }
        let shared = shared_segments(std::mem::take(&mut stored.segments));
        for (at, (a, b)) in shared.iter().enumerate() {
            self.tell("pairs with shared segments compared", at as u64 + 1, Some(shared.len() as u64));
            let (a, b) = (&stored.videos[*a], &stored.videos[*b]);
            if self.is_distinct(a.identity, b.identity)? {
                continue;
            }
            if let (Some(own), Some(other)) = (self.video_of(a.root)?, self.video_of(b.root)?) {
                let other = other.in_common(&own.placed(), own.manifest.frames, own.rate);
                // Of two different segments the digests may start alike.
                if other.shared_bytes > 0 {
                    pairs.push(Pair { name: own.name, other });
                }
            }
        }
        self.described(options.descriptor, usize::MAX, |all| {
            self.alike_pairs(&stored, &shared, &all, options, exhaustive, &mut pairs)
        })?;
        pairs.sort_by(|a, b| {
            (a.other.level, &a.name, &a.other.name).cmp(&(b.other.level, &b.name, &b.other.name))
        });
        Ok(pairs)
    }

    /// Adds the pairs of videos that look alike, each once, and only if they share no segments.
    fn alike_pairs(
        &self,
        stored: &Stored,
        shared: &BTreeSet<(usize, usize)>,
        all: &Described,
        options: &FindOptions,
        exhaustive: bool,
        pairs: &mut Vec<Pair>,
    ) -> Result<()> {
        let descriptor = options.descriptor;
        let place = |number: usize| stored.places.get(&all.roots[number]).copied();
        let neighbours = all.index.neighbours(exhaustive);
        for number in 0..all.index.len() {
            self.tell("videos compared with the others", number as u64 + 1, Some(all.index.len() as u64));
            let (root, Some(at)) = (all.roots[number], place(number)) else { continue };
            let wanted = |other: usize| {
                other > number && place(other).is_some_and(|b| !shared.contains(&(at.min(b), at.max(b))))
            };
            let (rate, frames) = all.index.video(number);
            // A descriptor that cannot turn vectors into those of the mirror image needs the pictures.
            let turns = frames.first().is_none_or(|picked| descriptor.mirrored(&picked.vector).is_some());
            let mut own = if turns { None } else { self.video_of(root)? };
            let mirrored = self.mirrored(&frames, own.as_ref(), descriptor);
            let mut nominees: Vec<Nominee> = Vec::new();
            for (mirrored, query) in [(false, &frames), (true, &mirrored)] {
                let found = neighbours.align(query, rate, &wanted).into_iter();
                let nominee =
                    |alignment: Alignment| Nominee { root: all.roots[alignment.video], mirrored, alignment };
                nominees.extend(found.map(nominee));
            }
            if nominees.is_empty() {
                continue;
            }
            if turns {
                own = self.video_of(root)?;
            }
            let Some(own) = own else { continue };
            let total = own.manifest.frames;
            let sought = Sought { root, rate, frames, total, mirrored, own: Some(&own) };
            for (other_root, other) in self.examine(&sought, nominees, options, "")? {
                let identity = stored.places.get(&other_root).map(|at| stored.videos[*at].identity);
                if let Some(identity) = identity
                    && !self.is_distinct(own.identity, identity)?
                {
                    pairs.push(Pair { name: own.name.clone(), other });
                }
            }
        }
        Ok(())
    }

    /// All live videos. Those whose manifest is lost are left out.
    fn all_videos(&self) -> Result<Stored> {
        let mut stored = Stored { videos: Vec::new(), places: BTreeMap::new(), segments: Vec::new() };
        let mut after = String::new();
        let (mut read, total) = (0, self.len()?);
        loop {
            let page = self.catalogue.page("", &after, 1000)?;
            let Some(last) = page.last() else { return Ok(stored) };
            after.clone_from(&last.name);
            for row in page {
                read += 1;
                self.tell("names read", read, Some(total));
                let Some(video) = self.video(row)? else { continue };
                let root = video.manifest.root;
                let next = stored.videos.len();
                let at = *stored.places.entry(root).or_insert(next);
                if at == next {
                    stored.videos.push(Named { root, identity: video.identity, names: Vec::new() });
                    stored.segments.extend(video.manifest.segments.iter().map(|s| (s.object.prefix(), at)));
                }
                stored.videos[at].names.push((video.name, video.identity));
            }
        }
    }

    /// The frames of a stored video that were described, with their vectors; none if nobody described them.
    ///
    /// # Errors
    /// [`Error::UnknownName`](crate::Error::UnknownName), or a loss.
    pub fn described_frames(&self, name: &str, descriptor: &dyn Descriptor) -> Result<Vec<PickedFrame>> {
        let stat = self.stat(name)?;
        Ok(self.picked(stat.manifest.root, descriptor)?.map(|picked| picked.frames).unwrap_or_default())
    }

    /// The described frames of a video; nothing if they were never made, or are lost.
    pub(super) fn picked(&self, root: Digest, descriptor: &dyn Descriptor) -> Result<Option<Picked>> {
        let model = Digest(descriptor.id());
        let Some(digest) = self.catalogue.descriptors_of(root, model)? else { return Ok(None) };
        let id = ObjectId { kind: Kind::Descriptors, digest };
        let read = fetch(self.objects.as_ref(), id).and_then(|bytes| Picked::parse(id, &bytes));
        match read {
            Ok(picked) if picked.root == root && picked.descriptor == model => Ok(Some(picked)),
            Ok(_) => Ok(None),
            Err(error) if error.is_loss() || error.is_of_unknown_version() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Pairs of videos that share a segment, by their places; where very many share one, it says nothing.
fn shared_segments(mut segments: Vec<(u64, usize)>) -> BTreeSet<(usize, usize)> {
    segments.sort_unstable();
    segments.dedup();
    let mut shared = BTreeSet::new();
    for users in segments.chunk_by(|a, b| a.0 == b.0).filter(|users| users.len() <= COMMON) {
        for (at, a) in users.iter().enumerate() {
            shared.extend(users[at + 1..].iter().map(|b| (a.1, b.1)));
        }
    }
    shared
}
