//! Pushing: hash, ask, encode and send what is missing, publish.
//!
//! A push that was interrupted is done again: what had arrived is found by the first question. One segment is in memory
//! at a time.

use std::{collections::HashMap, io::Read, ops::Range};

use vcn_media::{Colour, Picture, Rational};
use vcn_similarity::{Descriptor, Picker};
use vcn_store::{
    BlobRef, Bounded, BoxError, Class, Digest, Format, FrameSource, Looks, ObjectId, Parts, SegmentCodec,
    SideRef, SideStream, SourceFacts, Splitter, Timing, cut_blob, encode_segment, frame_digest, frames_key,
    frames_root, identity,
};

use crate::{
    client::{Client, Outcome, Sent},
    error::{Error, Result},
    protocol::{Alike, Had, Have, Publish, Published},
};

/// What to push, and how.
pub struct Push<'a> {
    /// The name at the server, without that of the user.
    pub name: &'a str,
    /// The class.
    pub class: Class,
    /// The codec.
    pub codec: &'a dyn SegmentCodec,
    /// Its quality.
    pub quality: u16,
    /// Where segments start.
    pub splitter: &'a mut dyn Splitter,
    /// Frames per second.
    pub rate: Rational,
    /// How samples are to be understood.
    pub colour: Colour,
    /// What is known of the source.
    pub source: SourceFacts,
    /// Audio, subtitles and the like.
    pub side: Vec<SideStream>,
    /// The original bytes, for class `source`.
    pub original: Option<&'a mut dyn Read>,
    /// Whether the name is taken over if it stands for something else.
    pub overwrite: bool,
    /// What describes frames, to ask the server which of one's own videos are alike.
    pub descriptor: Option<&'a dyn Descriptor>,
}

/// What a push did.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// What the server says.
    pub published: Published,
    /// Frames that were encoded here.
    pub encoded_frames: u64,
    /// Segments that were sent, of all.
    pub sent_segments: u64,
    /// All segments.
    pub segments: u64,
    /// Bytes of all bodies.
    pub traffic: Sent,
    /// The user's own videos that look alike, if the video was not there and was asked about.
    pub alike: Vec<Alike>,
}

/// Rounds of sending what is missing, before a server that keeps losing things is given up.
const ROUNDS: usize = 4;

/// Pushes a video. `step` is called for every frame that was hashed, and for every frame that was encoded.
///
/// # Errors
/// The input cannot be read, or the server cannot be reached or refuses.
pub fn push(
    client: &Client,
    mut request: Push,
    frames: &mut dyn FrameSource,
    step: &mut dyn FnMut(),
) -> Result<Pushed> {
    let before = client.traffic();
    let hashed = hash(&mut request, frames, step)?;
    let (side, side_objects) = cut_side(&request)?;
    let identity = identity(frames_root(&hashed.digests), side.iter().map(|side| side.identity));
    let whole = Have {
        identity,
        class: request.class,
        codec: request.codec.id(),
        quality: request.quality,
        keys: Vec::new(),
        looks: None,
    };
    let asked = Have { keys: hashed.keys.clone(), looks: hashed.looks.clone(), ..whole.clone() };
    // Keys and looks are only asked for where they matter, so that a reference costs the same for any length.
    let mut had = client.have(&whole)?;
    if had.video.is_none() {
        had = client.have(&asked)?;
    }
    let alike = std::mem::take(&mut had.alike);
    let original = send_original(client, &mut request)?;
    let timing = send_times(client, &request, frames)?;
    let mut work = Work { client, request, hashed, encoded_frames: 0, sent_segments: 0 };
    let mut known: HashMap<Digest, Digest> = HashMap::new();
    for round in 0..ROUNDS {
        let parts = match had.video {
            Some(_) => Parts::Stored(identity),
            None => {
                let segments = work.send_missing(&had, frames, step, &mut known)?;
                for (id, bytes) in &side_objects {
                    client.put_object(*id, bytes)?;
                }
                let (format, frames) = (work.hashed.format, work.hashed.digests.clone());
                Parts::Segments { format, frames, segments, side: side.clone() }
            }
        };
        let publish = work.publish(parts, &original, &timing);
        match client.publish(work.request.name, &publish)? {
            Outcome::Published(published) => {
                let after = client.traffic();
                let traffic =
                    Sent { sent: after.sent - before.sent, received: after.received - before.received };
                return Ok(Pushed {
                    published,
                    encoded_frames: work.encoded_frames,
                    sent_segments: work.sent_segments,
                    segments: work.hashed.keys.len() as u64,
                    traffic,
                    alike,
                });
            }
            // What was there has been lost, or was collected meanwhile.
            Outcome::Missing(missing) => {
                had = client.have(&asked)?;
                had.video = had.video.filter(|_| round == 0 && !missing.is_empty());
                let lost = |digest: &Digest| missing.iter().any(|id| id.digest == *digest);
                had.keys.iter_mut().for_each(|found| *found = found.filter(|digest| !lost(digest)));
                known.retain(|_, digest| !lost(digest));
            }
        }
    }
    let reason = format!("the server lost what was sent to it, {ROUNDS} times: see its `vcn store verify`");
    Err(Error::Input { name: work.request.name.to_owned(), reason })
}

/// What hashing found.
struct Hashed {
    format: Format,
    digests: Vec<Digest>,
    /// The frames of each segment.
    ranges: Vec<Range<usize>>,
    keys: Vec<Digest>,
    looks: Option<Looks>,
}

fn hash(request: &mut Push, source: &mut dyn FrameSource, step: &mut dyn FnMut()) -> Result<Hashed> {
    let name = request.name.to_owned();
    let refused = |reason: &str| Error::Input { name: name.clone(), reason: reason.to_owned() };
    rewind(source, &name)?;
    let mut splitter = Bounded::new(request.splitter);
    let rate = request.rate.as_f64();
    let mut picker = request.descriptor.map(|descriptor| Picker::new(descriptor, rate));
    let (mut digests, mut starts, mut format) = (Vec::new(), Vec::new(), None);
    while let Some(frame) = next(source, &name)? {
        let found = Format::of(&frame);
        if *format.get_or_insert(found) != found {
            return Err(refused(&format!("frame {} is {found}, the first one is not", digests.len())));
        }
        let digest = frame_digest(&frame);
        if splitter.starts(&frame, &digest) {
            starts.push(digests.len());
        }
        digests.push(digest);
        picker.iter_mut().for_each(|picker| picker.push(&frame));
        step();
    }
    let Some(format) = format else { return Err(refused("no frames")) };
    let ends = starts.iter().skip(1).copied().chain([digests.len()]);
    let ranges: Vec<Range<usize>> = starts.iter().copied().zip(ends).map(|(from, to)| from..to).collect();
    let key = |range: &Range<usize>| {
        let frames = &digests[range.clone()];
        frames_key(request.codec.id(), request.quality, format.layout, request.colour, frames)
    };
    let keys = ranges.iter().map(key).collect();
    let looks = request.descriptor.zip(picker).map(|(descriptor, picker)| Looks {
        descriptor: Digest(descriptor.id()),
        rate,
        frames: picker.finish().into_iter().map(|picked| (picked.frame, picked.vector)).collect(),
    });
    Ok(Hashed { format, digests, ranges, keys, looks })
}

/// Objects and their bytes.
type Objects = Vec<(ObjectId, Vec<u8>)>;

/// The side streams as blobs: what refers to them, and their objects.
fn cut_side(request: &Push) -> Result<(Vec<SideRef>, Objects)> {
    let mut objects = Vec::new();
    let mut references = Vec::new();
    for side in &request.side {
        let blob = cut_blob(request.name, &mut side.bytes.as_slice(), &mut |id, bytes| {
            objects.push((id, bytes));
            Ok(())
        })?;
        let identity = side.identity.unwrap_or(blob.digest);
        references.push(SideRef { kind: side.kind.clone(), label: side.label.clone(), identity, blob });
    }
    Ok((references, objects))
}

/// Sends when frames are shown, where no rate tells it. All frames have been read.
fn send_times(client: &Client, request: &Push, source: &mut dyn FrameSource) -> Result<Timing> {
    let failed = |error: BoxError| Error::Input { name: request.name.to_owned(), reason: error.to_string() };
    let rate = request.rate;
    let Some(times) = source.times().map_err(failed)? else { return Ok(Timing::Rate(rate)) };
    let mut objects = Vec::new();
    let ticks = cut_blob(request.name, &mut times.to_bytes().as_slice(), &mut |id, bytes| {
        objects.push((id, bytes));
        Ok(())
    })?;
    for (id, bytes) in &objects {
        client.put_object(*id, bytes)?;
    }
    Ok(Timing::Stamps { base: times.base, rate, ticks })
}

/// Sends the original bytes, a chunk at a time.
fn send_original(client: &Client, request: &mut Push) -> Result<Option<BlobRef>> {
    let Some(original) = request.original.take().filter(|_| request.class == Class::Source) else {
        return Ok(None);
    };
    let mut failure = None;
    let blob = cut_blob(request.name, original, &mut |id, bytes| match client.put_object(id, &bytes) {
        Ok(_) => Ok(()),
        Err(error) => {
            let stopped =
                vcn_store::Error::Input { name: String::new(), source: "the server refused it".into() };
            failure = Some(error);
            Err(stopped)
        }
    });
    match failure {
        Some(failure) => Err(failure),
        None => Ok(Some(blob?)),
    }
}

/// A push under way.
struct Work<'c, 'r> {
    client: &'c Client,
    request: Push<'r>,
    hashed: Hashed,
    encoded_frames: u64,
    sent_segments: u64,
}

impl Work<'_, '_> {
    /// Encodes and sends the segments that are not there. Returns all of them in order.
    fn send_missing(
        &mut self,
        had: &Had,
        source: &mut dyn FrameSource,
        step: &mut dyn FnMut(),
        known: &mut HashMap<Digest, Digest>,
    ) -> Result<Vec<Digest>> {
        let name = self.request.name.to_owned();
        for (key, found) in self.hashed.keys.iter().zip(&had.keys) {
            known.extend(found.map(|found| (*key, found)));
        }
        if !self.hashed.keys.iter().all(|key| known.contains_key(key)) {
            rewind(source, &name)?;
            for (range, key) in self.hashed.ranges.clone().into_iter().zip(self.hashed.keys.clone()) {
                let mut frames: Vec<Picture> = Vec::new();
                for at in range.clone() {
                    let changed = || Error::Input {
                        name: name.clone(),
                        reason: format!("the input changed while it was read, at frame {at}: push it again"),
                    };
                    let frame = next(source, &name)?.ok_or_else(changed)?;
                    if !known.contains_key(&key) {
                        if frame_digest(&frame) != self.hashed.digests[at] {
                            return Err(changed());
                        }
                        frames.push(frame);
                    }
                }
                if !frames.is_empty() {
                    let digests = self.hashed.digests[range].to_vec();
                    known.insert(key, self.send(&frames, &digests)?);
                    frames.iter().for_each(|_| step());
                }
            }
        }
        let all: Option<Vec<Digest>> = self.hashed.keys.iter().map(|key| known.get(key).copied()).collect();
        all.ok_or_else(|| Error::Input { name, reason: "a segment got lost on the way".to_owned() })
    }

    fn send(&mut self, frames: &[Picture], digests: &[Digest]) -> Result<Digest> {
        let request = &self.request;
        let (colour, quality) = (request.colour, request.quality);
        let made = encode_segment(request.codec, request.name, frames, digests, colour, quality)?;
        self.encoded_frames += frames.len() as u64;
        let id = ObjectId { kind: vcn_store::Kind::Segment, digest: made.object };
        if self.client.put_object(id, &made.bytes)? {
            self.sent_segments += 1;
        }
        Ok(made.object)
    }

    fn publish(&self, parts: Parts, original: &Option<BlobRef>, timing: &Timing) -> Publish {
        Publish {
            class: self.request.class,
            codec: self.request.codec.id(),
            quality: self.request.quality,
            timing: timing.clone(),
            colour: self.request.colour,
            source: self.request.source.clone(),
            original: original.clone(),
            overwrite: self.request.overwrite,
            // What was there is described there.
            looks: self.hashed.looks.clone().filter(|_| !matches!(parts, Parts::Stored(_))),
            parts,
        }
    }
}

fn next(source: &mut dyn FrameSource, name: &str) -> Result<Option<Picture>> {
    source.next_frame().map_err(|error| Error::Input { name: name.to_owned(), reason: error.to_string() })
}

fn rewind(source: &mut dyn FrameSource, name: &str) -> Result<()> {
    let refused = |reason: String| Error::Input { name: name.to_owned(), reason };
    match source.rewind().map_err(|error| refused(error.to_string()))? {
        true => Ok(()),
        false => Err(refused(
            "a pipe cannot be pushed, since it is read twice: write it to a file first".to_owned(),
        )),
    }
}
