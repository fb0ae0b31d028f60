//! One run of ffmpeg: its exact command line, its time and its memory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::error::{Error, Result};

/// Lines of a failed run's messages that are shown.
const SHOWN_LINES: usize = 12;

/// What a run of ffmpeg took.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Command line as a shell reads it.
    pub(super) command: String,
    /// Time spent in transcoding, without ffmpeg's start, in seconds.
    pub(super) seconds: f64,
    /// Largest resident memory in bytes, where ffmpeg knows it.
    pub(super) peak_memory: Option<u64>,
}

/// Runs ffmpeg to its end. The command line that it reports names files in `folder` without that folder, so that
/// reports of the same measurement are equal.
pub(super) fn run(program: &Path, folder: &Path, arguments: &[String]) -> Result<Run> {
    let mut all: Vec<String> =
        ["-hide_banner", "-nostdin", "-nostats", "-benchmark", "-y"].map(str::to_owned).to_vec();
    all.extend_from_slice(arguments);
    let command = command_line(program, folder, &all);
    let start = Instant::now();
    let output = output(program, &all)?;
    let wall = start.elapsed().as_secs_f64();
    let messages = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let lines: Vec<&str> = messages.lines().collect();
        let stderr = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
        return Err(Error::FfmpegFailed { command, status: output.status.to_string(), stderr });
    }
    let seconds = benchmark(&messages, "rtime=").filter(|&seconds| seconds > 0.0).unwrap_or(wall);
    let peak_memory = benchmark(&messages, "maxrss=").map(|kib| (kib * 1024.0) as u64);
    Ok(Run { command, seconds, peak_memory })
}

/// First line of `ffmpeg -version`.
pub(super) fn version(program: &Path) -> Result<String> {
    let arguments = ["-version".to_owned()];
    let output = output(program, &arguments)?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().next() {
        Some(line) if output.status.success() => Ok(line.to_owned()),
        _ => Err(Error::FfmpegFailed {
            command: command_line(program, Path::new(""), &arguments),
            status: output.status.to_string(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }),
    }
}

fn output(program: &Path, arguments: &[String]) -> Result<std::process::Output> {
    Command::new(program)
        .args(arguments)
        .env("SVT_LOG", "1") // SVT-AV1 prints its settings otherwise
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::FfmpegMissing { program: program.display().to_string(), source })
}

/// A number in the lines that `-benchmark` prints: `bench: utime=0.1s stime=0.0s rtime=0.1s`, `bench: maxrss=60kB`.
fn benchmark(messages: &str, key: &str) -> Option<f64> {
    let line = messages.lines().rev().find(|line| line.starts_with("bench:") && line.contains(key))?;
    let value = &line[line.find(key)? + key.len()..];
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    value[..end].parse().ok()
}

fn command_line(program: &Path, folder: &Path, arguments: &[String]) -> String {
    let relative = |word: &str| match Path::new(word).strip_prefix(folder) {
        Ok(file) if !folder.as_os_str().is_empty() => file.display().to_string(),
        _ => word.to_owned(),
    };
    let quoted = |word: String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    let words = arguments.iter().map(|word| relative(word));
    [program.display().to_string()].into_iter().chain(words).map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benchmark_lines_are_read_in_both_spellings() {
        let old = "frame=1\nbench: utime=0.288s stime=0.012s rtime=0.291s\nbench: maxrss=61232kB\n";
        assert_eq!((benchmark(old, "rtime="), benchmark(old, "maxrss=")), (Some(0.291), Some(61232.0)));
        assert_eq!(benchmark("bench: maxrss=61232KiB", "maxrss="), Some(61232.0));
        assert_eq!(benchmark("bench: nothing", "rtime="), None);
    }

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        let arguments = ["a b", "it's", "/tmp/x/out.264"].map(str::to_owned);
        let line = command_line(Path::new("ffmpeg"), Path::new("/tmp/x"), &arguments);
        assert_eq!(line, r"ffmpeg 'a b' 'it'\''s' out.264");
    }
}
