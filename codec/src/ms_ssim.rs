//! MS-SSIM of two pictures and its slope: which way every sample of the shown one would have to move.
//!
//! The metric of `vcn test` (Wang, Simoncelli and Bovik 2003; mean of R, G and B) but for a short cut at its finest scale, whose
//! weight is .04: chroma has half the resolution of luma here, so there luma stands for all three.

/// Exponents of the scales, finest first.
const WEIGHTS: [f32; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
const TAPS: usize = 11;
const SIGMA: f32 = 1.5;
const C1: f32 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f32 = (0.03 * 255.0) * (0.03 * 255.0);
/// Mid-grey, which is 0 in the planes that are compared: that keeps sums of squares accurate.
const CENTRE: f32 = 128.0;
/// What Cb and Cr add to luma in R, G and B (BT.709, full range).
const CHROMA: [[f32; 2]; 3] = [[0.0, 1.5748], [-0.1873, -0.4681], [1.8556, 0.0]];
/// What a loss of all structure, MS-SSIM 0, is worth in squared grey levels. Along the curve of `psnr-3` on the clips held
/// out, 1 - MS-SSIM falls by one where squared error falls by 2000 to 2350, at all qualities: with the same exchange rates
/// the models for both metrics stop spending bits at about the same rate.
pub const WORTH: f32 = 2100.0;

/// Smallest similarity of a scale: below it powers have no slope.
const LEAST: f32 = 1e-3;

/// The source of a comparison, ready for many.
pub struct Structure {
    luma: Known,
    /// R, G and B by scale, from half of luma's resolution on.
    colours: Vec<[Known; 3]>,
}

/// The result of a comparison.
pub struct Comparison {
    /// MS-SSIM, at most 1.
    pub similarity: f32,
    /// Its derivative by each sample of the shown picture: luma, Cb, Cr.
    pub slopes: [Vec<f32>; 3],
}

impl Structure {
    /// For the planes of a source (luma, Cb, Cr; 4:2:0, in grey levels from mid-grey) of `height` x `width` samples, multiples of
    /// 16. As many scales count as hold the window (five from 176), their exponents divided by their sum.
    pub fn new(source: [Vec<f32>; 3], [height, width]: [usize; 2]) -> Structure {
        let [luma, cb, cr] = maps(source, [height, width]);
        let scales = scales(width.min(height));
        let mut colours = Vec::new();
        if scales > 1 {
            let mut planes = rgb(&luma.halved(), [&cb, &cr]);
            for scale in 1..scales {
                if scale > 1 {
                    planes = planes.map(|p| p.halved());
                }
                colours.push(planes.each_ref().map(Known::new));
            }
        }
        Structure { luma: Known::new(&luma), colours }
    }

    /// Compares a shown picture in the same form.
    pub fn compare(&self, shown: [Vec<f32>; 3]) -> Comparison {
        let scales = self.colours.len() + 1;
        let total: f32 = WEIGHTS[..scales].iter().sum();
        let weight = |scale: usize| WEIGHTS[scale] / total;
        let Map { width, height, .. } = self.luma.plane;
        let [luma, cb, cr] = maps(shown, [height, width]);
        let (finest, mut luma_slope) = self.luma.compare(&luma, scales == 1);
        let mut similarities = [finest.max(LEAST).powf(weight(0)); 3];
        let mut compared = Vec::new();
        let mut planes = rgb(&luma.halved(), [&cb, &cr]);
        for (k, known) in self.colours.iter().enumerate() {
            if k > 0 {
                planes = planes.map(|p| p.halved());
            }
            let results: [(f32, Map); 3] =
                std::array::from_fn(|c| known[c].compare(&planes[c], k + 2 == scales));
            for c in 0..3 {
                similarities[c] *= results[c].0.max(LEAST).powf(weight(k + 1));
            }
            compared.push(results);
        }
        // d M / d S = weight M / S, of each channel's third of the mean.
        let share = |c: usize, scale: usize, s: f32| {
            if s > LEAST { similarities[c] / 3.0 * weight(scale) / s } else { 0.0 }
        };
        let mut slopes: Option<[Map; 3]> = None;
        for (k, mut results) in compared.into_iter().enumerate().rev() {
            for (c, (s, slope)) in results.iter_mut().enumerate() {
                slope.scale(share(c, k + 1, *s));
                if let Some(coarser) = &slopes {
                    slope.add_spread(&coarser[c]);
                }
            }
            slopes = Some(results.map(|(_, slope)| slope));
        }
        luma_slope.scale((0..3).map(|c| share(c, 0, finest)).sum());
        let mut chroma = [cb, cr];
        chroma.iter_mut().for_each(|plane| plane.data.fill(0.0));
        if let Some(slopes) = slopes {
            for (slope, by_chroma) in slopes.iter().zip(CHROMA) {
                luma_slope.add_spread(slope);
                chroma.iter_mut().zip(by_chroma).for_each(|(chroma, by)| chroma.add(slope, by));
            }
        }
        let [cb, cr] = chroma;
        Comparison {
            similarity: similarities.iter().sum::<f32>() / 3.0,
            slopes: [luma_slope.data, cb.smoothed().data, cr.smoothed().data],
        }
    }
}

/// Number of scales whose side still holds the window, at least 1.
fn scales(mut side: usize) -> usize {
    let mut count = 1;
    while count < WEIGHTS.len() && side / 2 >= TAPS {
        side /= 2;
        count += 1;
    }
    count
}

/// The planes of a 4:2:0 picture of `height` x `width` samples, chroma as the metric sees it.
fn maps([y, u, v]: [Vec<f32>; 3], [height, width]: [usize; 2]) -> [Map; 3] {
    let half = |data| Map { width: width / 2, height: height / 2, data }.smoothed();
    [Map { width, height, data: y }, half(u), half(v)]
}

/// R, G and B of luma and chroma of the same size.
fn rgb(luma: &Map, [cb, cr]: [&Map; 2]) -> [Map; 3] {
    CHROMA.map(|[b, r]| {
        let mut plane = Map { data: luma.data.clone(), ..*luma };
        plane.add(cb, b);
        plane.add(cr, r);
        plane
    })
}

/// A plane of real numbers.
struct Map {
    width: usize,
    height: usize,
    data: Vec<f32>,
}

impl Map {
    /// Means of 2x2.
    fn halved(&self) -> Map {
        let (width, height) = (self.width / 2, self.height / 2);
        let at = |i: usize, j: usize| self.data[i * self.width + j];
        let mean = |i: usize, j: usize| {
            0.25 * (at(2 * i, 2 * j) + at(2 * i, 2 * j + 1) + at(2 * i + 1, 2 * j) + at(2 * i + 1, 2 * j + 1))
        };
        let data =
            (0..height).flat_map(|i| (0..width).map(move |j| (i, j))).map(|(i, j)| mean(i, j)).collect();
        Map { width, height, data }
    }

    /// Adds the slope of what [`Map::halved`] gives, as slope of what it took.
    fn add_spread(&mut self, halved: &Map) {
        for (i, row) in self.data.chunks_exact_mut(self.width).take(2 * halved.height).enumerate() {
            let from = &halved.data[i / 2 * halved.width..][..halved.width];
            row.iter_mut().enumerate().take(2 * halved.width).for_each(|(j, v)| *v += 0.25 * from[j / 2]);
        }
    }

    /// Brought to twice the resolution, bilinearly and with edges repeated, and halved again; its own adjoint.
    fn smoothed(mut self) -> Map {
        let Map { width, height, ref mut data } = self;
        // Lines of `count` samples, `step` apart.
        let mut smooth = |first: usize, count: usize, step: usize| {
            let mut before = data[first];
            for k in 0..count {
                let at = first + k * step;
                let (here, behind) = (data[at], data[if k + 1 < count { at + step } else { at }]);
                data[at] = 0.75 * here + 0.125 * (before + behind);
                before = here;
            }
        };
        (0..height).for_each(|i| smooth(i * width, width, 1));
        (0..width).for_each(|j| smooth(j, height, width));
        self
    }

    fn add(&mut self, other: &Map, factor: f32) {
        self.data.iter_mut().zip(&other.data).for_each(|(v, o)| *v += factor * o);
    }

    fn scale(&mut self, factor: f32) {
        self.data.iter_mut().for_each(|v| *v *= factor);
    }

    fn combine(&self, other: &Map, f: impl Fn(f32, f32) -> f32) -> Map {
        let data = self.data.iter().zip(&other.data).map(|(&a, &b)| f(a, b)).collect();
        Map { data, ..*self }
    }

    /// Means in the window wherever it fits.
    fn windowed(&self, window: &[f32; TAPS]) -> Map {
        let (width, height) = (self.width - TAPS + 1, self.height - TAPS + 1);
        let mut rows = vec![0.0; width * self.height];
        for (out, row) in rows.chunks_exact_mut(width).zip(self.data.chunks_exact(self.width)) {
            for (tap, weight) in window.iter().enumerate() {
                out.iter_mut().zip(&row[tap..]).for_each(|(o, v)| *o += weight * v);
            }
        }
        let mut data = vec![0.0; width * height];
        for (i, out) in data.chunks_exact_mut(width).enumerate() {
            for (tap, weight) in window.iter().enumerate() {
                out.iter_mut().zip(&rows[(i + tap) * width..]).for_each(|(o, v)| *o += weight * v);
            }
        }
        Map { width, height, data }
    }

    /// The adjoint of [`Map::windowed`].
    fn unwindowed(&self, window: &[f32; TAPS]) -> Map {
        let (width, height) = (self.width + TAPS - 1, self.height + TAPS - 1);
        let mut rows = vec![0.0; self.width * height];
        for (i, row) in self.data.chunks_exact(self.width).enumerate() {
            for (tap, weight) in window.iter().enumerate() {
                let out = &mut rows[(i + tap) * self.width..][..self.width];
                out.iter_mut().zip(row).for_each(|(o, v)| *o += weight * v);
            }
        }
        let mut data = vec![0.0; width * height];
        for (out, row) in data.chunks_exact_mut(width).zip(rows.chunks_exact(self.width)) {
            for (tap, weight) in window.iter().enumerate() {
                out[tap..].iter_mut().zip(row).for_each(|(o, v)| *o += weight * v);
            }
        }
        Map { width, height, data }
    }
}

/// A plane of the source at one scale, with its means and mean squares.
struct Known {
    plane: Map,
    mean: Map,
    squares: Map,
}

impl Known {
    fn new(plane: &Map) -> Known {
        let window = window();
        let squares = plane.combine(plane, |a, _| a * a).windowed(&window);
        let plane = Map { data: plane.data.clone(), ..*plane };
        Known { mean: plane.windowed(&window), squares, plane }
    }

    /// Mean contrast-structure term, times luminance at the `coarsest` scale, and its slope by the shown plane.
    fn compare(&self, shown: &Map, coarsest: bool) -> (f32, Map) {
        let window = window();
        let mean = shown.windowed(&window);
        let squares = shown.combine(shown, |b, _| b * b).windowed(&window);
        let product = self.plane.combine(shown, |a, b| a * b).windowed(&window);
        let (mut sum, places) = (0.0, mean.data.len());
        // Slopes by the mean of the product, by the mean of the squares, and by the mean of what is shown.
        let [mut by_product, mut by_squares, mut by_mean] =
            [vec![0.0; places], vec![0.0; places], vec![0.0; places]];
        for i in 0..places {
            let (ma, mb) = (self.mean.data[i], mean.data[i]);
            let below = self.squares.data[i] + squares.data[i] - ma * ma - mb * mb + C2;
            let contrast = (2.0 * (product.data[i] - ma * mb) + C2) / below;
            let (mut luminance, mut by_luminance) = (1.0, 0.0);
            if coarsest {
                let (ma, mb) = (ma + CENTRE, mb + CENTRE);
                let below = ma * ma + mb * mb + C1;
                luminance = (2.0 * ma * mb + C1) / below;
                by_luminance = 2.0 * (ma - luminance * mb) / below;
            }
            sum += f64::from(contrast * luminance);
            by_product[i] = 2.0 * luminance / below;
            by_squares[i] = -contrast * luminance / below;
            by_mean[i] = 2.0 * luminance * (contrast * mb - ma) / below + contrast * by_luminance;
        }
        let spread = |data: Vec<f32>| Map { data, ..mean }.unwindowed(&window);
        let [by_product, by_squares, by_mean] = [by_product, by_squares, by_mean].map(spread);
        let each = 1.0 / places as f32;
        let slope = |i: usize| {
            let along = self.plane.data[i] * by_product.data[i] + 2.0 * shown.data[i] * by_squares.data[i];
            each * (along + by_mean.data[i])
        };
        let data = (0..shown.data.len()).map(slope).collect();
        ((sum / places as f64) as f32, Map { data, ..*shown })
    }
}

/// The Gaussian window; sums to 1.
fn window() -> [f32; TAPS] {
    let gauss: [f32; TAPS] =
        std::array::from_fn(|k| (-(k as f32 - (TAPS / 2) as f32).powi(2) / (2.0 * SIGMA * SIGMA)).exp());
    let sum: f32 = gauss.iter().sum();
    gauss.map(|g| g / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waves, with noise of a strength.
    fn planes(side: usize, noise: f32) -> [Vec<f32>; 3] {
        let random =
            |i: usize| ((i as u32).wrapping_mul(2_654_435_761).rotate_left(9) % 1000) as f32 / 1000.0;
        [side, side / 2, side / 2].map(|side| {
            let wave =
                |i: usize| (i as f32 * 0.61).sin() * 50.0 + (i as f32 / side as f32 * 0.37).cos() * 40.0;
            (0..side * side).map(|i| wave(i) + noise * (random(i) - 0.5)).collect()
        })
    }

    #[test]
    fn the_slope_is_that_of_the_value() {
        for side in [16, 64, 192] {
            let structure = Structure::new(planes(side, 0.0), [side; 2]);
            assert!((structure.compare(planes(side, 0.0)).similarity - 1.0).abs() < 1e-6);
            let shown = planes(side, 80.0);
            let compared = structure.compare(shown.clone());
            assert!(compared.similarity < 0.99);
            // A step of half a grey level along the sign of the slope, in one plane at a time.
            for k in 0..3 {
                let step = |by: f32| {
                    let mut moved = shown.clone();
                    moved[k]
                        .iter_mut()
                        .zip(&compared.slopes[k])
                        .for_each(|(v, slope)| *v += by * slope.signum());
                    structure.compare(moved).similarity
                };
                let foretold: f32 = compared.slopes[k].iter().map(|s| s.abs()).sum();
                let found = step(0.5) - step(-0.5);
                assert!((found - foretold).abs() < 0.02 * foretold + 1e-6, "{side} {k}: {found} {foretold}");
            }
        }
    }
}
