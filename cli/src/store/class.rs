//! The class in which a video is kept, as written on the command line.

use clap::ValueEnum;
use vcn_store::Class;

/// A [`Class`] as written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClassName {
    Quality,
    Frames,
    Source,
}

impl From<ClassName> for Class {
    fn from(name: ClassName) -> Class {
        match name {
            ClassName::Quality => Class::Quality,
            ClassName::Frames => Class::Frames,
            ClassName::Source => Class::Source,
        }
    }
}
