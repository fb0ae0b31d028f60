//! Prints the table of `BlockSpectrum`: how busy pictures are on average, and how much that varies.
//!
//! ```sh
//! cargo run --release -p vcn-similarity --example energies -- ../shared/data/train
//! ```
//!
//! The table was made when the first 141 sequences of the folder were there, in the order of their names and without the
//! longer takes of others (`long_*`). Of each, the fourth frame counts, with the colours that video has. Conversions of colour
//! round in their own ways: one of the numbers comes out .01 lower than in the table.
#![allow(missing_docs)]

use std::error::Error;

use vcn_media::{Chroma, Colour, Matrix, OpenOptions, Picture, Range, open};
use vcn_similarity::{BlockSpectrum, Thumbnail};

const SEQUENCES: usize = 141;
/// The frame that counts, from 0.
const FRAME: usize = 3;
const VIDEO: Colour = Colour { matrix: Matrix::Bt601, range: Range::Limited, chroma: Chroma::Bilinear };

fn main() -> Result<(), Box<dyn Error>> {
    let data = std::env::args().nth(1).ok_or("usage: energies TRAIN")?;
    let mut folders: Vec<_> =
        std::fs::read_dir(data)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    folders
        .retain(|folder| !folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("long_")));
    folders.sort();
    folders.truncate(SEQUENCES);
    let mut logarithms: Vec<Vec<f32>> = vec![Vec::new(); BlockSpectrum::frequencies().count()];
    for folder in &folders {
        let mut reader = open(&folder.to_string_lossy(), OpenOptions::default())?;
        for _ in 0..FRAME {
            reader.next()?;
        }
        let picture = reader.next()?.ok_or_else(|| format!("{}: too short", folder.display()))?;
        let rgb = Picture::from(picture.to_rgb(reader.info().colour));
        let thumbnail = Thumbnail::of(&rgb.to_yuv420(VIDEO).into());
        for (all, new) in logarithms.iter_mut().zip(BlockSpectrum::energies(&thumbnail)) {
            all.extend(new);
        }
    }
    for ((vertical, horizontal), all) in BlockSpectrum::frequencies().zip(&logarithms) {
        let count = all.len().max(1) as f32;
        let mean = all.iter().sum::<f32>() / count;
        let variance = all.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
        println!("    ({vertical}, {horizontal}, {mean:.2}, {:.2}),", variance.sqrt());
    }
    Ok(())
}
