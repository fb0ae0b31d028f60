//! Which frame of a GOP is coded how well: some carry the quality, others lean on them. What leans may be coded below the
//! lowest quality that can be asked for, down to the `lowest` that the model knows.

use crate::model::LOWEST;

/// By how much better than asked the first frame is coded for every doubling of the GOP's length: all others are built on it.
const INTRA: f64 = 2.8;
/// What a frame so far ahead gains from the first one is hardly anything.
const LONG: u32 = 96;
/// Quality relative to the one asked for of frames that are coded from the one before, repeating.
const STEADY: [i32; 4] = [-7, -5, -7, -3];
/// The same of frames that skip over others, and of those in between, by how many of the frames around them are that, too. On what is
/// built on by none, no more is spent than a change of the quality asked for would gain: 22 steps lower (`spans.rs`).
const SKIPPING: i32 = -3;
const BETWEEN: [i32; 3] = [-17, -20, -22];
/// Near the best quality there is no room to carry: what is taken away shrinks over this many steps.
const ROOM: i32 = 16;

/// Below this, a step of what users ask for is two steps of frames' qualities: their scale reaches from 24 dB, about, to 40, and to
/// more where colour allows it.
const STEEP: i32 = 12;

/// What a user asks for, on the scale of frames' qualities.
pub(super) fn asked(quality: u8, lowest: i8) -> i32 {
    let quality = i32::from(quality);
    quality - (STEEP - quality).clamp(0, -i32::from(lowest))
}

/// Quality of the first frame of a GOP of about `length` frames for the quality asked for.
pub(super) fn intra(asked: i32, length: u32) -> i8 {
    let boost = (INTRA * f64::from(length.clamp(1, LONG)).log2()).round();
    (asked + boost as i32).clamp(0, 63) as i8
}

/// Quality of frame `index` of a GOP when it is coded from the one before.
pub(super) fn inter(asked: i32, index: u32, lowest: i8) -> i8 {
    offset(asked, STEADY[index.saturating_sub(1) as usize % STEADY.len()], lowest)
}

/// Quality of a frame that skips over others.
pub(super) fn skipping(asked: i32, lowest: i8) -> i8 {
    offset(asked, SKIPPING, lowest)
}

/// Quality of a frame between others around which are `depth` more of the kind.
pub(super) fn between(asked: i32, depth: usize, lowest: i8) -> i8 {
    offset(asked, BETWEEN[depth.min(BETWEEN.len() - 1)], lowest)
}

fn offset(asked: i32, offset: i32, lowest: i8) -> i8 {
    (asked + offset * (63 - asked).clamp(0, ROOM) / ROOM).clamp(lowest.into(), 63) as i8
}

/// Quality of frame `index` of a GOP of about `length` frames, each of which is coded from the one before, for the quality `asked` for on
/// the same scale.
pub fn frame_quality(asked: u8, index: u32, length: u32) -> i8 {
    let asked = asked.into();
    if index == 0 { intra(asked, length) } else { inter(asked, index, LOWEST) }
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
        let scale = (0..64).map(|quality| asked(quality, LOWEST));
        for (low, high) in scale.clone().zip(scale.skip(1)) {
            assert!(low < high);
            for length in [1, 12, 32, 65536] {
                assert!(intra(low, length) <= intra(high, length));
            }
            for index in 1..5 {
                assert!(inter(low, index, LOWEST) <= inter(high, index, LOWEST));
            }
            for depth in 0..4 {
                assert!(between(low, depth, LOWEST) <= between(high, depth, LOWEST));
            }
            assert!(skipping(low, LOWEST) <= skipping(high, LOWEST));
        }
        assert_eq!([intra(30, 1), inter(63, 1, 0), skipping(63, 0), between(63, 2, 0)], [30, 63, 63, 63]);
        assert_eq!([between(0, 2, 0), between(0, 2, LOWEST), between(2, 1, LOWEST)], [0, LOWEST, -18]);
        assert_eq!([0, 4, 12, 63].map(|quality| asked(quality, LOWEST)), [-12, -4, 12, 63]);
        assert_eq!([0, 4, 12].map(|quality| asked(quality, 0)), [0, 4, 12]);
    }
}
