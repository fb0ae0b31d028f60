//! How many GOPs are coded at the same time.
//!
//! The frames of a GOP are built on one another, GOPs are not: they are what many processors can share. Each takes memory
//! of its own, so large frames, which processors can share within, are coded with fewer GOPs at once.

use crate::compute::threads;

/// What all GOPs that are coded at the same time may take.
const MOST_BYTES: usize = 2 << 30;

/// As many as there are threads and memory allows, where a GOP takes `bytes`; at least one.
pub fn most(bytes: usize) -> usize {
    threads().min(MOST_BYTES / bytes.max(1)).max(1)
}
