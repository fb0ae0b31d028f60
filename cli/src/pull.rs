//! `vcn pull`: a video from a server into one's own store, of which only what is missing there is fetched.

use clap::Args;
use serde::Serialize;
use vcn_store::{Location, Store};

use crate::compute::Compute;
use crate::failure::Result;
use crate::network::{Access, failure};
use crate::print::{Stream, bytes};
use crate::store::{codec, failure as store_failure};

const EXAMPLES: &str = "\
Examples:
  export VCN_TOKEN=...
  vcn pull --from http://127.0.0.1:7878                                        # lists what is there
  vcn pull --from http://127.0.0.1:7878 from/ann/clip.mp4 --store mine
  vcn store --store mine get from/ann/clip.mp4 -o clip.mp4";

/// Arguments of `vcn pull`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The name at the server; without it, names are listed.
    #[arg(requires = "store")]
    name: Option<String>,
    /// The server.
    #[arg(long, value_name = "URL")]
    from: String,
    #[command(flatten)]
    access: Access,
    /// Your own store.
    #[arg(long, env = "VCN_STORE", value_name = "PATH|URL")]
    store: Option<String>,
    /// The name in your own store, if it is to be another.
    #[arg(long = "as", value_name = "NAME", requires = "name")]
    as_name: Option<String>,
    /// Take over a name that stands for another video.
    #[arg(long)]
    overwrite: bool,
    /// Print results as JSON.
    #[arg(long)]
    json: bool,
    /// A model by name or file, if it is not built in.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    #[command(flatten)]
    compute: Compute,
}

/// Runs the command.
pub fn run(a: &Arguments) -> Result<()> {
    let client = a.access.client(&a.from)?;
    let (Some(name), Some(store)) = (&a.name, &a.store) else {
        let names = client.names("").map_err(failure)?;
        if a.json {
            #[derive(Serialize)]
            struct Report {
                version: u32,
                names: Vec<vcn_serve::protocol::Named>,
            }
            return Stream::Out.json(&Report { version: 1, names });
        }
        let lines: Vec<String> = names
            .iter()
            .map(|named| {
                format!("{}\t{}\t{} frames\t{}", named.name, named.class, named.frames, bytes(named.bytes))
            })
            .collect();
        return Stream::Out.text(&lines.join("\n"));
    };
    let location = Location::parse(store).map_err(store_failure)?;
    let store =
        Store::open(&location, codec::known(a.model.as_deref(), &a.compute)?).map_err(store_failure)?;
    let as_name = a.as_name.as_ref().unwrap_or(name);
    let pulled = vcn_serve::pull(&client, name, &store, as_name, a.overwrite).map_err(failure)?;
    #[derive(Serialize)]
    struct Report<'a> {
        version: u32,
        name: &'a str,
        identity: String,
        frames: u64,
        fetched_objects: u64,
        received_bytes: u64,
    }
    let report = Report {
        version: 1,
        name: as_name,
        identity: pulled.outcome.identity.to_string(),
        frames: pulled.outcome.frames,
        fetched_objects: pulled.fetched,
        received_bytes: pulled.traffic.received,
    };
    if a.json {
        return Stream::Out.json(&report);
    }
    let received = bytes(report.received_bytes);
    Stream::Out.text(&match pulled.fetched {
        0 => format!("{as_name}: a reference to {} frames that are here, {received} received", report.frames),
        count => format!("{as_name}: {} frames, {count} objects fetched, {received} received", report.frames),
    })
}
