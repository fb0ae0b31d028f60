//! What is put, and how.

use std::io::Read;

use vcn_media::{Colour, Picture, Rational};
use vcn_similarity::{BlockSpectrum, Descriptor};

use crate::{
    codec::{SegmentCodec, Splitter},
    digest::Digest,
    error::{BoxError, Error, Result},
    planes::Planes,
    record::{Class, SourceFacts},
    replace::MaxDistortion,
    split::DigestSplitter,
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

    /// After the last frame: when the frames are shown, if they do not follow each other at the rate of the request.
    ///
    /// # Errors
    /// The input cannot be read.
    fn times(&mut self) -> Result<Option<Times>, BoxError> {
        Ok(None)
    }
}

/// When frames are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// Seconds of a tick.
    pub base: Rational,
    /// The ticks, one for each frame.
    pub ticks: Vec<i64>,
}

impl Times {
    /// The ticks as the store keeps them: little-endian, eight bytes each.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.ticks.iter().flat_map(|tick| tick.to_le_bytes()).collect()
    }
}

/// Frames in memory.
#[derive(Clone, Debug, Default)]
pub struct Clip {
    frames: Vec<Picture>,
    times: Option<Times>,
    next: usize,
}

impl Clip {
    /// A clip of these frames.
    pub fn new(frames: Vec<Picture>) -> Clip {
        Clip { frames, ..Clip::default() }
    }

    /// The same with times for its frames.
    #[must_use]
    pub fn shown_at(self, times: Times) -> Clip {
        Clip { times: Some(times), ..self }
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

    fn times(&mut self) -> Result<Option<Times>, BoxError> {
        Ok(self.times.clone())
    }
}

/// What to do about duplicates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Dedup {
    /// Share equal videos and equal segments.
    #[default]
    Exact,
    /// Share nothing knowingly: encode everything, and say what could have been shared. (Objects of equal bytes are
    /// one all the same.)
    Report,
    /// Store near-duplicates as a residual against the original.
    Link,
    /// Share what is equal, and give up pictures for those of a stored video that is within these bounds. Only for class
    /// `quality`; [`Store::undelete`](crate::Store::undelete) takes it back until a collection purges what was given up.
    Replace(MaxDistortion),
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
    /// Whether the same frames, stored whole by another codec at this quality, serve as well: a new default model is no
    /// reason to store a video again.
    pub any_codec: bool,
    /// Where segments start.
    pub splitter: Box<dyn Splitter + 'a>,
    /// What to do about duplicates.
    pub dedup: Dedup,
    /// Whether a name that stands for something else is taken over; what it stood for is tombstoned.
    pub overwrite: bool,
    /// Frames per second; only about, where [`FrameSource::times`] knows better.
    pub rate: Rational,
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
    /// So many stored videos that look like a new one are named in the outcome; 0 does not look, which takes time that
    /// grows with the store.
    pub alike: usize,
    /// Whether what is shared is read and checked against its hash first, or only looked for.
    pub check_shared: bool,
}

/// The codec of class `frames`.
pub(super) static PLANES: Planes = Planes { level: 6 };

impl<'a> PutRequest<'a> {
    /// A put in class `frames`, with the lossless codec of this crate.
    pub fn frames(name: &'a str, rate: Rational, colour: Colour) -> PutRequest<'a> {
        PutRequest {
            name,
            class: Class::Frames,
            codec: &PLANES,
            quality: 0,
            any_codec: false,
            splitter: Box::new(DigestSplitter::default()),
            dedup: Dedup::Exact,
            overwrite: false,
            rate,
            colour,
            source: SourceFacts::default(),
            side: Vec::new(),
            original: None,
            descriptor: Some(&BlockSpectrum),
            alike: 0,
            check_shared: true,
        }
    }
}

impl PutRequest<'_> {
    /// What the side streams are, whatever their packaging.
    pub(super) fn side_identities(&self) -> Vec<Digest> {
        let identity = |side: &SideStream| side.identity.unwrap_or_else(|| Digest::of(&side.bytes));
        self.side.iter().map(identity).collect()
    }
}

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
