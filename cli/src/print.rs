//! The one place that writes reports: lines for people, JSON for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::{Failure, Result};

/// Where a report goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error, while standard output carries video.
    Err,
}

impl Stream {
    /// The stream for the report of a command that writes `output`.
    pub fn beside(output: &str) -> Stream {
        if output == "-" { Stream::Err } else { Stream::Out }
    }

    /// Writes a text, to which a line's end is added.
    pub fn text(self, text: &str) -> Result<()> {
        let outcome = match self {
            Stream::Out => {
                let mut out = io::stdout().lock();
                writeln!(out, "{text}").and_then(|()| out.flush())
            }
            Stream::Err => writeln!(io::stderr().lock(), "{text}"),
        };
        outcome.map_err(Failure::io("standard output", "write"))
    }

    /// Writes a value as readable JSON.
    pub fn json(self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Other(error.into()))?;
        self.text(&text)
    }
}

/// A warning or a note, which is no result.
pub fn note(text: &str) {
    // A standard error that is closed must not end the command.
    let _ = writeln!(io::stderr().lock(), "vcn: {text}");
}

/// A size for people: `1234 bytes`, `1.23 MB`.
pub fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} bytes"),
        10_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// A number of GOPs for people: `1 GOP`, `2 GOPs`.
pub fn gops(count: u64) -> String {
    if count == 1 { "1 GOP".into() } else { format!("{count} GOPs") }
}

/// How an output is called in a report.
pub fn output_name(output: &str) -> &str {
    if output == "-" { "standard output" } else { output }
}
