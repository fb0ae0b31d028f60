//! What the page of `vcn dedup` shows of videos that have something in common.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use vcn_curate::Scan;
use vcn_curate::dedup::{Evidence, Relation, Report, Step};
use vcn_media::{OpenOptions, Picture, Rgb8, open};
use vcn_similarity::{Descriptor, SIDE, Thumbnail};

use super::report::Agreement;
use crate::failure::Result;
use crate::page::{Group, Matrix, Moment, Page, Pair, WorstBlock, still};
use crate::print::bytes;

/// Moments that are shown of a pair at most.
const MOMENTS: u64 = 6;

/// The page of a report.
///
/// # Errors
/// A video cannot be read any more.
pub fn page(
    title: String,
    scans: &[Scan],
    skipped: &[(PathBuf, String)],
    report: &Report,
    steps: &[Step],
    descriptor: &dyn Descriptor,
) -> Result<Page> {
    let takes = |video: &Scan| {
        let step = steps.iter().find(|step| step.path == video.path && step.refused.is_none());
        step.map_or(0, |step| step.bytes)
    };
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    let mut group = |video: usize, add: &mut dyn FnMut(&mut Group)| {
        add(groups.entry(video).or_insert_with(|| Group {
            name: named(&scans[video]),
            same: Vec::new(),
            pairs: Vec::new(),
            saved_bytes: 0,
        }));
    };
    for found in &report.groups {
        for member in &found.others {
            let video = &scans[member.video];
            let pair = match &member.evidence {
                Some(evidence) => {
                    Some(pair(video, &scans[found.keep], evidence, member.relation, descriptor)?)
                }
                None => None,
            };
            let mut pair = pair.map(|pair| Pair { saved_bytes: takes(video), ..pair });
            group(found.keep, &mut |group| {
                group.saved_bytes += takes(video);
                match pair.take() {
                    Some(pair) => group.pairs.push(pair),
                    None => group.same.push(named(video)),
                }
            });
        }
    }
    for related in &report.related {
        let (video, other) = (&scans[related.video], &scans[related.other]);
        let mut pair = Some(pair(video, other, &related.evidence, related.relation, descriptor)?);
        group(related.other, &mut |group| group.pairs.extend(pair.take()));
    }
    let twice: u64 = groups.values().map(|group| group.saved_bytes).sum();
    let count = steps.iter().filter(|step| step.refused.is_none()).count();
    let mut notes = vec![
        format!(
            "{} videos, of which {count} can go ({}): duplicates of others, each under the one that is kept.",
            scans.len(),
            bytes(twice)
        ),
        "What is cropped, mirrored, captioned or contained in another is listed and never touched."
            .to_owned(),
    ];
    let unread = skipped.iter().chain(&report.failed);
    notes.extend(unread.map(|(path, reason)| format!("Not read: {}: {reason}", path.display())));
    // What can go comes first.
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.saved_bytes));
    Ok(Page { title, notes, groups })
}

/// A video as headings and captions have it: its path, and what it is.
fn named(scan: &Scan) -> String {
    let Scan { width, height, .. } = scan;
    format!("{} ({width}x{height}, {:.1} s, {})", scan.path.display(), scan.seconds(), bytes(scan.bytes))
}

/// `a` is what the evidence speaks of, `b` the video that it was compared with.
fn pair(
    a: &Scan,
    b: &Scan,
    evidence: &Evidence,
    relation: Relation,
    descriptor: &dyn Descriptor,
) -> Result<Pair> {
    let frames = moments(a, b, evidence);
    let ours = see(a, frames.iter().map(|(frame, _)| *frame).collect())?;
    let theirs = see(b, frames.iter().map(|(_, frame)| *frame).collect())?;
    let mut moments = Vec::new();
    let mut thumbnails = Vec::new();
    for (first, second) in frames {
        let (Some(a_seen), Some(b_seen)) = (ours.get(&first), theirs.get(&second)) else { continue };
        let seconds = [first as f64 / a.rate, second as f64 / b.rate];
        let thumbnail = Thumbnail::with(&a_seen.0, &evidence.windows[0], SIDE);
        let thumbnail = if evidence.mirrored { thumbnail.mirrored() } else { thumbnail };
        thumbnails.push((seconds, thumbnail, Thumbnail::with(&b_seen.0, &evidence.windows[1], SIDE)));
        moments.push(Moment {
            seconds: [seconds[1], seconds[0]],
            pictures: [b_seen.1.clone(), a_seen.1.clone()],
        });
    }
    // Where all is shifted or brighter, every block differs and the worst says nothing.
    let tells = evidence.registration.is_same_part() && evidence.registration.is_same_light();
    let worst = thumbnails.iter().map(|(seconds, a, b)| ([seconds[1], seconds[0]], b, a));
    let rows: Vec<&[i8]> = b.picked.iter().map(|picked| picked.vector.as_slice()).collect();
    let vector = |vector: &Vec<i8>| match evidence.mirrored {
        true => descriptor.mirrored(vector).unwrap_or_default(),
        false => vector.clone(),
    };
    let columns: Vec<Vec<i8>> = a.picked.iter().map(|picked| vector(&picked.vector)).collect();
    let share = (evidence.to - evidence.from) / a.seconds().max(1e-3);
    Ok(Pair {
        name: named(a),
        level: relation.as_str(),
        score: share.min(1.0) as f32,
        reason: Agreement::of(evidence).to_string(),
        saved_bytes: 0,
        moments,
        matrix: Matrix::of(&rows, &columns.iter().map(Vec::as_slice).collect::<Vec<_>>()),
        worst: if tells { WorstBlock::among(worst) } else { None },
    })
}

/// Frames of both at the same moments of their common part.
fn moments(a: &Scan, b: &Scan, evidence: &Evidence) -> Vec<(u64, u64)> {
    let length = evidence.to - evidence.from;
    let count = ((length * a.rate).round() as u64).clamp(1, MOMENTS);
    let at = |start: f64, index: u64, scan: &Scan| {
        let seconds = start + length * index as f64 / count as f64;
        ((seconds * scan.rate).round().max(0.0) as u64).min(scan.frames.saturating_sub(1))
    };
    (0..count).map(|index| (at(evidence.from, index, a), at(evidence.other_from, index, b))).collect()
}

/// Some frames of a video, and how they are shown.
fn see(scan: &Scan, wanted: BTreeSet<u64>) -> Result<BTreeMap<u64, (Picture, Rgb8)>> {
    let mut reader = open(&scan.path.to_string_lossy(), OpenOptions::default())?;
    let colour = reader.info().colour;
    let mut seen = BTreeMap::new();
    for frame in 0..=wanted.last().copied().unwrap_or(0) {
        let Some(picture) = reader.next()? else { break };
        if wanted.contains(&frame) {
            let shown = still(&picture.to_rgb(colour))?;
            seen.insert(frame, (picture, shown));
        }
    }
    Ok(seen)
}
