//! `vcn store`: the archive.

mod changes;
pub(crate) mod class;
pub(crate) mod codec;
mod evidence;
mod fetch;
pub(crate) mod input;
mod json;
mod maintain;
mod put;
mod search;
pub mod side;
mod watch;

use clap::{Args, Subcommand};
use vcn_store::{Error, Location, Store};

#[cfg(feature = "serve")]
pub(crate) use put::facts;

use crate::compute::Compute;
use crate::failure::{Failure, Result};

const EXAMPLES: &str = "\
Examples:
  export VCN_STORE=/srv/videos
  vcn store init
  vcn store put holiday/ --prefix 2024/ --jobs 2      all videos in a folder, at any depth
  vcn store put tape.mkv --class source               its bytes as well, to get them back as they were
  vcn store get 2024/beach.mp4 -o beach.mp4 --range 10..25
  vcn store find clip.mp4 --html clip.html            what of it is stored already
  vcn store rm 2024/beach.mp4; vcn store undelete 2024/beach.mp4
  vcn store gc --dry-run
  vcn store verify --decode

Exit codes:
  0    done
  1    failed: no such name or store, a name that is taken, a file that cannot be read or written
  2    wrong usage
  3    something is damaged or lost, or of another version
  4    the model that a video needs is not here
  130  interrupted: an output is not there, a put can be done again and goes on where it was

With --json, standard error has a JSON object a line: events `progress` with task, counting, done and total, and at last event
`error` with exit_code and reason.";

/// Arguments of `vcn store`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The store: a folder, file:///folder, memory://, or s3://bucket/prefix (endpoint and credentials in AWS_... variables).
    #[arg(long, global = true, env = "VCN_STORE", value_name = "PATH|URL")]
    store: Option<String>,
    /// The catalogue's file, for a store at a URL.
    #[arg(long, global = true, value_name = "FILE")]
    catalogue: Option<String>,
    /// Print results as JSON (version 1); progress goes to standard error, a JSON value a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Creates a store.
    Init(changes::InitArguments),
    /// Puts videos in: what is stored already costs a reference.
    Put(put::Arguments),
    /// Gets a video back: to a folder, .y4m, a video file, or its original bytes.
    Get(fetch::Arguments),
    /// Lists names.
    Ls(changes::LsArguments),
    /// Shows everything that is known of a name.
    Stat(changes::Name),
    /// Removes names; `undelete` brings them back.
    Rm(changes::RmArguments),
    /// Brings a removed or replaced video back.
    Undelete(changes::UndeleteArguments),
    /// Shows what happened to names.
    Log(changes::LogArguments),
    /// Removes what nothing needs any more.
    Gc(maintain::GcArguments),
    /// Checks every object and every reference.
    Verify(maintain::VerifyArguments),
    /// Says what is lost, moves damaged objects aside; makes the catalogue anew.
    Repair(maintain::RepairArguments),
    /// Lists videos that are identical, share frames, or look alike.
    Dups(search::DupsArguments),
    /// Looks for a video that is not in the store.
    Find(search::FindArguments),
    /// Makes `dups` and `find` see videos that an older vcn put.
    Describe(search::DescribeArguments),
}

/// What all subcommands share.
pub(crate) struct Context {
    location: Location,
    json: bool,
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    let location = location(a.store.as_deref(), a.catalogue.as_deref());
    let done = location.and_then(|location| dispatch(&Context { location, json: a.json }, a.command));
    match done {
        Err(failure) if a.json => Err(json::failure(failure)),
        result => result,
    }
}

fn location(store: Option<&str>, catalogue: Option<&str>) -> Result<Location> {
    let Some(store) = store else {
        return Err(Failure::Usage("which store? give --store PATH, or set VCN_STORE".to_owned()));
    };
    let location = Location::parse(store).map_err(failure)?;
    Ok(match catalogue {
        Some(catalogue) => location.with_catalogue(catalogue),
        None => location,
    })
}

fn dispatch(context: &Context, command: Command) -> Result<()> {
    match command {
        Command::Init(arguments) => changes::init(context, &arguments),
        Command::Put(arguments) => put::run(context, &arguments),
        Command::Get(arguments) => fetch::run(context, &arguments),
        Command::Ls(arguments) => changes::ls(context, &arguments),
        Command::Stat(arguments) => changes::stat(context, &arguments),
        Command::Rm(arguments) => changes::rm(context, &arguments),
        Command::Undelete(arguments) => changes::undelete(context, &arguments),
        Command::Log(arguments) => changes::log(context, &arguments),
        Command::Gc(arguments) => maintain::gc(context, &arguments),
        Command::Verify(arguments) => maintain::verify(context, &arguments),
        Command::Repair(arguments) => maintain::repair(context, &arguments),
        Command::Dups(arguments) => search::dups(context, &arguments),
        Command::Find(arguments) => search::find(context, &arguments),
        Command::Describe(arguments) => search::describe(context, &arguments),
    }
}

impl Context {
    /// The store, for commands that decode nothing.
    fn open(&self) -> Result<Store> {
        Store::open(&self.location, Vec::new()).map_err(failure)
    }

    /// The store, with all models that are known.
    fn open_with_codecs(&self, model: Option<&str>, compute: &Compute) -> Result<Store> {
        Store::open(&self.location, codec::known(model, compute)?).map_err(failure)
    }
}

/// The exit code follows from the kind of failure.
pub(crate) fn failure(error: Error) -> Failure {
    match error {
        Error::NoCodec { .. } => Failure::NoModel(error.to_string()),
        Error::Location { .. } | Error::Name { .. } | Error::Range { .. } | Error::Policy { .. } => {
            Failure::Usage(error.to_string())
        }
        _ if error.is_loss() || error.is_of_unknown_version() => Failure::Damaged(error.to_string()),
        _ => Failure::Other(error.into()),
    }
}
