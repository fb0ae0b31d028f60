//! Leases on outputs: of several processes that share a list, one works on an item.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::Path;

use same_file::Handle;
use vcn_media::{Fleeting, remove_abandoned};

use crate::error::{Error, Result};

/// The right to make an output: the operating system's lock on the file `.NAME.lease` beside it, which ends with the
/// process, however that ends. A file that a killed process left there is taken over.
#[derive(Debug)]
pub struct Lease {
    // Dropped first, while it is locked, so that nobody else's is removed.
    _named: Fleeting,
    _locked: File,
}

impl Lease {
    /// Takes the lease of an output; nothing if another process has it.
    ///
    /// # Errors
    /// The file cannot be made, or its file system has no locks.
    pub fn take(output: &Path) -> Result<Option<Lease>> {
        let mut name = OsString::from(".");
        name.push(output.file_name().unwrap_or_default());
        name.push(".lease");
        let path = output.with_file_name(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        // Left by a process that was killed, or just made by one that does not have it yet.
        let found = path.exists();
        loop {
            let options = File::options().create(true).write(true).truncate(false).open(&path);
            let file = options.map_err(Error::io("create", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
            }
            // Who had it before may have removed it meanwhile: then this lock is on a file that nobody else finds.
            let own = file.try_clone().and_then(Handle::from_file).map_err(Error::io("lock", &path))?;
            if Handle::from_path(&path).is_ok_and(|found| found == own) {
                if let (true, Some(folder)) = (found, path.parent()) {
                    remove_abandoned(folder);
                }
                return Ok(Some(Lease { _named: Fleeting::new(&path), _locked: file }));
            }
        }
    }
}
