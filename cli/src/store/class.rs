//! How a video is kept, as written on the command line.

use clap::{Args, ValueEnum};
use vcn_codec::Effort;
use vcn_store::{Class, Planes, SegmentCodec};

use super::codec::Learned;
use super::input::Input;
use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::models::{self, Metric};

/// A [`Class`] as written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClassName {
    Quality,
    Frames,
    Source,
}

/// Arguments of every command that puts videos into a store.
#[derive(Args)]
pub struct Storing {
    /// Goes before all names, such as `shows/`.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub prefix: String,
    /// quality: the learned codec; frames: exact pictures; source: the original bytes, too.
    #[arg(long, value_enum, default_value_t = ClassName::Quality)]
    pub class: ClassName,
    /// From 0, the smallest, to 63, the best picture.
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(0..=63))]
    pub quality: u16,
}

impl Storing {
    /// What codes videos of the class.
    pub fn codec(&self, model: Option<&str>, compute: &Compute) -> Result<Box<dyn SegmentCodec>> {
        Ok(match self.class {
            ClassName::Frames => Box::new(Planes::default()),
            ClassName::Quality | ClassName::Source => {
                let checkpoint = models::for_encoding(model, Metric::default())?;
                Box::new(Learned::new(checkpoint, compute, Effort::Medium)?)
            }
        })
    }

    /// Gives the only input another name.
    pub fn rename(&self, inputs: &mut [Input], name: &str) -> Result<()> {
        match inputs {
            [input] => input.name = format!("{}{name}", self.prefix),
            _ => {
                let count = inputs.len();
                return Err(Failure::Usage(format!("--name {name}: is for one input, there are {count}")));
            }
        }
        Ok(())
    }
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
