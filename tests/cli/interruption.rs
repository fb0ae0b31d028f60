//! Ctrl-C.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::vcn::Place;

fn start(place: &Place, arguments: &str) -> Child {
    let mut command = place.command(arguments);
    command.stdin(Stdio::piped()).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}

/// The exit code of a process that gets a Ctrl-C.
fn interrupted(mut child: Child) -> Option<i32> {
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    child.wait().unwrap().code()
}

#[test]
fn nothing_is_left_behind() {
    let place = Place::new();
    place.video("in.y4m", 64, 64, 3);
    let input = place.bytes("in.y4m");
    let mut child = start(&place, "compress - -o a.vcn --log log.csv --model MODEL");
    // The input stays open, so the program waits for more.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&input).unwrap();
    stdin.flush().unwrap();
    let started = Instant::now();
    while place.names().len() < 3 && started.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(place.names().len(), 3, "two unfinished outputs: {:?}", place.names());
    assert_eq!(interrupted(child), Some(130));
    assert_eq!(place.names(), ["in.y4m"]);
    drop(stdin);
}

#[test]
fn tools_leave_nothing_behind_that_is_not_gone_on_with() {
    let place = Place::new();
    fs::create_dir(place.path("v")).unwrap();
    let slow = place.path("v/slow.y4m");
    assert!(Command::new("mkfifo").arg(&slow).status().unwrap().success());
    fs::write(place.path("list.csv"), "video_path,feature_path\nv/slow.y4m,slow.npy\n").unwrap();
    let log = "time,user,video,to,app,kind\n0,ann,slow.y4m,bob,chat,single\n";
    fs::write(place.path("log.csv"), log).unwrap();
    let before = place.names();
    for arguments in [
        "features --csv list.csv --model MODEL",
        "summarize v/slow.y4m -o summary --model MODEL",
        "id v/slow.y4m --json",
        #[cfg(feature = "serve")]
        "traffic --replay log.csv --videos v --plot t.svg --write-log again.csv",
    ] {
        let child = start(&place, arguments);
        // Waits until the program reads; then the program waits.
        let video = File::options().write(true).open(&slow).unwrap();
        assert_eq!(interrupted(child), Some(130), "{arguments}");
        assert_eq!(place.names(), before, "{arguments}");
        drop(video);
    }
}

#[test]
#[cfg(feature = "serve")]
fn who_waits_for_a_server_can_be_interrupted() {
    let place = Place::new();
    place.video("in.y4m", 48, 32, 3);
    place.ok("store --store mine init");
    let before = place.names();
    // A server that never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{} --token 0123456789abcdef", silent.local_addr().unwrap());
    for arguments in [
        format!("push in.y4m --to {url} --model MODEL"),
        format!("pull in.y4m --from {url} --store mine --model MODEL"),
    ] {
        let child = start(&place, &arguments);
        let connected = silent.accept().unwrap();
        assert_eq!(interrupted(child), Some(130), "{arguments}");
        drop(connected);
    }
    assert_eq!(place.names(), before);
    assert_eq!(place.ok("store --store mine ls --json").json()["names"], serde_json::json!([]));
}
