//! Tables as CSV, whose first line names the columns.

use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// The rows of a table, each with the line that it is in. Columns may stand in any order and have others beside them. `path`
/// is for messages.
///
/// # Errors
/// [`Error::Line`] where a column is missing or a line cannot be understood.
pub(crate) fn rows<T: DeserializeOwned>(
    path: &Path,
    input: impl Read,
    columns: &[&str],
) -> Result<Vec<(u64, T)>> {
    let malformed = |line: u64, reason: String| Error::Line { path: path.to_owned(), line, reason };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    let headers = reader.headers().map_err(|error| malformed(1, reason(&error)))?.clone();
    if !columns.iter().all(|column| headers.iter().any(|header| header == *column)) {
        return Err(malformed(1, format!("the first line must name the columns: {}", columns.join(","))));
    }
    let mut rows = Vec::new();
    for record in reader.into_records() {
        let line = |error: &csv::Error| error.position().map_or(1, csv::Position::line);
        let record = record.map_err(|error| malformed(line(&error), reason(&error)))?;
        let line = record.position().map_or(1, csv::Position::line);
        let row = record.deserialize(Some(&headers)).map_err(|error| malformed(line, reason(&error)))?;
        rows.push((line, row));
    }
    Ok(rows)
}

fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!(
                "{len} fields, where the first line has {expected_len}; put quotes around what has commas"
            )
        }
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}
