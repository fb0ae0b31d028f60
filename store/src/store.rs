//! Opening a store.

use std::{
    fs::{File, TryLockError},
    hash::{BuildHasher, Hasher},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{
    catalogue::Catalogue,
    codec::SegmentCodec,
    digest::Digest,
    error::{Error, Result},
    location::{Location, Place, cached_catalogue},
    manifest::Manifest,
    objects::{Backend, Folder, ReadOnly, Remote, make_folder},
    planes::Planes,
    progress::{Step, Watcher},
};

/// The file that makes a folder or a prefix a store.
const DESCRIPTION: &str = "store.json";

/// The version of stores that this program reads and writes.
const VERSION: u64 = 1;

/// The fact of a catalogue that says which one it is.
const CLAIM: &str = "catalogue";

/// How long to wait for the store to be free of others, and for a rebuild to end.
const BRIEFLY: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(30);

/// What `store.json` says.
#[derive(Debug, Serialize, Deserialize)]
struct Description {
    /// 1.
    version: u64,
    /// Identifies the store.
    id: String,
    /// The catalogue that names are changed in.
    catalogue: String,
}

/// An open store. Threads share it, processes open it each for itself.
pub struct Store {
    pub(crate) location: String,
    pub(crate) objects: Box<dyn Backend>,
    pub(crate) catalogue: Catalogue,
    codecs: Vec<Arc<dyn SegmentCodec>>,
    watcher: Option<Watcher>,
    /// Held shared while the store is open, so that nobody replaces the catalogue.
    _lock: File,
    /// Removes the catalogue of a store in memory.
    _temporary: Option<tempfile::TempDir>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("location", &self.location).finish_non_exhaustive()
    }
}

/// Where the parts of a store are.
struct Parts {
    objects: Box<dyn Backend>,
    catalogue: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Store {
    /// Creates a store. `codecs` are those besides [`Planes`] that videos may be encoded with.
    ///
    /// # Errors
    /// [`Error::Exists`], or a failure to write.
    pub fn init(location: &Location, codecs: Vec<Arc<dyn SegmentCodec>>) -> Result<Store> {
        let parts = parts(location)?;
        if parts.objects.read(DESCRIPTION, 1 << 20)?.is_some() {
            return Err(Error::Exists { location: location.text.clone() });
        }
        let lock = lock(&parts.catalogue, false)?;
        let catalogue = Catalogue::open(&parts.catalogue)?;
        let claim = random_id();
        catalogue.set_fact(CLAIM, &claim)?;
        let description = Description { version: VERSION, id: random_id(), catalogue: claim };
        describe(parts.objects.as_ref(), &description)?;
        Ok(Store::assemble(location, parts, catalogue, codecs, lock))
    }

    /// Whether there is a store.
    ///
    /// # Errors
    /// The location cannot be read.
    pub fn is_at(location: &Location) -> Result<bool> {
        Ok(parts(location)?.objects.read(DESCRIPTION, 1 << 20)?.is_some())
    }

    /// Opens a store. One in a folder that cannot be written, or on a full disk, is read with a copy of its catalogue; what
    /// would change it then fails with [`Error::ReadOnly`].
    ///
    /// # Errors
    /// [`Error::NotAStore`], [`Error::NoCatalogue`] or, at a URL, [`Error::Claimed`] if its catalogue is lost or elsewhere,
    /// [`Error::Version`].
    pub fn open(location: &Location, codecs: Vec<Arc<dyn SegmentCodec>>) -> Result<Store> {
        let mut parts = parts(location)?;
        let description = description(location, parts.objects.as_ref())?;
        let (lock, catalogue) = match locked(&parts.catalogue) {
            Err(Error::Io { source, .. }) if is_folder(location) && cannot_write(&source) => {
                parts = read_only(parts, location)?;
                locked(&parts.catalogue)?
            }
            other => other?,
        };
        let own = catalogue.fact(CLAIM)?;
        if own.as_ref() != Some(&description.catalogue) {
            return Err(match is_folder(location) {
                true => Error::NoCatalogue { location: location.text.clone() },
                false => claimed(location, description.catalogue, own),
            });
        }
        Ok(Store::assemble(location, parts, catalogue, codecs, lock))
    }

    /// Opens a store with an empty catalogue that takes the place of the one it has, for a rebuild. A catalogue that is
    /// there is kept beside it as `catalogue.db.old-TIME`.
    pub(crate) fn open_for_rebuild(location: &Location, take_over: bool) -> Result<Store> {
        let parts = parts(location)?;
        let mut description = description(location, parts.objects.as_ref())?;
        let lock = lock(&parts.catalogue, true)?;
        let own =
            Catalogue::open(&parts.catalogue).and_then(|catalogue| catalogue.fact(CLAIM)).ok().flatten();
        if !is_folder(location) && !take_over && own.as_ref() != Some(&description.catalogue) {
            return Err(claimed(location, description.catalogue, own));
        }
        let time = crate::catalogue::now();
        for suffix in ["", "-wal", "-shm"] {
            let from = with_suffix(&parts.catalogue, suffix);
            let to = with_suffix(&parts.catalogue, &format!(".old-{time}{suffix}"));
            if from.exists() {
                std::fs::rename(&from, to).map_err(Error::io("set aside", &from))?;
            }
        }
        let catalogue = Catalogue::open(&parts.catalogue)?;
        description.catalogue = random_id();
        describe(parts.objects.as_ref(), &description)?;
        Ok(Store::assemble(location, parts, catalogue, Vec::new(), lock))
    }

    /// Opens a store with an empty catalogue elsewhere, and can change nothing: for a rebuild that is only tried.
    pub(crate) fn open_for_trial(location: &Location) -> Result<Store> {
        let parts = parts(location)?;
        description(location, parts.objects.as_ref())?;
        let temporary = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
        let path = temporary.path().join("catalogue.db");
        let lock = lock(&path, false)?;
        let catalogue = Catalogue::open(&path)?;
        let objects = Box::new(ReadOnly::new(parts.objects, &location.text));
        let parts = Parts { objects, catalogue: path, temporary: Some(temporary) };
        Ok(Store::assemble(location, parts, catalogue, Vec::new(), lock))
    }

    /// Makes the catalogue that was rebuilt the one of the store.
    pub(crate) fn claim(&self) -> Result<()> {
        let bytes = self.objects.read(DESCRIPTION, 1 << 20)?.unwrap_or_default();
        let description: Description = serde_json::from_slice(&bytes).map_err(|error| Error::Malformed {
            object: DESCRIPTION.to_owned(),
            reason: error.to_string(),
        })?;
        self.catalogue.set_fact(CLAIM, &description.catalogue)
    }

    /// Has `watcher` told how far collections, verifications, repairs and searches are.
    pub fn watched(mut self, watcher: Option<Watcher>) -> Store {
        self.watcher = watcher;
        self
    }

    /// Tells how far an operation is.
    pub(crate) fn tell(&self, counting: &'static str, done: u64, total: Option<u64>) {
        if let Some(watcher) = &self.watcher {
            watcher(Step { counting, done, total });
        }
    }

    /// Where the store is.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The catalogue's file.
    pub fn catalogue_file(&self) -> &Path {
        self.catalogue.path()
    }

    /// The codec of this id.
    pub(crate) fn codec(&self, id: Digest) -> Option<&dyn SegmentCodec> {
        self.codecs.iter().map(AsRef::as_ref).find(|codec| codec.id() == id)
    }

    /// All codecs that are loaded.
    pub(crate) fn all_codecs(&self) -> impl Iterator<Item = &dyn SegmentCodec> {
        self.codecs.iter().map(AsRef::as_ref)
    }

    /// How many segments of a video may be decoded at the same time.
    pub(crate) fn at_once(&self, manifest: &Manifest) -> usize {
        let frames = manifest.segments.iter().map(|segment| segment.frames).max().unwrap_or(0);
        let most = self.all_codecs().map(|codec| codec.at_once(manifest.format, frames as usize)).max();
        most.unwrap_or(1).max(1)
    }

    fn assemble(
        location: &Location,
        parts: Parts,
        catalogue: Catalogue,
        mut codecs: Vec<Arc<dyn SegmentCodec>>,
        lock: File,
    ) -> Store {
        codecs.push(Arc::new(Planes::default()));
        Store {
            location: location.text.clone(),
            objects: parts.objects,
            catalogue,
            codecs,
            watcher: None,
            _lock: lock,
            _temporary: parts.temporary,
        }
    }
}

fn parts(location: &Location) -> Result<Parts> {
    match &location.place {
        Place::Folder(path) => {
            let objects = Box::new(Folder::new(path));
            Ok(Parts { objects, catalogue: path.join("catalogue.db"), temporary: None })
        }
        Place::Remote { objects, prefix, catalogue } => {
            let backend = Box::new(Remote::new(Arc::clone(objects), prefix)?);
            let named = catalogue.clone().or_else(|| match location.text.starts_with("memory:") {
                true => None,
                false => cached_catalogue(&location.text),
            });
            if let Some(catalogue) = named {
                return Ok(Parts { objects: backend, catalogue, temporary: None });
            }
            let temporary = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
            let catalogue = temporary.path().join("catalogue.db");
            Ok(Parts { objects: backend, catalogue, temporary: Some(temporary) })
        }
    }
}

fn claimed(location: &Location, owner: String, own: Option<String>) -> Error {
    let own = own.unwrap_or_else(|| "a new and empty one".to_owned());
    Error::Claimed { location: location.text.clone(), owner, own }
}

fn is_folder(location: &Location) -> bool {
    matches!(location.place, Place::Folder(_))
}

fn cannot_write(error: &std::io::Error) -> bool {
    use ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), ReadOnlyFilesystem | PermissionDenied | StorageFull)
}

/// The same parts with a copy of the catalogue: SQLite and leases must be able to write there.
fn read_only(parts: Parts, location: &Location) -> Result<Parts> {
    let temporary = tempfile::tempdir().map_err(Error::io("create", std::env::temp_dir()))?;
    let catalogue = temporary.path().join("catalogue.db");
    for suffix in ["", "-wal"] {
        let from = with_suffix(&parts.catalogue, suffix);
        if from.exists() {
            std::fs::copy(&from, with_suffix(&catalogue, suffix)).map_err(Error::io("read", &from))?;
        }
    }
    let objects = Box::new(ReadOnly::new(parts.objects, &location.text));
    Ok(Parts { objects, catalogue, temporary: Some(temporary) })
}

fn describe(objects: &dyn Backend, description: &Description) -> Result<()> {
    let json = serde_json::to_vec_pretty(description)
        .map_err(|error| Error::Malformed { object: DESCRIPTION.to_owned(), reason: error.to_string() })?;
    objects.write(DESCRIPTION, &json)
}

fn description(location: &Location, objects: &dyn Backend) -> Result<Description> {
    let Some(bytes) = objects.read(DESCRIPTION, 1 << 20)? else {
        return Err(Error::NotAStore { location: location.text.clone() });
    };
    let description: Description = serde_json::from_slice(&bytes)
        .map_err(|error| Error::Malformed { object: DESCRIPTION.to_owned(), reason: error.to_string() })?;
    match description.version {
        VERSION => Ok(description),
        found => Err(Error::Version { object: DESCRIPTION.to_owned(), found, known: VERSION }),
    }
}

/// Opens a catalogue to work with it.
fn locked(catalogue: &Path) -> Result<(File, Catalogue)> {
    let lock = lock(catalogue, false)?;
    Ok((lock, Catalogue::open(catalogue)?))
}

/// Locks the catalogue: shared to work with it, alone to replace it.
fn lock(catalogue: &Path, alone: bool) -> Result<File> {
    let path = catalogue.with_extension("lock");
    make_folder(path.parent().unwrap_or(Path::new(".")))?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::io("create", &path))?;
    // A process that is just being started may hold a copy of the lock for a moment.
    let patience = Instant::now() + if alone { BRIEFLY } else { PATIENCE };
    loop {
        let locked = if alone { file.try_lock() } else { file.try_lock_shared() };
        match locked {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < patience => std::thread::sleep(BRIEFLY / 20),
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path }),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// 16 hexadecimal digits that no other store has.
fn random_id() -> String {
    let random = || std::hash::RandomState::new().build_hasher().finish();
    format!("{:016x}", random() ^ random().rotate_left(17))
}
