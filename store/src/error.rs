//! The one error of this crate. Every message names the object, the path or the value, and what to do.

use std::path::PathBuf;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a caller's codec or frame source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Io {
        /// What was tried, as in "cannot ...".
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },

    /// The object store behind a URL refused an operation.
    #[error("{object}: cannot {doing}: {reason}")]
    Backend {
        /// What was tried, as in "cannot ...".
        doing: &'static str,
        /// The object.
        object: String,
        /// The backend's reason.
        reason: String,
    },

    /// The catalogue cannot be read or written.
    #[error(
        "{}: cannot {doing}: {reason}; if this persists, `repair --rebuild-catalogue` makes it anew from the objects",
        path.display()
    )]
    Catalogue {
        /// The database.
        path: PathBuf,
        /// What was tried, as in "cannot ...".
        doing: &'static str,
        /// SQLite's reason.
        reason: String,
    },

    /// A location that is neither a path nor a supported URL.
    #[error("`{value}` is not a store: {reason}")]
    Location {
        /// The location.
        value: String,
        /// What is wrong and what to write instead.
        reason: String,
    },

    /// There is no store at this location.
    #[error("{location}: no store here: create one with `vcn store init`")]
    NotAStore {
        /// The location.
        location: String,
    },

    /// A store that cannot be written, and an operation that would have to.
    #[error(
        "{location}: this store cannot be written, only read, since it is on a read-only or a full disk, or belongs to \
         another user: no name or object was changed"
    )]
    ReadOnly {
        /// The store.
        location: String,
    },

    /// There is a store at this location already.
    #[error("{location}: there is a store here already")]
    Exists {
        /// The location.
        location: String,
    },

    /// A store, a manifest or a record of a version that this program does not know.
    #[error("{object}: version {found} is not known, this program reads version {known}{}",
        if found > known { ": use a newer vcn" } else { "" })]
    Version {
        /// Where the version stands.
        object: String,
        /// The version there.
        found: u64,
        /// The version of this program.
        known: u64,
    },

    /// The catalogue of a store in a folder is gone, or was not made anew to its end.
    #[error(
        "{location}: its catalogue is gone or incomplete: `repair --rebuild-catalogue` makes it anew from the objects"
    )]
    NoCatalogue {
        /// The store.
        location: String,
    },

    /// Another catalogue writes to the objects of this URL.
    #[error(
        "{location}: its objects belong to catalogue {owner}, this one is {own}: work on the machine that has that \
         catalogue, or take the store over with `repair --rebuild-catalogue --take-over` once nobody writes to it"
    )]
    Claimed {
        /// The store.
        location: String,
        /// The catalogue that the store belongs to.
        owner: String,
        /// The catalogue that was opened.
        own: String,
    },

    /// Another process works on the store in a way that excludes this operation.
    #[error("{}: in use by another process: wait until it has finished", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },

    /// An object that is referenced but not there.
    #[error(
        "{object}: this object is missing: `vcn store repair` says what is lost; a `put` of the same video heals it"
    )]
    Missing {
        /// Its path in the store.
        object: String,
    },

    /// An object whose bytes do not have the hash that is its name.
    #[error(
        "{object}: damaged, its bytes hash to {found}: `vcn store repair` says what is lost; a `put` of the same \
         video heals it"
    )]
    Damaged {
        /// Its path in the store.
        object: String,
        /// The hash of the bytes that are there.
        found: String,
    },

    /// An object with the right hash whose contents break the format.
    #[error("{object}: malformed: {reason}")]
    Malformed {
        /// Its path in the store.
        object: String,
        /// What is wrong.
        reason: String,
    },

    /// A name that cannot be used.
    #[error("`{name}` is not a possible name: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },

    /// A name that the store does not have.
    #[error(
        "`{name}`: no such name in the store: `vcn store ls` lists them, `undelete` brings removed ones back"
    )]
    UnknownName {
        /// The name.
        name: String,
    },

    /// A name that stands for something else already.
    #[error(
        "`{name}` stands for another video already, or for this one in another class or timing: choose another name, or \
         replace it with --overwrite"
    )]
    NameTaken {
        /// The name.
        name: String,
    },

    /// Nothing to undelete.
    #[error("`{name}`: nothing to bring back: it was never removed, or a collection has purged it since")]
    NotRemoved {
        /// The name.
        name: String,
    },

    /// A video without frames.
    #[error("`{name}`: no frames to store")]
    NoFrames {
        /// The name that it was to have.
        name: String,
    },

    /// A frame of another size or format than the first one.
    #[error(
        "`{name}`: frame {frame} is {found}, the first one is {expected}: all frames of a video have one format"
    )]
    FrameFormat {
        /// The name that the video was to have.
        name: String,
        /// Index of the frame, from 0.
        frame: u64,
        /// Its format.
        found: String,
        /// The format of the first frame.
        expected: String,
    },

    /// The input gave other frames when it was read again.
    #[error(
        "`{name}`: the input changed while it was being read, at frame {frame}: put it again when it is complete"
    )]
    InputChanged {
        /// The name that it was to have.
        name: String,
        /// Index of the first frame that differs, from 0.
        frame: u64,
    },

    /// The input could not be read.
    #[error("`{name}`: cannot read the input: {source}")]
    Input {
        /// The name that it was to have.
        name: String,
        /// The reason.
        source: BoxError,
    },

    /// The codec failed, or did not reproduce what it must.
    #[error("{object}: codec {codec}: {reason}")]
    Codec {
        /// The segment, or the name that was being put.
        object: String,
        /// The codec's name or model digest.
        codec: String,
        /// What went wrong.
        reason: String,
    },

    /// A segment of a codec that this process does not have.
    #[error("{object}: needs the codec or model {codec}, which is not loaded: give its checkpoint")]
    NoCodec {
        /// The segment.
        object: String,
        /// The model digest.
        codec: String,
    },

    /// An offered video whose parts do not fit together.
    #[error("`{name}`: cannot be taken: {reason}")]
    Offer {
        /// The name that it was to have.
        name: String,
        /// What does not fit.
        reason: String,
    },

    /// A range that the video does not have.
    #[error("`{name}`: has no frames in {asked}: it has {frames} frames")]
    Range {
        /// The name.
        name: String,
        /// The range asked for.
        asked: String,
        /// Frames of the video.
        frames: u64,
    },

    /// The original bytes were not kept.
    #[error("`{name}`: stored in class {class}, without its original bytes: only class `source` keeps those")]
    NoOriginal {
        /// The name.
        name: String,
        /// Its class.
        class: &'static str,
    },

    /// The lease of a `put` ran out, so that a collection may have removed what it relied upon.
    #[error(
        "`{name}`: paused for longer than its lease of {seconds} s, so it was not published: put it again"
    )]
    LeaseLost {
        /// The name that was being put.
        name: String,
        /// The duration of a lease.
        seconds: u64,
    },

    /// A dedup policy that cannot be followed.
    #[error("--dedup {policy}: {reason}")]
    Policy {
        /// The policy.
        policy: &'static str,
        /// Why not, and what to use instead.
        reason: &'static str,
    },

    /// A collection stopped because it cannot know what is in use.
    #[error(
        "nothing was collected, because what is in use cannot be known: {source}; run `vcn store repair` first"
    )]
    CollectionAborted {
        /// What could not be read.
        source: Box<Error>,
    },

    /// A collection would remove more than seems right.
    #[error(
        "refused to remove {bytes} of {total} bytes ({objects} objects): more than {percent} %; look at --dry-run, \
         and allow it with --max-share 100 if this is right"
    )]
    SuspiciousShare {
        /// Bytes that would go.
        bytes: u64,
        /// Bytes in the store.
        total: u64,
        /// Objects that would go.
        objects: u64,
        /// The limit in percent.
        percent: u8,
    },

    /// A failure that a test asked for.
    #[error("failpoint {0}")]
    Failpoint(&'static str),
}

impl Error {
    /// For `map_err` after a failed system call.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { doing, path, source }
    }

    /// Whether an object is of a version that this program does not know.
    pub fn is_of_unknown_version(&self) -> bool {
        matches!(self, Error::Version { .. })
    }

    /// Whether an object is missing, damaged or malformed, as opposed to unreachable at the moment.
    pub fn is_loss(&self) -> bool {
        matches!(self, Error::Missing { .. } | Error::Damaged { .. } | Error::Malformed { .. })
    }
}
