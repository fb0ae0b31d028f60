//! Finding what is intact in a damaged file.

use std::{
    io::{BufReader, Read, Seek},
    ops::Range,
};

use super::{
    GopRecord, Header,
    input::Input,
    reader::read_footer,
    record::{Head, MAX_HEAD, SYNC},
};
use crate::{Error, Result};

/// Bytes searched at a time.
const WINDOW: u64 = 1 << 16;

/// An intact GOP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalvagedGop {
    /// Position of its record in the file.
    pub offset: u64,
    /// Number of frames before it in the undamaged video.
    pub first_frame: u64,
    /// The GOP, its payload verified.
    pub record: GopRecord,
}

/// A stretch without an intact GOP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Bytes of the file that belong to no intact part.
    pub bytes: Range<u64>,
    /// Frames that are missing (none if foreign bytes were inserted between GOPs); unknown where the file breaks off.
    pub frames: Option<Range<u64>>,
}

/// What a salvage found and what it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalvageReport {
    /// Number of intact GOPs.
    pub gops: usize,
    /// Number of their frames.
    pub frames: u64,
    /// Whether the GOP table at the end is intact.
    pub footer: bool,
    /// What is missing, in order. Empty for an undamaged file.
    pub lost: Vec<Lost>,
}

/// Iterates over the intact GOPs of a damaged file, in order. Errors are the operating system's only.
///
/// A GOP counts as intact if the checksums of its head and payload hold. After the last, [`Salvage::report`] says what
/// was lost. Time is bounded by the length of the file even if the file is made to mislead.
#[derive(Debug)]
pub struct Salvage<R: Read + Seek> {
    input: Input<BufReader<R>>,
    header: Result<Header>,
    footer: bool,
    /// Number of frames of the undamaged video, if the footer tells.
    total: Option<u64>,
    /// Where records can be: up to the footer, or to the end of the file.
    end: u64,
    /// Where the search goes on.
    position: u64,
    window: Vec<u8>,
    window_start: u64,
    /// End of the last intact part, and the number of frames up to there.
    intact_end: u64,
    next_frame: u64,
    /// Bytes of payloads that may still be read in vain.
    patience: u64,
    done: bool,
    gops: usize,
    frames: u64,
    lost: Vec<Lost>,
}

impl<R: Read + Seek> Salvage<R> {
    /// Reads header and footer, as far as they are intact.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(inner: R) -> Result<Salvage<R>> {
        let mut input = Input::new(BufReader::new(inner), 0);
        let length = input.length()?;
        input.seek(0)?;
        let header = pass_io(Header::read(&mut input))?;
        let first = if header.is_ok() { input.offset() } else { 0 };
        let footer = pass_io(read_footer(&mut input, first))?.ok();
        let total = footer.as_ref().map(|(_, table)| table.iter().map(|gop| u64::from(gop.frames)).sum());
        Ok(Salvage {
            input,
            header,
            footer: footer.is_some(),
            total,
            end: footer.map_or(length, |(start, _)| start),
            position: first,
            window: Vec::new(),
            window_start: 0,
            intact_end: first,
            next_frame: 0,
            patience: length.saturating_mul(2),
            done: false,
            gops: 0,
            frames: 0,
            lost: Vec::new(),
        })
    }

    /// The fixed facts, or why they cannot be read. Without them the GOPs can be decoded only by someone who knows the
    /// model, the size and the quality.
    pub fn header(&self) -> std::result::Result<&Header, &Error> {
        self.header.as_ref()
    }

    /// What has been found and lost so far: after the iteration's end, in the whole file.
    pub fn report(&self) -> SalvageReport {
        let (gops, frames, footer) = (self.gops, self.frames, self.footer);
        SalvageReport { gops, frames, footer, lost: self.lost.clone() }
    }

    fn find(&mut self) -> Result<Option<SalvagedGop>> {
        while let Some((offset, head, head_length)) = self.next_head()? {
            let start = offset + head_length;
            let length = head.payload_length;
            let first_frame = head.first_frame;
            self.position = start; // a damaged payload may hide the next record
            if length > self.end.saturating_sub(start) || first_frame < self.next_frame {
                continue;
            }
            if length > self.patience {
                self.position = start + length;
                continue;
            }
            self.input.seek(start)?;
            let Ok(record) = pass_io(head.payload(&mut self.input))? else {
                self.patience -= length;
                continue;
            };
            self.note_loss(offset, Some(first_frame));
            self.position = start + length;
            self.intact_end = self.position;
            self.next_frame = first_frame + u64::from(record.frames);
            self.gops += 1;
            self.frames += u64::from(record.frames);
            return Ok(Some(SalvagedGop { offset, first_frame, record }));
        }
        if self.intact_end < self.end || self.total != Some(self.next_frame) {
            self.note_loss(self.end, self.total);
        }
        Ok(None)
    }

    /// Notes what is missing between the last intact part and `offset`, where frame `frame` begins.
    fn note_loss(&mut self, offset: u64, frame: Option<u64>) {
        let frames = frame.map(|frame| self.next_frame..frame.max(self.next_frame));
        if offset > self.intact_end || frames.as_ref().is_none_or(|frames| !frames.is_empty()) {
            self.lost.push(Lost { bytes: self.intact_end..offset, frames });
        }
    }

    /// The next head with a valid checksum: its position, content and length.
    fn next_head(&mut self) -> Result<Option<(u64, Head, u64)>> {
        loop {
            let window_end = self.window_start + self.window.len() as u64;
            let last = window_end >= self.end;
            let inside = (self.window_start..=window_end).contains(&self.position);
            if !inside || (!last && window_end - self.position < MAX_HEAD as u64) {
                if self.position >= self.end {
                    return Ok(None);
                }
                self.load()?;
                continue;
            }
            let from = (self.position - self.window_start) as usize;
            let view = &self.window[from..];
            let Some(distance) = view.windows(SYNC.len()).position(|bytes| bytes == SYNC) else {
                if last {
                    return Ok(None);
                }
                self.position = window_end - (SYNC.len() as u64 - 1);
                continue;
            };
            let (offset, found) = (self.position + distance as u64, &view[distance..]);
            if !last && found.len() < MAX_HEAD {
                self.position = offset;
                continue;
            }
            let mut input = Input::new(found, offset);
            let head = input.field::<4>("").and_then(|_| Head::read(&mut input));
            if let Ok(head) = head {
                return Ok(Some((offset, head, input.offset() - offset)));
            }
            self.position = offset + 1;
        }
    }

    /// Moves the window to the position.
    fn load(&mut self) -> Result<()> {
        self.input.seek(self.position)?;
        let length = WINDOW.min(self.end - self.position);
        match pass_io(self.input.bulk(length, ""))? {
            Ok(bytes) => self.window = bytes,
            Err(_) => {
                // The file shrank since it was opened.
                self.end = self.position;
                self.window = Vec::new();
            }
        }
        self.window_start = self.position;
        Ok(())
    }
}

impl<R: Read + Seek> Iterator for Salvage<R> {
    type Item = Result<SalvagedGop>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let found = self.find();
        self.done = !matches!(found, Ok(Some(_)));
        found.transpose()
    }
}

/// Takes the operating system's errors out of a result: damage is expected here, a failing disk is not.
fn pass_io<T>(outcome: Result<T>) -> Result<Result<T>> {
    match outcome {
        Err(error @ Error::Io { .. }) => Err(error),
        other => Ok(other),
    }
}
