//! Near-duplicates are reported with times and with what the pixels say; nothing is merged.
#![allow(missing_docs)]

mod clips;

use clips::{folder, play, put};
use vcn_media::{Picture, Yuv420};
use vcn_store::{
    BlockSpectrum, Class, Clip, Dedup, DescribeReport, Distortion, FindOptions, GcOptions, Level, Match,
    MaxDistortion, Planes, Query, SegmentCodec, Sharing, SideStream, Store, Times, VerifyOptions,
};

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
    store.find(&mut Clip::new(query), Query::new(25.0)).unwrap()
}

#[test]
fn copies_are_found_with_their_times_and_kept_apart() {
    let (_folder, store) = folder();
    for seed in 0..6 {
        put(&store, &format!("take {seed}"), &clip(seed, 0..150)).unwrap();
    }
    let original = clip(3, 0..150);
    let copies: [(&str, Vec<Picture>); 7] = [
        (
            "brighter",
            changed(&original, |p| p.y.iter_mut().for_each(|y| *y = (*y as u32 * 9 / 10 + 24) as u8)),
        ),
        (
            "noisy",
            changed(&original, |p| p.y.iter_mut().enumerate().for_each(|(i, y)| *y ^= (i * 7 % 5) as u8)),
        ),
        ("logo", changed(&original, |p| (0..10).for_each(|row| p.y[(row + 3) * 80 + 65..][..10].fill(235)))),
        ("recoloured", changed(&original, |p| (10..18).for_each(|row| p.u[row * 40 + 12..][..8].fill(158)))),
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
        if let Some(most) = [("logo", 15.0), ("recoloured", 20.0)].into_iter().find(|(edit, _)| *edit == name)
        {
            assert!(
                Distortion::psnr(distortion.worst_block) < most.1,
                "the worst block shows it: {distortion:?}"
            );
        }
        // Nothing is merged.
        let request = vcn_store::PutRequest { alike: 3, ..clips::request(name) };
        let outcome = store.put(request, &mut Clip::new(copy.clone())).unwrap();
        assert_eq!(outcome.sharing, Sharing::None, "{name}");
        assert_eq!((outcome.alike.len(), outcome.alike[0].name.as_str()), (1, "take 3"), "{name}");
        assert_eq!(play(&store, name).unwrap(), copy);
        store.rm(name).unwrap();
    }
}

#[test]
fn a_caption_between_frames_that_look_alike_shows_in_the_pixels() {
    let (_folder, store) = folder();
    let original = clip(3, 0..150);
    let mut captioned = original.clone();
    let caption = |picture: &mut Yuv420| (20..60).for_each(|row| picture.y[row * 80..][..70].fill(235));
    captioned[50..75].clone_from_slice(&changed(&original[50..75], caption));
    put(&store, "captioned", &captioned).unwrap();
    let brighter = changed(&original, |p| p.y.iter_mut().for_each(|y| *y += 6));
    let found = &find(&store, brighter)[0];
    assert!(found.level == Level::Near && found.query_from < 1.0 && found.query_to > 4.0, "{found:?}");
    assert!(Distortion::psnr(found.distortion.unwrap().worst_block) < 15.0, "{found:?}");
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
    let dups = store.dups(&FindOptions::default(), false).unwrap();
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
    let dups = store.dups(&FindOptions::default(), false).unwrap();
    assert!(!dups.iter().any(|pair| (pair.name.as_str(), pair.other.name.as_str()) == ("a", "d brighter")));
    assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
}

/// Puts a video and one that is almost the same, with every policy, and sees that both are what they were.
fn both_are_kept(what: &str, [a, b]: [&[Picture]; 2], [sound_a, sound_b]: [&[u8]; 2]) {
    let exact: &dyn SegmentCodec = &Planes::default();
    // So coarse that it may lose the difference.
    let coarse: &dyn SegmentCodec = &clips::Coarse;
    for (codec, class, dedup) in [
        (exact, Class::Frames, Dedup::Exact),
        (exact, Class::Frames, Dedup::Report),
        (coarse, Class::Quality, Dedup::Exact),
        (coarse, Class::Quality, Dedup::Report),
    ] {
        let context = format!("{what}, {class:?}, {dedup:?}");
        let (_folder, store) = folder();
        let mut identities = Vec::new();
        for (name, frames, sound) in [("a", a, sound_a), ("b", b, sound_b)] {
            let mut request = clips::request(name);
            (request.codec, request.class, request.dedup, request.quality) = (codec, class, dedup, 6);
            let (kind, label, bytes) = ("audio".to_owned(), "en".to_owned(), sound.to_vec());
            request.side = vec![SideStream { kind, label, identity: None, bytes }];
            let outcome = store.put(request, &mut Clip::new(frames.to_vec())).unwrap();
            assert_ne!(outcome.sharing, Sharing::Identical, "{context}");
            identities.push(outcome.identity);
        }
        assert_ne!(identities[0], identities[1], "{context}");
        for (name, frames, sound) in [("a", a, sound_a), ("b", b, sound_b)] {
            let mut got = Vec::new();
            store.read_blob(&store.stat(name).unwrap().manifest.side[0].blob, &mut got).unwrap();
            assert_eq!(got, sound, "{context}");
            let expected: Vec<Picture> = match class {
                Class::Frames => frames.to_vec(),
                _ => {
                    let bytes = coarse.encode(frames, vcn_media::Colour::RGB_INPUT, 6).unwrap();
                    coarse.decode(&bytes, vcn_store::Format::of(&frames[0]), frames.len()).unwrap()
                }
            };
            assert!(play(&store, name).unwrap() == expected, "{context}: {name}");
        }
        assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
    }
}

#[test]
fn what_is_almost_the_same_is_never_merged() {
    let large = |seed| -> Vec<Picture> { (0..40).map(|index| scene(seed, index, 160, 96)).collect() };
    let original = large(1);
    let box_at = |(left, top): (usize, usize), (width, height): (usize, usize), level: u8| {
        changed(&original, |p| {
            (top..top + height).for_each(|row| p.y[row * 160 + left..][..width].fill(level))
        })
    };
    let one_frame = {
        let mut frames = original.clone();
        frames[20] = box_at((70, 40), (20, 20), 200)[20].clone();
        frames
    };
    // A second of something else, in the middle.
    let insert = [&original[..20], &large(2)[..25], &original[20..]].concat();
    let sound = b"la la la";
    for (what, other) in [
        ("a caption of 24 pixels", box_at((20, 66), (120, 24), 230)),
        (
            "a faint caption",
            changed(&original, |p| p.y[66 * 160 + 20..][..120].iter_mut().for_each(|y| *y ^= 1)),
        ),
        ("a patch of 20x20", box_at((70, 40), (20, 20), 200)),
        ("a patch in one frame", one_frame),
        ("an insert", insert),
        ("another take", (0..40).map(|index| scene(1, index + 2, 160, 96)).collect()),
    ] {
        both_are_kept(what, [&original, &other], [sound, sound]);
    }
    both_are_kept("another sound track", [&original, &original], [sound, b"lo lo lo"]);
}

/// A put in class `quality` that may give up its pictures within bounds.
fn replacing(store: &Store, name: &str, frames: &[Picture], bounds: MaxDistortion) -> vcn_store::PutOutcome {
    let mut request = clips::request(name);
    (request.codec, request.class, request.dedup) = (&clips::Coarse, Class::Quality, Dedup::Replace(bounds));
    store.put(request, &mut Clip::new(frames.to_vec())).unwrap()
}

#[test]
fn replace_keeps_its_bounds_leaves_a_receipt_and_can_be_undone() {
    let (_folder, store) = folder();
    let lax = MaxDistortion { frame: 36.0, block: 30.0 };
    let original = clip(1, 0..80);
    let noisy =
        changed(&original, |p| p.y.iter_mut().enumerate().for_each(|(i, y)| *y ^= (i % 3 == 0) as u8));
    assert_eq!(replacing(&store, "original", &original, lax).sharing, Sharing::None);
    let strict = MaxDistortion { frame: 60.0, block: 60.0 };
    assert_eq!(replacing(&store, "kept", &noisy, strict).sharing, Sharing::None);
    store.rm("kept").unwrap();
    let noisier = changed(&noisy, |p| p.v.iter_mut().for_each(|v| *v += 1));
    let outcome = replacing(&store, "given up", &noisier, lax);
    assert_eq!(
        (outcome.sharing, outcome.shared_with.as_slice()),
        (Sharing::Replaced, &["original".to_owned()][..])
    );
    assert!(play(&store, "given up").unwrap() == original);
    let receipt = store.stat("given up").unwrap().entry.receipt.unwrap();
    assert!(Distortion::psnr(receipt.distortion.worst_block) >= 30.0, "{receipt:?}");
    assert_eq!((receipt.by.as_str(), receipt.identity), ("original", outcome.identity));

    let again = replacing(&store, "given up", &noisier, lax);
    assert_eq!((again.sharing, again.new_bytes), (Sharing::AlreadyThere, 0));

    // The catalogue can be lost; undo brings the pictures back, also where a collection has been.
    let week = std::time::Duration::from_secs(604_800);
    let now = GcOptions { retention: week, grace: std::time::Duration::ZERO, max_share: 100, dry_run: false };
    store.gc(&now).unwrap();
    store.gc(&now).unwrap();
    store.undelete("given up").unwrap();
    assert!(play(&store, "given up").unwrap() == noisier);
    assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
}

#[test]
fn replace_merges_nothing_that_is_another_video() {
    let laxest = MaxDistortion { frame: 30.0, block: MaxDistortion::LEAST_BLOCK };
    let (_folder, store) = folder();
    let original = clip(1, 0..80);
    replacing(&store, "original", &original, laxest);
    let caption = changed(&original, |p| (36..60).for_each(|row| p.y[row * 80 + 10..][..60].fill(230)));
    let patch = changed(&original, |p| (20..40).for_each(|row| p.y[row * 80 + 30..][..20].fill(200)));
    let coloured = changed(&original, |p| (10..20).for_each(|row| p.u[row * 40 + 15..][..10].fill(150)));
    let mut one_frame = original.clone();
    one_frame[40] = patch[40].clone();
    let insert = [&original[..40], &clip(2, 0..25), &original[40..]].concat();
    let shorter = original[..79].to_vec();
    let take = clip(3, 0..80);
    for (name, frames) in [
        ("caption", caption),
        ("patch", patch),
        ("coloured patch", coloured),
        ("patch in one frame", one_frame),
        ("insert", insert),
        ("shorter", shorter),
        ("take", take),
    ] {
        assert_ne!(replacing(&store, name, &frames, laxest).sharing, Sharing::Replaced, "{name}");
        assert!(play(&store, name).unwrap() == frames, "{name}");
    }
    // Other audio: the same pictures, and yet another video.
    let mut request = clips::request("audio");
    (request.codec, request.class, request.dedup) = (&clips::Coarse, Class::Quality, Dedup::Replace(laxest));
    let (kind, label, bytes) = ("audio".to_owned(), String::new(), b"la".to_vec());
    request.side = vec![SideStream { kind, label, identity: None, bytes }];
    assert_ne!(store.put(request, &mut Clip::new(original)).unwrap().sharing, Sharing::Replaced);
}

#[test]
fn times_of_frames_are_kept_and_do_not_part_equal_frames() {
    let (_folder, store) = folder();
    let frames = clip(1, 0..40);
    let base = vcn_media::Rational { num: 1, den: 90_000 };
    let times = |stretch: i64| -> Vec<i64> { (0..40).map(|i| i * 3600 + i * i * stretch).collect() };
    for (name, stretch) in [("steady", 0), ("varying", 7), ("varying more", 31)] {
        let request = clips::request(name);
        let times = Times { base, ticks: times(stretch) };
        let outcome = store.put(request, &mut Clip::new(frames.clone()).shown_at(times)).unwrap();
        assert_eq!(outcome.encoded_frames, if stretch == 0 { 40 } else { 0 });
        assert!(stretch == 0 || outcome.new_bytes < 2048, "{outcome:?}");
    }
    for (name, stretch) in [("steady", 0), ("varying", 7), ("varying more", 31)] {
        assert_eq!(store.get(name, None).unwrap().ticks().unwrap(), Some(times(stretch)), "{name}");
        assert_eq!(play(&store, name).unwrap(), frames);
    }
}

#[test]
fn what_was_put_without_descriptors_gets_them() {
    let (_folder, store) = folder();
    for (name, described) in [("with", true), ("without", false)] {
        let mut request = clips::request(name);
        request.descriptor = request.descriptor.filter(|_| described);
        store.put(request, &mut Clip::new(clip(if described { 1 } else { 2 }, 0..80))).unwrap();
    }
    let brighter = changed(&clip(2, 0..80), |p| p.y.iter_mut().for_each(|y| *y += 10));
    assert!(find(&store, brighter.clone()).is_empty());
    let describe = |dry_run| store.describe(&BlockSpectrum, dry_run).unwrap();
    let expected = DescribeReport { names: 2, described: 1, undecodable: 0 };
    assert_eq!([describe(true), describe(false)], [expected; 2]);
    assert_eq!(describe(false).described, 0);
    assert_eq!(find(&store, brighter)[0].name, "without");
}

#[test]
fn find_tells_what_shares_segments() {
    let (_folder, store) = folder();
    put(&store, "whole", &clip(1, 0..200)).unwrap();
    put(&store, "other", &clip(2, 0..200)).unwrap();
    let found = find(&store, clip(1, 50..180));
    assert_eq!((found[0].name.as_str(), found[0].level), ("whole", Level::Segments), "{found:?}");
    assert!(found[0].score > 0.7 && found[0].shared_bytes > 0, "{found:?}");
    assert!((found[0].from - found[0].query_from - 2.0).abs() < 1e-6, "{found:?}");
    assert!(found.iter().all(|found| found.name != "other"), "{found:?}");
}
