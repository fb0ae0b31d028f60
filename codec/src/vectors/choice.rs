//! Which vectors a frame gets: the encoder's choice, by squared error of the luma of the prediction plus what bits are worth.

use super::{
    Answers, Block, Chosen, Field, Habits, QUARTER, Surroundings, Vector, Vectors, limited, nearest,
};
use crate::Result;
use crate::entropy::Habit;
use crate::warp::{Blend, Flow, Plane};

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
        let mut field = self.field(foretold);
        let mut habits = self.habits.clone();
        let sites = foretold.width * foretold.height;
        let searched = |site: usize| [0, 1].map(|k| limited(nearest(candidates.data[k * sites + site])));
        // In raster order, each block as if its motion were constant and those after it as foretold.
        for index in 0..self.before.len() {
            let at = self.surroundings(&field, index);
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
            self.reconsider(eye, &mut field, index, worth);
        }
        Chosen(field.blocks)
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
pub struct Eye<'a> {
    source: &'a Plane,
    /// The reference at half-sample resolution.
    grid: Plane,
    blend: Blend,
}

impl<'a> Eye<'a> {
    /// For a source and its reference.
    pub fn new(source: &'a Plane, reference: &Plane, blend: Blend) -> Eye<'a> {
        Eye { source, grid: reference.half_samples(), blend }
    }

    /// What the reference shows of a sample that moved so, in 1/16 grey levels.
    fn shown(&self, i: usize, j: usize, [x, y]: Vector) -> i32 {
        self.grid.luma_at(16 * j as i32 + x, 16 * i as i32 + y)
    }

    /// Squared difference of a sample from what is shown, in units of 1/256.
    fn difference(&self, i: usize, j: usize, shown: i32) -> i64 {
        let difference = 16 * i32::from(self.source.data[i * self.source.width + j]) - shown;
        i64::from(difference * difference)
    }

    /// Squared error of an 8x8 site of the flow that moves as one.
    fn constant(&self, site: usize, vector: Vector) -> f64 {
        let width = self.source.width / 8;
        let (top, left) = (site / width * 8, site % width * 8);
        let rows = top..top + 8;
        let sum: i64 = rows
            .flat_map(|i| (left..left + 8).map(move |j| self.difference(i, j, self.shown(i, j, vector))))
            .sum();
        sum as f64 / 256.0
    }

    /// Squared error of a block from its first site on, and of `margin` samples around it, through a flow.
    pub(super) fn blended(&self, flow: &Flow, first: usize, margin: usize) -> f64 {
        let (top, left) = (first / flow.width * 8, first % flow.width * 8);
        let rows =
            top.saturating_sub(margin)..(top + 16 + margin).min(self.source.data.len() / self.source.width);
        let columns = left.saturating_sub(margin)..(left + 16 + margin).min(self.source.width);
        let mut sum = 0;
        let read = |i: usize, j: usize, motion: Vector| self.shown(i, j, motion);
        flow.seen_within(self.blend, 8, rows, columns, read, |i, j, shown| {
            sum += self.difference(i, j, shown)
        });
        sum as f64 / 256.0
    }
}
