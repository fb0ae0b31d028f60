//! Which transform describes frames best: the block DCT, which `BlockSpectrum` uses, or one that the codec has learned.
//!
//! ```sh
//! cargo run --release -p vcn-curate --example transforms -- checkpoints/psnr-7.vcnm ../shared/data/train ../shared/data/eval
//! ```
//!
//! The recipe is one: of the blocks' first coefficients pooled means, of others logarithms of pooled energies, these in
//! units of their deviation over what is stored. Stored are the first and the last frame of each sequence; queries are copies of them. A
//! query's likeness to a stored sequence is the mean over its frames of the largest cosine, the mirror image counts, too.
//! `first`: how often the right sequence is the likest. `found`: how often it is liker than any copy is to a sequence of another
//! source, so that none would be reported wrongly; `among neighbours`: the same where the other sequences of one source, often of
//! the same shot, count as wrong, too.
#![allow(missing_docs)]

use std::{error::Error, fs, path::Path, process::Command, time::Instant};

use rayon::prelude::*;
use vcn_codec::{Codec, DeviceChoice, checkpoint::Checkpoint};
use vcn_media::{Colour, OpenOptions, Picture, Yuv420, open};
use vcn_similarity::{
    BlockSpectrum, Descriptor, Thumbnail,
    block_spectrum::{log_energies, mirrored, vector},
    likeness,
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How many energies are taken of the learned transform, the most last.
const ENERGIES: [usize; 3] = [8, 16, 40];
const COPIES: [&str; 8] =
    ["crf 35", "half size", "crop 10 %", "brighter", "logo", "letterbox", "mirrored", "all but mirrored"];
/// A latent's unit, and the size of a coefficient that counts as 1.
const UNIT: f32 = 256.0 * 64.0;

struct Sequence {
    source: String,
    /// Two frames as they are, then of each copy.
    frames: Vec<[Yuv420; 2]>,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [checkpoint, folders @ ..] = arguments.as_slice() else {
        return Err("usage: transforms CHECKPOINT FOLDER...".into());
    };
    let codec = Codec::new(Checkpoint::read(&fs::read(checkpoint)?)?, DeviceChoice::Cpu)?;
    let mut sequences = Vec::new();
    for folder in folders {
        let mut paths: Vec<_> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        paths
            .retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("long_")));
        paths.sort();
        sequences.append(&mut paths);
    }
    let sequences = sequences.iter().map(|path| read(path)).collect::<Outcome<Vec<_>>>()?;
    println!("{} sequences\n", sequences.len());
    print!("| transform | numbers | ms a frame | copies |");
    println!(" first | found | found among neighbours |\n| --- | --- | --- | --- | --- | --- | --- |");
    let frames: usize = sequences.iter().map(|sequence| 2 * sequence.frames.len()).sum();
    let began = Instant::now();
    let described = each(&sequences, |thumbnail| BlockSpectrum.describe(thumbnail).unwrap_or_default());
    compare("block DCT, 8 energies", began.elapsed().as_secs_f64() / frames as f64, &sequences, &described);
    let began = Instant::now();
    let latents = each(&sequences, |thumbnail| coefficients(&codec, thumbnail));
    let seconds = began.elapsed().as_secs_f64() / frames as f64;
    for count in ENERGIES {
        compare(&format!("learned, {count} energies"), seconds, &sequences, &vectors(&latents, count));
    }
    Ok(())
}

fn read(path: &Path) -> Outcome<Sequence> {
    let mut reader = open(&path.to_string_lossy(), OpenOptions::default())?;
    let colour = reader.info().colour;
    let mut ends: Option<[Yuv420; 2]> = None;
    while let Some(picture) = reader.next()? {
        let frame = picture.into_yuv420(colour);
        ends = Some([ends.map_or_else(|| frame.clone(), |[first, _]| first), frame]);
    }
    let original = ends.ok_or("no frames")?;
    let each = |changes: &[Change]| {
        original
            .each_ref()
            .map(|frame| changes.iter().fold(frame.clone(), |frame, change| changed(&frame, *change)))
    };
    let frames = vec![
        original.clone(),
        reencoded(&original)?,
        each(&[halved]),
        each(&[cropped]),
        each(&[brighter]),
        each(&[with_logo]),
        each(&[letterboxed]),
        each(&[mirror]),
        reencoded(&each(&[cropped, halved, brighter, with_logo, letterboxed]))?,
    ];
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let source = match name.rsplit_once("_s") {
        // Septuplets of one film are often neighbours in one shot.
        _ if name.starts_with("vimeo_") => "vimeo",
        Some((source, number)) if number.len() == 1 => source,
        _ => &name,
    };
    Ok(Sequence { source: source.to_owned(), frames })
}

struct Plane {
    samples: Vec<u8>,
    width: usize,
    luma: bool,
}

impl Plane {
    fn height(&self) -> usize {
        self.samples.len() / self.width
    }

    /// Samples for a sample of chroma: sides stay even where this is 2.
    fn unit(&self) -> usize {
        if self.luma { 2 } else { 1 }
    }
}

type Change = fn(&Plane) -> Plane;

fn changed(frame: &Yuv420, change: Change) -> Yuv420 {
    let of = |samples: &[u8], width, luma| change(&Plane { samples: samples.to_vec(), width, luma });
    let y = of(&frame.y, frame.width, true);
    let [u, v] = [&frame.u, &frame.v].map(|samples| of(samples, frame.chroma_width(), false).samples);
    Yuv420 { width: y.width, height: y.samples.len() / y.width, y: y.samples, u, v }
}

/// The part of a plane between these eightieths of its sides; sides stay even.
fn part(plane: &Plane, from: usize, to: usize) -> Plane {
    let unit = plane.unit();
    let [columns, rows] =
        [plane.width, plane.height()].map(|side| [from, to].map(|at| side / unit * at / 80 * unit));
    let kept = plane.samples.chunks(plane.width).take(rows[1]).skip(rows[0]);
    let samples = kept.flat_map(|row| row[columns[0]..columns[1]].to_vec()).collect();
    Plane { samples, width: columns[1] - columns[0], luma: plane.luma }
}

/// Without 5 % at each edge.
fn cropped(plane: &Plane) -> Plane {
    part(plane, 4, 76)
}

/// Every other sample of every other row, unfiltered.
fn halved(plane: &Plane) -> Plane {
    let [width, height] = [plane.width, plane.height()].map(|side| side / plane.unit() / 2 * plane.unit());
    let rows = plane.samples.chunks(plane.width).step_by(2).take(height);
    let samples =
        rows.flat_map(|row| row.iter().step_by(2).take(width).copied().collect::<Vec<_>>()).collect();
    Plane { samples, width, luma: plane.luma }
}

fn brighter(plane: &Plane) -> Plane {
    let add = if plane.luma { 24 } else { 0 };
    let samples = plane.samples.iter().map(|sample| sample.saturating_add(add)).collect();
    Plane { samples, ..*plane }
}

/// White, a fifth of the width by a tenth of the height, near the upper right corner.
fn with_logo(plane: &Plane) -> Plane {
    let height = plane.height();
    let value = if plane.luma { 235 } else { 128 };
    let mut samples = plane.samples.clone();
    for row in samples.chunks_mut(plane.width).skip(height / 20).take(height / 10) {
        row[plane.width * 3 / 4..plane.width * 19 / 20].fill(value);
    }
    Plane { samples, ..*plane }
}

/// Black above and below, an eighth of the height each.
fn letterboxed(plane: &Plane) -> Plane {
    let rows = plane.height() / plane.unit() / 8 * plane.unit();
    let bar = vec![if plane.luma { 16 } else { 128 }; rows * plane.width];
    Plane { samples: [&bar[..], &plane.samples, &bar].concat(), ..*plane }
}

fn mirror(plane: &Plane) -> Plane {
    let rows = plane.samples.chunks(plane.width);
    Plane { samples: rows.flat_map(|row| row.iter().rev().copied()).collect(), ..*plane }
}

/// The frames after x264 at crf 35.
fn reencoded(frames: &[Yuv420; 2]) -> Outcome<[Yuv420; 2]> {
    let folder = tempfile::tempdir()?;
    let [raw, video] = ["frames.yuv", "video.mkv"].map(|name| folder.path().join(name));
    let planes = frames.iter().flat_map(|frame| [&frame.y[..], &frame.u, &frame.v]).collect::<Vec<_>>();
    fs::write(&raw, planes.concat())?;
    let size = format!("{}x{}", frames[0].width, frames[0].height);
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", &size, "-i"])
        .arg(&raw)
        .args(["-c:v", "libx264", "-crf", "35", "-threads", "1"])
        .arg(&video)
        .status()?;
    if !made.success() {
        return Err("ffmpeg could not encode".into());
    }
    let mut reader = open(&video.to_string_lossy(), OpenOptions::default())?;
    let mut next = || -> Outcome<Yuv420> {
        Ok(reader.next()?.ok_or("a frame is missing")?.into_yuv420(Colour::RGB_INPUT))
    };
    Ok([next()?, next()?])
}

/// What is made of each frame of each sequence.
fn each<T>(sequences: &[Sequence], make: impl Fn(&Thumbnail) -> T) -> Vec<Vec<[T; 2]>> {
    let of = |frame: &Yuv420| make(&Thumbnail::of(&Picture::from(frame.clone())));
    let all = |sequence: &Sequence| sequence.frames.iter().map(|pair| pair.each_ref().map(of)).collect();
    sequences.iter().map(all).collect()
}

/// The first coefficient of each block, and the energies of the next ones.
struct Coefficients {
    means: Vec<f32>,
    energies: Vec<Vec<f32>>,
}

fn coefficients(codec: &Codec, thumbnail: &Thumbnail) -> Coefficients {
    let latent = codec.analyse_intra(thumbnail.picture());
    let mut channels = latent
        .values
        .chunks(latent.height * latent.width)
        .map(|channel| channel.iter().map(|value| *value as f32 / UNIT).collect::<Vec<f32>>());
    let means = channels.next().unwrap_or_default();
    Coefficients { means, energies: channels.take(ENERGIES[ENERGIES.len() - 1]).map(log_energies).collect() }
}

/// The vectors that so many energies make, in units of their deviation over the stored frames.
fn vectors(latents: &[Vec<[Coefficients; 2]>], count: usize) -> Vec<Vec<[Vec<i8>; 2]>> {
    let statistics: Vec<[f32; 2]> = (0..count)
        .map(|channel| {
            let values = || latents.iter().flat_map(|set| &set[0]).flat_map(|frame| &frame.energies[channel]);
            let number = values().count() as f32;
            let mean = values().sum::<f32>() / number;
            [mean, (values().map(|value| (value - mean).powi(2)).sum::<f32>() / number).sqrt()]
        })
        .collect();
    let of = |frame: &Coefficients| {
        let energies = frame.energies.iter().zip(&statistics);
        vector(frame.means.clone(), energies.map(|(energies, [mean, by])| (energies.clone(), *mean, *by)))
    };
    latents.iter().map(|set| set.iter().map(|pair| pair.each_ref().map(of)).collect()).collect()
}

/// Prints a row for each kind of copy, and one for all of them.
fn compare(name: &str, seconds: f64, sequences: &[Sequence], sets: &[Vec<[Vec<i8>; 2]>]) {
    let (length, milliseconds) = (sets[0][0][0].len(), seconds * 1e3);
    let mirrors: Vec<[Vec<i8>; 2]> =
        sets.iter().map(|set| set[0].each_ref().map(|vector| mirrored(vector))).collect();
    // Of each kind of copy, of each query: its likeness to each stored sequence.
    let likenesses: Vec<Vec<Vec<f32>>> = (1..=COPIES.len())
        .map(|kind| {
            let of = |set: &Vec<[Vec<i8>; 2]>| {
                let to = |(stored, mirror): (&Vec<[Vec<i8>; 2]>, &[Vec<i8>; 2])| {
                    [&stored[0], mirror]
                        .map(|stored| likeness_of(&set[kind], stored))
                        .into_iter()
                        .fold(-1.0, f32::max)
                };
                sets.iter().zip(&mirrors).map(to).collect()
            };
            sets.par_iter().map(of).collect()
        })
        .collect();
    let foreign = |a: usize, b: usize| sequences[a].source != sequences[b].source;
    let most = |wrong: &dyn Fn(usize, usize) -> bool| {
        let queries = likenesses.iter().flat_map(|kind| kind.iter().enumerate());
        let pairs = queries.flat_map(|(query, row)| {
            row.iter().enumerate().map(move |(stored, value)| (query, stored, *value))
        });
        pairs
            .filter(|(query, stored, _)| wrong(*query, *stored))
            .map(|(.., value)| value)
            .fold(-1.0, f32::max)
    };
    let bars = [most(&foreign), most(&|a, b| a != b)];
    let mut total = [0; 3];
    let row = |copy: &str, counts: [usize; 3], queries: usize| {
        let [first, found, among] = counts.map(|count| 100.0 * count as f64 / queries as f64);
        println!(
            "| {name} | {length} | {milliseconds:.1} | {copy} | {first:.1} % | {found:.1} % | {among:.1} % |"
        );
    };
    for (kind, copy) in likenesses.iter().zip(COPIES) {
        let mut counts = [0; 3];
        for (query, values) in kind.iter().enumerate() {
            let own = values[query];
            counts[0] +=
                usize::from(values.iter().enumerate().all(|(stored, value)| stored == query || *value < own));
            counts[1] += usize::from(own > bars[0]);
            counts[2] += usize::from(own > bars[1]);
        }
        row(copy, counts, kind.len());
        total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
    }
    row("all", total, likenesses.len() * sequences.len());
}

fn likeness_of(query: &[Vec<i8>; 2], stored: &[Vec<i8>; 2]) -> f32 {
    let nearest =
        |vector: &Vec<i8>| stored.iter().map(|stored| likeness(vector, stored)).fold(-1.0, f32::max);
    query.iter().map(nearest).sum::<f32>() / 2.0
}
