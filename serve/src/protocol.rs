//! What client and server say to each other, as JSON bodies; `doc/SERVE.md` has the routes.

use serde::{Deserialize, Serialize};
use vcn_media::Colour;
use vcn_store::{
    BlobRef, Class, Digest, Format, Kind, Looks, Manifest, ObjectId, Parts, SourceFacts, Timing,
};

/// The version of the protocol, in all paths. What changes so that the other side would misunderstand it takes a new one.
pub const VERSION: &str = "v2";

/// The header of all answers that says which version a server speaks.
pub const VERSION_HEADER: &str = "vcn-protocol";

/// `POST /v2/have`: what is there of a video, before any of it is encoded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Have {
    /// Digest of its frames and side streams.
    pub identity: Digest,
    /// The class that it is to have.
    pub class: Class,
    /// The codec's id.
    pub codec: Digest,
    /// The codec's quality.
    pub quality: u16,
    /// The frames keys of its segments.
    #[serde(default)]
    pub keys: Vec<Digest>,
    /// What it looks like, to learn which of one's own videos are alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
}

/// A video of the asking user that looks alike: a nomination, which no pixel was asked about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Alike {
    /// The name, without that of its user.
    pub name: String,
    /// From 0 to 1.
    pub score: f32,
    /// Where the common part starts in the video that was asked about, and where it ends, in seconds.
    pub asked: [f64; 2],
    /// Where it starts and ends in this one.
    pub stored: [f64; 2],
    /// Whether one is the mirror image of the other.
    pub mirrored: bool,
}

/// The answer to [`Have`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Had {
    /// Bytes of the stored video of this identity, if there is one.
    pub video: Option<u64>,
    /// For each key its segment, if there is one that the asking user may rely upon.
    pub keys: Vec<Option<Digest>>,
    /// The most alike of the asking user's own videos, if [`Have::looks`] was given. Nothing follows from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alike: Vec<Alike>,
}

/// `PUT /v2/names/NAME`: gives a name to a video whose parts are there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Publish {
    /// The class.
    pub class: Class,
    /// The codec's id.
    pub codec: Digest,
    /// The codec's quality.
    pub quality: u16,
    /// When frames are shown; the times of a varying rate are a blob that is there.
    pub timing: Timing,
    /// How samples are to be understood.
    pub colour: Colour,
    /// What is known of the source.
    #[serde(default)]
    pub source: SourceFacts,
    /// The original bytes, for class `source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<BlobRef>,
    /// Whether the name is taken over if it stands for something else.
    #[serde(default)]
    pub overwrite: bool,
    /// What the video consists of.
    pub parts: Parts,
    /// What it looks like, so that it is found as alike others; believed of users who vouch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
}

/// A name that was published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Published {
    /// The name, without that of its user.
    pub name: String,
    /// Digest of frames and side streams.
    pub identity: Digest,
    /// The manifest.
    pub manifest: Digest,
    /// `there`, `identical`, `segments` or `none`: how much was there already.
    pub sharing: String,
    /// Frames.
    pub frames: u64,
    /// Why, in words.
    pub reason: String,
}

/// A name in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Named {
    /// The name, without that of its user.
    pub name: String,
    /// The class.
    pub class: String,
    /// Frames.
    pub frames: u64,
    /// Bytes of segments and side streams.
    pub bytes: u64,
    /// Digest of frames and side streams.
    pub identity: Digest,
}

/// `GET /v2/names/NAME`: everything that is needed to fetch a video.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Description {
    /// The name, without that of its user.
    pub name: String,
    /// The class.
    pub class: Class,
    /// When frames are shown.
    pub timing: Timing,
    /// How samples are to be understood.
    pub colour: Colour,
    /// What is known of the source.
    pub source: SourceFacts,
    /// The original bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<BlobRef>,
    /// The segments and side streams.
    pub manifest: Manifest,
    /// Size and layout.
    pub format: Format,
}

/// `POST /v2/shares`: sends a video to others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Share {
    /// One's own name of the video.
    pub name: String,
    /// Who is to get it.
    pub to: Vec<String>,
}

/// What a receiver was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// The receiver.
    pub to: String,
    /// The name that the receiver has it under: `from/SENDER/NAME`.
    pub name: String,
    /// A name under which the receiver held the same video before: he need not fetch anything.
    pub held_as: Option<String>,
    /// Bytes that the receiver has to fetch.
    pub bytes: u64,
}

/// The answer to [`Share`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shared {
    /// One for each receiver.
    pub deliveries: Vec<Delivery>,
}

/// `GET /v2/account`: what a user has used, per hour.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// The user.
    pub user: String,
    /// Traffic, the oldest hour first.
    pub traffic: Vec<AccountLine>,
}

/// A line of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountLine {
    /// Start of the hour, in seconds since 1970.
    pub hour: i64,
    /// `have`, `put`, `publish`, `share` or `get`.
    pub what: String,
    /// Requests.
    pub requests: u64,
    /// Bytes of bodies that the server received.
    pub received: u64,
    /// Bytes of bodies that it sent.
    pub sent: u64,
    /// Bytes of new objects.
    pub new: u64,
    /// Bytes that did not have to be sent, because what they say was there.
    pub saved: u64,
}

/// Why a request was refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// In words.
    pub error: String,
    /// Objects that have to be sent first, as `seg/DIGEST` and `blob/DIGEST`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// An object as written in paths: `seg/DIGEST`. Only segments and blobs travel by themselves.
pub fn object_text(id: ObjectId) -> String {
    format!("{}/{}", id.kind.folder(), id.digest)
}

/// Reads what [`object_text`] wrote.
pub fn object_from(kind: &str, digest: &str) -> Option<ObjectId> {
    let kind = [Kind::Segment, Kind::Blob].into_iter().find(|known| known.folder() == kind)?;
    Some(ObjectId { kind, digest: digest.parse().ok()? })
}
