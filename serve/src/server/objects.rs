//! Segments and blobs, one by one.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use vcn_store::{Error as StoreError, IntakeLimits, Kind, ObjectId};

use super::{
    Caller, Refused, Service, account, body, json, json_response,
    range::{head, wanted},
    work,
};
use crate::{ledger::Bytes, protocol::object_from};

/// `PUT /v2/objects/KIND/DIGEST`: checks an object and keeps it.
pub(super) async fn take(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path((kind, digest)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Refused> {
    let id = object(&kind, &digest)?;
    let limits = service.limits;
    let spooled = body::receive(&service, body, limits.object).await?;
    work(&service, move |service| {
        let received = spooled.bytes;
        if service.ledger.brought_today(&caller.name)?.saturating_add(received) > limits.daily {
            let reason = format!("more than the {} bytes that a user may bring in a day", limits.daily);
            return Err(Refused::new(StatusCode::INSUFFICIENT_STORAGE, reason));
        }
        let bytes = spooled.read()?;
        // Whatever is wrong with an object that was sent is the sender's doing.
        let refuse = |error: StoreError| match error {
            StoreError::Damaged { found, .. } => {
                let reason = format!("what arrived hashes to {found} and is not {id}: send it again");
                Refused::new(StatusCode::UNPROCESSABLE_ENTITY, reason)
            }
            error if error.is_loss() => Refused::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
            error => error.into(),
        };
        let new = match id.kind {
            Kind::Segment => {
                let intake = IntakeLimits { decoded: limits.decoded };
                let intake = service.store.take_segment(id.digest, &bytes, &intake).map_err(refuse)?;
                if !intake.proven && !caller.vouches {
                    service.ledger.claim(&caller.name, intake.key, id.digest)?;
                }
                intake.new
            }
            _ => service.store.take_blob(id.digest, &bytes).map_err(refuse)?,
        };
        let (sent, body) = json(&serde_json::json!({ "new": new }))?;
        let new_bytes = if new { received } else { 0 };
        account(service, &caller, "put", Bytes { received, sent, new: new_bytes, saved: 0 })?;
        Ok(json_response(if new { StatusCode::CREATED } else { StatusCode::OK }, body))
    })
    .await
}

/// `GET /v2/objects/KIND/DIGEST`: whoever knows the digest of an object has had its bytes, or was told it by someone who
/// has.
pub(super) async fn give(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path((kind, digest)): Path<(String, String)>,
    method: axum::http::Method,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let id = object(&kind, &digest)?;
    work(&service, move |service| {
        let Some(length) = service.store.object_size(id)? else {
            return Err(Refused::new(StatusCode::NOT_FOUND, format!("{id}: no such object")));
        };
        let wanted = wanted(&headers, &digest, length)?;
        let (status, headers) = head(&wanted, &digest, length);
        let part = wanted.part(length);
        if method == axum::http::Method::HEAD || part.is_empty() {
            account(service, &caller, "get", Bytes::default())?;
            return Ok((status, headers).into_response());
        }
        // All of it is read for its hash, whatever part is wanted: nothing that is damaged is sent.
        let bytes = service.store.object(id)?;
        let slice = bytes.get(part.start as usize..part.end as usize).unwrap_or_default();
        let answer = body::answer(service, slice)?;
        account(service, &caller, "get", Bytes { sent: slice.len() as u64, ..Bytes::default() })?;
        Ok((status, headers, answer).into_response())
    })
    .await
}

fn object(kind: &str, digest: &str) -> Result<ObjectId, Refused> {
    let reason = "objects are seg/DIGEST and blob/DIGEST, with 64 lower-case hexadecimal digits";
    object_from(kind, digest).ok_or_else(|| Refused::new(StatusCode::BAD_REQUEST, reason))
}
