//! A process killed at any step leaves at worst garbage: never a dangling name, never a wrong frame.
//!
//! Each operation runs in a child process (this test binary again), which kills itself with SIGKILL at a named step, or
//! fails there. Then the store must be sound, hold everything from before, and let the operation be done again.
#![allow(missing_docs)]

mod clips;

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use clips::{Coarse, codecs, play, request, take};
use vcn_media::Picture;
use vcn_store::{
    BlockSpectrum, Class, Clip, Dedup, Error, GcOptions, Location, MaxDistortion, RepairOptions, SideStream,
    Store, VerifyOptions,
};

const NOW: GcOptions =
    GcOptions { retention: Duration::ZERO, grace: Duration::ZERO, max_share: 100, dry_run: false };

fn open(folder: &Path) -> Store {
    Store::open(&Location::folder(folder), codecs()).unwrap()
}

/// The names of the store that every test starts from.
fn before() -> BTreeMap<&'static str, Vec<Picture>> {
    BTreeMap::from([
        ("kept", take(1, 0..30)),
        ("shared", take(1, 10..30)),
        ("replaced", take(2, 0..12)),
        ("removed", take(3, 0..12)),
        ("undescribed", take(8, 0..12)),
    ])
}

/// What looks like `kept` and is not.
fn noisy() -> Vec<Picture> {
    let mut frames = take(1, 0..30);
    for frame in &mut frames {
        if let Picture::Yuv420(frame) = frame {
            frame.y.iter_mut().step_by(3).for_each(|y| *y ^= 1);
        }
    }
    frames
}

fn prepare(folder: &Path) {
    let store = Store::init(&Location::folder(folder), codecs()).unwrap();
    for (name, clip) in before() {
        let mut request = request(name);
        request.descriptor = request.descriptor.filter(|_| name != "undescribed");
        store.put(request, &mut Clip::new(clip)).unwrap();
    }
    // A tombstone within its time, garbage in quarantine, and a removed name to bring back.
    clips::put(&store, "old", &take(4, 0..30)).unwrap();
    store.rm("old").unwrap();
    store.gc(&NOW).unwrap();
    clips::put(&store, "back", &take(5, 0..12)).unwrap();
    store.rm("back").unwrap();
}

/// Names that an operation changes: what they may show until it is done, and what they show then; nothing is no such
/// name.
type Changes = BTreeMap<&'static str, (Vec<Option<Vec<Picture>>>, Option<Vec<Picture>>)>;

fn changes(operation: &str) -> Changes {
    let before = |name| before().remove(name);
    let change = |name, until, then| BTreeMap::from([(name, (until, then))]);
    match operation {
        "put" => change("new", vec![None], Some(take(6, 0..20))),
        "put-shared" => change("new", vec![None], Some(take(1, 0..30))),
        "put-over" => change("replaced", vec![before("replaced")], Some(take(7, 0..12))),
        // It is put as it is first.
        "replace" => change("alike", vec![None, Some(noisy())], Some(take(1, 0..30))),
        "rm" => change("removed", vec![before("removed")], None),
        "undelete" => change("back", vec![None], Some(take(5, 0..12))),
        _ => BTreeMap::new(),
    }
}

fn run(operation: &str, folder: &Path) -> vcn_store::Result<()> {
    if operation == "rebuild" {
        return Store::rebuild_catalogue(&Location::folder(folder), false, None).map(|_| ());
    }
    let store = Store::open(&Location::folder(folder), codecs())?;
    match operation {
        "put" => {
            let mut request = request("new");
            let mut original = &b"the original bytes"[..];
            request.class = Class::Source;
            request.original = Some(&mut original);
            let (kind, label, bytes) = ("audio".to_owned(), "en".to_owned(), b"la la".to_vec());
            request.side = vec![SideStream { kind, label, identity: None, bytes }];
            store.put(request, &mut Clip::new(take(6, 0..20))).map(|_| ())
        }
        "put-shared" => clips::put(&store, "new", &take(1, 0..30)).map(|_| ()),
        "put-over" => {
            let mut request = request("replaced");
            request.overwrite = true;
            store.put(request, &mut Clip::new(take(7, 0..12))).map(|_| ())
        }
        "replace" => {
            let mut request = request("alike");
            let bounds = MaxDistortion { frame: 36.0, block: 30.0 };
            (request.class, request.codec, request.dedup) = (Class::Quality, &Coarse, Dedup::Replace(bounds));
            store.put(request, &mut Clip::new(noisy())).map(|_| ())
        }
        "describe" => store.describe(&BlockSpectrum, false).map(|_| ()),
        "rm" => store.rm("removed"),
        "undelete" => store.undelete("back"),
        "get" => play(&store, "kept").map(|_| ()),
        "gc" => store.gc(&NOW).map(|_| ()),
        "repair" => store.repair(&RepairOptions::default()).map(|_| ()),
        other => panic!("{other}"),
    }
}

/// Not a test: what the child process does.
#[test]
#[ignore = "the child of the others"]
fn child() {
    let (Ok(operation), Ok(folder)) = (std::env::var("VCN_TEST_OPERATION"), std::env::var("VCN_TEST_STORE"))
    else {
        return;
    };
    match run(&operation, Path::new(&folder)) {
        Ok(()) => {}
        Err(error @ (Error::Failpoint(_) | Error::CollectionAborted { .. })) => {
            eprintln!("{error}");
            std::process::exit(3);
        }
        Err(error) => panic!("{error}"),
    }
}

fn spawn(operation: &str, folder: &Path, failpoint: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env("VCN_TEST_OPERATION", operation)
        .env("VCN_TEST_STORE", folder)
        .env("VCN_FAILPOINT", failpoint)
        .output()
        .unwrap()
}

/// The steps that an operation reaches, and how often.
fn steps(operation: &str, prepared: &Path) -> BTreeMap<String, usize> {
    let folder = copy(prepared);
    let output = spawn(operation, folder.path(), "list");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut steps = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        if let Some(step) = line.strip_prefix("failpoint ") {
            *steps.entry(step.to_owned()).or_default() += 1;
        }
    }
    steps
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    copy_into(from, to.path());
    to
}

fn copy_into(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_into(&entry.path(), &target),
            false => std::fs::copy(entry.path(), target).map(|_| ()).unwrap(),
        }
    }
}

/// What every name must show.
fn check(store: &Store, changes: &Changes, done: bool, context: &str) {
    for (name, clip) in before() {
        if !changes.contains_key(name) {
            assert_eq!(play(store, name).unwrap(), clip, "{context}: {name}");
        }
    }
    for (name, (until, then)) in changes {
        let found = match play(store, name) {
            Ok(frames) => Some(frames),
            Err(Error::UnknownName { .. }) => None,
            Err(error) => panic!("{context}: {name}: {error}"),
        };
        assert!(
            found == *then || (!done && until.contains(&found)),
            "{context}: {name} shows something else"
        );
    }
    let report = store.verify(VerifyOptions { decode: true }).unwrap();
    assert!(report.is_sound(), "{context}: {report:?}");
}

/// What holds after an operation was interrupted.
fn survives(operation: &str, folder: &Path, context: &str) {
    let changes = changes(operation);
    if operation == "rebuild" && Store::open(&Location::folder(folder), codecs()).is_err() {
        // Interrupted between the old catalogue and the new one: it says so, and can be done again.
        run(operation, folder).unwrap();
    }
    check(&open(folder), &changes, false, context);

    // The catalogue can be lost, too.
    let lost = copy(folder);
    Store::rebuild_catalogue(&Location::folder(lost.path()), false, None).unwrap();
    check(&open(lost.path()), &changes, false, &format!("{context}, catalogue rebuilt"));

    // Collections after the lease has run out take nothing that is needed, then the operation can be done again.
    let expire = rusqlite::Connection::open(folder.join("catalogue.db")).unwrap();
    expire.execute("UPDATE leases SET expires = 0", []).unwrap();
    drop(expire);
    let store = open(folder);
    let week = GcOptions { retention: Duration::from_secs(604_800), ..NOW };
    for _ in 0..2 {
        store.gc(&week).unwrap();
    }
    check(&store, &changes, false, &format!("{context}, collected"));
    drop(store);
    match run(operation, folder) {
        Ok(()) | Err(Error::UnknownName { .. } | Error::NameTaken { .. }) => {}
        Err(error) => panic!("{context}: again: {error}"),
    }
    check(&open(folder), &changes, true, &format!("{context}, done again"));
    if operation == "describe" {
        let left = open(folder).describe(&BlockSpectrum, true).unwrap();
        assert_eq!((left.described, left.undecodable), (0, 0), "{context}");
    }
    assert!(std::fs::read_dir(folder.join("tmp")).unwrap().count() <= 1, "{context}");
}

fn every_step(operation: &str) {
    let prepared = tempfile::tempdir().unwrap();
    prepare(prepared.path());
    let steps = steps(operation, prepared.path());
    assert!(!steps.is_empty());
    for (step, count) in steps {
        for at in [1, count.div_ceil(2), count].into_iter().collect::<std::collections::BTreeSet<_>>() {
            for action in ["kill", "fail"] {
                let folder = copy(prepared.path());
                let context = format!("{operation}, {action} at {step}, time {at} of {count}");
                let output = spawn(operation, folder.path(), &format!("{step}:{action}@{at}"));
                let stopped = match action {
                    "kill" => output.status.signal() == Some(9),
                    // Cleaning up may go on after a failure; releasing a lease never fails.
                    _ => output.status.code() == Some(3),
                };
                assert!(
                    stopped,
                    "{context}: {:?} {}",
                    output.status,
                    String::from_utf8_lossy(&output.stderr)
                );
                survives(operation, folder.path(), &context);
            }
        }
    }
}

#[test]
fn put_survives() {
    every_step("put");
}

#[test]
fn put_of_a_stored_video_survives() {
    every_step("put-shared");
}

#[test]
fn put_over_a_name_survives() {
    every_step("put-over");
}

#[test]
fn replace_survives() {
    every_step("replace");
}

#[test]
fn describe_survives() {
    every_step("describe");
}

#[test]
fn rm_survives() {
    every_step("rm");
}

#[test]
fn undelete_survives() {
    every_step("undelete");
}

#[test]
fn get_survives() {
    every_step("get");
}

#[test]
fn gc_survives() {
    every_step("gc");
}

/// Damages a manifest and two segments of the store.
fn damage(folder: &Path) {
    let first_segment = |name| open(folder).stat(name).unwrap().manifest.segments[0].id().path();
    let segments = [first_segment("kept"), first_segment("removed")];
    let replaced = open(folder).stat("replaced").unwrap().entry.manifest;
    let replaced = replaced.to_string();
    for path in segments.into_iter().chain([format!("man/{}/{replaced}", &replaced[..2])]) {
        let path = folder.join(path);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn repair_survives() {
    let prepared = tempfile::tempdir().unwrap();
    prepare(prepared.path());
    damage(prepared.path());
    let steps = steps("repair", prepared.path());
    assert!(
        ["repair.verified", "repair.set-aside", "repair.forgotten"].iter().all(|s| steps.contains_key(*s))
    );
    for (step, count) in steps {
        for at in 1..=count {
            let context = format!("kill at {step}, time {at} of {count}");
            let folder = copy(prepared.path());
            let output = spawn("repair", folder.path(), &format!("{step}:kill@{at}"));
            assert_eq!(output.status.signal(), Some(9), "{context}");
            // Whatever was done, a repair again comes to the same, and loses nothing that was whole.
            let store = open(folder.path());
            let report = store.repair(&RepairOptions::default()).unwrap();
            assert_eq!(report.set_aside.len() + report.missing.len(), 3, "{context}: {report:?}");
            let lost: Vec<&str> = report.lost.keys().map(String::as_str).collect();
            assert_eq!(lost, ["kept", "removed", "replaced"], "{context}");
            assert_eq!(play(&store, "shared").unwrap(), take(1, 10..30), "{context}");
            // Putting them again heals them.
            for (name, clip) in before() {
                let name = format!("{name} again");
                clips::put(&store, &name, &clip).unwrap();
            }
            check(&store, &Changes::new(), true, &context);
        }
    }
}

#[test]
fn rebuild_survives() {
    every_step("rebuild");
}
