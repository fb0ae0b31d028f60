//! `vcn push`: a video to a server, of which only what is missing there is sent.

use std::fs::File;
use std::io::Read;

use clap::Args;
use serde::Serialize;
use vcn_codec::gop::GopPolicy;
use vcn_media::{OpenOptions, SourceKind};
use vcn_serve::{Client, Push, Pushed};
use vcn_store::{BlockSpectrum, Class, DigestSplitter, SegmentCodec, Splitter};

use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::network::{Access, failure};
use crate::print::{Stream, bytes, note};
use crate::progress::Progress;
use crate::store::class::{ClassName, Storing};
use crate::store::codec::splitter;
use crate::store::input::{Frames, Input, expand};
use crate::store::{facts, side};

const EXAMPLES: &str = "\
Examples:
  export VCN_TOKEN=...
  vcn push clip.mp4 --to http://127.0.0.1:7878
  vcn push clip.mp4 --to http://127.0.0.1:7878 --class source --share ann,bob
  vcn push videos/ --to http://127.0.0.1:7878 --prefix 2025/ --json

What the server has is not encoded and not sent. A push that was interrupted is done again: it goes on where it was.";

/// Arguments of `vcn push`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Videos, folders of frames, or folders of these.
    #[arg(required = true)]
    inputs: Vec<String>,
    /// The server.
    #[arg(long, value_name = "URL")]
    to: String,
    #[command(flatten)]
    access: Access,
    /// The name of a single input, instead of its file name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    storing: Storing,
    /// Then share it with these users of the server.
    #[arg(long, value_name = "USER,...", value_delimiter = ',')]
    share: Vec<String>,
    /// Take over names that stand for other videos.
    #[arg(long)]
    overwrite: bool,
    /// Print results as JSON.
    #[arg(long)]
    json: bool,
    /// A model by name or file; the server must know it.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    #[command(flatten)]
    compute: Compute,
}

/// What became of an input.
#[derive(Serialize)]
struct Line {
    input: String,
    name: String,
    identity: String,
    /// `there`, `identical`, `segments` or `none`: how much was there already.
    sharing: String,
    frames: u64,
    encoded_frames: u64,
    segments: u64,
    sent_segments: u64,
    sent_bytes: u64,
    received_bytes: u64,
    deliveries: Vec<vcn_serve::protocol::Delivery>,
    /// One's own videos there that look alike; nothing was done about it.
    alike: Vec<vcn_serve::protocol::Alike>,
}

/// Runs the command.
pub fn run(a: &Arguments) -> Result<()> {
    let client = a.access.client(&a.to)?;
    let mut inputs = Vec::new();
    for path in &a.inputs {
        inputs.extend(expand(path, &a.storing.prefix)?);
    }
    if let Some(name) = &a.name {
        a.storing.rename(&mut inputs, name)?;
    }
    let codec = a.storing.codec(a.model.as_deref(), &a.compute)?;
    let mut results = Vec::new();
    let mut failures = Vec::new();
    for input in &inputs {
        match one(&client, codec.as_ref(), a, input) {
            Ok(line) => {
                if !a.json {
                    Stream::Out.text(&text(&line))?;
                }
                results.push(line);
            }
            Err(failure) if inputs.len() == 1 => return Err(failure),
            Err(failure) => {
                note(&failure.to_string());
                failures.push(input.path.clone());
            }
        }
    }
    #[derive(Serialize)]
    struct Report {
        version: u32,
        results: Vec<Line>,
        failed: Vec<String>,
    }
    let failed = failures.len();
    if a.json {
        Stream::Out.json(&Report { version: 1, results, failed: failures })?;
    }
    match failed {
        0 => Ok(()),
        count => {
            Err(Failure::Other(format!("{count} of {} inputs could not be pushed", inputs.len()).into()))
        }
    }
}

fn text(line: &Line) -> String {
    let Line { name, frames, encoded_frames, sent_segments, segments, .. } = line;
    let (sent, received) = (bytes(line.sent_bytes), bytes(line.received_bytes));
    let mut text = match line.sharing.as_str() {
        "there" => format!("{name}: is there already, {sent} sent"),
        "identical" => format!("{name}: a reference to {frames} frames that are there, {sent} sent"),
        _ => format!(
            "{name}: {encoded_frames} of {frames} frames encoded, {sent_segments} of {segments} segments sent, \
             {sent} sent, {received} received"
        ),
    };
    for alike in &line.alike {
        let mirror = if alike.mirrored { ", in the mirror" } else { "" };
        text += &format!(
            "\n  looks like {} from {:.1} s on (score {:.2}{mirror})",
            alike.name, alike.stored[0], alike.score
        );
    }
    for delivery in &line.deliveries {
        let cost = match &delivery.held_as {
            Some(held) => format!("a reference to what {} has as {held}", delivery.to),
            None => format!("{} to fetch", bytes(delivery.bytes)),
        };
        text += &format!("\n  to {}: {cost}", delivery.to);
    }
    text
}

fn one(client: &Client, codec: &dyn SegmentCodec, a: &Arguments, input: &Input) -> Result<Line> {
    if input.path == "-" {
        let reason = "-: a pipe cannot be pushed, since it is read twice: write it to a file first";
        return Err(Failure::Usage(reason.to_owned()));
    }
    let mut frames = Frames::open(&input.path, OpenOptions { times: true, ..OpenOptions::default() })?;
    let info = frames.info().clone();
    let class = Class::from(a.storing.class);
    let quality = if a.storing.class == ClassName::Frames { 0 } else { a.storing.quality };
    let (mut by_content, mut by_digest);
    let splitter: &mut dyn Splitter = match a.storing.class {
        ClassName::Frames => {
            by_digest = DigestSplitter::default();
            &mut by_digest
        }
        _ => {
            by_content = splitter(GopPolicy::default(), info.colour);
            &mut by_content
        }
    };
    let mut original = match a.storing.class {
        ClassName::Source => Some(File::open(&input.path).map_err(Failure::io(&input.path, "read"))?),
        _ => None,
    };
    let side = if info.source == SourceKind::Ffmpeg { side::streams(&input.path)? } else { Vec::new() };
    let request = Push {
        name: &input.name,
        class,
        codec,
        quality,
        splitter,
        rate: info.fps,
        colour: info.colour,
        source: facts(&input.path, info.source),
        side,
        original: original.as_mut().map(|file| file as &mut dyn Read),
        overwrite: a.overwrite,
        descriptor: Some(&BlockSpectrum),
    };
    let progress = Progress::new(&input.name, None);
    let pushed = vcn_serve::push(client, request, &mut frames, &mut || progress.frame()).map_err(failure)?;
    drop(progress);
    let deliveries = match a.share.is_empty() {
        true => Vec::new(),
        false => client.share(&input.name, &a.share).map_err(failure)?.deliveries,
    };
    let Pushed { published, encoded_frames, sent_segments, segments, traffic, alike } = pushed;
    Ok(Line {
        input: input.path.clone(),
        name: published.name,
        identity: published.identity.to_string(),
        sharing: published.sharing,
        frames: published.frames,
        encoded_frames,
        segments,
        sent_segments,
        sent_bytes: traffic.sent,
        received_bytes: traffic.received,
        deliveries,
        alike,
    })
}
