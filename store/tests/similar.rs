//! Near-duplicates are reported with times and with what the pixels say; nothing is merged.
#![allow(missing_docs)]

mod clips;

use clips::{folder, play, put};
use vcn_media::{Picture, Yuv420};
use vcn_store::{Clip, Distortion, FindOptions, Level, Match, Sharing, Store, VerifyOptions};

/// A scene of moving bright discs on a gradient, other ones every 3 seconds (at 25 frames per second).
fn scene(seed: u64, index: u64, width: usize, height: usize) -> Picture {
    let shot = index / 75;
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ shot.wrapping_mul(0xD134_2543_DE82_EF95);
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32) / (1u64 << 24) as f32
    };
    let discs: Vec<[f32; 6]> = (0..7).map(|_| std::array::from_fn(|_| random())).collect();
    let tilt = [random() - 0.5, random() - 0.5];
    let time = (index % 75) as f32 / 75.0;
    let mut y = Vec::with_capacity(width * height);
    for row in 0..height {
        for column in 0..width {
            let (u, v) = (column as f32 / width as f32, row as f32 / height as f32);
            let mut value = 110.0 + 80.0 * (tilt[0] * (u - 0.5) + tilt[1] * (v - 0.5));
            for [x0, y0, dx, dy, size, light] in &discs {
                let (x, y) = (x0 + (dx - 0.5) * 0.3 * time, y0 + (dy - 0.5) * 0.3 * time);
                let radius = 0.08 + 0.15 * size;
                let distance = ((u - x).powi(2) + (v - y).powi(2)).sqrt() / radius;
                value += (light - 0.5) * 220.0 * (1.0 - distance).clamp(0.0, 0.3) / 0.3;
            }
            y.push(value.clamp(35.0, 235.0) as u8);
        }
    }
    let chroma = vec![128; width.div_ceil(2) * height.div_ceil(2)];
    Yuv420 { width, height, y, u: chroma.clone(), v: chroma }.into()
}

fn clip(seed: u64, range: std::ops::Range<u64>) -> Vec<Picture> {
    range.map(|index| scene(seed, index, 80, 60)).collect()
}

fn changed(clip: &[Picture], change: impl Fn(&mut Yuv420)) -> Vec<Picture> {
    let one = |picture: &Picture| {
        let mut picture = picture.to_yuv420(vcn_media::Colour::RGB_INPUT);
        change(&mut picture);
        picture.into()
    };
    clip.iter().map(one).collect()
}

fn find(store: &Store, query: Vec<Picture>) -> Vec<Match> {
    store.find(&mut Clip::new(query), 25.0, &FindOptions::default()).unwrap()
}

#[test]
fn copies_are_found_with_their_times_and_kept_apart() {
    let (_folder, store) = folder();
    for seed in 0..6 {
        put(&store, &format!("take {seed}"), &clip(seed, 0..150)).unwrap();
    }
    let original = clip(3, 0..150);
    let copies: [(&str, Vec<Picture>); 6] = [
        (
            "brighter",
            changed(&original, |p| p.y.iter_mut().for_each(|y| *y = (*y as u32 * 9 / 10 + 24) as u8)),
        ),
        (
            "noisy",
            changed(&original, |p| p.y.iter_mut().enumerate().for_each(|(i, y)| *y ^= (i * 7 % 5) as u8)),
        ),
        ("logo", changed(&original, |p| (0..10).for_each(|row| p.y[(row + 3) * 80 + 65..][..10].fill(235)))),
        ("smaller", (0..150).map(|index| scene(3, index, 64, 48)).collect()),
        (
            "letterbox",
            changed(&original, |p| {
                let mut y = vec![16; 80 * 10];
                y.append(&mut p.y);
                y.resize(80 * 80, 16);
                *p = Yuv420 { width: 80, height: 80, y, u: vec![128; 1600], v: vec![128; 1600] };
            }),
        ),
        ("mirrored", changed(&original, |p| p.y.chunks_mut(80).for_each(<[u8]>::reverse))),
    ];
    for (name, copy) in copies {
        let found = find(&store, copy.clone());
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!((found[0].name.as_str(), found[0].level), ("take 3", Level::Near), "{name}");
        assert_eq!(found[0].mirrored, name == "mirrored");
        let distortion = found[0].distortion.unwrap();
        assert!(Distortion::psnr(distortion.mean) > 18.0, "{name}: {distortion:?}");
        if name == "logo" {
            assert!(
                Distortion::psnr(distortion.worst_block) < 15.0,
                "the worst block shows it: {distortion:?}"
            );
        }
        // Nothing is merged.
        let outcome = put(&store, name, &copy).unwrap();
        assert_eq!(outcome.sharing, Sharing::None, "{name}");
        assert_eq!(play(&store, name).unwrap(), copy);
        store.rm(name).unwrap();
    }
}

#[test]
fn a_clip_inside_a_longer_video_is_found_at_its_time() {
    let (_folder, store) = folder();
    put(&store, "other", &clip(1, 0..250)).unwrap();
    put(&store, "long", &[clip(4, 0..200), clip(5, 0..250), clip(6, 0..50)].concat()).unwrap();
    // Frames 230 to 400 of the long one, brightened so that no segment is equal.
    let part = changed(&clip(5, 30..200), |p| p.y.iter_mut().for_each(|y| *y += 12));
    let found = find(&store, part);
    assert_eq!(found[0].name, "long");
    let offset = found[0].from - found[0].query_from;
    assert!((offset - 9.2).abs() < 0.3, "{found:?}");
}

#[test]
fn black_static_and_other_takes_do_not_match() {
    let (_folder, store) = folder();
    let black = |level: u8| -> Vec<Picture> {
        let picture = Yuv420 {
            width: 80,
            height: 60,
            y: vec![level; 80 * 60],
            u: vec![128; 40 * 30],
            v: vec![128; 40 * 30],
        };
        vec![picture.into(); 100]
    };
    for seed in 10..16 {
        // All open with the same black.
        put(&store, &format!("{seed}"), &[black(16), clip(seed, 0..120)].concat()).unwrap();
    }
    for query in [black(17), black(40), clip(99, 0..120), [black(16), clip(98, 0..120)].concat()] {
        let found = find(&store, query);
        assert!(found.iter().all(|found| found.level != Level::Near), "{found:?}");
    }
}

#[test]
fn dups_are_reported_by_level_and_marks_are_remembered() {
    let (_folder, store) = folder();
    let original = clip(1, 0..200);
    put(&store, "a", &original).unwrap();
    put(&store, "b same", &original).unwrap();
    put(&store, "c trimmed", &original[30..]).unwrap();
    put(&store, "d brighter", &changed(&original, |p| p.y.iter_mut().for_each(|y| *y += 10))).unwrap();
    put(&store, "e other", &clip(2, 0..200)).unwrap();
    let dups = store.dups(&FindOptions::default()).unwrap();
    let has = |a: &str, b: &str, level| {
        dups.iter().any(|pair| {
            pair.other.level == level
                && ((pair.name == a && pair.other.name == b) || (pair.name == b && pair.other.name == a))
        })
    };
    assert!(has("a", "b same", Level::Identical), "{dups:#?}");
    assert!(has("a", "c trimmed", Level::Segments), "{dups:#?}");
    assert!(has("a", "d brighter", Level::Near), "{dups:#?}");
    assert!(dups.iter().all(|pair| pair.name != "e other" && pair.other.name != "e other"), "{dups:#?}");

    store.mark_distinct("a", "d brighter", false).unwrap();
    let dups = store.dups(&FindOptions::default()).unwrap();
    assert!(!dups.iter().any(|pair| (pair.name.as_str(), pair.other.name.as_str()) == ("a", "d brighter")));
    assert!(store.verify(VerifyOptions { decode: true }, &mut |_| {}).unwrap().is_sound());
}
