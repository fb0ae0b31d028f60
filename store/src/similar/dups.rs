//! `dups`: what stored videos have in common.

use std::collections::{BTreeMap, HashMap, HashSet};

use vcn_similarity::{Descriptor, PickedFrame};

use super::{
    near::Described,
    picked::Picked,
    report::{FindOptions, Pair},
    video::Video,
};
use crate::{
    digest::Digest,
    error::Result,
    objects::{Kind, ObjectId, fetch},
    store::Store,
};

/// A segment of more videos than this, such as a black one, says nothing.
const COMMON: usize = 64;

/// A stored video, and all of its names.
struct Named {
    video: Video,
    names: Vec<String>,
}

impl Store {
    /// Pairs of stored videos that have something in common, without those that are marked as no duplicates.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn dups(&self, options: &FindOptions) -> Result<Vec<Pair>> {
        let stored = self.all_videos()?;
        let mut pairs = Vec::new();
        for same in stored.values() {
            let Some((first, others)) = same.names.split_first() else { continue };
            let pair = |other: &String| Pair { name: first.clone(), other: same.video.identical(other) };
            pairs.extend(others.iter().map(pair));
        }
        let shared = shared_segments(&stored);
        for pair in &shared {
            if let (Some(a), Some(b)) = (stored.get(&pair.0), stored.get(&pair.1))
                && !self.is_distinct(a.video.identity, b.video.identity)?
            {
                let other = b.video.in_common(&a.video.placed(), a.video.manifest.frames, a.video.rate);
                pairs.push(Pair { name: a.video.name.clone(), other });
            }
        }
        let mut batches: Vec<Described> = Vec::new();
        self.described(options.descriptor, |batch| {
            batches.push(batch);
            Ok(())
        })?;
        for (root, named) in &stored {
            let own = &named.video;
            let Some(query) = self.picked(*root, options.descriptor)? else { continue };
            let sought = self.sought(*root, query.frames, own.rate, Some(own), options.descriptor);
            let nominees = batches.iter().flat_map(|batch| batch.nominate(&sought)).collect();
            // Each pair once, and only if it does not share segments.
            let skip = |other: Digest| other <= *root || shared.contains(&(*root, other));
            for (other_root, other) in self.examine(&sought, nominees, options, &skip)? {
                let Some(other_video) = stored.get(&other_root) else { continue };
                if !self.is_distinct(own.identity, other_video.video.identity)? {
                    pairs.push(Pair { name: own.name.clone(), other });
                }
            }
        }
        pairs.sort_by(|a, b| {
            (a.other.level, &a.name, &a.other.name).cmp(&(b.other.level, &b.name, &b.other.name))
        });
        Ok(pairs)
    }

    /// All live videos by the root of their frames. Those whose manifest is lost are left out.
    fn all_videos(&self) -> Result<BTreeMap<Digest, Named>> {
        let mut stored: BTreeMap<Digest, Named> = BTreeMap::new();
        let mut after = String::new();
        loop {
            let page = self.catalogue.page("", &after, 1000)?;
            let Some(last) = page.last() else { return Ok(stored) };
            after.clone_from(&last.name);
            for row in page {
                let name = row.name.clone();
                if let Some(video) = self.video(row)? {
                    stored
                        .entry(video.manifest.root)
                        .or_insert_with(|| Named { video, names: Vec::new() })
                        .names
                        .push(name);
                }
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
            Err(error) if error.is_loss() || error.is_newer() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Pairs of videos that share a segment, by the roots of their frames.
fn shared_segments(stored: &BTreeMap<Digest, Named>) -> HashSet<(Digest, Digest)> {
    let mut users: HashMap<Digest, Vec<Digest>> = HashMap::new();
    for (root, named) in stored {
        for segment in &named.video.manifest.segments {
            let users = users.entry(segment.object).or_default();
            if users.last() != Some(root) {
                users.push(*root);
            }
        }
    }
    let mut shared = HashSet::new();
    for users in users.values().filter(|users| users.len() <= COMMON) {
        for (at, a) in users.iter().enumerate() {
            shared.extend(users[at + 1..].iter().map(|b| (*a, *b)));
        }
    }
    shared
}
