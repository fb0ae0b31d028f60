//! Running the program on small videos.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::{fs, io::Write};

use tempfile::TempDir;
use vcn_codec::container::Metric;
use vcn_media::{
    Colour, CreateOptions, OpenOptions, Picture, Rational, Rgb8, SourceKind, VideoInfo, Yuv420, create, open,
};

use crate::untrained::untrained;

/// A folder of its own, in which the program runs.
pub struct Place(TempDir);

/// What a run came to.
pub struct Ran {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Names of everything in the folder, hidden files included.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vcn"));
        let model = model();
        let model = model.to_str().unwrap();
        command.args(arguments.split_whitespace().map(|word| if word == "MODEL" { model } else { word }));
        command.current_dir(self.0.path());
        command
    }

    /// Runs the program with arguments in which `MODEL` stands for the checkpoint's file.
    pub fn run(&self, arguments: &str) -> Ran {
        self.run_with(arguments, b"")
    }

    /// The same with something on standard input.
    pub fn run_with(&self, arguments: &str, input: &[u8]) -> Ran {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let output: Output = std::thread::scope(|scope| {
            // A program that refuses its input closes the pipe, which is no failure of the test.
            scope.spawn(move || stdin.write_all(input));
            child.wait_with_output().unwrap()
        });
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains("panicked"), "{arguments}: {err}");
        Ran { code: output.status.code().unwrap_or(-1), out: output.stdout, err }
    }

    /// Runs the program, which must succeed.
    pub fn ok(&self, arguments: &str) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments}: {}", ran.err);
        ran
    }

    /// Runs the program, which must fail with a code and a message that contains `says`.
    pub fn fails(&self, arguments: &str, code: i32, says: &str) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments}: {}", ran.err);
        assert!(ran.err.contains(says), "{arguments}: {} does not contain {says}", ran.err);
        ran
    }

    /// Writes a moving video as Y4M (or whatever `name` says).
    pub fn video(&self, name: &str, width: usize, height: usize, frames: usize) {
        let pictures = (0..frames).map(|t| Picture::from(moving(width, height, t)));
        self.write(name, width, height, pictures.collect());
    }

    pub fn write(&self, name: &str, width: usize, height: usize, pictures: Vec<Picture>) {
        let info = VideoInfo {
            width,
            height,
            fps: Rational { num: 30, den: 1 },
            colour: Colour::RGB_INPUT,
            frames: None,
            source: SourceKind::Other,
        };
        let name = self.path(name);
        let mut writer = create(name.to_str().unwrap(), &info, CreateOptions::default()).unwrap();
        pictures.iter().for_each(|picture| writer.write(picture).unwrap());
        writer.finish().unwrap();
    }

    /// Reads frames as they are stored.
    pub fn frames(&self, name: &str) -> Vec<Picture> {
        read(&self.path(name))
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }
}

impl Ran {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.out).unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.out.clone()).unwrap()
    }
}

fn read(path: &Path) -> Vec<Picture> {
    let mut reader = open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next().unwrap() {
        frames.push(frame);
    }
    frames
}

/// A frame of a texture that moves.
pub fn moving(width: usize, height: usize, t: usize) -> Yuv420 {
    let wave = |i: usize, j: usize, a: usize, b: usize| ((i * a + (j + 2 * t) * b) % 160 + 40) as u8;
    let plane = |w: usize, h: usize, a, b| (0..w * h).map(|k| wave(k / w, k % w, a, b)).collect();
    let (cw, ch) = (width.div_ceil(2), height.div_ceil(2));
    Yuv420::new(width, height, plane(width, height, 3, 5), plane(cw, ch, 1, 2), plane(cw, ch, 2, 1)).unwrap()
}

/// An RGB frame of the same.
pub fn coloured(width: usize, height: usize, t: usize) -> Rgb8 {
    Picture::from(moving(width, height, t)).to_rgb(Colour::RGB_INPUT)
}

/// A checkpoint that nobody trained: it keeps every promise of the format.
pub fn model() -> PathBuf {
    static WRITTEN: OnceLock<PathBuf> = OnceLock::new();
    WRITTEN.get_or_init(|| write_model("untrained.vcnm", 1)).clone()
}

/// Another one.
pub fn other_model() -> PathBuf {
    static WRITTEN: OnceLock<PathBuf> = OnceLock::new();
    WRITTEN.get_or_init(|| write_model("other.vcnm", 2)).clone()
}

fn write_model(name: &str, seed: u64) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let checkpoint = untrained("untrained", Metric::Psnr, seed).unwrap();
    let partial = tempfile::NamedTempFile::new_in(folder).unwrap();
    fs::write(partial.path(), checkpoint.write()).unwrap();
    partial.persist(folder.join(name)).unwrap();
    folder.join(name)
}
