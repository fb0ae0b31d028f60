//! Frames that others are built on, without what the frames around them do not show again.
//!
//! Noise and flicker of one instant cost bits and predict nothing. A temporal filter along the motion takes them away before a
//! frame is coded (after Enhorn, Sjöberg and Wennersten, "A temporal pre-filter for video coding based on bilateral filtering",
//! ICIP 2020): every sample becomes a mean of itself and of what other frames show there, these weighed by how near they come.

use std::sync::Arc;

use rayon::prelude::*;
use vcn_media::Yuv420;

use crate::codec::{sample, warped};
use crate::model::lambda;
use crate::model::transform::LUMA;
use crate::packing::{SITE, padded, unpack};
use crate::search::search;
use crate::source::{GREY_LEVEL, samples};
use crate::vectors;
use crate::warp::{Blend, Flow, Plane};

/// Most frames that one is filtered with.
pub(super) const OTHERS: usize = 4;
/// Weight of a frame that shows the same, beside 1 for the frame itself, by its distance.
const SAME: [f32; OTHERS] = [1.5, 1.25, 1.0, 0.75];
/// How far samples may lie apart, in units of the square root of lambda, until the weight falls to `exp(-1/2)`.
const APART: f32 = 2.0;
/// The same for the mean squared error of an 8x8 site, in units of lambda, and `exp(-1)`: where motion fails, single samples agree by
/// chance.
const FAILED: f32 = 4.0;

/// A frame to be coded at a `quality`, filtered along the motion to `others`, the nearest first; padded.
pub(super) fn prefiltered(frame: &Yuv420, others: &[Arc<Yuv420>], quality: i8) -> Yuv420 {
    let frame = padded(frame);
    let (height, width) = (frame.height / SITE, frame.width / SITE);
    let sites = height * width;
    let lambda = lambda(quality.into());
    let luma = Plane::luma(&frame);
    let own = samples(&frame);
    let mut mean: Vec<[f32; 2]> = own.iter().map(|&v| [v as f32, 1.0]).collect();
    let searched = |other: &Arc<Yuv420>| {
        let other = padded(other);
        let flow = Flow::from(&search(&luma, &Plane::luma(&other), vectors::SEARCH * lambda));
        (other, flow)
    };
    let others: Vec<_> = others.par_iter().map(searched).collect();
    for ((other, flow), same) in others.into_iter().zip(SAME) {
        let seen = warped(&other, &flow, Blend::Pictures);
        let squares: Vec<f32> = own
            .iter()
            .zip(&seen)
            .map(|(own, seen)| ((own - seen) as f32 / GREY_LEVEL as f32).powi(2) / lambda)
            .collect();
        let mut errors = vec![0f32; sites];
        for of_channel in squares.chunks_exact(sites).take(LUMA) {
            errors.iter_mut().zip(of_channel).for_each(|(error, square)| *error += square / LUMA as f32);
        }
        let trust: Vec<f32> = errors.iter().map(|error| same * (-error / FAILED).exp()).collect();
        let sampled = squares.iter().zip(&seen).zip(trust.iter().cycle());
        for ([sum, weights], ((square, &seen), trust)) in mean.iter_mut().zip(sampled) {
            let weight = trust * (-0.5 * square / (APART * APART)).exp();
            *sum += weight * seen as f32;
            *weights += weight;
        }
    }
    let filtered: Vec<i32> = mean.iter().map(|[sum, weights]| (sum / weights).round() as i32).collect();
    unpack(&filtered, height, width, sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A textured picture, moved to the right, with noise.
    fn picture(moved: usize, noise: &mut impl FnMut() -> i32) -> Yuv420 {
        let (width, height) = (64, 48);
        let wave = |x: usize, y: usize| (40.0 * ((x as f32) / 3.0).sin() * ((y as f32) / 4.0).cos()) as i32;
        let y = (0..width * height)
            .map(|i| (128 + wave(i % width + 8 - moved, i / width) + noise()).clamp(0, 255) as u8)
            .collect();
        Yuv420 { width, height, y, u: vec![128; width * height / 4], v: vec![128; width * height / 4] }
    }

    fn error(a: &Yuv420, b: &Yuv420) -> f64 {
        a.y.iter().zip(&b.y).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>()
            / a.y.len() as f64
    }

    #[test]
    fn noise_goes_what_moves_stays_and_what_is_new_is_not_mixed_in() {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            (state >> 29) as i32 * 2 - 7
        };
        let clean = picture(0, &mut || 0);
        let [frame, others @ ..] = [0, 2, 4].map(|moved| Arc::new(picture(moved, &mut noise)));
        let filtered = prefiltered(&frame, &others, 28);
        assert!(error(&filtered, &clean) < 0.7 * error(&frame, &clean), "{}", error(&filtered, &clean));
        let [mut other, _] = others;
        Arc::make_mut(&mut other).y.fill(20);
        assert!(prefiltered(&frame, &[other], 28) == *frame);
        assert!(prefiltered(&frame, &[], 28) == *frame);
    }
}
