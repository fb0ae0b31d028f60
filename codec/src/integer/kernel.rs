//! A convolution in 16-bit integers on the processor, with what follows it, in one pass.
//!
//! Pairs of input channels are multiplied and added to 32-bit sums, on x86 by one instruction (`pmaddwd`), for [`LANES`] output channels of
//! several samples at a time. `pulp` tells at run time which instructions there are; all give the same integers.

use pulp::bytemuck::Pod;
use pulp::cast;
use rayon::prelude::*;

use super::half;
use super::map::{Map, stride};
use crate::checkpoint::Layer;
use crate::model::params::{ACTIVATION, Conv};

/// Output channels that are computed together.
const LANES: usize = 16;
/// Weights that are multiplied together: of all lanes, for two input channels.
type Weights = [i16; 2 * LANES];
/// About how many multiplications are worth a task of their own.
const TASK: usize = 1 << 24;

/// A layer, its weights in the order in which they are used.
pub struct Kernel {
    conv: Conv,
    /// By lanes, then row and column of the kernel, then pairs of input channels; zeros beyond the last channel.
    weights: Vec<Weights>,
    lanes: Vec<Lanes>,
    /// What lies beyond the border.
    beyond: Vec<i16>,
    /// Whether all weights and biases are 0.
    pub silent: bool,
}

/// What follows the sums of output channels that are computed together.
struct Lanes {
    /// With what rounds to the nearest.
    bias: [i32; LANES],
    shift: [u32; LANES],
}

/// What follows a convolution.
pub enum Then<'a, T> {
    Nothing,
    Leaky,
    AddTo(&'a T),
}

impl Kernel {
    pub fn new(conv: &Conv, layer: &Layer) -> Kernel {
        let (cin, cout, taps) = (conv.cin, conv.cout, conv.k * conv.k);
        let pairs = cin.div_ceil(2);
        let mut weights = vec![[0; 2 * LANES]; cout.div_ceil(LANES) * taps * pairs];
        let mut lanes: Vec<Lanes> =
            (0..cout.div_ceil(LANES)).map(|_| Lanes { bias: [0; LANES], shift: [0; LANES] }).collect();
        for o in 0..cout {
            let (block, lane) = (o / LANES, o % LANES);
            for tap in 0..taps {
                for c in 0..cin {
                    let weight = layer.weight[(o * taps + tap) * cin + c];
                    weights[(block * taps + tap) * pairs + c / 2][2 * lane + c % 2] = weight.into();
                }
            }
            let shift = layer.shift(conv, o);
            lanes[block].shift[lane] = shift;
            lanes[block].bias[lane] = layer.bias[o] + half(shift);
        }
        Kernel { conv: conv.clone(), weights, lanes, beyond: vec![0; 2 * pairs], silent: layer.silent() }
    }

    /// The layer's output. Inputs are saturated to its input format.
    pub fn run(&self, x: &Map, then: &Then<Map>) -> Map {
        self.run_by(x, then, |band| band.run())
    }

    fn run_by(&self, x: &Map, then: &Then<Map>, run: impl Fn(Band) + Sync) -> Map {
        let [channels, height, width] = x.shape();
        assert_eq!(channels, self.conv.cin);
        let x = &x.clamped(self.conv.input.max() as i16);
        let shape = [self.conv.cout, height, width];
        let stride = stride(self.conv.cout);
        if let Then::AddTo(to) = then {
            assert_eq!(to.shape(), shape);
        }
        let mut out = vec![0; stride * height * width];
        let rows = (TASK / (self.conv.macs() * width)).clamp(1, height);
        out.par_chunks_mut(rows * width * stride).enumerate().for_each(|(index, out)| {
            run(Band { kernel: self, x, then, top: index * rows, stride, out });
        });
        let limit = if let Then::AddTo(_) = then { ACTIVATION } else { self.conv.out };
        Map::new(shape, limit.max() as i16, out)
    }
}

/// Some rows of an output.
struct Band<'a> {
    kernel: &'a Kernel,
    x: &'a Map,
    then: &'a Then<'a, Map>,
    /// The first of them.
    top: usize,
    /// Values of a site in memory.
    stride: usize,
    out: &'a mut [i16],
}

impl Band<'_> {
    /// Computes them with the best instructions that there are.
    fn run(self) {
        #[cfg(target_arch = "x86_64")]
        {
            use pulp::x86::{V1, V3, V4};
            if let Some(simd) = V4::try_new() {
                return simd.vectorize(With::<V4, 8> { simd, band: self });
            }
            if let Some(simd) = V3::try_new() {
                return simd.vectorize(With::<V3, 4> { simd, band: self });
            }
            if let Some(simd) = V1::try_new() {
                return self.compute::<V1, 2>(simd);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if let Some(simd) = pulp::aarch64::Neon::try_new() {
            return self.compute::<_, 4>(simd);
        }
        self.compute::<Plain, 4>(Plain);
    }

    /// `N` samples of [`LANES`] channels at a time.
    #[inline(always)]
    fn compute<S: Sums, const N: usize>(mut self, simd: S) {
        let [_, _, width] = self.x.shape();
        let Kernel { conv, weights, lanes, .. } = self.kernel;
        let weights = weights.chunks_exact(conv.k * conv.k * self.x.stride() / 2);
        for (block, (weights, lanes)) in weights.zip(lanes).enumerate() {
            let used = LANES.min(conv.cout - block * LANES);
            for row in 0..self.out.len() / (self.stride * width) {
                for column in (0..width).step_by(N) {
                    let sums = self.sums::<S, N>(simd, weights, lanes, [row, column]);
                    for (n, &sums) in sums.iter().enumerate().take(width - column) {
                        let at = (row * width + column + n) * self.stride + block * LANES;
                        self.finish(cast(sums), lanes, at, used);
                    }
                }
            }
        }
    }

    /// Sums of `N` neighbouring samples from a row and column of this band on.
    #[inline(always)]
    fn sums<S: Sums, const N: usize>(
        &self,
        simd: S,
        weights: &[Weights],
        lanes: &Lanes,
        [row, column]: [usize; 2],
    ) -> [S::Registers; N] {
        let ([_, height, width], stride, k) = (self.x.shape(), self.x.stride(), self.kernel.conv.k);
        let inside = |at: usize, side| at.checked_sub(k / 2).filter(|&at| at < side);
        let mut sums = [cast(lanes.bias); N];
        for (tap, weights) in weights.chunks_exact(stride / 2).enumerate() {
            let Some(y) = inside(self.top + row + tap / k, height) else { continue };
            let mut seen = [self.kernel.beyond.as_chunks().0; N];
            for (n, seen) in seen.iter_mut().enumerate() {
                if let Some(x) = inside(column + n + tap % k, width) {
                    *seen = self.x.data()[(y * width + x) * stride..][..stride].as_chunks().0;
                }
                *seen = &seen[..weights.len()];
            }
            for (pair, &weights) in weights.iter().enumerate() {
                let weights = cast(weights);
                for (sums, seen) in sums.iter_mut().zip(seen) {
                    *sums = simd.add(*sums, weights, seen[pair]);
                }
            }
        }
        sums
    }

    /// What becomes of the sums of one sample, whose first lane lies at a place of this band.
    #[inline(always)]
    fn finish(&mut self, mut sums: [i32; LANES], lanes: &Lanes, at: usize, used: usize) {
        // Loops, not closures: these would be compiled for any processor.
        let max = self.kernel.conv.out.max();
        for (sum, shift) in sums.iter_mut().zip(lanes.shift) {
            *sum = (*sum >> shift).clamp(-max, max);
        }
        match self.then {
            Then::Nothing => (),
            Then::Leaky => {
                for sum in &mut sums {
                    *sum = (*sum).max(*sum >> 3);
                }
            }
            Then::AddTo(to) => {
                let [_, _, width] = to.shape();
                let to = &to.data()[self.top * width * self.stride + at..][..used];
                let max = ACTIVATION.max();
                for (sum, &to) in sums.iter_mut().zip(to) {
                    *sum = (*sum + i32::from(to)).clamp(-max, max);
                }
            }
        }
        let mut result = [0; LANES];
        for (result, sum) in result.iter_mut().zip(sums) {
            *result = sum as i16;
        }
        match self.out[at..].first_chunk_mut::<LANES>().filter(|_| used == LANES) {
            Some(out) => *out = result,
            None => self.out[at..at + used].copy_from_slice(&result[..used]),
        }
    }
}

/// Instructions that add up products.
trait Sums: Copy {
    /// Sums of [`LANES`] channels, or their weights for two input channels, in as many registers as that takes.
    type Registers: Pod;

    /// Adds the products of two input channels with their weights to the sums.
    fn add(self, sums: Self::Registers, weights: Self::Registers, seen: [i16; 2]) -> Self::Registers;
}

/// Without special instructions.
#[derive(Clone, Copy)]
struct Plain;

impl Sums for Plain {
    type Registers = [i32; LANES];

    #[inline(always)]
    fn add(self, mut sums: [i32; LANES], weights: [i32; LANES], seen: [i16; 2]) -> [i32; LANES] {
        let weights: [[i16; 2]; LANES] = cast(weights);
        for (sum, weights) in sums.iter_mut().zip(weights) {
            *sum += i32::from(weights[0]) * i32::from(seen[0]) + i32::from(weights[1]) * i32::from(seen[1]);
        }
        sums
    }
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use std::arch::aarch64::int32x4_t;

    use pulp::aarch64::Neon;

    use super::Sums;

    /// NEON, which all of them have. It has no `pmaddwd`: weights of a pair's first and second channel are taken apart, once for all
    /// samples.
    impl Sums for Neon {
        type Registers = [int32x4_t; 4];

        #[inline(always)]
        fn add(self, mut sums: [int32x4_t; 4], weights: [int32x4_t; 4], seen: [i16; 2]) -> [int32x4_t; 4] {
            for (sum, weights) in sums.iter_mut().zip(weights) {
                let [first, second] = [self.neon.vmovn_s32(weights), self.neon.vshrn_n_s32::<16>(weights)];
                *sum = self.neon.vmlal_n_s16(*sum, first, seen[0]);
                *sum = self.neon.vmlal_n_s16(*sum, second, seen[1]);
            }
            sums
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m128i, __m256i, __m512i};

    use pulp::cast;
    use pulp::x86::{V1, V3, V4};

    use super::{Band, Sums};

    /// SSE2, which all of them have.
    impl Sums for V1 {
        type Registers = [__m128i; 4];

        #[inline(always)]
        fn add(self, mut sums: [__m128i; 4], weights: [__m128i; 4], seen: [i16; 2]) -> [__m128i; 4] {
            let seen = self.sse2._mm_set1_epi32(cast(seen));
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = self.sse2._mm_add_epi32(*sum, self.sse2._mm_madd_epi16(weights, seen));
            }
            sums
        }
    }

    /// AVX2.
    impl Sums for V3 {
        type Registers = [__m256i; 2];

        #[inline(always)]
        fn add(self, mut sums: [__m256i; 2], weights: [__m256i; 2], seen: [i16; 2]) -> [__m256i; 2] {
            let seen = self.avx._mm256_set1_epi32(cast(seen));
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = self.avx2._mm256_add_epi32(*sum, self.avx2._mm256_madd_epi16(weights, seen));
            }
            sums
        }
    }

    /// AVX-512.
    impl Sums for V4 {
        type Registers = __m512i;

        #[inline(always)]
        fn add(self, sums: __m512i, weights: __m512i, seen: [i16; 2]) -> __m512i {
            let seen = self.avx512f._mm512_set1_epi32(cast(seen));
            self.avx512f._mm512_add_epi32(sums, self.avx512bw._mm512_madd_epi16(weights, seen))
        }
    }

    /// A band computed with some instructions, `N` samples at a time.
    pub(super) struct With<'a, S, const N: usize> {
        pub simd: S,
        pub band: Band<'a>,
    }

    impl<S: Sums, const N: usize> pulp::NullaryFnOnce for With<'_, S, N> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            self.band.compute::<S, N>(self.simd);
        }
    }
}
#[cfg(target_arch = "x86_64")]
use x86::With;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::params::{Init, LATENT, Params};

    #[test]
    fn all_instructions_give_the_same() {
        let mut params = Params::default();
        let conv = params.conv("known", 7, 21, 3, Init::Constant(0.0)).format(&mut params, LATENT);
        let mut state = 3u32;
        let mut random = |count: usize, limit: i32| -> Vec<i32> {
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as i32 % (limit + 1)
            };
            (0..count).map(|_| next() - next()).collect()
        };
        let weight = random(conv.macs(), 127).into_iter().map(|w| w as i8).collect();
        let layer = Layer { weight, exponent: vec![5; 21], bias: random(21, 1 << 15) };
        let kernel = Kernel::new(&conv, &layer);
        let x = Map::from_planes(&random(7 * 13 * 11, 1500), [7, 13, 11]);
        let to = Map::from_planes(&random(21 * 13 * 11, 1000), [21, 13, 11]);
        for then in [Then::Nothing, Then::Leaky, Then::AddTo(&to)] {
            let plain = kernel.run_by(&x, &then, |band| band.compute::<Plain, 4>(Plain));
            assert!(plain.planes().iter().any(|&v| v != 0));
            assert_eq!(kernel.run(&x, &then), plain);
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V1::try_new() {
                assert_eq!(kernel.run_by(&x, &then, |band| band.compute::<_, 2>(simd)), plain);
            }
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V3::try_new() {
                let found = kernel.run_by(&x, &then, |band| simd.vectorize(With::<_, 4> { simd, band }));
                assert_eq!(found, plain);
            }
        }
    }
}
