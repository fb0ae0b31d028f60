//! How far a command is through its frames: a bar on a terminal, lines of JSON now and then where they are asked for.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::json;
use crate::progress::Progress;

/// Counts frames; may be told of them by several threads.
pub struct Watch {
    pub bar: Progress,
    total: Option<u64>,
    json: bool,
    /// Frames so far, and when that was told last.
    told: Mutex<(u64, Instant)>,
}

impl Watch {
    /// How often progress is told as JSON.
    const INTERVAL: Duration = Duration::from_secs(1);

    /// Starts to report `task` over so many frames, if their number is known.
    pub fn new(task: &str, total: Option<u64>, json: bool) -> Watch {
        Watch { bar: Progress::new(task, total), total, json, told: Mutex::new((0, Instant::now())) }
    }

    /// One more frame is done.
    pub fn frame(&self) {
        #[derive(Serialize)]
        struct Step {
            event: &'static str,
            frames: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            total: Option<u64>,
        }
        self.bar.frame();
        let Ok(mut told) = self.told.lock() else { return };
        told.0 += 1;
        if self.json && told.1.elapsed() >= Watch::INTERVAL {
            told.1 = Instant::now();
            json::progress(&Step { event: "frames", frames: told.0, total: self.total });
        }
    }
}
