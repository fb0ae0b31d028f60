//! `--target-bpp` and `--target-psnr`.

use crate::vcn::Place;

#[test]
fn the_best_quality_within_a_rate() {
    let place = Place::new();
    place.video("in.y4m", 48, 48, 2);
    let rate = |quality: u64| {
        place.ok(&format!("compress in.y4m -o q.vcn -q {quality} --overwrite --model MODEL --json")).json()["bpp"].as_f64().unwrap()
    };
    let wanted = rate(40);
    let made =
        place.ok(&format!("compress in.y4m -o a.vcn --target-bpp {wanted} --model MODEL --json")).json();
    assert_eq!(made["search"]["met"], true);
    let quality = made["quality"].as_u64().unwrap();
    assert!(made["bpp"].as_f64().unwrap() <= wanted);
    assert!(quality == 63 || rate(quality + 1) > wanted, "{made}");
    // The file is the one of that quality.
    rate(quality);
    assert!(place.bytes("a.vcn") == place.bytes("q.vcn"));

    // Written to standard output, it is the same.
    let ran = place.ok(&format!("compress in.y4m -o - --target-bpp {wanted} --model MODEL"));
    assert!(ran.out == place.bytes("a.vcn"));
}

#[test]
fn the_smallest_file_of_a_psnr() {
    let place = Place::new();
    place.video("in.y4m", 48, 48, 2);
    let made =
        place.ok("compress in.y4m -o a.vcn --target-psnr 30 --log log.csv --model MODEL --json").json();
    assert_eq!(made["search"]["met"], true);
    assert!(made["psnr_rgb"].as_f64().unwrap() >= 30.0);
    let log = String::from_utf8(place.bytes("log.csv")).unwrap();
    assert_eq!(log.lines().count(), 3);
    assert_eq!(place.names(), ["a.vcn", "in.y4m", "log.csv"]);
}

#[test]
fn what_is_out_of_reach_is_said() {
    let place = Place::new();
    place.video("in.y4m", 16, 16, 1);
    let ran = place.ok("compress in.y4m -o a.vcn --target-bpp 0.0001 --model MODEL");
    assert!(ran.err.contains("out of reach"), "{}", ran.err);
    let ran = place.run_with("compress - -o b.vcn --target-bpp 1 --model MODEL", &place.bytes("in.y4m"));
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("standard input"), "{}", ran.err);
}
