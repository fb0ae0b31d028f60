//! Every other file type, by way of the `ffmpeg` program: Y4M on a pipe from it or to it.

mod child;
mod matroska;
mod output;
mod probe;
mod reader;
mod writer;

pub use output::ffmpeg_output;
pub(crate) use reader::Reader;
pub(crate) use writer::Writer;
