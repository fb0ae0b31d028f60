//! What can go wrong in the codec: one enum, every message with the value at fault and what to do.

/// The result of a codec operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything the codec refuses, with what was found, what was expected and, where there is one, the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system failed to read or write.
    #[error("cannot {action} at byte {offset}: {source}")]
    Io {
        /// `read`, `write` or `seek`.
        action: &'static str,
        /// Position in the stream.
        offset: u64,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },

    // ---- entropy coding ----
    /// The encoder was given a symbol that the format cannot express.
    #[error("symbol {symbol} cannot be coded: expected -{limit}..={limit}; clamp latents before coding")]
    SymbolRange {
        /// The symbol.
        symbol: i32,
        /// Largest magnitude.
        limit: i32,
    },
    /// The encoder was given a non-zero symbol where the scale says that nothing is coded.
    #[error("symbol {symbol} has scale index 0, where only 0 is possible; zero it before coding")]
    UncodedSymbol {
        /// The symbol.
        symbol: i32,
    },
    /// A table was asked for that does not exist.
    #[error("probability table {index} does not exist: the checkpoint has {count}")]
    NoSuchTable {
        /// The index asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A probability table breaks a rule of the format.
    #[error(
        "probability tables: {what} is {found}, expected {expected}; the checkpoint is damaged: fetch or export it again"
    )]
    Table {
        /// The quantity at fault.
        what: &'static str,
        /// Its value.
        found: i64,
        /// What the format allows.
        expected: &'static str,
    },
    /// The payload of a GOP ended before its symbols did.
    #[error("GOP payload ends too early: symbols go on after its {length} bytes; the payload is damaged")]
    PayloadEnds {
        /// Length of the payload in bytes.
        length: usize,
    },
    /// The payload of a GOP has bytes left after its last symbol.
    #[error("GOP payload is {length} bytes long, but its symbols end at byte {used}; the payload is damaged")]
    PayloadTrails {
        /// Bytes that the symbols take.
        used: usize,
        /// Length of the payload in bytes.
        length: usize,
    },
    /// The payload of a GOP holds a code that no encoder writes.
    #[error("GOP payload near byte {offset}: {what}; the payload is damaged")]
    PayloadInvalid {
        /// How many bytes had been read.
        offset: usize,
        /// What was found.
        what: &'static str,
    },

    // ---- checkpoint and device ----
    /// A checkpoint is damaged or does not fit this program's model.
    #[error(
        "checkpoint: {what} is {found}, which this program cannot use; fetch or export the checkpoint again"
    )]
    Checkpoint {
        /// The quantity at fault.
        what: &'static str,
        /// Its value (-1 where it has none).
        found: i64,
    },
    /// The stream names another checkpoint than the one given.
    #[error(
        "the stream was coded with model {expected}, but model {found} was given; pass the right one with --model"
    )]
    WrongModel {
        /// Digest in the stream, hexadecimal.
        expected: String,
        /// Digest of the checkpoint, hexadecimal.
        found: String,
    },
    /// A compute device gave wrong results for exact arithmetic, or is not there.
    #[error("device {device} cannot be used: {reason}; use --device cpu")]
    Device {
        /// Name of the device.
        device: String,
        /// Why.
        reason: String,
    },
    /// The frames that were decoded are not those that were encoded.
    #[error("decoded frames of the GOP at frame {first_frame} have checksum {found}, expected {expected}")]
    FramesChecksum {
        /// First frame of the GOP.
        first_frame: u64,
        /// Checksum in the stream.
        expected: String,
        /// Checksum of the decoded frames.
        found: String,
    },
    /// A picture has another size than its video.
    #[error("a frame is {found_width}x{found_height}, but the video is {width}x{height}")]
    FrameSize {
        /// Width of the frame.
        found_width: usize,
        /// Height of the frame.
        found_height: usize,
        /// Width of the video.
        width: usize,
        /// Height of the video.
        height: usize,
    },

    // ---- container ----
    /// The input does not begin like a `.vcn` file.
    #[error("not a .vcn file: begins with bytes {found}, expected {expected}")]
    NotVcn {
        /// First bytes, hexadecimal.
        found: String,
        /// The magic number, hexadecimal.
        expected: String,
    },
    /// The file was written for another version of the format.
    #[error(
        "format version {found} is not supported: this program reads version {supported}; use a matching vcn"
    )]
    Version {
        /// Version in the file.
        found: u8,
        /// The version that this program reads.
        supported: u8,
    },
    /// The input ended in the middle of something.
    #[error("truncated: the input ends at byte {offset} inside {what}; salvage recovers the intact GOPs")]
    Truncated {
        /// Where the input ends.
        offset: u64,
        /// What was being read.
        what: &'static str,
    },
    /// Bytes do not match their checksum.
    #[error(
        "{what} at byte {offset} is damaged: checksum {found}, expected {expected}; salvage recovers the intact GOPs"
    )]
    Checksum {
        /// What is damaged.
        what: &'static str,
        /// Where it begins.
        offset: u64,
        /// Checksum stored in the file.
        expected: String,
        /// Checksum of the bytes found.
        found: String,
    },
    /// A field has a value outside the format.
    #[error("{what} at byte {offset} is {found}, expected {expected}")]
    Field {
        /// Name of the field.
        what: &'static str,
        /// Where it (or, while writing, what contains it) begins.
        offset: u64,
        /// Its value.
        found: u64,
        /// What the format allows.
        expected: &'static str,
    },
    /// Neither a GOP record nor the footer begins where one must.
    #[error(
        "expected a GOP record or the footer at byte {offset}, found bytes {found}; salvage recovers the intact GOPs"
    )]
    NoRecord {
        /// Position in the file.
        offset: u64,
        /// The four bytes there, hexadecimal.
        found: String,
    },
    /// The file does not end with the trailer.
    #[error(
        "the file ends at byte {length} with bytes {found} instead of the end mark {expected}: it was cut off, is still \
         being written, or something was appended; salvage recovers the intact GOPs"
    )]
    NoTrailer {
        /// Length of the file.
        length: u64,
        /// Last four bytes, hexadecimal.
        found: String,
        /// The end mark, hexadecimal.
        expected: String,
    },
    /// The GOP table and the GOP records contradict each other.
    #[error("GOP {gop}: {what} is {found}, the GOP table says {expected}; salvage recovers the intact GOPs")]
    TableContradicts {
        /// Index of the GOP.
        gop: usize,
        /// The quantity that differs.
        what: &'static str,
        /// Value in the record.
        found: u64,
        /// Value that follows from the table.
        expected: u64,
    },
    /// A GOP was asked for that does not exist.
    #[error("GOP {index} does not exist: the file has {count}")]
    NoSuchGop {
        /// The index asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A video without frames.
    #[error("a .vcn file needs at least one frame, found none")]
    NoFrames,
    /// The stream goes on after its end mark.
    #[error("bytes follow the end of the stream at byte {offset}, expected none")]
    TrailingBytes {
        /// Where the stream ended.
        offset: u64,
    },
}
