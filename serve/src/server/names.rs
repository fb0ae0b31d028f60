//! Names: what is there of a video, publishing, listing, describing, removing.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes as BodyBytes},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures::stream;
use serde::Deserialize;
use vcn_similarity::{BlockSpectrum, Descriptor};
use vcn_store::{Digest, FindOptions, Kind, Looks, ObjectId, Offer, Offered, Parts, PutOutcome, Sharing};

use super::{
    Caller, Refused, Service, account, body, json, json_response,
    range::{head, wanted},
    work,
};
use crate::{
    ledger::Bytes,
    protocol::{Account, Alike, Description, Had, Have, Named, Publish, Published, object_text},
};

/// `POST /v2/have`.
pub(super) async fn have(
    State(service): State<Arc<Service>>,
    caller: Caller,
    body: Body,
) -> Result<Response, Refused> {
    let spooled = body::receive(&service, body, service.limits.json).await?;
    work(&service, move |service| {
        let received = spooled.bytes;
        let asked: Have = spooled.json()?;
        let (store, claimant) = (&service.store, caller.claimant());
        let codec = (asked.codec, asked.quality);
        let known = store.known(asked.identity, asked.class, codec, &asked.keys, claimant)?;
        let alike = match &asked.looks {
            Some(looks) => alike(service, &caller, looks)?,
            None => Vec::new(),
        };
        let mut had = Had { video: known.video, keys: known.keys, alike };
        for (key, found) in asked.keys.iter().zip(&mut had.keys) {
            if found.is_some() || claimant.is_none() {
                continue;
            }
            // Segments that this user sent himself.
            if let Some(digest) = service.ledger.claimed(&caller.name, *key)?
                && store.object_size(ObjectId { kind: Kind::Segment, digest })?.is_some()
            {
                *found = Some(digest);
            }
        }
        let (sent, body) = json(&had)?;
        account(service, &caller, "have", Bytes { received, sent, ..Bytes::default() })?;
        Ok(json_response(StatusCode::OK, body))
    })
    .await
}

/// Most videos that an answer names as alike.
const ALIKE: usize = 5;

/// The caller's own videos that look alike. Those of others are nobody's business.
fn alike(service: &Service, caller: &Caller, looks: &Looks) -> Result<Vec<Alike>, Refused> {
    let descriptor = &BlockSpectrum;
    if looks.descriptor != Digest(descriptor.id()) {
        // It is only a report: what cannot be compared looks like nothing.
        return Ok(Vec::new());
    }
    let wrong = |reason| Refused::new(StatusCode::BAD_REQUEST, format!("`looks`: {reason}"));
    let frames = looks.picked(descriptor).map_err(wrong)?;
    let options = FindOptions { limit: ALIKE, descriptor, ..FindOptions::default() };
    let prefix = format!("{}/", caller.name);
    let found = service.store.alike(frames, looks.rate, &prefix, &options)?;
    let alike = found.into_iter().map(|found| Alike {
        name: own_name(caller, &found.name),
        score: found.score,
        asked: [found.query_from, found.query_to],
        stored: [found.from, found.to],
        mirrored: found.mirrored,
    });
    Ok(alike.collect())
}

/// `PUT /v2/names/NAME`. When this is answered, the name is on the disk.
pub(super) async fn publish(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(name): Path<String>,
    body: Body,
) -> Result<Response, Refused> {
    let stored = caller.stored(&name)?;
    let spooled = body::receive(&service, body, service.limits.json).await?;
    work(&service, move |service| {
        let received = spooled.bytes;
        let asked: Publish = spooled.json()?;
        let whole = matches!(asked.parts, Parts::Stored(_));
        let offer = Offer {
            name: &stored,
            class: asked.class,
            codec: asked.codec,
            quality: asked.quality,
            timing: asked.timing,
            colour: asked.colour,
            source: asked.source,
            original: asked.original,
            overwrite: asked.overwrite,
            parts: asked.parts,
            looks: asked.looks,
            claimant: caller.claimant(),
        };
        let outcome = match service.store.take(offer)? {
            Offered::Taken(outcome) => outcome,
            Offered::Missing(missing) => {
                return Err(Refused::missing(missing.into_iter().map(object_text).collect()));
            }
        };
        let (sent, body) = json(&published(&caller, &outcome))?;
        let saved = if whole { outcome.shared_bytes } else { 0 };
        account(service, &caller, "publish", Bytes { received, sent, new: outcome.new_bytes, saved })?;
        let there = outcome.sharing == Sharing::AlreadyThere;
        Ok(json_response(if there { StatusCode::OK } else { StatusCode::CREATED }, body))
    })
    .await
}

fn published(caller: &Caller, outcome: &PutOutcome) -> Published {
    let sharing = match outcome.sharing {
        Sharing::AlreadyThere => "there",
        Sharing::Identical => "identical",
        Sharing::Segments => "segments",
        Sharing::None => "none",
        Sharing::Replaced => "replaced",
    };
    Published {
        name: own_name(caller, &outcome.name),
        identity: outcome.identity,
        manifest: outcome.manifest,
        sharing: sharing.to_owned(),
        frames: outcome.frames,
        reason: outcome.reason.clone(),
    }
}

/// A name without that of its user.
fn own_name(caller: &Caller, stored: &str) -> String {
    let own = stored.strip_prefix(&caller.name).and_then(|rest| rest.strip_prefix('/'));
    own.unwrap_or(stored).to_owned()
}

/// What to list.
#[derive(Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    limit: Option<usize>,
}

/// Most names in an answer.
const PAGE: usize = 1000;

/// `GET /v2/names?prefix=&after=&limit=`.
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Query(asked): Query<ListQuery>,
) -> Result<Response, Refused> {
    work(&service, move |service| {
        let own = |text: &str| format!("{}/{text}", caller.name);
        let after = if asked.after.is_empty() { String::new() } else { own(&asked.after) };
        let limit = asked.limit.unwrap_or(PAGE).min(PAGE);
        let names: Vec<Named> = service
            .store
            .ls(&own(&asked.prefix), &after, limit)?
            .into_iter()
            .map(|listing| Named {
                name: own_name(&caller, &listing.name),
                class: listing.class,
                frames: listing.frames,
                bytes: listing.stored_bytes,
                identity: listing.identity,
            })
            .collect();
        let (sent, body) = json(&serde_json::json!({ "names": names }))?;
        account(service, &caller, "get", Bytes { sent, ..Bytes::default() })?;
        Ok(json_response(StatusCode::OK, body))
    })
    .await
}

/// `GET /v2/names/NAME`.
pub(super) async fn describe(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let stored = caller.stored(&name)?;
    work(&service, move |service| {
        let stat = service.store.stat(&stored)?;
        let (_, body) = json(&Description {
            name,
            class: stat.entry.class,
            timing: stat.entry.timing,
            colour: stat.entry.colour,
            source: stat.entry.source,
            original: stat.entry.original,
            format: stat.manifest.format,
            manifest: stat.manifest,
        })?;
        let (tag, length) = (Digest::of(&body).to_string(), body.len() as u64);
        let wanted = wanted(&headers, &tag, length)?;
        let (status, mut headers) = head(&wanted, &tag, length);
        headers.insert("content-type", axum::http::HeaderValue::from_static("application/json"));
        let part = wanted.part(length);
        let part = body.get(part.start as usize..part.end as usize).unwrap_or_default();
        let answer = body::answer(service, part)?;
        account(service, &caller, "get", Bytes { sent: part.len() as u64, ..Bytes::default() })?;
        Ok((status, headers, answer).into_response())
    })
    .await
}

/// `DELETE /v2/names/NAME`.
pub(super) async fn remove(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Refused> {
    let stored = caller.stored(&name)?;
    work(&service, move |service| {
        service.store.rm(&stored)?;
        account(service, &caller, "publish", Bytes::default())?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `GET /v2/originals/NAME`: the original bytes of a video of class `source`, a chunk at a time.
pub(super) async fn original(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(name): Path<String>,
    method: axum::http::Method,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let stored = caller.stored(&name)?;
    let (status, headers, chunks) = work(&service, move |service| {
        let entry = service.store.stat(&stored)?.entry;
        let Some(blob) = entry.original else {
            let reason =
                format!("`{name}` was stored without its original bytes, in class {}", entry.class.as_str());
            return Err(Refused::new(StatusCode::NOT_FOUND, reason));
        };
        let tag = blob.digest.to_string();
        let wanted = wanted(&headers, &tag, blob.bytes)?;
        let (status, headers) = head(&wanted, &tag, blob.bytes);
        let mut part = wanted.part(blob.bytes);
        if method == axum::http::Method::HEAD {
            part = 0..0;
        }
        let mut chunks = Vec::new();
        let mut start = 0;
        for (id, length) in service.store.blob_chunks(&blob)? {
            let end = start + u64::from(length);
            let (from, to) = (part.start.max(start), part.end.min(end));
            if from < to {
                chunks.push((id, length, (from - start) as usize..(to - start) as usize));
            }
            start = end;
        }
        account(service, &caller, "get", Bytes { sent: part.end - part.start, ..Bytes::default() })?;
        Ok((status, headers, chunks))
    })
    .await?;
    let body = stream::unfold((service, chunks.into_iter()), |(service, mut chunks)| async move {
        let (id, length, part) = chunks.next()?;
        let chunk = work(&service, move |service| {
            let bytes = service.store.blob_chunk(id, length)?;
            Ok(BodyBytes::from(bytes).slice(part))
        });
        // A loss in the middle ends the answer before its announced length, which the client sees.
        let chunk = chunk.await.map_err(|_| std::io::Error::other("a chunk of the original is lost"));
        Some((chunk, (service, chunks)))
    });
    Ok((status, headers, Body::from_stream(body)).into_response())
}

/// `GET /v2/account`.
pub(super) async fn show_account(
    State(service): State<Arc<Service>>,
    caller: Caller,
) -> Result<Response, Refused> {
    work(&service, move |service| {
        let traffic = service.ledger.account(&caller.name)?;
        let (_, body) = json(&Account { user: caller.name, traffic })?;
        Ok(json_response(StatusCode::OK, body))
    })
    .await
}
