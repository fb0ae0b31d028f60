//! How requests are refused.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use vcn_store::Error as StoreError;

use super::json_response;
use crate::{error::Error, protocol::Refusal};

/// A request that was refused.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    body: Refusal,
    /// Bytes that there are, where others were asked for.
    length: Option<u64>,
}

impl Refused {
    pub fn new(status: StatusCode, reason: impl Into<String>) -> Refused {
        Refused { status, body: Refusal { error: reason.into(), missing: Vec::new() }, length: None }
    }

    /// Objects have to be sent first.
    pub fn missing(objects: Vec<String>) -> Refused {
        let error = match objects.len() {
            0 => "no stored video of this identity serves: send its segments".to_owned(),
            count => format!("{count} objects are not here: send them first"),
        };
        Refused { body: Refusal { error, missing: objects }, ..Refused::new(StatusCode::CONFLICT, "") }
    }

    /// There are only `length` bytes.
    pub fn range(asked: &str, length: u64) -> Refused {
        let reason = format!("no bytes in {asked}: there are {length}");
        Refused { length: Some(length), ..Refused::new(StatusCode::RANGE_NOT_SATISFIABLE, reason) }
    }

    pub fn stopping() -> Refused {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the server is being stopped: try again")
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.body).unwrap_or_default();
        let mut response = json_response(self.status, body);
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let range = self.length.and_then(|length| HeaderValue::from_str(&format!("bytes */{length}")).ok());
        if let Some(range) = range {
            response.headers_mut().insert(header::CONTENT_RANGE, range);
        }
        response
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Refused {
        let status = match &error {
            StoreError::UnknownName { .. } | StoreError::NotRemoved { .. } => StatusCode::NOT_FOUND,
            StoreError::NoOriginal { .. } => StatusCode::NOT_FOUND,
            StoreError::NameTaken { .. } | StoreError::LeaseLost { .. } => StatusCode::CONFLICT,
            StoreError::Name { .. } => StatusCode::BAD_REQUEST,
            StoreError::Offer { .. }
            | StoreError::Codec { .. }
            | StoreError::NoCodec { .. }
            | StoreError::Version { .. }
            | StoreError::Policy { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refused::new(status, error.to_string())
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        match error {
            Error::Store(error) => error.into(),
            other => Refused::new(StatusCode::INTERNAL_SERVER_ERROR, other.to_string()),
        }
    }
}
