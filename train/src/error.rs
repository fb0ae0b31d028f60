//! What can go wrong in training.

use std::path::PathBuf;

/// Result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder cannot be listed.
    #[error("cannot list the folder {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No clip was found.
    #[error("no frames and no videos below {0:?}: give folders that hold png or jpeg frames, or video files")]
    NoClips(Vec<PathBuf>),
    /// A clip cannot be read.
    #[error(transparent)]
    Media(#[from] vcn_media::Error),
    /// A file of the run cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The tables of a checkpoint could not be fitted.
    #[error("cannot fit the probability tables: {0}")]
    Tables(vcn_codec::Error),
    /// A state file does not fit the model.
    #[error("{path} does not fit this model: {what}")]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}
