//! Which frame of a GOP is coded how well: some carry the quality, others lean on them. What leans may be coded below the
//! lowest quality that can be asked for, down to the `lowest` that the model knows.

use crate::model::LOWEST;

/// By how much better than asked the first frame is coded for every doubling of the GOP's length: all others are built on it.
const INTRA: f64 = 2.8;
/// What a frame so far ahead gains from the first one is hardly anything.
const LONG: u32 = 96;
/// Quality relative to the one asked for of frames that are coded from the one before, repeating.
const STEADY: [i32; 4] = [-7, -5, -7, -3];
/// The same of frames between others, by how many of the frames around them are that, too. On what is built on by none, no more is
/// spent than a change of the quality asked for would gain: 22 steps lower (`spans.rs`).
const BETWEEN: [i32; 3] = [-17, -20, -22];
/// The same of a frame that is coded from an earlier one and that nothing is built on; what it gains whenever twice as much is
/// built on it, in theory 7.7, as lambda is divided by 2; and the share of the first frame's boost by which it is worse, as it has that
/// to lean on, in GOPs of up to so many frames. (GOPs of 12 and of 32, five evaluation clips.)
const ALONE: f32 = -10.0;
const DOUBLING: f32 = 4.6;
const LEANING: f32 = 0.6;
const LEANS_UP_TO: u32 = 32;
/// Near the best quality there is no room to carry: what is taken away shrinks over this many steps.
pub const QUALITY_ROOM: i32 = 16;

/// Below this, a step of what users ask for is two steps of frames' qualities: their scale reaches from 24 dB, about, to 40, and to
/// more where colour allows it.
const STEEP: i32 = 12;

/// By how much better than asked the first frame of a GOP of about `length` frames is coded.
fn boost(length: u32) -> i32 {
    (INTRA * f64::from(length.clamp(1, LONG)).log2()).round() as i32
}

/// The qualities of the frames of a GOP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Qualities {
    /// What a user asks for, on the scale of frames' qualities.
    pub asked: i32,
    /// The lowest that the model knows.
    lowest: i8,
}

impl Qualities {
    /// For the quality that a user asks for.
    pub fn new(quality: u8, lowest: i8) -> Qualities {
        let quality = i32::from(quality);
        Qualities { asked: quality - (STEEP - quality).clamp(0, -i32::from(lowest)), lowest }
    }

    /// Of the first frame of a GOP of about `length` frames.
    pub fn intra(self, length: u32) -> i8 {
        (self.asked + boost(length)).clamp(0, 63) as i8
    }

    /// Of frame `index` of a GOP when it is coded from the one before.
    pub fn inter(self, index: u32) -> i8 {
        self.offset(STEADY[index.saturating_sub(1) as usize % STEADY.len()])
    }

    /// Of a frame of a GOP of about `length` frames that is coded from an earlier one when it is known how much is built on it: so many
    /// `doublings` of what it is worth for itself.
    pub fn built_on(self, doublings: f32, length: u32) -> i8 {
        let leans = LEANING * boost(length.min(LEANS_UP_TO)) as f32;
        self.offset((ALONE - leans + DOUBLING * doublings).round() as i32)
    }

    /// Of a frame between others around which are `depth` more of the kind.
    pub fn between(self, depth: usize) -> i8 {
        self.offset(BETWEEN[depth.min(BETWEEN.len() - 1)])
    }

    fn offset(self, offset: i32) -> i8 {
        (self.asked + offset * (63 - self.asked).clamp(0, QUALITY_ROOM) / QUALITY_ROOM)
            .clamp(self.lowest.into(), 63) as i8
    }
}

/// Quality of frame `index` of a GOP of about `length` frames, each of which is coded from the one before, for the quality `asked` for on
/// the same scale.
pub fn frame_quality(asked: u8, index: u32, length: u32) -> i8 {
    let qualities = Qualities { asked: asked.into(), lowest: LOWEST };
    if index == 0 { qualities.intra(length) } else { qualities.inter(index) }
}

/// Whether the reference of frame `index` of a GOP becomes the anchor of the frames after it: frames that carry the quality
/// do, after the second of their kind.
pub fn anchors(index: u32) -> bool {
    let period = STEADY.len() as u32;
    index > period && index % period == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_asked_for_orders_every_kind_of_frame() {
        let scale = (0..64).map(|quality| Qualities::new(quality, LOWEST));
        for (low, high) in scale.clone().zip(scale.skip(1)) {
            assert!(low.asked < high.asked);
            for length in [1, 12, 32, 65536] {
                assert!(low.intra(length) <= high.intra(length));
                assert!(low.built_on(2.0, length) <= high.built_on(2.0, length));
            }
            for index in 1..5 {
                assert!(low.inter(index) <= high.inter(index));
            }
            for depth in 0..4 {
                assert!(low.between(depth) <= high.between(depth));
            }
        }
        let best = Qualities::new(63, 0);
        let first = Qualities::new(30, 0).intra(1);
        assert_eq!([first, best.inter(1), best.built_on(0.0, 1), best.between(2)], [30, 63, 63, 63]);
        let depths = [(0, 0, 2), (0, LOWEST, 2), (2, LOWEST, 1)];
        let between = depths.map(|(asked, lowest, depth)| Qualities { asked, lowest }.between(depth));
        assert_eq!(between, [0, LOWEST, -18]);
        assert_eq!([0, 4, 12, 63].map(|quality| Qualities::new(quality, LOWEST).asked), [-12, -4, 12, 63]);
        assert_eq!([0, 4, 12].map(|quality| Qualities::new(quality, 0).asked), [0, 4, 12]);
    }
}
