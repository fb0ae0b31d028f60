//! Objects: immutable bytes under the BLAKE3 of those bytes.
//!
//! An object lives at `kind/ab/abcdef...`, where `ab` are the first two digits of its digest. It appears there complete
//! or not at all, and is never changed. Whoever reads it checks its hash.

mod folder;
mod read_only;
mod remote;

use std::{fmt, time::SystemTime};

use crate::{
    digest::Digest,
    error::{Error, Result},
};

pub(crate) use folder::{Folder, make_folder};
pub(crate) use read_only::ReadOnly;
pub(crate) use remote::Remote;

/// What an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A journal record: an event such as the put of a name.
    Log = 0,
    /// A manifest: the segments of a video.
    Manifest = 1,
    /// Original bytes and side streams.
    Blob = 2,
    /// Descriptors for the search of near-duplicates.
    Descriptors = 3,
    /// A segment: the bitstream of a closed GOP.
    Segment = 4,
}

impl Kind {
    /// All kinds, each before those that it may refer to: the order in which garbage is removed.
    pub const ALL: [Kind; 5] = [Kind::Log, Kind::Manifest, Kind::Blob, Kind::Descriptors, Kind::Segment];

    /// The folder of the kind.
    pub fn folder(self) -> &'static str {
        match self {
            Kind::Log => "log",
            Kind::Manifest => "man",
            Kind::Blob => "blob",
            Kind::Descriptors => "desc",
            Kind::Segment => "seg",
        }
    }

    pub(crate) fn from_u8(value: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as u8 == value)
    }
}

/// The name of an object: its kind and the hash of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// What it holds.
    pub kind: Kind,
    /// The hash of its bytes.
    pub digest: Digest,
}

impl ObjectId {
    /// Where the object lives, relative to the store.
    pub fn path(&self) -> String {
        let digest = self.digest.to_string();
        format!("{}/{}/{}", self.kind.folder(), &digest[..2], digest)
    }

    /// The object at this path, if it is the path of an object.
    pub fn from_path(path: &str) -> Option<ObjectId> {
        let mut parts = path.split('/');
        let (folder, fan, name) = (parts.next()?, parts.next()?, parts.next()?);
        let kind = Kind::ALL.into_iter().find(|kind| kind.folder() == folder)?;
        let digest: Digest = name.parse().ok()?;
        (parts.next().is_none() && name.starts_with(fan) && fan.len() == 2)
            .then_some(ObjectId { kind, digest })
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// An object in a listing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    pub id: ObjectId,
    pub bytes: u64,
}

/// Where objects are kept.
pub(crate) trait Backend: Send + Sync {
    /// Writes an object, durably and completely, unless it is there. A damaged object of that name is replaced.
    /// Returns whether it was written.
    fn publish(&self, id: ObjectId, bytes: &[u8]) -> Result<bool>;

    /// The bytes at a path, at most `limit`, or `None` if nothing is there.
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>>;

    /// The number of bytes at a path, or `None`.
    fn size(&self, path: &str) -> Result<Option<u64>>;

    /// Calls `each` with the objects of a kind.
    fn list(&self, kind: Kind, each: &mut dyn FnMut(Listed) -> Result<()>) -> Result<()>;

    /// Removes what is at a path; it need not be there.
    fn remove(&self, path: &str) -> Result<()>;

    /// Moves a damaged object to `damaged/`.
    fn set_aside(&self, id: ObjectId) -> Result<()>;

    /// Writes a small file such as the store's own description, replacing it in one step.
    fn write(&self, path: &str, bytes: &[u8]) -> Result<()>;

    /// Removes temporary files that are older than `before`; returns how many.
    fn remove_temporary(&self, before: SystemTime, dry_run: bool) -> Result<u64>;
}

/// No object is larger: originals are cut into chunks, segments are GOPs.
pub(crate) const MAX_OBJECT: u64 = 1 << 30;

/// The bytes of an object, checked against its name.
///
/// # Errors
/// [`Error::Missing`], [`Error::Damaged`], or the backend's.
pub(crate) fn fetch(backend: &dyn Backend, id: ObjectId) -> Result<Vec<u8>> {
    let Some(bytes) = backend.read(&id.path(), MAX_OBJECT)? else {
        return Err(Error::Missing { object: id.path() });
    };
    check(id, &bytes)?;
    Ok(bytes)
}

/// Checks bytes against their name.
pub(crate) fn check(id: ObjectId, bytes: &[u8]) -> Result<()> {
    let found = Digest::of(bytes);
    match found == id.digest {
        true => Ok(()),
        false => Err(Error::Damaged { object: id.path(), found: found.to_string() }),
    }
}
