//! The one way in which commands fail, and the exit code that each kind of failure has.

use std::process::ExitCode;

/// Exit codes, as `--help` states them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed: a file that cannot be read or written, ffmpeg missing, a device that cannot be used
  2    wrong usage
  3    the input is damaged, truncated, not a .vcn file, or of another version
  4    the model that a file needs is not here
  130  interrupted; unfinished outputs have been removed";

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Arguments that contradict each other or the input.
    #[error("{0}")]
    Usage(String),
    /// Damage that has been reported already.
    #[error("{0}")]
    Damaged(String),
    /// The model that a file needs is not here.
    #[error("{0}")]
    NoModel(String),
    /// Something that has been told already, and its exit code.
    #[error("told already, exit code {0}")]
    Told(u8),
    /// The codec refused something in a file.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: vcn_codec::Error,
    },
    /// The codec refused something that is in no file.
    #[error(transparent)]
    Codec(#[from] vcn_codec::Error),
    /// A picture or video could not be read or written.
    #[error(transparent)]
    Media(#[from] vcn_media::Error),
    /// A measurement failed.
    #[error(transparent)]
    Eval(#[from] vcn_eval::Error),
    /// The operating system refused an operation on a file.
    #[error("{path}: cannot {doing}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What was tried.
        doing: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Anything else.
    #[error(transparent)]
    Other(#[from] Box<dyn std::error::Error>),
}

/// The result of a command.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// For `map_err`: names the file that the codec's error is about.
    pub fn file(path: &str) -> impl Fn(vcn_codec::Error) -> Failure {
        let path = if path == "-" { "standard input".to_owned() } else { path.to_owned() };
        move |source| Failure::File { path: path.clone(), source }
    }

    /// For `map_err` around the codec's writer, which does not know the name of its output.
    pub fn for_output(self, path: &str) -> Failure {
        match self {
            Failure::Codec(source @ vcn_codec::Error::Io { .. }) => {
                Failure::File { path: crate::print::output_name(path).to_owned(), source }
            }
            other => other,
        }
    }

    /// For `map_err` after a failed system call.
    pub fn io(path: &str, doing: &'static str) -> impl Fn(std::io::Error) -> Failure {
        let path = path.to_owned();
        move |source| Failure::Io { path: path.clone(), doing, source }
    }

    /// Prints the reason and gives the exit code. Nobody is told that the reader of a pipe went away.
    pub fn report(&self) -> ExitCode {
        if !matches!(self, Failure::Told(_)) && !self.is_broken_pipe() {
            eprintln!("vcn: {self}");
        }
        ExitCode::from(self.code())
    }

    /// Its exit code.
    pub fn code(&self) -> u8 {
        match self {
            Failure::Told(code) => *code,
            Failure::Usage(_) => 2,
            Failure::Damaged(_) => 3,
            Failure::NoModel(_) => 4,
            Failure::File { source, .. } | Failure::Codec(source) => codec_code(source),
            _ => 1,
        }
    }

    /// Whether the reader of a pipe went away, which nobody needs to be told.
    pub fn is_broken_pipe(&self) -> bool {
        let source = match self {
            Failure::Io { source, .. } | Failure::Media(vcn_media::Error::Io { source, .. }) => source,
            Failure::File { source: vcn_codec::Error::Io { source, .. }, .. }
            | Failure::Codec(vcn_codec::Error::Io { source, .. }) => source,
            _ => return false,
        };
        source.kind() == std::io::ErrorKind::BrokenPipe
    }
}

fn codec_code(error: &vcn_codec::Error) -> u8 {
    use vcn_codec::Error;
    match error {
        Error::WrongModel { .. } => 4,
        // Not about the bytes of a file.
        Error::Io { .. } | Error::Device { .. } | Error::FrameSize { .. } | Error::NoFrames => 1,
        Error::NoSuchGop { .. } => 2,
        _ => 3,
    }
}
