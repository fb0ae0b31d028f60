//! What `vcn push` and `vcn pull` share: the server, the user, and how failures end.

use std::time::Duration;

use clap::Args;
use vcn_serve::{Client, Error};

use crate::failure::{Failure, Result};

/// Who asks.
#[derive(Args)]
pub struct Access {
    /// The user's token.
    #[arg(long, env = "VCN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: String,
    /// Go on trying for so many seconds while the server does not answer.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    patience: u64,
}

impl Access {
    /// A client of the server at `url`.
    pub fn client(&self, url: &str) -> Result<Client> {
        Client::new(url, &self.token, Duration::from_secs(self.patience)).map_err(failure)
    }
}

/// The exit code follows from the kind of failure.
pub fn failure(error: Error) -> Failure {
    match error {
        Error::Url { .. } | Error::Line { .. } => Failure::Usage(error.to_string()),
        Error::Store(error) => crate::store::failure(error),
        other => Failure::Other(other.into()),
    }
}
