//! `vcn verify`.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use vcn_codec::container::{Reader, Salvage};

use crate::compute::Compute;
use crate::decoding::Decoding;
use crate::failure::{Failure, Result};
use crate::models;
use crate::print::{Stream, gops};
use crate::progress::Progress;
use crate::source::{Gop, seekable};

/// Arguments of `vcn verify`.
#[derive(Args)]
pub struct Arguments {
    /// The .vcn file, or `-` for standard input.
    input: String,
    /// The model that the file was coded with, if it is not built in.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compute: Compute,
}

/// What was found.
#[derive(Default, Serialize)]
struct Report {
    input: String,
    intact: bool,
    /// GOPs whose frames decode to their checksums.
    gops: u64,
    /// Their frames.
    frames: u64,
    /// What is wrong, in order.
    damage: Vec<String>,
}

impl Report {
    /// Counts an intact GOP.
    fn add(&mut self, gop: &Gop) {
        self.gops += 1;
        self.frames += u64::from(gop.record.frames);
    }
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    let report = check(&a)?;
    if a.json {
        Stream::Out.json(&report)?;
    } else {
        report.damage.iter().try_for_each(|damage| Stream::Out.text(damage))?;
        if report.intact {
            let Report { input, frames, .. } = &report;
            Stream::Out.text(&format!(
                "{input}: intact, {frames} frames in {} decode to their checksums",
                gops(report.gops)
            ))?;
        }
    }
    match report.intact {
        true => Ok(()),
        false => Err(Failure::Damaged(format!(
            "{}: damaged; {} frames in {} are intact: vcn decompress --salvage writes them",
            report.input,
            report.frames,
            gops(report.gops)
        ))),
    }
}

fn check(a: &Arguments) -> Result<Report> {
    let failed = Failure::file(&a.input);
    let mut report = Report { input: a.input.clone(), ..Default::default() };
    let file = seekable(&a.input)?;
    let again = file.try_clone().map_err(Failure::io(&a.input, "read"))?;
    let mut reader = match Reader::open(file) {
        Ok(reader) => reader,
        Err(
            error @ (vcn_codec::Error::NotVcn { .. }
            | vcn_codec::Error::Version { .. }
            | vcn_codec::Error::Io { .. }),
        ) => {
            return Err(failed(error));
        }
        Err(error) => {
            report.damage.push(error.to_string());
            let intact = Salvage::new(again).map_err(&failed)?;
            return salvage(a, intact, report);
        }
    };
    let header = reader.header().clone();
    let codec = a.compute.open(models::for_decoding(a.model.as_deref(), &a.input, &header.model)?)?;
    let progress = Progress::new("verifying", Some(reader.frames()));
    let table = reader.table().to_vec();
    // By the first frame of the GOP, since what cannot be read is known before what was read is decoded.
    let (mut unreadable, mut undecodable) = (BTreeMap::new(), BTreeMap::new());
    let readable = table.iter().enumerate().filter_map(|(index, entry)| match reader.gop(index) {
        Ok(record) => Some(Ok(Gop { first_frame: entry.first_frame, record })),
        Err(error @ vcn_codec::Error::Io { .. }) => Some(Err(error)),
        Err(error) => {
            unreadable.insert(entry.first_frame, failed(error));
            None
        }
    });
    let seen = |_, _| {
        progress.frame();
        Ok(())
    };
    Decoding::whole(&codec, &header, &a.input).run(readable, seen, |gop, outcome| {
        match outcome {
            Ok(()) => report.add(gop),
            Err(failure) => drop(undecodable.insert(gop.first_frame, failure)),
        }
        Ok(())
    })?;
    unreadable.append(&mut undecodable);
    for (index, entry) in table.iter().enumerate() {
        if let Some(failure) = unreadable.get(&entry.first_frame) {
            let last = entry.first_frame + u64::from(entry.frames);
            report.damage.push(format!("GOP {index} (frames {}..{last}): {failure}", entry.first_frame));
        }
    }
    report.intact = report.damage.is_empty();
    Ok(report)
}

/// Decodes what is intact of a file whose header or table is not.
fn salvage(a: &Arguments, mut found: Salvage<std::fs::File>, mut report: Report) -> Result<Report> {
    let Ok(header) = found.header().cloned() else { return Ok(report) };
    let codec = a.compute.open(models::for_decoding(a.model.as_deref(), &a.input, &header.model)?)?;
    let progress = Progress::new("verifying", None);
    let gops = found.by_ref().map(|gop| gop.map(Gop::from));
    let seen = |_, _| {
        progress.frame();
        Ok(())
    };
    Decoding::whole(&codec, &header, &a.input).run(gops, seen, |gop, outcome| {
        match outcome {
            Ok(()) => report.add(gop),
            Err(failure) => report.damage.push(failure.to_string()),
        }
        Ok(())
    })?;
    Ok(report)
}
