//! Versioned JSON, compressed: the form of manifests and records, so that people can read them with `zstd -dc`.

use std::io::Read;

use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Error, Result};

/// No manifest or record is longer than this when decompressed.
const MAX_JSON: u64 = 1 << 30;

/// The level at which JSON is compressed.
const LEVEL: i32 = 9;

/// A value as compressed JSON.
pub(crate) fn to_bytes<T: Serialize>(object: &str, value: &T) -> Result<Vec<u8>> {
    let malformed = |reason: String| Error::Malformed { object: object.to_owned(), reason };
    let json = serde_json::to_vec(value).map_err(|error| malformed(error.to_string()))?;
    zstd::bulk::compress(&json, LEVEL).map_err(|error| malformed(error.to_string()))
}

/// What says of which version it is.
pub(crate) trait Versioned {
    /// The version that this program knows.
    const KNOWN: u64;

    /// The version that was read.
    fn version(&self) -> u64;
}

/// Reads a value back, or those of its fields that a type has.
pub(crate) fn from_bytes<T: DeserializeOwned + Versioned>(object: &str, bytes: &[u8]) -> Result<T> {
    #[derive(serde::Deserialize)]
    struct Version {
        version: u64,
    }
    let malformed = |reason: String| Error::Malformed { object: object.to_owned(), reason };
    let json = decompress(bytes, MAX_JSON).map_err(malformed)?;
    let read: serde_json::Result<T> = serde_json::from_slice(&json);
    // Only what could not be read is read again: another version may have other fields.
    let found = match &read {
        Ok(value) => value.version(),
        Err(error) => match serde_json::from_slice::<Version>(&json) {
            Ok(Version { version }) => version,
            Err(_) => return Err(malformed(error.to_string())),
        },
    };
    match read {
        _ if found != T::KNOWN => Err(Error::Version { object: object.to_owned(), found, known: T::KNOWN }),
        read => read.map_err(|error| malformed(error.to_string())),
    }
}

/// What is decompressed in one go, without a window for its beginning.
const AT_ONCE: u64 = 1 << 20;

/// Decompresses at most `limit` bytes, whatever the input claims.
pub(crate) fn decompress(bytes: &[u8], limit: u64) -> std::result::Result<Vec<u8>, String> {
    let size = zstd::zstd_safe::get_frame_content_size(bytes);
    if let Ok(Some(size)) = size
        && size <= limit.min(AT_ONCE)
    {
        return zstd::bulk::decompress(bytes, size as usize).map_err(|error| error.to_string());
    }
    let mut out = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(bytes).map_err(|error| error.to_string())?;
    decoder.take(limit + 1).read_to_end(&mut out).map_err(|error| error.to_string())?;
    match out.len() as u64 <= limit {
        true => Ok(out),
        false => Err(format!("decompresses to more than {limit} bytes")),
    }
}
