//! Results of the store as JSON, version 1.

use std::io::Write;

use serde::Serialize;
use vcn_store::{Distortion, Foreseen, Listing, Match, PutOutcome, Sharing};

use crate::failure::{Failure, Result};
use crate::print::{Stream, bytes};

use super::input::Input;

/// The version of all JSON of `vcn store`.
const VERSION: u32 = 1;

/// A result with its version.
#[derive(Serialize)]
struct Versioned<'a, T: Serialize> {
    version: u32,
    #[serde(flatten)]
    value: &'a T,
}

/// Prints a result, which must be an object.
pub fn print(value: &impl Serialize) -> Result<()> {
    Stream::Out.json(&Versioned { version: VERSION, value })
}

/// Prints a result to a stream.
pub fn print_to(stream: Stream, value: &impl Serialize) -> Result<()> {
    stream.json(&Versioned { version: VERSION, value })
}

/// Prints a line of progress to standard error.
pub fn progress(value: &impl Serialize) {
    if let Ok(text) = serde_json::to_string(&Versioned { version: VERSION, value }) {
        // A standard error that is closed must not end the command.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// Tells a failure as the last line of standard error; its exit code stays.
pub fn failure(failure: Failure) -> Failure {
    #[derive(Serialize)]
    struct Failed {
        event: &'static str,
        exit_code: u8,
        reason: String,
    }
    if !failure.is_broken_pipe() {
        progress(&Failed { event: "error", exit_code: failure.code(), reason: failure.to_string() });
    }
    Failure::Told(failure.code())
}

/// A name in a listing.
#[derive(Serialize)]
pub struct Name {
    name: String,
    class: String,
    frames: u64,
    width: u32,
    height: u32,
    source_bytes: u64,
    stored_bytes: u64,
    put_at_microseconds: i64,
    ended_at_microseconds: Option<i64>,
    identity: String,
}

impl From<Listing> for Name {
    fn from(listing: Listing) -> Name {
        Name {
            name: listing.name,
            class: listing.class,
            frames: listing.frames,
            width: listing.width,
            height: listing.height,
            source_bytes: listing.source_bytes,
            stored_bytes: listing.stored_bytes,
            put_at_microseconds: listing.put_at,
            ended_at_microseconds: listing.ended_at,
            identity: listing.identity.to_string(),
        }
    }
}

/// What a put did.
#[derive(Serialize)]
pub struct Put {
    input: String,
    name: String,
    id: String,
    class: &'static str,
    result: &'static str,
    frames: u64,
    encoded_frames: u64,
    shared_frames: u64,
    new_bytes: u64,
    shared_bytes: u64,
    shared_with: Vec<String>,
    /// Stored videos that look like it, by thumbnails alone; `dups` and `find` compare pixels.
    alike: Vec<Found>,
    reason: String,
}

impl Put {
    /// The outcome for an input.
    pub fn new(input: &str, outcome: PutOutcome) -> Put {
        let alike = outcome.alike.into_iter().map(|found| Found::new(&outcome.name, found)).collect();
        Put {
            input: input.to_owned(),
            name: outcome.name,
            id: outcome.identity.to_string(),
            class: outcome.class.as_str(),
            result: sharing(outcome.sharing),
            frames: outcome.frames,
            encoded_frames: outcome.encoded_frames,
            shared_frames: outcome.shared_frames,
            new_bytes: outcome.new_bytes,
            shared_bytes: outcome.shared_bytes,
            shared_with: outcome.shared_with,
            alike,
            reason: outcome.reason,
        }
    }
}

/// What a put would do.
#[derive(Serialize)]
pub struct WouldPut {
    path: String,
    name: String,
    id: String,
    result: &'static str,
    frames: u64,
    shared_frames: u64,
    shared_bytes: u64,
    shared_with: Vec<String>,
    reason: String,
}

impl WouldPut {
    /// What is foreseen of an input.
    pub fn new(input: &Input, foreseen: Foreseen) -> WouldPut {
        WouldPut {
            path: input.path.clone(),
            name: input.name.clone(),
            id: foreseen.identity.to_string(),
            result: sharing(foreseen.sharing),
            frames: foreseen.frames,
            shared_frames: foreseen.shared_frames,
            shared_bytes: foreseen.shared_bytes,
            shared_with: foreseen.shared_with,
            reason: foreseen.reason,
        }
    }
}

impl std::fmt::Display for WouldPut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (path, name, result, reason) = (&self.path, &self.name, self.result, &self.reason);
        let with = self.shared_with.first().map_or(String::new(), |name| format!(" (as in {name})"));
        write!(f, "would put {path} as {name}: {result}, {} shared: {reason}{with}", bytes(self.shared_bytes))
    }
}

/// How much was there, in a word.
pub fn sharing(sharing: Sharing) -> &'static str {
    match sharing {
        Sharing::AlreadyThere => "already-there",
        Sharing::Identical => "identical",
        Sharing::Replaced => "replaced",
        Sharing::Segments => "shared",
        Sharing::None => "new",
    }
}

/// A match of `find` or `dups`.
#[derive(Serialize)]
pub struct Found {
    name: String,
    other: String,
    level: &'static str,
    score: f32,
    from_seconds: f64,
    to_seconds: f64,
    other_from_seconds: f64,
    other_to_seconds: f64,
    mirrored: bool,
    shared_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_psnr: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worst_frame_psnr: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worst_block_psnr: Option<f32>,
    reason: String,
}

impl Found {
    /// A match of the video `name`.
    pub fn new(name: &str, found: Match) -> Found {
        // JSON has no infinity.
        let psnr =
            |pick: fn(Distortion) -> f32| found.distortion.map(|d| Distortion::psnr(pick(d)).min(99.0));
        Found {
            name: name.to_owned(),
            other: found.name,
            level: found.level.as_str(),
            score: found.score,
            from_seconds: found.query_from,
            to_seconds: found.query_to,
            other_from_seconds: found.from,
            other_to_seconds: found.to,
            mirrored: found.mirrored,
            shared_bytes: found.shared_bytes,
            mean_psnr: psnr(|d| d.mean),
            worst_frame_psnr: psnr(|d| d.worst_frame),
            worst_block_psnr: psnr(|d| d.worst_block),
            reason: found.reason,
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, other, level, score) = (&self.name, &self.other, self.level, self.score);
        let [from, to, other_from, other_to] =
            [self.from_seconds, self.to_seconds, self.other_from_seconds, self.other_to_seconds];
        write!(
            f,
            "{level}\t{score:.2}\t{name} {from:.1}-{to:.1} s\t{other} {other_from:.1}-{other_to:.1} s\t{}",
            self.reason
        )
    }
}
