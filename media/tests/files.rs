//! Inputs and outputs that need no other program.

#![cfg(feature = "files")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use vcn_media::*;

fn rgb(width: usize, height: usize, value: u8) -> Rgb8 {
    let data = (0..width * height * 3).map(|i| value.wrapping_add((i * 7) as u8)).collect();
    Rgb8::new(width, height, data).unwrap()
}

fn yuv(width: usize, height: usize, value: u8) -> Yuv420 {
    rgb_of(width, height, value).to_yuv420(Colour::RGB_INPUT)
}

fn rgb_of(width: usize, height: usize, value: u8) -> Picture {
    rgb(width, height, value).into()
}

fn info(width: usize, height: usize) -> VideoInfo {
    VideoInfo {
        width,
        height,
        fps: Rational { num: 30000, den: 1001 },
        colour: Colour::RGB_INPUT,
        frames: None,
        source: SourceKind::Other,
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn write(path: &str, info: &VideoInfo, overwrite: bool, frames: &[Picture]) -> Result<()> {
    let mut writer = create(path, info, CreateOptions { overwrite })?;
    for frame in frames {
        writer.write(frame)?;
    }
    writer.finish()
}

fn read(path: &Path, options: OpenOptions) -> Result<(VideoInfo, Vec<Picture>)> {
    let mut reader = open(text(path), options)?;
    let mut frames = Vec::new();
    while let Some(frame) = reader.next()? {
        frames.push(frame);
    }
    Ok((reader.info().clone(), frames))
}

fn refusal<T>(result: Result<T>) -> String {
    result.err().expect("should be refused").to_string()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_folder_of_png_comes_back_in_natural_order() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("new/frames");
    let frames: Vec<_> = (0..11).map(|i| rgb_of(5, 3, i)).collect();
    write(&format!("{}/", text(&folder)), &info(5, 3), false, &frames).unwrap();
    assert_eq!(names(&root.path().join("new")), ["frames"]);
    fs::write(folder.join("notes.txt"), "not a frame").unwrap();
    fs::write(folder.join(".im0.png"), "hidden").unwrap();

    let (info, found) = read(&folder, OpenOptions::default()).unwrap();
    assert_eq!((info.width, info.height, info.frames), (5, 3, Some(11)));
    assert_eq!((info.fps, info.colour), (Rational::DEFAULT_FPS, Colour::RGB_INPUT));
    assert_eq!(found, frames);

    let options = OpenOptions { skip: 8, limit: Some(2), ..Default::default() };
    assert_eq!(read(&folder, options).unwrap().1, frames[8..10]);
}

#[test]
fn a_single_image_is_a_video_of_one_frame() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("one.png");
    write(text(&path), &info(1, 1), false, &[rgb_of(1, 1, 9)]).unwrap();
    assert_eq!(read(&path, OpenOptions::default()).unwrap().1, [rgb_of(1, 1, 9)]);
    let message = refusal(write(text(&path), &info(1, 1), true, &[rgb_of(1, 1, 9), rgb_of(1, 1, 9)]));
    assert!(message.contains("one.png: an image file holds one frame"), "{message}");
}

#[test]
fn deep_and_transparent_images_become_8_bit_rgb() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("deep.png");
    image::ImageBuffer::from_pixel(2, 1, image::Rgba([0u16, 0x8080, 0xffff, 0x1234])).save(&path).unwrap();
    let expected = Rgb8::new(2, 1, vec![0, 128, 255, 0, 128, 255]).unwrap();
    assert_eq!(read(&path, OpenOptions::default()).unwrap().1, [Picture::Rgb(expected)]);
}

#[test]
fn y4m_keeps_samples_rate_and_colour() {
    let root = tempfile::tempdir().unwrap();
    for (width, height) in [(1, 1), (2, 1), (5, 3), (16, 16)] {
        let path = root.path().join(format!("{width}x{height}.y4m"));
        let frames: Vec<Picture> = (0..3).map(|i| yuv(width, height, i).into()).collect();
        write(text(&path), &info(width, height), false, &frames).unwrap();
        let (found, read_frames) = read(&path, OpenOptions::default()).unwrap();
        let expected = VideoInfo { frames: Some(3), source: SourceKind::Y4m, ..info(width, height) };
        assert_eq!((found, read_frames), (expected, frames.clone()));

        let nearest = Colour { chroma: Chroma::Nearest, ..Colour::RGB_INPUT };
        let other = VideoInfo { colour: nearest, ..info(width, height) };
        write(text(&path), &other, true, &frames).unwrap();
        assert_eq!(read(&path, OpenOptions::default()).unwrap().0.colour, nearest);

        let options = OpenOptions { skip: 1, limit: Some(1), ..Default::default() };
        let (found, read_frames) = read(&path, options).unwrap();
        assert_eq!((found.frames, read_frames), (Some(1), frames[1..2].to_vec()));
        let message = refusal(open(text(&path), OpenOptions { skip: 3, ..Default::default() }));
        assert!(message.contains("cannot skip 3 frames, there are only 3"), "{message}");
    }
}

#[test]
fn y4m_of_other_layouts_is_read() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("in.y4m");
    fs::write(&path, b"YUV4MPEG2 W3 H1 F0:0 It A0:0 C444 XYSCSS=444\nFRAME Ip\nabcdefghi").unwrap();
    let (found, frames) = read(&path, OpenOptions::default()).unwrap();
    let planes = [b"abc", b"def", b"ghi"].map(|plane| plane.to_vec());
    let [y, u, v] = planes;
    assert_eq!(frames, [Picture::Yuv444(Yuv444::new(3, 1, y, u, v).unwrap())]);
    assert_eq!(found.fps, Rational::DEFAULT_FPS);
    assert_eq!(
        found.colour,
        Colour { matrix: Matrix::Bt601, range: Range::Limited, chroma: Chroma::Bilinear }
    );

    fs::write(&path, b"YUV4MPEG2 W3 H1 F50:2 Cmono XCOLORRANGE=FULL\nFRAME\nabc").unwrap();
    let (found, frames) = read(&path, OpenOptions::default()).unwrap();
    let grey = Yuv420::new(3, 1, b"abc".to_vec(), vec![128; 2], vec![128; 2]).unwrap();
    assert_eq!(frames, [Picture::Yuv420(grey)]);
    assert_eq!((found.colour.range, found.frames), (Range::Full, Some(1)));
}

#[test]
fn a_truncated_y4m_names_file_and_frame_after_giving_what_is_whole() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("cut.y4m");
    write(text(&path), &info(4, 4), false, &[yuv(4, 4, 0).into(), yuv(4, 4, 1).into()]).unwrap();
    let whole = fs::read(&path).unwrap();
    for missing in 1..=30 {
        fs::write(&path, &whole[..whole.len() - missing]).unwrap();
        let mut reader = open(text(&path), OpenOptions::default()).unwrap();
        assert_eq!(reader.next().unwrap(), Some(yuv(4, 4, 0).into()));
        if missing == 30 {
            assert_eq!(reader.next().unwrap(), None);
        } else {
            let message = refusal(reader.next());
            assert!(message.contains("cut.y4m: frame 1") && message.contains("cut short"), "{message}");
        }
    }
}

#[test]
fn bad_inputs_are_named_with_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let open = |name: &str| refusal(open(text(&root.path().join(name)), OpenOptions::default()));
    let expect = |message: String, parts: &[&str]| {
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    };
    expect(open("absent"), &["absent: no such file"]);
    fs::create_dir(root.path().join("empty")).unwrap();
    expect(open("empty"), &["empty: no frames", "PNG or JPEG"]);

    for (header, reason) in [
        ("YUV4MPEG2 W16385 H2\n", "width is `16385`"),
        ("YUV4MPEG2 W2 H0\n", "height is `0`"),
        ("YUV4MPEG2 W2\n", "no height"),
        ("YUV4MPEG2 W2 H2 C420p10\n", "-pix_fmt yuv420p"),
        ("YUV4MPEG2 W2 H2 F1\n", "frame rate is `1`"),
        ("RIFF\n", "not a Y4M stream"),
        ("YUV4MPEG2 W2 H2", "ends within"),
        ("", "empty"),
    ] {
        fs::write(root.path().join("bad.y4m"), header).unwrap();
        expect(open("bad.y4m"), &["bad.y4m", reason]);
    }

    let folder = root.path().join("mixed");
    write(text(&folder), &info(4, 4), false, &[rgb_of(4, 4, 0)]).unwrap();
    write(text(&folder.join("im2.png")), &info(4, 2), false, &[rgb_of(4, 2, 0)]).unwrap();
    let message = refusal(read(&folder, OpenOptions::default()));
    expect(message, &["im2.png: this frame is 4x2, but the video is 4x4"]);
    fs::write(folder.join("im2.png"), "no image").unwrap();
    expect(refusal(read(&folder, OpenOptions::default())), &["im2.png: not a readable image"]);
}

#[test]
fn nothing_is_overwritten_unasked_and_no_stale_frame_is_left() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("out");
    let frames = [rgb_of(2, 2, 1), rgb_of(2, 2, 2), rgb_of(2, 2, 3)];
    write(text(&folder), &info(2, 2), false, &frames).unwrap();
    fs::write(folder.join("README"), "mine").unwrap();
    let message = refusal(write(text(&folder), &info(2, 2), false, &frames));
    assert!(message.contains("out: exists already") && message.contains("--overwrite"), "{message}");

    write(text(&folder), &info(2, 2), true, &frames[..1]).unwrap();
    assert_eq!(names(&folder), ["README", "im1.png"]);

    fs::copy(folder.join("im1.png"), folder.join("holiday.png")).unwrap();
    let message = refusal(write(text(&folder), &info(2, 2), true, &frames));
    assert!(message.contains("holiday.png: is not a frame that vcn wrote"), "{message}");

    let file = root.path().join("out.y4m");
    fs::write(&file, "precious").unwrap();
    let message = refusal(write(text(&file), &info(2, 2), false, &frames));
    assert!(message.contains("out.y4m: exists already"), "{message}");
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    write(text(&file), &info(2, 2), true, &frames).unwrap();
    assert_eq!(names(root.path()), ["out", "out.y4m"]);
}

#[test]
fn an_abandoned_output_leaves_nothing_behind() {
    let root = tempfile::tempdir().unwrap();
    let existing = root.path().join("existing");
    write(text(&existing), &info(2, 2), false, &[rgb_of(2, 2, 0)]).unwrap();
    fs::write(root.path().join("old.y4m"), "precious").unwrap();
    for name in ["a.y4m", "old.y4m", "b.png", "folder", "existing"] {
        let path = root.path().join(name);
        let mut writer = create(text(&path), &info(2, 2), CreateOptions { overwrite: true }).unwrap();
        writer.write(&rgb_of(2, 2, 7)).unwrap();
        let partial = |folder: &Path| names(folder).iter().any(|name| name.contains(".partial-"));
        assert!(partial(root.path()) || partial(&existing), "{name}");
        assert!(refusal(writer.write(&rgb_of(1, 2, 7))).contains("this frame is 1x2"));
        drop(writer);
    }
    assert_eq!(names(root.path()), ["existing", "old.y4m"]);
    assert_eq!(names(&existing), ["im1.png"]);
    assert_eq!(read(&existing, OpenOptions::default()).unwrap().1, [rgb_of(2, 2, 0)]);
    assert_eq!(fs::read(root.path().join("old.y4m")).unwrap(), b"precious");
}

#[test]
#[cfg(unix)]
fn what_a_killed_process_left_goes_with_the_next_output() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    // Somebody is at work in this folder.
    let at_work = AtomicFile::create(path("work.vcn"), false).unwrap();
    let left = [".a.y4m.partial-1", ".b.partial-77-2.mp4"];
    let kept = [".a.y4m.partial-", ".partial-1", "a.partial-1", ".a.partial-1-x", ".a.partial-x.mp4"];
    left.iter().chain(&kept).for_each(|name| fs::write(path(name), "torn").unwrap());
    fs::create_dir(path(".frames.partial-5")).unwrap();
    fs::write(path(".frames.partial-5/im1.png"), "torn").unwrap();
    // What would hang who opens it.
    assert!(std::process::Command::new("mkfifo").arg(path(".c.partial-9")).status().unwrap().success());
    vcn_media::remove_abandoned(root.path());
    at_work.commit().unwrap();
    let mut expected: Vec<&str> = kept.iter().copied().chain([".c.partial-9", "work.vcn"]).collect();
    expected.sort_unstable();
    assert_eq!(names(root.path()), expected);

    // The first output in a folder tidies it.
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join(left[0]), "torn").unwrap();
    AtomicFile::write(other.path().join("b"), b"whole", false).unwrap();
    assert_eq!(names(other.path()), ["b"]);
}

#[test]
fn a_file_made_meanwhile_is_not_overwritten_by_the_commit() {
    let root = tempfile::tempdir().unwrap();
    let path: PathBuf = root.path().join("late.vcn");
    let file = AtomicFile::create(&path, false).unwrap();
    fs::write(&path, "first").unwrap();
    assert!(refusal(file.commit()).contains("late.vcn: exists already"));
    assert_eq!((fs::read(&path).unwrap(), names(root.path()).len()), (b"first".to_vec(), 1));
}
