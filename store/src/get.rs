//! Getting videos back: the name leads to a record, the record to a manifest, the manifest to segments. Each is an object
//! that is checked against its hash; the catalogue only says which record to look at.

use std::{collections::VecDeque, io::Write, ops::Range};

use rayon::prelude::*;
use vcn_media::Picture;

use crate::{
    blob,
    catalogue::{EntryRow, Lease},
    digest::Digest,
    error::{Error, Result},
    failpoint::reached,
    frame::{Format, frame_digest, frames_root},
    manifest::{BlobRef, Manifest, SegmentRef},
    objects::{Kind, ObjectId, fetch},
    record::{Entry, Record, Timing},
    segment,
    store::Store,
};

/// The frames of a video, or of a part of it.
pub struct Playback<'a> {
    store: &'a Store,
    entry: Entry,
    manifest: Manifest,
    range: Range<u64>,
    /// Index of the next segment, and of its first frame.
    next_segment: (usize, u64),
    /// What was decoded and not given.
    ready: VecDeque<Result<Picture>>,
    /// Keeps a collection away until the playback ends.
    _lease: Option<Lease<'a>>,
}

impl Store {
    /// Plays a video, or the frames of `range`, counted from 0. Only the segments in the range are read.
    ///
    /// # Errors
    /// [`Error::UnknownName`], [`Error::Range`], or a loss that names the object.
    pub fn get(&self, name: &str, range: Option<Range<u64>>) -> Result<Playback<'_>> {
        // Without space on the disk no lease can be taken, and reading goes on without: if a collection is under way,
        // the worst is an object that is missing.
        let lease = self.catalogue.lease("get").ok();
        let pin = |objects: &[ObjectId]| lease.as_ref().is_none_or(|lease| lease.pin(objects).is_ok());
        let entry = self.entry(name)?;
        let id = ObjectId { kind: Kind::Manifest, digest: entry.manifest };
        pin(&[id]);
        let manifest = Manifest::read(self.objects.as_ref(), id)?;
        let frames = manifest.frames;
        let range = range.unwrap_or(0..frames);
        if range.start >= range.end || range.end > frames {
            let asked = format!("{}..{}", range.start, range.end);
            return Err(Error::Range { name: name.to_owned(), asked, frames });
        }
        pin(&manifest.segments.iter().map(SegmentRef::id).collect::<Vec<_>>());
        reached("get.manifest")?;
        let ready = VecDeque::new();
        Ok(Playback { store: self, entry, manifest, range, next_segment: (0, 0), ready, _lease: lease })
    }

    /// Writes the original bytes of a video of class `source`, each chunk checked.
    ///
    /// # Errors
    /// [`Error::NoOriginal`] for another class, a loss, or a failure to write; some output may have been written then.
    pub fn original(&self, name: &str, out: &mut dyn Write) -> Result<Entry> {
        let entry = self.entry(name)?;
        match &entry.original {
            Some(original) => self.read_blob(original, out)?,
            None => return Err(Error::NoOriginal { name: name.to_owned(), class: entry.class.as_str() }),
        }
        Ok(entry)
    }

    /// Writes the bytes of a side stream or another blob, each chunk checked.
    ///
    /// # Errors
    /// A loss, or a failure to write.
    pub fn read_blob(&self, blob: &BlobRef, out: &mut dyn Write) -> Result<()> {
        blob::read(self.objects.as_ref(), blob, out)
    }

    /// What a name stands for, from its record.
    pub(crate) fn entry(&self, name: &str) -> Result<Entry> {
        match self.catalogue.live(name)? {
            Some(row) => self.entry_of(&row),
            None => Err(Error::UnknownName { name: name.to_owned() }),
        }
    }

    /// The entry in the record of a row.
    pub(crate) fn entry_of(&self, row: &EntryRow) -> Result<Entry> {
        let id = row.record_id();
        match Record::read(self.objects.as_ref(), id)?.event.entry() {
            Some(entry) if entry.name == row.name => Ok(entry.clone()),
            _ => Err(Error::Malformed {
                object: id.path(),
                reason: format!("is not about `{}`, as the catalogue says: rebuild the catalogue", row.name),
            }),
        }
    }

    /// The pictures of a segment, checked: its hash, what decodes it, and what it decodes to.
    pub(crate) fn decode_segment(&self, id: ObjectId) -> Result<Vec<Picture>> {
        self.decode_bytes(id, &fetch(self.objects.as_ref(), id)?)
    }

    /// The pictures of a segment whose hash was checked.
    pub(crate) fn decode_bytes(&self, id: ObjectId, bytes: &[u8]) -> Result<Vec<Picture>> {
        let (header, payload) = segment::parse(id, bytes)?;
        let Some(codec) = self.codec(header.codec) else {
            return Err(Error::NoCodec { object: id.path(), codec: header.codec.to_string() });
        };
        let failed = |reason: String| Error::Codec { object: id.path(), codec: codec.name(), reason };
        let pictures = codec
            .decode(payload, header.format, header.frames as usize)
            .map_err(|error| failed(error.to_string()))?;
        let expected = codec.decoded_format(header.format);
        if pictures.len() != header.frames as usize || pictures.iter().any(|p| Format::of(p) != expected) {
            return Err(failed(format!("decodes to other pictures than {} of {expected}", header.frames)));
        }
        let digests: Vec<Digest> = pictures.iter().map(frame_digest).collect();
        match frames_root(&digests) == header.decoded {
            true => Ok(pictures),
            false => Err(failed("decodes to other samples than when it was stored".to_owned())),
        }
    }
}

impl Playback<'_> {
    /// What the name stands for: class, source, colour.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// What it consists of.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The frames that are played.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The times of the frames in ticks, if they do not follow from a rate.
    ///
    /// # Errors
    /// A loss.
    pub fn ticks(&self) -> Result<Option<Vec<i64>>> {
        let Timing::Stamps { ticks, .. } = &self.entry.timing else { return Ok(None) };
        let mut bytes = Vec::new();
        self.store.read_blob(ticks, &mut bytes)?;
        let (ticks, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() || ticks.len() as u64 != self.manifest.frames {
            let reason = format!("not the times of {} frames", self.manifest.frames);
            return Err(Error::Malformed { object: format!("times of `{}`", self.entry.name), reason });
        }
        let range = self.range.start as usize..self.range.end as usize;
        Ok(ticks.get(range).map(|ticks| ticks.iter().map(|tick| i64::from_le_bytes(*tick)).collect()))
    }

    /// The next frame, or `None` after the last.
    ///
    /// # Errors
    /// A loss, or a codec that is not there; the message names the segment.
    pub fn next_frame(&mut self) -> Result<Option<Picture>> {
        if self.ready.is_empty() {
            self.decode()?;
        }
        self.ready.pop_front().transpose()
    }

    /// Decodes the next segments, several at the same time.
    fn decode(&mut self) -> Result<()> {
        let at_once = self.store.at_once(&self.manifest);
        let mut next = Vec::new();
        let (mut index, mut first) = self.next_segment;
        while let Some(segment) = self.manifest.segments.get(index)
            && first < self.range.end
            && next.len() < at_once
        {
            let end = first + segment.shown();
            if end > self.range.start {
                reached("get.segment")?;
                next.push((segment, first));
            }
            (index, first) = (index + 1, end);
        }
        let played: Vec<_> = next.par_iter().map(|(segment, first)| self.played(segment, *first)).collect();
        self.next_segment = (index, first);
        for pictures in played {
            match pictures {
                Ok(pictures) => self.ready.extend(pictures.into_iter().map(Ok)),
                Err(error) => self.ready.push_back(Err(error)),
            }
        }
        Ok(())
    }

    /// The pictures that are played of a segment, whose first one is frame `first` of the video.
    fn played(&self, segment: &SegmentRef, first: u64) -> Result<Vec<Picture>> {
        let mut pictures = self.store.decode_segment(segment.id())?;
        if pictures.len() != segment.frames as usize {
            let reason = format!("has {} frames, its manifest says {}", pictures.len(), segment.frames);
            return Err(Error::Malformed { object: segment.id().path(), reason });
        }
        let end = (self.range.end - first).min(segment.shown()) as usize;
        let start = self.range.start.saturating_sub(first) as usize;
        let trim = segment.trim_start as usize;
        pictures.truncate(trim + end);
        Ok(pictures.split_off((trim + start).min(pictures.len())))
    }
}
