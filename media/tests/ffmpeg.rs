//! Inputs and outputs by way of `ffmpeg`; each test does nothing where it is not installed.

#![cfg(feature = "files")]

use std::{path::Path, process::Command};

use vcn_media::*;

fn installed() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !there {
        eprintln!("skipped: ffmpeg is not installed");
    }
    there
}

fn ffmpeg(arguments: &str, output: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(arguments.split(' '))
        .arg(output)
        .status();
    assert!(status.unwrap().success(), "{arguments}");
}

fn read(path: &Path, options: OpenOptions) -> Result<(VideoInfo, Vec<Picture>)> {
    let mut reader = open(path.to_str().unwrap(), options)?;
    let mut frames = Vec::new();
    while let Some(frame) = reader.next()? {
        frames.push(frame);
    }
    Ok((reader.info().clone(), frames))
}

/// A moving gradient with strong colours.
fn frames(width: usize, height: usize, colour: Colour) -> Vec<Picture> {
    let frame = |t: usize| {
        let pixel = |x: usize, y: usize| [x * 255 / width, y * 255 / height, (x + y + 8 * t) * 255 / 256];
        let at = |i: usize| pixel(i % width, i / width).map(|value| value.min(255) as u8);
        Rgb8::new(width, height, (0..width * height).flat_map(at).collect()).unwrap()
    };
    (0..4).map(|t| Picture::from(frame(t)).to_yuv420(colour).into()).collect()
}

fn mean_error(a: &Rgb8, b: &Rgb8) -> f64 {
    let sum: u64 = a.data.iter().zip(&b.data).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
    sum as f64 / a.data.len() as f64
}

#[test]
fn videos_keep_samples_size_rate_and_colour() {
    if !installed() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    for matrix in [Matrix::Bt709, Matrix::Bt601] {
        for range in [Range::Full, Range::Limited] {
            for (name, (width, height)) in [("a.mp4", (64, 48)), ("b.mkv", (64, 48)), ("odd.mov", (33, 17))] {
                let colour = Colour { matrix, range, chroma: Chroma::Bilinear };
                let fps = Rational { num: 24000, den: 1001 };
                let info = VideoInfo { width, height, fps, colour, frames: None, source: SourceKind::Other };
                let frames = frames(width, height, colour);
                let path = root.path().join(name);
                let mut writer =
                    create(path.to_str().unwrap(), &info, CreateOptions { overwrite: true }).unwrap();
                for frame in &frames {
                    writer.write(frame).unwrap();
                }
                writer.finish().unwrap();

                let (found, decoded) = read(&path, OpenOptions::default()).unwrap();
                let expected = VideoInfo { frames: found.frames, source: SourceKind::Ffmpeg, ..info };
                assert_eq!(found, expected, "{name}");
                assert_eq!(decoded.len(), frames.len());
                for (decoded, frame) in decoded.iter().zip(&frames) {
                    let error = mean_error(&decoded.to_rgb(colour), &frame.to_rgb(colour));
                    assert!(error < 2.0, "{name} {colour:?}: off by {error:.2}");
                }
            }
        }
    }
    let mut names: Vec<_> = root.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.mp4", "b.mkv", "odd.mov"]);
}

#[test]
fn every_kind_of_output_shows_the_right_colours() {
    if !installed() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    for matrix in [Matrix::Bt709, Matrix::Bt601] {
        for range in [Range::Full, Range::Limited] {
            for (name, tolerance) in [
                ("a.avi", 4.0),
                ("a.gif", 20.0),
                ("a.webm", 4.0),
                ("a.mpg", 4.0),
                ("a.webp", 4.0),
                ("a.jpg", 4.0),
            ] {
                let colour = Colour { matrix, range, chroma: Chroma::Bilinear };
                let fps = Rational { num: 25, den: 1 };
                let info =
                    VideoInfo { width: 64, height: 48, fps, colour, frames: None, source: SourceKind::Other };
                let path = root.path().join(name);
                let mut writer =
                    create(path.to_str().unwrap(), &info, CreateOptions { overwrite: true }).unwrap();
                let frames = frames(64, 48, colour);
                for frame in &frames[..if matches!(name, "a.webp" | "a.jpg") { 1 } else { 4 }] {
                    writer.write(frame).unwrap();
                }
                writer.finish().unwrap();
                // Shown as any player would show it.
                let shown = root.path().join("shown.png");
                let _ = std::fs::remove_file(&shown);
                ffmpeg(&format!("-i {} -frames:v 1", path.display()), &shown);
                let (_, found) = read(&shown, OpenOptions::default()).unwrap();
                let error = mean_error(&found[0].to_rgb(colour), &frames[0].to_rgb(colour));
                assert!(error < tolerance, "{name} {colour:?}: off by {error:.2}");
            }
        }
    }
}

#[test]
fn unusual_pixels_are_read_in_their_colours() {
    if !installed() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let (path, source) = (root.path().join("clip.mkv"), root.path().join("source.png"));
    let colourful = frames(64, 48, Colour::RGB_INPUT)[0].to_rgb(Colour::RGB_INPUT);
    let grey = Rgb8::new(64, 48, (0..64 * 48).flat_map(|i| [(i / 13) as u8; 3]).collect()).unwrap();
    for (pixels, expected) in [
        ("gbrp", &colourful),
        ("bgr0", &colourful),
        ("yuv444p", &colourful),
        ("yuv444p10le", &colourful),
        ("yuv422p", &colourful),
        ("yuvj422p", &colourful),
        ("yuv420p10le", &colourful),
        ("yuva420p", &colourful),
        ("gray", &grey),
        ("gray10le", &grey),
    ] {
        let info = VideoInfo {
            width: 64,
            height: 48,
            fps: Rational::DEFAULT_FPS,
            colour: Colour::RGB_INPUT,
            frames: None,
            source: SourceKind::Other,
        };
        let mut writer = create(source.to_str().unwrap(), &info, CreateOptions { overwrite: true }).unwrap();
        writer.write(&expected.clone().into()).unwrap();
        writer.finish().unwrap();
        ffmpeg(&format!("-y -i {} -pix_fmt {pixels} -c:v ffv1", source.display()), &path);
        let (info, found) = read(&path, OpenOptions::default()).unwrap();
        let error = mean_error(&found[0].to_rgb(info.colour), expected);
        eprintln!("{pixels}: off by {error:.2}, {:?}", info.colour);
        assert!(error < 1.6, "{pixels}: off by {error:.2}");
    }
}

#[test]
fn failures_of_ffmpeg_are_told_in_its_words() {
    if !installed() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("text.mp4");
    std::fs::write(&path, "no video").unwrap();
    let message = read(&path, OpenOptions::default()).unwrap_err().to_string();
    assert!(message.contains("text.mp4: ffprobe failed: ") && message.contains("Invalid data"), "{message}");

    // A type that cannot hold such a picture: ffmpeg ends while frames are still being written.
    let info = VideoInfo {
        width: 3,
        height: 3,
        fps: Rational { num: 25, den: 1 },
        colour: Colour::RGB_INPUT,
        frames: None,
        source: SourceKind::Other,
    };
    let path = root.path().join("bad.dv");
    let mut writer = create(path.to_str().unwrap(), &info, CreateOptions::default()).unwrap();
    let frame = frames(3, 3, info.colour).remove(0);
    let written = (0..1000).try_for_each(|_| writer.write(&frame)).and_then(|()| writer.finish());
    let message = written.unwrap_err().to_string();
    assert!(message.contains("bad.dv: ffmpeg failed: "), "{message}");
    assert_eq!(root.path().read_dir().unwrap().count(), 1);
}

#[test]
fn a_reader_may_be_dropped_before_the_end() {
    if !installed() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("long.mp4");
    ffmpeg("-f lavfi -i testsrc2=s=64x48 -frames:v 500 -c:v libx264 -preset ultrafast", &path);
    let options = OpenOptions { skip: 3, limit: Some(2), ..Default::default() };
    let (info, frames) = read(&path, options).unwrap();
    assert_eq!((info.frames, frames.len()), (Some(2), 2));
    let message = read(&path, OpenOptions { skip: 500, ..options }).unwrap_err().to_string();
    assert!(message.contains("cannot skip 500 frames, there are only 500"), "{message}");
}
