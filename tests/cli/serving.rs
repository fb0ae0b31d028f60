//! `vcn serve`, `push`, `pull` and `traffic`.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use vcn_media::Picture;

use crate::vcn::{Place, moving};

const TOKEN: &str = "0123456789abcdef";

/// A server that is ended with the test.
struct Serving {
    child: Child,
    url: String,
    /// Kept open: the server writes to it.
    _out: BufReader<ChildStdout>,
}

impl Serving {
    fn start(place: &Place) -> Serving {
        let arguments = "serve --store videos --listen 127.0.0.1:0 --json --model MODEL";
        let mut command = place.command(arguments);
        let mut child = command.env("VCN_TOKEN", TOKEN).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let url = out.by_ref().lines().map_while(Result::ok).find(|line| line.contains("http://")).unwrap();
        let url = url.split('"').nth(3).unwrap().to_owned();
        Serving { child, url, _out: out }
    }

    fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn a_video_goes_to_a_server_and_back() {
    let place = Place::new();
    place.video("in.y4m", 48, 32, 30);
    for store in ["videos", "mine"] {
        place.ok(&format!("store --store {store} init"));
    }
    let serving = Serving::start(&place);
    let push = format!("push in.y4m --to {} --token {TOKEN} --json", serving.url);
    // In this order: exact pictures serve class `quality`, too.
    for (class, name) in [("quality --model MODEL", "coded"), ("frames", "exact")] {
        let first = place.ok(&format!("{push} --class {class} --name {name}")).json();
        assert_eq!(first["results"][0]["encoded_frames"], 30, "{first}");
        let again = place.ok(&format!("{push} --class {class} --name {name}-again")).json();
        let again = &again["results"][0];
        assert_eq!(
            (&again["sharing"], &again["encoded_frames"]),
            (&"identical".into(), &0.into()),
            "{again}"
        );
        assert!(again["sent_bytes"].as_u64().unwrap() < 1500, "{again}");
        let pull = format!("pull {name} --from {} --token {TOKEN} --store mine --model MODEL", serving.url);
        assert!(place.ok(&pull).text().contains("objects fetched"));
        assert!(place.ok(&format!("{pull} --as copy-of-{name}")).text().contains("a reference"));
        place.ok(&format!("store --store mine get {name} -o {name}.y4m --model MODEL"));
    }
    assert_eq!(place.frames("exact.y4m"), place.frames("in.y4m"));
    assert_eq!(place.frames("coded.y4m").len(), 30);
    let names = place.ok(&format!("pull --from {} --token {TOKEN}", serving.url)).text();
    assert_eq!(names.lines().count(), 4, "{names}");

    place.fails(&format!("push in.y4m --to {} --token wrong-token", serving.url), 1, "401");
    // Exact pictures serve a weaker class, too; another video under the name is refused.
    place.ok(&format!("{push} --name exact --class quality --model MODEL"));
    place.video("other.y4m", 48, 32, 12);
    let other = format!("push other.y4m --to {} --token {TOKEN} --name exact --class frames", serving.url);
    place.fails(&other, 1, "another video");
    place.fails(&format!("push - --to {} --token {TOKEN}", serving.url), 2, "pipe");
    place.fails(&format!("push in.y4m --to ftp://x --token {TOKEN}"), 2, "http://");
    assert_eq!(serving.terminate(), Some(0));
    place.fails(&format!("push in.y4m --to http://127.0.0.1:9 --token {TOKEN} --patience 0"), 1, "no answer");
}

#[test]
fn traffic_counts_what_pixels_confirm() {
    let place = Place::new();
    let clip = |change: &dyn Fn(usize, usize, u8) -> u8| -> Vec<Picture> {
        let frame = |t: usize| {
            let mut frame = moving(160, 160, t);
            let changed = |(at, sample): (usize, &u8)| change(at % 160, at / 160, *sample);
            frame.y = frame.y.iter().enumerate().map(changed).collect();
            frame.into()
        };
        (0..10).map(frame).collect()
    };
    std::fs::create_dir(place.path("v")).unwrap();
    place.write("v/a.y4m", 160, 160, clip(&|_, _, v| v));
    place.write("v/renamed.y4m", 160, 160, clip(&|_, _, v| v));
    place.write("v/copy.y4m", 160, 160, clip(&|x, y, v| v + ((x * 7 + y * 3) % 5) as u8));
    place.write("v/caption.y4m", 160, 160, clip(&|x, y, v| if x < 60 && y > 130 { 255 } else { v }));
    let log = "time,user,video,to,app,kind\n0,ann,a.y4m,bob,chat,single\n1,bob,renamed.y4m,ann;eve,chat,group\n\
               3600,eve,copy.y4m,ann,chat,single\n3601,eve,caption.y4m,ann,feed,single\n";
    std::fs::write(place.path("log.csv"), log).unwrap();
    let report = place.ok("traffic --replay log.csv --videos v --json --across-apps --plot t.svg").json();
    assert_eq!(report["total"]["references"], serde_json::json!([1, 2]), "{report}");
    let size = std::fs::metadata(place.path("v/a.y4m")).unwrap().len();
    assert_eq!(report["total"]["without"], serde_json::json!({"up": 4 * size, "down": 5 * size}));
    assert!(String::from_utf8(place.bytes("t.svg")).unwrap().starts_with("<svg"));

    let table = place.ok("traffic --synthetic 1 --shares 500 --write-log made.csv").text();
    assert!(table.contains("chat") && table.contains("20:00"), "{table}");
    let replayed = place.ok("traffic --replay made.csv --json").json();
    assert_eq!(replayed["total"]["shares"], 500);
    place.fails("traffic --replay log.csv", 2, "--videos");
    place.fails("traffic", 2, "--replay");
    std::fs::write(
        place.path("bad.csv"),
        "time,user,video,to,app,kind\n0,ann,../../etc/passwd,bob,chat,single\n",
    )
    .unwrap();
    place.fails("traffic --replay bad.csv --videos v", 2, "below the folder");
}
