//! Ctrl-C and termination: no unfinished output stays behind.

use crate::print::note;

/// Removes what is under construction when the process is told to end, and ends it with code 130.
pub fn install() {
    let handler = || {
        vcn_media::remove_pending();
        std::process::exit(130);
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        note(&format!("an interrupt will leave unfinished outputs behind: {error}"));
    }
}
