//! Where a store is: a folder, or a URL of an object store.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use object_store::{ObjectStore, memory::InMemory};

use crate::{
    digest::Digest,
    error::{Error, Result},
};

/// Where a store is.
#[derive(Clone, Debug)]
pub struct Location {
    /// As the user wrote it.
    pub(crate) text: String,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum Place {
    Folder(PathBuf),
    Remote { objects: Arc<dyn ObjectStore>, prefix: String, catalogue: Option<PathBuf> },
}

impl Location {
    /// Reads `/a/folder`, `file:///a/folder`, `memory://` (a new store that ends with the process) or, with the feature
    /// `s3`, `s3://bucket/prefix`, whose endpoint and credentials come from the usual `AWS_...` variables.
    ///
    /// # Errors
    /// Another scheme, or a URL that the backend refuses.
    pub fn parse(text: &str) -> Result<Location> {
        let place = match text.split_once("://") {
            None if text.is_empty() => return Err(bad(text, "give a folder or a URL")),
            None => Place::Folder(PathBuf::from(text)),
            Some(("file", path)) if path.starts_with('/') => Place::Folder(PathBuf::from(path)),
            Some(("file", _)) => return Err(bad(text, "write three slashes, as in file:///srv/videos")),
            Some(("memory", _)) => return Ok(Location::memory()),
            Some(("s3", rest)) => s3(text, rest)?,
            Some((scheme, _)) => {
                return Err(bad(text, &format!("scheme `{scheme}` is not one of file, s3, memory")));
            }
        };
        Ok(Location { text: text.to_owned(), place })
    }

    /// A store in a folder.
    pub fn folder(path: impl AsRef<Path>) -> Location {
        let path = path.as_ref().to_owned();
        Location { text: path.display().to_string(), place: Place::Folder(path) }
    }

    /// A new store in memory.
    pub fn memory() -> Location {
        Location::remote("memory://", Arc::new(InMemory::new()), "")
    }

    /// A store in any object store, below `prefix`.
    pub fn remote(text: &str, objects: Arc<dyn ObjectStore>, prefix: &str) -> Location {
        let place = Place::Remote { objects, prefix: prefix.trim_matches('/').to_owned(), catalogue: None };
        Location { text: text.to_owned(), place }
    }

    /// The file that holds the catalogue of a store that is not in a folder. Without this it is in the user's cache
    /// folder, or, for `memory://`, in a temporary file.
    pub fn with_catalogue(mut self, file: impl Into<PathBuf>) -> Location {
        if let Place::Remote { catalogue, .. } = &mut self.place {
            *catalogue = Some(file.into());
        }
        self
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The default catalogue of a URL: `~/.cache/vcn/stores/DIGEST/catalogue.db`.
pub(crate) fn cached_catalogue(text: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))?;
    Some(cache.join("vcn/stores").join(Digest::of(text.as_bytes()).short()).join("catalogue.db"))
}

fn bad(text: &str, reason: &str) -> Error {
    Error::Location { value: text.to_owned(), reason: reason.to_owned() }
}

#[cfg(feature = "s3")]
fn s3(text: &str, rest: &str) -> Result<Place> {
    use object_store::aws::{AmazonS3Builder, Checksum};
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let objects = AmazonS3Builder::from_env()
        .with_http_connector(crate::http::Http)
        .with_bucket_name(bucket)
        .with_checksum_algorithm(Checksum::SHA256)
        .build()
        .map_err(|error| bad(text, &error.to_string()))?;
    let prefix = prefix.trim_matches('/').to_owned();
    Ok(Place::Remote { objects: Arc::new(objects), prefix, catalogue: None })
}

#[cfg(not(feature = "s3"))]
fn s3(text: &str, _rest: &str) -> Result<Place> {
    Err(bad(text, "this program was built without S3: build it with the feature `s3`"))
}
