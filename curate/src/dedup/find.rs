//! The search for duplicates among scanned videos.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rayon::prelude::*;
use vcn_similarity::{Alignment, Descriptor, Index, PickedFrame};
use vcn_store::Digest;

use super::cluster::Distances;
use super::keep::{Rule, better};
use super::pictures::Pictures;
use super::relation::{Evidence, Group, Member, Related, Relation, Report};
use super::timing::Couple;
use crate::error::Result;
use crate::scan::Scan;

/// How to look.
#[derive(Clone, Debug)]
pub struct Options {
    /// Largest distance of neighbours: 1 less the score of their alignment.
    pub eps: f32,
    /// Neighbours that a video needs, itself included, before a cluster grows around it.
    pub min_samples: usize,
    /// By which share of the longer one the lengths of duplicates may differ.
    pub length_tolerance: f64,
    /// Which of several is kept.
    pub keep: Vec<Rule>,
}

impl Default for Options {
    fn default() -> Options {
        let keep = vec![Rule::Resolution, Rule::Bitrate, Rule::Oldest, Rule::Folder];
        Options { eps: 0.4, min_samples: 2, length_tolerance: 0.03, keep }
    }
}

/// An alignment of one video with another.
#[derive(Clone, Copy, Debug)]
struct Aligned {
    distance: f32,
    offset: f64,
    mirrored: bool,
}

/// Seconds that two videos must have in common, where neither has all of the other.
const SHARED: f64 = 1.0;

/// By how many seconds one part of a video may stick out of another that contains it.
const SLACK: f64 = 0.25;

/// Videos of the same frames, the best first.
type Class = Vec<usize>;

/// Which videos show all of others.
#[derive(Default)]
struct Containment {
    /// For each video, those that show all of it, and where, in seconds.
    wholes: BTreeMap<usize, BTreeMap<usize, Range<f64>>>,
    /// For each video that was adjusted or edited, of which one it is a version.
    version_of: BTreeMap<usize, usize>,
}

impl Containment {
    /// Videos that show all of both.
    fn of_both(&self, a: usize, b: usize) -> impl Iterator<Item = (usize, &Range<f64>, &Range<f64>)> {
        let both = self.wholes.get(&a).zip(self.wholes.get(&b));
        both.into_iter()
            .flat_map(|(a, b)| a.iter().filter_map(|(whole, at)| Some((*whole, at, b.get(whole)?))))
    }

    /// Whether enough is known of two videos through those that show all of both: versions of one video are listed as
    /// that and not once more against each other, and so are its parts, unless one contains the other.
    fn settles(&self, a: usize, b: usize) -> bool {
        let within = |a: &Range<f64>, b: &Range<f64>| b.start >= a.start - SLACK && b.end <= a.end + SLACK;
        let of = self.version_of.get(&a);
        let mut common = self.of_both(a, b).peekable();
        common.peek().is_some() && !common.all(|(whole, a, b)| of != Some(&whole) && within(a, b))
    }
}

/// Finds duplicates. `folders` says for each scan in which of the folders named it was found; `compared` is called
/// before each comparison of pixels.
///
/// # Errors
/// Options that clustering cannot work with. Videos that cannot be read any more are in the report.
pub fn find(
    scans: &[Scan],
    folders: &[usize],
    descriptor: &dyn Descriptor,
    options: &Options,
    mut compared: impl FnMut(&Scan, &Scan),
) -> Result<Report> {
    let order = |a: &usize, b: &usize| {
        let folder = |at: &usize| folders.get(*at).copied().unwrap_or(0);
        better(&options.keep, (&scans[*a], folder(a)), (&scans[*b], folder(b)))
    };
    let classes = classes(scans, order);
    let videos: Vec<&Scan> = classes.iter().map(|class| &scans[class[0]]).collect();
    let aligned = align(&videos, descriptor);
    let candidates = candidates(&videos, &aligned, options)?;

    let mut report = Report::default();
    let mut pictures = Pictures::default();
    let mut taken = BTreeSet::new();
    let mut known = Containment::default();
    for (at, class) in classes.iter().enumerate() {
        if !taken.insert(at) {
            continue;
        }
        let same = |video: &usize| Member { video: *video, relation: Relation::Identical, evidence: None };
        let mut group = Group { keep: class[0], others: class[1..].iter().map(same).collect() };
        for (_, other) in candidates.range((at, 0)..(at + 1, 0)) {
            if taken.contains(other) {
                continue;
            }
            let aligned = aligned.get(&(at, *other)).copied();
            let Some(aligned) = aligned else { continue };
            let may_be_one = about_as_long(videos[at], videos[*other], options);
            if !may_be_one && known.settles(at, *other) {
                continue;
            }
            // The one that is kept is `b`: what was done is said of the other.
            let couple = Couple { a: videos[*other], b: videos[at], mirrored: aligned.mirrored };
            compared(couple.a, couple.b);
            let (evidence, relation) = match confirm(&couple, &mut pictures, -aligned.offset) {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(error) => {
                    report.failed.push((couple.a.path.clone(), error.to_string()));
                    continue;
                }
            };
            if relation == Relation::Duplicate {
                taken.insert(*other);
                let member =
                    |video: &usize| Member { video: *video, relation, evidence: Some(evidence.clone()) };
                group.others.extend(classes[*other].iter().map(member));
                continue;
            }
            let version = |video: &usize| known.version_of.get(video);
            let versions = version(&at).is_some_and(|of| version(other) == Some(of));
            if relation != Relation::Shared && !versions {
                // What shows both is told of the longer one; of the shorter it goes without saying.
                let both: Vec<usize> = known.of_both(at, *other).map(|(whole, ..)| whole).collect();
                let (part, name) = (classes[*other][0], |whole: &usize| classes[*whole][0]);
                report.related.retain(|related| {
                    related.video != part || !both.iter().any(|whole| name(whole) == related.other)
                });
                let (whole, part, place) = if couple.a.seconds() > couple.b.seconds() && !may_be_one {
                    (*other, at, evidence.from..evidence.to)
                } else {
                    (at, *other, evidence.other_from..evidence.other_to)
                };
                known.wholes.entry(part).or_default().insert(whole, place);
            }
            if matches!(relation, Relation::Adjusted | Relation::Edited) {
                known.version_of.entry(*other).or_insert(at);
            }
            if !versions {
                report.related.push(Related {
                    video: classes[*other][0],
                    other: class[0],
                    relation,
                    evidence,
                });
            }
        }
        if !group.others.is_empty() {
            report.groups.push(group);
        }
    }
    // A relation to what is a duplicate of another is that other's, too.
    let removed: BTreeSet<usize> =
        report.groups.iter().flat_map(|group| group.others.iter().map(|member| member.video)).collect();
    report.related.retain(|related| !removed.contains(&related.video) && !removed.contains(&related.other));
    report.related.sort_by_key(|related| (related.relation, related.other, related.video));
    Ok(report)
}

/// Videos by their decoded frames, the best first in each class; of classes the longest first.
fn classes(scans: &[Scan], order: impl Fn(&usize, &usize) -> std::cmp::Ordering) -> Vec<Class> {
    let mut classes: BTreeMap<Digest, Class> = BTreeMap::new();
    for (at, scan) in scans.iter().enumerate() {
        classes.entry(scan.root).or_default().push(at);
    }
    let mut classes: Vec<Class> = classes.into_values().collect();
    classes.iter_mut().for_each(|class| class.sort_by(&order));
    // What contains others comes before them; duplicates are of about the same length.
    let length = |class: &Class| -(scans[class[0]].seconds().max(1e-3).log(1.1).round() as i64);
    classes.sort_by(|a, b| length(a).cmp(&length(b)).then_with(|| order(&a[0], &b[0])));
    classes
}

/// All alignments, of the first with the second of each pair and the other way round. Of very many videos, most of those
/// that have nothing in common are not compared at all.
fn align(videos: &[&Scan], descriptor: &dyn Descriptor) -> BTreeMap<(usize, usize), Aligned> {
    let mut index = Index::new(descriptor);
    videos.iter().for_each(|video| {
        index.add(&video.picked, video.rate);
    });
    let neighbours = index.neighbours(false);
    let found: Vec<Vec<(bool, Alignment)>> = videos
        .par_iter()
        .enumerate()
        .map(|(at, video)| {
            let flip = |picked: &PickedFrame| {
                Some(PickedFrame { vector: descriptor.mirrored(&picked.vector)?, ..picked.clone() })
            };
            let mirrored: Vec<PickedFrame> = video.picked.iter().filter_map(flip).collect();
            let others = |other: usize| other != at;
            let plain = neighbours.align(&video.picked, video.rate, &others).into_iter();
            let flipped = neighbours.align(&mirrored, video.rate, &others).into_iter();
            plain.map(|found| (false, found)).chain(flipped.map(|found| (true, found))).collect()
        })
        .collect();
    let mut aligned: BTreeMap<(usize, usize), Aligned> = BTreeMap::new();
    for (at, found) in found.into_iter().enumerate() {
        for (mirrored, found) in found {
            let own = Aligned { distance: (1.0 - found.score).max(0.0), offset: found.offset, mirrored };
            let back = Aligned { offset: -own.offset, ..own };
            for (pair, new) in [((at, found.video), own), ((found.video, at), back)] {
                let known = aligned.entry(pair).or_insert(new);
                if new.distance < known.distance {
                    *known = new;
                }
            }
        }
    }
    aligned
}

/// Pairs to confirm: those of a cluster of videos of about the same length, and those of which one may contain the other.
fn candidates(
    videos: &[&Scan],
    aligned: &BTreeMap<(usize, usize), Aligned>,
    options: &Options,
) -> Result<BTreeSet<(usize, usize)>> {
    let mut distances = Distances::new(videos.len());
    let mut candidates = BTreeSet::new();
    for ((a, b), found) in aligned {
        if about_as_long(videos[*a], videos[*b], options) {
            distances.set(*a, *b, found.distance);
        } else if found.distance <= options.eps {
            candidates.insert((*a, *b));
        }
    }
    let clusters = distances.clusters(options.eps, options.min_samples)?;
    for (a, b) in aligned.keys() {
        if distances.of(*a, *b) < 1.0 && clusters[*a].is_some() && clusters[*a] == clusters[*b] {
            candidates.insert((*a, *b));
        }
    }
    Ok(candidates)
}

/// Whether two videos may be duplicates by their lengths.
fn about_as_long(a: &Scan, b: &Scan, options: &Options) -> bool {
    let (length, other) = (a.seconds(), b.seconds());
    // A container may drop a frame at either end of a short video.
    let frames = 2.0 / a.rate.min(b.rate);
    (length - other).abs() <= (options.length_tolerance * length.max(other)).max(frames)
}

/// What time and pixels say of a couple whose offset is near this.
fn confirm(couple: &Couple, pictures: &mut Pictures, near: f64) -> Result<Option<(Evidence, Relation)>> {
    let (length, other) = (couple.a.seconds(), couple.b.seconds());
    let Some(timing) = couple.timing(near) else { return Ok(None) };
    let relation = |evidence: &Evidence| evidence.relation(length, other);
    let evidence =
        couple.evidence(pictures, &timing, |found| relation(found) == Some(Relation::Duplicate))?;
    // A short stretch, or one that differs, may be alike by chance.
    let tells = |relation: &Relation| {
        *relation != Relation::Shared
            || (evidence.residual.is_clean() && evidence.to - evidence.from >= SHARED)
    };
    let relation = relation(&evidence).filter(tells);
    Ok(relation.map(|relation| (evidence, relation)))
}
