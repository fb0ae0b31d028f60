//! What goes in comes out, at any size and length.

use vcn_media::{Chroma, Colour, Matrix, OpenOptions, Picture, Range, Yuv420, open};

use crate::vcn::{Place, coloured, moving};

#[test]
fn every_size_and_length() {
    let place = Place::new();
    for (width, height) in [(1, 1), (1, 2), (2, 1), (15, 17), (16, 16), (65, 47)] {
        for frames in 1..=5 {
            let name = format!("{width}x{height}-{frames}");
            place.video(&format!("{name}.y4m"), width, height, frames);
            let made = place.ok(&format!("compress {name}.y4m -o {name}.vcn --model MODEL --json")).json();
            assert_eq!(made["frames"], frames);
            assert_eq!(made["bytes"], place.bytes(&format!("{name}.vcn")).len());
            let read =
                place.ok(&format!("decompress {name}.vcn -o {name}-out.y4m --model MODEL --json")).json();
            assert_eq!(read["frames"], frames);
            let decoded = place.frames(&format!("{name}-out.y4m"));
            assert_eq!(decoded.len(), frames);
            assert!(decoded.iter().all(|frame| frame.size() == (width, height)));
        }
    }
}

#[test]
fn the_decoder_shows_what_the_encoder_measured() {
    let place = Place::new();
    place.video("in.y4m", 65, 47, 14);
    for how in
        ["--b-frames 0", "--b-frames 1 --gop 6", "", "--b-frames 7 --gop all", "--preset slow --gop 11"]
    {
        let made = place
            .ok(&format!("compress in.y4m -o a.vcn -q 50 --model MODEL --overwrite --json {how}"))
            .json();
        place.ok("decompress a.vcn -o out.y4m --model MODEL --overwrite");
        let measured = place.ok("metrics in.y4m out.y4m --json").json();
        for metric in ["psnr_rgb", "psnr_yuv"] {
            let difference = made[metric].as_f64().unwrap() - measured[metric].as_f64().unwrap();
            assert!(difference.abs() < 1e-6, "{how}, {metric}: {made} {measured}");
        }
    }
    place.fails("compress in.y4m -o b.vcn --b-frames 8 --model MODEL", 2, "0..=7");
}

#[test]
fn folders_of_pictures() {
    let place = Place::new();
    place.write("frames", 33, 18, (0..3).map(|t| Picture::from(coloured(33, 18, t))).collect());
    place.ok("compress frames -o a.vcn --model MODEL");
    place.ok("decompress a.vcn -o out --model MODEL");
    place.ok("decompress a.vcn -o out.y4m --model MODEL");
    let (folder, y4m) = (place.frames("out"), place.frames("out.y4m"));
    assert_eq!(folder.len(), 3);
    let y4m_path = place.path("out.y4m");
    let colour = open(y4m_path.to_str().unwrap(), OpenOptions::default()).unwrap().info().colour;
    assert!(folder.iter().zip(&y4m).all(|(a, b)| a.to_rgb(colour) == b.to_rgb(colour)));
}

#[test]
fn pictures_keep_the_colour_they_were_made_in() {
    let place = Place::new();
    let made_in = |range, chroma| Colour { matrix: Matrix::Bt601, range, chroma };
    let nearest = made_in(Range::Full, Chroma::Nearest);
    // No RGB value is clamped.
    let plane =
        |length, t: usize, from: usize| (0..length).map(|i| (from + (i * i + t) % 40) as u8).collect();
    let picture = |t| {
        let yuv =
            Yuv420::new(34, 18, plane(34 * 18, t, 100), plane(17 * 9, t, 108), plane(17 * 9, 2 * t, 110));
        Picture::from(Picture::from(yuv.unwrap()).to_rgb(nearest))
    };
    place.write("frames", 34, 18, (0..3).map(picture).collect());
    for (option, expected) in [
        ("auto", nearest),
        ("bt601-full-nearest", nearest),
        ("bt709-full", Colour::RGB_INPUT),
        ("bt601-limited", made_in(Range::Limited, Chroma::Bilinear)),
    ] {
        let made =
            place.ok(&format!("compress frames -o a.vcn --colour {option} --model MODEL --overwrite --json"));
        let info = place.ok("info a.vcn --json").json();
        let found = ["matrix", "range", "chroma"].map(|name| info[name].clone());
        let Colour { matrix, range, chroma } = expected;
        assert_eq!(serde_json::json!(found), serde_json::json!((matrix, range, chroma)), "{option}");
        for output in ["out", "out.y4m"] {
            place.ok(&format!("decompress a.vcn -o {output} --model MODEL --overwrite"));
            let measured = place.ok(&format!("metrics frames {output} --json")).json();
            let psnr = |report: &serde_json::Value| report["psnr_rgb"].as_f64().unwrap();
            assert!((psnr(&made.json()) - psnr(&measured)).abs() < 1e-6, "{option} {output}");
        }
    }
    place.fails("compress frames -o b.vcn --colour bt2020 --model MODEL", 2, "expected auto");
}

#[test]
fn bytes_do_not_depend_on_threads() {
    let place = Place::new();
    place.video("in.y4m", 100, 60, 7);
    for threads in [1, 2, 5] {
        place.ok(&format!("compress in.y4m -o {threads}.vcn --threads {threads} --gop 2 --model MODEL"));
        assert!(place.bytes("1.vcn") == place.bytes(&format!("{threads}.vcn")));
        place.ok(&format!("decompress 1.vcn -o {threads}.y4m --threads {threads} --model MODEL"));
        assert!(place.bytes("1.y4m") == place.bytes(&format!("{threads}.y4m")));
    }
}

#[test]
fn gops_are_as_asked() {
    let place = Place::new();
    place.video("in.y4m", 16, 16, 7);
    for (gop, expected) in [("all", vec![7]), ("3", vec![3, 3, 1]), ("1", vec![1; 7]), ("auto", vec![7])] {
        place.ok(&format!("compress in.y4m -o a.vcn --gop {gop} --model MODEL --overwrite"));
        let info = place.ok("info a.vcn --json").json();
        let lengths: Vec<u64> =
            info["gops"].as_array().unwrap().iter().map(|g| g["frames"].as_u64().unwrap()).collect();
        assert_eq!(lengths, expected, "{gop}");
        place.ok("verify a.vcn --model MODEL");
    }
}

#[test]
fn repeated_frames_cost_next_to_nothing() {
    let place = Place::new();
    place.write("still.y4m", 64, 64, vec![Picture::from(moving(64, 64, 0)); 5]);
    place.ok("compress still.y4m -o a.vcn --log log.jsonl --model MODEL");
    let log = String::from_utf8(place.bytes("log.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["type"], "intra");
    for line in &lines[1..] {
        assert_eq!(line["type"], "repeat");
        assert!(line["bits"].as_f64().unwrap() < 16.0);
    }
    place.ok("decompress a.vcn -o out.y4m --model MODEL");
    let decoded = place.frames("out.y4m");
    assert!(decoded.iter().all(|frame| *frame == decoded[0]));
}

#[test]
fn presets_and_qualities_make_valid_streams() {
    let place = Place::new();
    place.video("in.y4m", 48, 32, 3);
    for options in ["-q 0", "-q 63", "--preset fast", "--preset slow"] {
        place.ok(&format!("compress in.y4m -o a.vcn {options} --overwrite --model MODEL"));
        place.ok("verify a.vcn --model MODEL");
    }
}
