//! Which videos show the same: what the archive and the tools around it share.
//!
//! Similarity nominates, pixels decide. A [`Picker`] takes a few frames of each video and has a [`Descriptor`] turn
//! their [`Thumbnail`]s into short vectors. An [`Index`] finds the vectors that are alike, all of which vote for a video
//! and an offset in time: an [`Alignment`]. What is said of a pair then rests on pixels at that alignment, measured as
//! [`Distortion`] with its worst frame and its worst block.
//!
//! ```
//! use vcn_media::{Picture, Yuv420};
//! use vcn_similarity::{Descriptor, Index, BlockSpectrum, Picker};
//!
//! let ramp = |step: usize, shift: usize| -> Picture {
//!     let y = (0..64 * 64).map(|at| (at / 64 * 2 + at % 64 * step % 100 + shift) as u8).collect();
//!     Yuv420 { width: 64, height: 64, y, u: vec![128; 32 * 32], v: vec![128; 32 * 32] }.into()
//! };
//! let picked = |step, shift| {
//!     let mut picker = Picker::new(&BlockSpectrum, 25.0);
//!     picker.push(&ramp(step, shift));
//!     picker.finish()
//! };
//! let mut index = Index::new(&BlockSpectrum);
//! index.add(&picked(1, 0), 25.0);
//! let brighter = index.align(&picked(1, 20), 25.0, None);
//! assert!(brighter[0].score > 0.95);
//! ```

#![forbid(unsafe_code)]

mod align;
pub mod block_spectrum;
mod cells;
mod descriptor;
mod distortion;
mod picker;
mod registration;
mod residual;
mod scan;
mod thumbnail;

pub use align::{Alignment, Index, Neighbours};
pub use block_spectrum::BlockSpectrum;
pub use descriptor::{Descriptor, likeness};
pub use distortion::Distortion;
pub use picker::{PickedFrame, Picker};
pub use registration::Registration;
pub use residual::Residual;
pub use thumbnail::{SIDE, Thumbnail, Window};
