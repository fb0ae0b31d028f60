//! `vcn store gc|verify|repair`.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use vcn_store::{GcOptions, RepairOptions, RepairReport, Store, VerifyOptions};

use super::watch::Watch;
use super::{Context, failure, json};
use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::print::{Stream, bytes};

/// Arguments of `vcn store gc`.
#[derive(Args)]
pub struct GcArguments {
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// How long removed names can be brought back, such as 7d, 12h, 0s.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = duration)]
    retention: Duration,
    /// How long garbage is kept in quarantine.
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = duration)]
    grace: Duration,
    /// Refuse to remove more than this share of the store, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 50, value_parser = clap::value_parser!(u8).range(0..=100))]
    max_share: u8,
}

/// Arguments of `vcn store verify`.
#[derive(Args)]
pub struct VerifyArguments {
    /// Decode every segment, too.
    #[arg(long)]
    decode: bool,
    /// A model by name or file, if it is not built in.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    #[command(flatten)]
    compute: Compute,
}

/// Arguments of `vcn store repair`.
#[derive(Args)]
pub struct RepairArguments {
    /// Only say what is lost.
    #[arg(long)]
    dry_run: bool,
    /// Decode every segment to find damage.
    #[arg(long)]
    decode: bool,
    /// Make the catalogue anew from the objects.
    #[arg(long, conflicts_with = "decode")]
    rebuild_catalogue: bool,
    /// Take over a store at a URL whose catalogue is elsewhere: nobody may write to it from there any more.
    #[arg(long, requires = "rebuild_catalogue")]
    take_over: bool,
    /// A model by name or file, if it is not built in.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    #[command(flatten)]
    compute: Compute,
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    let wrong = || format!("expected a number with s, m, h or d, such as 7d, got {text}");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(wrong)
}

/// `vcn store gc`.
pub fn gc(context: &Context, a: &GcArguments) -> Result<()> {
    let options =
        GcOptions { retention: a.retention, grace: a.grace, max_share: a.max_share, dry_run: a.dry_run };
    let watch = Watch::new("gc", context.json);
    let store = context.open()?.watched(watch.watcher());
    let report = store.gc(&options).map_err(failure)?;
    watch.bar.end();
    #[derive(Serialize)]
    struct Report {
        dry_run: bool,
        objects: u64,
        bytes: u64,
        purged: u64,
        quarantined_objects: u64,
        quarantined_bytes: u64,
        removed_objects: u64,
        removed_bytes: u64,
        temporary: u64,
    }
    if context.json {
        return json::print(&Report {
            dry_run: report.dry_run,
            objects: report.objects,
            bytes: report.bytes,
            purged: report.purged,
            quarantined_objects: report.quarantined_objects,
            quarantined_bytes: report.quarantined_bytes,
            removed_objects: report.removed_objects,
            removed_bytes: report.removed_bytes,
            temporary: report.temporary,
        });
    }
    Stream::Out.text(&format!(
        "{}{} objects, {}; {} tombstones purged; {} objects ({}) in quarantine; {} objects ({}) removed",
        if report.dry_run { "dry run: " } else { "" },
        report.objects,
        bytes(report.bytes),
        report.purged,
        report.quarantined_objects,
        bytes(report.quarantined_bytes),
        report.removed_objects,
        bytes(report.removed_bytes)
    ))
}

#[derive(Serialize)]
struct DamageLine {
    object: String,
    missing: bool,
    reason: String,
    lost: Vec<LostLine>,
}

#[derive(Serialize)]
struct LostLine {
    name: String,
    frames: Vec<[u64; 2]>,
    objects: Vec<String>,
}

/// `vcn store verify`.
pub fn verify(context: &Context, a: &VerifyArguments) -> Result<()> {
    let watch = Watch::new("verify", context.json);
    let store = context.open_with_codecs(a.model.as_deref(), &a.compute)?.watched(watch.watcher());
    let report = store.verify(VerifyOptions { decode: a.decode }).map_err(failure)?;
    watch.bar.end();
    #[derive(Serialize)]
    struct Report {
        sound: bool,
        objects: u64,
        bytes: u64,
        names: u64,
        decoded: u64,
        undecodable: u64,
        unknown: u64,
        catalogue: Option<String>,
        damage: Vec<DamageLine>,
    }
    let sound = report.is_sound();
    let damage: Vec<DamageLine> = report
        .damage
        .iter()
        .map(|damage| DamageLine {
            object: damage.object.path(),
            missing: damage.missing,
            reason: damage.reason.clone(),
            lost: damage
                .lost
                .iter()
                .map(|(name, frames)| LostLine {
                    name: name.clone(),
                    frames: pairs(frames),
                    objects: Vec::new(),
                })
                .collect(),
        })
        .collect();
    let count = damage.len();
    if context.json {
        json::print(&Report {
            sound,
            objects: report.objects,
            bytes: report.bytes,
            names: report.names,
            decoded: report.decoded,
            undecodable: report.undecodable,
            unknown: report.unknown,
            catalogue: report.catalogue,
            damage,
        })?;
    } else {
        let mut lines: Vec<String> = damage.iter().map(|damage| damage.reason.clone()).collect();
        lines.extend(report.catalogue.iter().map(|reason| format!("catalogue: {reason}")));
        let (objects, names) = (report.objects, report.names);
        lines.push(format!("{objects} objects, {}, {names} names, {count} damaged", bytes(report.bytes)));
        Stream::Out.text(&lines.join("\n"))?;
    }
    if sound { Ok(()) } else { Err(Failure::Damaged(format!("{count} objects are damaged or missing"))) }
}

/// `vcn store repair`.
pub fn repair(context: &Context, a: &RepairArguments) -> Result<()> {
    let watch = Watch::new("repair", context.json);
    let report = if a.rebuild_catalogue && a.dry_run {
        Store::try_rebuild(&context.location, watch.watcher()).map_err(failure)?
    } else if a.rebuild_catalogue {
        Store::rebuild_catalogue(&context.location, a.take_over, watch.watcher()).map_err(failure)?
    } else {
        let store = context.open_with_codecs(a.model.as_deref(), &a.compute)?.watched(watch.watcher());
        store.repair(&RepairOptions { decode: a.decode, dry_run: a.dry_run }).map_err(failure)?
    };
    watch.bar.end();
    print_repair(context, &report, a.dry_run)?;
    match report.lost.len() + report.unreadable_records.len() {
        0 => Ok(()),
        count => Err(Failure::Damaged(format!("{count} names or records have lost something"))),
    }
}

fn print_repair(context: &Context, report: &RepairReport, dry_run: bool) -> Result<()> {
    let lost: Vec<LostLine> = report
        .lost
        .iter()
        .map(|(name, lost)| LostLine {
            name: name.clone(),
            frames: pairs(&lost.frames),
            objects: lost.objects.iter().map(ToString::to_string).collect(),
        })
        .collect();
    let paths = |ids: &[vcn_store::ObjectId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    #[derive(Serialize)]
    struct Report {
        dry_run: bool,
        lost: Vec<LostLine>,
        set_aside: Vec<String>,
        missing: Vec<String>,
        names: Option<u64>,
        unreadable_records: Vec<String>,
    }
    if context.json {
        return json::print(&Report {
            dry_run,
            lost,
            set_aside: paths(&report.set_aside),
            missing: paths(&report.missing),
            names: report.names,
            unreadable_records: paths(&report.unreadable_records),
        });
    }
    let mut lines = Vec::new();
    for lost in &lost {
        let frames: Vec<String> =
            lost.frames.iter().map(|[from, to]| format!("frames {from}..{to}")).collect();
        lines.push(format!("{}: lost {}", lost.name, [frames, lost.objects.clone()].concat().join(", ")));
    }
    let moved = if dry_run { "would move" } else { "moved" };
    lines.extend(paths(&report.set_aside).iter().map(|path| format!("{moved} {path} to damaged/")));
    lines.extend(paths(&report.missing).iter().map(|path| format!("{path} is missing")));
    lines.extend(paths(&report.unreadable_records).iter().map(|path| format!("{path} cannot be read")));
    let made = if dry_run { "the catalogue would be made anew" } else { "catalogue made anew" };
    lines.extend(report.names.map(|names| format!("{made}: {names} names")));
    if lines.is_empty() {
        lines.push("nothing to repair".to_owned());
    }
    Stream::Out.text(&lines.join("\n"))
}

fn pairs(ranges: &[std::ops::Range<u64>]) -> Vec<[u64; 2]> {
    ranges.iter().map(|range| [range.start, range.end]).collect()
}
