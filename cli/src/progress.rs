//! The one progress reporter: a bar on standard error, shown on terminals only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Progress of a command through frames. Removed from the screen when dropped.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts to report `task` over so many frames, if their number is known.
    pub fn new(task: &str, frames: Option<u64>) -> Progress {
        // Hidden by indicatif itself where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(frames, ProgressDrawTarget::stderr());
        let template = match frames {
            Some(_) => "{msg} {wide_bar} {pos}/{len} frames, {per_sec}, {eta} left",
            None => "{msg} {spinner} {pos} frames, {per_sec}, {elapsed}",
        };
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
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
