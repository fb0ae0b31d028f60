//! Conditional and partial answers (RFC 9110): `ETag`, `If-None-Match`, `If-Range`, `Range` with one range.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::Refused;

/// What of `length` bytes with this tag a request is to be answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Nothing: the client has them.
    NotModified,
    /// All.
    All,
    /// These.
    Part(std::ops::Range<u64>),
}

/// Reads the headers of a request.
pub(super) fn wanted(headers: &HeaderMap, tag: &str, length: u64) -> Result<Wanted, Refused> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let quoted = format!("\"{tag}\"");
    let matches = |list: &str| {
        list.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == quoted)
    };
    if text(header::IF_NONE_MATCH).is_some_and(matches) {
        return Ok(Wanted::NotModified);
    }
    let current = text(header::IF_RANGE).is_none_or(|one| one == quoted);
    let Some(range) = text(header::RANGE).filter(|_| current) else { return Ok(Wanted::All) };
    let Some(spec) = range.strip_prefix("bytes=").filter(|spec| !spec.contains(',')) else {
        // Units that are not known and several ranges at once: all is a right answer.
        return Ok(Wanted::All);
    };
    let Some((from, to)) = spec.split_once('-') else { return Ok(Wanted::All) };
    let (from, to) = (from.trim(), to.trim());
    let part = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => from..to.saturating_add(1).min(length),
        (Ok(from), Err(_)) if to.is_empty() => from..length,
        (Err(_), Ok(last)) if from.is_empty() => length.saturating_sub(last)..length,
        _ => return Ok(Wanted::All),
    };
    match part.start < part.end {
        true => Ok(Wanted::Part(part)),
        false => Err(Refused::range(range, length)),
    }
}

/// The status and headers of the answer.
pub(super) fn head(wanted: &Wanted, tag: &str, length: u64) -> (StatusCode, HeaderMap) {
    let mut headers = HeaderMap::new();
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, format!("\"{tag}\""));
    set(header::ACCEPT_RANGES, "bytes".to_owned());
    let (status, sent) = match wanted {
        Wanted::NotModified => return (StatusCode::NOT_MODIFIED, headers),
        Wanted::All => (StatusCode::OK, length),
        Wanted::Part(part) => {
            set(header::CONTENT_RANGE, format!("bytes {}-{}/{length}", part.start, part.end - 1));
            (StatusCode::PARTIAL_CONTENT, part.end - part.start)
        }
    };
    set(header::CONTENT_TYPE, "application/octet-stream".to_owned());
    set(header::CONTENT_LENGTH, sent.to_string());
    (status, headers)
}

impl Wanted {
    /// The bytes that are sent.
    pub fn part(&self, length: u64) -> std::ops::Range<u64> {
        match self {
            Wanted::NotModified => 0..0,
            Wanted::All => 0..length,
            Wanted::Part(part) => part.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let ask = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_str(value).unwrap());
            }
            wanted(&headers, "tag", 100).ok()
        };
        let range = |text: &str| ask(&[("range", text)]);
        assert_eq!(range("bytes=0-0"), Some(Wanted::Part(0..1)));
        assert_eq!(range("bytes=90-"), Some(Wanted::Part(90..100)));
        assert_eq!(range("bytes=-10"), Some(Wanted::Part(90..100)));
        assert_eq!(range("bytes=-1000"), Some(Wanted::Part(0..100)));
        assert_eq!(range("bytes=50-18446744073709551615"), Some(Wanted::Part(50..100)));
        for none in ["bytes=100-", "bytes=200-300", "bytes=-0"] {
            assert_eq!(range(none), None, "{none}");
        }
        for all in
            ["bytes=5-4", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=", "bytes=99999999999999999999-"]
        {
            assert_eq!(range(all), Some(Wanted::All), "{all}");
        }
        assert_eq!(ask(&[("if-none-match", "\"x\", W/\"tag\"")]), Some(Wanted::NotModified));
        assert_eq!(ask(&[("if-range", "\"tag\""), ("range", "bytes=1-1")]), Some(Wanted::Part(1..2)));
        assert_eq!(ask(&[("if-range", "\"old\""), ("range", "bytes=1-1")]), Some(Wanted::All));
    }
}
