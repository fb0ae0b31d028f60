//! Duplicates are found, told from what only looks like them, and every step can be undone.
#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use vcn_curate::dedup::{self, Action, Journal, Options, Relation, Report};
use vcn_curate::{Scan, discover};
use vcn_media::{Colour, CreateOptions, Picture, Rational, SourceKind, VideoInfo, Yuv420, create};
use vcn_similarity::BlockSpectrum;

/// Moving bright discs on a gradient.
fn scene(seed: usize, frame: usize, side: usize, forged: bool) -> Picture {
    tinted(seed, frame, side, forged, false)
}

/// The same with a spot of another colour and the same luma.
fn tinted(seed: usize, frame: usize, side: usize, forged: bool, tinted: bool) -> Picture {
    let mut y = Vec::with_capacity(side * side);
    for at in 0..side * side {
        let (u, v) = ((at % side) as f32 / side as f32, (at / side) as f32 / side as f32);
        let mut value = 90.0 + 60.0 * ((seed * 37 % 11) as f32 / 11.0 - 0.5) * u + 30.0 * v;
        let (across, along) = ((5 + seed * 11 % 13) as f32, (4 + seed * 17 % 19) as f32);
        value += 25.0 * (across * u + 3.0 * v).sin() * (along * v - 2.0 * u).cos();
        for disc in 0..6 {
            let random = |k: usize| ((seed * 7919 + disc * 104_729 + k * 1299) % 997) as f32 / 997.0;
            let (x, z) = (random(1) + 0.2 * (frame as f32 / 20.0).sin(), random(2) + 0.01 * frame as f32);
            let distance = ((u - x).powi(2) + (v - z).powi(2)).sqrt() / (0.1 + 0.1 * random(3));
            value += (random(4) - 0.3) * 160.0 * (1.0 - distance).clamp(0.0, 0.4);
        }
        if forged && (0.42..0.5).contains(&u) && (0.62..0.7).contains(&v) {
            value = 235.0;
        }
        y.push(value.clamp(35.0, 235.0) as u8);
    }
    let half = side / 2;
    let spot = |at: usize| {
        (half / 4..half / 3).contains(&(at % half)) && (half / 4..half / 3).contains(&(at / half))
    };
    let v = (0..half * half).map(|at| if tinted && spot(at) { 158 } else { 128 }).collect();
    Yuv420 { width: side, height: side, y, u: vec![128; half * half], v }.into()
}

fn write(path: &Path, frames: impl Iterator<Item = Picture>) {
    let frames: Vec<Picture> = frames.collect();
    let (width, height) = frames[0].size();
    let info = VideoInfo {
        width,
        height,
        fps: Rational { num: 8, den: 1 },
        colour: Colour::RGB_INPUT,
        frames: None,
        source: SourceKind::Other,
    };
    let mut writer = create(path.to_str().unwrap(), &info, CreateOptions { overwrite: false }).unwrap();
    frames.iter().for_each(|frame| writer.write(frame).unwrap());
    writer.finish().unwrap();
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let clip = |seed, side, forged| (0..40).map(move |frame| scene(seed, frame, side, forged));
    fs::create_dir(at("deep")).unwrap();
    write(&at("a.y4m"), clip(1, 192, false));
    fs::copy(at("a.y4m"), at("deep/copy of a.y4m")).unwrap();
    write(&at("small.y4m"), clip(1, 96, false));
    write(&at("forged.y4m"), clip(1, 192, true));
    write(&at("tinted.y4m"), (0..40).map(|frame| tinted(1, frame, 192, false, true)));
    write(&at("other.y4m"), clip(2, 192, false));
    write(&at("trim.y4m"), (12..34).map(|frame| scene(1, frame, 192, false)));
    fs::write(at("broken.y4m"), b"YUV4MPEG2 W16 H16 F25:1\nFRAME\nshort").unwrap();
    folder
}

fn search(folder: &Path) -> (Vec<Scan>, Vec<PathBuf>, Report) {
    let found = discover(folder, &["y4m".to_owned()]);
    let (mut scans, mut skipped) = (Vec::new(), Vec::new());
    for path in found.videos {
        match Scan::of(&path, &BlockSpectrum, || ()) {
            Ok(scan) => scans.push(scan),
            Err(_) => skipped.push(path),
        }
    }
    let folders = vec![0; scans.len()];
    let report = dedup::find(&scans, &folders, &BlockSpectrum, &Options::default(), |_, _| ()).unwrap();
    (scans, skipped, report)
}

#[test]
fn copies_are_found_and_forgeries_are_not_merged() {
    let folder = folder();
    let (scans, skipped, report) = search(folder.path());
    assert_eq!(skipped, [folder.path().join("broken.y4m")]);
    let name = |video: usize| scans[video].path.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(report.groups.len(), 1);
    assert_eq!(name(report.groups[0].keep), "a.y4m");
    let others: Vec<_> = report.groups[0].others.iter().map(|m| (name(m.video), m.relation)).collect();
    assert_eq!(
        others,
        [("copy of a.y4m".to_owned(), Relation::Identical), ("small.y4m".to_owned(), Relation::Duplicate)]
    );
    let related = |of: &str| report.related.iter().find(|r| name(r.video) == of || name(r.other) == of);
    assert_eq!(related("forged.y4m").unwrap().relation, Relation::Edited);
    assert_eq!(related("tinted.y4m").unwrap().relation, Relation::Edited);
    let part = related("trim.y4m").unwrap();
    assert_eq!(part.relation, Relation::Part);
    let offset = part.evidence.other_from - part.evidence.from;
    assert!((offset.abs() - 1.5).abs() < 0.01, "{offset}");
    assert!(related("other.y4m").is_none());
}

#[test]
fn what_was_done_can_be_undone() {
    for action in [Action::Trash, Action::Link, Action::Delete] {
        let folder = folder();
        let (scans, _, report) = search(folder.path());
        let steps = dedup::plan(&report, &scans);
        assert_eq!(steps.len(), 2);
        let before: Vec<Vec<u8>> = steps.iter().map(|step| fs::read(&step.path).unwrap()).collect();
        let path = folder.path().join(".vcn-dedup/journal.jsonl");
        let mut journal = Journal::create(&path).unwrap();
        for step in &steps {
            dedup::apply(step, action, &folder.path().join(".vcn-dedup/held"), &mut journal).unwrap();
            assert!(step.kept.exists());
        }
        if action == Action::Link {
            // Whoever does it again finds links, which take nothing.
            let (scans, _, report) = search(folder.path());
            let again = dedup::plan(&report, &scans);
            assert_eq!(again.len(), 2);
            assert!(again.iter().all(|step| step.bytes == 0 && step.refused.is_some()));
        }
        let undone = dedup::undo(&path).unwrap();
        for (step, before) in steps.iter().zip(before) {
            let undone = undone.iter().find(|undone| undone.path == step.path).unwrap();
            // Bytes that were nowhere else are gone, and it says so.
            let gone = action != Action::Trash && step.relation == Relation::Duplicate;
            assert_eq!(undone.restored, !gone, "{action:?}: {}", undone.reason);
            if !gone {
                assert_eq!(fs::read(&step.path).unwrap(), before);
            }
        }
        assert!(Journal::create(&path).is_err(), "a journal is never overwritten");
    }
}

#[test]
fn a_file_comes_back_whose_deletion_was_cut_short() {
    let folder = folder();
    let (scans, _, report) = search(folder.path());
    let steps = dedup::plan(&report, &scans);
    let step = steps.iter().find(|step| step.relation == Relation::Duplicate).unwrap();
    let before = fs::read(&step.path).unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::create(&path).unwrap();
    dedup::apply(step, Action::Delete, folder.path(), &mut journal).unwrap();
    // As if the process had been killed between stepping aside and deleting.
    fs::write(folder.path().join(".small.y4m.dedup-1"), &before).unwrap();
    let undone = dedup::undo(&path).unwrap();
    assert!(undone[0].restored, "{}", undone[0].reason);
    assert_eq!(fs::read(&step.path).unwrap(), before);
    assert!(!folder.path().join(".small.y4m.dedup-1").exists());
}

#[test]
fn what_changed_since_it_was_compared_is_left_alone() {
    let folder = folder();
    let (scans, _, report) = search(folder.path());
    let steps = dedup::plan(&report, &scans);
    let mut journal = Journal::create(&folder.path().join("journal")).unwrap();
    // The file that was to be kept is another one now.
    fs::write(&steps[0].kept, b"something else").unwrap();
    for step in &steps {
        assert!(dedup::apply(step, Action::Delete, folder.path(), &mut journal).is_err());
        assert!(step.path.exists());
    }
}
