//! Putting videos in.
//!
//! The frames are hashed first. If the store has a video of the same frames and side streams in a class that serves, the
//! name is given to it (level 0). Otherwise the frames are cut into segments; those whose frames key is known are shared
//! (level 1), the others are encoded, decoded again, checked, written and checked. Then the manifest is written, then
//! one transaction publishes the name.

mod encode;
mod offer;
mod shared;

use std::io::Read;

use vcn_media::{Colour, Picture, Rational};
use vcn_similarity::{BlockSpectrum, Descriptor, Distortion, Picker};

pub use encode::{EncodedSegment, encode_segment};
pub use offer::{Known, Offer, Offered, Parts};

use crate::{
    blob,
    catalogue::{Change, DescriptorRow, Lease, ManifestRow},
    codec::{SegmentCodec, Splitter},
    digest::Digest,
    error::{BoxError, Error, Result},
    failpoint::reached,
    frame::{Format, frame_digest, frames_key, frames_root, identity},
    manifest::{self, BlobRef, Manifest, SegmentRef, SideRef},
    objects::{Kind, ObjectId, fetch},
    planes::Planes,
    record::{Class, Entry, Event, SourceFacts, Timing, check_name},
    replace::MaxDistortion,
    similar::Picked,
    split::{Bounded, DigestSplitter},
    store::Store,
};

/// Frames in the order of display.
pub trait FrameSource {
    /// The next frame, or `None` after the last.
    ///
    /// # Errors
    /// The input cannot be read.
    fn next_frame(&mut self) -> Result<Option<Picture>, BoxError>;

    /// Goes back to the first frame, if that is possible. A source that can do it is hashed to its end before anything
    /// is encoded; one that cannot, such as a pipe, is encoded as it comes.
    ///
    /// # Errors
    /// The input cannot be opened again.
    fn rewind(&mut self) -> Result<bool, BoxError>;
}

/// Frames in memory.
#[derive(Clone, Debug, Default)]
pub struct Clip {
    frames: Vec<Picture>,
    next: usize,
}

impl Clip {
    /// A clip of these frames.
    pub fn new(frames: Vec<Picture>) -> Clip {
        Clip { frames, next: 0 }
    }
}

impl FrameSource for Clip {
    fn next_frame(&mut self) -> Result<Option<Picture>, BoxError> {
        self.next += 1;
        Ok(self.frames.get(self.next - 1).cloned())
    }

    fn rewind(&mut self) -> Result<bool, BoxError> {
        self.next = 0;
        Ok(true)
    }
}

/// What to do about duplicates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Dedup {
    /// Share equal videos and equal segments.
    #[default]
    Exact,
    /// Share nothing knowingly: encode everything, and say what could have been shared.
    Report,
    /// Store near-duplicates as a residual against the original.
    Link,
    /// Share what is equal, and give up pictures for those of a stored video that is within these bounds. Only for class
    /// `quality`; [`Store::undelete`] takes it back until a collection purges what was given up.
    Replace(MaxDistortion),
}

/// When the frames of a put are shown.
#[derive(Clone, Debug)]
pub enum PutTiming {
    /// At a constant rate.
    Rate(Rational),
    /// At these times.
    Stamps {
        /// Seconds of a tick.
        base: Rational,
        /// A rate that is about right.
        rate: Rational,
        /// The ticks, one for each frame.
        ticks: Vec<i64>,
    },
}

/// An opaque stream beside the pictures.
#[derive(Clone, Debug)]
pub struct SideStream {
    /// What it is, such as `audio` or `subtitle`.
    pub kind: String,
    /// What is worth knowing of it: codec, language, title.
    pub label: String,
    /// Digest of what it means whatever its packaging, such as of its decoded samples; without it, of the bytes.
    pub identity: Option<Digest>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What to put, and how.
pub struct PutRequest<'a> {
    /// The name to publish.
    pub name: &'a str,
    /// The class.
    pub class: Class,
    /// The codec; a lossless one for class `frames`.
    pub codec: &'a dyn SegmentCodec,
    /// Its quality.
    pub quality: u16,
    /// Where segments start.
    pub splitter: Box<dyn Splitter + 'a>,
    /// What to do about duplicates.
    pub dedup: Dedup,
    /// Whether a name that stands for something else is taken over; what it stood for is tombstoned.
    pub overwrite: bool,
    /// When frames are shown.
    pub timing: PutTiming,
    /// How samples are to be understood.
    pub colour: Colour,
    /// What is known of the source.
    pub source: SourceFacts,
    /// Audio, subtitles and the like: part of what makes videos equal.
    pub side: Vec<SideStream>,
    /// The original bytes, for class `source`.
    pub original: Option<&'a mut dyn Read>,
    /// What describes frames for the search of near-duplicates.
    pub descriptor: Option<&'a dyn Descriptor>,
    /// Whether what is shared is read and checked against its hash first, or only looked for.
    pub check_shared: bool,
}

/// The codec of class `frames`.
static PLANES: Planes = Planes { level: 6 };

impl<'a> PutRequest<'a> {
    /// A put in class `frames`, with the lossless codec of this crate.
    pub fn frames(name: &'a str, rate: Rational, colour: Colour) -> PutRequest<'a> {
        PutRequest {
            name,
            class: Class::Frames,
            codec: &PLANES,
            quality: 0,
            splitter: Box::new(DigestSplitter::default()),
            dedup: Dedup::Exact,
            overwrite: false,
            timing: PutTiming::Rate(rate),
            colour,
            source: SourceFacts::default(),
            side: Vec::new(),
            original: None,
            descriptor: Some(&BlockSpectrum),
            check_shared: true,
        }
    }
}

/// How much of a put was there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// The name stood for this video in this class.
    AlreadyThere,
    /// The whole video was stored under another name.
    Identical,
    /// Another video that looks the same takes its place, as [`Dedup::Replace`] allows.
    Replaced,
    /// Some segments were stored.
    Segments,
    /// Nothing.
    None,
}

/// What a put did.
#[derive(Clone, Debug)]
pub struct PutOutcome {
    /// The name.
    pub name: String,
    /// What the video is, whatever its container.
    pub identity: Digest,
    /// Its manifest.
    pub manifest: Digest,
    /// The class.
    pub class: Class,
    /// How much was there.
    pub sharing: Sharing,
    /// Frames of the video.
    pub frames: u64,
    /// Frames that were encoded.
    pub encoded_frames: u64,
    /// Frames whose segments were there.
    pub shared_frames: u64,
    /// Bytes of the objects that were written.
    pub new_bytes: u64,
    /// Bytes of segments and side streams that were there.
    pub shared_bytes: u64,
    /// Names of videos that use what is shared, a few of them.
    pub shared_with: Vec<String>,
    /// Why, in words.
    pub reason: String,
}

/// Names that an outcome lists at most.
const NAMED: usize = 5;

impl Dedup {
    /// Whether videos of a class may be put in this way.
    ///
    /// # Errors
    /// [`Error::Policy`], which says why not.
    pub fn check(self, class: Class) -> Result<()> {
        let policy = |policy, reason| Err(Error::Policy { policy, reason });
        match self {
            Dedup::Link => policy(
                "link",
                "the codec has no residual against another video yet, so the class could not be kept: use `exact`, or, \
                 to give pictures up within bounds, `replace`",
            ),
            Dedup::Replace(_) if class != Class::Quality => {
                policy("replace", "only class `quality` may give pictures up: the others promise exact ones")
            }
            Dedup::Replace(bounds) if !bounds.is_possible() => policy(
                "replace",
                "these bounds would let a caption pass: the worst block must reach at least 30 dB, the worst frame as \
                 much as that",
            ),
            _ => Ok(()),
        }
    }
}

impl Store {
    /// Puts a video under a name. What is there already is not written again; doing the same put twice does nothing,
    /// doing one again that was interrupted goes on where it was.
    ///
    /// # Errors
    /// An input that cannot be read, a name that is taken, a codec that does not reproduce what it must, a failure to
    /// write. The name is then unchanged, and what was written is garbage for a collection.
    pub fn put(&self, request: PutRequest, frames: &mut dyn FrameSource) -> Result<PutOutcome> {
        check_request(&request)?;
        let (name, dedup, descriptor) = (request.name, request.dedup, request.descriptor);
        let mut outcome = {
            let lease = self.catalogue.lease("put")?;
            reached("put.leased")?;
            Put::new(self, lease, request).run(frames)?
        };
        let whole = matches!(outcome.sharing, Sharing::AlreadyThere | Sharing::Identical);
        if let (Dedup::Replace(bounds), Some(descriptor), false) = (dedup, descriptor, whole)
            && let Some((other, receipt)) = self.replace(name, frames, bounds, descriptor)?
        {
            let [frame, block] =
                [receipt.distortion.worst_frame, receipt.distortion.worst_block].map(Distortion::psnr);
            outcome.sharing = Sharing::Replaced;
            outcome.reason = format!(
                "looks like {other}: worst frame {frame:.1} dB, worst block {block:.1} dB; `undelete` brings its own \
                 pictures back until a collection purges them"
            );
            outcome.shared_with = vec![other];
        }
        Ok(outcome)
    }
}

fn check_request(request: &PutRequest) -> Result<()> {
    check_name(request.name)?;
    request.dedup.check(request.class)?;
    match request.class == Class::Frames && !request.codec.lossless() {
        true => Err(Error::Codec {
            object: request.name.to_owned(),
            codec: request.codec.name(),
            reason: "is not lossless, so it cannot serve class `frames`".to_owned(),
        }),
        false => Ok(()),
    }
}

/// A put under way.
struct Put<'s, 'r> {
    store: &'s Store,
    lease: Lease<'s>,
    request: PutRequest<'r>,
    tally: Tally,
    /// Descriptors of the frames.
    picked: Option<Picked>,
    /// The original bytes, if they were written beforehand.
    original: Option<BlobRef>,
    /// On whose word alone the parts are believed.
    claimant: Option<String>,
}

/// What has been done so far.
#[derive(Default)]
struct Tally {
    new_bytes: u64,
    shared_bytes: u64,
    encoded_frames: u64,
    shared_frames: u64,
    shared_with: Vec<Digest>,
    /// Keys of segments that were encoded.
    keys: Vec<(Digest, Digest)>,
}

/// What hashing found.
#[derive(Default)]
struct Hashed {
    format: Option<Format>,
    digests: Vec<Digest>,
    /// Whether a segment starts at a frame.
    starts: Vec<bool>,
}

impl<'s, 'r> Put<'s, 'r> {
    fn new(store: &'s Store, lease: Lease<'s>, request: PutRequest<'r>) -> Put<'s, 'r> {
        Put { store, lease, request, tally: Tally::default(), picked: None, original: None, claimant: None }
    }

    fn run(mut self, source: &mut dyn FrameSource) -> Result<PutOutcome> {
        let side_identities: Vec<Digest> = self.side_identities();
        let mut segments = Vec::new();
        let mut total = Distortion::default();
        let hashed = match source.rewind().map_err(|error| self.input(error))? {
            false => self.encode_as_it_comes(source, &mut segments, &mut total)?,
            true => {
                let hashed = self.hash(source)?;
                let identity = identity(frames_root(&hashed.digests), side_identities.iter().copied());
                if let Some(outcome) = self.given_up_before(identity)? {
                    return Ok(outcome);
                }
                if let Some((id, manifest)) = self.find_identical(identity)? {
                    return self.publish(id, manifest, true);
                }
                self.refuse_taken(identity)?;
                self.share_or_encode(&hashed, source, &mut segments, &mut total)?;
                hashed
            }
        };
        let Some(format) = hashed.format else {
            return Err(Error::NoFrames { name: self.request.name.to_owned() });
        };
        let root = frames_root(&hashed.digests);
        let identity = identity(root, side_identities.iter().copied());
        if let Some((id, manifest)) = self.find_identical(identity)? {
            return self.publish(id, manifest, true);
        }
        self.refuse_taken(identity)?;
        let side = self.write_side()?;
        let manifest = Manifest {
            version: manifest::VERSION,
            codec: self.request.codec.id(),
            codec_name: self.request.codec.name(),
            lossless: self.request.codec.lossless(),
            quality: self.request.quality,
            format,
            frames: hashed.digests.len() as u64,
            root,
            identity,
            distortion: total,
            segments,
            side,
            claimant: None,
        };
        let (id, bytes) = manifest.to_object()?;
        self.write(id, &bytes)?;
        reached("put.manifest")?;
        self.publish(id.digest, manifest, false)
    }

    /// Hashes all frames and finds where segments start.
    fn hash(&mut self, source: &mut dyn FrameSource) -> Result<Hashed> {
        let mut hashed = Hashed::default();
        let mut splitter = std::mem::replace(&mut self.request.splitter, Box::new(DigestSplitter::default()));
        let mut splitter = Bounded::new(splitter.as_mut());
        let mut picker = self.picker();
        while let Some(frame) = self.next(source, &mut hashed.format, hashed.digests.len())? {
            let digest = frame_digest(&frame);
            hashed.starts.push(splitter.starts(&frame, &digest));
            hashed.digests.push(digest);
            picker.iter_mut().for_each(|picker| picker.push(&frame));
        }
        self.picked = self.picked(picker, &hashed.digests);
        reached("put.hashed")?;
        Ok(hashed)
    }

    /// Reads the input again and encodes the segments that are not stored.
    fn share_or_encode(
        &mut self,
        hashed: &Hashed,
        source: &mut dyn FrameSource,
        segments: &mut Vec<SegmentRef>,
        total: &mut Distortion,
    ) -> Result<()> {
        let changed =
            |frame: usize, name: &str| Error::InputChanged { name: name.to_owned(), frame: frame as u64 };
        let ranges = ranges(&hashed.starts);
        // Without any miss there is nothing to read again.
        let mut shared = Vec::with_capacity(ranges.len());
        for range in &ranges {
            shared.push(self.shared_segment(&hashed.digests[range.clone()], hashed.format)?);
        }
        let again = shared.iter().any(Option::is_none);
        if again && !source.rewind().map_err(|error| self.input(error))? {
            return Err(changed(0, self.request.name));
        }
        for (range, found) in ranges.into_iter().zip(shared) {
            let digests = &hashed.digests[range.clone()];
            let mut frames = Vec::new();
            if again {
                let mut format = hashed.format;
                for at in range.clone() {
                    match self.next(source, &mut format, at)? {
                        Some(frame)
                            if found.is_some() || frame_digest(&frame) == digests[at - range.start] =>
                        {
                            if found.is_none() {
                                frames.push(frame);
                            }
                        }
                        _ => return Err(changed(at, self.request.name)),
                    }
                }
            }
            let before: u64 = segments.iter().map(SegmentRef::shown).sum();
            let (segment, distortion) = match found {
                Some(found) => self.take(found),
                None => self.share_or_encode_one(frames, digests)?,
            };
            *total = total.merge(before, distortion, segment.shown());
            segments.push(segment);
        }
        Ok(())
    }

    /// Hashes and encodes in one go, for inputs that cannot be read again.
    fn encode_as_it_comes(
        &mut self,
        source: &mut dyn FrameSource,
        segments: &mut Vec<SegmentRef>,
        total: &mut Distortion,
    ) -> Result<Hashed> {
        let mut hashed = Hashed::default();
        let mut splitter = std::mem::replace(&mut self.request.splitter, Box::new(DigestSplitter::default()));
        let mut splitter = Bounded::new(splitter.as_mut());
        let mut picker = self.picker();
        let mut frames: Vec<Picture> = Vec::new();
        loop {
            let frame = self.next(source, &mut hashed.format, hashed.digests.len())?;
            let digest = frame.as_ref().map(frame_digest);
            let cut = match (&frame, &digest) {
                (Some(frame), Some(digest)) => splitter.starts(frame, digest),
                _ => true,
            };
            if cut && !frames.is_empty() {
                let done = hashed.digests.len() - frames.len();
                let (segment, distortion) =
                    self.share_or_encode_one(std::mem::take(&mut frames), &hashed.digests[done..])?;
                *total = total.merge(done as u64, distortion, segment.shown());
                segments.push(segment);
            }
            let (Some(frame), Some(digest)) = (frame, digest) else {
                self.picked = self.picked(picker, &hashed.digests);
                return Ok(hashed);
            };
            picker.iter_mut().for_each(|picker| picker.push(&frame));
            hashed.starts.push(cut);
            hashed.digests.push(digest);
            frames.push(frame);
        }
    }

    fn share_or_encode_one(
        &mut self,
        frames: Vec<Picture>,
        digests: &[Digest],
    ) -> Result<(SegmentRef, Distortion)> {
        let format = frames.first().map(Format::of);
        match self.shared_segment(digests, format)? {
            Some(found) => Ok(self.take(found)),
            None => self.encode(&frames, digests),
        }
    }

    /// Encodes a segment, checks that it decodes to what it must, and writes it.
    fn encode(&mut self, frames: &[Picture], digests: &[Digest]) -> Result<(SegmentRef, Distortion)> {
        let request = &self.request;
        let (colour, quality) = (request.colour, request.quality);
        let made = encode_segment(request.codec, request.name, frames, digests, colour, quality)?;
        let EncodedSegment { object, key, bytes, distortion } = made;
        reached("put.encoded")?;
        self.write(ObjectId { kind: Kind::Segment, digest: object }, &bytes)?;
        reached("put.segment")?;
        self.store.catalogue.add_keys(&[(key, object)], None)?;
        reached("put.key")?;
        self.tally.keys.push((key, object));
        self.tally.encoded_frames += frames.len() as u64;
        let (bytes, frames) = (bytes.len() as u64, frames.len() as u32);
        Ok((SegmentRef { object, key, bytes, frames, trim_start: 0, trim_end: 0 }, distortion))
    }

    fn key(&self, digests: &[Digest], format: Format) -> Digest {
        let request = &self.request;
        frames_key(request.codec.id(), request.quality, format.layout, request.colour, digests)
    }

    /// Writes an object that the put will refer to.
    fn write(&mut self, id: ObjectId, bytes: &[u8]) -> Result<()> {
        self.pin(&[id])?;
        reached("put.pinned")?;
        if self.store.objects.publish(id, bytes)? {
            self.tally.new_bytes += bytes.len() as u64;
        }
        Ok(())
    }

    fn pin(&self, ids: &[ObjectId]) -> Result<()> {
        match self.lease.pin(ids)? {
            true => Ok(()),
            false => Err(Error::LeaseLost {
                name: self.request.name.to_owned(),
                seconds: crate::catalogue::LEASE_SECONDS,
            }),
        }
    }

    fn side_identities(&self) -> Vec<Digest> {
        let identity = |side: &SideStream| side.identity.unwrap_or_else(|| Digest::of(&side.bytes));
        self.request.side.iter().map(identity).collect()
    }

    fn write_side(&mut self) -> Result<Vec<SideRef>> {
        let identities = self.side_identities();
        let mut references = Vec::new();
        for (side, identity) in std::mem::take(&mut self.request.side).into_iter().zip(identities) {
            let blob = self.write_blob(&mut side.bytes.as_slice())?;
            references.push(SideRef { kind: side.kind, label: side.label, identity, blob });
        }
        Ok(references)
    }

    fn write_blob(&mut self, input: &mut dyn Read) -> Result<BlobRef> {
        let name = self.request.name.to_owned();
        let blob = blob::write(&name, input, &mut |id, bytes| self.write(id, &bytes))?;
        reached("put.blob")?;
        Ok(blob)
    }

    fn timing(&mut self, frames: u64) -> Result<Timing> {
        match std::mem::replace(&mut self.request.timing, PutTiming::Rate(Rational::DEFAULT_FPS)) {
            PutTiming::Rate(rate) => Ok(Timing::Rate(rate)),
            PutTiming::Stamps { ticks, .. } if ticks.len() as u64 != frames => Err(Error::Input {
                name: self.request.name.to_owned(),
                source: format!("{} times for {frames} frames", ticks.len()).into(),
            }),
            PutTiming::Stamps { base, rate, ticks } => {
                let bytes: Vec<u8> = ticks.iter().flat_map(|tick| tick.to_le_bytes()).collect();
                Ok(Timing::Stamps { base, rate, ticks: self.write_blob(&mut bytes.as_slice())? })
            }
        }
    }

    fn rate(&self) -> f64 {
        match &self.request.timing {
            PutTiming::Rate(rate) | PutTiming::Stamps { rate, .. } => rate.as_f64(),
        }
    }

    fn picker(&self) -> Option<Picker<'r>> {
        let rate = self.rate();
        self.request.descriptor.map(|descriptor| Picker::new(descriptor, rate))
    }

    fn picked(&self, picker: Option<Picker>, frames: &[Digest]) -> Option<Picked> {
        let descriptor = Digest(self.request.descriptor?.id());
        Some(Picked { descriptor, root: frames_root(frames), frames: picker?.finish() })
    }

    /// Writes the descriptors of the frames, unless they are there.
    fn describe(&mut self) -> Result<()> {
        let Some(picked) = self.picked.take() else { return Ok(()) };
        let (root, model) = (picked.root, picked.descriptor);
        if let Some(digest) = self.store.catalogue.descriptors_of(root, model)? {
            let id = ObjectId { kind: Kind::Descriptors, digest };
            self.pin(&[id])?;
            if fetch(self.store.objects.as_ref(), id).is_ok() {
                return Ok(());
            }
        }
        let object = picked.to_object();
        let rate = self.rate();
        let id = ObjectId { kind: Kind::Descriptors, digest: Digest::of(&object) };
        self.write(id, &object)?;
        reached("put.described")?;
        let row = DescriptorRow { root, model, object: id.digest, rate, picked: object };
        self.store.catalogue.add_descriptors(&[row])
    }

    /// Gives the name to a manifest, all of whose parts are there and pinned.
    fn publish(mut self, id: Digest, manifest: Manifest, identical: bool) -> Result<PutOutcome> {
        self.describe()?;
        let timing = self.timing(manifest.frames)?;
        let original = match self.request.original.take() {
            Some(original) if self.request.class == Class::Source => Some(self.write_blob(original)?),
            _ => self.original.take(),
        };
        let entry = Entry {
            name: self.request.name.to_owned(),
            manifest: id,
            class: self.request.class,
            timing,
            colour: self.request.colour,
            source: std::mem::take(&mut self.request.source),
            original,
            receipt: None,
        };
        if let Some(row) = self.store.catalogue.live(&entry.name)?
            && let Ok(live) = self.store.entry_of(&row)
            && same(&live, &entry)
        {
            return Ok(self.outcome(id, &manifest, Sharing::AlreadyThere));
        }
        let row = ManifestRow::of(id, &manifest);
        let shared_with = self.store.catalogue.names_of(id, NAMED)?;
        reached("put.before-publish")?;
        let bytes = self.store.catalogue.apply(
            self.store.objects.as_ref(),
            Change {
                event: Event::Put(entry),
                manifest: Some(&row),
                lease: Some((self.lease.id, self.request.name)),
                replace: self.request.overwrite,
            },
            || reached("put.record"),
        )?;
        reached("put.published")?;
        self.tally.new_bytes += bytes;
        self.store.catalogue.add_keys(&self.tally.keys, Some(id))?;
        let sharing = match (identical, self.tally.shared_frames) {
            (true, _) => Sharing::Identical,
            (false, 0) => Sharing::None,
            (false, _) => Sharing::Segments,
        };
        let mut outcome = self.outcome(id, &manifest, sharing);
        if identical {
            outcome.shared_with = shared_with;
        }
        Ok(outcome)
    }

    fn outcome(&self, id: Digest, manifest: &Manifest, sharing: Sharing) -> PutOutcome {
        let whole = matches!(sharing, Sharing::AlreadyThere | Sharing::Identical);
        let tally = &self.tally;
        let reason = match sharing {
            Sharing::AlreadyThere => "the name stands for these frames and side streams already".to_owned(),
            Sharing::Identical => "the same frames and side streams are stored".to_owned(),
            Sharing::Segments => {
                format!("{} of {} frames are in stored segments", tally.shared_frames, manifest.frames)
            }
            Sharing::Replaced | Sharing::None => "no run of its frames is stored".to_owned(),
        };
        let stored: u64 = manifest.segments.iter().map(|segment| segment.bytes).sum();
        let mut shared_with = Vec::new();
        for manifest in &tally.shared_with {
            shared_with.extend(self.store.catalogue.names_of(*manifest, NAMED).unwrap_or_default());
            shared_with.truncate(NAMED);
        }
        PutOutcome {
            name: self.request.name.to_owned(),
            identity: manifest.identity,
            manifest: id,
            class: self.request.class,
            sharing,
            frames: manifest.frames,
            encoded_frames: tally.encoded_frames,
            shared_frames: if whole { manifest.frames } else { tally.shared_frames },
            new_bytes: tally.new_bytes,
            shared_bytes: if whole { stored } else { tally.shared_bytes },
            shared_with,
            reason,
        }
    }

    /// The outcome of a put that an earlier one has done: the name's pictures were given up for others.
    fn given_up_before(&self, identity: Digest) -> Result<Option<PutOutcome>> {
        let Some(row) = self.store.catalogue.live(self.request.name)? else { return Ok(None) };
        let entry = match self.store.entry_of(&row) {
            Ok(entry) => entry,
            Err(error) if error.is_loss() => return Ok(None),
            Err(error) => return Err(error),
        };
        let given_up = entry.receipt.is_some_and(|receipt| receipt.identity == identity);
        if !given_up || !matches!(self.request.dedup, Dedup::Replace(_)) {
            return Ok(None);
        }
        let id = ObjectId { kind: Kind::Manifest, digest: entry.manifest };
        let manifest = Manifest::read(self.store.objects.as_ref(), id)?;
        Ok(Some(self.outcome(id.digest, &manifest, Sharing::AlreadyThere)))
    }

    /// Fails before anything is encoded if the name stands for another video.
    fn refuse_taken(&self, identity: Digest) -> Result<()> {
        let live = self.store.catalogue.live(self.request.name)?;
        match live {
            Some(row) if !self.request.overwrite && row.identity != identity => {
                Err(Error::NameTaken { name: self.request.name.to_owned() })
            }
            _ => Ok(()),
        }
    }

    fn next(
        &self,
        source: &mut dyn FrameSource,
        format: &mut Option<Format>,
        frame: usize,
    ) -> Result<Option<Picture>> {
        let Some(picture) = source.next_frame().map_err(|error| self.input(error))? else { return Ok(None) };
        let found = Format::of(&picture);
        let expected = *format.get_or_insert(found);
        match found == expected {
            true => Ok(Some(picture)),
            false => Err(Error::FrameFormat {
                name: self.request.name.to_owned(),
                frame: frame as u64,
                found: found.to_string(),
                expected: expected.to_string(),
            }),
        }
    }

    fn input(&self, source: BoxError) -> Error {
        Error::Input { name: self.request.name.to_owned(), source }
    }
}

/// Whether two entries say the same of a video; where it came from may differ.
fn same(a: &Entry, b: &Entry) -> bool {
    a.manifest == b.manifest
        && a.class == b.class
        && a.timing == b.timing
        && a.colour == b.colour
        && a.original == b.original
}

/// The ranges of frames between starts.
fn ranges(starts: &[bool]) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = 0;
    for at in 1..=starts.len() {
        if starts.get(at).copied().unwrap_or(true) {
            ranges.push(from..at);
            from = at;
        }
    }
    ranges
}
