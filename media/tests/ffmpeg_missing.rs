//! Without `ffmpeg` the message says how to get it. Alone in its process, since it changes the search path.

#![cfg(feature = "files")]

use vcn_media::{CreateOptions, OpenOptions, Rational, SourceKind, VideoInfo, create, open};

#[test]
fn a_missing_ffmpeg_is_named_with_the_remedy() {
    // SAFETY: no other thread of this process reads the environment.
    unsafe { std::env::set_var("PATH", "/nonexistent") };
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("clip.mp4");
    let info = VideoInfo {
        width: 2,
        height: 2,
        fps: Rational::DEFAULT_FPS,
        colour: vcn_media::Colour::RGB_INPUT,
        frames: None,
        source: SourceKind::Other,
    };
    let refused = create(path.to_str().unwrap(), &info, CreateOptions::default()).err().unwrap();
    assert!(refused.to_string().contains("`ffmpeg`, which is not installed: `apt-get install ffmpeg`"));
    assert_eq!(root.path().read_dir().unwrap().count(), 0);

    std::fs::write(&path, "").unwrap();
    let refused = open(path.to_str().unwrap(), OpenOptions::default()).err().unwrap();
    assert!(refused.to_string().contains("clip.mp4: needs `ffprobe`, which is not installed"));
}
