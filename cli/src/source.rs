//! Opening `.vcn` files: seekable where possible, standard input and pipes in order.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use vcn_codec::container::{GopRecord, Header, Reader, SalvagedGop, StreamReader};

use crate::failure::{Failure, Result};

/// GOPs of a `.vcn` file from front to back.
pub enum Source {
    /// A complete file, read at any place.
    File {
        /// Its reader.
        reader: Reader<File>,
        /// Index of the next GOP.
        next: usize,
    },
    /// A pipe.
    Pipe(StreamReader<Box<dyn Read>>),
}

/// A GOP and its place.
pub struct Gop {
    /// Frames before it.
    pub first_frame: u64,
    /// The GOP.
    pub record: GopRecord,
}

impl Gop {
    /// Number of the frame after its last.
    pub fn end(&self) -> u64 {
        self.first_frame + u64::from(self.record.frames)
    }
}

impl From<SalvagedGop> for Gop {
    fn from(SalvagedGop { first_frame, record, .. }: SalvagedGop) -> Gop {
        Gop { first_frame, record }
    }
}

impl Source {
    /// Opens a file, or standard input for `-`.
    pub fn open(path: &str) -> Result<Source> {
        let failed = Failure::file(path);
        match file(path)? {
            Some(file) => Ok(Source::File { reader: Reader::open(file).map_err(failed)?, next: 0 }),
            None => Ok(Source::Pipe(StreamReader::new(pipe(path)?).map_err(failed)?)),
        }
    }

    /// The fixed facts.
    pub fn header(&self) -> &Header {
        match self {
            Source::File { reader, .. } => reader.header(),
            Source::Pipe(reader) => reader.header(),
        }
    }

    /// Number of frames, where it is known before reading on.
    pub fn frames(&self) -> Option<u64> {
        match self {
            Source::File { reader, .. } => Some(reader.frames()),
            Source::Pipe(_) => None,
        }
    }

    /// Number of frames as far as it was read.
    pub fn frames_read(&self) -> u64 {
        match self {
            Source::File { reader, .. } => reader.frames(),
            Source::Pipe(reader) => reader.frames(),
        }
    }

    /// The GOPs that have frames in `wanted`, in order, their payloads verified. A pipe is read to its end, to see that it
    /// has one.
    pub fn gops(&mut self, wanted: Range<u64>) -> impl Iterator<Item = vcn_codec::Result<Gop>> + '_ {
        let mut from = wanted.start;
        std::iter::from_fn(move || {
            loop {
                if from >= wanted.end && self.frames().is_some() {
                    return None;
                }
                let gop = self.next_gop(from).transpose()?;
                from = gop.as_ref().map_or(from, Gop::end);
                if gop.as_ref().map_or(true, |gop| gop.first_frame < wanted.end) {
                    return Some(gop);
                }
            }
        })
    }

    /// The next GOP that has frames from `from` on; `None` after the last.
    fn next_gop(&mut self, from: u64) -> vcn_codec::Result<Option<Gop>> {
        match self {
            Source::File { reader, next } => {
                let index = (*next).max(reader.gop_of_frame(from).unwrap_or(reader.table().len()));
                let Some(entry) = reader.table().get(index).copied() else { return Ok(None) };
                *next = index + 1;
                reader.gop(index).map(|record| Some(Gop { first_frame: entry.first_frame, record }))
            }
            Source::Pipe(reader) => loop {
                let first_frame = reader.frames();
                match reader.next_gop()? {
                    Some(record) if reader.frames() > from => return Ok(Some(Gop { first_frame, record })),
                    Some(_) => {}
                    None => return Ok(None),
                }
            },
        }
    }
}

/// A file that can be read at any place: a pipe is copied to a temporary one, which has no name.
pub fn seekable(path: &str) -> Result<File> {
    if let Some(file) = file(path)? {
        return Ok(file);
    }
    let mut copy = tempfile::tempfile().map_err(Failure::io("a temporary file", "create"))?;
    io::copy(&mut pipe(path)?, &mut copy).map_err(Failure::io(path, "copy to a temporary file"))?;
    copy.seek(SeekFrom::Start(0)).map_err(Failure::io("a temporary file", "read"))?;
    Ok(copy)
}

/// The file, unless it is a pipe.
fn file(path: &str) -> Result<Option<File>> {
    if path == "-" {
        return Ok(None);
    }
    let metadata = std::fs::metadata(path).map_err(Failure::io(path, "read"))?;
    if metadata.is_dir() {
        return Err(Failure::Usage(format!("{path}: is a folder, but a .vcn file is read here")));
    }
    match metadata.is_file() {
        true => File::open(path).map(Some).map_err(Failure::io(path, "read")),
        false => Ok(None),
    }
}

fn pipe(path: &str) -> Result<Box<dyn Read>> {
    match path {
        "-" => Ok(Box::new(io::stdin().lock())),
        _ => Ok(Box::new(File::open(path).map_err(Failure::io(path, "read"))?)),
    }
}
