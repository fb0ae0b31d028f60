//! Writes Y4M with frame rate and colour: 4:4:4 where the first frame is that, else 4:2:0.

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::header::{Header, Layout};
use crate::{
    atomic_file::AtomicFile,
    colour::yuv420_to_yuv444,
    create::check_frame,
    error::{Error, Result},
    picture::{Colour, Picture},
    video::{FrameWriter, VideoInfo},
};

/// A Y4M stream under construction.
pub(crate) struct Writer {
    path: PathBuf,
    info: VideoInfo,
    /// Known from the first frame on, before which the header is written.
    layout: Option<Layout>,
    sink: Sink,
}

enum Sink {
    File(AtomicFile),
    Stdout(BufWriter<io::Stdout>),
}

impl Writer {
    /// A stream into a file.
    pub(crate) fn file(path: &Path, info: &VideoInfo, overwrite: bool) -> Result<Writer> {
        Ok(Writer::new(path.to_owned(), info, Sink::File(AtomicFile::create(path, overwrite)?)))
    }

    /// A stream on standard output.
    pub(crate) fn stdout(info: &VideoInfo) -> Result<Writer> {
        Ok(Writer::new("standard output".into(), info, Sink::Stdout(BufWriter::new(io::stdout()))))
    }

    fn new(path: PathBuf, info: &VideoInfo, sink: Sink) -> Writer {
        Writer { path, info: info.clone(), layout: None, sink }
    }

    /// Writes the header, unless it is there.
    fn begin(&mut self, layout: Layout) -> Result<Layout> {
        if let Some(layout) = self.layout {
            return Ok(layout);
        }
        self.layout = Some(layout);
        let line = Header { layout, ..Header::from(&self.info) }.line();
        self.sink().write_all(line.as_bytes()).map_err(Error::io("write", &self.path))?;
        Ok(layout)
    }

    fn sink(&mut self) -> &mut dyn Write {
        match &mut self.sink {
            Sink::File(file) => file,
            Sink::Stdout(stdout) => stdout,
        }
    }
}

impl FrameWriter for Writer {
    fn write(&mut self, picture: &Picture) -> Result<()> {
        check_frame(&self.path, &self.info, picture)?;
        let layout = self.begin(match picture {
            Picture::Yuv444(_) => Layout::Yuv444,
            _ => Layout::Yuv420,
        })?;
        let colour = self.info.colour;
        let written = self.sink().write_all(FRAME);
        written
            .and_then(|()| write_planes(self.sink(), picture, colour, layout))
            .map_err(Error::io("write", &self.path))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.begin(Layout::Yuv420)?;
        match self.sink {
            Sink::File(file) => file.commit(),
            Sink::Stdout(mut stdout) => stdout.flush().map_err(Error::io("write", self.path)),
        }
    }
}

impl From<&VideoInfo> for Header {
    fn from(info: &VideoInfo) -> Header {
        let VideoInfo { width, height, fps, colour, .. } = *info;
        Header { width, height, fps, colour, layout: Layout::Yuv420 }
    }
}

/// The line before a frame.
pub(crate) const FRAME: &[u8] = b"FRAME\n";

/// Writes the planes of one frame in the layout of the stream: 4:4:4, or else 4:2:0.
pub(crate) fn write_planes(
    sink: &mut dyn Write,
    picture: &Picture,
    colour: Colour,
    layout: Layout,
) -> io::Result<()> {
    let mut planes = |planes: [&[u8]; 3]| planes.into_iter().try_for_each(|plane| sink.write_all(plane));
    match (layout, picture) {
        (Layout::Yuv444, Picture::Yuv444(yuv)) => planes([&yuv.y, &yuv.u, &yuv.v]),
        (Layout::Yuv444, other) => {
            let yuv = yuv420_to_yuv444(&other.to_yuv420(colour), colour.chroma);
            planes([&yuv.y, &yuv.u, &yuv.v])
        }
        (_, Picture::Yuv420(yuv)) => planes([&yuv.y, &yuv.u, &yuv.v]),
        (_, other) => {
            let yuv = other.to_yuv420(colour);
            planes([&yuv.y, &yuv.u, &yuv.v])
        }
    }
}
