//! A flipped bit, a cut, a missing file: found in every kind of object, never served, exactly reported, and healed by
//! another put.
#![allow(missing_docs)]

mod clips;

use std::path::{Path, PathBuf};

use clips::{codecs, folder, play, put, request, take};
use vcn_store::{
    BlockSpectrum, Class, Clip, Error, FindOptions, GcOptions, Kind, Location, ObjectId, RepairOptions,
    SideStream, Store, Times, VerifyOptions,
};

/// All object files of a kind.
fn files(folder: &Path, kind: Kind) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for fan in std::fs::read_dir(folder.join(kind.folder())).into_iter().flatten() {
        for file in std::fs::read_dir(fan.unwrap().path()).unwrap() {
            files.push(file.unwrap().path());
        }
    }
    files.sort();
    files
}

/// Puts one video that has every kind of object.
fn fill(store: &Store) {
    let mut request = request("clip");
    let mut original = &b"the original bytes, which are kept"[..];
    request.class = Class::Source;
    request.original = Some(&mut original);
    request.side = vec![SideStream {
        kind: "audio".to_owned(),
        label: String::new(),
        identity: None,
        bytes: b"la la la".to_vec(),
    }];
    let times = Times { base: clips::FPS, ticks: (0..40).map(|i| i * i).collect() };
    store.put(request, &mut Clip::new(take(1, 0..40)).shown_at(times)).unwrap();
}

/// Everything that can be got of the video.
fn everything(store: &Store) -> vcn_store::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for frame in play(store, "clip")? {
        bytes.extend(format!("{frame:?}").into_bytes());
    }
    let playback = store.get("clip", None)?;
    bytes.extend(format!("{:?}", playback.ticks()?).into_bytes());
    store.original("clip", &mut bytes)?;
    for side in &store.stat("clip")?.manifest.side {
        store.read_blob(&side.blob, &mut bytes)?;
    }
    Ok(bytes)
}

#[test]
fn a_flipped_bit_in_any_object_is_found_and_never_served() {
    let (folder, store) = folder();
    fill(&store);
    let right = everything(&store).unwrap();
    let mut objects = 0;
    for kind in [Kind::Log, Kind::Manifest, Kind::Blob, Kind::Segment] {
        for path in files(folder.path(), kind) {
            objects += 1;
            let sound = std::fs::read(&path).unwrap();
            let digest = path.file_name().unwrap().to_str().unwrap().to_owned();
            let positions = (0..8).map(|part| part * (sound.len() - 1) / 7);
            let mut wrong: Vec<Vec<u8>> = positions
                .map(|at| {
                    let mut bytes = sound.clone();
                    bytes[at] ^= 1 << (at % 8);
                    bytes
                })
                .collect();
            wrong.push(sound[..sound.len() / 2].to_vec());
            wrong.push(Vec::new());
            for bytes in wrong {
                std::fs::write(&path, bytes).unwrap();
                match everything(&store) {
                    Err(error) => {
                        let text = error.to_string();
                        assert!(text.contains(&digest), "names the object: {text}");
                        assert!(error.is_loss(), "{text}");
                    }
                    Ok(got) => panic!("{}: served, {}", path.display(), got == right),
                }
                let report = store.verify(VerifyOptions::default()).unwrap();
                assert_eq!(report.damage.len(), 1, "{report:?}");
                assert_eq!(report.damage[0].object.digest.to_string(), digest);
                assert!(report.damage[0].lost.contains_key("clip"), "{report:?}");
            }
            std::fs::remove_file(&path).unwrap();
            assert!(matches!(everything(&store), Err(Error::Missing { .. })));
            let report = store.verify(VerifyOptions::default()).unwrap();
            assert_eq!((report.damage.len(), report.damage[0].missing), (1, true));
            std::fs::write(&path, sound).unwrap();
            assert_eq!(everything(&store).unwrap(), right);
        }
    }
    assert!(objects >= 11, "{objects}");
}

#[test]
fn a_put_heals_what_it_would_share() {
    let (folder, store) = folder();
    let clip = take(1, 0..60);
    put(&store, "clip", &clip).unwrap();
    for kind in [Kind::Segment, Kind::Manifest] {
        for path in files(folder.path(), kind) {
            let sound = std::fs::read(&path).unwrap();
            for bytes in [Some(vec![0; sound.len()]), None] {
                match bytes {
                    Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                    None => std::fs::remove_file(&path).unwrap(),
                }
                let name = format!("again {}", path.display());
                let mut request = request(&name);
                request.overwrite = true;
                store.put(request, &mut Clip::new(clip.clone())).unwrap();
                assert_eq!(std::fs::read(&path).unwrap(), sound);
                assert_eq!(play(&store, "clip").unwrap(), clip);
            }
        }
    }
    assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
}

#[test]
fn repair_says_exactly_what_is_lost_and_keeps_the_rest() {
    let (folder, store) = folder();
    let (a, b) = (take(1, 0..90), take(2, 0..30));
    put(&store, "a", &a).unwrap();
    put(&store, "b", &b).unwrap();
    put(&store, "a too", &a).unwrap();
    let segments = store.stat("a").unwrap().manifest.segments;
    let second = &segments[1];
    let frames = segments[0].shown()..segments[0].shown() + second.shown();
    std::fs::write(folder.path().join(second.id().path()), b"rubbish").unwrap();

    let dry = store.repair(&RepairOptions { dry_run: true, ..Default::default() }).unwrap();
    assert!(folder.path().join(second.id().path()).exists());
    let report = store.repair(&RepairOptions::default()).unwrap();
    assert_eq!(report.lost, dry.lost);
    assert_eq!(report.lost.keys().collect::<Vec<_>>(), ["a", "a too"]);
    assert_eq!(report.lost["a"].frames, std::slice::from_ref(&frames));
    assert_eq!(report.set_aside, [second.id()]);
    assert!(folder.path().join("damaged").read_dir().unwrap().count() == 1);

    // The rest plays.
    let mut rest = store.get("a", Some(frames.end..90)).unwrap();
    assert_eq!(rest.next_frame().unwrap().as_ref(), Some(&a[frames.end as usize]));
    assert_eq!(play(&store, "b").unwrap(), b);
    assert!(matches!(play(&store, "a"), Err(Error::Missing { .. })));
    // A collection still knows what is in use.
    store.gc(&GcOptions::default()).unwrap();
    // The next put of the same frames heals all names.
    let healed = put(&store, "healer", &a).unwrap();
    assert_eq!(healed.encoded_frames, frames.end - frames.start);
    assert_eq!(play(&store, "a").unwrap(), a);
    assert!(store.repair(&RepairOptions { decode: true, ..Default::default() }).unwrap().lost.is_empty());
}

#[test]
fn nothing_is_collected_while_a_manifest_cannot_be_read() {
    let (folder, store) = folder();
    put(&store, "a", &take(1, 0..30)).unwrap();
    put(&store, "b", &take(2, 0..30)).unwrap();
    store.rm("b").unwrap();
    let path = files(folder.path(), Kind::Manifest).remove(0);
    let sound = std::fs::read(&path).unwrap();
    std::fs::write(&path, b"rubbish").unwrap();
    let before = files(folder.path(), Kind::Segment);
    for _ in 0..3 {
        assert!(matches!(store.gc(&GcOptions::default()), Err(Error::CollectionAborted { .. })));
    }
    assert_eq!(files(folder.path(), Kind::Segment), before);
    std::fs::write(&path, sound).unwrap();
    store.gc(&GcOptions::default()).unwrap();
}

#[test]
fn a_damaged_catalogue_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::folder(folder.path());
    let clip = take(1, 0..30);
    {
        let store = Store::init(&location, codecs()).unwrap();
        put(&store, "clip", &clip).unwrap();
    }
    let path = folder.path().join("catalogue.db");
    for bytes in [b"not a database, though it may look long enough".repeat(100), Vec::new()] {
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(
            Store::open(&location, codecs()),
            Err(Error::Catalogue { .. } | Error::NoCatalogue { .. })
        ));
        assert_eq!(Store::rebuild_catalogue(&location, false, None).unwrap().names, Some(1));
        assert_eq!(play(&Store::open(&location, codecs()).unwrap(), "clip").unwrap(), clip);
    }
}

/// Numbers that look random, the same every time.
fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    }
}

/// All objects of a store.
fn objects(folder: &Path) -> Vec<(Kind, Vec<u8>)> {
    let of = |kind| files(folder, kind).into_iter().map(move |path| (kind, std::fs::read(path).unwrap()));
    Kind::ALL.into_iter().flat_map(of).collect()
}

/// Writes an object that is nearly one of the store's, with the right hash: whoever can write its folder can make it.
fn plant(folder: &Path, (kind, bytes): &(Kind, Vec<u8>), random: &mut dyn FnMut(usize) -> usize) -> ObjectId {
    let mut bytes = bytes.clone();
    if matches!(kind, Kind::Log | Kind::Manifest) {
        let mut json = zstd::bulk::decompress(&bytes, 1 << 20).unwrap();
        let at = random(json.len());
        // Numbers are what arithmetic can go wrong with.
        let starts = |at: &usize| json[*at].is_ascii_digit() && b":,[".contains(&json[at - 1]);
        let numbers: Vec<usize> = (1..json.len()).filter(starts).collect();
        let digit = numbers[random(numbers.len())];
        match random(6) {
            0 => json[at] = b'0' + random(10) as u8,
            1 => json.truncate(at),
            2 => json[digit] = b'0' + random(10) as u8,
            3 => json[digit] = b'-',
            4 => drop(json.splice(digit..digit, *b"9223372036854775807")),
            _ => json[at] ^= 1 << random(8),
        }
        bytes = zstd::bulk::compress(&json, 1).unwrap();
    } else if !bytes.is_empty() {
        let at = random(bytes.len().min(200));
        bytes[at] ^= 1 << random(8);
    }
    let id = ObjectId { kind: *kind, digest: vcn_store::Digest::of(&bytes) };
    let path = folder.join(id.path());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    id
}

#[test]
fn hostile_objects_are_errors() {
    let (folder, store) = folder();
    fill(&store);
    let originals = objects(folder.path());
    let mut random = random(1);
    for _ in 0..300 {
        for original in &originals {
            // Reading it directly must not panic, whatever it says.
            let _ = store.inspect(plant(folder.path(), original, &mut random));
        }
    }
    // Unreferenced rubbish harms nobody.
    assert!(everything(&store).is_ok());
    store.verify(VerifyOptions { decode: true }).unwrap();
}

#[test]
fn a_catalogue_is_made_from_hostile_objects_and_serves_nothing_wrong() {
    let clip = take(1, 0..40);
    for seed in 0..20 {
        let (folder, store) = folder();
        fill(&store);
        drop(store);
        let originals = objects(folder.path());
        let mut random = random(seed);
        for _ in 0..20 {
            for original in &originals {
                plant(folder.path(), original, &mut random);
            }
        }
        let location = Location::folder(folder.path());
        match Store::rebuild_catalogue(&location, false, None) {
            Ok(_) => {}
            // What a newer version has written is not to be guessed at.
            Err(Error::Version { .. }) => continue,
            Err(other) => panic!("seed {seed}: {other}"),
        }
        let store = Store::open(&location, codecs()).unwrap();
        // A forged record may rename a video or point to a forged manifest, and is refused wherever that does not fit.
        for listing in store.ls("", "", 1000).unwrap() {
            match play(&store, &listing.name) {
                Ok(frames) => assert!(frames.iter().all(|frame| clip.contains(frame)), "seed {seed}"),
                Err(error) => {
                    assert!(error.is_loss() || error.is_of_unknown_version(), "seed {seed}: {error}")
                }
            }
            let _ = store.get(&listing.name, None).and_then(|playback| playback.ticks().map(drop));
            let _ = store.stat(&listing.name);
        }
        store.verify(VerifyOptions { decode: true }).unwrap();
        store.dups(&FindOptions::default(), false).unwrap();
        put(&store, "afterwards", &take(9, 0..20)).unwrap();
        assert_eq!(play(&store, "afterwards").unwrap(), take(9, 0..20), "seed {seed}");
    }
}

#[test]
fn damaged_descriptors_are_found_and_made_anew() {
    let (folder, store) = folder();
    fill(&store);
    let [path] = files(folder.path(), Kind::Descriptors).try_into().unwrap();
    let sound = std::fs::read(&path).unwrap();
    for at in [0, 10, 50, sound.len() - 1] {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(everything(&store).is_ok(), "nothing else needs them");
        let report = store.repair(&RepairOptions::default()).unwrap();
        assert_eq!((report.set_aside.len(), report.lost.len()), (1, 0), "{report:?}");
        assert_eq!(store.describe(&BlockSpectrum, false).unwrap().described, 1);
        assert_eq!(std::fs::read(&path).unwrap(), sound);
    }
}
