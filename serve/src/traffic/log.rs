//! Logs of shares as CSV: `time,user,video,to,app,kind,bytes`.

use std::{
    io::{Read, Write},
    path::Path,
};

use csv::StringRecord;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A line of a log: someone sent a video to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// When, in seconds since 1970.
    pub time: i64,
    /// Who.
    pub user: String,
    /// What: the name of a video.
    pub video: String,
    /// To whom.
    pub to: Vec<String>,
    /// With which app.
    pub app: String,
    /// Whether to a group.
    pub group: bool,
    /// Bytes of the file, where the log says so.
    pub bytes: Option<u64>,
}

/// The columns that every log has.
const COLUMNS: [&str; 6] = ["time", "user", "video", "to", "app", "kind"];

/// A row; receivers are separated by semicolons, the kind is `single` or `group`.
#[derive(Serialize, Deserialize)]
struct Row {
    time: i64,
    user: String,
    video: String,
    to: String,
    app: String,
    kind: String,
    #[serde(default)]
    bytes: Option<u64>,
}

/// Reads a log, whose first line names the columns, in any order; `bytes` may be missing. Shares come back in the order
/// of time. `path` is for messages.
///
/// # Errors
/// [`Error::Line`].
pub fn read(path: &Path, input: impl Read) -> Result<Vec<Share>> {
    let failed = |line, reason: String| Error::Line { path: path.to_owned(), line, reason };
    let unread =
        |error: csv::Error| failed(error.position().map_or(1, csv::Position::line), error.to_string());
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(input);
    let columns = reader.headers().map_err(unread)?.clone();
    if !COLUMNS.iter().all(|needed| columns.iter().any(|column| column == *needed)) {
        let line = columns.position().map_or(1, csv::Position::line);
        let needed = COLUMNS.join(",");
        return Err(failed(
            line,
            format!("the first line must name the columns: {needed}, and perhaps bytes"),
        ));
    }
    let mut shares = Vec::new();
    for record in reader.into_records() {
        let record = record.map_err(unread)?;
        let line = record.position().map_or(1, csv::Position::line);
        let row = record.deserialize(Some(&columns));
        let row: Row = row.map_err(|error| failed(line, refused(&error, &columns, &record)))?;
        let to: Vec<String> =
            row.to.split(';').map(str::trim).filter(|to| !to.is_empty()).map(str::to_owned).collect();
        let group = match row.kind.as_str() {
            "single" => false,
            "group" => true,
            other => return Err(failed(line, format!("kind `{other}`: expected single or group"))),
        };
        if to.is_empty() || row.user.is_empty() || row.video.is_empty() {
            return Err(failed(line, "a share needs a user, a video and receivers".to_owned()));
        }
        if !group && to.len() > 1 {
            return Err(failed(line, format!("{} receivers of a single share: is it a group?", to.len())));
        }
        let Row { time, user, video, app, bytes, .. } = row;
        shares.push(Share { time, user, video, to, app, group, bytes });
    }
    // Stable, so that shares of the same second stay in order.
    shares.sort_by_key(|share| share.time);
    Ok(shares)
}

/// Which value cannot be meant, and why.
fn refused(error: &csv::Error, columns: &StringRecord, record: &StringRecord) -> String {
    let csv::ErrorKind::Deserialize { err, .. } = error.kind() else { return error.to_string() };
    let field = err.field().and_then(|at| usize::try_from(at).ok());
    match field.and_then(|at| Some((columns.get(at)?, record.get(at)?))) {
        Some((column, value)) => format!("{column} `{value}`: {}", err.kind()),
        None => err.to_string(),
    }
}

/// Writes a log that [`read`] reads.
///
/// # Errors
/// The output cannot be written.
pub fn write(path: &Path, output: impl Write, shares: &[Share]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    let failed = |error: std::io::Error| Error::io("write", path.display())(error);
    for share in shares {
        let row = Row {
            time: share.time,
            user: share.user.clone(),
            video: share.video.clone(),
            to: share.to.join(";"),
            app: share.app.clone(),
            kind: if share.group { "group" } else { "single" }.to_owned(),
            bytes: share.bytes,
        };
        writer.serialize(row).map_err(|error| failed(error.into()))?;
    }
    writer.flush().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_read_as_they_were_written() {
        let path = Path::new("log.csv");
        let text = "user,time,video,to,app,kind,bytes\nann,20,a.mp4,bob; eve,chat,group,\nbob,10,b.mp4,ann,feed,single,7\n";
        let shares = read(path, text.as_bytes()).unwrap();
        assert_eq!(shares.iter().map(|share| share.time).collect::<Vec<_>>(), [10, 20]);
        assert_eq!(shares[1].to, ["bob", "eve"]);
        assert_eq!((shares[0].bytes, shares[1].bytes), (Some(7), None));
        let mut written = Vec::new();
        write(path, &mut written, &shares).unwrap();
        assert_eq!(read(path, written.as_slice()).unwrap(), shares);
    }

    #[test]
    fn wrong_lines_are_named() {
        let head = "time,user,video,to,app,kind\n";
        for (line, found) in [
            ("1,ann,a,bob,chat,both\n", 2),
            ("1,ann,a,bob,chat,single\nx,ann,a,bob,chat,single\n", 3),
            ("1,ann,a,;,chat,group\n", 2),
            ("1,ann,a,bob;eve,chat,single\n", 2),
            ("1,ann,a\n", 2),
        ] {
            let text = format!("{head}{line}");
            let Err(Error::Line { line, .. }) = read(Path::new("x"), text.as_bytes()) else {
                panic!("{text}")
            };
            assert_eq!(line, found, "{text}");
        }
        assert!(read(Path::new("x"), &b"time,who\n1,2\n"[..]).is_err());
        let text = format!("{head}soon,ann,a,bob,chat,single\n");
        let error = read(Path::new("x"), text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 2: time `soon`"), "{error}");
    }
}
