//! Which of several duplicates is kept.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::scan::Scan;

/// A rule; where it does not decide, the next one does, and in the end the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// The one with most samples per frame, those of a letterbox not counted.
    Resolution,
    /// The one with most bits per second.
    Bitrate,
    /// The one that was modified first.
    Oldest,
    /// The one that was modified last.
    Newest,
    /// The one in the folder that was named first.
    Folder,
}

/// Order of two videos, the better one first; with each goes the index of the folder in which it was found.
pub(crate) fn better(rules: &[Rule], a: (&Scan, usize), b: (&Scan, usize)) -> Ordering {
    // In steps of 5 %: the border of a letterbox is not sharp.
    let samples = |scan: &Scan| {
        let samples = (scan.window.rows.len() * scan.window.columns.len()).max(1);
        (samples as f64).log(1.05).round() as i64
    };
    let by = |rule: &Rule| match rule {
        Rule::Resolution => samples(b.0).cmp(&samples(a.0)),
        Rule::Bitrate => b.0.bitrate().total_cmp(&a.0.bitrate()),
        Rule::Oldest => a.0.modified.cmp(&b.0.modified),
        Rule::Newest => b.0.modified.cmp(&a.0.modified),
        Rule::Folder => a.1.cmp(&b.1),
    };
    rules.iter().map(by).find(|order| order.is_ne()).unwrap_or_else(|| a.0.path.cmp(&b.0.path))
}
