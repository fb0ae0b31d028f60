//! Objects that can be read and not be written: a folder on a read-only medium, or of another user.

use std::time::SystemTime;

use super::{Backend, Kind, Listed, ObjectId};
use crate::error::{Error, Result};

pub(crate) struct ReadOnly {
    objects: Box<dyn Backend>,
    location: String,
}

impl ReadOnly {
    pub fn new(objects: Box<dyn Backend>, location: &str) -> ReadOnly {
        ReadOnly { objects, location: location.to_owned() }
    }

    fn refuse<T>(&self) -> Result<T> {
        Err(Error::ReadOnly { location: self.location.clone() })
    }
}

impl Backend for ReadOnly {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        self.objects.read(path, limit)
    }

    fn size(&self, path: &str) -> Result<Option<u64>> {
        self.objects.size(path)
    }

    fn list(&self, kind: Kind, each: &mut dyn FnMut(Listed) -> Result<()>) -> Result<()> {
        self.objects.list(kind, each)
    }

    fn publish(&self, _: ObjectId, _: &[u8]) -> Result<bool> {
        self.refuse()
    }

    fn remove(&self, _: &str) -> Result<()> {
        self.refuse()
    }

    fn set_aside(&self, _: ObjectId) -> Result<()> {
        self.refuse()
    }

    fn write(&self, _: &str, _: &[u8]) -> Result<()> {
        self.refuse()
    }

    fn remove_temporary(&self, before: SystemTime, dry_run: bool) -> Result<u64> {
        match dry_run {
            true => self.objects.remove_temporary(before, true),
            false => self.refuse(),
        }
    }
}
