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

/// Reads a value back; `version` is the one that this program knows.
pub(crate) fn from_bytes<T: DeserializeOwned>(object: &str, bytes: &[u8], version: u64) -> Result<T> {
    #[derive(serde::Deserialize)]
    struct Version {
        version: u64,
    }
    let malformed = |reason: String| Error::Malformed { object: object.to_owned(), reason };
    let json = decompress(bytes, MAX_JSON).map_err(malformed)?;
    let found: Version = serde_json::from_slice(&json).map_err(|error| malformed(error.to_string()))?;
    if found.version != version {
        return Err(Error::Version { object: object.to_owned(), found: found.version, known: version });
    }
    serde_json::from_slice(&json).map_err(|error| malformed(error.to_string()))
}

/// Decompresses at most `limit` bytes, whatever the input claims.
pub(crate) fn decompress(bytes: &[u8], limit: u64) -> std::result::Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(bytes).map_err(|error| error.to_string())?;
    decoder.take(limit + 1).read_to_end(&mut out).map_err(|error| error.to_string())?;
    match out.len() as u64 <= limit {
        true => Ok(out),
        false => Err(format!("decompresses to more than {limit} bytes")),
    }
}
