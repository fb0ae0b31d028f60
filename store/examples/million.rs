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
use vcn_similarity::Thumbnail;
use vcn_store::{
    BoxError, Class, Clip, Descriptor, Digest, FindOptions, Format, GcOptions, Level, Location, PutRequest,
    Query, SegmentCodec, Sharing, Store,
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

/// The luma of the tiles, without their mean, spread over 192 numbers.
struct Tiles;

impl Descriptor for Tiles {
    fn id(&self) -> [u8; 32] {
        Digest::of(b"tiles").0
    }

    fn length(&self) -> usize {
        192
    }

    fn alike(&self) -> f32 {
        0.95
    }

    fn describe(&self, thumbnail: &Thumbnail) -> Option<Vec<i8>> {
        let tiles: [f32; 16] = std::array::from_fn(|at| {
            f32::from(thumbnail.luma()[(at / 4 * 40 + 20) * vcn_similarity::SIDE + at % 4 * 40 + 20])
        });
        Some(spread(tiles))
    }
}

/// Tiles as a vector of length 127: each number is the sum of all, some of them negative.
fn spread(tiles: [f32; 16]) -> Vec<i8> {
    let mean = tiles.iter().sum::<f32>() / 16.0;
    let number = |at: u32| -> f32 {
        let signs = (at + 1).wrapping_mul(0x9E37_79B1) >> 7;
        tiles
            .iter()
            .enumerate()
            .map(|(i, tile)| if signs >> i & 1 == 0 { tile - mean } else { mean - tile })
            .sum()
    };
    let numbers: Vec<f32> = (0..192).map(number).collect();
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt().max(1e-6);
    numbers.iter().map(|number| (number / length * 127.0).round() as i8).collect()
}

fn query() -> Query<'static> {
    let options = FindOptions { descriptor: &Tiles, ..FindOptions::default() };
    Query { options, ..Query::new(25.0) }
}

fn request(name: &str) -> PutRequest<'_> {
    PutRequest {
        codec: &Seed,
        class: Class::Frames,
        splitter: Box::new(starts_gop),
        descriptor: Some(&Tiles),
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
    // They are put in order, so that the first that is missing is where to go on.
    let (mut there, mut end) = (0, names);
    while there < end {
        let middle = there.midpoint(end);
        match store.stat(&name(middle)) {
            Ok(_) => there = middle + 1,
            Err(vcn_store::Error::UnknownName { .. }) => end = middle,
            Err(error) => return Err(error.into()),
        }
    }
    let began = Instant::now();
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
    println!("| operation | p50 | p99 | p50 of CPU time | peak memory |\n| --- | --- | --- | --- | --- |");
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
        let found = open()?.find(&mut Clip::new(clip(pick(turn))), query())?;
        Ok(found[0].level == Level::Identical)
    })?;
    time("find of a brighter copy", 20, |turn| {
        let brighter = |index| {
            let mut frame = frame(pick(turn), index);
            frame.y.iter_mut().for_each(|y| *y += 9);
            frame.into()
        };
        let copy: Vec<Picture> = (0..FRAMES).map(brighter).collect();
        let found = open()?.find(&mut Clip::new(copy), query())?;
        Ok(found.iter().any(|found| found.name == name(pick(turn))))
    })?;
    time("find of something else", 20, |turn| {
        let found = open()?.find(&mut Clip::new(clip(u64::MAX / 512 - turn)), query())?;
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
    let (mut times, mut busy): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    for turn in 0..runs {
        let (began, before) = (Instant::now(), cpu_time());
        if !run(turn)? {
            return Err(format!("{what}: turn {turn} gave something else").into());
        }
        times.push(began.elapsed());
        busy.push(cpu_time() - before);
    }
    times.sort_unstable();
    busy.sort_unstable();
    let at = |times: &[Duration], percent: usize| {
        times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3
    };
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    let (p50, p99, cpu) = (at(&times, 50), at(&times, 99), at(&busy, 50));
    println!("| {what} | {p50:.1} ms | {p99:.1} ms | {cpu:.1} ms | {peak} |");
    Ok(())
}

/// What the process has computed so far: other programs do not count.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
