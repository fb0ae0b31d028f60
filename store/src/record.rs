//! Journal records: every event that changes names, as an object. Replayed in order they give all names, so that the
//! catalogue is only a cache.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vcn_media::{Colour, Rational};
use vcn_similarity::Distortion;

use crate::{
    compressed::{self, Versioned},
    digest::Digest,
    error::{Error, Result},
    manifest::BlobRef,
    objects::{Backend, Kind, ObjectId, fetch},
};

/// The version of records that this program reads and writes.
pub(crate) const VERSION: u64 = 1;

/// The last sequence: the end of the year 9999.
const LAST_SEQUENCE: i64 = 253_402_300_799_999_999;

/// The longest name, in bytes.
const MAX_NAME: usize = 4096;

/// In which class a video is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A codec stream with measured distortion.
    Quality,
    /// Exact pictures and timing.
    Frames,
    /// The original bytes, beside a codec stream.
    Source,
}

impl Class {
    /// As users write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Quality => "quality",
            Class::Frames => "frames",
            Class::Source => "source",
        }
    }

    /// The class that users write so.
    pub(crate) fn named(text: &str) -> Option<Class> {
        [Class::Quality, Class::Frames, Class::Source].into_iter().find(|class| class.as_str() == text)
    }
}

/// When frames are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timing {
    /// At a constant rate.
    Rate(Rational),
    /// At these times: ticks of `base` seconds, as a blob of little-endian `i64`.
    Stamps {
        /// Seconds of a tick.
        base: Rational,
        /// A rate that is about right, for players that need one.
        rate: Rational,
        /// The ticks, one for each frame.
        ticks: BlobRef,
    },
}

impl Timing {
    /// Frames per second, at least about.
    pub fn rate(&self) -> Rational {
        match self {
            Timing::Rate(rate) | Timing::Stamps { rate, .. } => *rate,
        }
    }

    /// The blob of the times, where there is one.
    pub(crate) fn ticks(&self) -> Option<&BlobRef> {
        match self {
            Timing::Rate(_) => None,
            Timing::Stamps { ticks, .. } => Some(ticks),
        }
    }

    /// Checks what reading it could not.
    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        let positive = |rate: &Rational| rate.num > 0 && rate.den > 0;
        match self {
            Timing::Rate(rate) if !positive(rate) => Err(format!("{rate} is no frame rate")),
            Timing::Stamps { base, rate, .. } if !positive(base) || !positive(rate) => {
                Err(format!("ticks of {base} seconds at about {rate} frames per second are not possible"))
            }
            _ => Ok(()),
        }
    }
}

/// What is known of the file that a video came from. The store keeps it and does not interpret it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// Name of the file.
    #[serde(default)]
    pub file: String,
    /// Container.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub container: String,
    /// Bytes of the file.
    #[serde(default)]
    pub bytes: u64,
    /// Time of its last change, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<i64>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, String>,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The manifest.
    pub manifest: Digest,
    /// The class that was asked for.
    pub class: Class,
    /// When frames are shown.
    pub timing: Timing,
    /// How the samples are to be understood.
    pub colour: Colour,
    /// What it came from.
    pub source: SourceFacts,
    /// The original bytes, for class `source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<BlobRef>,
    /// That its pictures were given up for those of another video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// What is known of pictures that were given up for others that look the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The manifest of the name's own pictures: its tombstone brings them back until a collection purges it.
    pub replaced: Digest,
    /// What the video was.
    pub identity: Digest,
    /// The first name of the video whose pictures are shown instead, at that time.
    pub by: String,
    /// How far these, decoded, were from the input: the worse of luma and chroma.
    pub distortion: Distortion,
    /// What the worst frame had to reach, in dB.
    pub least_frame_psnr: f32,
    /// What the worst block had to reach, in dB.
    pub least_block_psnr: f32,
}

/// Something that happened to names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "event")]
pub enum Event {
    /// A name was given to a video; what it stood for before is tombstoned.
    Put(Entry),
    /// A name was removed.
    Rm {
        /// The name.
        name: String,
    },
    /// A removed name was brought back.
    Undelete(Entry),
    /// A collection gave up tombstones for good.
    Purge {
        /// The records of their entries, by sequence number.
        entries: Vec<i64>,
    },
    /// Two videos were marked as no duplicates of each other.
    Distinct {
        /// Identity of one.
        a: Digest,
        /// Identity of the other.
        b: Digest,
        /// Whether the mark was taken back.
        #[serde(default)]
        revoked: bool,
    },
}

impl Event {
    /// As `log` shows it.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Put(_) => "put",
            Event::Rm { .. } => "rm",
            Event::Undelete(_) => "undelete",
            Event::Purge { .. } => "purge",
            Event::Distinct { .. } => "distinct",
        }
    }

    /// The name that it is about.
    pub fn name(&self) -> Option<&str> {
        match self {
            Event::Put(entry) | Event::Undelete(entry) => Some(&entry.name),
            Event::Rm { name } => Some(name),
            _ => None,
        }
    }

    /// What the name stands for from then on.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Event::Put(entry) | Event::Undelete(entry) => Some(entry),
            _ => None,
        }
    }
}

/// A record: an event and its place in the order of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// 1.
    pub version: u64,
    /// Microseconds since 1970, made unique and increasing.
    pub sequence: i64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Versioned for Record {
    const KNOWN: u64 = VERSION;

    fn version(&self) -> u64 {
        self.version
    }
}

impl Record {
    /// A record of this version.
    pub(crate) fn new(sequence: i64, event: Event) -> Record {
        Record { version: VERSION, sequence, event }
    }

    pub(crate) fn read(backend: &dyn Backend, id: ObjectId) -> Result<Record> {
        let object = id.path();
        let record: Record = compressed::from_bytes(&object, &fetch(backend, id)?)?;
        record.check().map_err(|reason| Error::Malformed { object, reason })?;
        Ok(record)
    }

    /// Checks what reading it could not.
    fn check(&self) -> std::result::Result<(), String> {
        // A sequence from which there would be no next one would let later events take each other's places.
        if !(0..=LAST_SEQUENCE).contains(&self.sequence) {
            return Err(format!("its sequence {} is no time", self.sequence));
        }
        if let Some(name) = self.event.name() {
            check_name(name).map_err(|error| error.to_string())?;
        }
        self.event.entry().map_or(Ok(()), |entry| entry.timing.check())
    }

    /// The record as an object.
    pub(crate) fn to_object(&self) -> Result<(ObjectId, Vec<u8>)> {
        let bytes = compressed::to_bytes("record", self)?;
        Ok((ObjectId { kind: Kind::Log, digest: Digest::of(&bytes) }, bytes))
    }
}

/// Whether a name may be used: any text without control characters, as `shows/1/clip.mp4`.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_NAME {
        "it is longer than 4096 bytes"
    } else if name.chars().any(char::is_control) {
        "it has control characters"
    } else {
        return Ok(());
    };
    Err(Error::Name { name: name.chars().take(80).collect(), reason })
}
