//! `--frames`: parts of a video.

use crate::vcn::Place;

fn coded() -> Place {
    let place = Place::new();
    place.video("in.y4m", 32, 32, 10);
    place.ok("compress in.y4m -o a.vcn --gop 4 --model MODEL");
    place.ok("decompress a.vcn -o all.y4m --model MODEL");
    place
}

#[test]
fn any_range_is_that_part_of_the_whole() {
    let place = coded();
    let all = place.frames("all.y4m");
    for (range, from, to) in [
        ("0..1", 0, 1),
        ("3..5", 3, 5),
        ("4..8", 4, 8),
        ("9..10", 9, 10),
        ("7..", 7, 10),
        ("..2", 0, 2),
        ("..", 0, 10),
    ] {
        let arguments = format!("-o part.y4m --frames {range} --overwrite --model MODEL --json");
        let summary = place.ok(&format!("decompress a.vcn {arguments}")).json();
        assert_eq!(summary["frames"], to - from);
        assert_eq!(place.frames("part.y4m"), all[from..to], "{range}");
        // The same from a pipe, which cannot be sought.
        let ran = place.run_with(&format!("decompress - {arguments}"), &place.bytes("a.vcn"));
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(place.frames("part.y4m"), all[from..to], "{range}");
    }
}

#[test]
fn other_gops_may_be_damaged() {
    let place = coded();
    let mut bytes = place.bytes("a.vcn");
    let info = place.ok("info a.vcn --json").json();
    let offset = info["gops"][0]["offset"].as_u64().unwrap() as usize;
    bytes[offset + 40] ^= 1;
    std::fs::write(place.path("b.vcn"), bytes).unwrap();
    place.ok("decompress b.vcn -o part.y4m --frames 4..9 --model MODEL");
    assert_eq!(place.frames("part.y4m"), place.frames("all.y4m")[4..9]);
    place.fails("decompress b.vcn -o none.y4m --frames 3..9 --model MODEL", 3, "damaged");
}

#[test]
fn ranges_outside_the_video_are_refused() {
    let place = coded();
    for range in ["10..", "10..11", "0..11", "5..20"] {
        place.fails(&format!("decompress a.vcn -o x.y4m --frames {range} --model MODEL"), 2, "10 frames");
        let ran = place.run_with(
            &format!("decompress - -o x.y4m --frames {range} --model MODEL"),
            &place.bytes("a.vcn"),
        );
        assert_eq!(ran.code, 2, "{}", ran.err);
    }
    for range in ["5..5", "5..3", "x..y", "7", "-1..2"] {
        place.fails(&format!("decompress a.vcn -o x.y4m --frames={range} --model MODEL"), 2, "A..B");
    }
    assert!(!place.names().iter().any(|name| name.contains('x')));
}

#[test]
fn compressing_a_part() {
    let place = coded();
    let made = place.ok("compress in.y4m -o b.vcn --frames 2..5 --fps 12.5 --model MODEL --json").json();
    assert_eq!((made["frames"].as_u64(), made["fps"].as_f64()), (Some(3), Some(12.5)));
    let all = place.ok("compress in.y4m -o all.vcn --fps 12.5 --model MODEL --json").json();
    let rest = place.ok("compress in.y4m -o rest.vcn --frames 2.. --fps 12.5 --model MODEL --json").json();
    assert_eq!(rest["frames"].as_u64(), all["frames"].as_u64().map(|n| n - 2));
    place.fails("compress in.y4m -o c.vcn --frames 5..5 --model MODEL", 2, "A..B");
    place.fails("compress in.y4m -o c.vcn --frames 10.. --model MODEL", 1, "skip");
    assert_eq!(place.ok("info b.vcn --json").json()["fps"], "25/2");
}
