//! Every other file type, by way of the `ffmpeg` program: Y4M on a pipe from it or to it.

mod child;
mod matroska;
mod probe;
mod reader;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::Writer;
