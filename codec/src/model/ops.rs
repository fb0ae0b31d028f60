//! What a network is made of: a closed set of operations that every executor implements.
//!
//! The wiring of the networks (in this folder) is written once, against [`Ops`]. The integer executor decodes with
//! it, the trainer differentiates through it; another way to compute touches no network.

use super::params::Conv;

/// The operations of the networks. Tensors are `[batch, channels, height, width]`.
pub trait Ops {
    /// A tensor of this executor; cloning is cheap (shared storage).
    type Tensor: Clone;

    /// Convolution with stride 1, zero padding `k / 2`, and bias; output rounded to the format of the layer.
    fn conv(&self, layer: &Conv, x: &Self::Tensor) -> Self::Tensor;
    /// Whether the layer gives nothing but zeros, as those that a checkpoint does not know of do.
    fn silent(&self, _layer: &Conv) -> bool {
        false
    }
    /// `max(x, x / 8)`: exact in fixed point because the slope is a power of two.
    fn leaky(&self, x: &Self::Tensor) -> Self::Tensor;
    /// `leaky(conv(x))`; an executor may take both in one pass.
    fn conv_leaky(&self, layer: &Conv, x: &Self::Tensor) -> Self::Tensor {
        self.leaky(&self.conv(layer, x))
    }
    /// `add(to, conv(x))`; an executor may take both in one pass.
    fn conv_add(&self, layer: &Conv, x: &Self::Tensor, to: &Self::Tensor) -> Self::Tensor {
        self.add(to, &self.conv(layer, x))
    }
    /// Sum of two tensors of one shape, saturated to the activation format.
    fn add(&self, a: &Self::Tensor, b: &Self::Tensor) -> Self::Tensor;
    /// Difference of two tensors of one shape, saturated to the activation format.
    fn sub(&self, a: &Self::Tensor, b: &Self::Tensor) -> Self::Tensor;
    /// Concatenation along the channels.
    fn cat(&self, parts: &[&Self::Tensor]) -> Self::Tensor;
    /// Space to depth: `[b, c, h, w]` to `[b, c r r, h / r, w / r]`, channel `c r r + i r + j` from row `i`, column `j`.
    fn unshuffle(&self, x: &Self::Tensor, r: usize) -> Self::Tensor;
    /// Depth to space, the inverse of [`Ops::unshuffle`].
    fn shuffle(&self, x: &Self::Tensor, r: usize) -> Self::Tensor;
    /// Replicates the last row and column until both sides are multiples of `multiple`.
    fn pad_to(&self, x: &Self::Tensor, multiple: usize) -> Self::Tensor;
    /// Keeps the first rows and columns so that the result has the height and width of `like`.
    fn crop_like(&self, x: &Self::Tensor, like: &Self::Tensor) -> Self::Tensor;
    /// A `[b, 1, 1, 1]` tensor repeated over the height and width of `like`.
    fn plane(&self, value: &Self::Tensor, like: &Self::Tensor) -> Self::Tensor;
}
