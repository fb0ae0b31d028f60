//! `/metrics` in the text format of Prometheus.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::{Caller, Refused, Service, work};
use crate::{ledger::Bytes, protocol::VERSION};

/// Counters since the server started.
#[derive(Default)]
pub(super) struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    wrong_tokens: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    new: AtomicU64,
    saved: AtomicU64,
}

impl Metrics {
    pub fn request(&self, route: &'static str, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((route, status)).or_default() += 1;
    }

    pub fn wrong_token(&self) {
        self.wrong_tokens.fetch_add(1, Ordering::Relaxed);
    }

    pub fn bytes(&self, bytes: &Bytes) {
        for (counter, value) in [
            (&self.received, bytes.received),
            (&self.sent, bytes.sent),
            (&self.new, bytes.new),
            (&self.saved, bytes.saved),
        ] {
            counter.fetch_add(value, Ordering::Relaxed);
        }
    }
}

/// The first part of a path, of those that there are: clients must not make up labels.
pub(super) fn route(path: &str) -> &'static str {
    let versioned = path.strip_prefix('/').and_then(|path| path.strip_prefix(VERSION));
    let first = versioned.unwrap_or(path).trim_start_matches('/').split('/').next();
    let known = ["have", "names", "originals", "objects", "shares", "account", "metrics", "healthz"];
    known.into_iter().find(|known| first == Some(known)).unwrap_or("other")
}

/// `GET /metrics`.
pub(super) async fn show(State(service): State<Arc<Service>>, _: Caller) -> Result<Response, Refused> {
    let text = work(&service, |service| {
        let names = service.store.len()?;
        let metrics = &service.metrics;
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, lines: &[(String, u64)]| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let requests = metrics.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let requests: Vec<(String, u64)> = requests
            .into_iter()
            .map(|((route, status), count)| (format!("{{route=\"{route}\",status=\"{status}\"}}"), count))
            .collect();
        family("vcn_requests_total", "counter", "Requests.", &requests);
        let one = |value: u64| [(String::new(), value)];
        let counter = |counter: &AtomicU64| one(counter.load(Ordering::Relaxed));
        for (name, help, value) in [
            ("vcn_wrong_tokens_total", "Requests without a valid token.", &metrics.wrong_tokens),
            ("vcn_received_bytes_total", "Bytes of bodies received.", &metrics.received),
            ("vcn_sent_bytes_total", "Bytes of bodies sent.", &metrics.sent),
            ("vcn_new_bytes_total", "Bytes of new objects.", &metrics.new),
            ("vcn_saved_bytes_total", "Bytes that did not have to be sent.", &metrics.saved),
        ] {
            family(name, "counter", help, &counter(value));
        }
        family("vcn_names", "gauge", "Names in the store.", &one(names));
        family("vcn_users", "gauge", "Users.", &one(service.users.len() as u64));
        let threads = service.limits.threads.max(1);
        let busy = threads.saturating_sub(service.work.available_permits()) as u64;
        family("vcn_working_requests", "gauge", "Requests that work on the store.", &one(busy));
        family("vcn_uptime_seconds", "gauge", "Time since start.", &one(service.started.elapsed().as_secs()));
        Ok(text)
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
