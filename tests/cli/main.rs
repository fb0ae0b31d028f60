//! Promises of the `vcn` command, each kept by running it.

#[path = "../../codec/examples/untrained.rs"]
#[allow(dead_code)]
mod untrained;

mod archive;
mod damage;
mod duplicates;
mod features;
mod interruption;
mod measuring;
mod names;
mod parts;
mod pictures;
mod pipes;
mod ranking;
mod reports;
mod round_trips;
mod searches;
#[cfg(feature = "serve")]
mod serving;
mod summaries;
mod training;
mod vcn;
