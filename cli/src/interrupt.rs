//! Ctrl-C and termination: no unfinished output stays behind, no step is cut in two.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::print::note;

/// What a command does instead when it is told to end for the first time.
static FIRST: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// Held by a step that is not to be cut in two.
static STEP: Mutex<()> = Mutex::new(());

/// Whether the process ends after the step under way.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Removes what is under construction when the process is told to end, and ends it with code 130.
pub fn install() {
    let handler = || {
        if let Some(first) = FIRST.lock().ok().and_then(|mut first| first.take()) {
            first();
            return;
        }
        ENDING.store(true, Ordering::SeqCst);
        let _step = STEP.lock().unwrap_or_else(PoisonError::into_inner);
        // Held to the end: what is taken from other threads here is no failure that they should tell of.
        let _outputs = vcn_media::remove_pending();
        let _programs = vcn_curate::rank::kill_programs();
        std::process::exit(130);
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        note(&format!("an interrupt will leave unfinished outputs behind: {error}"));
    }
}

/// For a command that ends by itself when it is asked to, such as a server: the first interrupt calls `first`, the
/// second one ends the process.
#[cfg(feature = "serve")]
pub fn ask_first(first: impl FnOnce() + Send + 'static) {
    if let Ok(mut slot) = FIRST.lock() {
        *slot = Some(Box::new(first));
    }
}

/// Does a step that an interrupt does not cut in two: the process ends before it or after it.
pub fn whole<T>(step: impl FnOnce() -> T) -> T {
    let held = STEP.lock().unwrap_or_else(PoisonError::into_inner);
    if ENDING.load(Ordering::SeqCst) {
        drop(held);
        loop {
            std::thread::park();
        }
    }
    step()
}
