//! One self-contained page about videos that have something in common: for `vcn store dups`, `vcn store find` and
//! `vcn dedup`. It loads nothing and runs no script.

mod html;
mod picture;

use vcn_media::{AtomicFile, Rgb8};
use vcn_similarity::{SIDE, Thumbnail, likeness};

use crate::failure::Result;

pub use picture::still;

/// What is on the page.
pub struct Page {
    /// Its heading.
    pub title: String,
    /// What there is to say of the whole.
    pub notes: Vec<String>,
    /// Videos, each with those that it has something in common with.
    pub groups: Vec<Group>,
}

/// A video and those that it has something in common with.
pub struct Group {
    /// The video.
    pub name: String,
    /// A line for each video with the same frames.
    pub same: Vec<String>,
    /// Videos of which a part is the same, or that look alike.
    pub pairs: Vec<Pair>,
    /// Bytes that the archive does not hold twice.
    pub saved_bytes: u64,
}

/// Two videos, side by side.
pub struct Pair {
    /// The other video.
    pub name: String,
    /// Whether it is the same in part, or alike.
    pub level: &'static str,
    /// From 0 to 1.
    pub score: f32,
    /// Why it is on the page.
    pub reason: String,
    /// Bytes that the archive does not hold twice.
    pub saved_bytes: u64,
    /// The same moments of both.
    pub moments: Vec<Moment>,
    /// How alike the sampled frames of both are.
    pub matrix: Option<Matrix>,
    /// Where they differ most.
    pub worst: Option<WorstBlock>,
}

/// A moment that both videos show.
pub struct Moment {
    /// Seconds from the start of each.
    pub seconds: [f64; 2],
    /// What each shows there.
    pub pictures: [Rgb8; 2],
}

/// How alike each frame of one video is to each of another.
pub struct Matrix {
    /// Frames of the other, the columns.
    pub width: usize,
    /// Cosines, row by row: a row for each frame of the video.
    pub values: Vec<f32>,
}

/// The block of 16x16 samples, on thumbnails of 160x160, that differs most, in luma or in colour.
pub struct WorstBlock {
    /// Mean squared error in it.
    pub error: f32,
    /// Seconds from the start of each.
    pub seconds: [f64; 2],
    /// The block and what is around it, in both.
    pub pictures: [Rgb8; 2],
}

impl Page {
    /// Writes the page; a file that is there is only replaced on request.
    ///
    /// # Errors
    /// The file exists or cannot be written.
    pub fn write(&self, path: &str, overwrite: bool) -> Result<()> {
        Ok(AtomicFile::write(path, html::page(self)?.as_bytes(), overwrite)?)
    }
}

impl Matrix {
    /// Sampled frames in a row or a column at most.
    const SAMPLED: usize = 240;

    /// How alike the frames behind these vectors are; nothing if there are none.
    pub fn of(rows: &[&[i8]], columns: &[&[i8]]) -> Option<Matrix> {
        let few = |count: usize| (0..count).step_by(count.div_ceil(Self::SAMPLED).max(1));
        let width = few(columns.len()).count();
        let row = |at: usize| few(columns.len()).map(move |other| likeness(rows[at], columns[other]));
        let values: Vec<f32> = few(rows.len()).flat_map(row).collect();
        (!values.is_empty()).then_some(Matrix { width, values })
    }

    fn least(&self) -> f32 {
        self.values.iter().copied().fold(f32::INFINITY, f32::min)
    }

    fn most(&self) -> f32 {
        self.values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}

impl WorstBlock {
    /// Looks for it in pairs of thumbnails.
    pub fn among<'a>(
        pairs: impl Iterator<Item = ([f64; 2], &'a Thumbnail, &'a Thumbnail)>,
    ) -> Option<WorstBlock> {
        let mut worst: Option<(f32, [usize; 2], _)> = None;
        for pair in pairs {
            let (error, place) = worst_block(pair.1, pair.2);
            if worst.as_ref().is_none_or(|worst| error > worst.0) {
                worst = Some((error, place, pair));
            }
        }
        let (error, place, (seconds, a, b)) = worst?;
        let pictures = [a, b].map(|thumbnail| picture::around(thumbnail, place, BLOCK));
        Some(WorstBlock { error, seconds, pictures })
    }
}

/// Side of the blocks that are compared, in luma samples.
const BLOCK: usize = 16;

/// Mean squared error of the worst block of two thumbnails, and its left and top sample: in luma or in one of the colours,
/// whichever is off most, as [`Distortion::between`](vcn_similarity::Distortion::between) has it.
fn worst_block(a: &Thumbnail, b: &Thumbnail) -> (f32, [usize; 2]) {
    let (a, b) = (a.picture(), b.picture());
    let planes = [(&a.y, &b.y, 1), (&a.u, &b.u, 2), (&a.v, &b.v, 2)];
    let error = |left: usize, top: usize| -> f32 {
        let in_plane = |(a, b, divide): (&Vec<u8>, &Vec<u8>, usize)| -> f32 {
            let [side, left, top, block] = [SIDE, left, top, BLOCK].map(|length| length / divide);
            let rows = (top..top + block).map(|y| y * side + left..y * side + left + block);
            let squares = rows
                .flat_map(|row| a[row.clone()].iter().zip(&b[row]))
                .map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2));
            squares.sum::<u32>() as f32 / (block * block) as f32
        };
        planes.into_iter().map(in_plane).fold(0.0, f32::max)
    };
    let places = (0..SIDE / BLOCK * (SIDE / BLOCK)).map(|at| {
        let (left, top) = (at % (SIDE / BLOCK) * BLOCK, at / (SIDE / BLOCK) * BLOCK);
        (error(left, top), [left, top])
    });
    places.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default()
}
