//! How the store behaves with very many videos: fills one with synthetic segments and times what people wait for.
//!
//! `cargo run --release -p vcn-store --example scale -- FOLDER SEGMENTS NAMES`, as `/tmp/scale 1000000 100000`.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use vcn_media::{Colour, Picture, Rational, Yuv420};
use vcn_store::{Clip, FindOptions, GcOptions, Location, PutRequest, Store};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, segments, names] = arguments.as_slice() else {
        return Err("usage: scale FOLDER SEGMENTS NAMES".into());
    };
    let (folder, segments, names) = (Path::new(folder), segments.parse::<u64>()?, names.parse::<u64>()?);
    let location = Location::folder(folder);
    let started = Instant::now();
    let store = Store::init(&location, Vec::new())?;
    let each = (segments / names.max(1)).max(1);
    for name in 0..names {
        store.put(request(&format!("show/{name:08}")), &mut Clip::new(clip(name, each)))?;
    }
    println!("filled: {names} names of {each} segments in {:.1} s", started.elapsed().as_secs_f64());

    timed("ls, a page of 100", 200, |turn| {
        store.ls("show/", &format!("show/{:08}", turn * 7919 % names), 100).map(drop)
    })?;
    timed("stat", 200, |turn| store.stat(&format!("show/{:08}", turn * 7919 % names)).map(drop))?;
    timed("put of a known video", 100, |turn| {
        let known = clip(turn * 7919 % names, each);
        store.put(request(&format!("again/{turn}")), &mut Clip::new(known)).map(drop)
    })?;
    timed("get", 100, |turn| {
        let mut playback = store.get(&format!("show/{:08}", turn * 7919 % names), None)?;
        while playback.next_frame()?.is_some() {}
        Ok(())
    })?;
    timed("find", 3, |turn| {
        let options = FindOptions { pixels: false, ..FindOptions::default() };
        store.find(&mut Clip::new(clip(turn, each)), 25.0, &options).map(drop)
    })?;
    timed("gc --dry-run", 1, |_| store.gc(&GcOptions { dry_run: true, ..GcOptions::default() }).map(drop))?;
    println!("most memory: {} MiB", peak_memory() >> 10);
    Ok(())
}

fn request(name: &str) -> PutRequest<'_> {
    let mut request = PutRequest::frames(name, Rational { num: 25, den: 1 }, Colour::RGB_INPUT);
    // One segment for each four frames.
    let mut frame = 0u32;
    request.splitter = Box::new(move |_: &Picture| {
        frame += 1;
        frame % 4 == 1
    });
    request
}

/// `segments` segments of four small frames that no other clip has.
fn clip(seed: u64, segments: u64) -> Vec<Picture> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut noise = |size: usize| -> Vec<u8> {
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..size).map(next).collect()
    };
    let one = |_| Yuv420 { width: 8, height: 8, y: noise(64), u: noise(16), v: noise(16) }.into();
    (0..segments * 4).map(one).collect()
}

fn timed(
    what: &str,
    turns: u64,
    mut work: impl FnMut(u64) -> Result<(), vcn_store::Error>,
) -> Result<(), Failure> {
    let mut times: Vec<Duration> = Vec::new();
    for turn in 0..turns {
        let started = Instant::now();
        work(turn)?;
        times.push(started.elapsed());
    }
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{what}: p50 {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99));
    Ok(())
}

/// The most memory that this process had, in KiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
