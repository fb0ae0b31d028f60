//! `vcn rank`.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use vcn_media::{Picture, Yuv420};

use crate::vcn::{Place, moving};

/// Clips of which every other moves; the last one has a cut after 40 frames.
fn clips(place: &Place) {
    fs::create_dir(place.path("clips")).unwrap();
    let write = |name: &str, frames: Vec<Yuv420>| {
        let pictures = frames.into_iter().map(Picture::from).collect();
        place.write(&format!("clips/{name}.y4m"), 48, 32, pictures);
    };
    for clip in 0..24 {
        let speed = if clip % 2 == 1 { 1 + clip % 3 } else { 0 };
        write(&format!("{clip:02}"), (0..32).map(|t| moving(48, 32, 7 * clip + speed * t)).collect());
    }
    let negative =
        |picture: Yuv420| Yuv420 { y: picture.y.iter().map(|sample| 255 - sample / 2).collect(), ..picture };
    let frames = (0..80).map(|t| if t < 40 { moving(48, 32, t) } else { negative(moving(48, 32, t)) });
    write("cut", frames.collect());
}

#[test]
fn what_people_want_is_found_and_told_from_chance() {
    let place = Place::new();
    clips(&place);
    fs::write(place.path("clips/broken.mp4"), "no video").unwrap();
    let found = place.ok("rank clips -o ranked --codec MODEL --batch 5 --json");
    assert!(found.err.contains("broken.mp4"), "{}", found.err);
    let found = found.json();
    assert_eq!((found["clips"].as_u64(), found["scenes"].as_u64()), (Some(26), Some(26)));
    assert_eq!(found["failed"][0]["clip"], "broken.mp4");

    // The list of scenes, filled in: those that move are wanted.
    let list = fs::read_to_string(place.path("ranked/scenes.csv")).unwrap();
    assert!(list.contains("cut.y4m#1,1.333,2.667,,"), "{list}");
    let label = |line: &str| match line[..2].parse::<u32>() {
        Ok(clip) => line.replace(",,", &format!(",{},", clip % 2)),
        Err(_) => line.to_owned(),
    };
    let labels: Vec<String> = list.lines().map(label).collect();
    fs::write(place.path("labels.csv"), labels.join("\n")).unwrap();

    // Batches are not measured again: the clips may be gone by now.
    fs::rename(place.path("clips"), place.path("away")).unwrap();
    fs::create_dir(place.path("clips")).unwrap();
    for entry in fs::read_dir(place.path("away")).unwrap() {
        fs::write(place.path("clips").join(entry.unwrap().file_name()), "").unwrap();
    }
    let learn = "rank clips -o ranked --codec MODEL --batch 5 --labels labels.csv --save-model likes.json --top 4 --json";
    let found = place.ok(learn).json();
    place.fails(learn, 1, "--overwrite");
    assert_eq!(found["held_out"]["scenes"], 24);
    assert!(found["held_out"]["accuracy"].as_f64().unwrap() > 0.9, "{}", found["held_out"]);
    assert!(
        found["held_out"]["interval"][0].as_f64().unwrap() > found["held_out"]["baseline"].as_f64().unwrap()
    );
    assert_eq!(found["wanted"]["picked"], 1.0);
    assert!(found["wanted"]["random"].as_f64().unwrap() < 0.7);
    let picked = found["picked"].as_array().unwrap();
    let clips: Vec<&str> = picked.iter().map(|scene| scene["clip"].as_str().unwrap()).collect();
    assert_eq!(clips.len(), 4);
    assert!(
        clips.iter().all(|clip| *clip == "cut.y4m" || clip[..2].parse::<u32>().unwrap() % 2 == 1),
        "{clips:?}"
    );

    // What was learned holds elsewhere, and a saved model that was tampered with is refused.
    let found = place.ok("rank away -o other --codec MODEL --model likes.json --top 3 --json").json();
    assert!(found["picked"].as_array().unwrap().iter().all(|scene| scene["score"].as_f64().unwrap() > 0.5));
    let model = fs::read_to_string(place.path("likes.json")).unwrap();
    fs::write(place.path("likes.json"), model.replacen("\"yes\": 1", "\"yes\": 0", 1)).unwrap();
    place.fails("rank away -o third --codec MODEL --model likes.json", 3, "likes.json");

    // A batch of other clips, or one that is damaged, is not taken.
    place.fails("rank away -o other --codec MODEL --batch 3 --overwrite", 2, "batch-00000.json");
    fs::write(place.path("other/batch-00000.json"), "{").unwrap();
    place.fails("rank away -o other --codec MODEL --overwrite", 3, "batch-00000.json");
}

#[test]
fn programs_are_asked_once_and_a_file_configures() {
    let place = Place::new();
    clips(&place);
    let config = r#"
        inputs = ["clips"]
        output = "ranked"
        top = 3
        overwrite = true
        json = true
        min-seconds = 1.05
        score-cmd = "echo x >> asked; case $VCN_CLIP in *03.y4m) exit 1;; esac; basename $VCN_CLIP .y4m | sed s/cut/0/"
        caption-cmd = "echo caption of $VCN_SCENE"
        retries = 1
    "#;
    fs::write(place.path("rank.toml"), config).unwrap();
    let run = || place.ok("rank --config rank.toml --codec MODEL --top 2").json();
    let found = run();
    assert_eq!(found["candidates"], 26);
    let picked = found["picked"].as_array().unwrap();
    let ids: Vec<&str> = picked.iter().map(|scene| scene["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["23.y4m#0", "22.y4m#0"]);
    assert_eq!(picked[0]["caption"], "caption of 23.y4m#0");
    let asked = || fs::read(place.path("asked")).unwrap().len() / 2;
    // 26 scenes, the failing one twice, and the picked ones once more because they have captions now.
    assert_eq!(asked(), 26 + 1 + 2);
    run();
    assert_eq!(asked(), 26 + 1 + 2 + 2);
    fs::write(place.path("rank.toml"), "tops = 3").unwrap();
    place.fails("rank clips -o x --config rank.toml", 2, "rank.toml");
}

#[test]
#[cfg(unix)]
fn a_killed_run_goes_on_where_it_was() {
    let place = Place::new();
    clips(&place);
    // Programs are asked scene by scene, and wait at the fifth until they may go on.
    let score =
        r#"echo $VCN_SCENE >> asked; until [ $VCN_SCENE != 04.y4m#0 -o -e go ]; do sleep 0.05; done; echo 1"#;
    fs::write(place.path("rank.toml"), format!("score-cmd = '{score}'\nretries = 0")).unwrap();
    let rank = "rank clips -o ranked --codec MODEL --batch 20 --top 3 --config rank.toml --json";
    let start = || place.command(rank).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let wait_for = |what: &dyn Fn() -> bool| {
        let started = Instant::now();
        while !what() {
            assert!(started.elapsed() < Duration::from_secs(60), "it does not go on");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let kill = |mut child: Child| {
        child.kill().unwrap();
        child.wait().unwrap();
    };
    // Killed in the second batch, of which one clip does not come.
    let (clip, away) = (place.path("clips/23.y4m"), place.path("away.y4m"));
    fs::rename(&clip, &away).unwrap();
    assert!(Command::new("mkfifo").arg(&clip).status().unwrap().success());
    let child = start();
    wait_for(&|| place.path("ranked/batch-00000.json").exists());
    kill(child);
    assert!(!place.path("ranked/batch-00001.json").exists());
    fs::rename(&away, &clip).unwrap();
    // The first batch is not made again: its clips may be gone by now.
    let first = place.bytes("ranked/batch-00000.json");
    fs::rename(place.path("clips/00.y4m"), &away).unwrap();
    fs::write(place.path("clips/00.y4m"), "").unwrap();
    // Killed while a program is asked.
    let asked = || fs::read_to_string(place.path("asked")).unwrap_or_default();
    let child = start();
    wait_for(&|| asked().contains("04.y4m"));
    kill(child);
    fs::write(place.path("go"), "").unwrap();
    let found = place.ok(rank).json();
    assert_eq!((found["clips"].as_u64(), found["candidates"].as_u64()), (Some(25), Some(26)));
    assert_eq!(place.bytes("ranked/batch-00000.json"), first);
    // Nobody is asked twice but who was interrupted.
    let mut scenes: Vec<String> = asked().lines().map(str::to_owned).collect();
    assert_eq!(scenes.len(), 26 + 1);
    scenes.sort();
    scenes.dedup();
    assert_eq!(scenes.len(), 26);
}

#[test]
fn programs_that_fail_or_hang_are_told_and_nothing_is_lost() {
    let place = Place::new();
    clips(&place);
    let rank = "rank clips -o ranked --codec MODEL --top 2 --overwrite --retries 0";
    // One that never answers is an error, with what it said; there is no ranking then.
    let silent = place.path("silent.toml");
    fs::write(&silent, "score-cmd = 'echo no quota >&2; exit 3'").unwrap();
    place.fails(&format!("{rank} --config silent.toml"), 1, "it failed: no quota");
    assert!(!place.path("ranked/ranking.json").exists());
    // One that hangs for a scene, with a child of its own, and scores the others.
    let score = r#"case $VCN_CLIP in *03.y4m) (sleep 3; touch late) & sleep 60;; esac; echo 1"#;
    fs::write(&silent, format!("score-cmd = '{score}'\ntimeout = 1\njson = true")).unwrap();
    let found = place.ok(&format!("{rank} --config silent.toml")).json();
    assert_eq!(found["picked"].as_array().unwrap().len(), 2);
    let unscored = found["unscored"].as_array().unwrap();
    assert_eq!((unscored.len(), &unscored[0]["id"]), (1, &"03.y4m#0".into()));
    assert!(unscored[0]["reason"].as_str().unwrap().contains("longer than 1 s"), "{}", unscored[0]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!place.path("late").exists());
}
