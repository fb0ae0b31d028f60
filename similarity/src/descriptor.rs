//! What frames look like, in a few numbers.

use crate::thumbnail::Thumbnail;

/// Describes frames so that alike frames have alike vectors.
pub trait Descriptor: Send + Sync {
    /// Identifies the descriptor and its model; vectors of different ones are never compared.
    fn id(&self) -> [u8; 32];

    /// Numbers in a vector.
    fn length(&self) -> usize;

    /// The cosine from which two vectors are taken for those of the same picture.
    fn alike(&self) -> f32;

    /// The vector of a canonical thumbnail, of about unit length times 127; `None` for frames that say too little, such
    /// as black ones.
    fn describe(&self, thumbnail: &Thumbnail) -> Option<Vec<i8>>;

    /// The vector of the mirror image, from the vector of an image; `None` where that takes the picture.
    fn mirrored(&self, _vector: &[i8]) -> Option<Vec<i8>> {
        None
    }
}

/// Cosine of the angle between two vectors.
pub fn likeness(a: &[i8], b: &[i8]) -> f32 {
    dot(a, b) as f32 / (dot(a, a) as f32 * dot(b, b) as f32).sqrt().max(1.0)
}

/// Inner product of two vectors.
pub(crate) fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

/// Scales a vector to unit length.
pub(crate) fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter_mut().for_each(|value| *value /= length);
}

/// A vector as it is kept: unit length times 127, no number above `most` of the length.
///
/// As in SIFT (Lowe 2004), what is above is cut off, so that a logo or a caption in one block does not outweigh all
/// others.
pub(crate) fn quantised(mut vector: Vec<f32>, most: f32) -> Vec<i8> {
    normalise(&mut vector);
    vector.iter_mut().for_each(|value| *value = value.clamp(-most, most));
    normalise(&mut vector);
    vector.iter().map(|value| (value * 127.0).round() as i8).collect()
}

/// Whether a thumbnail is so flat, as black frames and fades are, that it says nothing.
pub(crate) fn is_flat(thumbnail: &Thumbnail) -> bool {
    /// Standard deviation of luma, in code values.
    const FLAT: f32 = 8.0;
    let luma = thumbnail.luma();
    let count = luma.len() as f32;
    let mean = luma.iter().map(|sample| f32::from(*sample)).sum::<f32>() / count;
    let variance = luma.iter().map(|sample| (f32::from(*sample) - mean).powi(2)).sum::<f32>() / count;
    variance.sqrt() < FLAT
}
