//! Luma restored at half resolution: what a synthesis at 1/8 leaves undone.
//!
//! There the samples of an 8x8 site are made all at once, each by weights of its own. Here few channels see every line where
//! it lies: noise beside edges goes, edges that were worn down are drawn again. Chroma gains nothing.

use super::FEATURES;
use super::blocks::{Residual, chain};
use super::ops::Ops;
use super::params::{Conv, Init, PIXEL, Params};
use super::transform::SIDE;

/// Luma samples per restored site, each way.
const STRIDE: usize = 2;
/// Restored sites per site of the packed picture, each way.
const WITHIN: usize = SIDE / STRIDE;
const WIDTH: usize = 24;

/// The restoring network.
#[derive(Clone, Debug)]
pub struct Restoration {
    input: Conv,
    hidden: [Conv; 2],
    deeper: Vec<Residual>,
    output: Conv,
}

impl Restoration {
    /// Adds the network to the model: it changes nothing before training.
    pub fn new(p: &mut Params) -> Restoration {
        let told = STRIDE * STRIDE + FEATURES / (WITHIN * WITHIN) + 1;
        p.scope("restoration", |p| Restoration {
            input: p.conv("in", told, WIDTH, 3, Init::Fan(1.0)).since(p, 7),
            hidden: ["hidden0", "hidden1"]
                .map(|name| p.conv(name, WIDTH, WIDTH, 3, Init::Fan(1.0)).since(p, 7)),
            deeper: Residual::grown(p, "block", WIDTH, 0..3, 8),
            output: p
                .conv("out", WIDTH, STRIDE * STRIDE, 3, Init::Constant(0.0))
                .format(p, PIXEL)
                .since(p, 7),
        })
    }

    /// What to add to the `luma` of a packed picture, `[b, 64, h, w]`; `features` are those of its synthesis,
    /// `[b, 64, h, w]`, `quality` is `[b, 1, 1, 1]`.
    pub fn forward<O: Ops>(
        &self,
        o: &O,
        luma: &O::Tensor,
        features: &O::Tensor,
        quality: &O::Tensor,
    ) -> O::Tensor {
        let luma = o.unshuffle(&o.shuffle(luma, SIDE), STRIDE);
        let known = o.cat(&[&luma, &o.shuffle(features, WITHIN), &o.plane(quality, &luma)]);
        let h = o.conv_leaky(&self.input, &known);
        let h = self.hidden.iter().fold(h, |h, layer| o.conv_leaky(layer, &h));
        let h = chain(o, &self.deeper, &h);
        o.unshuffle(&o.shuffle(&o.conv(&self.output, &h), STRIDE), SIDE)
    }
}
