//! NumPy's file format, version 1.0: a header that says what follows, then rows of numbers.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use half::f16;
use vcn_media::AtomicFile;

use crate::error::{Error, Result};

/// Bytes of the header, which leaves room for any number of rows.
const HEADER: usize = 128;
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// The type of numbers in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// IEEE 754 half precision.
    F16,
    /// IEEE 754 single precision.
    F32,
}

impl Number {
    fn descr(self) -> &'static str {
        match self {
            Number::F16 => "<f2",
            Number::F32 => "<f4",
        }
    }
}

/// An array under construction.
pub(super) struct Array {
    file: AtomicFile,
    number: Number,
    columns: usize,
    rows: u64,
}

impl Array {
    /// Begins an array of so many columns.
    pub fn begin(file: AtomicFile, number: Number, columns: usize) -> Result<Array> {
        let mut array = Array { file, number, columns, rows: 0 };
        array.header()?;
        Ok(array)
    }

    /// Appends a row.
    pub fn push(&mut self, row: Vec<f32>) -> Result<()> {
        let bytes: Vec<u8> = match self.number {
            Number::F16 => row.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
            Number::F32 => row.iter().flat_map(|value| value.to_le_bytes()).collect(),
        };
        self.rows += 1;
        self.file.write_all(&bytes).map_err(Error::io("write", self.file.target()))
    }

    /// Completes the file; gives the number of rows.
    ///
    /// # Errors
    /// There is none, for want of a frame in `video`.
    pub fn finish(mut self, video: &Path) -> Result<u64> {
        if self.rows == 0 {
            return Err(Error::NoFrames { path: video.to_owned() });
        }
        self.file.seek(SeekFrom::Start(0)).map_err(Error::io("write", self.file.target()))?;
        self.header()?;
        let rows = self.rows;
        self.file.commit()?;
        Ok(rows)
    }

    fn header(&mut self) -> Result<()> {
        let mut header = MAGIC.to_vec();
        header.extend(((HEADER - MAGIC.len() - 2) as u16).to_le_bytes());
        header.extend(start(self.number).bytes());
        header.extend(format!("({}, {}), }}", self.rows, self.columns).bytes());
        header.resize(HEADER - 1, b' ');
        header.push(b'\n');
        self.file.write_all(&header).map_err(Error::io("write", self.file.target()))
    }
}

/// The text of a header up to its shape.
fn start(number: Number) -> String {
    format!("{{'descr': '{}', 'fortran_order': False, 'shape': ", number.descr())
}

/// Whether a file is there and holds such an array, as this module writes it.
///
/// # Errors
/// It holds something else.
pub(super) fn is_at(path: &Path, number: Number, columns: usize) -> Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let mut header = Vec::new();
    file.take(HEADER as u64).read_to_end(&mut header).map_err(Error::io("read", path))?;
    let text = header.get(MAGIC.len() + 2..).map(String::from_utf8_lossy).unwrap_or_default();
    let shape = text.strip_prefix(start(number).as_str()).and_then(|shape| shape.split_once("), }"));
    match shape.and_then(|(shape, _)| shape.split_once(", ")) {
        Some((_, found)) if header.starts_with(MAGIC) && found == columns.to_string() => Ok(true),
        _ => Err(Error::OtherFeatures { path: path.to_owned() }),
    }
}
