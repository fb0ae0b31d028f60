//! The one error of this crate.

use std::path::{Path, PathBuf};

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A video cannot be read.
    #[error(transparent)]
    Media(#[from] vcn_media::Error),

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

    /// A journal that this program did not write, or not like this.
    #[error("{}: line {line} is not an entry of a journal: {reason}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },

    /// A file has the name that features should have.
    #[error(
        "{}: holds no features of this kind and type; give others another name, or remove it to make it anew",
        path.display()
    )]
    OtherFeatures {
        /// The file.
        path: PathBuf,
    },

    /// A video without a frame.
    #[error("{}: has no frame", path.display())]
    NoFrames {
        /// The video.
        path: PathBuf,
    },

    /// The codec refused a picture.
    #[error(transparent)]
    Codec(#[from] vcn_codec::Error),

    /// A number that clustering cannot work with.
    #[error("clustering: {0}")]
    Clustering(String),

    /// A line of a list or table that cannot be understood.
    #[error("{}: line {line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// Labels from which nothing can be learned.
    #[error(
        "nothing can be learned from these labels: of {labels}, {scenes} are of scenes that are here, and {wanted} of \
         those are wanted, in {groups} groups; there must be wanted and unwanted ones, in {least} groups or more"
    )]
    Labels {
        /// Labels.
        labels: usize,
        /// Those of scenes that were measured.
        scenes: usize,
        /// Those of scenes that are wanted.
        wanted: usize,
        /// Groups of clips that they are of.
        groups: usize,
        /// The least number of groups.
        least: usize,
    },

    /// A data set that is damaged or of another layout.
    #[error("{}: {reason}", path.display())]
    DataSet {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },

    /// A ranker that cannot be trained or read.
    #[error("the ranker {reason}")]
    Ranker {
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// For `map_err` after a failed system call.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    }
}
