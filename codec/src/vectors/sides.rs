//! Frames between two others: from which of them each block is predicted, and through what motion.
//!
//! As B-frames of H.264: what one of the neighbours in time covers the other may show, and the mean of both has less noise than
//! either.

use std::cmp::Ordering;

use super::{Answers, Chosen, Reading, SIDE, Vectors, Writing};
use crate::Result;
use crate::entropy::{Habit, SymbolDecoder, SymbolEncoder};
use crate::warp::Flow;

/// Which of two pictures a 16x16 block is predicted from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The mean of both.
    #[default]
    Both,
    /// The earlier one.
    Before,
    /// The later one.
    After,
}

impl Side {
    /// All of them.
    pub const ALL: [Side; 3] = [Side::Both, Side::Before, Side::After];

    /// Whether the earlier (0) or the later (1) picture is used.
    pub fn uses(self, end: usize) -> bool {
        self != [Side::After, Side::Before][end]
    }

    /// What a block shows of which the earlier and the later picture show these samples.
    pub fn of(self, before: i32, after: i32) -> i32 {
        match self {
            Side::Both => (before + after + 1) >> 1,
            Side::Before => before,
            Side::After => after,
        }
    }
}

/// The motion of a frame between two others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Between {
    /// Of every 16x16 block.
    pub sides: Vec<Side>,
    /// To the earlier and to the later picture.
    pub flows: [Flow; 2],
}

impl Between {
    /// The side of every flow site, row by row.
    pub fn by_site(&self) -> Vec<Side> {
        let Flow { width, height, .. } = self.flows[0];
        let block = |site: usize| site / width / SIDE * (width / SIDE) + site % width / SIDE;
        (0..width * height).map(|site| self.sides[block(site)]).collect()
    }

    /// What is seen of two maps at flow sites: packed samples or features, `[channels, height, width]`.
    pub(crate) fn seen(&self, [before, after]: [Vec<i32>; 2]) -> Vec<i32> {
        let sides = self.by_site();
        let both = before.into_iter().zip(after);
        both.zip(sides.iter().cycle()).map(|((before, after), side)| side.of(before, after)).collect()
    }
}

/// The choice for a frame between two others.
pub struct ChosenBetween {
    pub(super) sides: Vec<Side>,
    /// Motion to either side; that of unused blocks is not told.
    pub(super) blocks: [Chosen; 2],
}

/// How often blocks were seen from which side.
#[derive(Clone)]
pub(super) struct SideHabits {
    /// Blocks in a row.
    width: usize,
    /// Whether a block has one side only, by how many of those to the left and above do.
    single: [Habit; 3],
    /// Whether that is the later one, by whether it is mostly the earlier one there, as often, or mostly the later one.
    later: [Habit; 3],
}

impl SideHabits {
    /// Reads, writes or weighs the side of the block that follows `known`.
    pub fn side(&mut self, answers: &mut impl Answers, known: &[Side], side: Side) -> Result<Side> {
        let at = known.len();
        let left = (!at.is_multiple_of(self.width)).then(|| known[at - 1]);
        let above = at.checked_sub(self.width).map(|above| known[above]);
        let count = |side| usize::from(left == Some(side)) + usize::from(above == Some(side));
        let [earlier, later] = [Side::Before, Side::After].map(count);
        if !answers.flag(&mut self.single[earlier + later], side != Side::Both)? {
            return Ok(Side::Both);
        }
        let mostly = match earlier.cmp(&later) {
            Ordering::Greater => 0,
            Ordering::Equal => 1,
            Ordering::Less => 2,
        };
        let later = answers.flag(&mut self.later[mostly], side == Side::After)?;
        Ok(if later { Side::After } else { Side::Before })
    }
}

/// Codes the motion of the frames of a GOP that lie between others.
#[derive(Clone)]
pub struct Sides {
    pub(super) habits: SideHabits,
    /// Motion to either side.
    pub(super) vectors: [Vectors; 2],
}

impl Sides {
    /// For pictures of `height` x `width` flow sites, both even.
    pub fn new(sites: [usize; 2]) -> Sides {
        let vectors = Vectors::new(sites);
        let habits = SideHabits {
            width: vectors.width,
            single: [Habit::new(1, 4), Habit::new(2, 2), Habit::new(4, 1)],
            later: [Habit::new(1, 2), Habit::new(2, 2), Habit::new(2, 1)],
        };
        Sides { habits, vectors: [vectors.clone(), vectors] }
    }

    fn tell(
        &mut self,
        answers: &mut impl Answers,
        foretold: &[Flow; 2],
        chosen: Option<&ChosenBetween>,
    ) -> Result<Between> {
        let mut sides = Vec::with_capacity(self.vectors[0].blocks());
        for block in 0..self.vectors[0].blocks() {
            let side = chosen.map_or(Side::Both, |chosen| chosen.sides[block]);
            sides.push(self.habits.side(answers, &sides, side)?);
        }
        let mut flow = |end: usize| {
            let used = used(&sides, end);
            let blocks = chosen.map(|chosen| &chosen.blocks[end].0[..]);
            self.vectors[end].tell(answers, &foretold[end], Some(&used), blocks)
        };
        Ok(Between { flows: [flow(0)?, flow(1)?], sides })
    }

    /// Reads the motion of a frame of which some is foretold.
    ///
    /// # Errors
    /// If the payload is damaged.
    pub fn read(&mut self, coder: &mut SymbolDecoder, foretold: &[Flow; 2]) -> Result<Between> {
        self.tell(&mut Reading(coder), foretold, None)
    }

    /// Writes the motion of a frame.
    ///
    /// # Errors
    /// None; the signature is the reader's.
    pub fn write(
        &mut self,
        coder: &mut SymbolEncoder,
        foretold: &[Flow; 2],
        chosen: &ChosenBetween,
    ) -> Result<Between> {
        self.tell(&mut Writing(coder), foretold, Some(chosen))
    }
}

/// Which blocks use one end.
pub(super) fn used(sides: &[Side], end: usize) -> Vec<bool> {
    sides.iter().map(|side| side.uses(end)).collect()
}

/// The motion of a frame to the pictures before and after it, as far as it follows from the motion between these: what is seen at a
/// place of the later one moves on its way to the earlier one as `motion` says. The frame is the `position`th of `span`.
pub fn foretold(motion: &Flow, position: u32, span: u32) -> [Flow; 2] {
    let (position, span) = (position as i32, span as i32);
    [position, position - span].map(|share| motion.map(|v| v * share / span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::params::FLOW;
    use crate::vectors::Eye;
    use crate::vectors::tests::{noise, textured, uniform};
    use crate::warp::Blend;

    const SIZE: [usize; 2] = [8, 12];

    #[test]
    fn what_one_side_hides_is_seen_from_the_other_and_read_back() {
        let [mut before, source, mut after] = [0, 3, 6].map(|by| textured(8 * SIZE[1], 8 * SIZE[0], [by, 0]));
        // The upper half is covered before, the lower right quarter after.
        let half = before.data.len() / 2;
        before.data[..half].fill(20);
        let width = after.width;
        for row in after.data[half..].chunks_exact_mut(width) {
            row[width / 2..].fill(200);
        }
        let eyes = [&before, &after].map(|shown| Eye::new(&source, shown, Blend::Pictures));
        let still = [Flow::still(SIZE), Flow::still(SIZE)];
        let searched = [48, -48].map(|x| uniform([x, 0], SIZE));
        let (mut writer, mut coder) = (Sides::new(SIZE), SymbolEncoder::new());
        let mut written = Vec::new();
        for _ in 0..2 {
            let chosen = writer.choose(&eyes, &still, &searched, 10.0);
            written.push(writer.write(&mut coder, &still, &chosen).unwrap());
        }
        let sides = &written[0].sides;
        let blocks = SIZE[1] / 2;
        for (block, side) in sides.iter().enumerate() {
            let (upper, right) = (block < sides.len() / 2, block % blocks >= blocks / 2);
            match (upper, right) {
                (true, _) => assert_eq!(*side, Side::After, "{block}"),
                (false, true) => assert_eq!(*side, Side::Before, "{block}"),
                (false, false) => {}
            }
        }
        let payload = coder.finish();
        let (mut reader, mut coder) = (Sides::new(SIZE), SymbolDecoder::new(&payload).unwrap());
        for between in written {
            assert_eq!(reader.read(&mut coder, &still).unwrap(), between);
        }
        coder.finish().unwrap();
    }

    #[test]
    fn noise_is_read_without_harm() {
        for payload in noise() {
            let Ok(mut coder) = SymbolDecoder::new(&payload) else { continue };
            let mut sides = Sides::new(SIZE);
            for _ in 0..4 {
                let Ok(between) = sides.read(&mut coder, &[Flow::still(SIZE), Flow::still(SIZE)]) else {
                    break;
                };
                assert!(between.flows.iter().flat_map(|flow| &flow.data).all(|v| v.abs() <= FLOW.max()));
            }
        }
    }
}
