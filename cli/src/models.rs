//! Where models come from: embedded in the program, or a file.

use std::path::Path;

use clap::ValueEnum;
use vcn_codec::checkpoint::Checkpoint;
use vcn_codec::container;

use crate::failure::{Failure, Result};
use crate::print::note;

// All of `checkpoints/*.vcnm`, in the order of their names: const CHECKPOINTS: &[(&str, &[u8])].
include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Names and contents of the embedded checkpoints; the last of each metric is its default.
pub fn embedded() -> &'static [(&'static str, &'static [u8])] {
    CHECKPOINTS
}

/// Names and contents of the demo's pictures.
pub fn sample() -> &'static [(&'static str, &'static [u8])] {
    SAMPLE
}

/// What a model is optimised for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Metric {
    /// Peak signal-to-noise ratio.
    #[default]
    Psnr,
    /// Multi-scale structural similarity.
    MsSsim,
}

impl From<Metric> for container::Metric {
    fn from(metric: Metric) -> container::Metric {
        match metric {
            Metric::Psnr => container::Metric::Psnr,
            Metric::MsSsim => container::Metric::MsSsim,
        }
    }
}

/// The digest of a model in hexadecimal.
pub fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The model that `--model` names: an embedded one, or a file.
pub fn named(name: &str) -> Result<Checkpoint> {
    if let Some((_, bytes)) = embedded().iter().find(|(known, _)| *known == name) {
        return Checkpoint::read(bytes).map_err(Failure::file(name));
    }
    match std::fs::read(name) {
        Ok(bytes) => Checkpoint::read(&bytes).map_err(Failure::file(name)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !looks_like_path(name) => Err(
            Failure::NoModel(format!("no model is called {name}, and there is no such file; {}", built_in())),
        ),
        Err(source) => Err(Failure::Io { path: name.to_owned(), doing: "read", source }),
    }
}

fn looks_like_path(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).extension().is_some()
}

/// The model to compress with: the one named, or the default of a metric.
pub fn for_encoding(name: Option<&str>, metric: Metric) -> Result<Checkpoint> {
    if let Some(name) = name {
        return named(name);
    }
    let metric = container::Metric::from(metric);
    // The last by name; those before it need not be unpacked.
    for (name, bytes) in embedded().iter().rev() {
        let checkpoint = Checkpoint::read(bytes).map_err(Failure::file(name))?;
        if checkpoint.metric == metric {
            return Ok(checkpoint);
        }
    }
    Err(Failure::NoModel(format!("no model for {} is built in; give one with --model FILE", metric.name())))
}

/// The model that decodes a file: the one named, which must be the right one, or an embedded one with that digest.
pub fn for_decoding(name: Option<&str>, path: &str, digest: &[u8; 32]) -> Result<Checkpoint> {
    if let Some(name) = name {
        let checkpoint = named(name)?;
        if checkpoint.digest() == *digest {
            return Ok(checkpoint);
        }
        let (expected, found) = (hex(digest), hex(&checkpoint.digest()));
        return Err(Failure::file(path)(vcn_codec::Error::WrongModel { expected, found }));
    }
    match known(digest) {
        Some((_, checkpoint)) => Ok(checkpoint),
        None => Err(Failure::NoModel(format!(
            "{path}: needs model {}, which is not built in; {}; give its file with --model FILE",
            hex(digest),
            built_in()
        ))),
    }
}

/// The embedded model with a digest, and its name.
pub fn known(digest: &[u8; 32]) -> Option<(&'static str, Checkpoint)> {
    embedded().iter().rev().find_map(|(name, bytes)| match Checkpoint::read(bytes) {
        Ok(checkpoint) => (checkpoint.digest() == *digest).then_some((*name, checkpoint)),
        Err(error) => {
            note(&format!("the embedded model {name} is unusable: {error}"));
            None
        }
    })
}

fn built_in() -> String {
    let describe = |(name, bytes): &(&str, &[u8])| match Checkpoint::read(bytes) {
        Ok(checkpoint) => format!("{name} ({})", &hex(&checkpoint.digest())[..16]),
        Err(_) => format!("{name} (unusable)"),
    };
    let names: Vec<String> = embedded().iter().map(describe).collect();
    if names.is_empty() { "no model is built in".into() } else { format!("built in: {}", names.join(", ")) }
}
