//! Pulling: the description comes first, then what is not in the receiver's own store.

use std::collections::BTreeSet;

use vcn_store::{BlobRef, IntakeLimits, Kind, ObjectId, Offer, Offered, Parts, PutOutcome, Store, Timing};

use crate::{
    client::{Client, Sent},
    error::{Error, Result},
    protocol::Description,
};

/// What a pull did.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// What the own store says.
    pub outcome: PutOutcome,
    /// Objects that were fetched.
    pub fetched: u64,
    /// Bytes of all bodies.
    pub traffic: Sent,
}

/// Fetches a video into the own store, under the name `as_name`. Whatever is there is not fetched: for a receiver who holds
/// the video, that is everything but its description. Lossy segments are believed on the word of this server alone.
///
/// # Errors
/// The server cannot be reached or refuses, or what it sends is not what it says.
pub fn pull(client: &Client, name: &str, store: &Store, as_name: &str, overwrite: bool) -> Result<Pulled> {
    let before = client.traffic();
    let description = client.describe(name)?;
    let mut fetched = 0;
    // The digests of frames are not sent: a manifest of them comes from whoever holds the frames.
    let parts = Parts::Stored(description.manifest.identity);
    let offered = store.take(offer(&description, as_name, parts, overwrite, client))?;
    let outcome = match offered {
        Offered::Taken(outcome) => outcome,
        Offered::Missing(_) => {
            fetched = fetch_all(client, store, &description)?;
            let manifest = description.manifest.clone();
            let parts = Parts::Manifest(Box::new(manifest));
            match store.take(offer(&description, as_name, parts, overwrite, client))? {
                Offered::Taken(outcome) => outcome,
                Offered::Missing(missing) => {
                    let lost: Vec<String> = missing.iter().map(ObjectId::to_string).collect();
                    let reason = format!("lost while they were fetched: {}", lost.join(" "));
                    return Err(Error::Input { name: name.to_owned(), reason });
                }
            }
        }
    };
    let after = client.traffic();
    let traffic = Sent { sent: after.sent - before.sent, received: after.received - before.received };
    Ok(Pulled { outcome, fetched, traffic })
}

fn offer<'a>(
    description: &'a Description,
    name: &'a str,
    parts: Parts,
    overwrite: bool,
    client: &'a Client,
) -> Offer<'a> {
    Offer {
        name,
        class: description.class,
        codec: description.manifest.codec,
        quality: description.manifest.quality,
        timing: description.timing.clone(),
        colour: description.colour,
        source: description.source.clone(),
        original: description.original.clone(),
        overwrite,
        parts,
        looks: None,
        claimant: Some(client.server()),
    }
}

/// Most bytes that the decoded frames of a segment may take: servers may be as hostile as clients.
const DECODED: u64 = 4 << 30;

/// Fetches every object that is not in the own store. Returns how many.
fn fetch_all(client: &Client, store: &Store, description: &Description) -> Result<u64> {
    let limits = IntakeLimits { decoded: DECODED };
    let mut fetched = 0;
    let segments: BTreeSet<_> = description.manifest.segments.iter().map(|segment| segment.id()).collect();
    for id in segments {
        if store.object_size(id)?.is_none() || store.object(id).is_err() {
            store.take_segment(id.digest, &client.object(id)?, &limits)?;
            fetched += 1;
        }
    }
    let side = description.manifest.side.iter().map(|side| &side.blob);
    let times = match &description.timing {
        Timing::Stamps { ticks, .. } => Some(ticks),
        Timing::Rate(_) => None,
    };
    let blobs: Vec<&BlobRef> = side.chain(&description.original).chain(times).collect();
    for blob in blobs {
        let list = ObjectId { kind: Kind::Blob, digest: blob.list };
        fetched += fetch_blob(client, store, list)?;
        for (id, _) in store.blob_chunks(blob)? {
            fetched += fetch_blob(client, store, id)?;
        }
    }
    Ok(fetched)
}

fn fetch_blob(client: &Client, store: &Store, id: ObjectId) -> Result<u64> {
    if store.object_size(id)?.is_some() && store.object(id).is_ok() {
        return Ok(0);
    }
    store.take_blob(id.digest, &client.object(id)?)?;
    Ok(1)
}
