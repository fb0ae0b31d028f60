//! Steps at which tests kill, fail or pause the process.
//!
//! `VCN_FAILPOINT=put.manifest:kill` kills the process with SIGKILL when it first reaches that step, `:kill@3` the third
//! time; `:fail` returns an error there, `:list` prints every step that is reached to standard error. Without the
//! feature `failpoints` nothing of this is compiled.

use crate::error::Result;

/// Marks a step.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub(crate) fn reached(_step: &'static str) -> Result<()> {
    Ok(())
}

/// Marks a step.
#[cfg(feature = "failpoints")]
pub(crate) fn reached(step: &'static str) -> Result<()> {
    use crate::error::Error;
    use std::sync::atomic::{AtomicU64, Ordering};

    static HITS: AtomicU64 = AtomicU64::new(0);
    let Ok(setting) = std::env::var("VCN_FAILPOINT") else { return Ok(()) };
    if setting == "list" {
        eprintln!("failpoint {step}");
        return Ok(());
    }
    let Some((name, action)) = setting.split_once(':') else { return Ok(()) };
    if name != step {
        return Ok(());
    }
    let (action, at) = action.split_once('@').unwrap_or((action, "1"));
    if at.parse() != Ok(HITS.fetch_add(1, Ordering::SeqCst) + 1) {
        return Ok(());
    }
    match action {
        "kill" => {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            Ok(())
        }
        _ => Err(Error::Failpoint(step)),
    }
}
