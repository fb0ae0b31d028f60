//! `find` and `dups`: which stored videos are the same, share segments, or look alike, and what the pixels say.

use std::collections::{BTreeMap, HashMap, HashSet};

use vcn_similarity::{
    Alignment, BlockSpectrum, Descriptor, Distortion, Index, PickedFrame, Picker, SIDE, Thumbnail,
};

use super::picked::Picked;
use crate::{
    digest::Digest,
    error::{Error, Result},
    frame::{frame_digest, frames_root},
    manifest::Manifest,
    objects::{Kind, ObjectId, fetch},
    put::FrameSource,
    store::Store,
};

/// How much two videos have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The same frames.
    Identical,
    /// Some of the same segments.
    Segments,
    /// Pictures that look alike.
    Near,
}

impl Level {
    /// `identical`, `segments` or `near`.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Identical => "identical",
            Level::Segments => "segments",
            Level::Near => "near",
        }
    }
}

/// A stored video that has something in common with another.
#[derive(Clone, Debug)]
pub struct Match {
    /// Its name; of several with the same frames, the first.
    pub name: String,
    /// How much.
    pub level: Level,
    /// From 0 to 1: the share of equal frames, or how alike the pictures are.
    pub score: f32,
    /// Where the common part starts in the query, in seconds.
    pub query_from: f64,
    /// Where it ends.
    pub query_to: f64,
    /// Where it starts in the stored video.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Whether the one is the mirror image of the other.
    pub mirrored: bool,
    /// What the pixels say at that alignment, on thumbnails of 160x160; none where frames are equal.
    pub distortion: Option<Distortion>,
    /// Why it is in the list, in words.
    pub reason: String,
}

/// Two stored videos with something in common.
#[derive(Clone, Debug)]
pub struct Pair {
    /// One of them, the query of the match.
    pub name: String,
    /// The other, and what they have in common.
    pub other: Match,
}

/// How to look.
#[derive(Clone, Copy, Debug)]
pub struct FindOptions {
    /// The lowest score of near-duplicates.
    pub min_score: f32,
    /// Most near-duplicates for each video.
    pub limit: usize,
    /// Compare the pixels of what looks alike.
    pub pixels: bool,
}

impl Default for FindOptions {
    fn default() -> FindOptions {
        FindOptions { min_score: 0.5, limit: 20, pixels: true }
    }
}

/// Aligned frames whose pixels are compared at most.
const CHECKED: usize = 8;

/// A stored video, by its frames.
struct Stored {
    names: Vec<String>,
    identity: Digest,
    manifest: Manifest,
    rate: f64,
}

/// The described frames of all stored videos, and the videos by their numbers in the index.
struct Described {
    index: Index,
    roots: Vec<Digest>,
}

impl Described {
    fn align(&self, query: &[PickedFrame], rate: f64, except: Digest) -> Vec<Alignment> {
        self.index.align(query, rate, self.roots.iter().position(|root| *root == except))
    }
}

impl Store {
    /// Stored videos that have something in common with frames that are not stored, the most alike first. `rate` is their
    /// frame rate.
    ///
    /// # Errors
    /// The input or the store cannot be read.
    pub fn find(&self, source: &mut dyn FrameSource, rate: f64, options: &FindOptions) -> Result<Vec<Match>> {
        let descriptor = BlockSpectrum;
        let mut picker = Picker::new(&descriptor, rate).keeping_thumbnails();
        let mut digests = Vec::new();
        let failed = |source| Error::Input { name: "query".to_owned(), source };
        while let Some(frame) = source.next_frame().map_err(failed)? {
            digests.push(frame_digest(&frame));
            picker.push(&frame);
        }
        let root = frames_root(&digests);
        let query = Picked { descriptor: Digest(descriptor.id()), root, frames: picker.finish() };
        let stored = self.stored()?;
        let mut found = Vec::new();
        if let Some(same) = stored.get(&root) {
            found.push(identical(same, digests.len() as f64 / rate));
        }
        let index = self.index(&stored, &descriptor)?;
        found.extend(self.near(&query, rate, &index, &stored, &descriptor, options)?);
        Ok(found)
    }

    /// Pairs of stored videos that have something in common, without those that are marked as no duplicates.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn dups(&self, options: &FindOptions) -> Result<Vec<Pair>> {
        let descriptor = BlockSpectrum;
        let stored = self.stored()?;
        let mut pairs = Vec::new();
        for same in stored.values() {
            let seconds = same.manifest.frames as f64 / same.rate;
            let Some((first, others)) = same.names.split_first() else { continue };
            for other in others {
                let other = Match { name: other.clone(), ..identical(same, seconds) };
                pairs.push(Pair { name: first.clone(), other });
            }
        }
        let shared = shared_segments(&stored);
        for ((a, b), frames) in &shared {
            if let (Some(a), Some(b)) = (stored.get(a), stored.get(b))
                && !self.is_distinct(a.identity, b.identity)?
            {
                pairs.push(Pair { name: a.names[0].clone(), other: in_common(a, b, *frames) });
            }
        }
        let index = self.index(&stored, &descriptor)?;
        for (root, video) in &stored {
            let Some(query) = self.picked(*root, &descriptor)? else { continue };
            for other in self.near(&query, video.rate, &index, &stored, &descriptor, options)? {
                let reported = stored.iter().find(|(_, stored)| stored.names[0] == other.name);
                let Some((other_root, stored)) = reported else { continue };
                let pair = (*root.min(other_root), *root.max(other_root));
                // Each pair once.
                if root < other_root
                    && !shared.contains_key(&pair)
                    && !self.is_distinct(video.identity, stored.identity)?
                {
                    pairs.push(Pair { name: video.names[0].clone(), other });
                }
            }
        }
        pairs.sort_by(|a, b| {
            (a.other.level, &a.name, &a.other.name).cmp(&(b.other.level, &b.name, &b.other.name))
        });
        Ok(pairs)
    }

    /// All live videos by the root of their frames. Those whose manifest is lost are left out.
    fn stored(&self) -> Result<BTreeMap<Digest, Stored>> {
        let mut stored: BTreeMap<Digest, Stored> = BTreeMap::new();
        let mut after = String::new();
        loop {
            let page = self.catalogue.page("", &after, 1000)?;
            let Some(last) = page.last() else { return Ok(stored) };
            after.clone_from(&last.name);
            for row in page {
                let read = self.entry_of(&row).and_then(|entry| {
                    let id = ObjectId { kind: Kind::Manifest, digest: entry.manifest };
                    Ok((Manifest::read(self.objects.as_ref(), id)?, entry.timing.rate().as_f64()))
                });
                match read {
                    Ok((manifest, rate)) => stored
                        .entry(manifest.root)
                        .or_insert_with(|| Stored {
                            names: Vec::new(),
                            identity: row.identity,
                            manifest,
                            rate,
                        })
                        .names
                        .push(row.name),
                    Err(error) if error.is_loss() => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    fn index(&self, stored: &BTreeMap<Digest, Stored>, descriptor: &dyn Descriptor) -> Result<Described> {
        let mut described = Described { index: Index::new(descriptor), roots: Vec::new() };
        for (root, video) in stored {
            if let Some(picked) = self.picked(*root, descriptor)? {
                described.index.add(&picked.frames, video.rate);
                described.roots.push(*root);
            }
        }
        Ok(described)
    }

    /// The described frames of a video; nothing if they were never made, or are lost.
    fn picked(&self, root: Digest, descriptor: &dyn Descriptor) -> Result<Option<Picked>> {
        let Some(digest) = self.catalogue.descriptors_of(root, Digest(descriptor.id()))? else {
            return Ok(None);
        };
        let id = ObjectId { kind: Kind::Descriptors, digest };
        let read = fetch(self.objects.as_ref(), id).and_then(|bytes| Picked::parse(id, &bytes));
        match read {
            Ok(picked) if picked.root == root && picked.descriptor == Digest(descriptor.id()) => {
                Ok(Some(picked))
            }
            Ok(_) => Ok(None),
            Err(error) if error.is_loss() || error.is_newer() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn near(
        &self,
        query: &Picked,
        rate: f64,
        described: &Described,
        stored: &BTreeMap<Digest, Stored>,
        descriptor: &dyn Descriptor,
        options: &FindOptions,
    ) -> Result<Vec<Match>> {
        let own = stored.get(&query.root);
        let flipped = self.flipped(query, own, descriptor);
        let both = [(false, &query.frames), (true, &flipped)];
        let mut found: Vec<(bool, Alignment)> = both
            .iter()
            .flat_map(|(mirrored, frames)| {
                let found = described.align(frames, rate, query.root).into_iter();
                found.map(|alignment| (*mirrored, alignment))
            })
            .collect();
        found.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
        let mut seen = HashSet::new();
        let mut matches = Vec::new();
        for (mirrored, alignment) in found {
            if matches.len() == options.limit || alignment.score < options.min_score {
                break;
            }
            let root = described.roots[alignment.video];
            let Some(video) = stored.get(&root) else { continue };
            if !seen.insert(root) {
                continue;
            }
            let frames = if mirrored { &flipped } else { &query.frames };
            let mut found = self.describe_match(&alignment, frames, own, video, rate, options.pixels);
            if mirrored {
                found.mirrored = true;
                found.reason.insert_str(0, "in the mirror, ");
            }
            matches.push(found);
        }
        Ok(matches)
    }

    /// The query in the mirror. Its pictures are needed for that.
    fn flipped(&self, query: &Picked, own: Option<&Stored>, descriptor: &dyn Descriptor) -> Vec<PickedFrame> {
        let mut flipped = Vec::new();
        for picked in &query.frames {
            let Some(thumbnail) = self.thumbnail_of(picked, own) else { continue };
            let thumbnail = thumbnail.mirrored();
            if let Some(vector) = descriptor.describe(&thumbnail) {
                flipped.push(PickedFrame { frame: picked.frame, vector, thumbnail: Some(thumbnail) });
            }
        }
        flipped
    }

    fn thumbnail_of(&self, picked: &PickedFrame, own: Option<&Stored>) -> Option<Thumbnail> {
        match &picked.thumbnail {
            Some(thumbnail) => Some(thumbnail.clone()),
            None => self.stored_thumbnail(&own?.manifest, picked.frame),
        }
    }

    /// The thumbnail of a stored frame; nothing if it cannot be decoded.
    fn stored_thumbnail(&self, manifest: &Manifest, frame: u32) -> Option<Thumbnail> {
        let mut first = 0;
        for segment in &manifest.segments {
            let within = u64::from(frame).checked_sub(first)?;
            if within < segment.shown() {
                let pictures = self.decode_segment(segment.id()).ok()?;
                let at = usize::try_from(within).ok()? + segment.trim_start as usize;
                return pictures.get(at).map(Thumbnail::of);
            }
            first += segment.shown();
        }
        None
    }

    fn describe_match(
        &self,
        alignment: &Alignment,
        query: &[PickedFrame],
        own: Option<&Stored>,
        video: &Stored,
        rate: f64,
        pixels: bool,
    ) -> Match {
        let step = alignment.pairs.len().div_ceil(CHECKED).max(1);
        let mut total: Option<(u64, Distortion)> = None;
        for (index, stored) in alignment.pairs.iter().step_by(step).filter(|_| pixels) {
            let Some(picked) = query.get(*index) else { continue };
            let thumbnails =
                self.thumbnail_of(picked, own).zip(self.stored_thumbnail(&video.manifest, *stored));
            let Some((a, b)) = thumbnails else { continue };
            let frame = Distortion::of_planes(a.luma(), b.luma(), SIDE, SIDE);
            total = Some(match total {
                None => (1, frame),
                Some((count, sum)) => (count + 1, sum.merge(count, frame, 1)),
            });
        }
        let time = |pair: Option<&(usize, u32)>| {
            let (index, stored) = pair.copied().unwrap_or_default();
            let own = query.get(index).map_or(0.0, |picked| f64::from(picked.frame) / rate);
            (own, f64::from(stored) / video.rate)
        };
        let (query_from, from) = time(alignment.pairs.first());
        let (query_to, to) = time(alignment.pairs.last());
        let distortion = total.map(|(_, distortion)| distortion);
        let verdict = distortion.map_or(String::new(), |distortion| {
            let [mean, frame, block] =
                [distortion.mean, distortion.worst_frame, distortion.worst_block].map(Distortion::psnr);
            format!("; PSNR {mean:.1} dB, worst frame {frame:.1}, worst block {block:.1}")
        });
        Match {
            name: video.names[0].clone(),
            level: Level::Near,
            score: alignment.score,
            query_from,
            query_to,
            from,
            to,
            mirrored: false,
            distortion,
            reason: format!("{} sampled frames look alike at one offset{verdict}", alignment.pairs.len()),
        }
    }
}

fn identical(video: &Stored, seconds: f64) -> Match {
    Match {
        name: video.names[0].clone(),
        level: Level::Identical,
        score: 1.0,
        query_from: 0.0,
        query_to: seconds,
        from: 0.0,
        to: seconds,
        mirrored: false,
        distortion: None,
        reason: "the same frames".to_owned(),
    }
}

/// Frames in segments that two videos share.
fn shared_segments(stored: &BTreeMap<Digest, Stored>) -> BTreeMap<(Digest, Digest), u64> {
    let mut users: HashMap<Digest, Vec<(Digest, u64)>> = HashMap::new();
    for (root, video) in stored {
        let mut seen = HashSet::new();
        for segment in video.manifest.segments.iter().filter(|segment| seen.insert(segment.object)) {
            users.entry(segment.object).or_default().push((*root, segment.shown()));
        }
    }
    let mut shared = BTreeMap::new();
    // A segment of very many videos, such as a black one, says nothing.
    for users in users.values().filter(|users| users.len() <= 64) {
        for (at, (a, frames)) in users.iter().enumerate() {
            for (b, _) in &users[at + 1..] {
                *shared.entry((*a.min(b), *a.max(b))).or_default() += *frames;
            }
        }
    }
    shared
}

/// Where two videos share segments.
fn in_common(a: &Stored, b: &Stored, frames: u64) -> Match {
    let both: HashSet<Digest> = a.manifest.segments.iter().map(|segment| segment.object).collect();
    let both: HashSet<Digest> = b
        .manifest
        .segments
        .iter()
        .map(|segment| segment.object)
        .filter(|object| both.contains(object))
        .collect();
    let ((query_from, query_to), (from, to)) = (span(a, &both), span(b, &both));
    Match {
        name: b.names[0].clone(),
        level: Level::Segments,
        score: frames as f32 / a.manifest.frames.min(b.manifest.frames).max(1) as f32,
        query_from,
        query_to,
        from,
        to,
        mirrored: false,
        distortion: None,
        reason: format!("{frames} frames are in segments of both"),
    }
}

/// From the first to the last of these segments, in seconds.
fn span(video: &Stored, segments: &HashSet<Digest>) -> (f64, f64) {
    let mut first = 0;
    let mut span: Option<(u64, u64)> = None;
    for segment in &video.manifest.segments {
        let end = first + segment.shown();
        if segments.contains(&segment.object) {
            span = Some((span.map_or(first, |span| span.0), end));
        }
        first = end;
    }
    let (from, to) = span.unwrap_or_default();
    (from as f64 / video.rate, to as f64 / video.rate)
}
