//! Putting videos in.
//!
//! The frames are hashed first. If the store has a video of the same frames and side streams in a class that serves, the
//! name is given to it (level 0). Otherwise the frames are cut into segments; those whose frames key is known are shared
//! (level 1), the others are encoded, decoded again, checked, written and checked. Then the manifest is written, then
//! one transaction publishes the name.

mod encode;
mod foresee;
mod offer;
mod outcome;
mod publish;
mod request;
mod shared;

use std::io::Read;

use rayon::prelude::*;
use vcn_media::Picture;
use vcn_similarity::{Distortion, Picker};

pub use encode::{EncodedSegment, encode_segment};
pub use foresee::Foreseen;
pub use offer::{Known, Offer, Offered, Parts};
pub use outcome::{PutOutcome, Sharing};
pub use request::{Clip, Dedup, FrameSource, PutRequest, SideStream, Times};

use crate::{
    blob,
    catalogue::Lease,
    digest::Digest,
    error::{BoxError, Error, Result},
    failpoint::reached,
    frame::{Format, frame_digest, frames_key, frames_root, identity},
    manifest::{BlobRef, Manifest, SegmentRef, SideRef},
    objects::{Kind, ObjectId},
    record::{Class, Timing, check_name},
    similar::Picked,
    split::{Bounded, DigestSplitter},
    store::Store,
};
use foresee::Stored;
use publish::Contents;
use request::PLANES;
use shared::Found;

impl Store {
    /// Puts a video under a name. What is there already is not written again; doing the same put twice does nothing,
    /// doing one again that was interrupted goes on where it was.
    ///
    /// # Errors
    /// An input that cannot be read, a name that is taken, a codec that does not reproduce what it must, a failure to
    /// write. The name is then unchanged, and what was written is garbage for a collection.
    pub fn put(&self, request: PutRequest, frames: &mut dyn FrameSource) -> Result<PutOutcome> {
        check_request(&request)?;
        let PutRequest { name, dedup, descriptor, alike, .. } = request;
        let mut outcome = {
            let lease = self.catalogue.lease("put")?;
            reached("put.leased")?;
            Put::new(self, lease, request).run(frames)?
        };
        // A name that is already there may be so because a put was interrupted before it came to this.
        let costs_nothing = outcome.sharing == Sharing::Identical;
        if let (Dedup::Replace(bounds), Some(descriptor), false) = (dedup, descriptor, costs_nothing)
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
        if let (Some(descriptor), Sharing::None | Sharing::Segments, 1..) =
            (descriptor, outcome.sharing, alike)
        {
            outcome.alike = self.alike_to_stored(name, descriptor, alike)?;
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
    /// When frames are shown, if that was written beforehand.
    timing: Option<Timing>,
    /// When the source says that its frames are shown, where that is not one after the other.
    times: Option<Times>,
    /// On whose word alone the parts are believed.
    claimant: Option<String>,
    /// What could be shared, where nothing is to be.
    stored: Stored,
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

/// The segments of a video, as far as they are made.
#[derive(Default)]
struct Made {
    segments: Vec<SegmentRef>,
    /// Of the segments together.
    distortion: Distortion,
    /// Segments after these, to be encoded at the same time.
    waiting: Vec<Waiting>,
}

impl Made {
    fn add(&mut self, segment: SegmentRef, distortion: Distortion) {
        let before = self.segments.iter().map(SegmentRef::shown).sum();
        self.distortion = self.distortion.merge(before, distortion, segment.shown());
        self.segments.push(segment);
    }
}

/// A segment that waits to be encoded.
struct Waiting {
    frames: Vec<Picture>,
    digests: Vec<Digest>,
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
        Put {
            store,
            lease,
            request,
            tally: Tally::default(),
            picked: None,
            original: None,
            timing: None,
            times: None,
            claimant: None,
            stored: Stored::default(),
        }
    }

    fn run(mut self, source: &mut dyn FrameSource) -> Result<PutOutcome> {
        let side_identities = self.request.side_identities();
        let mut made = Made::default();
        let hashed = match source.rewind().map_err(|error| self.input(error))? {
            false => self.encode_as_it_comes(source, &mut made)?,
            true => {
                let mut picker = self.picker();
                let hashed = hash(&mut self.request, source, picker.as_mut())?;
                self.picked = self.picked(picker, &hashed.digests);
                self.ask_for_times(source)?;
                reached("put.hashed")?;
                let identity = identity(frames_root(&hashed.digests), side_identities.iter().copied());
                if let Some(outcome) = self.given_up_before(identity)? {
                    return Ok(outcome);
                }
                refuse_taken(self.store, &self.request, identity)?;
                if let Some((id, manifest)) = self.find_identical(identity)? {
                    return self.publish(id, manifest, true);
                }
                self.share_or_encode(&hashed, source, &mut made)?;
                hashed
            }
        };
        let Some(format) = hashed.format else {
            return Err(Error::NoFrames { name: self.request.name.to_owned() });
        };
        let root = frames_root(&hashed.digests);
        let identity = identity(root, side_identities.iter().copied());
        refuse_taken(self.store, &self.request, identity)?;
        if let Some((id, manifest)) = self.find_identical(identity)? {
            return self.publish(id, manifest, true);
        }
        let side = self.write_side()?;
        let Made { segments, distortion, .. } = made;
        self.publish_new(Contents { format, root, identity, distortion, segments, side })
    }

    /// Reads the input again and encodes the segments that are not stored.
    fn share_or_encode(
        &mut self,
        hashed: &Hashed,
        source: &mut dyn FrameSource,
        made: &mut Made,
    ) -> Result<()> {
        let changed =
            |frame: usize, name: &str| Error::InputChanged { name: name.to_owned(), frame: frame as u64 };
        let ranges = ranges(&hashed.starts);
        // Without any miss there is nothing to read again.
        let mut shared = Vec::with_capacity(ranges.len());
        for range in &ranges {
            self.could_share(&hashed.digests[range.clone()], hashed.format)?;
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
                    match next_frame(self.request.name, source, &mut format, at)? {
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
            match found {
                Some(found) => self.share(found, made)?,
                None => self.share_or_encode_one(frames, digests, made)?,
            }
        }
        self.encode(made)
    }

    /// Hashes and encodes in one go, for inputs that cannot be read again.
    fn encode_as_it_comes(&mut self, source: &mut dyn FrameSource, made: &mut Made) -> Result<Hashed> {
        let mut hashed = Hashed::default();
        let mut splitter = std::mem::replace(&mut self.request.splitter, Box::new(DigestSplitter::default()));
        let mut splitter = Bounded::new(splitter.as_mut());
        let mut picker = self.picker();
        let mut frames: Vec<Picture> = Vec::new();
        loop {
            let frame = next_frame(self.request.name, source, &mut hashed.format, hashed.digests.len())?;
            let digest = frame.as_ref().map(frame_digest);
            let cut = match (&frame, &digest) {
                (Some(frame), Some(digest)) => splitter.starts(frame, digest),
                _ => true,
            };
            if cut && !frames.is_empty() {
                let done = hashed.digests.len() - frames.len();
                self.could_share(&hashed.digests[done..], hashed.format)?;
                self.share_or_encode_one(std::mem::take(&mut frames), &hashed.digests[done..], made)?;
            }
            let (Some(frame), Some(digest)) = (frame, digest) else {
                self.encode(made)?;
                self.picked = self.picked(picker, &hashed.digests);
                self.ask_for_times(source)?;
                return Ok(hashed);
            };
            picker.iter_mut().for_each(|picker| picker.push(&frame));
            hashed.starts.push(cut);
            hashed.digests.push(digest);
            frames.push(frame);
        }
    }

    /// Shares a segment of these frames, or has it encoded together with others.
    fn share_or_encode_one(
        &mut self,
        frames: Vec<Picture>,
        digests: &[Digest],
        made: &mut Made,
    ) -> Result<()> {
        // What is about to be encoded may be shared once it is there.
        if made.waiting.iter().any(|waiting| waiting.digests == digests) {
            self.encode(made)?;
        }
        let Some(format) = frames.first().map(Format::of) else { return Ok(()) };
        if let Some(found) = self.shared_segment(digests, Some(format))? {
            return self.share(found, made);
        }
        made.waiting.push(Waiting { frames, digests: digests.to_vec() });
        let longest = made.waiting.iter().map(|waiting| waiting.frames.len()).max().unwrap_or(0);
        match made.waiting.len() < self.request.codec.at_once(format, longest) {
            true => Ok(()),
            false => self.encode(made),
        }
    }

    /// Adds a segment that is stored.
    fn share(&mut self, found: Found, made: &mut Made) -> Result<()> {
        self.encode(made)?;
        let (segment, distortion) = self.take(found);
        made.add(segment, distortion);
        Ok(())
    }

    /// Encodes the segments that wait, checks that they decode to what they must, and writes them.
    fn encode(&mut self, made: &mut Made) -> Result<()> {
        let PutRequest { codec, name, colour, quality, .. } = self.request;
        let waiting = std::mem::take(&mut made.waiting);
        let encoded = |Waiting { frames, digests }: &Waiting| {
            encode_segment(codec, name, frames, digests, colour, quality)
        };
        let encoded: Vec<_> = waiting.par_iter().map(encoded).collect();
        for (Waiting { frames, .. }, encoded) in waiting.iter().zip(encoded) {
            let EncodedSegment { object, key, bytes, distortion } = encoded?;
            reached("put.encoded")?;
            self.write(ObjectId { kind: Kind::Segment, digest: object }, &bytes)?;
            reached("put.segment")?;
            self.store.catalogue.add_keys(&[(key, object)], None)?;
            reached("put.key")?;
            self.tally.keys.push((key, object));
            self.tally.encoded_frames += frames.len() as u64;
            let (bytes, frames) = (bytes.len() as u64, frames.len() as u32);
            made.add(SegmentRef { object, key, bytes, frames, trim_start: 0, trim_end: 0 }, distortion);
        }
        Ok(())
    }

    /// Where nothing is to be shared, remembers what could be.
    fn could_share(&mut self, digests: &[Digest], format: Option<Format>) -> Result<()> {
        let (Dedup::Report, Some(format)) = (self.request.dedup, format) else { return Ok(()) };
        let key = key_of(&self.request, digests, format);
        // What this put has encoded itself was not there.
        match self.tally.keys.iter().any(|(own, _)| *own == key) {
            true => Ok(()),
            false => self.stored.look_up(self.store, key, digests.len()),
        }
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

    fn write_side(&mut self) -> Result<Vec<SideRef>> {
        let identities = self.request.side_identities();
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

    fn rate(&self) -> f64 {
        self.request.rate.as_f64()
    }

    fn picker(&self) -> Option<Picker<'r>> {
        let rate = self.rate();
        self.request.descriptor.map(|descriptor| Picker::new(descriptor, rate))
    }

    fn picked(&self, picker: Option<Picker>, frames: &[Digest]) -> Option<Picked> {
        let descriptor = Digest(self.request.descriptor?.id());
        Some(Picked { descriptor, root: frames_root(frames), frames: picker?.finish() })
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

    /// All frames have been read: their source may know more of their times than a rate.
    fn ask_for_times(&mut self, source: &mut dyn FrameSource) -> Result<()> {
        self.times = source.times().map_err(|error| self.input(error))?;
        Ok(())
    }

    fn input(&self, source: BoxError) -> Error {
        Error::Input { name: self.request.name.to_owned(), source }
    }
}

fn key_of(request: &PutRequest, digests: &[Digest], format: Format) -> Digest {
    frames_key(request.codec.id(), request.quality, format.layout, request.colour, digests)
}

/// Fails before anything is encoded or copied if the name stands for another video, or for this one with less of it.
fn refuse_taken(store: &Store, request: &PutRequest, identity: Digest) -> Result<()> {
    let live = store.catalogue.live(request.name)?;
    let less = |class: &str| Class::named(class).is_some_and(|class| class < request.class);
    match live.filter(|_| !request.overwrite) {
        Some(row) if row.identity != identity || less(&row.class) => {
            Err(Error::NameTaken { name: request.name.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Hashes all frames, shows them to a picker, and finds where segments start.
fn hash(
    request: &mut PutRequest,
    source: &mut dyn FrameSource,
    mut picker: Option<&mut Picker>,
) -> Result<Hashed> {
    let mut hashed = Hashed::default();
    let mut splitter = std::mem::replace(&mut request.splitter, Box::new(DigestSplitter::default()));
    let mut splitter = Bounded::new(splitter.as_mut());
    while let Some(frame) = next_frame(request.name, source, &mut hashed.format, hashed.digests.len())? {
        let digest = frame_digest(&frame);
        hashed.starts.push(splitter.starts(&frame, &digest));
        hashed.digests.push(digest);
        picker.iter_mut().for_each(|picker| picker.push(&frame));
    }
    Ok(hashed)
}

/// The next frame of the video `name`, of the format of those before.
fn next_frame(
    name: &str,
    source: &mut dyn FrameSource,
    format: &mut Option<Format>,
    frame: usize,
) -> Result<Option<Picture>> {
    let failed = |source| Error::Input { name: name.to_owned(), source };
    let Some(picture) = source.next_frame().map_err(failed)? else { return Ok(None) };
    let found = Format::of(&picture);
    let expected = *format.get_or_insert(found);
    match found == expected {
        true => Ok(Some(picture)),
        false => Err(Error::FrameFormat {
            name: name.to_owned(),
            frame: frame as u64,
            found: found.to_string(),
            expected: expected.to_string(),
        }),
    }
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
