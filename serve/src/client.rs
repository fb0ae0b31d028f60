//! A client: requests that are tried again, and answers that are checked.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Serialize, de::DeserializeOwned};
use ureq::{Agent, Body, http::Response};
use vcn_store::{Digest, ObjectId};

use crate::{
    error::{Error, Result},
    protocol::{
        Account, Description, Had, Have, Named, Publish, Published, Refusal, Share, Shared, VERSION,
        VERSION_HEADER, object_from, object_text,
    },
};

/// What must not stand in a path as it is.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'\\')
    .add(b'^')
    .add(b'[')
    .add(b']')
    .add(b'|')
    .add(b'&')
    .add(b'+');

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Most bytes of an answer that is not an object.
const MAX_JSON: u64 = 1 << 30;

/// Most bytes of an object.
const MAX_OBJECT: u64 = 1 << 30;

/// Bytes of bodies that went over the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// To the server.
    pub sent: u64,
    /// From the server.
    pub received: u64,
}

/// A user at a server.
pub struct Client {
    agent: Agent,
    base: String,
    token: String,
    patience: Duration,
    sent: AtomicU64,
    received: AtomicU64,
}

/// What an attempt came to.
enum Attempt {
    Answer(u16, Vec<u8>),
    /// It may go better next time.
    Again(String),
    /// From a server that speaks another version of the protocol, or says nothing of it.
    Foreign(Option<String>),
}

/// What became of a request to publish a name.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Published(Published),
    Missing(Vec<ObjectId>),
}

impl Client {
    /// A user with a token at `http://HOST:PORT`. Requests without an answer are tried again for as long as `patience`.
    ///
    /// # Errors
    /// [`Error::Url`].
    pub fn new(url: &str, token: &str, patience: Duration) -> Result<Client> {
        let wrong = |reason| Error::Url { url: url.to_owned(), reason };
        let Some(host) = url.strip_prefix("http://") else {
            return Err(wrong(
                "expected http://HOST:PORT; for https put a proxy or an SSH tunnel in between",
            ));
        };
        let host = host.trim_end_matches('/');
        if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
            return Err(wrong("expected http://HOST:PORT and nothing else"));
        }
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("a token is needed: printable characters without spaces"));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_recv_response(Some(Duration::from_secs(300)))
            .timeout_recv_body(Some(Duration::from_secs(300)))
            .timeout_send_body(Some(Duration::from_secs(300)))
            .build();
        Ok(Client {
            agent: config.into(),
            base: format!("http://{host}/{VERSION}"),
            token: token.to_owned(),
            patience,
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        })
    }

    /// Bytes of bodies that went over the network so far, those of failed attempts included.
    pub fn traffic(&self) -> Sent {
        Sent { sent: self.sent.load(Ordering::Relaxed), received: self.received.load(Ordering::Relaxed) }
    }

    /// Where the server is.
    pub fn server(&self) -> &str {
        &self.base
    }

    /// Asks what is there of a video.
    ///
    /// # Errors
    /// As all requests: [`Error::Unreachable`], [`Error::Refused`], [`Error::Answer`].
    pub fn have(&self, asked: &Have) -> Result<Had> {
        let had: Had = self.json("POST", "have", Some(asked))?;
        match had.keys.len() == asked.keys.len() {
            true => Ok(had),
            false => {
                Err(self.wrong("have", "it answers for another number of segments than it was asked for"))
            }
        }
    }

    /// The names of this user that start with `prefix`.
    ///
    /// # Errors
    /// As all requests.
    pub fn names(&self, prefix: &str) -> Result<Vec<Named>> {
        #[derive(serde::Deserialize)]
        struct Page {
            names: Vec<Named>,
        }
        let mut all: Vec<Named> = Vec::new();
        loop {
            let encode = |text: &str| utf8_percent_encode(text, PATH).to_string();
            let after = all.last().map_or(String::new(), |last| encode(&last.name));
            let page: Page =
                self.json("GET", &format!("names?prefix={}&after={after}", encode(prefix)), None::<&()>)?;
            if page.names.is_empty() {
                return Ok(all);
            }
            all.extend(page.names);
        }
    }

    /// Everything that is needed to fetch a video.
    ///
    /// # Errors
    /// As all requests.
    pub fn describe(&self, name: &str) -> Result<Description> {
        self.json("GET", &name_path("names", name), None::<&()>)
    }

    /// Sends a video to other users.
    ///
    /// # Errors
    /// As all requests.
    pub fn share(&self, name: &str, to: &[String]) -> Result<Shared> {
        self.json("POST", "shares", Some(&Share { name: name.to_owned(), to: to.to_vec() }))
    }

    /// Removes a name.
    ///
    /// # Errors
    /// As all requests.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = name_path("names", name);
        self.accepted("DELETE", &path, None).map(|_| ())
    }

    /// What this user has used.
    ///
    /// # Errors
    /// As all requests.
    pub fn account(&self) -> Result<Account> {
        self.json("GET", "account", None::<&()>)
    }

    /// Sends an object unless it is there. Returns whether it was sent.
    ///
    /// # Errors
    /// As all requests.
    pub fn put_object(&self, id: ObjectId, bytes: &[u8]) -> Result<bool> {
        let path = format!("objects/{}", object_text(id));
        match self.request("HEAD", &path, None)? {
            (200, _) => Ok(false),
            (404, _) => self.accepted("PUT", &path, Some(bytes)).map(|_| true),
            (status, body) => Err(self.refused(&path, status, &body)),
        }
    }

    /// Fetches an object, checked against its digest.
    ///
    /// # Errors
    /// As all requests.
    pub fn object(&self, id: ObjectId) -> Result<Vec<u8>> {
        let path = format!("objects/{}", object_text(id));
        let bytes = self.accepted("GET", &path, None)?;
        match Digest::of(&bytes) == id.digest {
            true => Ok(bytes),
            false => Err(self.wrong(&path, "its bytes have another digest")),
        }
    }

    /// Publishes a name.
    pub(crate) fn publish(&self, name: &str, asked: &Publish) -> Result<Outcome> {
        let path = name_path("names", name);
        let body = self.to_json(&path, asked)?;
        let (status, answer) = self.request("PUT", &path, Some(&body))?;
        if (200..300).contains(&status) {
            return self.read_json(&path, &answer).map(Outcome::Published);
        }
        let refusal: Option<Refusal> = serde_json::from_slice(&answer).ok();
        match refusal {
            Some(refusal)
                if status == 409 && (!refusal.missing.is_empty() || refusal.error.contains("identity")) =>
            {
                let read =
                    |text: &String| text.split_once('/').and_then(|(kind, digest)| object_from(kind, digest));
                let missing: Option<Vec<ObjectId>> = refusal.missing.iter().map(read).collect();
                missing.map(Outcome::Missing).ok_or_else(|| self.wrong(&path, "it misses what is no object"))
            }
            _ => Err(self.refused(&path, status, &answer)),
        }
    }

    fn json<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T> {
        let body = body.map(|body| self.to_json(path, body)).transpose()?;
        let answer = self.accepted(method, path, body.as_deref())?;
        self.read_json(path, &answer)
    }

    fn to_json(&self, path: &str, value: &impl Serialize) -> Result<Vec<u8>> {
        serde_json::to_vec(value).map_err(|error| self.wrong(path, &error.to_string()))
    }

    fn read_json<T: DeserializeOwned>(&self, path: &str, bytes: &[u8]) -> Result<T> {
        serde_json::from_slice(bytes).map_err(|error| self.wrong(path, &error.to_string()))
    }

    /// A request that must succeed.
    fn accepted(&self, method: &str, path: &str, body: Option<&[u8]>) -> Result<Vec<u8>> {
        match self.request(method, path, body)? {
            (200..300, answer) => Ok(answer),
            (status, answer) => Err(self.refused(path, status, &answer)),
        }
    }

    /// Asks until there is an answer. All requests may be repeated: doing one twice is doing it once.
    fn request(&self, method: &str, path: &str, body: Option<&[u8]>) -> Result<(u16, Vec<u8>)> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(50);
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.attempt(method, path, body) {
                Attempt::Answer(status, answer) => return Ok((status, answer)),
                Attempt::Foreign(theirs) => {
                    let theirs =
                        theirs.map_or("no known version".to_owned(), |theirs| format!("version {theirs}"));
                    return Err(Error::Version { url: self.base.clone(), theirs, ours: VERSION });
                }
                Attempt::Again(reason) if started.elapsed() + pause > self.patience => {
                    return Err(Error::Unreachable {
                        url: format!("{}/{path}", self.base),
                        attempts,
                        reason,
                    });
                }
                Attempt::Again(_) => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn attempt(&self, method: &str, path: &str, body: Option<&[u8]>) -> Attempt {
        let url = format!("{}/{path}", self.base);
        let token = format!("Bearer {}", self.token);
        let sent = body.map_or(0, |body| body.len() as u64);
        self.sent.fetch_add(sent, Ordering::Relaxed);
        let result = match (method, body) {
            ("PUT", body) => {
                self.agent.put(&url).header("authorization", &token).send(body.unwrap_or_default())
            }
            ("POST", body) => {
                self.agent.post(&url).header("authorization", &token).send(body.unwrap_or_default())
            }
            ("DELETE", _) => self.agent.delete(&url).header("authorization", &token).call(),
            ("HEAD", _) => self.agent.head(&url).header("authorization", &token).call(),
            _ => self.agent.get(&url).header("authorization", &token).call(),
        };
        let response: Response<Body> = match result {
            Ok(response) => response,
            Err(error) => return Attempt::Again(error.to_string()),
        };
        let status = response.status().as_u16();
        let theirs = response.headers().get(VERSION_HEADER).and_then(|theirs| theirs.to_str().ok());
        let theirs = theirs.map(str::to_owned);
        let limit = if path.starts_with("objects/") { MAX_OBJECT } else { MAX_JSON };
        let answer = response.into_body().into_with_config().limit(limit).read_to_vec();
        match answer {
            Err(error) => Attempt::Again(error.to_string()),
            Ok(answer) => {
                self.received.fetch_add(answer.len() as u64, Ordering::Relaxed);
                match status {
                    408 | 429 | 500 | 502 | 503 | 504 => Attempt::Again(reason(status, &answer)),
                    _ if theirs.as_deref() != Some(VERSION) => Attempt::Foreign(theirs),
                    _ => Attempt::Answer(status, answer),
                }
            }
        }
    }

    fn refused(&self, path: &str, status: u16, answer: &[u8]) -> Error {
        Error::Refused { url: format!("{}/{path}", self.base), status, reason: reason(status, answer) }
    }

    fn wrong(&self, path: &str, reason: &str) -> Error {
        Error::Answer { url: format!("{}/{path}", self.base), reason: reason.to_owned() }
    }
}

fn name_path(route: &str, name: &str) -> String {
    format!("{route}/{}", utf8_percent_encode(name, PATH))
}

/// What a server says of a refusal.
fn reason(status: u16, answer: &[u8]) -> String {
    match serde_json::from_slice::<Refusal>(answer) {
        Ok(refusal) => refusal.error,
        Err(_) => format!("status {status} without a reason"),
    }
}
