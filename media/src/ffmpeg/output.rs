//! What `ffmpeg` and `ffprobe` say of a file when they are asked for something other than its pictures.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use super::child::{apart, failure, not_started};
use crate::error::Result;

/// Runs `program`, which is `ffmpeg` or `ffprobe`, with `options`, the file `path` as its input, and what is `wanted` of
/// it; gives all that it writes to standard output. No name of a file is taken for an option or a protocol.
///
/// # Errors
/// [`crate::Error::FfmpegMissing`], or [`crate::Error::Ffmpeg`] with the last line that the program printed.
pub fn ffmpeg_output(
    program: &'static str,
    options: &[&str],
    path: &str,
    wanted: &[&str],
) -> Result<Vec<u8>> {
    let input = format!("file:{path}");
    output(program, Path::new(path), &[options, &["-i", &input], wanted].concat())
}

/// What `program` writes to standard output; it reads `path`.
pub(super) fn output(program: &'static str, path: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    let output = apart(&mut command).output().map_err(|error| not_started(program, path, error))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(failure(program, path, &output.stderr, &output.status.to_string())),
    }
}
