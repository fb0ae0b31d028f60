//! Writes Y4M: 4:2:0 with frame rate and colour.

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
    sink: Sink,
}

enum Sink {
    File(AtomicFile),
    Stdout(BufWriter<io::Stdout>),
}

impl Writer {
    /// A stream into a file.
    pub(crate) fn file(path: &Path, info: &VideoInfo, overwrite: bool) -> Result<Writer> {
        Writer::new(path.to_owned(), info, Sink::File(AtomicFile::create(path, overwrite)?))
    }

    /// A stream on standard output.
    pub(crate) fn stdout(info: &VideoInfo) -> Result<Writer> {
        Writer::new("standard output".into(), info, Sink::Stdout(BufWriter::new(io::stdout())))
    }

    fn new(path: PathBuf, info: &VideoInfo, sink: Sink) -> Result<Writer> {
        let mut writer = Writer { path, info: info.clone(), sink };
        let line = Header::from(info).line();
        writer.sink().write_all(line.as_bytes()).map_err(Error::io("write", &writer.path))?;
        Ok(writer)
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
        let colour = self.info.colour;
        write_frame(self.sink(), picture, colour, Layout::Yuv420).map_err(Error::io("write", &self.path))
    }

    fn finish(self: Box<Self>) -> Result<()> {
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

/// Writes one frame in the layout of the stream: 4:4:4, or else 4:2:0.
pub(crate) fn write_frame(
    sink: &mut dyn Write,
    picture: &Picture,
    colour: Colour,
    layout: Layout,
) -> io::Result<()> {
    sink.write_all(b"FRAME\n")?;
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
