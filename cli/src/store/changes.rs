//! `vcn store init|ls|stat|rm|undelete|log`.

use clap::Args;
use serde::Serialize;
use vcn_store::{Distortion, Entry, Error, Manifest, Record, Store, Timing};

use super::{Context, failure, json};
use crate::failure::{Failure, Result};
use crate::print::{Stream, bytes};

/// A name.
#[derive(Args)]
pub struct Name {
    /// The name.
    name: String,
}

/// Arguments of `vcn store init`.
#[derive(Args)]
pub struct InitArguments {
    /// Only say whether a store would be created.
    #[arg(long)]
    dry_run: bool,
}

/// Arguments of `vcn store undelete`.
#[derive(Args)]
pub struct UndeleteArguments {
    /// The name.
    name: String,
    /// Only say whether it can be brought back.
    #[arg(long)]
    dry_run: bool,
}

/// Arguments of `vcn store ls`.
#[derive(Args)]
pub struct LsArguments {
    /// Only names that start with this.
    #[arg(default_value = "")]
    prefix: String,
    /// Only names behind this one.
    #[arg(long, value_name = "NAME", default_value = "")]
    after: String,
    /// So many names at most.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// List what can be brought back instead.
    #[arg(long)]
    removed: bool,
}

/// Arguments of `vcn store rm`.
#[derive(Args)]
pub struct RmArguments {
    /// The names.
    #[arg(required = true)]
    names: Vec<String>,
    /// Only say what would be removed.
    #[arg(long)]
    dry_run: bool,
}

/// Arguments of `vcn store log`.
#[derive(Args)]
pub struct LogArguments {
    /// Only what happened to this name.
    name: Option<String>,
    /// So many events at most, the latest.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// `vcn store init`.
pub fn init(context: &Context, a: &InitArguments) -> Result<()> {
    if a.dry_run {
        let location = context.location.to_string();
        return match Store::is_at(&context.location).map_err(failure)? {
            true => Err(failure(Error::Exists { location })),
            false => done(context, "would create", &[location]),
        };
    }
    let store = Store::init(&context.location, Vec::new()).map_err(failure)?;
    #[derive(Serialize)]
    struct Report<'a> {
        store: &'a str,
    }
    match context.json {
        true => json::print(&Report { store: store.location() }),
        false => Stream::Out.text(&format!("{}: created", store.location())),
    }
}

/// Names are read in pages of this size.
const PAGE: usize = 1000;

/// `vcn store ls`.
pub fn ls(context: &Context, a: &LsArguments) -> Result<()> {
    let store = context.open()?;
    let mut left = a.limit.unwrap_or(usize::MAX);
    let mut after = a.after.clone();
    let mut all = Vec::new();
    while left > 0 {
        let page = match a.removed {
            true => store.tombstones(&a.prefix, left.min(100_000)),
            false => store.ls(&a.prefix, &after, left.min(PAGE)),
        }
        .map_err(failure)?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.name);
        left -= page.len().min(left);
        let full = page.len() >= PAGE && !a.removed;
        if context.json {
            all.extend(page.into_iter().map(json::Name::from));
        } else {
            let line = |l: &vcn_store::Listing| {
                // What came through a pipe had no size.
                let source = match l.source_bytes {
                    0 => String::new(),
                    source => format!(" of {}", bytes(source)),
                };
                let stored = bytes(l.stored_bytes);
                format!(
                    "{}\t{}\t{}x{}\t{} frames\t{stored}{source}",
                    l.name, l.class, l.width, l.height, l.frames
                )
            };
            Stream::Out.text(&page.iter().map(line).collect::<Vec<_>>().join("\n"))?;
        }
        if !full {
            break;
        }
    }
    #[derive(Serialize)]
    struct Report {
        names: Vec<json::Name>,
    }
    if context.json { json::print(&Report { names: all }) } else { Ok(()) }
}

/// `vcn store stat`.
pub fn stat(context: &Context, a: &Name) -> Result<()> {
    let stat = context.open()?.stat(&a.name).map_err(failure)?;
    #[derive(Serialize)]
    struct Report {
        listing: json::Name,
        entry: Entry,
        manifest: Manifest,
        same: Vec<String>,
    }
    let (entry, manifest) = (&stat.entry, &stat.manifest);
    if context.json {
        let (listing, same) = (stat.listing.into(), stat.same);
        return json::print(&Report { listing, entry: stat.entry, manifest: stat.manifest, same });
    }
    let fidelity = match manifest.lossless {
        true => "exact pictures".to_owned(),
        false => format!(
            "quality {}, luma PSNR {:.2} dB, worst frame {:.2}, worst block {:.2}",
            manifest.quality,
            Distortion::psnr(manifest.distortion.mean),
            Distortion::psnr(manifest.distortion.worst_frame),
            Distortion::psnr(manifest.distortion.worst_block)
        ),
    };
    let mut lines = vec![
        format!("{}: class {}, {fidelity}", entry.name, entry.class.as_str()),
        format!(
            "{}, {} frames at {}{} per second, {} segments, {}",
            manifest.format,
            manifest.frames,
            if matches!(entry.timing, Timing::Stamps { .. }) { "times of their own, about " } else { "" },
            entry.timing.rate(),
            manifest.segments.len(),
            bytes(stat.listing.stored_bytes)
        ),
        match entry.source.bytes {
            0 => format!("from {}", entry.source.file),
            size => format!("from {} ({})", entry.source.file, bytes(size)),
        },
        format!("identity {}", manifest.identity),
        format!("codec {} {}", manifest.codec_name, manifest.codec),
    ];
    lines.extend(
        manifest.side.iter().map(|side| format!("{} {}, {}", side.kind, side.label, bytes(side.blob.bytes))),
    );
    lines.extend(entry.receipt.iter().map(|receipt| {
        let [frame, block] =
            [receipt.distortion.worst_frame, receipt.distortion.worst_block].map(Distortion::psnr);
        format!(
            "shows the pictures of {}: worst frame {frame:.2} dB from its own, worst block {block:.2} dB",
            receipt.by
        )
    }));
    lines.extend(stat.same.iter().map(|name| format!("the same as {name}")));
    Stream::Out.text(&lines.join("\n"))
}

/// `vcn store rm`.
pub fn rm(context: &Context, a: &RmArguments) -> Result<()> {
    let store = context.open()?;
    for name in &a.names {
        match a.dry_run {
            true => store.stat(name).map(|_| ()).map_err(failure)?,
            false => store.rm(name).map_err(failure)?,
        }
    }
    let verb = if a.dry_run { "would remove" } else { "removed" };
    done(context, verb, &a.names)
}

/// `vcn store undelete`.
pub fn undelete(context: &Context, a: &UndeleteArguments) -> Result<()> {
    let store = context.open()?;
    match a.dry_run {
        true => store.can_undelete(&a.name).map_err(failure)?,
        false => store.undelete(&a.name).map_err(failure)?,
    }
    let verb = if a.dry_run { "would bring back" } else { "brought back" };
    done(context, verb, std::slice::from_ref(&a.name))
}

/// Says what was done to names.
pub fn done(context: &Context, verb: &str, names: &[String]) -> Result<()> {
    #[derive(Serialize)]
    struct Report<'a> {
        result: &'a str,
        names: &'a [String],
    }
    match context.json {
        true => json::print(&Report { result: verb, names }),
        false => Stream::Out
            .text(&names.iter().map(|name| format!("{verb} {name}")).collect::<Vec<_>>().join("\n")),
    }
}

/// `vcn store log`.
pub fn log(context: &Context, a: &LogArguments) -> Result<()> {
    let records = context.open()?.log(a.name.as_deref(), a.limit).map_err(failure)?;
    #[derive(Serialize)]
    struct Report {
        events: Vec<Record>,
    }
    if context.json {
        return json::print(&Report { events: records });
    }
    if records.is_empty() {
        return a
            .name
            .as_ref()
            .map_or(Ok(()), |name| Err(Failure::Usage(format!("nothing happened to {name}"))));
    }
    let line = |record: &Record| {
        let seconds = record.sequence / 1_000_000;
        format!("{seconds}\t{}\t{}", record.event.kind(), record.event.name().unwrap_or_default())
    };
    Stream::Out.text(&records.iter().map(line).collect::<Vec<_>>().join("\n"))
}
