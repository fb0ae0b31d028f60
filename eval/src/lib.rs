//! Quality metrics, Bjøntegaard deltas, anchors through ffmpeg, and rate-distortion tables and plots.
//!
//! The way of a measurement: pictures -> [`FrameQuality`] -> [`SequenceQuality`] -> [`RdPoint`] -> [`RdCurve`] ->
//! [`Report`] (JSON) -> [`Table`] and [`plot::Chart`] (SVG). Anchors arrive at [`RdCurve`] through [`anchor::Bench`].
//!
//! Protocol: every metric is taken per frame and averaged over frames; rates are bits of real files per pixel.

#![forbid(unsafe_code)]

pub mod anchor;
mod bd;
mod error;
mod frame_quality;
mod mean;
mod ms_ssim;
mod pchip;
pub mod plot;
mod psnr;
pub mod published;
mod report;
mod table;

pub use bd::{BdDelta, RdSample, bd_quality, bd_rate};
pub use error::{Error, Result};
pub use frame_quality::{FrameQuality, SequenceQuality};
pub use mean::MEAN;
pub use ms_ssim::{WEIGHTS as MS_SSIM_WEIGHTS, ms_ssim, ms_ssim_db};
pub use psnr::{BLOCK, PSNR_CAP, mse, mse_rgb, mse_yuv, psnr_from_mse, psnr_rgb, psnr_yuv, worst_block_psnr};
pub use report::{BdMatrix, Metric, REPORT_VERSION, RdCurve, RdPoint, Report, Role, bits_per_pixel};
pub use table::{Align, Table};
