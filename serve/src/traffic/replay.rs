//! The replay: who holds what when, and what goes over the network.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::Share;
use crate::error::{Error, Result};

/// What is known of a video of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Video {
    /// Bytes of the file.
    pub bytes: u64,
    /// Equal for videos of equal decoded frames.
    pub identity: String,
    /// The identity of the video that this one was re-encoded from, if a pixel check has confirmed it.
    pub copy_of: Option<String>,
}

/// Bytes that identification itself costs, headers included. The defaults are upper bounds of what `vcn push` and
/// `vcn serve` say to each other (`serve/tests/identical.rs` measures them).
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Overhead {
    /// To ask whether a video is there, and to publish a name, both with their answers.
    pub push: u64,
    /// To tell a receiver of a video.
    pub delivery: u64,
    /// To have the pixels of a copy checked that the server has not seen before: eight thumbnails of 160x160 in luma.
    pub check: u64,
}

impl Default for Overhead {
    fn default() -> Overhead {
        Overhead { push: 2000, delivery: 500, check: 8 * 160 * 160 }
    }
}

/// How to replay.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What identification costs.
    pub overhead: Overhead,
    /// Whether the apps share a server and a device's videos; otherwise each has its own.
    pub across_apps: bool,
}

/// Bytes over the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// To the server.
    pub up: u64,
    /// To receivers.
    pub down: u64,
}

impl Bytes {
    /// Both ways.
    pub fn total(&self) -> u64 {
        self.up + self.down
    }
}

/// Counts of an app, an hour, or all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// Shares.
    pub shares: u64,
    /// Shares with groups.
    pub groups: u64,
    /// Receivers of all shares.
    pub receivers: u64,
    /// Without identification.
    pub without: Bytes,
    /// With identical videos identified.
    pub exact: Bytes,
    /// With re-encoded copies identified, too, where pixels confirm them.
    pub copies: Bytes,
    /// Uploads that became references, of identical videos only, and of confirmed copies, too.
    pub references: [u64; 2],
}

impl Cell {
    /// The share of bytes that identification saves: of identical videos only, and of confirmed copies, too.
    pub fn saved(&self) -> [f64; 2] {
        let all = self.without.total().max(1) as f64;
        [self.exact, self.copies].map(|bytes| 1.0 - bytes.total() as f64 / all)
    }

    /// Takes another count into this one.
    pub fn add(&mut self, other: &Cell) {
        self.shares += other.shares;
        self.groups += other.groups;
        self.receivers += other.receivers;
        for (own, other) in [
            (&mut self.without, other.without),
            (&mut self.exact, other.exact),
            (&mut self.copies, other.copies),
        ] {
            own.up += other.up;
            own.down += other.down;
        }
        for (own, other) in self.references.iter_mut().zip(other.references) {
            *own += other;
        }
    }
}

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Everything.
    pub total: Cell,
    /// By app.
    pub apps: BTreeMap<String, Cell>,
    /// By hour: its start in seconds since 1970.
    pub hours: BTreeMap<i64, Cell>,
    /// By app and hour.
    pub app_hours: BTreeMap<String, BTreeMap<i64, Cell>>,
}

/// A server and the devices, under one notion of what is the same.
#[derive(Default)]
struct World {
    /// What the server of an app has.
    server: HashSet<(String, String)>,
    /// What a user's device has, for an app.
    held: HashSet<(String, String, String)>,
}

impl World {
    /// Bytes of a share of a video that is the same as `same`, and whether the upload became a reference.
    fn share(
        &mut self,
        share: &Share,
        app: &str,
        video: &Video,
        same: &str,
        overhead: Overhead,
    ) -> (Bytes, bool) {
        let bytes = video.bytes;
        let known = !self.server.insert((app.to_owned(), same.to_owned()));
        let seen = same == video.identity || !self.server.insert((app.to_owned(), video.identity.clone()));
        // Where there is nothing to compare with, nothing is; what is smaller than the check is sent whole for it.
        let checked = if seen || !known { 0 } else { overhead.check.min(bytes) };
        let mut cost = Bytes { up: overhead.push + checked + if known { 0 } else { bytes }, down: 0 };
        let hold = |user: &str| (app.to_owned(), user.to_owned(), same.to_owned());
        self.held.insert(hold(&share.user));
        for to in &share.to {
            let new = self.held.insert(hold(to));
            cost.down += overhead.delivery + if new { bytes } else { 0 };
        }
        (cost, known)
    }
}

/// Replays shares in their order.
///
/// # Errors
/// [`Error::Input`] for a video that `videos` does not have.
pub fn replay(shares: &[Share], videos: &HashMap<String, Video>, options: &Options) -> Result<Report> {
    let (mut exact, mut copies) = (World::default(), World::default());
    let mut report = Report::default();
    for share in shares {
        let Some(video) = videos.get(&share.video) else {
            let reason = "is in the log and nowhere else: give its bytes, or the folder it is in".to_owned();
            return Err(Error::Input { name: share.video.clone(), reason });
        };
        let receivers = share.to.len() as u64;
        let app = if options.across_apps { "" } else { share.app.as_str() };
        let (exact, first) = exact.share(share, app, video, &video.identity, options.overhead);
        let same = video.copy_of.as_ref().unwrap_or(&video.identity);
        let (copies, second) = copies.share(share, app, video, same, options.overhead);
        let cell = Cell {
            shares: 1,
            groups: share.group.into(),
            receivers,
            without: Bytes { up: video.bytes, down: video.bytes.saturating_mul(receivers) },
            exact,
            copies,
            references: [first.into(), second.into()],
        };
        let hour = share.time.div_euclid(3600) * 3600;
        report.total.add(&cell);
        report.apps.entry(share.app.clone()).or_default().add(&cell);
        report.hours.entry(hour).or_default().add(&cell);
        report.app_hours.entry(share.app.clone()).or_default().entry(hour).or_default().add(&cell);
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERHEAD: Overhead = Overhead { push: 10, delivery: 1, check: 5 };

    fn share(user: &str, video: &str, to: &[&str], app: &str) -> Share {
        let to: Vec<String> = to.iter().map(|to| (*to).to_owned()).collect();
        let (user, video, app) = (user.to_owned(), video.to_owned(), app.to_owned());
        Share { time: 7200, user, video, group: to.len() > 1, to, app, bytes: None }
    }

    fn videos() -> HashMap<String, Video> {
        let video = |bytes, identity: &str, copy_of: Option<&str>| Video {
            bytes,
            identity: identity.to_owned(),
            copy_of: copy_of.map(str::to_owned),
        };
        HashMap::from([
            ("a".to_owned(), video(1000, "A", None)),
            ("renamed".to_owned(), video(1000, "A", None)),
            ("crf35".to_owned(), video(100, "B", Some("A"))),
            ("tiny".to_owned(), video(3, "D", Some("A"))),
            ("caption".to_owned(), video(1000, "C", None)),
        ])
    }

    #[test]
    fn every_byte_is_accounted_for() {
        let shares = [
            share("ann", "a", &["bob", "eve"], "chat"), // everything is new
            share("bob", "renamed", &["eve", "dan"], "chat"), // a reference up, one receiver holds it
            share("dan", "crf35", &["ann"], "chat"),    // a copy: new for `exact`, a reference for `copies`
            share("dan", "caption", &["ann"], "chat"),  // looks alike, and is not the same
        ];
        let options = Options { overhead: OVERHEAD, across_apps: false };
        let total = replay(&shares, &videos(), &options).unwrap().total;
        assert_eq!(total.without, Bytes { up: 1000 + 1000 + 100 + 1000, down: 2000 + 2000 + 100 + 1000 });
        assert_eq!(total.exact, Bytes { up: 40 + 1000 + 100 + 1000, down: 6 + 2000 + 1000 + 100 + 1000 });
        assert_eq!(total.copies, Bytes { up: 40 + 1000 + 5 + 1000, down: 6 + 2000 + 1000 + 1000 });
        assert_eq!((total.references, total.groups, total.receivers), ([1, 2], 2, 6));
    }

    #[test]
    fn a_check_costs_no_more_than_the_video_and_needs_another_one() {
        let options = Options { overhead: OVERHEAD, across_apps: false };
        let up = |videos_shared: &[&str]| {
            let shares: Vec<Share> =
                videos_shared.iter().map(|video| share("ann", video, &["bob"], "chat")).collect();
            replay(&shares, &videos(), &options).unwrap().total.copies.up
        };
        assert_eq!(up(&["a", "tiny"]), 10 + 1000 + 10 + 3);
        assert_eq!(up(&["crf35"]), 10 + 100);
    }

    #[test]
    fn apps_do_not_know_of_each_other_unless_told() {
        let shares = [share("ann", "a", &["bob"], "chat"), share("bob", "a", &["ann"], "feed")];
        let run =
            |across_apps| replay(&shares, &videos(), &Options { overhead: OVERHEAD, across_apps }).unwrap();
        assert_eq!(run(false).total.references, [0, 0]);
        let across = run(true);
        assert_eq!(across.total.references, [1, 1]);
        assert_eq!(across.apps["feed"].exact, Bytes { up: 10, down: 1 });
        assert_eq!(across.app_hours["feed"][&7200], across.apps["feed"]);
        assert!(replay(&[share("ann", "none", &["bob"], "chat")], &videos(), &Options::default()).is_err());
    }
}
