//! `vcn dedup` and `vcn id`, as a user has them.

use std::fs;

use vcn_media::{Picture, Yuv420};

use crate::vcn::Place;

const WIDTH: usize = 96;
const HEIGHT: usize = 64;

/// A frame of a video in which something moves.
fn frame(seed: usize, t: usize) -> Yuv420 {
    let (pace, turn) = (0.04 + 0.03 * seed as f32, 0.4 * seed as f32);
    let luma = |at: usize| {
        let (x, y) = ((at % WIDTH) as f32, (at / WIDTH) as f32);
        let waves = 55.0 * (pace * x + turn).sin() * (1.3 * pace * y - turn).cos();
        let (left, top) = (15.0 + t as f32 + 9.0 * seed as f32, 30.0 - turn * t as f32 * 0.3);
        let disc = ((x - left).powi(2) + (y - top).powi(2)).sqrt() < 12.0;
        (120.0 + waves + if disc { 50.0 } else { 0.0 }) as u8
    };
    let chroma = |at: usize| 108 + (at % 40) as u8;
    let half = || (0..WIDTH * HEIGHT / 4).map(chroma).collect();
    Yuv420 { width: WIDTH, height: HEIGHT, y: (0..WIDTH * HEIGHT).map(luma).collect(), u: half(), v: half() }
}

/// The same as somebody else coded it.
fn coded_again(mut picture: Yuv420) -> Yuv420 {
    picture.y.iter_mut().enumerate().for_each(|(at, sample)| *sample += (at * 7 % 3) as u8);
    picture
}

/// The same but for a part of another colour, of which luma tells nothing.
fn tinted(mut picture: Yuv420) -> Yuv420 {
    for row in 8..16 {
        picture.v[row * WIDTH / 2 + 8..][..8].iter_mut().for_each(|sample| *sample += 40);
    }
    picture
}

fn write(place: &Place, name: &str, seed: usize, change: impl Fn(Yuv420) -> Yuv420) {
    place.write(name, WIDTH, HEIGHT, (0..45).map(|t| Picture::from(change(frame(seed, t)))).collect());
}

fn folder() -> Place {
    let place = Place::new();
    for folder in ["best", "other"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    write(&place, "best/a.y4m", 1, |picture| picture);
    write(&place, "other/copy.y4m", 1, coded_again);
    write(&place, "other/tinted.y4m", 1, tinted);
    fs::copy(place.path("best/a.y4m"), place.path("other/same.y4m")).unwrap();
    place
}

#[test]
fn duplicates_go_to_the_trash_and_come_back_and_a_page_shows_them() {
    let place = folder();
    let before = place.bytes("other/copy.y4m");
    let dry =
        place.ok("dedup other best --keep folder,resolution --action trash --html page.html --json").json();
    // Of the same bytes, that in the folder named first is kept.
    let kept = dry["groups"][0]["keep"]["path"].as_str().unwrap();
    assert!(kept.starts_with("other/"), "{kept}");
    assert!(place.path("best/a.y4m").exists() && place.path("other/copy.y4m").exists());
    let page = fs::read_to_string(place.path("page.html")).unwrap();
    assert!(page.contains("other/copy.y4m") && page.contains("data:image/jpeg;base64,"));
    assert!(page.contains("<article class=\"edited\">"), "what is tinted is no duplicate");
    place.fails("dedup best --html page.html", 1, "page.html");

    let done = place.ok("dedup best other --keep folder --action trash --apply --json").json();
    let group = &done["groups"][0];
    assert_eq!(group["keep"]["path"], "best/a.y4m");
    assert_eq!(group["duplicates"].as_array().unwrap().len(), 2);
    assert!(!place.path("other/copy.y4m").exists() && !place.path("other/same.y4m").exists());
    assert!(place.path("best/a.y4m").exists() && place.path("other/tinted.y4m").exists());
    let journal = done["journal"].as_str().unwrap();
    place.ok(&format!("dedup --undo {journal}"));
    assert_eq!(place.bytes("other/copy.y4m"), before);
}

#[test]
fn one_file_under_two_names_of_its_folder_is_no_duplicate() {
    let place = folder();
    let found = place.ok("dedup best ./best/../best --json").json();
    assert_eq!((&found["videos"], &found["groups"]), (&1.into(), &serde_json::json!([])));
}

#[test]
fn ids_are_equal_for_equal_frames_and_near_for_copies() {
    let place = folder();
    write(&place, "other.y4m", 4, |picture| picture);
    let ids = place.ok("id best/a.y4m other/same.y4m other/copy.y4m other.y4m --json").json();
    let [a, same, copy, other] = [0, 1, 2, 3].map(|at| &ids["videos"][at]);
    assert_eq!((&a["exact256"], &a["perceptual256"]), (&same["exact256"], &same["perceptual256"]));
    assert!(a["exact256"].as_str().unwrap().starts_with(a["exact64"].as_str().unwrap()));
    assert_ne!(a["exact64"], copy["exact64"]);
    assert!(copy["distance"].as_u64() < Some(16), "{}", copy["distance"]);
    assert!(other["distance"].as_u64() > Some(48), "{}", other["distance"]);
    // A video that cannot be read does not keep the others from being named.
    let ran = place.fails("id missing.mp4 best/a.y4m", 1, "missing.mp4");
    assert!(ran.text().contains(a["exact256"].as_str().unwrap()));
}
