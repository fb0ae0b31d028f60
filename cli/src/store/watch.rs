//! How far a command is: a bar on a terminal, lines of JSON now and then where they are asked for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use vcn_store::{Step, Watcher};

use super::json;
use crate::progress::Progress;

/// Is told how far a command is, by several threads.
pub struct Watch {
    pub bar: Progress,
    task: &'static str,
    json: bool,
    frames: AtomicU64,
    /// When each kind of progress was told last as JSON.
    told: Mutex<BTreeMap<&'static str, Instant>>,
}

impl Watch {
    /// How often each kind of progress is told as JSON.
    const INTERVAL: Duration = Duration::from_secs(1);

    /// Starts to report the subcommand `task`, as JSON, too, where that is asked for.
    pub fn new(task: &'static str, json: bool) -> Arc<Watch> {
        let (frames, told) = (AtomicU64::new(0), Mutex::default());
        Arc::new(Watch { bar: Progress::task(task), task, json, frames, told })
    }

    /// Passes the steps of a store on to this.
    pub fn watcher(self: &Arc<Watch>) -> Option<Watcher> {
        let watch = Arc::clone(self);
        Some(Arc::new(move |step| watch.step(step)))
    }

    /// One more frame is done, of so many if their number is known.
    pub fn frame(&self, total: Option<u64>) {
        let done = self.frames.fetch_add(1, Ordering::Relaxed) + 1;
        self.step(Step { counting: "frames", done, total });
    }

    /// So much is done.
    pub fn step(&self, step: Step) {
        self.bar.reached(step.counting, step.done, step.total);
        self.tell(step);
    }

    /// The same, but not on the bar, which shows something else.
    pub fn tell(&self, Step { counting, done, total }: Step) {
        #[derive(Serialize)]
        struct Event {
            event: &'static str,
            task: &'static str,
            counting: &'static str,
            done: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            total: Option<u64>,
        }
        if !self.json {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = told.get(counting).is_some_and(|at| at.elapsed() < Watch::INTERVAL);
        if !lately || total == Some(done) {
            told.insert(counting, Instant::now());
            json::progress(&Event { event: "progress", task: self.task, counting, done, total });
        }
    }
}
