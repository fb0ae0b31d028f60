//! A lossless codec for class `frames`: each plane is predicted and compressed with Zstandard.
//!
//! A segment is one Zstandard frame. Inside, each plane of each picture is a byte that names its predictor, then a
//! residual (sample minus prediction, modulo 256) for every sample:
//!
//! | predictor | prediction |
//! |---|---|
//! | 0 | the median of left, above and left + above - above left (the LOCO-I predictor of JPEG-LS, ITU-T T.87) |
//! | 1 | the same sample of the picture before |
//!
//! Where a neighbour is outside, the other one stands for it; the first sample is predicted as 0.

use vcn_media::{Colour, Picture, Rgb8, Yuv420, Yuv444};

use crate::{
    codec::SegmentCodec,
    compressed::decompress,
    digest::Digest,
    error::BoxError,
    frame::{Format, Layout, planes},
};

const MEDIAN: u8 = 0;
const BEFORE: u8 = 1;

/// The lossless codec.
#[derive(Clone, Copy, Debug)]
pub struct Planes {
    /// Level of Zstandard.
    pub level: i32,
}

impl Default for Planes {
    fn default() -> Planes {
        Planes { level: 6 }
    }
}

impl SegmentCodec for Planes {
    fn id(&self) -> Digest {
        Digest::of(b"vcn-store planes 1")
    }

    fn name(&self) -> String {
        "planes".to_owned()
    }

    fn lossless(&self) -> bool {
        true
    }

    fn encode(&self, frames: &[Picture], _colour: Colour, _quality: u16) -> Result<Vec<u8>, BoxError> {
        let mut residuals = Vec::new();
        let mut before: Option<Vec<&[u8]>> = None;
        for frame in frames {
            let current = planes(frame);
            let rows = rows(Format::of(frame));
            for (index, plane) in current.iter().enumerate() {
                let last = before.as_ref().and_then(|planes| planes.get(index).copied());
                predict(plane, last, rows[index.min(1)], &mut residuals);
            }
            before = Some(current);
        }
        Ok(zstd::bulk::compress(&residuals, self.level)?)
    }

    fn decode(&self, bytes: &[u8], format: Format, frames: usize) -> Result<Vec<Picture>, BoxError> {
        let count = planes_of(format.layout) as u64;
        let expected = (format.frame_bytes() + count).saturating_mul(frames as u64);
        let residuals = decompress(bytes, expected)?;
        if residuals.len() as u64 != expected {
            return Err(format!("{} bytes of residuals, expected {expected}", residuals.len()).into());
        }
        let mut input = residuals.as_slice();
        let mut pictures: Vec<Picture> = Vec::new();
        let sizes = plane_sizes(format);
        let rows = rows(format);
        for _ in 0..frames {
            let before = pictures.last().map(planes);
            let mut decoded = Vec::new();
            for (index, size) in sizes.iter().enumerate() {
                let (plane, rest) = input.split_at_checked(size + 1).ok_or("too few residuals")?;
                let last = before.as_ref().and_then(|planes| planes.get(index).copied());
                decoded.push(restore(plane, last, rows[index.min(1)])?);
                input = rest;
            }
            pictures.push(picture(format, decoded)?);
        }
        Ok(pictures)
    }

    fn decoded_format(&self, source: Format) -> Format {
        source
    }
}

fn planes_of(layout: Layout) -> usize {
    if layout == Layout::Rgb { 1 } else { 3 }
}

fn plane_sizes(format: Format) -> Vec<usize> {
    let (width, height) = (format.width as usize, format.height as usize);
    match format.layout {
        Layout::Yuv420 => {
            let chroma = width.div_ceil(2) * height.div_ceil(2);
            vec![width * height, chroma, chroma]
        }
        Layout::Yuv444 => vec![width * height; 3],
        Layout::Rgb => vec![width * height * 3],
    }
}

/// Bytes in a row of the first plane and of the others, and between neighbours.
fn rows(format: Format) -> [(usize, usize); 2] {
    let width = format.width as usize;
    match format.layout {
        Layout::Yuv420 => [(width, 1), (width.div_ceil(2), 1)],
        Layout::Yuv444 => [(width, 1), (width, 1)],
        Layout::Rgb => [(width * 3, 3), (width * 3, 3)],
    }
}

/// Appends the predictor and the residuals of a plane.
fn predict(plane: &[u8], before: Option<&[u8]>, (row, step): (usize, usize), out: &mut Vec<u8>) {
    let median: Vec<u8> =
        (0..plane.len()).map(|at| plane[at].wrapping_sub(median_prediction(plane, at, row, step))).collect();
    if let Some(before) = before {
        let difference: Vec<u8> = plane.iter().zip(before).map(|(a, b)| a.wrapping_sub(*b)).collect();
        if cost(&difference) < cost(&median) {
            out.push(BEFORE);
            out.extend(difference);
            return;
        }
    }
    out.push(MEDIAN);
    out.extend(median);
}

fn restore(plane: &[u8], before: Option<&[u8]>, (row, step): (usize, usize)) -> Result<Vec<u8>, BoxError> {
    let Some((predictor, residuals)) = plane.split_first() else {
        return Err("a plane without predictor".into());
    };
    match (*predictor, before) {
        (MEDIAN, _) => {
            let mut samples = vec![0; residuals.len()];
            for (at, residual) in residuals.iter().enumerate() {
                samples[at] = residual.wrapping_add(median_prediction(&samples, at, row, step));
            }
            Ok(samples)
        }
        (BEFORE, Some(before)) => Ok(residuals.iter().zip(before).map(|(a, b)| a.wrapping_add(*b)).collect()),
        (predictor, _) => Err(format!("predictor {predictor} is not possible here").into()),
    }
}

fn median_prediction(samples: &[u8], at: usize, row: usize, step: usize) -> u8 {
    let has_left = at % row >= step;
    let has_above = at >= row;
    match (has_left, has_above) {
        (false, false) => 0,
        (true, false) => samples[at - step],
        (false, true) => samples[at - row],
        (true, true) => {
            let (left, above) = (samples[at - step], samples[at - row]);
            let corner = samples[at - row - step];
            let (low, high) = (left.min(above), left.max(above));
            if corner >= high {
                low
            } else if corner <= low {
                high
            } else {
                left.wrapping_add(above).wrapping_sub(corner)
            }
        }
    }
}

/// Sum of absolute residuals, which follows the size of their code well enough to choose by.
fn cost(residuals: &[u8]) -> u64 {
    residuals.iter().map(|residual| u64::from(residual.cast_signed().unsigned_abs())).sum()
}

fn picture(format: Format, planes: Vec<Vec<u8>>) -> Result<Picture, BoxError> {
    let (width, height) = (format.width as usize, format.height as usize);
    let mut planes = planes.into_iter();
    let mut next = || planes.next().unwrap_or_default();
    Ok(match format.layout {
        Layout::Yuv420 => Picture::Yuv420(Yuv420::new(width, height, next(), next(), next())?),
        Layout::Yuv444 => Picture::Yuv444(Yuv444::new(width, height, next(), next(), next())?),
        Layout::Rgb => Picture::Rgb(Rgb8::new(width, height, next())?),
    })
}
