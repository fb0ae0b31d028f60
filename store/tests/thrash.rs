//! Several writers, readers and collectors at once, each with the store opened for itself: no bad read, no lost name.
//! `VCN_THRASH_SECONDS` makes it longer than a few seconds.
#![allow(missing_docs)]

mod clips;

use std::{
    collections::HashMap,
    io::Write,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clips::{codecs, play, put, request, take};
use vcn_store::{Clip, Error, GcOptions, Location, Store, VerifyOptions};

const NOW: GcOptions =
    GcOptions { retention: Duration::ZERO, grace: Duration::ZERO, max_share: 100, dry_run: false };

#[test]
fn writers_readers_and_collectors_do_no_harm() {
    let seconds = std::env::var("VCN_THRASH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let folder = tempfile::tempdir().unwrap();
    let location = Location::folder(folder.path());
    drop(Store::init(&location, codecs()).unwrap());
    let stop = AtomicBool::new(false);
    let (puts, gets, removed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    // What each name must show, for names that are not being changed.
    let settled: Mutex<HashMap<String, (u64, std::ops::Range<u64>)>> = Mutex::new(HashMap::new());

    std::thread::scope(|scope| {
        for writer in 0..4u64 {
            let (location, stop, puts, settled) = (&location, &stop, &puts, &settled);
            scope.spawn(move || {
                let store = Store::open(location, codecs()).unwrap();
                let mut step = writer;
                while !stop.load(Ordering::Relaxed) {
                    step += 4;
                    // Few takes and overlapping ranges, so that writers share what others remove.
                    let (which, from) = (step % 3, (step * 7) % 20);
                    let range = from..from + 12 + step % 9;
                    let name = format!("{writer}/{}", step % 5);
                    settled.lock().unwrap().remove(&name);
                    let mut request = request(&name);
                    request.overwrite = true;
                    let clip = take(which, range.clone());
                    store.put(request, &mut Clip::new(clip.clone())).unwrap();
                    assert!(play(&store, &name).unwrap() == clip, "{name}");
                    puts.fetch_add(1, Ordering::Relaxed);
                    if step % 3 == 0 {
                        store.rm(&name).unwrap();
                    } else {
                        settled.lock().unwrap().insert(name, (which, range));
                    }
                }
            });
        }
        for reader in 0..4usize {
            let (location, stop, gets, settled) = (&location, &stop, &gets, &settled);
            scope.spawn(move || {
                let store = Store::open(location, codecs()).unwrap();
                let mut turn = reader;
                while !stop.load(Ordering::Relaxed) {
                    turn += 1;
                    let picked =
                        settled.lock().unwrap().iter().nth(turn % 7).map(|(a, b)| (a.clone(), b.clone()));
                    let Some((name, expected)) = picked else { continue };
                    let found = play(&store, &name);
                    // Only what nobody changed meanwhile says anything.
                    if settled.lock().unwrap().get(&name) != Some(&expected) {
                        continue;
                    }
                    assert!(found.unwrap() == take(expected.0, expected.1), "{name}");
                    gets.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..2 {
            let (location, stop, removed) = (&location, &stop, &removed);
            scope.spawn(move || {
                let store = Store::open(location, codecs()).unwrap();
                while !stop.load(Ordering::Relaxed) {
                    let report = store.gc(&NOW).unwrap();
                    removed.fetch_add(report.removed_objects, Ordering::Relaxed);
                }
            });
        }
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(50));
        }
        stop.store(true, Ordering::Relaxed);
    });

    let store = Store::open(&location, codecs()).unwrap();
    let settled = settled.into_inner().unwrap();
    for (name, (which, range)) in &settled {
        assert!(play(&store, name).unwrap() == take(*which, range.clone()), "{name}");
    }
    assert_eq!(store.len().unwrap(), settled.len() as u64);
    let report = store.verify(VerifyOptions { decode: true }).unwrap();
    assert!(report.is_sound(), "{report:?}");
    let counts = [&puts, &gets, &removed].map(|count| count.load(Ordering::Relaxed));
    println!("{} puts, {} gets, {} objects removed", counts[0], counts[1], counts[2]);
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

/// A file system without space: puts fail with an error, names stay whole, and all is well once there is space.
#[test]
fn a_full_disk_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let size = c"size=8m";
    let mounted =
        rustix::mount::mount("none", folder.path(), "tmpfs", rustix::mount::MountFlags::empty(), size);
    if mounted.is_err() {
        println!("skipped: only root can mount");
        return;
    }
    let location = Location::folder(folder.path().join("store"));
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        std::fs::write(folder.path().join("ballast"), vec![1; 1_500_000]).unwrap();
        let store = Store::init(&location, codecs()).unwrap();
        let mut stored = Vec::new();
        let mut failed = 0;
        for index in 0..5000 {
            let name = format!("{index}");
            match put(&store, &name, &take(index, 0..20)) {
                Ok(_) => stored.push(index),
                Err(Error::Io { .. } | Error::Catalogue { .. }) => failed += 1,
                Err(other) => panic!("{other}"),
            }
            if failed > 5 {
                break;
            }
        }
        assert!(failed > 5 && !stored.is_empty(), "{failed} failed, {} stored", stored.len());
        for index in &stored {
            assert_eq!(
                play(&store, &index.to_string()).unwrap(),
                take(*index, 0..20),
                "reading needs no space"
            );
        }
        // With some space again, everything goes on.
        std::fs::remove_file(folder.path().join("ballast")).unwrap();
        let report = store.verify(VerifyOptions { decode: true }).unwrap();
        assert!(report.is_sound(), "{report:?}");
        assert_eq!(store.len().unwrap(), stored.len() as u64);
        put(&store, "after", &take(999, 0..20)).unwrap();
        store.rm("after").unwrap();
    }));
    let _ = rustix::mount::unmount(folder.path(), rustix::mount::UnmountFlags::DETACH);
    done.unwrap();
}

/// A read-only medium, or a full one: everything can be read, nothing is changed, and nothing claims to have been.
#[test]
fn a_store_that_cannot_be_written_can_be_read() {
    use rustix::mount::{MountFlags, mount_remount};
    only_reads(|folder| mount_remount(folder, MountFlags::RDONLY, c"").unwrap());
    only_reads(|folder| {
        let mut ballast = std::fs::File::create(folder.join("ballast")).unwrap();
        while ballast.write(&[1; 4096]).is_ok() {}
    });
}

/// Makes a file system of its own unwritable while a store in it is closed.
fn only_reads(unwritable: impl FnOnce(&Path)) {
    use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
    let folder = tempfile::tempdir().unwrap();
    if mount("none", folder.path(), "tmpfs", MountFlags::empty(), c"size=8m").is_err() {
        println!("skipped: only root can mount");
        return;
    }
    let location = Location::folder(folder.path().join("store"));
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let clip = take(1, 0..30);
        let store = Store::init(&location, codecs()).unwrap();
        put(&store, "clip", &clip).unwrap();
        put(&store, "garbage", &take(2, 0..30)).unwrap();
        store.rm("garbage").unwrap();
        drop(store);
        unwritable(folder.path());
        let store = Store::open(&location, codecs()).unwrap();
        assert_eq!(play(&store, "clip").unwrap(), clip);
        assert_eq!(store.ls("", "", 10).unwrap().len(), 1);
        assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
        assert!(store.gc(&GcOptions { dry_run: true, ..NOW }).unwrap().purged == 1);
        assert_eq!(put(&store, "clip", &clip).unwrap().new_bytes, 0);
        let refused = [
            put(&store, "again", &clip).map(drop),
            put(&store, "other", &take(3, 0..30)).map(drop),
            store.rm("clip"),
            store.undelete("garbage"),
            store.gc(&NOW).map(drop),
            store.gc(&GcOptions::default()).map(drop),
        ];
        for refused in refused {
            assert!(matches!(refused, Err(Error::ReadOnly { .. })), "{refused:?}");
        }
        assert_eq!(play(&store, "clip").unwrap(), clip);
    }));
    let _ = unmount(folder.path(), UnmountFlags::DETACH);
    done.unwrap();
}
