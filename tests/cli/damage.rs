//! Damaged, truncated and foreign files: a clear error, the right exit code, and what is intact on request.

use crate::vcn::{Place, other_model};

fn coded() -> Place {
    let place = Place::new();
    place.video("in.y4m", 32, 16, 6);
    place.ok("compress in.y4m -o a.vcn --gop 2 --model MODEL");
    place.ok("decompress a.vcn -o all.y4m --model MODEL");
    place
}

#[test]
fn any_flipped_byte_is_found() {
    let place = coded();
    let bytes = place.bytes("a.vcn");
    for position in (0..bytes.len()).step_by(bytes.len() / 24 + 1).chain([bytes.len() - 1]) {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x10;
        std::fs::write(place.path("b.vcn"), damaged).unwrap();
        for command in ["verify b.vcn", "decompress b.vcn -o x.y4m"] {
            let ran = place.run(&format!("{command} --model MODEL"));
            assert!([3, 4].contains(&ran.code), "byte {position}: {} {}", ran.code, ran.err);
        }
        let ran = place.run("decompress b.vcn -o y.y4m --salvage --overwrite --model MODEL");
        assert!([0, 3, 4].contains(&ran.code), "byte {position}: {}", ran.err);
    }
    assert!(!place.names().contains(&"x.y4m".to_owned()));
}

#[test]
fn salvage_writes_what_is_intact() {
    let place = coded();
    let all = place.frames("all.y4m");
    let bytes = place.bytes("a.vcn");
    let gops = place.ok("info a.vcn --json").json()["gops"].clone();
    let middle = gops[1]["offset"].as_u64().unwrap() as usize + 35;
    let mut damaged = bytes.clone();
    damaged[middle] ^= 1;
    std::fs::write(place.path("b.vcn"), &damaged).unwrap();
    let summary = place.ok("decompress b.vcn --salvage -o rest.y4m --model MODEL --json").json();
    assert_eq!(place.frames("rest.y4m"), [&all[..2], &all[4..]].concat());
    assert_eq!(summary["lost"][0]["first_frame"], 2);
    assert_eq!(summary["lost"][0]["end_frame"], 4);

    // Cut off inside the last GOP; from a pipe.
    let cut = &bytes[..gops[2]["offset"].as_u64().unwrap() as usize + 30];
    let ran = place.run_with("decompress - --salvage -o cut.y4m --model MODEL", cut);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("lost"), "{}", ran.err);
    assert_eq!(place.frames("cut.y4m"), all[..4]);

    // A sound file loses nothing.
    let summary = place.ok("decompress a.vcn --salvage -o sound.y4m --model MODEL --json").json();
    assert_eq!(summary["lost"].as_array().unwrap().len(), 0);
    assert_eq!(place.frames("sound.y4m"), all);
}

#[test]
fn truncation_is_an_error_everywhere() {
    let place = coded();
    let bytes = place.bytes("a.vcn");
    for length in [0, 1, 5, 30, 60, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(place.path("b.vcn"), &bytes[..length]).unwrap();
        for command in ["info b.vcn", "verify b.vcn --model MODEL", "decompress b.vcn -o x.y4m --model MODEL"]
        {
            let ran = place.run(command);
            assert_eq!(ran.code, 3, "{length} bytes, {command}: {}", ran.err);
        }
        let ran = place.run_with("decompress - -o x.y4m --model MODEL", &bytes[..length]);
        assert_eq!(ran.code, 3, "{length} bytes from a pipe: {}", ran.err);
    }
    assert!(!place.names().contains(&"x.y4m".to_owned()));
}

#[test]
fn foreign_files_are_named_so() {
    let place = coded();
    std::fs::write(place.path("text.vcn"), "hello, world; this is not a video at all").unwrap();
    for command in ["info", "verify", "decompress -o x"] {
        place.fails(&format!("{command} text.vcn"), 3, "text.vcn: not a .vcn file");
    }
    place.fails("decompress text.vcn --salvage -o x", 3, "not a .vcn file");
    let mut newer = place.bytes("a.vcn");
    newer[4] += 1;
    std::fs::write(place.path("newer.vcn"), newer).unwrap();
    place.fails("info newer.vcn", 3, "version 2");
    place.fails("info .", 2, "folder");
    place.fails("info none.vcn", 1, "none.vcn");
}

#[test]
fn the_wrong_model_is_refused_by_name() {
    let place = coded();
    let digest = place.ok("info a.vcn --json").json()["digest"].as_str().unwrap().to_owned();
    let other = other_model();
    let other = other.to_str().unwrap();
    let listed = place.ok(&format!("models {other} --json")).json();
    let other_digest =
        listed["models"].as_array().unwrap().last().unwrap()["digest"].as_str().unwrap().to_owned();
    for command in ["verify", "decompress -o x.y4m", "decompress --salvage -o x.y4m"] {
        let ran = place.fails(&format!("{command} a.vcn --model {other}"), 4, &digest);
        assert!(ran.err.contains(&other_digest), "{}", ran.err);
        place.fails(&format!("{command} a.vcn"), 4, &digest);
        place.fails(&format!("{command} a.vcn --model nothing"), 4, "nothing");
        place.fails(&format!("{command} a.vcn --model in.y4m"), 3, "in.y4m: checkpoint");
    }
    assert!(!place.names().contains(&"x.y4m".to_owned()));
}
