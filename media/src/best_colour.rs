//! The colour in which an RGB picture loses least.

use crate::{
    colour::{rgb_to_yuv420, yuv420_to_rgb},
    picture::{Chroma, Colour, Matrix, Range, Rgb8},
};

/// The colour whose conversion to 4:2:0 and back has the least squared error in RGB; [`Colour::RGB_INPUT`], and then
/// the first of the others, wins a tie.
///
/// Pictures that were 4:2:0 before they became RGB lose least when that conversion is undone: several dB less than in
/// another colour.
pub fn best_for(picture: &Rgb8) -> Colour {
    let mut best = (Colour::RGB_INPUT, squared_error(picture, Colour::RGB_INPUT));
    for colour in candidates().filter(|&colour| colour != Colour::RGB_INPUT) {
        let error = squared_error(picture, colour);
        if error < best.1 {
            best = (colour, error);
        }
    }
    best.0
}

fn candidates() -> impl Iterator<Item = Colour> {
    let ranges = [Range::Full, Range::Limited];
    let chromas = [Chroma::Bilinear, Chroma::Nearest];
    [Matrix::Bt709, Matrix::Bt601].into_iter().flat_map(move |matrix| {
        ranges.into_iter().flat_map(move |range| chromas.map(|chroma| Colour { matrix, range, chroma }))
    })
}

/// Of all samples, from there and back.
fn squared_error(picture: &Rgb8, colour: Colour) -> u64 {
    let back = yuv420_to_rgb(&rgb_to_yuv420(picture, colour), colour);
    picture.data.iter().zip(&back.data).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum()
}
