//! Prints the table of `BlockSpectrum`: how busy pictures are on average, and how much that varies.
//!
//! ```sh
//! cargo run --release -p vcn-similarity --example energies -- ../shared/data/train
//! ```
//!
//! Of each sequence in the folder the fourth frame counts, from which on encoders and cameras have settled. Sequences that
//! are longer takes of others (`long_*`) count once, so they are left out.
#![allow(missing_docs)]

use std::error::Error;

use vcn_media::{OpenOptions, open};
use vcn_similarity::{BlockSpectrum, Thumbnail};

/// The frame that counts, from 0.
const FRAME: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let data = std::env::args().nth(1).ok_or("usage: energies TRAIN")?;
    let mut folders: Vec<_> =
        std::fs::read_dir(data)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    folders
        .retain(|folder| !folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("long_")));
    folders.sort();
    let mut logarithms: Vec<Vec<f32>> = vec![Vec::new(); BlockSpectrum::frequencies().count()];
    for folder in &folders {
        let mut reader = open(&folder.to_string_lossy(), OpenOptions::default())?;
        for _ in 0..FRAME {
            reader.next()?;
        }
        let Some(picture) = reader.next()? else { continue };
        for (all, new) in logarithms.iter_mut().zip(BlockSpectrum::energies(&Thumbnail::of(&picture))) {
            all.extend(new);
        }
    }
    for ((vertical, horizontal), all) in BlockSpectrum::frequencies().zip(&logarithms) {
        let count = all.len().max(1) as f32;
        let mean = all.iter().sum::<f32>() / count;
        let variance = all.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
        println!("    ({vertical}, {horizontal}, {mean:.2}, {:.2}),", variance.sqrt());
    }
    println!("{} sequences", folders.len());
    Ok(())
}
