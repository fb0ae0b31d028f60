//! The one error of this crate.

use std::path::PathBuf;

/// What goes wrong between a client and a server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A URL that cannot be meant.
    #[error("{url}: {reason}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },

    /// No answer.
    #[error("{url}: no answer after {attempts} attempts: {reason}; is `vcn serve` running there?")]
    Unreachable {
        /// The URL.
        url: String,
        /// Attempts.
        attempts: u32,
        /// The reason of the last failure.
        reason: String,
    },

    /// The server refused.
    #[error("{url}: refused with {status}: {reason}")]
    Refused {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the server says.
        reason: String,
    },

    /// The server speaks another version of the protocol.
    #[error(
        "{url}: the server speaks {theirs} of the protocol, this vcn speaks version {ours}: use the same version of vcn \
         on both sides"
    )]
    Version {
        /// The URL.
        url: String,
        /// What the server says that it speaks.
        theirs: String,
        /// What we speak.
        ours: &'static str,
    },

    /// The server answered something else than the protocol says, or bytes with a wrong digest.
    #[error("{url}: a wrong answer: {reason}")]
    Answer {
        /// The URL.
        url: String,
        /// What is wrong.
        reason: String,
    },

    /// The input cannot be pushed.
    #[error("{name}: {reason}")]
    Input {
        /// The name of the video.
        name: String,
        /// What is wrong.
        reason: String,
    },

    /// A line of a list of users or of a log that cannot be read.
    #[error("{path}, line {line}: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },

    /// The operating system refused.
    #[error("{what}: cannot {doing}: {source}")]
    Io {
        /// The file or address.
        what: String,
        /// What was tried.
        doing: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },

    /// The accounts cannot be read or written.
    #[error("{}: cannot {doing}: {reason}", path.display())]
    Ledger {
        /// The database.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// SQLite's reason.
        reason: String,
    },

    /// The store failed.
    #[error(transparent)]
    Store(#[from] vcn_store::Error),
}

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// For `map_err` after a failed system call.
    pub(crate) fn io(
        doing: &'static str,
        what: impl std::fmt::Display,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.to_string();
        move |source| Error::Io { what, doing, source }
    }
}
