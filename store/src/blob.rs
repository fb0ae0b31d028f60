//! Blobs: originals and side streams of any length, cut into content-defined chunks (FastCDC) that equal files share.
//!
//! A chunk object is one byte, 0 for raw or 1 for Zstandard, and the bytes. A list object is the byte 2, then for each
//! chunk its digest (32 bytes) and its length (4 bytes, little-endian).

use std::io::{Read, Write};

use fastcdc::v2020::StreamCDC;

use crate::{
    compressed::decompress,
    digest::Digest,
    error::{Error, Result},
    manifest::BlobRef,
    objects::{Backend, Kind, ObjectId, fetch},
};

const RAW: u8 = 0;
const ZSTD: u8 = 1;
const LIST: u8 = 2;
const ENTRY: usize = 36;

const MIN_CHUNK: usize = 256 << 10;
const AVERAGE_CHUNK: usize = 1 << 20;
const MAX_CHUNK: usize = 4 << 20;

/// Cuts what `input` gives into chunks, passes each object to `publish`, and returns the reference to all. `name` is for
/// messages.
///
/// # Errors
/// The input cannot be read, or what `publish` returns.
pub fn write(
    name: &str,
    input: &mut dyn Read,
    publish: &mut dyn FnMut(ObjectId, Vec<u8>) -> Result<()>,
) -> Result<BlobRef> {
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| Error::Input { name: name.to_owned(), source };
    let mut hasher = blake3::Hasher::new();
    let mut list = vec![LIST];
    let mut bytes = 0u64;
    for chunk in StreamCDC::new(input, MIN_CHUNK, AVERAGE_CHUNK, MAX_CHUNK) {
        let data = chunk.map_err(|error| failed(error.into()))?.data;
        hasher.update(&data);
        bytes += data.len() as u64;
        let object = chunk_object(&data).map_err(|error| failed(error.into()))?;
        let id = ObjectId { kind: Kind::Blob, digest: Digest::of(&object) };
        publish(id, object)?;
        list.extend(id.digest.0);
        list.extend((data.len() as u32).to_le_bytes());
    }
    let id = ObjectId { kind: Kind::Blob, digest: Digest::of(&list) };
    publish(id, list)?;
    Ok(BlobRef { bytes, digest: Digest(*hasher.finalize().as_bytes()), list: id.digest })
}

fn chunk_object(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let small = zstd::bulk::compress(data, 3)?;
    let (tag, body) = if small.len() < data.len() / 16 * 15 { (ZSTD, small.as_slice()) } else { (RAW, data) };
    let mut object = Vec::with_capacity(body.len() + 1);
    object.push(tag);
    object.extend_from_slice(body);
    Ok(object)
}

/// The chunks of a blob, with their lengths.
pub(crate) fn chunks(backend: &dyn Backend, blob: &BlobRef) -> Result<Vec<(ObjectId, u32)>> {
    let id = blob.id();
    let list = fetch(backend, id)?;
    let malformed = |reason: &str| Error::Malformed { object: id.path(), reason: reason.to_owned() };
    let Some((&LIST, entries)) = list.split_first() else { return Err(malformed("not a list of chunks")) };
    let (entries, []) = entries.as_chunks::<ENTRY>() else { return Err(malformed("a chunk is cut short")) };
    let mut chunks = Vec::with_capacity(entries.len());
    let mut total = 0u64;
    for entry in entries {
        let mut digest = [0; 32];
        digest.copy_from_slice(&entry[..32]);
        let length = u32::from_le_bytes([entry[32], entry[33], entry[34], entry[35]]);
        total += u64::from(length);
        chunks.push((ObjectId { kind: Kind::Blob, digest: Digest(digest) }, length));
    }
    if total != blob.bytes {
        return Err(malformed("its chunks have another length than what refers to it says"));
    }
    Ok(chunks)
}

/// Writes the bytes of a blob, chunk by chunk, each checked; an error after some output names the object.
pub(crate) fn read(backend: &dyn Backend, blob: &BlobRef, out: &mut dyn Write) -> Result<()> {
    let mut hasher = blake3::Hasher::new();
    for (id, length) in chunks(backend, blob)? {
        let data = read_chunk(backend, id, length)?;
        hasher.update(&data);
        out.write_all(&data).map_err(Error::io("write", "output"))?;
    }
    match hasher.finalize().as_bytes() == &blob.digest.0 {
        true => Ok(()),
        false => Err(Error::Malformed {
            object: blob.id().path(),
            reason: "its chunks give other bytes".to_owned(),
        }),
    }
}

/// The bytes that a chunk stands for, checked.
pub(crate) fn read_chunk(backend: &dyn Backend, id: ObjectId, length: u32) -> Result<Vec<u8>> {
    let object = fetch(backend, id)?;
    let malformed = |reason: String| Error::Malformed { object: id.path(), reason };
    let data = match object.split_first() {
        Some((&RAW, data)) => data.to_vec(),
        Some((&ZSTD, data)) => decompress(data, length.into()).map_err(malformed)?,
        _ => return Err(malformed("not a chunk".to_owned())),
    };
    match data.len() == length as usize {
        true => Ok(data),
        false => Err(malformed(format!("a chunk of {} bytes, expected {length}", data.len()))),
    }
}

/// Checks the form of a chunk or list that others have made.
pub(crate) fn check_object(id: ObjectId, object: &[u8]) -> Result<()> {
    let malformed = |reason: String| Error::Malformed { object: id.path(), reason };
    match object.split_first() {
        Some((&RAW, data)) if data.len() <= MAX_CHUNK => Ok(()),
        Some((&ZSTD, data)) => decompress(data, MAX_CHUNK as u64).map(|_| ()).map_err(malformed),
        Some((&LIST, entries)) if entries.len().is_multiple_of(ENTRY) => Ok(()),
        _ => Err(malformed("neither a chunk of a blob nor a list of chunks".to_owned())),
    }
}
