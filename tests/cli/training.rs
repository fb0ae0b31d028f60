//! `vcn train` works as it comes, goes on where it stopped, and refuses what it cannot do.

use std::fs;

use crate::vcn::Place;

const TRAIN: &str = "train clips -o run --stage intra --batch 1 --crop 32 --cooldown 0 --backend flex";

fn place() -> Place {
    let place = Place::new();
    fs::create_dir(place.path("clips")).unwrap();
    place.video("clips/waves.y4m", 48, 40, 3);
    place
}

#[test]
fn a_run_in_two_parts_is_the_run_in_one() {
    let (parts, whole) = (place(), place());
    parts.ok(&format!("{TRAIN} --steps 1"));
    parts.ok(&format!("{TRAIN} --steps 2"));
    whole.ok(&format!("{TRAIN} --steps 2 --threads 2"));
    // The header holds seconds as well: only weights and moments must agree.
    let weights = |place: &Place| {
        let bytes = place.bytes("run/state.safetensors");
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[8 + header..].to_vec()
    };
    assert!(weights(&parts) == weights(&whole));
}

#[test]
fn shapes_that_no_batch_can_have_are_refused() {
    let place = place();
    place.fails("train clips -o run --crop 40 --backend flex", 1, "multiple of 16");
    place.fails("train clips -o run --batch 0 --backend flex", 1, "at least 1");
    place.fails("train clips -o run --frames 1 --backend flex", 1, "needs at least 2");
}
