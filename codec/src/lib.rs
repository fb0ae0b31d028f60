//! The learned video codec.

pub mod container;
pub mod entropy;
mod error;
pub mod model;
pub mod packing;
pub mod search;
pub mod warp;

pub use error::{Error, Result};
