//! What converting RGB to 4:2:0 and back costs: PSNR of each input's first frame in `RGB_INPUT` and in `best_for`.
//!
//! `cargo run --release -p vcn-media --example colour_floor -- CLIP..`

use vcn_media::{Colour, OpenOptions, Picture, Rgb8, colour::*, open};

fn main() -> Result<(), vcn_media::Error> {
    for input in std::env::args().skip(1) {
        let frame = open(&input, OpenOptions { limit: Some(1), ..Default::default() })?.next()?;
        let Some(Picture::Rgb(rgb)) = frame else {
            println!("{input}: not RGB");
            continue;
        };
        let best = best_for(&rgb);
        let (usual, least) = (floor(&rgb, Colour::RGB_INPUT), floor(&rgb, best));
        println!("{input}: {usual:.2} dB, best {least:.2} dB in {best:?}");
    }
    Ok(())
}

fn floor(rgb: &Rgb8, colour: Colour) -> f64 {
    let back = yuv420_to_rgb(&rgb_to_yuv420(rgb, colour), colour);
    let error: f64 = rgb.data.iter().zip(&back.data).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * rgb.data.len() as f64 / error).log10()
}
