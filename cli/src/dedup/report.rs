//! What `vcn dedup` found and did, for people and as JSON.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use vcn_curate::Scan;
use vcn_curate::dedup::{self, Action, Evidence, Relation, Step, Undone};
use vcn_similarity::Distortion;

use crate::print::bytes;

/// The version of this JSON.
pub const VERSION: u32 = 1;

/// The result of `vcn dedup`.
#[derive(Serialize)]
pub struct Report {
    version: u32,
    folders: Vec<PathBuf>,
    videos: usize,
    bytes: u64,
    /// What the duplicates take.
    duplicate_bytes: u64,
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<PathBuf>,
    groups: Vec<Group>,
    related: Vec<Related>,
    skipped: Vec<Skipped>,
}

/// The result of `vcn dedup --undo`.
#[derive(Serialize)]
pub struct Undo<'a> {
    /// Of this JSON.
    pub version: u32,
    /// What became of each step.
    pub undone: &'a [Undone],
}

#[derive(Serialize)]
struct Group {
    keep: Video,
    duplicates: Vec<Duplicate>,
}

#[derive(Serialize)]
struct Video {
    path: PathBuf,
    bytes: u64,
    width: usize,
    height: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct Duplicate {
    #[serde(flatten)]
    video: Video,
    relation: Relation,
    #[serde(flatten)]
    agreement: Option<Agreement>,
    /// `would be done`, `done`, or why not.
    outcome: String,
    #[serde(skip)]
    failed: bool,
}

#[derive(Serialize)]
struct Related {
    path: PathBuf,
    other: PathBuf,
    relation: Relation,
    #[serde(flatten)]
    agreement: Agreement,
}

/// What time and pixels say of two videos.
#[derive(Serialize)]
pub struct Agreement {
    from_seconds: f64,
    to_seconds: f64,
    other_from_seconds: f64,
    other_to_seconds: f64,
    changes: String,
    frames_compared: u64,
    mean_psnr: f32,
    worst_frame_psnr: f32,
    worst_block_psnr: f32,
    worst_block_mean_error: f32,
    worst_block_colour_error: f32,
    typical_colour_error: f32,
}

#[derive(Serialize)]
struct Skipped {
    path: PathBuf,
    reason: String,
}

impl Report {
    /// The report of a search, and of what was done if anything was.
    pub fn new(
        folders: &[PathBuf],
        scans: &[Scan],
        found: &dedup::Report,
        skipped: Vec<(PathBuf, String)>,
        steps: &[Step],
        action: Action,
        done: Option<(PathBuf, Vec<Result<(), String>>)>,
    ) -> Report {
        let (journal, results) = done.unzip();
        let outcome = |path: &Path| {
            let at = steps.iter().position(|step| step.path == path);
            let refused = at.and_then(|at| steps[at].refused.clone());
            match (refused, results.as_ref().and_then(|results| results.get(at?))) {
                (Some(reason), _) => (format!("left alone: {reason}"), false),
                (None, Some(Ok(()))) => ("done".to_owned(), false),
                (None, Some(Err(reason))) => (format!("failed: {reason}"), true),
                (None, None) if action == Action::Report => ("found".to_owned(), false),
                (None, None) => ("would be done".to_owned(), false),
            }
        };
        let duplicate = |member: &dedup::Member| {
            let (outcome, failed) = outcome(&scans[member.video].path);
            Duplicate {
                video: Video::of(&scans[member.video]),
                relation: member.relation,
                agreement: member.evidence.as_ref().map(Agreement::of),
                outcome,
                failed,
            }
        };
        let group = |group: &dedup::Group| Group {
            keep: Video::of(&scans[group.keep]),
            duplicates: group.others.iter().map(duplicate).collect(),
        };
        let related = |related: &dedup::Related| Related {
            path: scans[related.video].path.clone(),
            other: scans[related.other].path.clone(),
            relation: related.relation,
            agreement: Agreement::of(&related.evidence),
        };
        let skipped = skipped.into_iter().chain(found.failed.clone());
        Report {
            version: VERSION,
            folders: folders.to_vec(),
            videos: scans.len(),
            bytes: scans.iter().map(|scan| scan.bytes).sum(),
            duplicate_bytes: steps.iter().map(|step| step.bytes).sum(),
            action,
            journal,
            groups: found.groups.iter().map(group).collect(),
            related: found.related.iter().map(related).collect(),
            skipped: skipped.map(|(path, reason)| Skipped { path, reason }).collect(),
        }
    }

    /// Steps that failed.
    pub fn failures(&self) -> usize {
        self.groups.iter().flat_map(|group| &group.duplicates).filter(|duplicate| duplicate.failed).count()
    }
}

impl Video {
    fn of(scan: &Scan) -> Video {
        Video {
            path: scan.path.clone(),
            bytes: scan.bytes,
            width: scan.width,
            height: scan.height,
            seconds: scan.seconds(),
        }
    }
}

impl Agreement {
    /// The evidence in numbers.
    pub fn of(evidence: &Evidence) -> Agreement {
        let distortion = evidence.residual.distortion;
        // JSON has no infinity.
        let psnr = |error: f32| Distortion::psnr(error).min(99.0);
        Agreement {
            from_seconds: evidence.from,
            to_seconds: evidence.to,
            other_from_seconds: evidence.other_from,
            other_to_seconds: evidence.other_to,
            changes: evidence.changes(),
            frames_compared: evidence.frames,
            mean_psnr: psnr(distortion.mean),
            worst_frame_psnr: psnr(distortion.worst_frame),
            worst_block_psnr: psnr(distortion.worst_block),
            worst_block_mean_error: evidence.residual.worst_mean,
            worst_block_colour_error: evidence.residual.worst_colour,
            typical_colour_error: evidence.residual.typical_colour,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for skipped in &self.skipped {
            writeln!(f, "skipped\t{}\t{}", skipped.path.display(), skipped.reason)?;
        }
        for group in &self.groups {
            writeln!(f, "keep\t{}\t{}", group.keep.path.display(), group.keep)?;
            for duplicate in &group.duplicates {
                let (video, relation, outcome) = (&duplicate.video, duplicate.relation, &duplicate.outcome);
                write!(f, "  {}\t{}\t{video}", relation.as_str(), video.path.display())?;
                if let Some(agreement) = &duplicate.agreement {
                    write!(f, "; {agreement}")?;
                }
                writeln!(f, "; {outcome}")?;
            }
        }
        for related in &self.related {
            let (path, other) = (related.path.display(), related.other.display());
            writeln!(f, "{}\t{path}\t{other}\t{}", related.relation.as_str(), related.agreement)?;
        }
        let count: usize = self.groups.iter().map(|group| group.duplicates.len()).sum();
        let (all, twice) = (bytes(self.bytes), bytes(self.duplicate_bytes));
        write!(f, "{} videos, {all}; {count} duplicates, {twice}", self.videos)?;
        if self.action != Action::Report && self.journal.is_none() && count > 0 {
            write!(f, "; nothing was done: --apply does it")?;
        }
        Ok(())
    }
}

impl fmt::Display for Video {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}, {:.1} s, {}", self.width, self.height, self.seconds, bytes(self.bytes))
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to, other_from, other_to] =
            [self.from_seconds, self.to_seconds, self.other_from_seconds, self.other_to_seconds];
        write!(f, "{from:.1}-{to:.1} s is {other_from:.1}-{other_to:.1} s")?;
        if !self.changes.is_empty() {
            write!(f, ", {}", self.changes)?;
        }
        write!(
            f,
            "; PSNR {:.1} dB, worst frame {:.1}, worst block {:.1}",
            self.mean_psnr, self.worst_frame_psnr, self.worst_block_psnr
        )
    }
}
