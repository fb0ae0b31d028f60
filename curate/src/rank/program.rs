//! Programs of the user's that say something of a scene, such as a caption or a score.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::scenes::Scene;

/// Most bytes of an answer.
const MOST: u64 = 1 << 20;
/// The pause before the first repetition, doubled before each further one, and its bound.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Programs that run now. Each leads a process group, so that what it starts can be ended with it: a Ctrl-C at the
/// terminal does not reach them.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Kills all programs that run now and what they have started, for a process that is about to end. While what it gives is
/// there, none is started, and none is taken to have failed.
pub fn kill_programs() -> impl Sized {
    let running = running();
    running.iter().for_each(|leader| kill(*leader));
    running
}

fn running() -> MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program, and how much patience it gets.
#[derive(Clone, Debug)]
pub struct Program {
    /// A command line for `sh -c`. It finds the file in `VCN_CLIP`, the scene in `VCN_SCENE` (its id), `VCN_START` and
    /// `VCN_END` (seconds), `VCN_FROM` and `VCN_TO` (frames), and a caption, if there is one, in `VCN_CAPTION`.
    pub command: String,
    /// How long it may take.
    pub timeout: Duration,
    /// How often it is tried again.
    pub retries: u32,
}

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The scene.
    pub scene: &'a Scene,
    /// Its file or folder.
    pub path: &'a str,
    /// What is said of it.
    pub caption: &'a str,
}

/// What a program said, or why it did not, after all attempts.
pub type Answer = std::result::Result<String, String>;

impl Program {
    /// Asks.
    pub fn ask(&self, question: &Question) -> Answer {
        let mut pause = PAUSE;
        for _ in 0..self.retries {
            if let Ok(said) = self.attempt(question) {
                return Ok(said);
            }
            std::thread::sleep(pause);
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
        self.attempt(question)
    }

    fn attempt(&self, question: &Question) -> Answer {
        // Files rather than pipes: nobody must read along, and what the program leaves running holds up nothing.
        let file = || tempfile::tempfile().map_err(|error| format!("no temporary file: {error}"));
        let (mut out, mut err) = (file()?, file()?);
        let share = |file: &File| file.try_clone().map_err(|error| error.to_string());
        let Question { scene, path, caption } = question;
        let mut command = Command::new("sh");
        command
            .args(["-c", &self.command])
            .env("VCN_CLIP", path)
            .env("VCN_SCENE", scene.id())
            .env("VCN_START", scene.start.to_string())
            .env("VCN_END", scene.end.to_string())
            .env("VCN_FROM", scene.from.to_string())
            .env("VCN_TO", scene.to.to_string())
            .env("VCN_CAPTION", caption)
            .stdin(Stdio::null())
            .stdout(share(&out)?)
            .stderr(share(&err)?)
            .process_group(0);
        // No program runs that is not listed.
        let mut running = running();
        let mut child = command.spawn().map_err(|error| format!("cannot run sh: {error}"))?;
        running.push(Pid::from_child(&child));
        drop(running);
        match wait(&mut child, self.timeout)? {
            true => String::from_utf8(written(&mut out)?)
                .map(|said| said.trim().to_owned())
                .map_err(|_| "its answer is not UTF-8".to_owned()),
            false => {
                let said = String::from_utf8_lossy(&written(&mut err)?).into_owned();
                let last = said.lines().rev().find(|line| !line.trim().is_empty());
                Err(last.map_or("it failed".to_owned(), |line| format!("it failed: {}", line.trim())))
            }
        }
    }
}

fn written(file: &mut File) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.take(MOST).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| format!("its answer cannot be read: {error}"))
}

/// Whether the program succeeded. It is killed with all that it has started when its time is over.
fn wait(child: &mut Child, timeout: Duration) -> Result<bool, String> {
    let leader = Pid::from_child(child);
    let start = Instant::now();
    let outcome = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status.success()),
            Ok(None) if start.elapsed() < timeout => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) => {
                kill(leader);
                // It may have ended by now, which is as good.
                let _ = child.wait();
                break Err(format!("it took longer than {} s", timeout.as_secs_f64()));
            }
            Err(error) => break Err(format!("cannot wait for it: {error}")),
        }
    };
    running().retain(|other| *other != leader);
    outcome
}

fn kill(leader: Pid) {
    // Fails only if all have ended already.
    let _ = kill_process_group(leader, Signal::KILL);
}

#[cfg(test)]
mod tests {
    use super::super::metrics::Metrics;
    use super::*;

    #[test]
    fn programs_answer_fail_or_run_out_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Metrics::default();
        let scene = Scene { clip: "a".to_owned(), scene: 2, from: 10, to: 30, start: 0.5, end: 1.5, metrics };
        let ask = |command: &str, retries| {
            let timeout = Duration::from_millis(800);
            let question = Question { scene: &scene, path: "a clip.mp4", caption: "a dog" };
            Program { command: command.to_owned(), timeout, retries }.ask(&question)
        };
        let echo = "echo \" $VCN_CLIP $VCN_SCENE $VCN_FROM-$VCN_TO $VCN_START $VCN_CAPTION\"";
        assert_eq!(ask(echo, 0).unwrap(), "a clip.mp4 a#2 10-30 0.5 a dog");
        assert_eq!(ask("echo no quota >&2; exit 3", 1).unwrap_err(), "it failed: no quota");
        let started = Instant::now();
        assert!(ask("exec sleep 60", 0).unwrap_err().contains("longer"));
        // What it leaves running does not hold it up.
        assert_eq!(ask("sleep 60 & echo done", 0).unwrap(), "done");
        assert!(started.elapsed() < Duration::from_secs(20));
        // What one that is too slow has started is killed with it.
        let late = folder.path().join("late");
        let slow = format!("(sleep 2; touch {}) & sleep 60", late.display());
        assert!(ask(&slow, 0).unwrap_err().contains("longer"));
        std::thread::sleep(Duration::from_millis(1800));
        assert!(!late.exists());
        // The second attempt succeeds.
        let mark = folder.path().join("mark");
        let flaky = format!("test -e {0} && echo yes || {{ touch {0}; exit 1; }}", mark.display());
        assert_eq!(ask(&flaky, 1).unwrap(), "yes");
    }
}
