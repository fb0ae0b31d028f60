//! The vcn command.

mod train;

use clap::{Parser, Subcommand};

/// A learned video codec with a dedup-aware archive.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Trains a model.
    Train(train::Arguments),
}

fn main() -> std::process::ExitCode {
    let result = match Arguments::parse().command {
        Command::Train(arguments) => train::run(arguments),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vcn: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
