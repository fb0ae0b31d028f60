//! Pictures of a video, described by the codec's latents.

use vcn_codec::Codec;
use vcn_media::{FrameReader, Yuv420};

use crate::error::Result;
use crate::samples::{frames, interval};

/// Most pictures that are kept of a video: when there are more, every other one goes.
const MOST: usize = 4000;
/// Parts of a picture along each side that are described by themselves.
const PARTS: usize = 2;

/// What is known of a video for a summary.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Frames of the video.
    pub frames: u64,
    /// Frames per second.
    pub rate: f64,
    /// The frames that were taken.
    pub picks: Vec<u64>,
    /// What each looks like: for each channel of the latent, mean and mean magnitude in each quarter of the picture, over the
    /// video of mean 0 and variance 1.
    pub features: Vec<Vec<f32>>,
    /// Frames with which a new scene starts.
    pub cuts: Vec<u64>,
}

/// Takes so many pictures a second, fewer of very long videos; `seen` is called after each frame.
///
/// # Errors
/// The video cannot be read to its end.
pub fn sample(
    reader: &mut dyn FrameReader,
    codec: &Codec,
    pictures_per_second: f64,
    mut seen: impl FnMut(),
) -> Result<Samples> {
    let rate = reader.info().fps.as_f64();
    let mut interval = interval(rate, pictures_per_second);
    let mut samples = Samples { rate, ..Samples::default() };
    let count = frames(reader, |frame| {
        if frame.is_cut {
            samples.cuts.push(frame.number);
        }
        if frame.number.is_multiple_of(interval) {
            samples.picks.push(frame.number);
            samples.features.push(described(codec, frame.thumbnail));
            if samples.picks.len() > MOST {
                interval *= 2;
                let kept = |at: usize| at.is_multiple_of(2);
                samples.picks = thinned(std::mem::take(&mut samples.picks), kept);
                samples.features = thinned(std::mem::take(&mut samples.features), kept);
            }
        }
        seen();
    })?;
    samples.frames = count;
    standardise(&mut samples.features);
    Ok(samples)
}

fn thinned<T>(all: Vec<T>, kept: impl Fn(usize) -> bool) -> Vec<T> {
    all.into_iter().enumerate().filter(|(at, _)| kept(*at)).map(|(_, one)| one).collect()
}

fn described(codec: &Codec, picture: &Yuv420) -> Vec<f32> {
    let latent = codec.analyse_intra(picture);
    let mut feature = Vec::with_capacity(latent.channels * 2 * PARTS * PARTS);
    for plane in latent.values.chunks_exact(latent.height * latent.width) {
        let mut sums = [[0i64; 2]; PARTS * PARTS];
        for (at, value) in plane.iter().enumerate() {
            let part = |at: usize, length: usize| at * PARTS / length;
            let sum = &mut sums
                [part(at / latent.width, latent.height) * PARTS + part(at % latent.width, latent.width)];
            sum[0] += i64::from(*value);
            sum[1] += i64::from(value.abs());
        }
        feature.extend(sums.as_flattened().iter().map(|sum| *sum as f32));
    }
    feature
}

/// Gives every dimension mean 0 and variance 1; what is the same everywhere becomes 0.
fn standardise(features: &mut [Vec<f32>]) {
    let count = features.len().max(1) as f64;
    for dimension in 0..features.first().map_or(0, Vec::len) {
        let mean = features.iter().map(|feature| f64::from(feature[dimension])).sum::<f64>() / count;
        let square = |feature: &Vec<f32>| (f64::from(feature[dimension]) - mean).powi(2);
        let deviation = (features.iter().map(square).sum::<f64>() / count).sqrt();
        for feature in features.iter_mut() {
            let value = f64::from(feature[dimension]) - mean;
            feature[dimension] = if deviation < 1e-9 { 0.0 } else { (value / deviation) as f32 };
        }
    }
}
