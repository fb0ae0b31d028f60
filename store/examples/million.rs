//! How a store behaves that holds a million segments under a hundred thousand names.
//!
//! ```sh
//! cargo run --release -p vcn-store --example million -- /big/disk/million            # fills it first, takes a while
//! cargo run --release -p vcn-store --example million -- /big/disk/small --names 1000
//! ```
//!
//! The videos are synthetic: 120 frames of 16x16 in ten segments, which their codec makes again from a seed, so that the
//! numbers are those of the store. Filling is real puts through `object_store`'s local backend, which does not fsync;
//! measuring opens the same folder as any store, anew for each operation as the program does.
#![allow(missing_docs)]

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use object_store::local::LocalFileSystem;
use vcn_media::{Colour, Picture, Rational, Yuv420};
use vcn_store::{
    BoxError, Class, Clip, Digest, Format, GcOptions, Level, Location, PutRequest, Query, SegmentCodec,
    Sharing, Store,
};

const SIDE: usize = 16;
const FRAMES: u64 = 120;
const GOP: u64 = 12;
const RATE: Rational = Rational { num: 25, den: 1 };

/// Luma of every video: 4x4 tiles, other ones every 25 frames. Chroma says which video and frame it is.
fn frame(video: u64, index: u64) -> Yuv420 {
    let mut state = ((video << 8) | (index / 25)).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut tile = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        40 + (state >> 57) as u8
    };
    let tiles: [u8; 16] = std::array::from_fn(|_| tile());
    let y = (0..SIDE * SIDE).map(|at| tiles[at / SIDE / 4 * 4 + at % SIDE / 4]).collect();
    let mut u = vec![128; SIDE * SIDE / 4];
    u[..8].copy_from_slice(&video.to_le_bytes());
    u[8..16].copy_from_slice(&index.to_le_bytes());
    Yuv420 { width: SIDE, height: SIDE, y, u, v: vec![128; SIDE * SIDE / 4] }
}

fn clip(video: u64) -> Vec<Picture> {
    (0..FRAMES).map(|index| frame(video, index).into()).collect()
}

fn seed(picture: &Picture) -> [u8; 16] {
    let mut seed = [0; 16];
    if let Picture::Yuv420(picture) = picture {
        seed.copy_from_slice(&picture.u[..16]);
    }
    seed
}

fn starts_gop(picture: &Picture) -> bool {
    u64::from(seed(picture)[8]).is_multiple_of(GOP)
}

/// Keeps which frames they are, and nothing else.
struct Seed;

impl SegmentCodec for Seed {
    fn id(&self) -> Digest {
        Digest::of(b"seed")
    }

    fn name(&self) -> String {
        "seed".to_owned()
    }

    fn lossless(&self) -> bool {
        true
    }

    fn encode(&self, frames: &[Picture], _: Colour, _: u16) -> Result<Vec<u8>, BoxError> {
        Ok(seed(frames.first().ok_or("no frames")?).to_vec())
    }

    fn decode(&self, bytes: &[u8], _: Format, frames: usize) -> Result<Vec<Picture>, BoxError> {
        let [video, index] = [0, 8].map(|at| bytes[at..].first_chunk().copied().map(u64::from_le_bytes));
        let (video, index) = video.zip(index).ok_or("a seed has 16 bytes")?;
        Ok((index..index + frames as u64).map(|index| frame(video, index).into()).collect())
    }

    fn decoded_format(&self, source: Format) -> Format {
        source
    }
}

fn request(name: &str) -> PutRequest<'_> {
    PutRequest {
        codec: &Seed,
        class: Class::Frames,
        splitter: Box::new(starts_gop),
        ..PutRequest::frames(name, RATE, Colour::RGB_INPUT)
    }
}

fn codecs() -> Vec<Arc<dyn SegmentCodec>> {
    vec![Arc::new(Seed)]
}

fn name(video: u64) -> String {
    format!("shows/{:03}/{video:06}.mp4", video % 1000)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, names) = match arguments.as_slice() {
        [folder] => (folder, 100_000),
        [folder, flag, names] if flag == "--names" => (folder, names.parse()?),
        _ => return Err("usage: million FOLDER [--names N]".into()),
    };
    let folder = PathBuf::from(folder);
    fill(&folder, names)?;
    measure(&Location::folder(&folder), names)
}

/// Puts what is not there yet, so that it can be interrupted.
fn fill(folder: &Path, names: u64) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let objects = Arc::new(LocalFileSystem::new_with_prefix(folder)?);
    let location = Location::remote("fill", objects, "")
        .with_catalogue(std::path::absolute(folder.join("catalogue.db"))?);
    let store = match folder.join("store.json").exists() {
        true => Store::open(&location, codecs())?,
        false => Store::init(&location, codecs())?,
    };
    let (began, there) = (Instant::now(), store.len()?);
    for video in there..names {
        store.put(request(&name(video)), &mut Clip::new(clip(video)))?;
        if (video + 1).is_multiple_of(1000) {
            let rate = (video + 1 - there) as f64 / began.elapsed().as_secs_f64();
            eprintln!("{} of {names} names, {rate:.0} puts a second", video + 1);
        }
    }
    Ok(())
}

fn measure(location: &Location, names: u64) -> Result<(), Box<dyn Error>> {
    let open = || Store::open(location, codecs());
    println!("{} names", open()?.len()?);
    println!("| operation | p50 | p99 | peak memory |\n| --- | --- | --- | --- |");
    let pick = |turn: u64| turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) % names;

    time("ls, a page of 1000", 100, |turn| {
        let page = open()?.ls("", &name(pick(turn)), 1000)?;
        Ok(page.len() as u64 <= names)
    })?;
    time("ls of a prefix of 100 names", 100, |turn| {
        let prefix = format!("shows/{:03}/", pick(turn) % 1000);
        Ok(!open()?.ls(&prefix, "", 1000)?.is_empty())
    })?;
    time("stat", 100, |turn| Ok(open()?.stat(&name(pick(turn)))?.manifest.frames == FRAMES))?;
    time("put of a known video", 100, |turn| {
        let new = format!("twice/{turn}-{}", std::process::id());
        let outcome = open()?.put(request(&new), &mut Clip::new(clip(pick(turn))))?;
        Ok(outcome.sharing == Sharing::Identical && outcome.encoded_frames == 0 && outcome.new_bytes < 2048)
    })?;
    time("find of a known video", 20, |turn| {
        let found = open()?.find(&mut Clip::new(clip(pick(turn))), Query::new(25.0))?;
        Ok(found[0].level == Level::Identical)
    })?;
    time("find of a brighter copy", 20, |turn| {
        let brighter = |index| {
            let mut frame = frame(pick(turn), index);
            frame.y.iter_mut().for_each(|y| *y += 9);
            frame.into()
        };
        let copy: Vec<Picture> = (0..FRAMES).map(brighter).collect();
        let found = open()?.find(&mut Clip::new(copy), Query::new(25.0))?;
        Ok(found.iter().any(|found| found.name == name(pick(turn))))
    })?;
    time("find of something else", 20, |turn| {
        let found = open()?.find(&mut Clip::new(clip(u64::MAX / 512 - turn)), Query::new(25.0))?;
        Ok(found.iter().all(|found| found.level == Level::Near))
    })?;
    time("gc --dry-run", 1, |_| {
        let report = open()?.gc(&GcOptions { dry_run: true, ..GcOptions::default() })?;
        Ok(report.removed_objects == 0)
    })
}

/// Runs an operation, which says whether all was right, so many times and prints how long it took.
fn time(
    what: &str,
    runs: u64,
    mut run: impl FnMut(u64) -> Result<bool, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    // Linux starts to count the peak anew.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let mut times: Vec<Duration> = Vec::new();
    for turn in 0..runs {
        let began = Instant::now();
        if !run(turn)? {
            return Err(format!("{what}: turn {turn} gave something else").into());
        }
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    println!("| {what} | {:.1} ms | {:.1} ms | {peak} |", at(50), at(99));
    Ok(())
}
