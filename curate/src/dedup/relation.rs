//! What two videos are to each other, and what a search for duplicates found.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use vcn_similarity::{Distortion, Registration, Residual, Window};

/// Mean PSNR of the better four fifths of the blocks, in decibels, below which two videos do not show the same.
const SAME: f32 = 25.0;
/// Mean squared error of Cb and Cr in most blocks above which all of the picture is of another colour, in squared code
/// values: copies down to crf 35 and half size reached 3.6.
const OTHER_COLOURS: f32 = 12.0;
/// Share of a video that must agree before it is all of it.
const WHOLE: f64 = 0.95;
/// Share of the one that the other must show.
const OVERLAP: f32 = 0.6;

/// What two videos are to each other, the closest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// The same decoded frames.
    Identical,
    /// The same pictures from beginning to end, coded or scaled otherwise.
    Duplicate,
    /// The same pictures from beginning to end, cropped, mirrored, or in another light or colour.
    Adjusted,
    /// The same pictures from beginning to end but for a part of them, such as a caption.
    Edited,
    /// One is contained in the other.
    Part,
    /// Each has something that the other has not.
    Shared,
}

impl Relation {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Relation::Identical => "identical",
            Relation::Duplicate => "duplicate",
            Relation::Adjusted => "adjusted",
            Relation::Edited => "edited",
            Relation::Part => "part",
            Relation::Shared => "shared",
        }
    }
}

/// What time and pixels say of two videos.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Whether the one is the mirror image of the other.
    pub mirrored: bool,
    /// Where the common part starts in the one, in seconds.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Where it starts in the other.
    pub other_from: f64,
    /// Where it ends.
    pub other_to: f64,
    /// What was compared of each picture: what its letterbox leaves, or all of it.
    pub windows: [Window; 2],
    /// How the one shows what the other does.
    pub registration: Registration,
    /// Pairs of frames that were compared.
    pub frames: u64,
    /// What is left of the differences, over these frames: of `typical` and `typical_colour` the mean, of `worst_mean`,
    /// `worst_colour` and `overlap` the worst.
    pub residual: Residual,
}

impl Evidence {
    /// Takes a pair of frames into account.
    pub(crate) fn add(&mut self, residual: Residual) {
        self.residual.add(self.frames, residual);
        self.frames += 1;
    }

    /// Whether all of the picture is of other colours, such as in black and white.
    fn is_recoloured(&self) -> bool {
        self.residual.typical_colour > OTHER_COLOURS
    }

    /// Whether so little is left that nobody can have cropped the pictures or changed their light.
    pub(crate) fn is_as_it_was(&self) -> bool {
        /// PSNR in decibels: what differs by 2.6 code values everywhere is of the same light still.
        const UNTOUCHED: f32 = 40.0;
        Distortion::psnr(self.residual.distortion.worst_frame) >= UNTOUCHED
    }

    /// Whether nothing hints at frames that are shown at another time.
    pub(crate) fn is_in_time(&self) -> bool {
        /// PSNR of most blocks that frames of another time do not reach unless nothing moves, in decibels.
        const STILL: f32 = 36.0;
        self.residual.is_clean_luma() || Distortion::psnr(self.residual.typical) >= STILL
    }

    /// What two videos of these lengths, in seconds, are to each other; nothing if the pixels do not confirm it.
    pub fn relation(&self, length: f64, other_length: f64) -> Option<Relation> {
        let same = Distortion::psnr(self.residual.typical);
        if self.frames == 0 || same < SAME || self.residual.overlap < OVERLAP {
            return None;
        }
        let share = |from: f64, to: f64, length: f64| (to - from) / length.max(1e-3) >= WHOLE;
        let whole = share(self.from, self.to, length);
        let other_whole = share(self.other_from, self.other_to, other_length);
        let plain = !self.mirrored && self.registration.is_same_part() && self.registration.is_same_light();
        Some(match (whole, other_whole) {
            (true, true) if self.residual.is_clean() && plain => Relation::Duplicate,
            (true, true) if !self.residual.is_clean_luma() => Relation::Edited,
            (true, true) if !self.residual.is_clean() && !self.is_recoloured() => Relation::Edited,
            (true, true) => Relation::Adjusted,
            (false, false) => Relation::Shared,
            _ => Relation::Part,
        })
    }

    /// What was done to the one, in words; empty if nothing.
    pub fn changes(&self) -> String {
        let Registration { scale, gain, offset, .. } = self.registration;
        let mut words = Vec::new();
        if self.mirrored {
            words.push("mirrored".to_owned());
        }
        if !self.registration.is_same_part() {
            words.push(format!("shows {:.0} x {:.0} % of it", 100.0 * scale[0], 100.0 * scale[1]));
        }
        if !self.registration.is_same_light() {
            words.push(format!("luma x {gain:.2} {offset:+.0}"));
        }
        if self.is_recoloured() {
            words.push("other colours".to_owned());
        }
        words.join(", ")
    }
}

/// A video in a group, and what it is to the one that is kept.
#[derive(Clone, Debug)]
pub struct Member {
    /// Index of the scan.
    pub video: usize,
    /// Identical or a duplicate.
    pub relation: Relation,
    /// Why; nothing for identical ones.
    pub evidence: Option<Evidence>,
}

/// Videos that are one video: each was compared with the one that is kept.
#[derive(Clone, Debug)]
pub struct Group {
    /// Index of the scan of the best.
    pub keep: usize,
    /// The others.
    pub others: Vec<Member>,
}

/// Two videos that have something in common but are not one.
#[derive(Clone, Debug)]
pub struct Related {
    /// Index of a scan.
    pub video: usize,
    /// Index of the other's scan.
    pub other: usize,
    /// What they are to each other.
    pub relation: Relation,
    /// Why.
    pub evidence: Evidence,
}

/// What a search for duplicates found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Duplicates.
    pub groups: Vec<Group>,
    /// What is worth knowing and is never acted upon.
    pub related: Vec<Related>,
    /// Videos that could be read when they were scanned and not when they were compared, and why.
    pub failed: Vec<(PathBuf, String)>,
}
