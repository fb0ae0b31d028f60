//! What computes, and with which model: arguments that every coding command has.

use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};
use vcn_codec::checkpoint::Checkpoint;
use vcn_codec::{Codec, DeviceChoice};

use crate::failure::{Failure, Result};

/// Arguments of every command that runs the networks.
#[derive(Args, Clone, Debug)]
pub struct Compute {
    /// Where the networks run; results are the same everywhere.
    #[arg(long, value_enum, default_value_t)]
    pub device: Device,
    /// Threads to use, and GOPs to code at once where memory allows [default: one per core]; results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// A device as written on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Device {
    /// The fastest that is there.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A GPU (needs a build with the feature `wgpu`).
    Wgpu,
}

impl Compute {
    /// Sets the number of threads, if it was given; once, before anything is computed.
    pub fn set_threads(&self) -> Result<()> {
        static SET: AtomicBool = AtomicBool::new(false);
        match self.threads {
            Some(threads) if !SET.swap(true, Ordering::Relaxed) => {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
                pool.build_global().map_err(|error| Failure::Other(error.into()))
            }
            _ => Ok(()),
        }
    }

    /// Sets the number of threads and opens the device with a model.
    pub fn open(&self, checkpoint: Checkpoint) -> Result<Codec> {
        self.set_threads()?;
        let device = match self.device {
            Device::Auto => DeviceChoice::Auto,
            Device::Cpu => DeviceChoice::Cpu,
            Device::Wgpu => DeviceChoice::Wgpu,
        };
        Ok(Codec::new(checkpoint, device)?)
    }
}

/// Threads in use.
pub fn threads() -> usize {
    rayon::current_num_threads()
}
