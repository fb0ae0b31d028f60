//! What a search through cells misses of what an exhaustive one finds, and what it costs, on real footage.
//!
//! ```sh
//! cargo run --release -p vcn-similarity --example cells -- ../shared/data
//! ```
//!
//! Every sequence of the folders below is described frame by frame, as it is and changed in four ways; all of these are
//! then compared with each other.
#![allow(missing_docs)]

use std::{collections::BTreeSet, error::Error, path::Path, time::Duration};

use vcn_media::{Colour, OpenOptions, Picture, Yuv420, open};
use vcn_similarity::{BlockSpectrum, Descriptor, Index, PickedFrame, Thumbnail};

/// A frame a second, as if they had been sampled.
const RATE: f64 = 1.0;

type Change = fn(&mut Yuv420);

const CHANGES: [(&str, Change); 5] = [
    ("as it is", |_| {}),
    ("less contrast", |p| p.y.iter_mut().for_each(|y| *y = (u32::from(*y) * 8 / 10 + 30) as u8)),
    ("cropped", |p| *p = part(p, p.width * 9 / 10, p.height * 9 / 10)),
    ("a caption", |p| {
        let (from, to) = (p.height * 7 / 10, p.height * 8 / 10);
        let (left, right) = (p.width / 5, p.width * 4 / 5);
        (from..to).for_each(|row| p.y[row * p.width + left..row * p.width + right].fill(235));
    }),
    ("blurred", |p| {
        let y = p.y.clone();
        for at in 4..y.len() - 4 {
            p.y[at] = (y[at - 4..=at + 4].iter().map(|y| u32::from(*y)).sum::<u32>() / 9) as u8;
        }
    }),
];

/// The upper left part of a picture.
fn part(picture: &Yuv420, width: usize, height: usize) -> Yuv420 {
    let cut = |plane: &[u8], stride: usize, width: usize, height: usize| -> Vec<u8> {
        plane.chunks(stride).take(height).flat_map(|row| row[..width].to_vec()).collect()
    };
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let stride = picture.width.div_ceil(2);
    Yuv420 {
        width,
        height,
        y: cut(&picture.y, picture.width, width, height),
        u: cut(&picture.u, stride, half_width, half_height),
        v: cut(&picture.v, stride, half_width, half_height),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let data = std::env::args().nth(1).ok_or("usage: cells DATA")?;
    let mut index = Index::new(&BlockSpectrum);
    let mut vectors = 0;
    for set in ["train", "eval"] {
        let mut folders: Vec<_> = std::fs::read_dir(Path::new(&data).join(set))?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<Result<_, _>>()?;
        folders.sort();
        for folder in folders {
            let mut reader = open(&folder.to_string_lossy(), OpenOptions::default())?;
            let mut described: [Vec<PickedFrame>; CHANGES.len()] = Default::default();
            let mut frame = 0;
            while let Some(picture) = reader.next()? {
                for ((_, change), described) in CHANGES.iter().zip(&mut described) {
                    let mut picture = picture.to_yuv420(Colour::RGB_INPUT);
                    change(&mut picture);
                    let vector = BlockSpectrum.describe(&Thumbnail::of(&Picture::from(picture)));
                    described.extend(vector.map(|vector| PickedFrame { frame, vector, thumbnail: None }));
                }
                frame += 1;
            }
            for described in described {
                vectors += described.len();
                index.add(&described, RATE);
            }
        }
    }
    println!("{} videos, {vectors} frames", index.len());
    let (exact, exact_time) = pairs(&index, true);
    let (near, near_time) = pairs(&index, false);
    println!(
        "exhaustive {:.1} s of CPU time, cells {:.1} s",
        exact_time.as_secs_f64(),
        near_time.as_secs_f64()
    );
    let found: BTreeSet<(usize, usize)> = near.iter().map(|pair| (pair.0, pair.1)).collect();
    println!("| pairs, by score | exhaustive | cells find |\n| --- | --- | --- |");
    for (from, to) in [(0.9, 2.0), (0.8, 0.9), (0.7, 0.8), (0.5, 0.7)] {
        let within: Vec<_> = exact.iter().filter(|pair| pair.2 >= from && pair.2 < to).collect();
        let both = within.iter().filter(|pair| found.contains(&(pair.0, pair.1))).count();
        let share = 100.0 * both as f64 / within.len().max(1) as f64;
        println!("| {from} and more | {} | {share:.2} % |", within.len());
    }
    println!("| copies of one sequence | exhaustive | cells find |\n| --- | --- | --- |");
    for (at, (name, _)) in CHANGES.iter().enumerate().skip(1) {
        let copies: Vec<(usize, usize)> =
            (0..index.len()).step_by(CHANGES.len()).map(|first| (first, first + at)).collect();
        let share = |found: &dyn Fn(&(usize, usize)) -> bool| {
            100.0 * copies.iter().filter(|pair| found(pair)).count() as f64 / copies.len() as f64
        };
        let all: BTreeSet<(usize, usize)> = exact.iter().map(|pair| (pair.0, pair.1)).collect();
        println!(
            "| {name} | {:.1} % | {:.1} % |",
            share(&|pair| all.contains(pair)),
            share(&|pair| found.contains(pair))
        );
    }
    Ok(())
}

/// All pairs of videos that look alike with a score of .5, and the CPU time that it took.
fn pairs(index: &Index, exhaustive: bool) -> (Vec<(usize, usize, f32)>, Duration) {
    let before = cpu_time();
    let neighbours = index.neighbours(exhaustive);
    let mut pairs = Vec::new();
    for video in 0..index.len() {
        let (rate, frames) = index.video(video);
        let found = neighbours.align(&frames, rate, &|other| other > video);
        pairs.extend(
            found.iter().filter(|found| found.score >= 0.5).map(|found| (video, found.video, found.score)),
        );
    }
    (pairs, cpu_time() - before)
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
