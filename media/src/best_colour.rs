//! The colour in which an RGB picture loses least.

use crate::{
    colour::{rgb_to_yuv420, yuv420_to_rgb},
    picture::{Colour, Rgb8},
};

/// The colour whose conversion to 4:2:0 and back has the least squared error in RGB; [`Colour::RGB_INPUT`], and then
/// the first of the others, wins a tie.
///
/// Pictures that were 4:2:0 before they became RGB lose least when that conversion is undone: several dB less than in
/// another colour.
pub fn best_for(picture: &Rgb8) -> Colour {
    let error = |&colour: &Colour| squared_error(picture, colour);
    Colour::all().min_by_key(error).unwrap_or(Colour::RGB_INPUT)
}

/// Of all samples, from there and back.
fn squared_error(picture: &Rgb8, colour: Colour) -> u64 {
    let back = yuv420_to_rgb(&rgb_to_yuv420(picture, colour), colour);
    picture.data.iter().zip(&back.data).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum()
}
