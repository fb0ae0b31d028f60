//! `vcn visualize` and `vcn train plot`: what is drawn.

use std::fs;

use crate::vcn::Place;

const PICTURES: [&str; 10] = [
    "animation.gif",
    "first.png",
    "flow.png",
    "motioncompensated.png",
    "reconflow.png",
    "reconresidue.png",
    "reconstructed.png",
    "residue.png",
    "second.png",
    "sheet.png",
];

fn listed(place: &Place, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(place.path(folder)).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_size_has_its_pictures() {
    let place = Place::new();
    for (width, height) in [(65, 47), (1, 1), (1, 900), (500, 20)] {
        place.video("clip.y4m", width, height, 4);
        let ran = place.ok("visualize clip.y4m -o pictures --frame 2 --model MODEL --overwrite");
        assert!(ran.text().contains("frame 2"), "{}", ran.text());
        assert_eq!(listed(&place, "pictures"), PICTURES);
        fs::remove_file(place.path("clip.y4m")).unwrap();
    }
    let second = place.frames("pictures/second.png");
    assert_eq!(second[0].size(), (500, 20));
}

#[test]
fn the_picture_is_that_of_the_stream() {
    let place = Place::new();
    place.video("clip.y4m", 64, 48, 3);
    place.ok("visualize clip.y4m -o pictures --frame 2 --gop all -q 30 --model MODEL");
    place.ok("compress clip.y4m -o clip.vcn --gop all -q 30 --model MODEL");
    place.ok("decompress clip.vcn -o frames --model MODEL");
    assert_eq!(place.frames("pictures/reconstructed.png")[0], place.frames("frames")[2]);
}

#[test]
fn frames_without_motion_are_refused() {
    let place = Place::new();
    place.video("clip.y4m", 32, 32, 4);
    place.fails("visualize clip.y4m -o a --frame 2 --gop 2 --model MODEL", 2, "begins a GOP");
    place.fails("visualize clip.y4m -o b --frame 7 --model MODEL", 2, "only 4 frames");
    place.fails("visualize clip.y4m -o c --frame 48 --model MODEL", 2, "--frames 48");
    fs::create_dir(place.path("full")).unwrap();
    fs::write(place.path("full/notes"), "mine").unwrap();
    place.fails("visualize clip.y4m -o full --model MODEL", 1, "--overwrite");
    assert_eq!(listed(&place, "full"), ["notes"]);
}

#[test]
fn training_curves_are_drawn_from_a_log() {
    let place = Place::new();
    fs::create_dir(place.path("run")).unwrap();
    let record = |step: u32, validation: &str| {
        format!(
            "{{\"stage\":\"joint\",\"step\":{step},\"hours\":{}.0,\"loss\":{}.5,\"bpp\":0.2,\"mse\":30.0{validation}}}\n",
            step / 50,
            9 - step / 50
        )
    };
    let validation = ",\"validation\":[{\"quality\":8.0,\"bpp\":0.1,\"psnr\":30.0}]";
    fs::write(place.path("run/log.jsonl"), record(50, "") + &record(100, validation)).unwrap();
    let ran = place.ok("train plot run -o run.svg");
    assert!(ran.text().contains("2 records"), "{}", ran.text());
    let svg = String::from_utf8(place.bytes("run.svg")).unwrap();
    assert!(svg.contains("quality 8") && svg.contains("Distortion"));
    place.fails("train plot run -o run.svg", 1, "--overwrite");
    place.fails("train plot nothing -o b.svg", 1, "nothing");
    place.fails("train", 2, "DATA");
}
