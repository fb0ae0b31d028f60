//! Plots as SVG: rate-distortion curves and training curves.
//!
//! The writer is our own, some hundred lines: the plotting crates that could have been used estimate text widths too
//! coarsely to keep labels apart, and none places a legend where no curve runs.

mod axis;
mod chart;
mod legend;
mod marker;
mod rate_distortion;
mod svg;
mod training;

pub use axis::Scale;
pub use chart::{Chart, Series, Stroke};
pub use rate_distortion::rate_distortion;
pub use training::training_curves;
