//! Motion told block by block, where the network's flow is not good enough.
//!
//! The motion network tells smooth motion in few bits. Where things move past each other its flow is soft, and a vector for a
//! block, as in H.264, costs less than what it mends (doc/TRAINING.md). So every 16x16 block of an inter frame either keeps the
//! foretold flow, inherits the motion of its neighbours, or has a vector for itself or for each of its 8x8 quarters.

mod choice;
mod sides;

use crate::entropy::{Habit, SymbolDecoder, SymbolEncoder};
use crate::model::params::FLOW;
use crate::warp::Flow;
use crate::{Error, Result};

pub use choice::Eye;
pub use sides::{Between, ChosenBetween, Side, Sides, foretold};

/// A displacement in 1/16 luma samples, horizontal first. Told vectors are whole quarters of a sample.
type Vector = [i32; 2];

/// The share of a frame's lambda with which the search for vectors weighs its field: as little smoothness as finds true motion.
pub const SEARCH: f32 = 0.25;
/// What an error of the prediction is worth beside one of the decoded frame.
const PREDICTION_WORTH: f64 = 0.7;
/// Units of a vector in a quarter of a sample.
const QUARTER: i32 = 4;
/// Flow sites of a block, each way.
const SIDE: usize = 2;
/// Longest binary length of the difference between a vector and what is expected, in quarter samples.
const LENGTHS: usize = 12;
/// Motions that a block may inherit, at most.
const HERITAGE: usize = 6;

/// What a bit of motion is worth in squared errors of the prediction.
pub fn worth(lambda: f32) -> f64 {
    f64::from(lambda) / PREDICTION_WORTH
}

/// Where a block's motion comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// From the network.
    Foretold,
    /// As one of the [`Surroundings::heritage`].
    Inherited(u8),
    /// From a vector of its own.
    One(Vector),
    /// From a vector for each 8x8 quarter, row by row.
    Four([Vector; 4]),
}

/// The motion of a block of which nothing is told because nothing is seen through it: what its neighbours let expect.
const UNUSED: Block = Block::Inherited(0);

/// Reads, writes or weighs answers; all but the reader are told them.
trait Answers {
    fn flag(&mut self, habit: &mut Habit, yes: bool) -> Result<bool>;
    fn bits(&mut self, value: u32, count: u32) -> Result<u32>;
}

struct Writing<'a>(&'a mut SymbolEncoder);

impl Answers for Writing<'_> {
    fn flag(&mut self, habit: &mut Habit, yes: bool) -> Result<bool> {
        self.0.put_flag(habit.chance(), yes);
        habit.learn(yes);
        Ok(yes)
    }

    fn bits(&mut self, value: u32, count: u32) -> Result<u32> {
        self.0.put_bits(value, count);
        Ok(value)
    }
}

struct Reading<'a, 'b>(&'a mut SymbolDecoder<'b>);

impl Answers for Reading<'_, '_> {
    fn flag(&mut self, habit: &mut Habit, _: bool) -> Result<bool> {
        let yes = self.0.get_flag(habit.chance())?;
        habit.learn(yes);
        Ok(yes)
    }

    fn bits(&mut self, _: u32, count: u32) -> Result<u32> {
        self.0.get_bits(count)
    }
}

/// What is known of a block before it is told.
struct Surroundings {
    /// How many of the blocks to the left and above are not as foretold.
    told: usize,
    /// Whether the block was not as foretold in the last inter frame.
    before: bool,
    /// Motions that it may inherit, each different: what its neighbours let expect, that of the block to the left, of the one
    /// above, what it had in the last inter frame, and then those of the upper right and, in the last inter frame, of the
    /// lower right (after the merge candidates of HEVC).
    heritage: [Vector; HERITAGE],
    /// How many of them there are, at least one.
    heirs: usize,
}

impl Surroundings {
    /// The motion that a vector is told relative to.
    fn expected(&self) -> Vector {
        self.heritage[0]
    }
}

/// How often what was told.
#[derive(Clone)]
struct Habits {
    told: [Habit; 6],
    own: [Habit; 3],
    next: [Habit; HERITAGE - 1],
    four: Habit,
    differs: [Habit; 4],
    longer: [Habit; LENGTHS],
}

impl Habits {
    fn block(&mut self, answers: &mut impl Answers, at: &Surroundings, block: Block) -> Result<Block> {
        let told = &mut self.told[2 * at.told + usize::from(at.before)];
        if !answers.flag(told, block != Block::Foretold)? {
            return Ok(Block::Foretold);
        }
        let (inherited, vectors) = match block {
            Block::Foretold => (None, [[0; 2]; 4]),
            Block::Inherited(heir) => (Some(heir), [[0; 2]; 4]),
            Block::One(vector) => (None, [vector; 4]),
            Block::Four(vectors) => (None, vectors),
        };
        if !answers.flag(&mut self.own[at.told], inherited.is_none())? {
            let wanted = inherited.unwrap_or(0);
            let mut heir = 0;
            while usize::from(heir) + 1 < at.heirs
                && answers.flag(&mut self.next[usize::from(heir)], wanted > heir)?
            {
                heir += 1;
            }
            return Ok(Block::Inherited(heir));
        }
        if !answers.flag(&mut self.four, matches!(block, Block::Four(_)))? {
            return Ok(Block::One(self.vector(answers, at.expected(), vectors[0])?));
        }
        let mut expected = at.expected();
        let mut told = [[0; 2]; 4];
        for (told, vector) in told.iter_mut().zip(vectors) {
            expected = self.vector(answers, expected, vector)?;
            *told = expected;
        }
        Ok(Block::Four(told))
    }

    /// A vector by its difference from the expected one.
    fn vector(&mut self, answers: &mut impl Answers, expected: Vector, vector: Vector) -> Result<Vector> {
        let mut told = [0; 2];
        let mut differed = false;
        for k in 0..2 {
            let base = nearest(expected[k]) / QUARTER;
            let difference = vector[k] / QUARTER - base;
            let habit = &mut self.differs[2 * k + usize::from(differed)];
            let mut value = 0;
            differed = answers.flag(habit, difference != 0)?;
            if differed {
                let negative = answers.bits(u32::from(difference < 0), 1)? == 1;
                let magnitude = self.magnitude(answers, difference.unsigned_abs().max(1))? as i32;
                value = if negative { -magnitude } else { magnitude };
            }
            told[k] = limited(QUARTER * (base + value));
        }
        Ok(told)
    }

    /// A number from 1 in an exponential Golomb code (Teuhola 1978) whose prefix is learned.
    fn magnitude(&mut self, answers: &mut impl Answers, magnitude: u32) -> Result<u32> {
        let mut length = 0;
        while answers.flag(&mut self.longer[length as usize], magnitude >> (length + 1) > 0)? {
            length += 1;
            if length as usize == LENGTHS {
                return Err(Error::SymbolRange { symbol: length as i32, limit: LENGTHS as i32 - 1 });
            }
        }
        let rest = answers.bits(magnitude & ((1 << length) - 1), length)?;
        Ok((1 << length) + rest)
    }
}

/// The nearest whole quarter of a sample.
fn nearest(units: i32) -> i32 {
    (units + QUARTER / 2).div_euclid(QUARTER) * QUARTER
}

/// Within what a flow can hold.
fn limited(units: i32) -> i32 {
    let limit = FLOW.max() / QUARTER * QUARTER;
    units.clamp(-limit, limit)
}

/// Codes the blocks of the inter frames of a GOP.
#[derive(Clone)]
pub struct Vectors {
    /// Blocks in a row.
    width: usize,
    /// Which blocks were not as foretold in the last inter frame.
    before: Vec<bool>,
    /// The flow of the last inter frame.
    last: Flow,
    habits: Habits,
}

/// The blocks that were chosen for a frame.
#[derive(Clone)]
pub struct Chosen(Vec<Block>);

/// A frame's flow while its blocks are told one by one.
struct Field<'a> {
    foretold: &'a Flow,
    flow: Flow,
    blocks: Vec<Block>,
}

impl Field<'_> {
    /// Index of the first site of a block in a component of the flow.
    fn site(&self, width: usize, block: usize) -> usize {
        block / width * SIDE * self.flow.width + block % width * SIDE
    }

    fn set(&mut self, width: usize, index: usize, at: &Surroundings, block: Block) {
        let first = self.site(width, index);
        let sites = self.flow.width * self.flow.height;
        for cell in 0..4 {
            let site = first + cell / SIDE * self.flow.width + cell % SIDE;
            for k in 0..2 {
                self.flow.data[k * sites + site] = match block {
                    Block::Foretold => self.foretold.data[k * sites + site],
                    Block::Inherited(heir) => at.heritage[usize::from(heir)][k],
                    Block::One(vector) => vector[k],
                    Block::Four(vectors) => vectors[cell][k],
                };
            }
        }
        self.blocks[index] = block;
    }
}

impl Vectors {
    /// For pictures of `height` x `width` flow sites, both even.
    pub fn new(sites: [usize; 2]) -> Vectors {
        let [height, width] = sites.map(|side| side / SIDE);
        Vectors {
            width,
            before: vec![false; width * height],
            last: Flow::still(sites),
            habits: Habits {
                told: [(1, 12), (1, 4), (1, 4), (2, 2), (2, 2), (4, 1)].map(|(a, b)| Habit::new(a, b)),
                own: [Habit::new(4, 1), Habit::new(2, 2), Habit::new(2, 2)],
                next: [Habit::new(2, 2); HERITAGE - 1],
                four: Habit::new(1, 4),
                differs: [Habit::new(3, 1); 4],
                longer: [Habit::new(2, 2); LENGTHS],
            },
        }
    }

    fn field<'a>(&self, foretold: &'a Flow) -> Field<'a> {
        Field { foretold, flow: foretold.clone(), blocks: vec![Block::Foretold; self.before.len()] }
    }

    /// What is known of a block when those before it are told.
    fn surroundings(&self, field: &Field, index: usize) -> Surroundings {
        let (row, column) = (index / self.width, index % self.width);
        let (w, sites) = (field.flow.width, field.flow.width * field.flow.height);
        let first = field.site(self.width, index);
        let told = |there: bool, back: usize| there && field.blocks[index - back] != Block::Foretold;
        // The left, the upper and the upper right site; beyond the border what was foretold here.
        let left = (column > 0).then(|| first - 1);
        let above = (row > 0).then(|| first - w);
        let corner = match (row > 0, column > 0, column + 1 < self.width) {
            (true, _, true) => Some(first - w + SIDE),
            (true, true, false) => Some(first - w - 1),
            _ => None,
        };
        let vector = |flow: &Flow, site: usize| [0, 1].map(|k| flow.data[k * sites + site]);
        let [a, b, c] = [left, above, corner]
            .map(|site| site.map_or_else(|| vector(field.foretold, first), |site| vector(&field.flow, site)));
        let median = [0, 1].map(|k| a[k].max(b[k]).min(a[k].min(b[k]).max(c[k])));
        let (mut heritage, mut heirs) = ([median; HERITAGE], 1);
        let (right, below) = (column + 1 < self.width, index + self.width < self.before.len());
        let ahead = first + if right { SIDE } else { 0 } + if below { SIDE * w } else { 0 };
        for motion in [a, b, vector(&self.last, first), c, vector(&self.last, ahead)] {
            if !heritage[..heirs].contains(&motion) {
                heritage[heirs] = motion;
                heirs += 1;
            }
        }
        Surroundings {
            told: usize::from(told(column > 0, 1)) + usize::from(told(row > 0, self.width)),
            before: self.before[index],
            heritage,
            heirs,
        }
    }

    /// Reads the blocks of a frame: from the foretold flow to the flow.
    ///
    /// # Errors
    /// If the payload is damaged.
    pub fn read(&mut self, coder: &mut SymbolDecoder, foretold: &Flow) -> Result<Flow> {
        self.tell(&mut Reading(coder), foretold, None, None)
    }

    /// Writes the blocks of a frame.
    ///
    /// # Errors
    /// None; the signature is the reader's.
    pub fn write(&mut self, coder: &mut SymbolEncoder, foretold: &Flow, chosen: &Chosen) -> Result<Flow> {
        self.tell(&mut Writing(coder), foretold, None, Some(&chosen.0))
    }

    /// Number of blocks.
    fn blocks(&self) -> usize {
        self.before.len()
    }

    /// Reads or writes the blocks of a frame that are `used`, all if nothing is said of that.
    fn tell(
        &mut self,
        answers: &mut impl Answers,
        foretold: &Flow,
        used: Option<&[bool]>,
        blocks: Option<&[Block]>,
    ) -> Result<Flow> {
        let mut field = self.field(foretold);
        for index in 0..self.before.len() {
            let at = self.surroundings(&field, index);
            if used.is_some_and(|used| !used[index]) {
                field.set(self.width, index, &at, UNUSED);
                continue;
            }
            let block = blocks.map_or(Block::Foretold, |blocks| blocks[index]);
            let block = self.habits.block(answers, &at, block)?;
            field.set(self.width, index, &at, block);
        }
        self.before = field.blocks.iter().map(|&block| block != Block::Foretold).collect();
        self.last.clone_from(&field.flow);
        Ok(field.flow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warp::{Blend, Plane};

    /// A texture of `width` x `height`, its left half moved by `vector` whole samples.
    pub(super) fn textured(width: usize, height: usize, vector: [usize; 2]) -> Plane {
        let value = |i: usize, j: usize| {
            let (i, j) = if j < width / 2 { (i + vector[1], j + vector[0]) } else { (i, j) };
            (128.0 + 60.0 * (0.37 * i as f64).sin() * (0.23 * j as f64 + 0.1 * i as f64).cos()) as u8
        };
        Plane { width, height, data: (0..width * height).map(|n| value(n / width, n % width)).collect() }
    }

    /// A flow of one vector, 1/16 samples.
    pub(super) fn uniform(vector: Vector, [height, width]: [usize; 2]) -> Flow {
        let data = vector.iter().flat_map(|&v| std::iter::repeat_n(v, width * height)).collect();
        Flow { width, height, data }
    }

    /// Payloads that nobody wrote.
    pub(super) fn noise() -> impl Iterator<Item = [u8; 64]> {
        (0..200u8).map(|case| {
            let mut payload = [0; 64];
            blake3::Hasher::new().update(&[case]).finalize_xof().fill(&mut payload);
            payload
        })
    }

    #[test]
    fn blocks_are_read_back_and_mend_what_was_foretold() {
        let size = [8, 12];
        let (reference, source) = (textured(96, 64, [0, 0]), textured(96, 64, [3, 2]));
        let eye = Eye::new(&source, &reference, Blend::Pictures);
        // One foretold flow is silent, one is off by what no vector can hold.
        for foretold in [Flow::still(size), uniform([-FLOW.max(), FLOW.max()], size)] {
            let (mut writer, mut coder) = (Vectors::new(size), SymbolEncoder::new());
            let error = |flow: &Flow| -> f64 {
                (0..24).map(|b| eye.blended(flow, b / 6 * 2 * 12 + b % 6 * 2, 0)).sum()
            };
            let mut written = Vec::new();
            for _ in 0..3 {
                let chosen = writer.choose(&eye, &foretold, &uniform([3 * 16, 2 * 16], size), 50.0);
                written.push(writer.write(&mut coder, &foretold, &chosen).unwrap());
                assert!(error(&written[written.len() - 1]) < 0.5 * error(&foretold));
            }
            written[0].enlarged(8, |row, column, motion| {
                assert!((row, column) != (40, 16) || motion == [48, 32], "{motion:?}");
            });
            assert!(coder.bits_written() < 3.0 * 24.0 * 8.0, "{}", coder.bits_written());
            let payload = coder.finish();
            let (mut reader, mut coder) = (Vectors::new(size), SymbolDecoder::new(&payload).unwrap());
            for flow in written {
                assert_eq!(reader.read(&mut coder, &foretold).unwrap(), flow);
            }
            coder.finish().unwrap();
        }
    }

    #[test]
    fn every_block_is_read_back_and_weighs_what_it_costs() {
        let size = [2, 2];
        let far = FLOW.max() / QUARTER * QUARTER;
        let blocks = [
            Block::Foretold,
            Block::Inherited(0),
            Block::Inherited(1),
            Block::One([0, 0]),
            Block::One([far, -far]),
            Block::Four([[4, 0], [-far, far], [far, -far], [0, -8]]),
        ];
        for block in blocks {
            let foretold = uniform([-7, 13], size);
            let vectors = Vectors::new(size);
            let mut coder = SymbolEncoder::new();
            let at = vectors.surroundings(&vectors.field(&foretold), 0);
            let flow = vectors.clone().write(&mut coder, &foretold, &Chosen(vec![block])).unwrap();
            let weight = vectors.weight(&vectors.habits, &at, block);
            // Writing learns from flag to flag, weighing does not.
            let bits = coder.bits_written();
            assert!((bits - weight).abs() < 1.0 + 0.2 * weight, "{block:?} {weight} {bits}");
            let payload = coder.finish();
            let mut coder = SymbolDecoder::new(&payload).unwrap();
            assert_eq!(vectors.clone().read(&mut coder, &foretold).unwrap(), flow, "{block:?}");
        }
    }

    #[test]
    fn noise_is_read_without_harm() {
        for payload in noise() {
            let Ok(mut coder) = SymbolDecoder::new(&payload) else { continue };
            let mut vectors = Vectors::new([8, 12]);
            for _ in 0..4 {
                let Ok(flow) = vectors.read(&mut coder, &Flow::still([8, 12])) else { break };
                assert!(flow.data.iter().all(|v| v.abs() <= FLOW.max()));
            }
        }
    }
}
