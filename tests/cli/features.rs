//! `vcn features`: processes share a list, and NumPy reads what they write.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::vcn::Place;

/// Shape and numbers of an array of f32.
fn array(bytes: &[u8]) -> (Vec<usize>, Vec<f32>) {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
    assert!(header.contains("'descr': '<f4'") && header.ends_with('\n'), "{header}");
    let shape = header.split_once("'shape': (").unwrap().1.split_once(')').unwrap().0;
    let shape = shape.split(", ").map(|side| side.parse().unwrap()).collect();
    let numbers = bytes[10 + length..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    (shape, numbers.collect())
}

#[test]
fn rows_are_seconds_or_sixteen_frames() {
    let place = Place::new();
    place.video("a.y4m", 64, 48, 40);
    for (name, length) in [("2d", 768), ("3d", 832)] {
        fs::write(place.path("list.csv"), format!("video_path,feature_path\na.y4m,out/{name}.npy\n"))
            .unwrap();
        place.ok(&format!("features --csv list.csv --type {name} --l2-normalize --model MODEL"));
        let (shape, numbers) = array(&place.bytes(&format!("out/{name}.npy")));
        assert_eq!(shape, [if name == "2d" { 2 } else { 3 }, length]);
        for row in numbers.chunks_exact(length) {
            assert!((row.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-4);
        }
        assert_ne!(numbers[..length], numbers[length..2 * length], "{name}: the video moves");
    }
    // What is there is neither mistaken for other features nor overwritten.
    let says = "holds no features of this kind and type";
    let ran = place.fails("features --csv list.csv --type 3d --dtype f16 --model MODEL", 1, says);
    assert!(ran.text().contains("0 videos done"));

    place.ok("features --csv list.csv --type 3d --l2-normalize --model MODEL");
    let load = "import numpy; a = numpy.load('out/3d.npy'); print(a.shape, a.dtype)";
    match Command::new("python3").args(["-c", load]).current_dir(place.path("")).output() {
        Ok(loaded) if loaded.status.success() => assert_eq!(loaded.stdout, b"(3, 832) float32\n"),
        _ => eprintln!("no NumPy here: not loaded"),
    }
}

#[test]
#[cfg(unix)]
fn a_killed_process_is_taken_over_and_nothing_is_done_twice() {
    let place = Place::new();
    for name in ["a.y4m", "b.y4m", "later.y4m"] {
        place.video(name, 32, 32, 3);
    }
    // Who opens this waits for somebody who writes.
    assert!(Command::new("mkfifo").arg(place.path("slow.y4m")).status().unwrap().success());
    let list = "video_path,feature_path\nslow.y4m,out/slow.npy\na.y4m,out/a.npy\nb.y4m,out/b.npy\n";
    fs::write(place.path("list.csv"), list).unwrap();
    let start = || {
        let mut command = place.command("features --csv list.csv --json --model MODEL");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let wait_for = |name: &str| {
        let started = Instant::now();
        while !place.path(name).exists() {
            assert!(started.elapsed() < Duration::from_secs(60), "{name} does not appear");
            thread::sleep(Duration::from_millis(20));
        }
    };
    let mut first = start();
    wait_for("out/.slow.npy.lease");
    let second = start();
    ["out/a.npy", "out/b.npy"].into_iter().for_each(wait_for);
    // What a process leaves behind that is killed while it writes.
    fs::write(place.path("out/.slow.npy.partial-1"), b"torn").unwrap();
    fs::rename(place.path("later.y4m"), place.path("slow.y4m")).unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    let output = second.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["done"].as_array().unwrap().len(), 3);
    let entries = fs::read_dir(place.path("out")).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["a.npy", "b.npy", "slow.npy"]);

    let again = place.ok("features --csv list.csv --json --model MODEL").json();
    assert_eq!((again["done"].as_array().unwrap().len(), &again["skipped"]), (0, &3.into()));
}

#[test]
fn lists_that_make_no_sense_are_refused() {
    let place = Place::new();
    for (list, says) in [
        ("video,features\na,b\n", "line 1: the first line must name the columns"),
        ("video_path,feature_path\na,x.npy\nb,x.npy\n", "line 3: x.npy is for a already, in line 2"),
        ("video_path,feature_path\na,\n", "line 2: a video and a file"),
    ] {
        fs::write(place.path("list.csv"), list).unwrap();
        place.fails("features --csv list.csv", 2, says);
    }
    assert_eq!(place.names(), ["list.csv"]);
}
