//! What training needs beyond the networks' own operations: differentiable arithmetic and warping.

use vcn_codec::model::ops::Ops;
use vcn_codec::model::params::ParamId;

/// A differentiating executor. Tensors broadcast over dimensions of size 1; `full` precision is f32, the networks may
/// run in a lower one.
pub trait Tape: Ops {
    /// The leaf tensor of a parameter.
    fn param(&self, id: ParamId) -> Self::Tensor;
    /// A tensor of given values without gradient.
    fn constant(&self, data: &[f32], shape: &[usize]) -> Self::Tensor;
    /// Values in row-major order.
    fn values(&self, x: &Self::Tensor) -> Vec<f32>;
    /// A tensor of shape `[b, c, h, w]` of values given site by site, `[b, h, w, c]`, without gradient.
    fn at_sites(&self, data: &[f32], shape: &[usize]) -> Self::Tensor;
    /// Values site by site: of a `[b, c, h, w]` tensor in the order `[b, h, w, c]`.
    fn sites(&self, x: &Self::Tensor) -> Vec<f32>;
    /// Dimensions.
    fn shape(&self, x: &Self::Tensor) -> Vec<usize>;
    /// In the precision of the networks.
    fn low(&self, x: &Self::Tensor) -> Self::Tensor;
    /// In f32.
    fn full(&self, x: &Self::Tensor) -> Self::Tensor;
    /// The same values without gradient.
    fn detach(&self, x: &Self::Tensor) -> Self::Tensor;
    /// Sum; unlike [`Ops::add`] it does not saturate.
    fn plus(&self, a: &Self::Tensor, b: &Self::Tensor) -> Self::Tensor;
    /// Difference; unlike [`Ops::sub`] it does not saturate.
    fn minus(&self, a: &Self::Tensor, b: &Self::Tensor) -> Self::Tensor;
    /// Product.
    fn mul(&self, a: &Self::Tensor, b: &Self::Tensor) -> Self::Tensor;
    /// `x * scale + offset`.
    fn affine(&self, x: &Self::Tensor, scale: f32, offset: f32) -> Self::Tensor;
    /// e to the power x.
    fn exp(&self, x: &Self::Tensor) -> Self::Tensor;
    /// Natural logarithm.
    fn ln(&self, x: &Self::Tensor) -> Self::Tensor;
    /// Logistic function.
    fn sigmoid(&self, x: &Self::Tensor) -> Self::Tensor;
    /// Absolute value.
    fn abs(&self, x: &Self::Tensor) -> Self::Tensor;
    /// Largest integer not above x (no gradient).
    fn floor(&self, x: &Self::Tensor) -> Self::Tensor;
    /// Limits values; no gradient outside.
    fn clamp(&self, x: &Self::Tensor, low: f32, high: f32) -> Self::Tensor;
    /// 1 where `a >= b`, else 0 (no gradient).
    fn at_least(&self, a: &Self::Tensor, b: &Self::Tensor) -> Self::Tensor;
    /// Matrix product of two matrices.
    fn matmul(&self, a: &Self::Tensor, b: &Self::Tensor) -> Self::Tensor;
    /// Another shape.
    fn reshape(&self, x: &Self::Tensor, shape: &[usize]) -> Self::Tensor;
    /// `len` entries from `start` along dimension 1.
    fn channels(&self, x: &Self::Tensor, start: usize, len: usize) -> Self::Tensor;
    /// `[b, c, h, w]` to `[b, c]`, the sum over sites.
    fn sum_sites(&self, x: &Self::Tensor) -> Self::Tensor;
    /// Sum over all but the first dimension, `[b]`.
    fn sum_samples(&self, x: &Self::Tensor) -> Self::Tensor;
    /// Sum of all, a scalar.
    fn sum(&self, x: &Self::Tensor) -> Self::Tensor;
    /// `x` seen through `flow` (`[b, 2, h, w]`, horizontal first, in samples of `x`), bilinear, border repeated.
    fn warp(&self, x: &Self::Tensor, flow: &Self::Tensor) -> Self::Tensor;
    /// A packed picture (f32) seen through a flow at its resolution, in units of 8 luma samples: luma bilinear on the
    /// half-sample grid of [`vcn_codec::warp`], chroma bilinear, borders repeated, between sites as
    /// [`Blend::Pictures`](vcn_codec::warp::Blend::Pictures).
    fn compensate(&self, packed: &Self::Tensor, flow: &Self::Tensor) -> Self::Tensor;

    /// Runs the backward pass of a scalar.
    fn backward(&self, loss: &Self::Tensor);
    /// Gradient of each parameter since the last [`Tape::load`], in order; parameters that took no part give an empty
    /// vector.
    fn gradients(&self) -> Vec<Vec<f32>>;
    /// Sets all parameters and forgets gradients.
    fn load(&mut self, values: &[Vec<f32>]);
    /// Says which parameters receive gradients.
    fn freeze(&mut self, trained: &[bool]);
    /// Runs `f` without recording gradients.
    fn without_gradients<R>(&self, f: impl FnOnce(&Self) -> R) -> R;
}
