//! Plots as SVG: rate-distortion curves and training curves.
//!
//! The writer is our own, some hundred lines and no dependency: it places the legend where no curve runs and keeps labels
//! apart.

mod axis;
mod chart;
mod legend;
mod marker;
mod rate_distortion;
mod sheet;
mod svg;
mod training;

pub use axis::Scale;
pub use chart::{Chart, Series, Stroke};
pub use rate_distortion::rate_distortion;
pub use sheet::sheet;
pub use training::training_curves;
