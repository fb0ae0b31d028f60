//! The one progress reporter: a bar on standard error, shown on terminals only.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Progress of a command, mostly through frames. Removed from the screen when dropped.
pub struct Progress {
    bar: ProgressBar,
    /// What is being counted, where that changes.
    counting: Mutex<&'static str>,
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

    /// Starts to report a task that counts one thing after the other; [`Progress::reached`] says which.
    pub fn task(task: &str) -> Progress {
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
        Progress { bar, counting: Mutex::new("") }
    }

    /// One more frame is done.
    pub fn frame(&self) {
        self.bar.inc(1);
    }

    /// So many of these things are done, of so many if that is known.
    pub fn reached(&self, counting: &'static str, done: u64, total: Option<u64>) {
        let mut before = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
        if *before != counting {
            *before = counting;
            let template = match total {
                Some(_) => "{msg} {wide_bar} {pos}/{len} {prefix}, {per_sec}, {eta} left",
                None => "{msg} {spinner} {pos} {prefix}, {elapsed}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
            self.bar.set_prefix(counting);
            self.bar.reset();
            total.into_iter().for_each(|total| self.bar.set_length(total));
        }
        self.bar.set_position(done);
    }

    /// Takes it from the screen.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Does something that prints lines, which the bar would cross.
    pub fn while_hidden<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
