//! The one error type of this crate.

use std::path::PathBuf;

/// Everything that can go wrong while measuring, comparing and plotting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two things that are compared must have the same size.
    #[error("{what}: expected {expected}, found {found}; both sides of a comparison must have the same size")]
    SizeMismatch {
        /// What was compared.
        what: &'static str,
        /// Size of the reference.
        expected: String,
        /// Size of the other side.
        found: String,
    },
    /// A mean over no frames has no value.
    #[error("{what}: no frames to measure; check that the input holds at least one picture")]
    NoFrames {
        /// What was measured.
        what: String,
    },
    /// A curve has too few usable points for an interpolation.
    #[error(
        "{curve}: {found} usable point(s), a Bjøntegaard delta needs at least {needed}; measure more qualities"
    )]
    TooFewPoints {
        /// Name of the curve.
        curve: String,
        /// Points left after dominated ones were dropped.
        found: usize,
        /// Smallest number that works.
        needed: usize,
    },
    /// Two curves share no quality (BD-rate) or rate (BD-quality) interval.
    #[error(
        "curves do not overlap: {anchor} covers {anchor_low:.4}..{anchor_high:.4}, \
         {test} covers {test_low:.4}..{test_high:.4}; measure qualities whose ranges meet"
    )]
    NoOverlap {
        /// Name of the anchor.
        anchor: String,
        /// Lower end of the anchor's interval.
        anchor_low: f64,
        /// Upper end of the anchor's interval.
        anchor_high: f64,
        /// Name of the curve under test.
        test: String,
        /// Lower end of the test curve's interval.
        test_low: f64,
        /// Upper end of the test curve's interval.
        test_high: f64,
    },
    /// A rate or quality that no measurement can give.
    #[error(
        "{curve}: rate {rate} and quality {quality} are not a measurement; rates are > 0, both are finite"
    )]
    InvalidSample {
        /// Name of the curve.
        curve: String,
        /// Offending rate.
        rate: f64,
        /// Its quality.
        quality: f64,
    },
    /// ffmpeg could not be started.
    #[error("cannot run `{program}`: {source}; install ffmpeg or give its path")]
    FfmpegMissing {
        /// Program that was tried.
        program: String,
        /// Operating system's reason.
        source: std::io::Error,
    },
    /// ffmpeg ran and failed.
    #[error("ffmpeg failed ({status}): {command}\n{stderr}")]
    FfmpegFailed {
        /// Exact command line.
        command: String,
        /// Its exit status.
        status: String,
        /// Last lines that it printed.
        stderr: String,
    },
    /// A decoder gave back another number of frames than was encoded.
    #[error(
        "{path}: decodes to {found} bytes, expected {expected} for all frames; the anchor dropped or repeated frames"
    )]
    FrameCount {
        /// The decoded raw file.
        path: PathBuf,
        /// Bytes that all frames take.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The anchors code 4:2:0 with even sides only.
    #[error("{width}x{height}: the anchors need even sides; crop the sequence to {}x{}", width & !1, height & !1)]
    OddSize {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// An anchor's name that cannot be read.
    #[error(
        "anchor `{name}`: expected codec-preset[-zerolatency]-gop with codec x264, x265 or svtav1 and gop such as \
         gop32, legacy12 or whole: x265-medium-zerolatency-gop32"
    )]
    UnknownAnchor {
        /// What was asked for.
        name: String,
    },
    /// A frame rate of zero or with a zero denominator.
    #[error("frame rate {num}/{den}: both numbers must be above zero")]
    FrameRate {
        /// Numerator.
        num: u32,
        /// Denominator.
        den: u32,
    },
    /// Reading or writing a file failed.
    #[error("{path}: {source}")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// Operating system's reason.
        source: std::io::Error,
    },
    /// A report is not the JSON that it should be.
    #[error("{path}: not a vcn report: {source}")]
    Json {
        /// File.
        path: PathBuf,
        /// Parser's reason.
        source: serde_json::Error,
    },
    /// A report of another format version.
    #[error("{path}: report version {found}, this build reads {supported}; regenerate it or update vcn")]
    ReportVersion {
        /// File.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// Version that this build writes and reads.
        supported: u32,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { path, source }
    }
}
