//! The server.
//!
//! Connections are tasks; whatever touches the store runs on threads of its own, so many at a time as [`Limits::threads`]
//! says. Uploads are spooled to files while they arrive and read when a thread is free for them; objects that are fetched
//! are spooled once they are checked, and sent from there: memory is bounded by threads and not by clients, however slow
//! these are.

mod body;
mod metrics;
mod names;
mod objects;
mod range;
mod refusal;
mod share;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, StatusCode, Uri, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore, sync::watch};
use vcn_store::Store;

use crate::{
    error::{Error, Result},
    ledger::{Bytes, Ledger},
    protocol::{VERSION, VERSION_HEADER},
    users::Users,
};
use metrics::Metrics;
use refusal::Refused;

/// What a server refuses for its size, and how long it waits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of an object that is sent.
    pub object: u64,
    /// Most bytes of a question or an offer in JSON: 64 for each frame of a video.
    pub json: u64,
    /// Most bytes that the decoded frames of a segment take.
    pub decoded: u64,
    /// Most bytes of new objects that a user brings in a day.
    pub daily: u64,
    /// Connections at a time.
    pub connections: usize,
    /// Requests that work on the store at a time.
    pub threads: usize,
    /// How long a connection may be silent in the middle of a request.
    pub silence: Duration,
    /// How long requests under way may take when the server is told to stop.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            object: 64 << 20,
            json: 32 << 20,
            decoded: 512 << 20,
            daily: 1 << 40,
            connections: 1024,
            threads: std::thread::available_parallelism().map_or(2, usize::from).max(2),
            silence: Duration::from_secs(30),
            farewell: Duration::from_secs(10),
        }
    }
}

/// A server that listens, and answers once it runs.
pub struct Server {
    service: Arc<Service>,
    listener: std::net::TcpListener,
    address: SocketAddr,
    stop: watch::Sender<bool>,
}

/// Tells a server to stop.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Lets the server finish what is under way, and return from [`Server::run`].
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// What all requests share.
struct Service {
    store: Store,
    ledger: Ledger,
    users: Users,
    limits: Limits,
    metrics: Metrics,
    /// One permit for each request that works on the store.
    work: Semaphore,
    /// Where bodies are spooled.
    spool: PathBuf,
    started: Instant,
}

impl Server {
    /// Opens the accounts beside the store's catalogue and listens on `address`.
    ///
    /// # Errors
    /// The address cannot be listened on, or the accounts cannot be opened.
    pub fn bind(store: Store, users: Users, limits: Limits, address: &str) -> Result<Server> {
        let ledger = Ledger::open(&store.catalogue_file().with_file_name("ledger.db"))?;
        let listener = std::net::TcpListener::bind(address).map_err(Error::io("listen on", address))?;
        listener.set_nonblocking(true).map_err(Error::io("listen on", address))?;
        let bound = listener.local_addr().map_err(Error::io("listen on", address))?;
        let service = Service {
            store,
            ledger,
            users,
            limits,
            metrics: Metrics::default(),
            work: Semaphore::new(limits.threads.max(1)),
            spool: std::env::temp_dir(),
            started: Instant::now(),
        };
        Ok(Server { service: Arc::new(service), listener, address: bound, stop: watch::Sender::new(false) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it, from any thread.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Answers requests until it is stopped.
    ///
    /// # Errors
    /// The network cannot be used.
    pub fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(self.service.limits.threads.max(1) + 2)
            .enable_all()
            .build()
            .map_err(Error::io("start threads for", self.address))?;
        let farewell = self.service.limits.farewell;
        let result = runtime.block_on(self.accept());
        runtime.shutdown_timeout(farewell);
        result
    }

    async fn accept(self) -> Result<()> {
        let Server { service, listener, address, stop } = self;
        let listener = TcpListener::from_std(listener).map_err(Error::io("listen on", address))?;
        let limits = service.limits;
        let router = router(service);
        let connections = Arc::new(Semaphore::new(limits.connections.max(1)));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.silence).max_buf_size(64 << 10);
        let graceful = GracefulShutdown::new();
        let mut stopped = stop.subscribe();
        loop {
            let accepted = async {
                let permit = Arc::clone(&connections).acquire_owned().await;
                (permit, listener.accept().await)
            };
            let (permit, stream) = tokio::select! {
                (permit, Ok((stream, _))) = accepted => (permit, stream),
                _ = stopped.wait_for(|stop| *stop) => break,
                // Out of file descriptors, or a client that was gone at once.
                else => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // Answers are small: they are to go out at once. A socket that cannot do this is slower, not wrong.
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(router.clone());
            let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                // What fails here is the connection of one client, who knows it.
                let _ = connection.await;
                drop(permit);
            });
        }
        drop(listener);
        tokio::select! {
            () = graceful.shutdown() => {}
            () = tokio::time::sleep(limits.farewell) => {}
        }
        Ok(())
    }
}

fn router(service: Arc<Service>) -> Router {
    let versioned = Router::new()
        .route("/have", post(names::have))
        .route("/names", get(names::list))
        .route("/names/{*name}", put(names::publish).get(names::describe).delete(names::remove))
        .route("/originals/{*name}", get(names::original))
        .route("/objects/{kind}/{digest}", put(objects::take).get(objects::give))
        .route("/shares", post(share::share))
        .route("/account", get(names::show_account));
    Router::new()
        .nest(&format!("/{VERSION}"), versioned)
        .route("/metrics", get(metrics::show))
        .route("/healthz", get(health))
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::clone(&service), count))
        .with_state(service)
}

/// Whether the store can be read. Needs no token and tells nothing else.
async fn health(State(service): State<Arc<Service>>) -> Result<&'static str, Refused> {
    work(&service, |service| Ok(service.store.len()?)).await?;
    Ok("ok\n")
}

/// What there is no route for.
async fn unknown(uri: Uri) -> Refused {
    let first = uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
    let number = first.strip_prefix('v').and_then(|number| number.parse::<u32>().ok());
    let reason = match number.is_some() && first != VERSION {
        true => format!(
            "this server speaks version {VERSION} of the protocol, you speak {first}: use the same version of vcn on both \
             sides"
        ),
        false => "no such path: see doc/SERVE.md".to_owned(),
    };
    Refused::new(StatusCode::NOT_FOUND, reason)
}

/// Counts requests by the first part of their path and by status, and says in every answer which version is spoken.
async fn count(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let route = metrics::route(request.uri().path());
    let mut response = next.run(request).await;
    service.metrics.request(route, response.status().as_u16());
    response.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    response
}

/// The user who makes a request.
struct Caller {
    name: String,
    vouches: bool,
}

impl Caller {
    /// On whose word alone something is to be believed: nobody's, if this user's word counts.
    fn claimant(&self) -> Option<&str> {
        (!self.vouches).then_some(self.name.as_str())
    }

    /// What the store calls a name of this user.
    fn stored(&self, name: &str) -> Result<String, Refused> {
        stored_name(&self.name, name)
    }
}

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Caller, Refused> {
        let token = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or("");
        match service.users.of_token(token) {
            Some(user) => Ok(Caller { name: user.name.clone(), vouches: user.vouches }),
            None => {
                service.metrics.wrong_token();
                Err(Refused::new(
                    StatusCode::UNAUTHORIZED,
                    "this token is nobody's: vcn takes it from --token or VCN_TOKEN, others send Authorization: Bearer TOKEN",
                ))
            }
        }
    }
}

/// What the store calls a name of a user. Names never become paths here, but they may where they are fetched.
fn stored_name(user: &str, name: &str) -> Result<String, Refused> {
    let bad = |part: &str| part.is_empty() || part == "." || part == "..";
    let forbidden = |c: char| c.is_control() || c == '\\';
    if name.len() > 1024 || name.split('/').any(bad) || name.chars().any(forbidden) {
        let reason =
            "names have up to 1024 bytes and no empty parts, `.`, `..`, backslashes or control characters";
        return Err(Refused::new(StatusCode::BAD_REQUEST, reason));
    }
    Ok(format!("{user}/{name}"))
}

/// Runs what touches the store on a thread of its own, when there is one.
async fn work<T: Send + 'static>(
    service: &Arc<Service>,
    job: impl FnOnce(&Service) -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let broken = |_| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "the request could not be worked on");
    let _permit = service.work.acquire().await.map_err(|_| Refused::stopping())?;
    let service = Arc::clone(service);
    tokio::task::spawn_blocking(move || job(&service)).await.map_err(broken)?
}

/// Writes a request to the account of its user.
fn account(service: &Service, caller: &Caller, what: &'static str, bytes: Bytes) -> Result<(), Refused> {
    service.metrics.bytes(&bytes);
    Ok(service.ledger.add(&caller.name, what, bytes)?)
}

/// An answer in JSON, with its length for the account.
fn json(value: &impl serde::Serialize) -> Result<(u64, Vec<u8>), Refused> {
    let failed =
        |error: serde_json::Error| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let body = serde_json::to_vec(value).map_err(failed)?;
    Ok((body.len() as u64, body))
}

fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
