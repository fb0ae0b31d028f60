//! `vcn summarize`.

use std::fs;

use hdf5_pure::FileBuilder;
use vcn_media::{Picture, Yuv420};

use crate::vcn::{Place, moving};

/// Five shots of 40 frames; the fourth shows what the second showed.
fn film(place: &Place) {
    let shown = |shot: usize, t: usize| match shot {
        0 => moving(48, 32, t),
        1 | 3 => Yuv420 { y: vec![230; 48 * 32], ..moving(48, 32, 0) },
        2 => Yuv420 { y: moving(48, 32, 3 * t).y.iter().map(|y| 255 - y).collect(), ..moving(48, 32, t) },
        _ => Yuv420 { y: vec![20; 48 * 32], ..moving(48, 32, 0) },
    };
    let frames = (0..200).map(|t| Picture::from(shown(t / 40, t)));
    place.write("film.y4m", 48, 32, frames.collect());
}

#[test]
fn a_summary_has_a_frame_of_each_thing_and_takes_its_share() {
    let place = Place::new();
    film(&place);
    let make = "summarize film.y4m -o out --keyframes 4 --share 0.5 --pictures-per-second 6 --clip clip.y4m --model MODEL";
    let made = place.ok(&format!("{make} --json")).json();
    let frames: Vec<usize> =
        made["keyframes"].as_array().unwrap().iter().map(|k| k["frame"].as_u64().unwrap() as usize).collect();
    let mut shown: Vec<usize> = frames.iter().map(|frame| [0, 1, 2, 1, 4][frame / 40]).collect();
    shown.sort_unstable();
    assert_eq!(shown, [0, 1, 2, 4], "{frames:?}");
    let reward = |what: &str| made["reward"][what].as_f64().unwrap();
    assert!(reward("keyframes") >= reward("even_keyframes"), "{}", made["reward"]);

    // Shots begin where scenes do, cover the film, and those of the summary are the clip.
    let shots = made["shots"].as_array().unwrap();
    let number = |shot: &serde_json::Value, key: &str| shot[key].as_u64().unwrap();
    for cut in [0, 40, 80, 120, 160] {
        assert!(shots.iter().any(|shot| number(shot, "from") == cut), "{cut}: {shots:?}");
    }
    assert!(shots.windows(2).all(|pair| number(&pair[0], "to") == number(&pair[1], "from")));
    let film = place.frames("film.y4m");
    let kept = shots.iter().filter(|shot| shot["in_summary"] == true);
    let kept: Vec<Picture> = kept
        .flat_map(|shot| film[number(shot, "from") as usize..number(shot, "to") as usize].to_vec())
        .collect();
    assert!(kept.len() > 60 && kept.len() <= 100, "{}", kept.len());
    assert!(place.frames("out/clip.y4m") == kept);
    assert_eq!(made["summary_frames"], kept.len());
    assert!(place.frames("out/contact-sheet.png")[0].size().0 > 4 * 280);
    assert!(fs::read_to_string(place.path("out/scores.svg")).unwrap().contains("keyframes"));
    place.fails(make, 1, "out");

    let learned = place.ok(&format!("{make} --method policy --epochs 5 --overwrite --json")).json();
    assert_eq!(learned["method"], "policy");
    assert_eq!(learned["keyframes"].as_array().unwrap().len(), 4);
    place.fails("summarize - -o other --model MODEL", 2, "twice");
}

#[test]
#[cfg(unix)]
fn a_run_that_was_killed_is_not_in_the_way() {
    let place = Place::new();
    film(&place);
    let make = |from: &str, to: &str| {
        format!(
            "summarize {from} -o {to} --keyframes 2 --share 0.5 --pictures-per-second 3 --clip clip.y4m --model MODEL"
        )
    };
    let slow = place.path("slow.y4m");
    assert!(std::process::Command::new("mkfifo").arg(&slow).status().unwrap().success());
    let mut child = place.command(&make("slow.y4m", "out")).spawn().unwrap();
    // Waits until it is read.
    let video = fs::File::options().write(true).open(&slow).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(video);
    // What a process leaves behind that is killed while it writes.
    fs::write(place.path("out/.clip.y4m.partial-1"), b"torn").unwrap();
    place.ok(&make("film.y4m", "out"));
    place.ok(&make("film.y4m", "whole"));
    assert!(!place.path("out/.clip.y4m.partial-1").exists());
    for name in ["clip.y4m", "summary.json", "contact-sheet.png"] {
        assert!(place.bytes(&format!("out/{name}")) == place.bytes(&format!("whole/{name}")), "{name}");
    }
    // What is complete is in the way.
    place.fails(&make("film.y4m", "out"), 1, "--overwrite");
}

/// Three videos of six shots, of which people took two.
fn data_set() -> Vec<u8> {
    let mut file = FileBuilder::new();
    for video in 1..=3usize {
        let (steps, frames) = (60, 900);
        let taken = |frame: usize| matches!(frame / 150, shot if shot == video % 3 || shot == 4);
        let mut group = file.create_group(&format!("video_{video}"));
        // Frames of a shot that people took look alike, all others like nothing else.
        let look = |step: usize| if taken(15 * step) { step / 10 } else { 6 + step };
        let feature = |step: usize| (0..66).map(move |k| f32::from(u8::from(k == look(step))));
        let features: Vec<f32> = (0..steps).flat_map(feature).collect();
        group.create_dataset("features").with_f32_data(&features).with_shape(&[steps as u64, 66]);
        let picks: Vec<i32> = (0..steps as i32).map(|step| 15 * step).collect();
        group.create_dataset("picks").with_i32_data(&picks);
        group.create_dataset("n_frames").with_i64_data(&[frames]);
        let points: Vec<i32> = (0..6).flat_map(|shot| [150 * shot, 150 * shot + 149]).collect();
        group.create_dataset("change_points").with_i32_data(&points).with_shape(&[6, 2]);
        let users: Vec<f32> =
            (0..2).flat_map(|_| (0..900).map(|frame| f32::from(u8::from(taken(frame))))).collect();
        group.create_dataset("user_summary").with_f32_data(&users).with_shape(&[2, 900]);
        file.add_group(group.finish());
    }
    file.finish().unwrap()
}

#[test]
fn people_judge_summaries() {
    let place = Place::new();
    let data = data_set();
    fs::write(place.path("data.h5"), &data).unwrap();
    let evaluate = "summarize --evaluate data.h5 --split-count 2 --train-share 0.4 --share 0.34";
    let found = place.ok(&format!("{evaluate} -o out --json")).json();
    assert_eq!(found["splits"].as_array().unwrap().len(), 2);
    assert_eq!(found["splits"][0]["videos"].as_array().unwrap().len(), 2);
    let score = |which: &str| found[which]["mean"].as_f64().unwrap();
    assert!(score("found") > 0.99 && score("random") < 0.6, "{found}");
    let again = place.ok("summarize --evaluate data.h5 --splits out/splits.json --share 0.34 --json").json();
    assert_eq!(again["found"], found["found"]);
    let learned = place.ok(&format!("{evaluate} --method policy --epochs 3 -o learned")).text();
    assert!(learned.contains("all") && place.bytes("learned/reward.svg").len() > 500);

    // Damage is named, and does no harm.
    for at in (0..data.len()).step_by(data.len() / 40) {
        let mut damaged = data.clone();
        damaged[at] ^= 0x5a;
        fs::write(place.path("damaged.h5"), damaged).unwrap();
        let ran = place.run("summarize --evaluate damaged.h5 --split-count 1 --train-share 0");
        assert!(matches!(ran.code, 0 | 3), "{at}: {}", ran.err);
    }
    fs::write(place.path("damaged.h5"), &data[..data.len() / 2]).unwrap();
    place.fails("summarize --evaluate damaged.h5", 3, "damaged.h5");
}
