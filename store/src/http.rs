//! How stores at `s3://` URLs speak HTTP: through the client that `vcn push` uses. `object_store`'s own would bring a second
//! one, with TLS in C that takes minutes to build.

use std::{io::ErrorKind, time::Duration};

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::{
    ClientConfigKey, ClientOptions,
    client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService},
};
use ureq::{
    Agent, Body,
    http::{HeaderMap, Method, Request, Response},
    tls::{RootCerts, TlsConfig},
};

use crate::objects::MAX_OBJECT;

/// For how long a server may take to let itself be connected to.
const CONNECT: Duration = Duration::from_secs(10);
/// For how long a server may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// Connections that wait for the next request: as many as a collection reads at once.
const IDLE: usize = 8;

/// HTTP and HTTPS for [`object_store`]. A request blocks the thread that asks, which waits for it anyway.
///
/// Of the options of a store it heeds whether HTTP without TLS and certificates that are not valid are allowed, and the
/// headers of all requests. Certificates are those that the system trusts; a proxy is taken from `HTTPS_PROXY` and the like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

#[derive(Debug)]
struct Connections {
    agent: Agent,
    headers: HeaderMap,
}

impl HttpConnector for Http {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let is_set = |key| options.get_config_value(&key).is_some_and(|value| value == "true");
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .disable_verification(is_set(ClientConfigKey::AllowInvalidCertificates));
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .https_only(!is_set(ClientConfigKey::AllowHttp))
            .http_status_as_error(false)
            // What is signed for one address is not valid at another.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections_per_host(IDLE)
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE));
        let headers = options.get_default_headers().cloned().unwrap_or_default();
        Ok(HttpClient::new(Connections { agent: config.build().into(), headers }))
    }
}

#[async_trait]
impl HttpService for Connections {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (mut parts, body) = request.into_parts();
        for (name, value) in &self.headers {
            parts.headers.entry(name).or_insert_with(|| value.clone());
        }
        let bytes = body.collect().await?.to_bytes();
        let response = match parts.method {
            Method::PUT | Method::POST => self.agent.run(Request::from_parts(parts, &bytes[..])),
            _ => self.agent.run(Request::from_parts(parts, ())),
        };
        received(response).map_err(failed)
    }
}

fn received(response: Result<Response<Body>, ureq::Error>) -> Result<HttpResponse, ureq::Error> {
    let (parts, body) = response?.into_parts();
    let bytes = body.into_with_config().limit(MAX_OBJECT + 1).read_to_vec()?;
    Ok(Response::from_parts(parts, bytes.into()))
}

/// Which failures may be mended by trying again, [`object_store`] wants to know.
fn failed(error: ureq::Error) -> HttpError {
    let kind = match &error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => HttpErrorKind::Connect,
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => HttpErrorKind::Connect,
        ureq::Error::Timeout(_) => HttpErrorKind::Timeout,
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => HttpErrorKind::Connect,
            ErrorKind::TimedOut => HttpErrorKind::Timeout,
            _ => HttpErrorKind::Interrupted,
        },
        ureq::Error::Protocol(_) => HttpErrorKind::Decode,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
