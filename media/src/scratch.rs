//! A folder for what is needed only while the program runs.

use std::path::Path;

use crate::{error::Result, pending::Pending};

/// An empty folder among the system's temporary files, removed with its contents when dropped, and by
/// [`remove_pending`](crate::remove_pending).
#[derive(Debug)]
pub struct Scratch(Pending);

impl Scratch {
    /// Creates the folder.
    ///
    /// # Errors
    /// If that fails.
    pub fn new() -> Result<Scratch> {
        Pending::folder_beside(&std::env::temp_dir().join("vcn")).map(Scratch)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_their_own_and_go_with_their_contents() {
        let (first, second) = (Scratch::new().unwrap(), Scratch::new().unwrap());
        assert_ne!(first.path(), second.path());
        std::fs::write(first.path().join("file"), "contents").unwrap();
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists() && second.path().is_dir());
    }
}
