//! A stored video as a search sees it: all names with the same frames.

use std::collections::HashSet;

use vcn_similarity::Thumbnail;

use super::report::{Level, Match};
use crate::{
    catalogue::EntryRow,
    digest::Digest,
    error::Result,
    manifest::{Manifest, SegmentRef},
    objects::{Kind, ObjectId},
    store::Store,
};

/// Names of equal videos that are looked at, should the first ones be damaged.
const TRIED: usize = 16;

/// A stored video, by its frames.
pub(crate) struct Video {
    /// Its manifest's name.
    pub id: Digest,
    /// The first of its names.
    pub name: String,
    pub identity: Digest,
    pub manifest: Manifest,
    /// Frames per second, about.
    pub rate: f64,
}

impl Store {
    /// The live video of these frames; nothing if there is none, or if what it consists of is lost.
    pub(super) fn video_of(&self, root: Digest) -> Result<Option<Video>> {
        self.video_named(root, "")
    }

    /// The same by the first of its names that start with `prefix`.
    pub(super) fn video_named(&self, root: Digest, prefix: &str) -> Result<Option<Video>> {
        for row in self.catalogue.with_root(root, prefix, TRIED)? {
            if let Some(video) = self.video(row)? {
                return Ok(Some(video));
            }
        }
        Ok(None)
    }

    /// The video of a row; nothing if what it consists of is lost.
    pub(crate) fn video(&self, row: EntryRow) -> Result<Option<Video>> {
        let read = self.entry_of(&row).and_then(|entry| {
            let id = ObjectId { kind: Kind::Manifest, digest: entry.manifest };
            Ok((entry.manifest, Manifest::read(self.objects.as_ref(), id)?))
        });
        match read {
            Ok((id, manifest)) => {
                Ok(Some(Video { id, name: row.name, identity: row.identity, manifest, rate: row.rate }))
            }
            Err(error) if error.is_loss() || error.is_of_unknown_version() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The thumbnail of a stored frame; nothing if it cannot be decoded.
    pub(super) fn stored_thumbnail(&self, manifest: &Manifest, frame: u32) -> Option<Thumbnail> {
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
}

impl Video {
    /// A video with the same frames, under one of its names; `side` says whether its side streams are the same, too.
    pub fn same_frames(&self, name: &str, side: bool) -> Match {
        let seconds = self.manifest.frames as f64 / self.rate;
        Match {
            name: name.to_owned(),
            level: Level::Identical,
            score: 1.0,
            query_from: 0.0,
            query_to: seconds,
            from: 0.0,
            to: seconds,
            mirrored: false,
            distortion: None,
            frames: Vec::new(),
            shared_bytes: self.manifest.segments.iter().map(|segment| segment.bytes).sum(),
            reason: match side {
                true => "the same frames".to_owned(),
                false => "the same frames, but other audio or subtitles".to_owned(),
            },
        }
    }

    /// A video that has segments in common with a query of `total` frames, some of whose segments lie at these frames.
    pub fn in_common(&self, query: &[(Digest, u64, u64)], total: u64, query_rate: f64) -> Match {
        let own: HashSet<Digest> = self.manifest.segments.iter().map(|segment| segment.object).collect();
        let both: HashSet<Digest> =
            query.iter().map(|(object, ..)| *object).filter(|object| own.contains(object)).collect();
        let of = |segments: &mut dyn Iterator<Item = (Digest, u64, u64)>, rate: f64| {
            let mut span: Option<(u64, u64)> = None;
            let mut frames = 0;
            for (_, from, to) in segments.filter(|(object, ..)| both.contains(object)) {
                span = Some((span.map_or(from, |span| span.0), to));
                frames += to - from;
            }
            let (from, to) = span.unwrap_or_default();
            (frames, from as f64 / rate, to as f64 / rate)
        };
        let (frames, query_from, query_to) = of(&mut query.iter().copied(), query_rate);
        let (_, from, to) = of(&mut self.placed().into_iter(), self.rate);
        let shared = self.manifest.segments.iter().filter(|segment| both.contains(&segment.object));
        Match {
            name: self.name.clone(),
            level: Level::Segments,
            score: (frames as f32 / total.min(self.manifest.frames).max(1) as f32).min(1.0),
            query_from,
            query_to,
            from,
            to,
            mirrored: false,
            distortion: None,
            frames: Vec::new(),
            shared_bytes: shared.map(|segment| segment.bytes).sum(),
            reason: format!("{frames} of {total} frames are in segments of both"),
        }
    }

    /// Its segments, with the frames that they show.
    pub fn placed(&self) -> Vec<(Digest, u64, u64)> {
        let mut first = 0;
        let place = |segment: &SegmentRef| {
            let from = first;
            first += segment.shown();
            (segment.object, from, first)
        };
        self.manifest.segments.iter().map(place).collect()
    }
}
