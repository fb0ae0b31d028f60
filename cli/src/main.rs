//! The vcn command.

mod at_once;
mod catalogue;
mod colour;
mod complexity;
mod compress;
mod compute;
mod decoding;
mod decompress;
mod dedup;
mod demo;
mod encoding;
mod failure;
mod features;
mod folder;
mod frame_log;
mod gops;
mod id;
mod info;
mod interrupt;
mod metrics;
mod models;
#[cfg(feature = "serve")]
mod network;
mod number;
mod page;
mod plot;
mod print;
mod progress;
#[cfg(feature = "serve")]
mod pull;
#[cfg(feature = "serve")]
mod push;
mod rank;
mod reordering;
#[cfg(feature = "serve")]
mod serve;
mod source;
mod store;
mod summarize;
mod target;
mod test;
#[cfg(feature = "serve")]
mod traffic;
mod train;
mod verify;
mod visualize;

use clap::{Args, Parser, Subcommand};

use failure::EXIT_CODES;

/// A learned video codec with a dedup-aware archive.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compresses a video into one .vcn file.
    Compress(compress::Arguments),
    /// Decompresses a .vcn file into frames or a video.
    Decompress(decompress::Arguments),
    /// Shows what a .vcn file says of itself: header, GOP table, rates.
    Info(info::Arguments),
    /// Checks every checksum of a .vcn file by decoding it.
    Verify(verify::Arguments),
    /// Compares two videos: PSNR and MS-SSIM.
    Metrics(metrics::Arguments),
    /// Measures a model: rates of real files, quality, speed, and BD-rates against other codecs.
    Test(test::Arguments),
    /// Shows what happens to a frame: motion, prediction, residual, bits; as pictures and as an animation.
    Visualize(visualize::Arguments),
    /// Lists the models.
    Models(catalogue::Arguments),
    /// Compresses and decompresses a sample, checks it, and shows the result on one screen.
    Demo(demo::Arguments),
    /// The dedup-aware archive.
    Store(store::Arguments),
    /// Finds videos that are there twice, and acts on them.
    Dedup(dedup::Arguments),
    /// Writes features of videos as NumPy arrays; several processes share a list.
    Features(features::Arguments),
    /// Names videos by what they show: exactly, and so that it survives another encoding.
    Id(id::Arguments),
    /// Finds the best scenes of many clips, by what people like.
    Rank(rank::Arguments),
    /// Makes a summary of a video: keyframes, a contact sheet and a clip.
    Summarize(summarize::Arguments),
    /// Serves an archive over HTTP.
    #[cfg(feature = "serve")]
    Serve(serve::Arguments),
    /// Sends videos to a server; what it has is not sent.
    #[cfg(feature = "serve")]
    Push(push::Arguments),
    /// Fetches a video from a server into one's own archive; what is there is not fetched.
    #[cfg(feature = "serve")]
    Pull(pull::Arguments),
    /// Counts what identifying identical videos saves of a log of shares.
    #[cfg(feature = "serve")]
    Traffic(traffic::Arguments),
    /// Trains a model, or draws how a training went.
    Train(Train),
}

/// `vcn train` trains, `vcn train plot` draws how that went.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Train {
    #[command(subcommand)]
    command: Option<TrainCommand>,
    #[command(flatten)]
    arguments: Option<train::Arguments>,
}

#[derive(Subcommand)]
enum TrainCommand {
    /// Draws training curves from the logs of runs.
    Plot(plot::Arguments),
}

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    interrupt::install();
    let result = match arguments.command {
        Command::Compress(arguments) => compress::run(arguments),
        Command::Decompress(arguments) => decompress::run(arguments),
        Command::Info(arguments) => info::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Metrics(arguments) => metrics::run(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Visualize(arguments) => visualize::run(arguments),
        Command::Models(arguments) => catalogue::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Store(arguments) => store::run(arguments),
        Command::Dedup(arguments) => dedup::run(arguments),
        Command::Features(arguments) => features::run(&arguments),
        Command::Id(arguments) => id::run(&arguments),
        Command::Rank(arguments) => rank::run(arguments),
        Command::Summarize(arguments) => summarize::run(arguments),
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => serve::run(&arguments),
        #[cfg(feature = "serve")]
        Command::Push(arguments) => push::run(&arguments),
        #[cfg(feature = "serve")]
        Command::Pull(arguments) => pull::run(&arguments),
        #[cfg(feature = "serve")]
        Command::Traffic(arguments) => traffic::run(&arguments),
        Command::Train(Train { command: Some(TrainCommand::Plot(arguments)), .. }) => plot::run(arguments),
        Command::Train(Train { arguments: Some(arguments), .. }) => train::run(arguments).map_err(Into::into),
        // clap asks for the arguments that training needs.
        Command::Train(_) => {
            Err(failure::Failure::Usage("name data to train on, or see vcn train plot".into()))
        }
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
