//! Training of the codec: data, losses, stages, exact resume.
//!
//! `data` draws batches, `forward` sends frames through the model, `rate` prices latents, `ms_ssim` compares pictures
//! where squared error should not, `optimizer` updates the parameters, `run` does this step after step and keeps its state on disk. Everything is written against the
//! differentiating executor `tape`: `burn` is the one on Burn's `flex`, `torch` the faster one on libtorch.

pub mod burn;
pub mod data;
mod error;
pub mod export;
pub mod forward;
#[cfg(feature = "libtorch")]
mod fused;
pub mod ms_ssim;
pub mod optimizer;
pub mod rate;
pub mod run;
pub mod tape;
#[cfg(feature = "libtorch")]
pub mod torch;

pub use error::{Error, Result};
