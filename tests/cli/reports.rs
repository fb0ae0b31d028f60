//! What the commands print.

use crate::vcn::Place;

#[test]
fn info_says_everything() {
    let place = Place::new();
    place.video("in.y4m", 32, 18, 5);
    place.ok("compress in.y4m -o a.vcn -q 17 --gop 2 --model MODEL");
    let info = place.ok("info a.vcn --json").json();
    let size = place.bytes("a.vcn").len() as u64;
    for (key, value) in
        [("width", 32), ("height", 18), ("frames", 5), ("quality", 17), ("bytes", size), ("version", 1)]
    {
        assert_eq!(info[key], value, "{key}");
    }
    assert_eq!(
        (info["fps"].as_str(), info["matrix"].as_str(), info["range"].as_str()),
        (Some("30"), Some("bt709"), Some("full"))
    );
    let gops = info["gops"].as_array().unwrap();
    assert_eq!(gops.len(), 3);
    let sum: u64 = gops.iter().map(|gop| gop["bytes"].as_u64().unwrap()).sum();
    assert_eq!(sum + info["overhead_bytes"].as_u64().unwrap(), size);
    let bpp = 8.0 * size as f64 / (32.0 * 18.0 * 5.0);
    assert!((info["bpp"].as_f64().unwrap() - bpp).abs() < 1e-9);
    let text = place.ok("info a.vcn").text();
    assert!(
        text.contains("32x18") && text.contains("BT.709") && text.contains(info["digest"].as_str().unwrap())
    );
}

#[test]
fn logs_add_up() {
    let place = Place::new();
    place.video("in.y4m", 64, 48, 5);
    let made = place.ok("compress in.y4m -o a.vcn --gop 3 --log log.csv --json --model MODEL").json();
    let log = String::from_utf8(place.bytes("log.csv")).unwrap();
    let mut lines = log.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(columns[..4], ["index", "gop", "type", "quality"]);
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let column = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let kinds: Vec<&str> = rows.iter().map(|row| row[column("type")]).collect();
    assert_eq!(kinds, ["intra", "between", "inter", "intra", "inter"]);
    let gops: Vec<&str> = rows.iter().map(|row| row[column("gop")]).collect();
    assert_eq!(gops, ["0", "0", "0", "1", "1"]);
    let bits: f64 = rows.iter().map(|row| row[column("bits")].parse::<f64>().unwrap()).sum();
    let bytes = made["bytes"].as_f64().unwrap();
    // What the log leaves out is the container.
    assert!(bits / 8.0 <= bytes && bits / 8.0 > bytes - 250.0, "{bits} bits, {bytes} bytes");
}

#[test]
fn verify_tells_what_is_wrong() {
    let place = Place::new();
    place.video("in.y4m", 16, 16, 4);
    place.ok("compress in.y4m -o a.vcn --gop 2 --model MODEL");
    let report = place.ok("verify a.vcn --json --model MODEL").json();
    assert_eq!((report["intact"].as_bool(), report["frames"].as_u64()), (Some(true), Some(4)));
    let mut bytes = place.bytes("a.vcn");
    let offset = place.ok("info a.vcn --json").json()["gops"][1]["offset"].as_u64().unwrap() as usize;
    bytes[offset + 31] ^= 4;
    std::fs::write(place.path("b.vcn"), bytes).unwrap();
    let ran = place.fails("verify b.vcn --json --model MODEL", 3, "salvage");
    let report = ran.json();
    assert_eq!((report["intact"].as_bool(), report["frames"].as_u64()), (Some(false), Some(2)));
    assert!(report["damage"][0].as_str().unwrap().contains("GOP 1 (frames 2..4)"), "{report}");
}

#[test]
fn metrics_compare_frame_by_frame() {
    let place = Place::new();
    place.video("in.y4m", 32, 32, 3);
    let same = place.ok("metrics in.y4m in.y4m --json --per-frame").json();
    assert_eq!(same["psnr_rgb"], 100.0);
    assert!(same["ms_ssim"].as_f64().unwrap() > 0.99999);
    assert_eq!(same["per_frame"].as_array().unwrap().len(), 3);
    place.video("short.y4m", 32, 32, 2);
    place.fails("metrics in.y4m short.y4m", 1, "short.y4m");
    assert_eq!(place.ok("metrics in.y4m short.y4m --frames 2 --json").json()["frames"], 2);
    place.video("other.y4m", 16, 32, 3);
    place.fails("metrics in.y4m other.y4m", 1, "32x32");
}

#[test]
fn models_are_listed_with_their_cost() {
    let place = Place::new();
    let list = place.ok("models MODEL --json --macs").json();
    let entry = list["models"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((entry["name"].as_str(), entry["metric"].as_str()), (Some("untrained"), Some("psnr")));
    assert_eq!(entry["digest"].as_str().unwrap().len(), 64);
    assert_eq!(entry["record"]["stage"], "none");
    assert!(list["complexity"]["inter"].as_array().unwrap().len() > 5);
    assert!(place.ok("models MODEL --macs").text().contains("decoder"));
}

#[test]
fn the_demo_fits_one_screen() {
    let place = Place::new();
    place.video("in.y4m", 48, 32, 3);
    let screen = place.ok("demo in.y4m -o shown --model MODEL").text();
    assert!(screen.lines().count() <= 24, "{screen}");
    assert!(screen.contains("bit by bit"), "{screen}");
    assert_eq!(place.frames("shown/side-by-side.png")[0].size(), (144, 64));
    assert_eq!(place.frames("shown/decoded.y4m").len(), 3);
    place.ok("verify shown/demo.vcn --model MODEL");
    place.fails("demo in.y4m -o shown --model MODEL", 1, "exists");
}

#[test]
fn the_demo_brings_its_sample() {
    let place = Place::new();
    let screen = place.ok("demo --frames 1 --model MODEL").text();
    assert!(screen.contains("1 frames 416x240"), "{screen}");
    assert_eq!(place.frames("vcn-demo/source").len(), 20);
    assert!(String::from_utf8(place.bytes("vcn-demo/source/LICENSE")).unwrap().contains("Udacity"));
}

#[test]
fn the_repository_has_septuplets() {
    let place = Place::new();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../vimeo_septuplet");
    let clips = vcn_media::SeptupletList::read(root, "sep_trainlist.txt").unwrap();
    for clip in clips.clips() {
        place.ok(&format!("metrics {0} {0}", clip.display()));
    }
}

#[test]
fn help_has_examples_and_exit_codes() {
    let place = Place::new();
    let help = place.ok("--help").text();
    assert!(help.contains("Exit codes") && help.contains("130"), "{help}");
    for command in ["compress", "decompress", "metrics"] {
        assert!(place.ok(&format!("{command} --help")).text().contains("Examples"));
    }
}
