//! Ctrl-C and termination: no unfinished output stays behind.

use std::sync::Mutex;

use crate::print::note;

/// What a command does instead when it is told to end for the first time.
static FIRST: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// Removes what is under construction when the process is told to end, and ends it with code 130.
pub fn install() {
    let handler = || {
        if let Some(first) = FIRST.lock().ok().and_then(|mut first| first.take()) {
            first();
            return;
        }
        vcn_media::remove_pending();
        vcn_curate::rank::kill_programs();
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
