//! How a store behaves that holds a million segments under a hundred thousand names.
//!
//! ```sh
//! cargo run --release -p vcn-store --example million -- fill /big/disk/million       # 5 GB in 1.3 million files, takes a while
//! cargo run --release -p vcn-store --example million -- measure /big/disk/million
//! cargo run --release -p vcn-store --example million -- fill /big/disk/small --names 1000
//! ```
//!
//! The videos are synthetic: 120 frames of 16x16 in ten segments, which their codec makes again from a seed, so that the
//! numbers are those of the store. Filling is real puts through `object_store`'s local backend, which does not fsync, with
//! the catalogue in memory until it is done; measuring opens the same folder as any store, anew for each operation as the
//! program does. Other programs may use the processor meanwhile, so each time is told twice: on the clock, and without
//! the time for which Linux let the thread that asks wait for a processor (`/proc/thread-self/schedstat`).
#![allow(missing_docs)]

use std::{
    error::Error,
    path::Path,
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

/// One of so many videos looks like the one before it.
const COPIED: u64 = 100;

/// Luma of every video: 4x4 tiles, other ones every 25 frames. Chroma says which video and frame it is.
fn frame(video: u64, index: u64) -> Yuv420 {
    let (shown, brighter) = if video % COPIED == COPIED - 1 { (video - 1, 5) } else { (video, 0) };
    let mut state = ((shown << 8) | (index / 25)).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut tile = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        40 + brighter + (state >> 57) as u8
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

/// The luma of the tiles, without their mean, each as twelve numbers.
struct Tiles;

/// Numbers for a tile.
const REPEATED: usize = 12;

impl Descriptor for Tiles {
    fn id(&self) -> [u8; 32] {
        Digest::of(b"tiles").0
    }

    fn length(&self) -> usize {
        16 * REPEATED
    }

    fn alike(&self) -> f32 {
        0.95
    }

    fn describe(&self, thumbnail: &Thumbnail) -> Option<Vec<i8>> {
        let tiles: [f32; 16] = std::array::from_fn(|at| {
            f32::from(thumbnail.luma()[(at / 4 * 40 + 20) * vcn_similarity::SIDE + at % 4 * 40 + 20])
        });
        let mean = tiles.iter().sum::<f32>() / 16.0;
        let squares: f32 = tiles.iter().map(|tile| (tile - mean).powi(2)).sum();
        let length = (squares * REPEATED as f32).sqrt().max(1e-6);
        let number = |tile: f32| ((tile - mean) / length * 127.0).round() as i8;
        Some(tiles.into_iter().flat_map(|tile| [number(tile); REPEATED]).collect())
    }

    fn mirrored(&self, vector: &[i8]) -> Option<Vec<i8>> {
        let row = |row: &[i8]| row.rchunks(REPEATED).flatten().copied().collect::<Vec<i8>>();
        Some(vector.chunks(4 * REPEATED).flat_map(row).collect())
    }
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

fn brighter(video: u64) -> Vec<Picture> {
    let frame = |index| {
        let mut frame = frame(video, index);
        frame.y.iter_mut().for_each(|y| *y += 9);
        frame.into()
    };
    (0..FRAMES).map(frame).collect()
}

fn name(video: u64) -> String {
    format!("shows/{:03}/{video:06}.mp4", video % 1000)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (command, folder, names) = match arguments.as_slice() {
        [command, folder] => (*command, folder, 100_000),
        [command, folder, "--names", names] => (*command, folder, names.parse()?),
        _ => ("", &"", 0),
    };
    match command {
        "fill" => fill(Path::new(folder), names),
        "measure" => measure(&Location::folder(folder), names),
        _ => Err("usage: million fill|measure FOLDER [--names N]".into()),
    }
}

/// Where the catalogue is while the store is filled: in memory, where bringing it to the disk costs nothing.
const MEMORY: &str = "/dev/shm";

/// After so many names the catalogue is copied to the store, so that an interrupted filling goes on from there.
const STAGE: u64 = 10_000;

/// Puts what is not there yet.
fn fill(folder: &Path, names: u64) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let target = folder.join("catalogue.db");
    let memory = match Path::new(MEMORY).is_dir() {
        true => tempfile::tempdir_in(MEMORY)?,
        false => tempfile::tempdir()?,
    };
    let catalogue = memory.path().join("catalogue.db");
    if target.exists() {
        std::fs::copy(&target, &catalogue)?;
    }
    let began = Instant::now();
    let mut put = 0;
    loop {
        let there = {
            let objects = Arc::new(LocalFileSystem::new_with_prefix(folder)?);
            let location = Location::remote("fill", objects, "").with_catalogue(&catalogue);
            let store = match folder.join("store.json").exists() {
                true => Store::open(&location, codecs())?,
                false => Store::init(&location, codecs())?,
            };
            let there = first_missing(&store, names)?;
            for video in there..names.min(there + STAGE) {
                store.put(request(&name(video)), &mut Clip::new(clip(video)))?;
                put += 1;
                if put % 1000 == 0 {
                    let rate = f64::from(put) / began.elapsed().as_secs_f64();
                    eprintln!("{} of {names} names, {rate:.0} puts a second", video + 1);
                }
            }
            there
        };
        if there == names {
            return Ok(());
        }
        // All connections are closed, so that everything is in the one file.
        let copy = target.with_extension("copy");
        std::fs::copy(&catalogue, &copy)?;
        std::fs::rename(&copy, &target)?;
    }
}

/// They are put in order, so that the first that is missing is where to go on.
fn first_missing(store: &Store, names: u64) -> Result<u64, Box<dyn Error>> {
    let (mut there, mut end) = (0, names);
    while there < end {
        let middle = there.midpoint(end);
        match store.stat(&name(middle)) {
            Ok(_) => there = middle + 1,
            Err(vcn_store::Error::UnknownName { .. }) => end = middle,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(there)
}

fn measure(location: &Location, names: u64) -> Result<(), Box<dyn Error>> {
    let open = || Store::open(location, codecs());
    println!("{} names", open()?.len()?);
    println!(
        "| operation | p50 | p99 | p50, p99 without waiting for a processor | p50 of CPU time | peak memory |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
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
    time("put of a new video, with what looks like it", 20, |turn| {
        // A number that no other video has, and no run before this one.
        let video = COPIED * ((u64::from(std::process::id()) << 20) + turn);
        let new = format!("new/{turn}-{}", std::process::id());
        let outcome = open()?.put(PutRequest { alike: 3, ..request(&new) }, &mut Clip::new(clip(video)))?;
        Ok(outcome.sharing == Sharing::None && outcome.encoded_frames == FRAMES)
    })?;
    time("find of a known video", 20, |turn| {
        let found = open()?.find(&mut Clip::new(clip(pick(turn))), query())?;
        Ok(found[0].level == Level::Identical)
    })?;
    time("find of a brighter copy", 20, |turn| {
        let found = open()?.find(&mut Clip::new(brighter(pick(turn))), query())?;
        Ok(found.iter().any(|found| found.name == name(pick(turn))))
    })?;
    time("find of something else", 20, |turn| {
        let found = open()?.find(&mut Clip::new(clip(u64::MAX / 512 - turn)), query())?;
        Ok(found.iter().all(|found| found.level == Level::Near))
    })?;
    time("gc --dry-run", 1, |_| {
        let report = open()?.gc(&GcOptions { dry_run: true, ..GcOptions::default() })?;
        Ok(report.removed_objects == 0)
    })?;
    time("dups", 1, |_| {
        let options = FindOptions { descriptor: &Tiles, ..FindOptions::default() };
        let pairs = open()?.dups(&options, false)?;
        let near = pairs.iter().filter(|pair| pair.other.level == Level::Near).count() as u64;
        Ok(near == names / COPIED)
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
    let [mut times, mut own, mut busy]: [Vec<Duration>; 3] = [const { Vec::new() }; 3];
    for turn in 0..runs {
        let (began, before, waited) = (Instant::now(), cpu_time(), waited());
        if !run(turn)? {
            return Err(format!("{what}: turn {turn} gave something else").into());
        }
        let elapsed = began.elapsed();
        times.push(elapsed);
        own.push(elapsed.saturating_sub(self::waited().saturating_sub(waited)));
        busy.push(cpu_time() - before);
    }
    let at = |times: &mut [Duration], percent: usize| {
        times.sort_unstable();
        times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3
    };
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    let [p50, p99] = [50, 99].map(|percent| at(&mut times, percent));
    let [own50, own99] = [50, 99].map(|percent| at(&mut own, percent));
    let cpu = at(&mut busy, 50);
    println!("| {what} | {p50:.1} ms | {p99:.1} ms | {own50:.1}, {own99:.1} ms | {cpu:.1} ms | {peak} |");
    Ok(())
}

/// What the process has computed so far: other programs do not count.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// For how long this thread was ready to run and had no processor.
fn waited() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let waited = text.split_whitespace().nth(1).and_then(|text| text.parse().ok());
    Duration::from_nanos(waited.unwrap_or(0))
}
