//! A running `ffmpeg`, which neither outlives us nor fails in silence.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    thread::JoinHandle,
};

use crate::error::{Error, Result};

/// How much of what `ffmpeg` prints is kept.
const TAIL: usize = 4096;

/// A child process that is killed and reaped when dropped.
pub(crate) struct FfmpegChild {
    path: PathBuf,
    child: Child,
    /// Reads all that the child prints, so that it never blocks, and keeps the end.
    printed: Option<JoinHandle<Vec<u8>>>,
}

impl FfmpegChild {
    /// Starts `ffmpeg`; `path` is the file that messages name.
    pub(crate) fn spawn(path: &Path, command: &mut Command) -> Result<FfmpegChild> {
        command.stderr(Stdio::piped());
        let mut child = apart(command).spawn().map_err(|error| not_started("ffmpeg", path, error))?;
        let printed = child.stderr.take().map(|stderr| std::thread::spawn(move || tail(stderr)));
        Ok(FfmpegChild { path: path.to_owned(), child, printed })
    }

    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits for the end. A failure becomes an error of the last line that was printed.
    pub(crate) fn wait(&mut self) -> Result<()> {
        let status = self.child.wait().map_err(Error::io("wait for ffmpeg", &self.path))?;
        let printed = self.printed.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        match status.success() {
            true => Ok(()),
            false => Err(failure("ffmpeg", &self.path, &printed, &status.to_string())),
        }
    }
}

impl Drop for FfmpegChild {
    fn drop(&mut self) {
        // Both fail only if the child has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps a Ctrl-C at the terminal from a child: it would end before us, and its video would seem to be damaged. It ends
/// when its pipe does.
pub(crate) fn apart(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// The error of a program that could not be started.
pub(crate) fn not_started(program: &'static str, path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::FfmpegMissing { program, path: path.to_owned() },
        _ => Error::Ffmpeg { program, path: path.to_owned(), message: error.to_string() },
    }
}

/// The error of a program that ended with a failure: its last line, or else its exit status.
pub(crate) fn failure(program: &'static str, path: &Path, printed: &[u8], status: &str) -> Error {
    let text = String::from_utf8_lossy(printed);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or(status);
    Error::Ffmpeg { program, path: path.to_owned(), message: last.to_owned() }
}

fn tail(mut stderr: ChildStderr) -> Vec<u8> {
    let (mut kept, mut chunk) = (Vec::new(), [0; TAIL]);
    while let Ok(read @ 1..) = stderr.read(&mut chunk) {
        kept.extend_from_slice(&chunk[..read]);
        kept.drain(..kept.len().saturating_sub(TAIL));
    }
    kept
}
