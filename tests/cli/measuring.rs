//! `vcn test`: numbers are those of real files.

use std::process::Command;

use crate::vcn::Place;

#[test]
fn rates_are_those_of_the_files_that_compress_writes() {
    let place = Place::new();
    place.video("clip.y4m", 48, 32, 5);
    let test = "test clip.y4m --model MODEL --gop 3 --frames 4 -q 40,10 --json - --plot rd.svg";
    let ran = place.ok(test);
    assert!(ran.err.contains("PSNR RGB") && ran.err.contains("MS-SSIM"), "{}", ran.err);
    let json = ran.json();
    let points = json["curves"][0]["points"].as_array().unwrap().clone();
    assert_eq!(json["curves"][0]["sequence"], "clip");
    assert_eq!(json["curves"][0]["frames"], 4);
    assert_eq!(points.len(), 2);
    for (point, quality) in points.iter().zip([10, 40]) {
        place
            .ok(&format!("compress clip.y4m -o {quality}.vcn --model MODEL --gop 3 --frames 4 -q {quality}"));
        assert_eq!(point["parameter"], f64::from(quality));
        assert_eq!(point["bytes"], place.bytes(&format!("{quality}.vcn")).len());
        for value in ["psnr_rgb", "psnr_yuv", "ms_ssim", "encode_fps", "decode_fps"] {
            assert!(point[value].as_f64().unwrap() > 0.0, "{value}: {point}");
        }
        assert!(point["commands"][0].as_str().unwrap().starts_with("vcn compress clip.y4m"));
    }
    assert!(place.bytes("rd.svg").starts_with(b"<svg "));
    assert_eq!(place.names(), ["10.vcn", "40.vcn", "clip.y4m", "rd.svg"]);
    place.fails(test, 1, "--overwrite");
}

#[test]
fn several_sequences_have_a_mean_and_anchors_a_bd_rate() {
    let place = Place::new();
    for name in ["a.y4m", "b.y4m"] {
        place.video(name, 48, 32, 3);
    }
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        eprintln!("skipped: no ffmpeg");
        return;
    }
    let run = || {
        let arguments = "test a.y4m b.y4m --model MODEL -q 8,24,40,63 --anchors x264 --json - --overwrite";
        let ran = place.command(arguments).env("XDG_CACHE_HOME", place.path("cache")).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        serde_json::from_slice::<serde_json::Value>(&ran.stdout).unwrap()
    };
    let (first, second) = (run(), run());
    assert_eq!(first["curves"].as_array().unwrap().len(), 4);
    let mean = &first["mean"][0];
    assert_eq!((&mean["sequence"], mean["points"].as_array().unwrap().len()), (&"mean".into(), 4));
    let rates = first["bd_rates"].as_array().unwrap();
    assert!(rates.iter().any(|rate| rate["sequence"] == "mean" && rate["metric"] == "psnr-rgb"), "{rates:?}");
    // The second run found the anchors in the cache, times included.
    assert_eq!(first["curves"][1], second["curves"][1]);
    assert!(place.path("cache/vcn/anchors/x264-veryfast-zerolatency-legacy12").is_dir());
}

#[test]
fn what_cannot_be_tested_is_refused_at_once() {
    let place = Place::new();
    place.video("clip.y4m", 15, 16, 2);
    place.fails("test - --model MODEL", 2, "standard input");
    place.fails("test clip.y4m clip.y4m --model MODEL", 2, "twice");
    place.fails("test clip.y4m -q 64 --model MODEL", 2, "64");
    place.fails("test clip.y4m --anchors vp9 --model MODEL", 2, "x265-medium-zerolatency-gop32");
    place.fails("test clip.y4m --anchors x264 --gop auto --model MODEL", 2, "honest");
    if Command::new("ffmpeg").arg("-version").output().is_ok() {
        place.fails("test clip.y4m --anchors x264 --model MODEL", 1, "even sides");
    }
}
