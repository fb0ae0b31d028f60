//! `vcn models`.

use clap::Args;
use serde::Serialize;
use vcn_codec::checkpoint::Checkpoint;
use vcn_codec::container::Metric;

use crate::complexity::{Complexity, Part, count, total};
use crate::failure::{Failure, Result};
use crate::models::{self, hex};
use crate::print::{Stream, bytes};

/// Arguments of `vcn models`.
#[derive(Args)]
pub struct Arguments {
    /// Checkpoint files (.vcnm) to list beside the models that are built in.
    files: Vec<String>,
    /// Also print how many multiply-accumulates each part of the networks takes per pixel.
    #[arg(long)]
    macs: bool,
    /// Print the list as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    models: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complexity: Option<Complexity>,
}

#[derive(Serialize)]
struct Entry {
    /// What `--model` takes.
    model: String,
    /// Name in the checkpoint.
    name: String,
    metric: &'static str,
    built_in: bool,
    /// Whether it is taken when no model is named.
    default: bool,
    bytes: usize,
    digest: String,
    record: serde_json::Value,
}

impl Entry {
    fn new(model: &str, contents: &[u8], built_in: bool) -> Result<Entry> {
        let checkpoint = Checkpoint::read(contents).map_err(Failure::file(model))?;
        let text = || serde_json::Value::String(checkpoint.record.clone());
        Ok(Entry {
            model: model.to_owned(),
            name: checkpoint.name.clone(),
            metric: checkpoint.metric.name(),
            built_in,
            default: false,
            bytes: contents.len(),
            digest: hex(&checkpoint.digest()),
            record: serde_json::from_str(&checkpoint.record).unwrap_or_else(|_| text()),
        })
    }
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    let mut models = Vec::new();
    for (name, contents) in models::embedded() {
        models.push(Entry::new(name, contents, true)?);
    }
    for metric in Metric::ALL {
        if let Some(last) = models.iter_mut().rev().find(|entry| entry.metric == metric.name()) {
            last.default = true;
        }
    }
    for file in &a.files {
        let contents = std::fs::read(file).map_err(Failure::io(file, "read"))?;
        models.push(Entry::new(file, &contents, false)?);
    }
    let report = Report { models, complexity: a.macs.then(count) };
    match a.json {
        true => Stream::Out.json(&report),
        false => Stream::Out.text(&report.text()),
    }
}

impl Report {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for entry in &self.models {
            let Entry { model, name, metric, digest, .. } = entry;
            let origin = if entry.built_in { "built in" } else { "file" };
            let default = if entry.default { ", default" } else { "" };
            lines.push(format!(
                "{model}: {name}, for {metric}, {origin}{default}, {}",
                bytes(entry.bytes as u64)
            ));
            lines.push(format!("  digest {digest}"));
            lines.push(format!("  record {}", entry.record));
        }
        if self.models.is_empty() {
            lines.push("no model is built in: give checkpoint files (.vcnm)".into());
        }
        if let Some(Complexity { intra, inter }) = &self.complexity {
            lines.push("multiply-accumulates per pixel".into());
            for (title, parts) in [("intra frame", intra), ("inter frame", inter)] {
                let (encoder, decoder) = (total(parts, false), total(parts, true));
                lines.push(format!(
                    "  {title}: encoder {encoder:.0} (its motion search not counted), decoder {decoder:.0}"
                ));
                let line = |part: &Part| {
                    let who = if part.decoder { "both" } else { "encoder" };
                    format!("    {:<24} {:>8.0}  {who}", part.name, part.macs_per_pixel)
                };
                lines.extend(parts.iter().map(line));
            }
        }
        lines.join("\n")
    }
}
