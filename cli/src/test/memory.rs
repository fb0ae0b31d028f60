//! The most memory that this process had at once, as Linux counts it.

use std::fs;

/// Starts counting anew, where the system allows it.
pub fn forget_peak() {
    // Where it does not, the peak is that of the whole process so far.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Largest resident memory in bytes; `None` on systems that do not tell.
pub fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kib)
}
