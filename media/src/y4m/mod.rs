//! YUV4MPEG2, the format of raw video that tools exchange: a line of text, then each frame as a line and its planes.

mod header;
mod reader;
mod writer;

pub(crate) use header::{Header, Layout};
pub(crate) use reader::{Reader, Source};
pub(crate) use writer::{FRAME, Writer, write_planes};
