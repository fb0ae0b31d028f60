//! Bodies: those of requests are spooled while they arrive, limited in bytes and in patience; those of large answers are
//! spooled before they are sent, at the pace of whoever receives them.

use std::{
    io::{Read, Seek, Write},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::StatusCode,
};
use futures::{StreamExt, stream};
use tempfile::SpooledTempFile;

use super::{Limits, Refused, Service};

/// Bytes of a body that are kept in memory; beyond, a file without a name takes them.
const IN_MEMORY: usize = 256 << 10;

/// Bytes that must arrive a second, in the mean, once the patience with silence is used up: who sends a byte now and then
/// holds no connection for ever.
const SLOWEST: u64 = 1 << 10;

/// Bytes that are in memory of a spooled answer at a time.
const PIECE: usize = 64 << 10;

/// A body that has arrived.
pub(super) struct Spooled {
    file: SpooledTempFile,
    pub bytes: u64,
}

/// Receives a body of at most `limit` bytes.
pub(super) async fn receive(service: &Service, body: Body, limit: u64) -> Result<Spooled, Refused> {
    let Limits { silence, .. } = service.limits;
    let too_long = || {
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, format!("longer than the {limit} bytes that are allowed"))
    };
    // What announces its length need not be waited for.
    if body.size_hint().lower() > limit {
        return Err(too_long());
    }
    let mut stream = body.into_data_stream();
    let mut file = SpooledTempFile::new_in(IN_MEMORY, &service.spool);
    let started = Instant::now();
    let mut bytes = 0;
    loop {
        let due = silence + Duration::from_secs(bytes / SLOWEST);
        let patience = due.saturating_sub(started.elapsed()).min(silence);
        let next = match patience.is_zero() {
            true => return Err(Refused::new(StatusCode::REQUEST_TIMEOUT, "too little arrived for too long")),
            false => tokio::time::timeout(patience, stream.next()).await,
        };
        let Ok(next) = next else {
            return Err(Refused::new(StatusCode::REQUEST_TIMEOUT, "nothing arrived for too long"));
        };
        let Some(part) = next else { return Ok(Spooled { file, bytes }) };
        let cut = |_| Refused::new(StatusCode::BAD_REQUEST, "the body was cut short");
        let part = part.map_err(cut)?;
        bytes += part.len() as u64;
        if bytes > limit {
            return Err(too_long());
        }
        // To the page cache at most, which takes no longer than the copy that got it here.
        file.write_all(&part).map_err(|error| spool_failed(&error))?;
    }
}

impl Spooled {
    /// The bytes. To be called where a thread has been found to work on them.
    pub fn read(mut self) -> Result<Vec<u8>, Refused> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.bytes).unwrap_or(0));
        self.file.rewind().map_err(|error| spool_failed(&error))?;
        self.file.read_to_end(&mut bytes).map_err(|error| spool_failed(&error))?;
        Ok(bytes)
    }

    /// The value that they are the JSON of.
    pub fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, Refused> {
        let wrong = |error: serde_json::Error| Refused::new(StatusCode::BAD_REQUEST, error.to_string());
        serde_json::from_slice(&self.read()?).map_err(wrong)
    }
}

/// The body of an answer. What is long is sent from a file, so that nobody who is slow to receive it holds it in memory.
pub(super) fn answer(service: &Service, bytes: &[u8]) -> Result<Body, Refused> {
    if bytes.len() <= IN_MEMORY {
        return Ok(Body::from(bytes.to_vec()));
    }
    let failed = |error: std::io::Error| spool_failed(&error);
    let mut file = tempfile::tempfile_in(&service.spool).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.rewind().map_err(failed)?;
    let pieces = stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let mut piece = Vec::with_capacity(PIECE);
        // From the page cache, as it was just written.
        match (&mut file).take(PIECE as u64).read_to_end(&mut piece) {
            Ok(0) => None,
            Ok(_) => Some((Ok(Bytes::from(piece)), Some(file))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(Body::from_stream(pieces))
}

fn spool_failed(error: &std::io::Error) -> Refused {
    let status = match error.kind() {
        std::io::ErrorKind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refused::new(status, format!("cannot spool the body: {error}"))
}
