//! The dedup-aware archive.
