//! `vcn store` as its users have it. What the archive promises beyond that is tested in `store/tests/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use vcn_media::{Picture, Yuv420, Yuv444};

use crate::vcn::{Place, Ran};

/// A place with a video of 30 frames, and a store.
fn place_with_store() -> Place {
    let place = Place::new();
    place.video("in.y4m", 48, 32, 30);
    place.ok("store init --store s");
    place
}

/// The only result of a put.
fn put(place: &Place, arguments: &str) -> Value {
    let report = place.ok(&format!("store put {arguments} --store s --model MODEL --json")).json();
    assert_eq!(report["version"], 1);
    assert_eq!(report["results"].as_array().map(Vec::len), Some(1), "{report}");
    report["results"][0].clone()
}

/// All files of the store but those of SQLite.
fn objects(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if path.is_dir() {
            found.extend(objects(&path));
        } else if !name.contains("catalogue") {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_video_is_kept_once_and_comes_back() {
    let place = place_with_store();
    let first = put(&place, "in.y4m");
    assert_eq!((&first["result"], &first["encoded_frames"]), (&"new".into(), &30.into()), "{first}");
    assert_eq!(put(&place, "in.y4m")["result"], "already-there");

    fs::copy(place.path("in.y4m"), place.path("copy.y4m")).unwrap();
    let mut names = vec!["copy.y4m"];
    if Command::new("ffmpeg").arg("-version").output().is_ok() {
        for (name, codec) in
            [("exact.mkv", "ffv1"), ("exact.mp4", "libx264 -qp 0"), ("boxed.nut", "rawvideo")]
        {
            let arguments = format!("-v error -i in.y4m -c:v {codec} {name}");
            let made = Command::new("ffmpeg").args(arguments.split(' ')).current_dir(place.path("")).status();
            assert!(made.unwrap().success());
            names.push(name);
        }
    } else {
        eprintln!("without ffmpeg: only a copy");
    }
    for name in &names {
        let again = put(&place, name);
        assert_eq!((&again["result"], &again["encoded_frames"]), (&"identical".into(), &0.into()), "{again}");
        assert!(again["new_bytes"].as_u64().unwrap() < 2048, "{again}");
        assert_eq!((&again["shared_with"][0], &again["id"]), (&"in.y4m".into(), &first["id"]), "{again}");
    }
    let listed = place.ok("store ls --store s --json").json();
    assert_eq!(listed["names"].as_array().map(Vec::len), Some(names.len() + 1));
    let stat = place.ok("store stat copy.y4m --store s --json").json();
    assert!(stat["same"].as_array().unwrap().contains(&"in.y4m".into()), "{stat}");

    place.ok("store get in.y4m -o a.y4m --store s --model MODEL");
    place.ok("store get copy.y4m -o b.y4m --store s --model MODEL");
    assert!(place.bytes("a.y4m") == place.bytes("b.y4m"));
    let part =
        place.ok("store get copy.y4m -o part.y4m --frames 7..12 --store s --model MODEL --json").json();
    assert_eq!(part["frames"], 5);
    assert!(place.frames("part.y4m") == place.frames("a.y4m")[7..12]);
    let sound = place.ok("store verify --decode --store s --model MODEL --json").json();
    assert_eq!((&sound["sound"], &sound["undecodable"]), (&true.into(), &0.into()), "{sound}");
}

#[test]
fn classes_give_back_what_they_say() {
    let place = place_with_store();
    put(&place, "in.y4m --class frames --name exact");
    put(&place, "in.y4m --class source --name whole");
    let got = place.ok("store get exact -o exact.y4m --store s --json").json();
    assert!(place.frames("exact.y4m") == place.frames("in.y4m") && got["exact"] == true, "{got}");
    // Images are RGB, so what was Y'CbCr is converted, and that is said.
    assert!(place.ok("store get exact -o exact --store s").text().contains("converted here"));
    // Chroma of full resolution stays so.
    let plane = |seed: usize| (0..16 * 8).map(|at| (at * seed % 251) as u8).collect::<Vec<u8>>();
    let full: Vec<Picture> =
        (1..5).map(|t| Yuv444::new(16, 8, plane(t), plane(t + 5), plane(t + 9)).unwrap().into()).collect();
    place.write("full.y4m", 16, 8, full.clone());
    put(&place, "full.y4m --class frames");
    place.ok("store get full.y4m -o again.y4m --store s");
    assert!(place.frames("again.y4m") == full);
    place.ok("store get whole -o whole.y4m --original --store s");
    assert!(place.bytes("whole.y4m") == place.bytes("in.y4m"));
    place.fails("store get exact -o x.y4m --original --store s", 1, "only class `source` keeps those");
    // From a pipe, and only a part of it, so that other segments are cut.
    let input = place.bytes("in.y4m");
    let ran = place.run_with("store put - --name piped --class frames --store s --json", &input);
    assert_eq!((ran.code, &ran.json()["results"][0]["result"]), (0, &"identical".into()), "{}", ran.err);
    // What was coded with a model needs it.
    put(&place, "in.y4m -q 20 --name coded --overwrite");
    let without = place.run("store get whole -o y.y4m --store s");
    assert!(without.code == 0 || without.code == 4, "{}", without.err);
}

/// Runs ffmpeg or ffprobe in the folder; nothing if it is not installed.
fn tool(place: &Place, name: &str, arguments: &str) -> Option<String> {
    let mut command = Command::new(name);
    command.args(["-v", "error"]).args(arguments.split(' ')).current_dir(place.path(""));
    let output = command.output().ok()?;
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn frames_of_varying_rate_keep_their_times() {
    let place = place_with_store();
    let select = r"-i in.y4m -vf select=lt(n\,8)+not(mod(n\,5)) -fps_mode vfr -c:v libx264 -qp 0 vfr.mp4";
    if tool(&place, "ffmpeg", select).is_none() {
        return eprintln!("skipped: needs ffmpeg");
    }
    let times = |file: &str| -> Vec<f64> {
        let asked = format!("-select_streams v:0 -show_entries frame=pts_time -of csv=p=0 {file}");
        let text = tool(&place, "ffprobe", &asked).unwrap();
        let lines = text.lines().map(|line| line.trim_end_matches(',')).filter(|line| !line.is_empty());
        let times: Vec<f64> = lines.map(|line| line.parse().unwrap()).collect();
        times.iter().map(|time| time - times[0]).collect()
    };
    let expected = times("vfr.mp4");
    put(&place, "vfr.mp4 --class frames");
    let stat = place.ok("store stat vfr.mp4 --store s --json").json();
    assert!(stat["entry"]["timing"]["stamps"].is_object(), "{stat}");
    for (out, exact) in [("back.mp4", 2e-6), ("back.mkv", 6e-4)] {
        let got = place.ok(&format!("store get vfr.mp4 -o {out} --store s --json")).json();
        assert_eq!((&got["varying_rate"], &got["times_kept"]), (&true.into(), &true.into()));
        let found = times(out);
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < exact), "{out}: {found:?}");
    }
    // What cannot keep them says so, and writes them beside it.
    let ran = place.run("store get vfr.mp4 -o back.y4m --times times.txt --store s");
    assert!(ran.code == 0 && ran.err.contains("times of their own"), "{}", ran.err);
    let written = String::from_utf8(place.bytes("times.txt")).unwrap();
    let written: Vec<f64> = written.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    let milliseconds: Vec<f64> = expected.iter().map(|time| time * 1e3).collect();
    assert!(written.iter().zip(&milliseconds).all(|(a, b)| (a - b).abs() < 1e-3), "{written:?}");
    // A range goes by these times, and another container is the same video.
    let part = place.ok("store get vfr.mp4 -o part.y4m --range 0.2.. --store s --json").json();
    let later = milliseconds.iter().filter(|time| **time >= 200.0).count();
    assert_eq!(part["frames"].as_u64(), Some(later as u64));
    tool(&place, "ffmpeg", "-i vfr.mp4 -c copy vfr.mkv").unwrap();
    assert_eq!(put(&place, "vfr.mkv --class frames")["result"], "identical");
    tool(&place, "ffmpeg", "-i in.y4m -c:v ffv1 steady.mkv").unwrap();
    put(&place, "steady.mkv --class frames");
    let stat = place.ok("store stat steady.mkv --store s --json").json();
    assert_eq!(stat["entry"]["timing"]["rate"]["num"], 30, "{stat}");
}

#[test]
fn sound_is_kept_and_known_in_any_container_and_under_any_name() {
    let place = place_with_store();
    let sound = "-i in.y4m -f lavfi -i sine -shortest -c:v libx264 -qp 0 -c:a";
    if tool(&place, "ffmpeg", &format!("{sound} flac file:12:30.mkv")).is_none() {
        return eprintln!("skipped: needs ffmpeg");
    }
    // A name that ffmpeg would take for a protocol.
    put(&place, "12:30.mkv --class frames");
    tool(&place, "ffmpeg", "-i file:12:30.mkv -c:v copy -c:a alac again.mov").unwrap();
    assert_eq!(put(&place, "again.mov --class frames --name again")["result"], "identical");
    tool(&place, "ffmpeg", "-i file:12:30.mkv -c copy -an silent.mkv").unwrap();
    assert_ne!(put(&place, "silent.mkv --class frames")["result"], "identical");
    place.ok("store get again -o back.y4m --side sound --store s");
    let samples = |file: &str| tool(&place, "ffmpeg", &format!("-i {file} -map 0:a -f md5 -")).unwrap();
    assert_eq!(samples("sound/0-audio.mkv"), samples("file:12:30.mkv"));
}

#[test]
fn many_inputs_are_named_in_many_ways() {
    let place = place_with_store();
    fs::create_dir_all(place.path("tv/late")).unwrap();
    for (index, name) in ["tv/a.y4m", "tv/late/b.y4m", "odd, name.y4m"].into_iter().enumerate() {
        place.video(name, 16, 16, 3 + index);
    }
    fs::write(place.path("list.csv"), "# path,name\ntv/a.y4m,first\n\"odd, name.y4m\"\n").unwrap();
    let put = |arguments: &str| -> Vec<String> {
        let ran = place.ok(&format!("store put {arguments} --class frames --store s --json"));
        assert!(ran.err.lines().all(|line| line.contains("\"version\":1")), "{}", ran.err);
        let results = ran.json()["results"].as_array().unwrap().clone();
        let mut names: Vec<String> =
            results.iter().map(|result| result["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(put("--list list.csv"), ["first", "odd, name.y4m"]);
    assert_eq!(put("tv --prefix shows/ --jobs 3"), ["shows/a.y4m", "shows/late/b.y4m"]);
    assert_eq!(put("tv/*/*.y4m in.y4m"), ["b.y4m", "in.y4m"]);
    place.fails("store put tv/*.mkv --class frames --store s", 2, "matches nothing");
    fs::write(place.path("bad.csv"), "a,b,c\n").unwrap();
    place.fails("store put --list bad.csv --class frames --store s", 2, "bad.csv, line 1");
}

#[test]
fn names_go_and_come_back() {
    let place = place_with_store();
    put(&place, "in.y4m --class frames --name a/b");
    place.video("other.y4m", 48, 32, 12);
    place.fails("store put other.y4m --class frames --name a/b --store s", 1, "could not be put");
    put(&place, "other.y4m --class frames --name a/b --overwrite");
    place.ok("store rm a/b --store s");
    place.fails("store stat a/b --store s", 1, "no such name");
    place.fails("store rm a/b --store s", 1, "no such name");
    assert_eq!(
        place.ok("store ls --removed --store s --json").json()["names"].as_array().map(Vec::len),
        Some(2)
    );
    place.ok("store undelete a/b --store s");
    place.ok("store get a/b -o back.y4m --store s");
    assert!(place.frames("back.y4m") == place.frames("other.y4m"));
    let log = place.ok("store log a/b --store s --json").json();
    let events: Vec<&Value> = log["events"].as_array().unwrap().iter().map(|event| &event["event"]).collect();
    assert_eq!(events, ["undelete", "rm", "put", "put"]);

    // What was replaced is collected, what is live stays.
    let gc = "store gc --retention 0s --grace 0s --max-share 100 --store s --json";
    place.ok(gc);
    assert!(place.ok(gc).json()["removed_objects"].as_u64().unwrap() > 0);
    place.ok("store get a/b -o again.y4m --store s");
    place.fails("store undelete gone --store s", 1, "nothing to bring back");
}

#[test]
fn a_dry_run_changes_nothing() {
    let place = place_with_store();
    put(&place, "in.y4m --class frames");
    let before = objects(&place.path("s"));
    place.video("new.y4m", 16, 16, 3);
    assert!(place.ok("store put new.y4m --dry-run --store s").text().contains("would put new.y4m"));
    assert_eq!(
        place.ok("store put new.y4m --dry-run --store s --json").json()["would_put"][0]["name"],
        "new.y4m"
    );
    assert!(place.ok("store rm in.y4m --dry-run --store s").text().contains("would remove in.y4m"));
    place.ok("store gc --retention 0s --grace 0s --dry-run --store s");
    place.ok("store repair --dry-run --store s");
    place.ok("store repair --rebuild-catalogue --dry-run --store s");
    place.ok("store init --dry-run --store elsewhere");
    assert!(!place.path("elsewhere").exists());
    assert!(objects(&place.path("s")) == before);
    place.ok("store stat in.y4m --store s");

    // What would come back, and what would be marked, is not.
    put(&place, "new.y4m --class frames");
    place.ok("store rm new.y4m --store s");
    let before = objects(&place.path("s"));
    assert!(
        place.ok("store undelete new.y4m --dry-run --store s").text().contains("would bring back new.y4m")
    );
    place.fails("store undelete in.y4m --dry-run --store s", 1, "in.y4m");
    place.fails("store stat new.y4m --store s", 1, "no such name");
    place.ok("store undelete new.y4m --store s");
    let dry = place.ok("store dups --not in.y4m new.y4m --dry-run --store s --json").json();
    assert_eq!(dry["result"], "would mark as no duplicate", "{dry}");
    place.fails("store dups --not in.y4m gone --dry-run --store s", 1, "gone");
    let events = place.ok("store log --store s --json").json()["events"].as_array().unwrap().len();
    assert_eq!((events, objects(&place.path("s")).len()), (4, before.len() + 1), "two puts, rm, undelete");
}

/// The lines that a command with --json writes to standard error, each a value of version 1.
fn told(ran: &Ran) -> Vec<Value> {
    let lines =
        ran.err.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", ran.err)));
    let lines: Vec<Value> = lines.collect();
    assert!(lines.iter().all(|line| line["version"] == 1), "{}", ran.err);
    lines
}

#[test]
fn long_operations_tell_how_far_they_are() {
    let place = place_with_store();
    let expected = [
        ("put in.y4m --class frames", vec!["frames", "inputs"]),
        ("put in.y4m --class frames --dry-run", vec!["frames", "inputs"]),
        ("get in.y4m -o back.y4m", vec!["frames"]),
        ("find in.y4m", vec!["described videos read", "frames"]),
        ("dups", vec!["described videos read", "names read", "videos compared with the others"]),
        ("describe", vec!["names looked at"]),
        ("verify", vec!["names checked", "objects checked"]),
        ("gc", vec!["manifests read", "objects listed", "records read"]),
        ("repair", vec!["names checked", "objects checked"]),
        ("repair --rebuild-catalogue", vec!["descriptors read", "manifests read", "records read"]),
    ];
    for (command, counted) in expected {
        let ran = place.ok(&format!("store {command} --store s --json"));
        assert_eq!(ran.json()["version"], 1);
        let task = command.split(' ').next().unwrap();
        let told = told(&ran);
        assert!(told.iter().all(|line| line["event"] == "progress" && line["task"] == task), "{}", ran.err);
        assert!(told.iter().all(|line| line["done"].as_u64() <= line["total"].as_u64().or(Some(u64::MAX))));
        let mut found: Vec<&str> = told.iter().map(|line| line["counting"].as_str().unwrap()).collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, counted, "{command}: {}", ran.err);
    }
}

#[test]
fn failures_are_told_as_json() {
    let place = place_with_store();
    put(&place, "in.y4m --class frames");
    let segments = objects(&place.path("s"));
    let segment = segments.keys().find(|path| path.contains("/seg/")).unwrap();
    let check = |arguments: &str, code: i32, says: &str| {
        let ran = place.fails(&format!("store {arguments} --json"), code, says);
        let told = told(&ran);
        let error = told.last().unwrap();
        assert_eq!((&error["event"], &error["exit_code"]), (&"error".into(), &code.into()), "{}", ran.err);
        assert!(error["reason"].as_str().unwrap().contains(says), "{error}");
        ran
    };
    check("get gone -o x.y4m --store s", 1, "gone");
    check("get in.y4m -o x.y4m --frames 28..99 --store s", 2, "30 frames");
    check("ls --store nowhere", 1, "vcn store init");
    check("ls", 2, "VCN_STORE");
    let ran = check("put missing.y4m in.y4m --class frames --store s", 1, "1 of 2 inputs");
    let report = ran.json();
    assert!(report["failed"][0]["reason"].as_str().unwrap().contains("missing.y4m"), "{report}");
    assert_eq!(report["results"][0]["result"], "already-there");
    fs::write(segment, b"damaged").unwrap();
    check("get in.y4m -o x.y4m --store s", 3, "damaged");
    let ran = check("verify --store s", 3, "damaged");
    assert_eq!(
        (&ran.json()["sound"], &ran.json()["damage"][0]["lost"][0]["name"]),
        (&false.into(), &"in.y4m".into())
    );
    let ran = check("repair --store s", 3, "lost something");
    let lost = &ran.json()["lost"][0];
    assert!(
        lost["name"] == "in.y4m" && lost["frames"][0][0].as_u64() < lost["frames"][0][1].as_u64(),
        "{lost}"
    );
}

#[test]
fn a_put_names_what_looks_alike() {
    let place = place_with_store();
    place.video("first.y4m", 96, 64, 40);
    let first = place.frames("first.y4m");
    let brighter = |name: &str, by: u8| {
        let change = |picture: &Picture| {
            let Picture::Yuv420(picture) = picture else { unreachable!("read as 4:2:0") };
            let y = picture.y.iter().map(|y| y + by).collect();
            Picture::from(Yuv420 { y, ..picture.clone() })
        };
        place.write(name, 96, 64, first.iter().map(change).collect());
    };
    brighter("copy.y4m", 3);
    brighter("again.y4m", 6);
    brighter("third.y4m", 9);
    put(&place, "first.y4m --class frames");
    let copied = put(&place, "copy.y4m --class frames");
    let alike = copied["alike"].as_array().unwrap();
    assert_eq!((&copied["result"], alike.len()), (&"new".into(), 1), "{copied}");
    assert_eq!((&alike[0]["other"], &alike[0]["level"]), (&"first.y4m".into(), &"near".into()), "{copied}");
    let text = place.ok("store put again.y4m --class frames --alike 1 --store s").text();
    assert_eq!(text.matches("looks like").count(), 1, "{text}");
    let quiet = put(&place, "third.y4m --class frames --alike 0");
    assert_eq!(quiet["alike"], serde_json::json!([]), "{quiet}");
}

#[test]
fn damage_is_named_and_healed() {
    let place = place_with_store();
    put(&place, "in.y4m --class frames");
    let before = objects(&place.path("s"));
    let segment = before.keys().find(|path| path.contains("/seg/")).unwrap();
    let mut bytes = before[segment].clone();
    bytes[200] ^= 1;
    fs::write(segment, bytes).unwrap();
    let digest = Path::new(segment).file_name().unwrap().to_str().unwrap();
    place.fails("store get in.y4m -o x.y4m --store s", 3, digest);
    place.fails("store verify --store s", 3, "damaged");
    assert!(!place.names().contains(&"x.y4m".to_owned()), "no half-written output");
    place.fails("store repair --store s", 3, "lost something");
    fs::copy(place.path("in.y4m"), place.path("copy.y4m")).unwrap();
    put(&place, "copy.y4m --class frames");
    place.ok("store verify --store s");
    place.ok("store get in.y4m -o x.y4m --store s");
    assert!(place.frames("x.y4m") == place.frames("in.y4m"));
    fs::remove_file(place.path("s/catalogue.db")).unwrap();
    place.fails("store ls --store s", 1, "rebuild-catalogue");
    place.ok("store repair --rebuild-catalogue --store s");
    assert_eq!(place.ok("store ls --store s --json").json()["names"].as_array().map(Vec::len), Some(2));
}

#[test]
fn wrong_usage_is_told() {
    let place = place_with_store();
    place.fails("store ls", 2, "VCN_STORE");
    place.fails("store ls --store nowhere", 1, "vcn store init");
    place.fails("store init --store s", 1, "already");
    place.fails("store ls --store ftp://x/y", 2, "ftp");
    place.fails("store put missing.y4m --store s --model MODEL", 1, "missing.y4m");
    place.fails("store put in.y4m --dedup link --store s --model MODEL", 2, "--dedup link");
    place.fails("store put in.y4m --dedup replace --class frames --store s", 2, "class `quality`");
    place.fails("store put in.y4m --dedup replace --max-distortion 40,20 --store s", 2, "caption");
    put(&place, "in.y4m --class frames");
    place.fails("store get in.y4m -o x.y4m --frames 28..99 --store s", 2, "30 frames");
    place.fails("store get in.y4m -o x.y4m --range 9.. --store s", 2, "--range 9..: `in.y4m` shows no frame");
    place.fails("store dups --not in.y4m in.y4m --store s", 2, "two names");
    fs::write(place.path("taken.y4m"), b"mine").unwrap();
    place.fails("store get in.y4m -o taken.y4m --store s", 1, "taken.y4m");
    assert_eq!(place.bytes("taken.y4m"), b"mine");
}

/// What Chromium, if it is there, makes of a page.
fn in_browser(place: &Place, page: &str) -> Option<String> {
    const COUNT: &str = r#"<script>onload = () => {
        const pictures = [...document.images], broken = pictures.filter(picture => !picture.naturalWidth);
        const loaded = performance.getEntriesByType("resource").filter(entry => !entry.name.startsWith("data:"));
        document.title = `${document.querySelectorAll("section").length} sections, ${pictures.length} pictures, ` +
            `${broken.length} broken, ${loaded.length} loaded`;
    }</script>"#;
    fs::write(place.path("counted.html"), format!("{page}{COUNT}")).unwrap();
    let ran = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .arg(format!("--user-data-dir={}", place.path("profile").display()))
        .args(["--dump-dom", &format!("file://{}", place.path("counted.html").display())])
        .output()
        .ok()?;
    let document = String::from_utf8_lossy(&ran.stdout);
    let (_, title) = document.split_once("<title>").expect("Chromium shows the page");
    Some(title.split("</title>").next()?.to_owned())
}

#[test]
fn duplicates_are_found_and_told() {
    let place = place_with_store();
    put(&place, "in.y4m --class frames --name one");
    put(&place, "in.y4m --class frames --name two");
    let dups = place.ok("store dups --store s --json").json();
    let pair = &dups["matches"][0];
    assert_eq!(
        (&pair["level"], &pair["name"], &pair["other"]),
        (&"identical".into(), &"one".into(), &"two".into())
    );
    let found = place.ok("store find in.y4m --store s --json").json();
    assert_eq!(
        (&found["matches"][0]["level"], &found["matches"][0]["score"]),
        (&"identical".into(), &1.0.into())
    );
    place.video("other.y4m", 32, 48, 4);
    assert!(place.ok("store find other.y4m --store s").text().contains("nothing in common"));

    // A page that stands alone.
    let part = place.frames("in.y4m")[6..].to_vec();
    place.write("part.y4m", 48, 32, part);
    put(&place, "part.y4m --class frames --name <b>part");
    place.ok("store dups --html dups.html --store s");
    let page = String::from_utf8(place.bytes("dups.html")).unwrap();
    assert!(page.contains("&lt;b&gt;part") && page.contains("data:image/jpeg;base64,"), "{page}");
    assert!(!page.contains("http") && !page.contains("<script"), "loads nothing");
    if let Some(seen) = in_browser(&place, &page) {
        let [groups, pictures] = ["<section", "<img"].map(|element| page.matches(element).count());
        assert_eq!(seen, format!("{groups} sections, {pictures} pictures, 0 broken, 0 loaded"));
    }
    place.fails("store dups --html dups.html --store s", 1, "dups.html");
    place.ok("store find part.y4m --html dups.html --overwrite --store s");
}
