//! Reads Y4M. Streams may come from anywhere: no claim of theirs is believed before the data is there.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use super::header::{Header, Layout, MAGIC};
use crate::{
    error::{Error, Result},
    picture::{Picture, Yuv420, Yuv444},
    video::{FrameReader, SourceKind, VideoInfo},
};

/// The longest line that is read; other tools stop at 80 to 256 bytes.
const MAX_LINE: u64 = 1024;
/// The line before most frames.
const FRAME: &[u8] = b"FRAME\n";

/// Where a stream comes from.
pub(crate) trait Source: BufRead + Send {
    /// How many bytes the whole stream has, if that is known.
    fn length(&self) -> Option<u64> {
        None
    }
}

impl Source for BufReader<File> {
    fn length(&self) -> Option<u64> {
        self.get_ref().metadata().ok().filter(|metadata| metadata.is_file()).map(|metadata| metadata.len())
    }
}
impl Source for BufReader<io::Stdin> {}
impl Source for BufReader<std::process::ChildStdout> {}
impl Source for &[u8] {}

/// The frames of a Y4M stream.
pub(crate) struct Reader<S> {
    path: PathBuf,
    source: S,
    info: VideoInfo,
    layout: Layout,
    /// Index of the next frame.
    frame: u64,
}

impl<S: Source> Reader<S> {
    /// Reads the header. `path` is for messages only.
    pub(crate) fn new(path: &Path, mut source: S, kind: SourceKind) -> Result<Reader<S>> {
        let line = read_line(&mut source).map_err(Error::io("read", path))?;
        let refuse = |reason| Error::Y4mHeader { path: path.to_owned(), reason };
        let text = match line.split_last() {
            Some((b'\n', text)) => text,
            // Another file: what it is not says more than how it ends.
            Some(_) if !line.starts_with(MAGIC.as_bytes()) => &line[..],
            Some(_) if line.len() as u64 == MAX_LINE => {
                return Err(refuse(format!("the first line exceeds {MAX_LINE} bytes")));
            }
            Some(_) => return Err(refuse("the stream ends within its first line".into())),
            None => return Err(refuse("the stream is empty".into())),
        };
        let Header { width, height, fps, colour, layout } = Header::parse(text).map_err(refuse)?;
        let (luma, chroma) = plane_sizes(width, height, layout);
        let frame_bytes = FRAME.len() as u64 + luma + 2 * chroma;
        // Only if every frame begins with the shortest line, which a file of a whole number of frames does.
        let frames = source
            .length()
            .and_then(|length| length.checked_sub(line.len() as u64))
            .filter(|bytes| bytes % frame_bytes == 0)
            .map(|bytes| bytes / frame_bytes);
        let info = VideoInfo { width, height, fps, colour, frames, source: kind };
        Ok(Reader { path: path.to_owned(), source, info, layout, frame: 0 })
    }

    pub(crate) fn info_mut(&mut self) -> &mut VideoInfo {
        &mut self.info
    }

    fn bad_frame(&self, reason: String) -> Error {
        Error::Y4mFrame { path: self.path.clone(), frame: self.frame, reason }
    }

    /// Reads the line before a frame; `false` at the end of the stream.
    fn frame_line(&mut self) -> Result<bool> {
        let line = read_line(&mut self.source).map_err(Error::io("read", &self.path))?;
        match line.split_last() {
            None if self.frame == 0 => Err(Error::NoFrames {
                path: self.path.clone(),
                expected: "the Y4M stream ends after its header",
            }),
            None => Ok(false),
            Some((b'\n', text)) if text == b"FRAME" || text.starts_with(b"FRAME ") => Ok(true),
            Some(_) if b"FRAME".starts_with(&line) => {
                Err(self.bad_frame("is cut short in its header".into()))
            }
            Some(_) => {
                Err(self.bad_frame("does not begin with FRAME: the stream is damaged before it".into()))
            }
        }
    }

    /// Reads a plane. Memory grows with the data that arrives, except once a whole frame has proved the size.
    fn plane(&mut self, name: &str, bytes: u64) -> Result<Vec<u8>> {
        let mut plane = Vec::new();
        if self.frame > 0 {
            plane.reserve_exact(bytes as usize);
        }
        let read = self.source.by_ref().take(bytes).read_to_end(&mut plane);
        let read = read.map_err(Error::io("read", &self.path))? as u64;
        match read == bytes {
            true => Ok(plane),
            false => Err(self.bad_frame(format!(
                "is cut short: its {name} plane has {read} of {bytes} bytes; the frames before it are intact"
            ))),
        }
    }
}

impl<S: Source> FrameReader for Reader<S> {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Result<Option<Picture>> {
        if !self.frame_line()? {
            return Ok(None);
        }
        let (width, height) = (self.info.width, self.info.height);
        let (luma, chroma) = plane_sizes(width, height, self.layout);
        let y = self.plane("Y", luma)?;
        let picture = if self.layout == Layout::Mono {
            let neutral = vec![128; width.div_ceil(2) * height.div_ceil(2)];
            Picture::Yuv420(Yuv420::new(width, height, y, neutral.clone(), neutral)?)
        } else {
            let u = self.plane("U", chroma)?;
            let v = self.plane("V", chroma)?;
            match self.layout {
                Layout::Yuv444 => Picture::Yuv444(Yuv444::new(width, height, y, u, v)?),
                _ => Picture::Yuv420(Yuv420::new(width, height, y, u, v)?),
            }
        };
        self.frame += 1;
        Ok(Some(picture))
    }
}

/// Bytes of the luma plane and of each chroma plane.
fn plane_sizes(width: usize, height: usize, layout: Layout) -> (u64, u64) {
    let luma = width * height;
    let chroma = match layout {
        Layout::Yuv420 => width.div_ceil(2) * height.div_ceil(2),
        Layout::Yuv444 => luma,
        Layout::Mono => 0,
    };
    (luma as u64, chroma as u64)
}

fn read_line(source: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    source.take(MAX_LINE).read_until(b'\n', &mut line)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Streams damaged at random end in an error or in whole frames, never in a panic.
    #[test]
    fn damaged_streams_are_refused_or_read() {
        let valid: &[u8] =
            b"YUV4MPEG2 W3 H2 F30:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\nFRAME\n0123456789FRAME X\nabcdefghij";
        let mut state = 1u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let (mut refused, mut read) = (0, 0);
        for _ in 0..20_000 {
            let mut stream = valid.to_vec();
            for _ in 0..1 + random(3) {
                let at = random(stream.len());
                match random(5) {
                    0 => stream.truncate(at + 1),
                    1 => stream[at] = random(256) as u8,
                    2 => stream[at] = b"09 :\nWHFCX-"[random(11)],
                    3 => stream.insert(at, b"0123456789 \n"[random(12)]),
                    _ => drop(stream.remove(at)),
                }
                if stream.is_empty() {
                    break;
                }
            }
            let frames = || {
                let mut reader = Reader::new(Path::new("fuzz"), stream.as_slice(), SourceKind::Stdin)?;
                while let Some(frame) = reader.next()? {
                    assert_eq!(frame.size(), (reader.info().width, reader.info().height));
                }
                Ok::<_, Error>(())
            };
            match frames() {
                Ok(()) => read += 1,
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 1000 && read > 1000, "{refused} refused, {read} read");
    }
}
