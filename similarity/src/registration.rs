//! How one video shows what another does: cropped, shifted, brighter. Found by Gauss-Newton over a pyramid of thumbnails
//! (Lucas and Kanade 1981; Baker and Matthews 2004), with weights that logos and captions do not sway (Huber 1964).

use crate::{
    distortion::Distortion,
    residual::Residual,
    thumbnail::{SIDE, Thumbnail},
};

/// Unknowns: scale and shift of each axis, gain and offset of luma.
const UNKNOWNS: usize = 6;
/// Sides of the thumbnails on which the fit goes on from coarse to fine.
const LEVELS: [usize; 4] = [20, 40, 80, SIDE];
/// Steps at each level.
const STEPS: usize = 8;

/// Maps a point of one picture, in units of its sides from its middle, to where another shows it, and the other's luma
/// to what the one has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Registration {
    /// Horizontal and vertical scale: below 1 if the other shows more than the one.
    pub scale: [f32; 2],
    /// Horizontal and vertical shift, in sides of the other.
    pub shift: [f32; 2],
    /// Factor of luma.
    pub gain: f32,
    /// Added to luma, in code values.
    pub offset: f32,
}

/// A plane of a square picture.
struct Plane {
    side: usize,
    samples: Vec<f32>,
}

/// Where a coordinate lies between the samples of a line: the first of two, and the part of the way to the second.
#[derive(Clone, Copy)]
struct Between {
    first: usize,
    part: f32,
}

/// Errors in a block.
#[derive(Clone, Copy, Default)]
struct Block {
    /// Samples that both pictures show.
    count: f32,
    /// Sum of their errors.
    sum: f32,
    /// Sum of the squares of these.
    squares: f32,
}

impl Block {
    fn mean(&self) -> f32 {
        (self.sum / self.count).abs()
    }

    fn mean_square(&self) -> f32 {
        self.squares / self.count
    }
}

impl Registration {
    /// No change at all.
    pub const IDENTITY: Registration =
        Registration { scale: [1.0; 2], shift: [0.0; 2], gain: 1.0, offset: 0.0 };

    /// The registration that makes a few pairs of thumbnails (luma, 160x160) agree best, one for all pairs.
    pub fn fit(pairs: &[(&[u8], &[u8])]) -> Registration {
        let fits = |luma: &[u8]| luma.len() == SIDE * SIDE;
        let pairs: Vec<_> = pairs.iter().filter(|(a, b)| fits(a) && fits(b)).collect();
        let mut fitted = Registration::IDENTITY;
        for side in LEVELS {
            let level: Vec<(Plane, Plane)> =
                pairs.iter().map(|(a, b)| (Plane::of(a, SIDE, side), Plane::of(b, SIDE, side))).collect();
            for _ in 0..STEPS {
                let Some(step) = fitted.step(&level) else { break };
                if !step.is_plausible() {
                    return Registration::IDENTITY;
                }
                let settled = fitted.is_near(&step);
                fitted = step;
                if settled {
                    break;
                }
            }
        }
        fitted
    }

    /// Whether another step would not be seen.
    fn is_near(&self, other: &Registration) -> bool {
        let moved = |a: [f32; 2], b: [f32; 2]| a.iter().zip(b).any(|(a, b)| (a - b).abs() > 2e-4);
        !moved(self.scale, other.scale)
            && !moved(self.shift, other.shift)
            && (self.gain - other.gain).abs() < 2e-3
    }

    /// Whether somebody may have done this to a video, rather than the fit to two that have nothing in common.
    fn is_plausible(&self) -> bool {
        let [across, along] = self.scale;
        self.scale.iter().all(|scale| (0.65..=1.5).contains(scale))
            && (0.8..=1.25).contains(&(across / along))
            && self.shift.iter().all(|shift| shift.abs() <= 0.3)
            && (0.5..=2.0).contains(&self.gain)
    }

    /// Whether the two show the same part, within what rounding of sizes and letterboxes does to thumbnails.
    pub fn is_same_part(&self) -> bool {
        self.scale.iter().all(|scale| (scale - 1.0).abs() < 0.02)
            && self.shift.iter().all(|shift| shift.abs() < 0.01)
    }

    /// Whether the two are of the same light, within what conversions of colour do.
    pub fn is_same_light(&self) -> bool {
        (self.gain - 1.0).abs() < 0.04 && (self.offset + 128.0 * (self.gain - 1.0)).abs() < 4.0
    }

    /// What is left between two thumbnails of 160x160.
    pub fn residual(&self, a: &Thumbnail, b: &Thumbnail) -> Residual {
        /// Blocks in a row whose errors are looked at.
        const BLOCKS: usize = SIDE / 8;
        let (a, b) = (a.picture(), b.picture());
        let luma = self.errors(&Plane::of(&a.y, SIDE, SIDE), &Plane::of(&b.y, SIDE, SIDE), BLOCKS);
        // Light is the affair of luma alone: chroma has no gain and no offset.
        let colourless = Registration { gain: 1.0, offset: 0.0, ..*self };
        let half = SIDE / 2;
        let colour: Vec<Block> = [(&a.u, &b.u), (&a.v, &b.v)]
            .into_iter()
            .flat_map(|(a, b)| {
                colourless.errors(&Plane::of(a, half, half), &Plane::of(b, half, half), BLOCKS)
            })
            .collect();
        let count: f32 = luma.iter().map(|block| block.count).sum();
        let mean = luma.iter().map(|block| block.squares).sum::<f32>() / count.max(1.0);
        Residual {
            distortion: Distortion {
                mean,
                worst_frame: mean,
                worst_block: seen(&luma).map(Block::mean_square).fold(0.0, f32::max),
            },
            typical: typical(&luma),
            worst_mean: seen(&luma).map(Block::mean).fold(0.0, f32::max),
            typical_colour: typical(&colour),
            worst_colour: seen(&colour).map(Block::mean).fold(0.0, f32::max),
            overlap: count / (SIDE * SIDE) as f32,
        }
    }

    /// Errors of one plane against another, in so many blocks in a row and a column.
    fn errors(&self, a: &Plane, b: &Plane, blocks: usize) -> Vec<Block> {
        let side = a.side / blocks;
        let mut errors = vec![Block::default(); blocks * blocks];
        let seen = |axis: usize| {
            let middle = move |at: usize| (at as f32 + 0.5) / a.side as f32 - 0.5;
            (0..a.side).map(move |at| b.between(self.scale[axis] * middle(at) + self.shift[axis]))
        };
        let columns: Vec<Option<Between>> = seen(0).collect();
        for (y, down) in seen(1).enumerate() {
            let Some(down) = down else { continue };
            for (x, across) in columns.iter().enumerate() {
                let Some(across) = *across else { continue };
                let value = b.at(across, down);
                let error = a.samples[y * a.side + x] - (self.gain * value + self.offset).clamp(0.0, 255.0);
                let block = &mut errors[y / side * blocks + x / side];
                block.count += 1.0;
                block.sum += error;
                block.squares += error * error;
            }
        }
        errors
    }

    /// One step of Gauss-Newton; nothing if the pictures do not determine one.
    fn step(&self, pairs: &[(Plane, Plane)]) -> Option<Registration> {
        let mut rows: Vec<([f32; UNKNOWNS], f32)> = Vec::new();
        for (a, b) in pairs {
            let pixel = 1.0 / a.side as f32;
            let middle = |at: usize| (at as f32 + 0.5) * pixel - 0.5;
            // A point and its neighbours on an axis, which the other axis does not change.
            let around = |axis: usize, at: usize| {
                let there = self.scale[axis] * middle(at) + self.shift[axis];
                match [there, there - pixel, there + pixel].map(|there| b.between(there)) {
                    [Some(here), Some(before), Some(behind)] => Some([here, before, behind]),
                    _ => None,
                }
            };
            let columns: Vec<Option<[Between; 3]>> = (0..a.side).map(|x| around(0, x)).collect();
            for y in 0..a.side {
                let Some([row, above, below]) = around(1, y) else { continue };
                for (x, column) in columns.iter().enumerate() {
                    let Some([column, before, behind]) = *column else { continue };
                    let (u, v) = (middle(x), middle(y));
                    let here = b.at(column, row);
                    let across = self.gain * (b.at(behind, row) - b.at(before, row)) / (2.0 * pixel);
                    let along = self.gain * (b.at(column, below) - b.at(column, above)) / (2.0 * pixel);
                    let error = a.samples[y * a.side + x] - (self.gain * here + self.offset);
                    rows.push(([across * u, across, along * v, along, here, 1.0], error));
                }
            }
        }
        let spread = median(rows.iter().map(|(_, error)| error.abs()).collect())?.max(1.0);
        let limit = 2.0 * spread;
        let mut normal = [[0f64; UNKNOWNS + 1]; UNKNOWNS];
        for (row, error) in &rows {
            let weight = f64::from((limit / error.abs()).min(1.0));
            for (i, line) in normal.iter_mut().enumerate() {
                for j in 0..UNKNOWNS {
                    line[j] += weight * f64::from(row[i]) * f64::from(row[j]);
                }
                line[UNKNOWNS] += weight * f64::from(row[i]) * f64::from(*error);
            }
        }
        let [sx, tx, sy, ty, gain, offset] = solve(normal)?.map(|value| value as f32);
        Some(Registration {
            scale: [self.scale[0] + sx, self.scale[1] + sy],
            shift: [self.shift[0] + tx, self.shift[1] + ty],
            gain: self.gain + gain,
            offset: self.offset + offset,
        })
    }
}

impl Plane {
    /// A plane of a square picture at a side by which its own can be divided.
    fn of(plane: &[u8], own: usize, side: usize) -> Plane {
        let factor = own / side;
        let mut out = vec![0.0; side * side];
        for (y, line) in plane.chunks_exact(own).enumerate() {
            for (x, part) in line.chunks_exact(factor).enumerate() {
                out[y / factor * side + x] += part.iter().map(|sample| f32::from(*sample)).sum::<f32>();
            }
        }
        let scale = 1.0 / (factor * factor) as f32;
        Plane { side, samples: out.into_iter().map(|sum| sum * scale).collect() }
    }

    /// Where a coordinate from the middle, in sides, lies between samples; nothing outside.
    fn between(&self, at: f32) -> Option<Between> {
        let side = self.side as f32;
        let at = (at + 0.5) * side - 0.5;
        if !(-0.5..=side - 0.5).contains(&at) {
            return None;
        }
        let at = at.clamp(0.0, side - 1.0);
        let first = (at as usize).min(self.side - 2);
        Some(Between { first, part: at - first as f32 })
    }

    /// Bilinear sample.
    fn at(&self, x: Between, y: Between) -> f32 {
        let at = y.first * self.side + x.first;
        let (upper, lower) = (&self.samples[at..at + 2], &self.samples[at + self.side..at + self.side + 2]);
        let above = upper[0] + x.part * (upper[1] - upper[0]);
        let below = lower[0] + x.part * (lower[1] - lower[0]);
        above + y.part * (below - above)
    }
}

/// Blocks of which enough is seen to say something.
fn seen(blocks: &[Block]) -> impl Iterator<Item = &Block> {
    let whole = blocks.iter().map(|block| block.count).fold(0.0, f32::max);
    blocks.iter().filter(move |block| block.count > 0.0 && block.count >= whole / 2.0)
}

/// Mean squared error over the better four fifths of the blocks.
fn typical(blocks: &[Block]) -> f32 {
    let mut errors: Vec<f32> =
        blocks.iter().filter(|block| block.count > 0.0).map(Block::mean_square).collect();
    errors.sort_by(f32::total_cmp);
    let better = errors.len() * 4 / 5;
    errors[..better].iter().sum::<f32>() / better.max(1) as f32
}

fn median(mut values: Vec<f32>) -> Option<f32> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

/// Solves a positive definite system by elimination; nothing if it is not.
fn solve(mut rows: [[f64; UNKNOWNS + 1]; UNKNOWNS]) -> Option<[f64; UNKNOWNS]> {
    for pivot in 0..UNKNOWNS {
        let taken = rows[pivot];
        if taken[pivot] < 1e-6 {
            return None;
        }
        for (_, row) in rows.iter_mut().enumerate().filter(|(row, _)| *row != pivot) {
            let factor = row[pivot] / taken[pivot];
            row.iter_mut().zip(taken).skip(pivot).for_each(|(value, above)| *value -= factor * above);
        }
    }
    Some(std::array::from_fn(|i| rows[i][UNKNOWNS] / rows[i][i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vcn_media::Yuv420;

    fn picture(part: f32, shift: f32, gain: f32, logo: bool, tint: u8) -> Thumbnail {
        let sample = |at: usize| {
            let [u, v] = [at % SIDE, at / SIDE].map(|at| (at as f32 + 0.5) / SIDE as f32 - 0.5);
            let (x, y) = (part * u + shift, part * v);
            let value = 120.0 + 50.0 * (9.0 * x).sin() * (7.0 * y).cos() + 20.0 * (23.0 * x + 17.0 * y).sin();
            if logo && u > 0.3 && v < -0.3 { 250.0 } else { gain * value }
        };
        let y = (0..SIDE * SIDE).map(|at| sample(at) as u8).collect();
        let half = SIDE / 2;
        let tinted = |at: usize| if at % half < 8 && at / half < 8 { 128 + tint } else { 128 };
        let u = (0..half * half).map(tinted).collect();
        Thumbnail::of(&Yuv420 { width: SIDE, height: SIDE, y, u, v: vec![128; half * half] }.into())
    }

    #[test]
    fn a_crop_with_more_light_and_a_logo_is_undone() {
        let (whole, cropped) = (picture(1.0, 0.0, 1.0, false, 0), picture(0.9, 0.05, 1.1, true, 0));
        let found = Registration::fit(&[(cropped.luma(), whole.luma())]);
        for scale in found.scale {
            assert!((scale - 0.9).abs() < 0.005, "{found:?}");
        }
        assert!((found.shift[0] - 0.05).abs() < 0.005 && found.shift[1].abs() < 0.005, "{found:?}");
        assert!((found.gain - 1.1).abs() < 0.02, "{found:?}");
        assert!(!found.is_same_part() && !found.is_same_light());
        let left = found.residual(&cropped, &whole);
        // The logo is what is left.
        assert!(left.worst_mean > 60.0 && Distortion::psnr(left.distortion.mean) < 25.0, "{left:?}");
        let clean = picture(0.9, 0.05, 1.1, false, 0);
        let left = Registration::fit(&[(clean.luma(), whole.luma())]).residual(&clean, &whole);
        assert!(left.worst_mean < 2.0 && Distortion::psnr(left.distortion.mean) > 40.0, "{left:?}");
        assert!(left.worst_colour < 0.01, "{left:?}");
    }

    #[test]
    fn a_colour_that_luma_does_not_show_is_left_over() {
        let (plain, tinted) = (picture(1.0, 0.0, 1.0, false, 0), picture(1.0, 0.0, 1.0, false, 20));
        let left = Registration::IDENTITY.residual(&tinted, &plain);
        assert!((left.worst_colour - 20.0).abs() < 0.01, "{left:?}");
        assert!(left.worst_mean < 0.01 && left.typical_colour < 0.01, "{left:?}");
    }
}
