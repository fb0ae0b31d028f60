//! The summary of one video.

use std::ops::Range;
use std::path::Path;

use serde::Serialize;
use vcn_curate::summarize::{
    Policy, Samples, Space, frame_scores, keyframes, sample, scores, shots, summary,
};
use vcn_media::{CreateOptions, FrameWriter, OpenOptions, Picture, VideoInfo, create, open};

use super::{Arguments, Method, failure, plots};
use crate::failure::{Failure, Result};
use crate::folder::Folder;
use crate::models::{self, Metric};
use crate::print::{Stream, note};
use crate::progress::Progress;
use crate::visualize::coding::image;
use crate::visualize::contact_sheet::{Labelled, sheet};

/// The shortest summary that is divided into shots, in shots: each is at most this part of it.
const SHOTS: f64 = 3.0;

/// What `summary.json` says.
#[derive(Serialize)]
struct Summary {
    version: u32,
    video: String,
    frames: u64,
    fps: f64,
    method: Method,
    /// Pictures that were looked at.
    pictures: usize,
    keyframes: Vec<Keyframe>,
    reward: Reward,
    /// Frames of the summary.
    summary_frames: u64,
    shots: Vec<Shot>,
}

#[derive(Serialize)]
struct Keyframe {
    frame: u64,
    seconds: f64,
}

/// The reward of the keyframes, of as many at even distances, and of all pictures in the summary.
#[derive(Serialize)]
struct Reward {
    keyframes: f32,
    even_keyframes: f32,
    summary: f32,
}

#[derive(Serialize)]
struct Shot {
    from: u64,
    to: u64,
    start: f64,
    end: f64,
    score: f32,
    in_summary: bool,
}

/// What was found before anything is drawn.
struct Found {
    /// Indices of pictures.
    keyframes: Vec<usize>,
    /// A score for each picture.
    scores: Vec<f32>,
    /// The reward after each step, and what a step is.
    steps: Vec<f64>,
    step: &'static str,
}

/// Runs the command on a video.
pub fn run(a: &Arguments, video: &str, output: &Path) -> Result<()> {
    if video == "-" {
        return Err(Failure::Usage("a video is read twice, which standard input cannot be".to_owned()));
    }
    if Path::new(&a.clip).file_name() != Some(a.clip.as_ref()) {
        return Err(Failure::Usage(format!(
            "--clip {}: expected the name of a file in --output, without folders",
            a.clip
        )));
    }
    // Before there is a folder for it.
    std::fs::metadata(video).map_err(Failure::io(video, "read"))?;
    let folder = Folder::create(output, a.overwrite)?;
    let samples = look(a, video)?;
    let space = Space::new(&samples.features);
    let found = find(a, &samples, &space);
    let seconds = |frame: u64| frame as f64 / samples.rate;
    let longest = (samples.frames as f64 * a.share / SHOTS).min(a.longest_shot * samples.rate);
    let shots = shots(&samples.cuts, samples.frames, &samples.picks, &space, longest as u64);
    let frame_scores = frame_scores(&found.scores, &samples.picks, samples.frames);
    let taken = summary(&shots, &frame_scores, a.share);
    let chosen: Vec<Range<u64>> = taken.iter().map(|at| shots[*at].clone()).collect();

    let keyframes: Vec<u64> = found.keyframes.iter().map(|at| samples.picks[*at]).collect();
    let (sheet, clip) = draw(a, video, output, &chosen, &keyframes)?;
    folder.image("contact-sheet.png", &sheet)?;
    let within = |at: &usize| chosen.iter().any(|shot| shot.contains(&samples.picks[*at]));
    let count = found.keyframes.len();
    let even: Vec<usize> = (0..count).map(|k| (2 * k + 1) * space.len() / (2 * count)).collect();
    let mean = |shot: &Range<u64>| {
        let scores = &frame_scores[shot.start as usize..shot.end as usize];
        scores.iter().sum::<f32>() / scores.len().max(1) as f32
    };
    let shot = |(at, shot): (usize, &Range<u64>)| Shot {
        from: shot.start,
        to: shot.end,
        start: seconds(shot.start),
        end: seconds(shot.end),
        score: mean(shot),
        in_summary: taken.contains(&at),
    };
    let result = Summary {
        version: 1,
        video: video.to_owned(),
        frames: samples.frames,
        fps: samples.rate,
        method: a.method,
        pictures: space.len(),
        keyframes: keyframes
            .iter()
            .map(|frame| Keyframe { frame: *frame, seconds: seconds(*frame) })
            .collect(),
        reward: Reward {
            keyframes: space.reward(&found.keyframes),
            even_keyframes: space.reward(&even),
            summary: space.reward(&(0..space.len()).filter(within).collect::<Vec<_>>()),
        },
        summary_frames: chosen.iter().map(|shot| shot.end - shot.start).sum(),
        shots: shots.iter().enumerate().map(shot).collect(),
    };
    let at = |at: &usize| (seconds(samples.picks[*at]), f64::from(found.scores[*at]));
    let drawn = plots::scores(plots::Scores {
        title: "Scores and what was chosen".to_owned(),
        time: "seconds",
        scores: (0..space.len()).map(|picture| at(&picture)).collect(),
        keyframes: found.keyframes.iter().map(at).collect(),
        taken: chosen.iter().map(|shot| [seconds(shot.start), seconds(shot.end)]).collect(),
        opinions: Vec::new(),
        name: "score",
    });
    folder.file("scores.svg", drawn.svg().as_bytes())?;
    let drawn = plots::reward("Reward of the keyframes", found.step, vec![("reward", found.steps)]);
    folder.file("reward.svg", drawn.svg().as_bytes())?;
    let text = serde_json::to_string_pretty(&result).map_err(|error| Failure::Other(error.into()))?;
    folder.file("summary.json", text.as_bytes())?;
    if let Some(clip) = clip {
        clip.finish()?;
    }
    folder.finish()?;
    if a.json { Stream::Out.text(&text) } else { Stream::Out.text(&said(&result, output)) }
}

fn said(found: &Summary, output: &Path) -> String {
    let share = 100.0 * found.summary_frames as f64 / found.frames.max(1) as f64;
    let taken = found.shots.iter().filter(|shot| shot.in_summary).count();
    let frames: Vec<String> = found.keyframes.iter().map(|keyframe| keyframe.frame.to_string()).collect();
    format!(
        "{}: {} of {} shots, {} of {} frames ({share:.1} %)\nkeyframes {} of {} pictures, reward {:.4} (at even \
         distances {:.4}; all pictures of the summary {:.4})\nin {}",
        found.video,
        taken,
        found.shots.len(),
        found.summary_frames,
        found.frames,
        frames.join(" "),
        found.pictures,
        found.reward.keyframes,
        found.reward.even_keyframes,
        found.reward.summary,
        output.display()
    )
}

fn look(a: &Arguments, video: &str) -> Result<Samples> {
    let mut reader = open(video, OpenOptions::default())?;
    let codec = a.compute.open(models::for_encoding(a.model.as_deref(), Metric::default())?)?;
    let progress = Progress::new("looking", reader.info().frames);
    sample(reader.as_mut(), &codec, a.pictures_per_second, || progress.frame()).map_err(failure)
}

fn find(a: &Arguments, samples: &Samples, space: &Space) -> Found {
    let count = a.keyframes.clamp(1, space.len().max(1));
    if a.method == Method::Direct {
        let found = keyframes(space, count);
        let steps = found.steps.iter().map(|reward| f64::from(*reward)).collect();
        return Found {
            scores: scores(space, &found.selected),
            keyframes: found.selected,
            steps,
            step: "step: a keyframe added, then keyframes exchanged",
        };
    }
    let mut steps = Vec::new();
    let videos = [(samples.features.clone(), space.clone())];
    let policy = Policy::train(&videos, &a.training(), |epoch| {
        steps.extend(epoch.rewards.iter().map(|reward| f64::from(*reward)));
    });
    let scores = policy.scores(&samples.features);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(count);
    order.sort_unstable();
    Found { keyframes: order, scores, steps, step: "epoch" }
}

/// A clip that has all its frames and not yet its name.
type Clip = Box<dyn FrameWriter>;

/// Goes through the video once more: gives the sheet of keyframes, and the chosen shots one after the other as a clip.
fn draw(
    a: &Arguments,
    video: &str,
    output: &Path,
    chosen: &[Range<u64>],
    keyframes: &[u64],
) -> Result<(image::RgbImage, Option<Clip>)> {
    let mut reader = open(video, OpenOptions::default())?;
    let info = VideoInfo { frames: None, ..reader.info().clone() };
    let mut clip = clip(a, output, &info, !chosen.is_empty())?;
    let rate = info.fps.as_f64();
    let mut pictures = Vec::new();
    let end = chosen.last().map_or(0, |shot| shot.end).max(keyframes.last().map_or(0, |frame| frame + 1));
    let progress = Progress::new("writing", Some(end));
    for frame in 0..end {
        let Some(picture) = reader.next()? else { break };
        if let Some(clip) = &mut clip
            && chosen.iter().any(|shot| shot.contains(&frame))
        {
            clip.write(&picture)?;
        }
        if keyframes.contains(&frame) {
            let seconds = frame as f64 / rate;
            let time = format!("{}:{:04.1}", (seconds / 60.0) as u64, seconds % 60.0);
            pictures.push(Labelled::new(time, format!("frame {frame}"), small(&picture, &info)));
        }
        progress.frame();
    }
    let name = Path::new(video).file_name().map_or(video.into(), |name| name.to_string_lossy());
    let method = if a.method == Method::Direct { "direct" } else { "policy" };
    Ok((sheet(&format!("{name}: {} keyframes ({method})", pictures.len()), &pictures), clip))
}

/// What writes the clip, if there is something to write.
fn clip(a: &Arguments, output: &Path, info: &VideoInfo, wanted: bool) -> Result<Option<Clip>> {
    if !wanted {
        note("no shot is short enough for the summary: no clip is written; try a larger --share");
        return Ok(None);
    }
    let path = output.join(&a.clip);
    let path = path.to_str().ok_or_else(|| Failure::Usage("the output's name is not UTF-8".to_owned()))?;
    Ok(Some(create(path, info, CreateOptions { overwrite: a.overwrite })?))
}

/// A picture at the size at which the sheet shows it at most, so that a hundred of them fit into memory.
fn small(picture: &Picture, info: &VideoInfo) -> image::RgbImage {
    const SIDE: u32 = 480;
    let whole = image(&picture.to_rgb(info.colour));
    let (width, height) = whole.dimensions();
    let largest = width.max(height);
    if largest <= SIDE {
        return whole;
    }
    let scaled = |side: u32| (u64::from(side) * u64::from(SIDE) / u64::from(largest)).max(1) as u32;
    image::imageops::resize(&whole, scaled(width), scaled(height), image::imageops::FilterType::CatmullRom)
}
