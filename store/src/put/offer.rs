//! Videos that others offer: their parts were taken in one by one ([`Store::take_segment`]), now they get a name.
//!
//! Nothing in an offer is believed that can be checked. What the store cannot recompute, such as that a lossy segment was
//! made from frames of these digests, is believed on the word of whoever says it: for everybody if there is no claimant,
//! for the videos of the claimant alone if there is one.

use serde::{Deserialize, Serialize};
use vcn_media::Colour;
use vcn_similarity::{BlockSpectrum, Distortion};

use super::{Contents, Dedup, PLANES, Put, PutOutcome, PutRequest, shared::Found};
use crate::{
    blob,
    digest::Digest,
    error::{Error, Result},
    frame::{Format, frame_digest, frames_key, frames_root, identity},
    manifest::{BlobRef, Manifest, SegmentRef, SideRef},
    objects::{Kind, ObjectId, fetch},
    record::{Class, SourceFacts, Timing},
    segment,
    similar::{Looks, Picked},
    split::DigestSplitter,
    store::Store,
};

/// A video that was made elsewhere.
#[derive(Clone, Debug)]
pub struct Offer<'a> {
    /// The name to publish.
    pub name: &'a str,
    /// The class.
    pub class: Class,
    /// The codec's id.
    pub codec: Digest,
    /// The codec's quality.
    pub quality: u16,
    /// When frames are shown.
    pub timing: Timing,
    /// How samples are to be understood.
    pub colour: Colour,
    /// What is known of the source.
    pub source: SourceFacts,
    /// The original bytes, for class `source`.
    pub original: Option<BlobRef>,
    /// Whether a name that stands for something else is taken over.
    pub overwrite: bool,
    /// What the video consists of.
    pub parts: Parts,
    /// What it looks like; believed only without a claimant.
    pub looks: Option<Looks>,
    /// On whose word alone what cannot be checked is believed.
    pub claimant: Option<&'a str>,
}

/// What an offered video consists of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parts {
    /// What a stored video of this identity consists of.
    Stored(Digest),
    /// These segments and side streams.
    Segments {
        /// Size and layout of the source.
        format: Format,
        /// The digests of all frames.
        frames: Vec<Digest>,
        /// Segment objects in the order of display.
        segments: Vec<Digest>,
        /// Audio, subtitles and the like.
        #[serde(default)]
        side: Vec<SideRef>,
    },
    /// What another store says of it, without the digests of its frames.
    Manifest(Box<Manifest>),
}

/// What became of an offer.
#[derive(Clone, Debug)]
pub enum Offered {
    /// The name is published.
    Taken(PutOutcome),
    /// These objects are not there, or damaged: nothing was done. None of them if no stored video has the identity.
    Missing(Vec<ObjectId>),
}

/// What a store has of what it is asked for.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Bytes of a stored video of the identity, if there is one that serves.
    pub video: Option<u64>,
    /// Segments of frames keys, in the order of the question.
    pub keys: Vec<Option<Digest>>,
}

impl Store {
    /// What the store has of a video, before any of it is encoded. `claimant` is who asks; the keys that only he answers
    /// for are not in the answer.
    ///
    /// # Errors
    /// The catalogue or the objects cannot be read.
    pub fn known(
        &self,
        identity: Digest,
        class: Class,
        (codec, quality): (Digest, u16),
        keys: &[Digest],
        claimant: Option<&str>,
    ) -> Result<Known> {
        let mut known = Known::default();
        for digest in self.catalogue.manifests_of(identity)? {
            let id = ObjectId { kind: Kind::Manifest, digest };
            let Ok(manifest) = Manifest::read(self.objects.as_ref(), id) else { continue };
            let believed = manifest.claimant.is_none() || manifest.claimant.as_deref() == claimant;
            let as_asked = manifest.codec == codec && manifest.quality == quality;
            let serves = manifest.lossless || (class != Class::Frames && as_asked);
            if believed && serves && manifest.identity == identity {
                known.video = Some(manifest.segments.iter().map(|segment| segment.bytes).sum());
                break;
            }
        }
        for key in keys {
            let found = self.catalogue.segment_of(*key)?.map(|(segment, _)| segment);
            let there = |digest: &Digest| self.object_size(ObjectId { kind: Kind::Segment, digest: *digest });
            known.keys.push(match found {
                Some(digest) if there(&digest)?.is_some() => Some(digest),
                _ => None,
            });
        }
        Ok(known)
    }

    /// Gives a name to a video whose parts are here. All parts are read and checked; then the order of writes is that of
    /// [`Store::put`].
    ///
    /// # Errors
    /// [`Error::Offer`] if the parts do not fit together, [`Error::NoCodec`], and those of [`Store::put`].
    pub fn take(&self, offer: Offer) -> Result<Offered> {
        crate::record::check_name(offer.name)?;
        let refused = |reason| Error::Offer { name: offer.name.to_owned(), reason };
        offer.timing.check().map_err(refused)?;
        let Some(codec) = self.codec(offer.codec) else {
            let object = offer.name.to_owned();
            return Err(Error::NoCodec { object, codec: offer.codec.to_string() });
        };
        if offer.class == Class::Frames && !codec.lossless() {
            return Err(Error::Offer {
                name: offer.name.to_owned(),
                reason: format!("codec {} is not lossless, so it cannot serve class `frames`", codec.name()),
            });
        }
        let request = PutRequest {
            name: offer.name,
            class: offer.class,
            codec,
            quality: offer.quality,
            any_codec: false,
            splitter: Box::new(DigestSplitter::default()),
            dedup: Dedup::Exact,
            overwrite: offer.overwrite,
            rate: offer.timing.rate(),
            colour: offer.colour,
            source: offer.source,
            side: Vec::new(),
            original: None,
            descriptor: None,
            alike: 0,
            check_shared: true,
        };
        let mut put = Put::new(self, self.catalogue.lease("take")?, request);
        put.claimant = offer.claimant.map(str::to_owned);
        if let Some(looks) = offer.looks.filter(|_| offer.claimant.is_none()) {
            let descriptor = looks.descriptor;
            // Those of a descriptor that is not known here would be of no use.
            let frames = looks.picked(&BlockSpectrum).ok();
            put.picked = frames.map(|frames| Picked { descriptor, root: Digest([0; 32]), frames });
        }
        let mut missing = Missing::default();
        if let Some(original) = &offer.original {
            put.check_blob(original, &mut missing)?;
        }
        if let Timing::Stamps { ticks, .. } = &offer.timing {
            put.check_blob(ticks, &mut missing)?;
        }
        put.timing = Some(offer.timing);
        put.original = offer.original.filter(|_| offer.class == Class::Source);
        match offer.parts {
            Parts::Stored(identity) => match put.find_identical(identity)? {
                Some((id, manifest)) if missing.0.is_empty() => {
                    super::refuse_taken(self, &put.request, identity)?;
                    put.publish(id, manifest, true).map(Offered::Taken)
                }
                _ => Ok(Offered::Missing(missing.0)),
            },
            Parts::Segments { format, frames, segments, side } => {
                put.assemble(format, &frames, &segments, side, missing)
            }
            Parts::Manifest(manifest) => put.adopt(*manifest, missing),
        }
    }
}

/// Objects that are not there.
#[derive(Default)]
struct Missing(Vec<ObjectId>);

impl Missing {
    /// Remembers what is lost; other errors stay errors.
    fn unless_lost<T>(&mut self, id: ObjectId, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Error::Missing { .. } | Error::Damaged { .. }) => {
                self.0.push(id);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Put<'_, '_> {
    fn assemble(
        mut self,
        format: Format,
        frames: &[Digest],
        objects: &[Digest],
        side: Vec<SideRef>,
        mut missing: Missing,
    ) -> Result<Offered> {
        let name = self.request.name.to_owned();
        let refused = |reason: String| Error::Offer { name: name.clone(), reason };
        let found = self.check_segments(format, objects, &mut missing)?;
        for side in &side {
            self.check_blob(&side.blob, &mut missing)?;
        }
        if !missing.0.is_empty() {
            return Ok(Offered::Missing(missing.0));
        }
        let mut rest = frames;
        for (segment, _) in &found {
            let Some((own, others)) = rest.split_at_checked(segment.frames as usize) else {
                return Err(refused(format!("its segments have more than {} frames", frames.len())));
            };
            let request = &self.request;
            let key = frames_key(request.codec.id(), request.quality, format.layout, request.colour, own);
            if key != segment.key {
                return Err(refused(format!(
                    "{} is not made from the frames that it is offered for",
                    segment.id()
                )));
            }
            rest = others;
        }
        if found.is_empty() || !rest.is_empty() {
            return Err(refused(format!("its segments leave {} frames without pictures", rest.len())));
        }
        let root = frames_root(frames);
        let identity = identity(root, side.iter().map(|side| side.identity));
        super::refuse_taken(self.store, &self.request, identity)?;
        if let Some((id, manifest)) = self.find_identical(identity)? {
            return self.publish(id, manifest, true).map(Offered::Taken);
        }
        if self.request.codec.lossless() && side.iter().all(|side| side.identity == side.blob.digest) {
            self.claimant = None;
        }
        self.publish_offered(format, root, identity, found, side)
    }

    /// Takes over what another store says. The frames of a lossless codec are decoded for their digests; a lossy video is
    /// believed on the word of the claimant.
    fn adopt(self, theirs: Manifest, mut missing: Missing) -> Result<Offered> {
        let objects: Vec<Digest> = theirs.segments.iter().map(|segment| segment.object).collect();
        if self.request.codec.lossless() {
            let ids: Vec<ObjectId> = theirs.segments.iter().map(SegmentRef::id).collect();
            self.pin(&ids)?;
            let mut frames = Vec::new();
            for id in ids {
                if let Some(pictures) = missing.unless_lost(id, self.store.decode_segment(id))? {
                    frames.extend(pictures.iter().map(frame_digest));
                }
            }
            return match missing.0.is_empty() {
                true => self.assemble(theirs.format, &frames, &objects, theirs.side, missing),
                false => Ok(Offered::Missing(missing.0)),
            };
        }
        let found = self.check_segments(theirs.format, &objects, &mut missing)?;
        for side in &theirs.side {
            self.check_blob(&side.blob, &mut missing)?;
        }
        if !missing.0.is_empty() {
            return Ok(Offered::Missing(missing.0));
        }
        let name = self.request.name.to_owned();
        let frames: u64 = found.iter().map(|(segment, _)| segment.shown()).sum();
        let side = theirs.side.iter().map(|side| side.identity);
        if frames == 0 || frames != theirs.frames || identity(theirs.root, side) != theirs.identity {
            let reason = "what is said of its frames does not fit its segments".to_owned();
            return Err(Error::Offer { name, reason });
        }
        if let Some((id, manifest)) = self.find_identical(theirs.identity)? {
            super::refuse_taken(self.store, &self.request, theirs.identity)?;
            return self.publish(id, manifest, true).map(Offered::Taken);
        }
        super::refuse_taken(self.store, &self.request, theirs.identity)?;
        self.publish_offered(theirs.format, theirs.root, theirs.identity, found, theirs.side)
    }

    /// Pins and reads segments, each of which must be of this format and of the offer's codec and quality.
    fn check_segments(
        &self,
        format: Format,
        objects: &[Digest],
        missing: &mut Missing,
    ) -> Result<Vec<(SegmentRef, Distortion)>> {
        let ids: Vec<ObjectId> =
            objects.iter().map(|digest| ObjectId { kind: Kind::Segment, digest: *digest }).collect();
        self.pin(&ids)?;
        let mut found = Vec::new();
        for id in ids {
            let fetched = fetch(self.store.objects.as_ref(), id);
            let Some(bytes) = missing.unless_lost(id, fetched)? else { continue };
            let (header, _) = segment::parse(id, &bytes)?;
            let request = &self.request;
            if (header.format, header.codec, header.quality) != (format, request.codec.id(), request.quality)
            {
                let reason = format!("{id} is of another format, codec or quality than the video");
                return Err(Error::Offer { name: request.name.to_owned(), reason });
            }
            let segment = SegmentRef {
                object: id.digest,
                key: header.key,
                bytes: bytes.len() as u64,
                frames: header.frames,
                trim_start: 0,
                trim_end: 0,
            };
            found.push((segment, header.distortion));
        }
        Ok(found)
    }

    /// Publishes a video of segments that are here and belong to no stored one.
    fn publish_offered(
        mut self,
        format: Format,
        root: Digest,
        identity: Digest,
        found: Vec<(SegmentRef, Distortion)>,
        side: Vec<SideRef>,
    ) -> Result<Offered> {
        let mut distortion = Distortion::default();
        let mut frames = 0;
        for (segment, own) in &found {
            distortion = distortion.merge(frames, *own, segment.shown());
            frames += segment.shown();
        }
        for (segment, _) in &found {
            // What another video uses was there before, whoever sent it.
            if let Some((object, Some(manifest))) = self.store.catalogue.segment_of(segment.key)?
                && object == segment.object
            {
                let (segment, distortion) = (segment.clone(), Distortion::default());
                self.take(Found { segment, distortion, manifest: Some(manifest) });
            }
        }
        let segments: Vec<SegmentRef> = found.into_iter().map(|(segment, _)| segment).collect();
        if self.claimant.is_none() {
            self.tally.keys.extend(segments.iter().map(|segment| (segment.key, segment.object)));
        }
        self.publish_new(Contents { format, root, identity, distortion, segments, side }).map(Offered::Taken)
    }

    /// Pins a blob and reads all of it.
    fn check_blob(&self, blob: &BlobRef, missing: &mut Missing) -> Result<()> {
        let backend = self.store.objects.as_ref();
        self.pin(&[blob.id()])?;
        let Some(chunks) = missing.unless_lost(blob.id(), blob::chunks(backend, blob))? else {
            return Ok(());
        };
        let chunks: Vec<ObjectId> = chunks.into_iter().map(|(id, _)| id).collect();
        self.pin(&chunks)?;
        let before = missing.0.len();
        for id in chunks {
            missing.unless_lost(id, fetch(backend, id))?;
        }
        match missing.0.len() == before {
            true => blob::read(backend, blob, &mut std::io::sink()),
            false => Ok(()),
        }
    }
}

impl Offer<'_> {
    /// The quality and codec of class `frames`.
    pub fn lossless() -> (Digest, u16) {
        (crate::codec::SegmentCodec::id(&PLANES), 0)
    }
}
