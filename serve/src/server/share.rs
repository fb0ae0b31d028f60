//! Sharing: every receiver gets a reference, and learns whether he holds the video already.

use std::sync::Arc;

use axum::{body::Body, extract::State, http::StatusCode, response::Response};
use vcn_store::{Offer, Offered, Parts};

use super::{Caller, Refused, Service, account, body, json, json_response, stored_name, work};
use crate::{
    ledger::Bytes,
    protocol::{Delivery, Share, Shared},
};

/// Most receivers of a share.
const RECEIVERS: usize = 1000;

/// `POST /v2/shares`. When this is answered, the names of all receivers are on the disk.
pub(super) async fn share(
    State(service): State<Arc<Service>>,
    caller: Caller,
    body: Body,
) -> Result<Response, Refused> {
    let spooled = body::receive(&service, body, 1 << 20).await?;
    work(&service, move |service| {
        let received = spooled.bytes;
        let asked: Share = spooled.json()?;
        if asked.to.is_empty() || asked.to.len() > RECEIVERS {
            let reason = format!("a share has 1 to {RECEIVERS} receivers");
            return Err(Refused::new(StatusCode::BAD_REQUEST, reason));
        }
        if let Some(unknown) = asked.to.iter().find(|name| !service.users.has(name)) {
            return Err(Refused::new(StatusCode::NOT_FOUND, format!("`{unknown}`: no such user")));
        }
        let stat = service.store.stat(&caller.stored(&asked.name)?)?;
        let mut deliveries = Vec::new();
        let mut saved = 0;
        for to in asked.to {
            let name = format!("from/{}/{}", caller.name, asked.name);
            let stored = stored_name(&to, &name)?;
            let delivery = deliver(service, &stat, &to, name, &stored)?;
            // What the receiver holds, and what the sender would have sent again for this receiver.
            saved += stat.listing.stored_bytes;
            if delivery.held_as.is_some() {
                saved += stat.listing.stored_bytes;
            }
            deliveries.push(delivery);
        }
        let (sent, body) = json(&Shared { deliveries })?;
        account(service, &caller, "share", Bytes { received, sent, new: 0, saved })?;
        Ok(json_response(StatusCode::OK, body))
    })
    .await
}

fn deliver(
    service: &Service,
    stat: &vcn_store::Stat,
    to: &str,
    name: String,
    stored: &str,
) -> Result<Delivery, Refused> {
    let held = service.store.names_of_identity(stat.listing.identity, &format!("{to}/"))?;
    let held_as =
        held.first().map(|held| held.strip_prefix(to).unwrap_or(held).trim_start_matches('/').to_owned());
    let entry = &stat.entry;
    let offer = Offer {
        name: stored,
        class: entry.class,
        codec: stat.manifest.codec,
        quality: stat.manifest.quality,
        timing: entry.timing.clone(),
        colour: entry.colour,
        source: entry.source.clone(),
        original: entry.original.clone(),
        overwrite: true,
        parts: Parts::Stored(stat.listing.identity),
        looks: None,
        claimant: stat.manifest.claimant.as_deref(),
    };
    match service.store.take(offer)? {
        Offered::Taken(_) => {
            let bytes = if held_as.is_some() { 0 } else { stat.listing.stored_bytes };
            Ok(Delivery { to: to.to_owned(), name, held_as, bytes })
        }
        Offered::Missing(_) => {
            let reason = format!("`{}` is damaged here: push it again", entry.name);
            Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, reason))
        }
    }
}
