//! Which vectors a frame gets: the encoder's choice, by squared error of the luma of the prediction plus what bits are worth.

use std::sync::Arc;

use super::sides::{ChosenBetween, Side, Sides, used};
use super::{
    Answers, Block, Chosen, Field, Habits, QUARTER, Surroundings, UNUSED, Vector, Vectors, limited, nearest,
};
use crate::Result;
use crate::entropy::Habit;
use crate::warp::{Blend, Flow, Plane, warp_luma};

/// Luma samples of a block, each way.
const BLOCK: usize = 16;

impl Vectors {
    /// Bits of a block in its surroundings.
    pub(super) fn weight(&self, habits: &Habits, at: &Surroundings, block: Block) -> f64 {
        let mut weighing = Weighing(0.0);
        // Weighing neither changes habits nor fails.
        let _ = habits.clone().block(&mut weighing, at, block);
        weighing.0.into()
    }

    /// Chooses the blocks of a frame: the least squared error of the luma that is predicted through the flow, plus `worth` for
    /// each bit. `candidates` is a searched flow.
    pub fn choose(&self, eye: &Eye, foretold: &Flow, candidates: &Flow, worth: f64) -> Chosen {
        Chosen(self.chosen(eye, foretold, candidates, worth, None).blocks)
    }

    /// What [`Vectors::choose`] chooses, where only some blocks are used and nothing is told of the others.
    fn chosen<'a>(
        &self,
        eye: &Eye,
        foretold: &'a Flow,
        candidates: &Flow,
        worth: f64,
        used: Option<&[bool]>,
    ) -> Field<'a> {
        let unused = |index: usize| used.is_some_and(|used| !used[index]);
        let mut field = self.field(foretold);
        let mut habits = self.habits.clone();
        let sites = foretold.width * foretold.height;
        let searched = |site: usize| [0, 1].map(|k| limited(nearest(candidates.data[k * sites + site])));
        // In raster order, each block as if its motion were constant and those after it as foretold.
        for index in 0..self.before.len() {
            let at = self.surroundings(&field, index);
            if unused(index) {
                field.set(self.width, index, &at, UNUSED);
                continue;
            }
            let first = field.site(self.width, index);
            let cells = [0, 1, foretold.width, foretold.width + 1].map(|offset| first + offset);
            let mut tried: Vec<TriedVector> = Vec::new();
            let consider = |tried: &mut Vec<TriedVector>, vector: Vector| {
                if tried.iter().all(|other| other.vector != vector) {
                    let errors = cells.map(|cell| eye.constant(cell, vector));
                    let bits = self.weight(&habits, &at, Block::One(vector));
                    tried.push(TriedVector {
                        vector,
                        errors,
                        cost: errors.iter().sum::<f64>() + worth * bits,
                    });
                }
            };
            for cell in cells {
                consider(&mut tried, searched(cell));
            }
            let heritage = &at.heritage[..at.heirs];
            for motion in heritage {
                consider(&mut tried, motion.map(|units| limited(nearest(units))));
            }
            consider(&mut tried, [0; 2]);
            for step in [2 * QUARTER, QUARTER] {
                let [x, y] = best_of(&tried, |tried| tried.cost).vector;
                for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
                    consider(&mut tried, [limited(x + step * dx), limited(y + step * dy)]);
                }
            }
            let one = best_of(&tried, |tried| tried.cost);
            let mut best = (one.cost, Block::One(one.vector));
            // Quarters, each as cheap as it can be by itself; what they cost together counts.
            let mut expected = at.expected();
            let quarters: [(Vector, f64); 4] = std::array::from_fn(|cell| {
                let best = best_of(&tried, |tried| {
                    let mut weighing = Weighing(0.0);
                    let _ = habits.clone().vector(&mut weighing, expected, tried.vector);
                    tried.errors[cell] + worth * f64::from(weighing.0)
                });
                expected = best.vector;
                (best.vector, best.errors[cell])
            });
            let inherited = (0u8..).zip(heritage).map(|(heir, &motion)| {
                (Block::Inherited(heir), cells.iter().map(|&cell| eye.constant(cell, motion)).sum::<f64>())
            });
            let others = [
                (Block::Four(quarters.map(|(vector, _)| vector)), quarters.iter().map(|(_, e)| e).sum()),
                (Block::Foretold, eye.blended(&field.flow, first, 0)),
            ];
            for (block, error) in others.into_iter().chain(inherited) {
                let cost = error + worth * self.weight(&habits, &at, block);
                if cost < best.0 {
                    best = (cost, block);
                }
            }
            field.set(self.width, index, &at, best.1);
            let _ = habits.block(&mut Learning, &at, best.1);
        }
        // Again with what is really shown, where flows of neighbours blend into each other.
        for index in 0..self.before.len() {
            if unused(index) {
                let at = self.surroundings(&field, index);
                field.set(self.width, index, &at, UNUSED);
            } else {
                self.reconsider(eye, &mut field, index, worth);
            }
        }
        field
    }

    /// Bits of each block of a frame.
    fn bits(&self, chosen: &Field) -> Vec<f64> {
        let mut field = self.field(chosen.foretold);
        let mut habits = self.habits.clone();
        let blocks = chosen.blocks.iter().enumerate().map(|(index, &block)| {
            let at = self.surroundings(&field, index);
            let bits = self.weight(&habits, &at, block);
            field.set(self.width, index, &at, block);
            let _ = habits.block(&mut Learning, &at, block);
            bits
        });
        blocks.collect()
    }

    /// Takes the best of a block's own motion, that of its neighbours, and none of its own.
    fn reconsider(&self, eye: &Eye, field: &mut Field, index: usize, worth: f64) {
        let at = self.surroundings(field, index);
        let first = field.site(self.width, index);
        let own = field.blocks[index];
        let beside = [
            (!index.is_multiple_of(self.width)).then(|| index - 1),
            (!(index + 1).is_multiple_of(self.width)).then_some(index + 1),
            index.checked_sub(self.width),
            Some(index + self.width).filter(|&below| below < self.before.len()),
        ];
        // What was inherited may not be there any more: the blocks before have changed.
        let told = matches!(own, Block::One(_) | Block::Four(_)).then_some(own);
        let mut options: Vec<Block> = told.into_iter().chain([Block::Foretold]).collect();
        options.extend((0..at.heirs as u8).map(Block::Inherited));
        for block in beside.into_iter().flatten().map(|index| field.blocks[index]) {
            if matches!(block, Block::One(_)) && !options.contains(&block) {
                options.push(block);
            }
        }
        let mut best = (f64::INFINITY, own);
        for block in options {
            field.set(self.width, index, &at, block);
            let error = eye.blended(&field.flow, first, 4);
            let cost = error + worth * self.weight(&self.habits, &at, block);
            if cost < best.0 {
                best = (cost, block);
            }
        }
        field.set(self.width, index, &at, best.1);
    }
}

impl Sides {
    /// Chooses from where and through what motion blocks are predicted that lie between two pictures, in two passes: first as
    /// if every block had one side only, then with the sides as they are, each knowing what the other shows. `candidates`
    /// are searched flows.
    pub fn choose(
        &self,
        eyes: &[Eye; 2],
        foretold: &[Flow; 2],
        candidates: &[Flow; 2],
        worth: f64,
    ) -> ChosenBetween {
        let alone = [0, 1]
            .map(|end| self.vectors[end].chosen(&eyes[end], &foretold[end], &candidates[end], worth, None));
        let mut seen = [0, 1].map(|end| eyes[end].through(&alone[end].flow));
        let bits = [0, 1].map(|end| self.vectors[end].bits(&alone[end]));
        let errors = eyes[0].errors(&seen);
        let mut habits = self.habits.clone();
        let mut sides = Vec::with_capacity(errors.len());
        for (block, errors) in errors.iter().enumerate() {
            let cost = |side: Side| {
                let mut weighing = Weighing(0.0);
                let _ = habits.clone().side(&mut weighing, &sides, side);
                let told: f64 =
                    [0, 1].iter().filter(|&&end| side.uses(end)).map(|&end| bits[end][block]).sum();
                errors[side as usize] + worth * (f64::from(weighing.0) + told)
            };
            let costs = Side::ALL.map(cost);
            let side = Side::ALL.into_iter().min_by(|&a, &b| costs[a as usize].total_cmp(&costs[b as usize]));
            let side = side.unwrap_or_default();
            let _ = habits.side(&mut Learning, &sides, side);
            sides.push(side);
        }
        let blocks = [0, 1].map(|end| {
            let eye = eyes[end].beside(&seen[1 - end], &sides);
            let used = used(&sides, end);
            let field = self.vectors[end].chosen(&eye, &foretold[end], &candidates[end], worth, Some(&used));
            seen[end] = eye.through(&field.flow);
            Chosen(field.blocks)
        });
        ChosenBetween { sides, blocks }
    }
}

/// A vector that a block may have.
struct TriedVector {
    vector: Vector,
    /// Squared error of each quarter of the block.
    errors: [f64; 4],
    /// Of the block with this vector alone.
    cost: f64,
}

/// The first of those that cost least.
fn best_of(tried: &[TriedVector], cost: impl Fn(&TriedVector) -> f64) -> &TriedVector {
    let costs = tried.iter().map(|tried| (cost(tried), tried));
    costs.min_by(|a, b| a.0.total_cmp(&b.0)).expect("vectors were tried").1
}

/// Counts bits; habits stay as they are.
struct Weighing(f32);

impl Answers for Weighing {
    fn flag(&mut self, habit: &mut Habit, yes: bool) -> Result<bool> {
        self.0 += habit.chance().bits(yes);
        Ok(yes)
    }

    fn bits(&mut self, value: u32, count: u32) -> Result<u32> {
        self.0 += count as f32;
        Ok(value)
    }
}

/// Takes answers as said and learns from them.
struct Learning;

impl Answers for Learning {
    fn flag(&mut self, habit: &mut Habit, yes: bool) -> Result<bool> {
        habit.learn(yes);
        Ok(yes)
    }

    fn bits(&mut self, value: u32, _: u32) -> Result<u32> {
        Ok(value)
    }
}

/// Compares a source with what a reference shows through motion; both padded to whole blocks.
#[derive(Clone)]
pub struct Eye {
    /// Samples in a row.
    width: usize,
    /// What should be shown, in 1/16 grey levels.
    target: Vec<i32>,
    /// Binary digits that squared errors lose: half of the error is seen where this reference is one of two, a fourth of its square.
    halved: Vec<u8>,
    /// The reference at half-sample resolution.
    grid: Arc<Plane>,
    blend: Blend,
}

impl Eye {
    /// For a source and its reference.
    pub fn new(source: &Plane, reference: &Plane, blend: Blend) -> Eye {
        let target = source.data.iter().map(|&sample| 16 * i32::from(sample)).collect();
        let grid = Arc::new(reference.half_samples());
        Eye { width: source.width, target, halved: vec![0; source.data.len()], grid, blend }
    }

    /// The same where blocks show this reference beside another, of which this is seen, as their sides say: for the mean, this one
    /// should show what the other one lacks.
    fn beside(&self, other: &[i32], sides: &[Side]) -> Eye {
        let mut eye = self.clone();
        for (at, other) in other.iter().enumerate() {
            if sides[self.block(at)] == Side::Both {
                eye.target[at] = 2 * self.target[at] - other;
                eye.halved[at] = 2;
            }
        }
        eye
    }

    /// The block of a sample.
    fn block(&self, at: usize) -> usize {
        at / self.width / BLOCK * (self.width / BLOCK) + at % self.width / BLOCK
    }

    /// Squared errors of every block by side, in the order of [`Side::ALL`], where the earlier and the later picture show this.
    fn errors(&self, [before, after]: &[Vec<i32>; 2]) -> Vec<[f64; 3]> {
        let mut errors = vec![[0; 3]; self.target.len() / BLOCK.pow(2)];
        for (at, target) in self.target.iter().enumerate() {
            let errors = &mut errors[self.block(at)];
            for (error, side) in errors.iter_mut().zip(Side::ALL) {
                *error += i64::from(target - side.of(before[at], after[at])).pow(2);
            }
        }
        errors.into_iter().map(|errors| errors.map(|error| error as f64 / 256.0)).collect()
    }

    /// The luma of the reference through a flow, in 1/16 grey levels.
    fn through(&self, flow: &Flow) -> Vec<i32> {
        warp_luma(&self.grid, flow, self.blend)
    }

    /// What the reference shows of neighbouring samples of a row that moved so, in 1/16 grey levels.
    fn shown(&self, i: usize, j: usize, [x, y]: Vector, shown: &mut [i32]) {
        self.grid.luma_from(16 * j as i32 + x, 16 * i as i32 + y, shown);
    }

    /// Squared differences of neighbouring samples of a row from what is shown, in units of 1/256.
    fn difference(&self, i: usize, j: usize, shown: &[i32]) -> i64 {
        let at = i * self.width + j;
        let (target, halved) = (&self.target[at..][..shown.len()], &self.halved[at..][..shown.len()]);
        let differences = target.iter().zip(shown).map(|(target, shown)| target - shown);
        differences
            .zip(halved)
            .map(|(difference, halved)| i64::from((difference * difference) >> halved))
            .sum()
    }

    /// Squared error of an 8x8 site of the flow that moves as one.
    fn constant(&self, site: usize, vector: Vector) -> f64 {
        let width = self.width / 8;
        let (top, left) = (site / width * 8, site % width * 8);
        let mut shown = [0; 8];
        let mut sum = 0;
        for i in top..top + 8 {
            self.shown(i, left, vector, &mut shown);
            sum += self.difference(i, left, &shown);
        }
        sum as f64 / 256.0
    }

    /// Squared error of a block from its first site on, and of `margin` samples around it, through a flow.
    pub(super) fn blended(&self, flow: &Flow, first: usize, margin: usize) -> f64 {
        let (top, left) = (first / flow.width * 8, first % flow.width * 8);
        let rows = top.saturating_sub(margin)..(top + BLOCK + margin).min(self.target.len() / self.width);
        let columns = left.saturating_sub(margin)..(left + BLOCK + margin).min(self.width);
        let mut sum = 0;
        let read = |i: usize, j: usize, motion: Vector, shown: &mut [i32]| self.shown(i, j, motion, shown);
        flow.seen_within(self.blend, 8, rows, columns, read, |i, j, shown| {
            sum += self.difference(i, j, shown)
        });
        sum as f64 / 256.0
    }
}
