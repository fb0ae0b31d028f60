//! `vcn serve`: the archive over HTTP.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use vcn_serve::Users;
use vcn_serve::server::{Limits, Server};
use vcn_store::{Location, Store};

use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::network::failure;
use crate::print::{Stream, note};
use crate::store::{codec, failure as store_failure};

const EXAMPLES: &str = "\
Examples:
  vcn store --store videos init
  VCN_TOKEN=$(head -c 24 /dev/urandom | base64) vcn serve --store videos
  vcn serve --store videos --users users.txt --listen 127.0.0.1:8000
  curl -H \"Authorization: Bearer $VCN_TOKEN\" http://127.0.0.1:7878/v2/names

A list of users has a line for each: NAME TOKEN, and the word `vouches` if what this user says of lossy segments is
believed for everybody; see doc/SERVE.md. There is no TLS here: beyond this machine, put a proxy or an SSH tunnel in
front. Ctrl-C lets requests under way end, a second one does not.";

/// Arguments of `vcn serve`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The store: a folder, file:///folder or s3://bucket/prefix.
    #[arg(long, env = "VCN_STORE", value_name = "PATH|URL")]
    store: String,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7878")]
    listen: String,
    /// The token of the only user.
    #[arg(
        long,
        env = "VCN_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        required_unless_present = "users"
    )]
    token: Option<String>,
    /// The name of the only user.
    #[arg(long, value_name = "NAME", default_value = "me", conflicts_with = "users")]
    user: String,
    /// A list of users and their tokens, instead of --token.
    #[arg(long, value_name = "FILE")]
    users: Option<String>,
    /// Most megabytes of an object that is sent.
    #[arg(long, value_name = "MB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_object: u64,
    /// Most megabytes that the decoded frames of a segment take.
    #[arg(long, value_name = "MB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_decoded: u64,
    /// Most megabytes of a question or an offer, which has 64 bytes for each frame of a video.
    #[arg(long, value_name = "MB", default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_question: u64,
    /// Most gigabytes of new objects that a user brings in a day.
    #[arg(long, value_name = "GB", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    max_daily: u64,
    /// Connections at a time.
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65536))]
    max_connections: u32,
    /// Requests that work on the store at a time [default: one per core]; each may take the two sizes above in memory.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Seconds without a byte, or with less than a kilobyte each, after which a request is given up.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    silence: u64,
    /// A model by name or file, if it is not built in: segments of other models are refused.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    /// Print where it listens as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compute: Compute,
}

const MEGA: u64 = 1_000_000;

/// Runs the command.
pub fn run(a: &Arguments) -> Result<()> {
    let users = match (&a.users, &a.token) {
        (Some(file), _) => Users::read(Path::new(file)),
        (None, token) => Users::single(&a.user, token.as_deref().unwrap_or_default()),
    };
    let users = users.map_err(|error| Failure::Usage(error.to_string()))?;
    let defaults = Limits::default();
    let limits = Limits {
        object: a.max_object * MEGA,
        json: a.max_question * MEGA,
        decoded: a.max_decoded * MEGA,
        daily: a.max_daily.saturating_mul(1000 * MEGA),
        connections: a.max_connections as usize,
        threads: a.workers.map_or(defaults.threads, usize::from),
        silence: Duration::from_secs(a.silence),
        ..defaults
    };
    let location = Location::parse(&a.store).map_err(store_failure)?;
    let codecs = codec::known(a.model.as_deref(), &a.compute)?;
    let store = Store::open(&location, codecs).map_err(store_failure)?;
    let count = users.len();
    let server = Server::bind(store, users, limits, &a.listen).map_err(failure)?;
    let stopper = server.stopper();
    interrupt::ask_first(move || stopper.stop());
    let address = server.address();
    if !address.ip().is_loopback() {
        note("listens beyond this machine, and without TLS: tokens and videos can be read on the way");
    }
    #[derive(Serialize)]
    struct Listening {
        url: String,
        users: usize,
    }
    match a.json {
        true => Stream::Out.json(&Listening { url: format!("http://{address}"), users: count })?,
        false => Stream::Out.text(&format!(
            "{} at http://{address} for {count} {}",
            a.store,
            if count == 1 { "user" } else { "users" }
        ))?,
    }
    server.run().map_err(failure)
}
