//! The one progress reporter: a bar on standard error, shown on terminals only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Progress of a command, mostly through frames. Removed from the screen when dropped.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts to report `task` over so many frames, if their number is known.
    pub fn new(task: &str, frames: Option<u64>) -> Progress {
        let template = match frames {
            Some(_) => "{msg} {wide_bar} {pos}/{len} frames, {per_sec}, {eta} left",
            None => "{msg} {spinner} {pos} frames, {per_sec}, {elapsed}",
        };
        Progress::styled(task, frames, template)
    }

    /// Starts to report a task that counts things such as `objects`.
    pub fn counting(task: &str, things: &str) -> Progress {
        Progress::styled(task, None, &format!("{{msg}} {{spinner}} {{pos}} {things}, {{elapsed}}"))
    }

    /// Starts to report a task that says nothing of itself until it is done.
    pub fn busy(task: &str) -> Progress {
        let progress = Progress::styled(task, None, "{msg} {spinner} {elapsed}");
        progress.bar.enable_steady_tick(Duration::from_millis(200));
        progress
    }

    fn styled(task: &str, total: Option<u64>, template: &str) -> Progress {
        // Hidden by indicatif itself where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(task.to_owned());
        Progress { bar }
    }

    /// One more frame is done.
    pub fn frame(&self) {
        self.bar.inc(1);
    }

    /// So many of what is counted are done.
    pub fn reached(&self, count: u64) {
        self.bar.set_position(count);
    }

    /// Does something that prints lines, which the bar would cross.
    pub fn while_hidden<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
