//! Motion: from a searched flow to a coded one.
//!
//! Flow lives at 1/8 resolution, horizontal then vertical, in units of 8 luma samples, and points from the current
//! frame to where its content is in the reference. Its latent lives at 1/32 and starts as the flow's 4x4 block DCT.

use super::FEATURES;
use super::blocks::{Down, Residual};
use super::latent::{KNOTS, Latent, Sizes};
use super::ops::Ops;
use super::params::{Conv, FLOW, Init, LATENT, Params, dct};
use super::transform::PACKED;

/// Motion latent channels: 16 coefficients for each component of the flow.
pub const CHANNELS: usize = 32;
/// Flow sites per motion latent site, each way.
pub const STRIDE: usize = 4;
const WIDTH: usize = 64;
/// Squared error of a 32x32 block that is predicted from 2 samples off (one real unit of DC): typical of textured
/// footage.
const ERROR: f32 = 1e4;

/// The motion codec's networks.
#[derive(Clone, Debug)]
pub struct Motion {
    /// Entropy model of the motion latent.
    pub latent: Latent,
    forward: Conv,
    inverse: Conv,
    context_in: Conv,
    context_out: Conv,
    analysis_in: Conv,
    analysis_mid: Down,
    analysis: Residual,
    analysis_out: Down,
    synthesis_in: Conv,
    synthesis: Residual,
    synthesis_out: Conv,
}

/// 4x4 block DCT of both flow components, `[32, 32]`.
fn matrix() -> Vec<Vec<f32>> {
    (0..CHANNELS)
        .map(|r| {
            let (component, u, v) = (r / 16, (r % 16) / 4, r % 4);
            (0..CHANNELS)
                .map(|s| {
                    let (other, i, j) = (s / 16, (s % 16) / 4, s % 4);
                    if component == other { dct(4, u, i) * dct(4, v, j) } else { 0.0 }
                })
                .collect()
        })
        .collect()
}

impl Motion {
    /// Adds the motion codec to the model.
    pub fn new(p: &mut Params) -> Motion {
        let m = matrix();
        let transposed = (0..CHANNELS).flat_map(|s| m.iter().map(move |row| row[s])).collect();
        // Mean motion of a 32x32 block to a third of a sample at the best quality, two samples at the worst.
        let gain = |knot: usize, c: usize| {
            let dc = if c.is_multiple_of(16) { 1.0 } else { 0.7 };
            dc * 1.2 * 5.0f32.powf(knot as f32 / (KNOTS - 1) as f32)
        };
        let spread = |c: usize| if c.is_multiple_of(16) { 0.5 } else { 0.1 };
        let sizes = Sizes {
            latent: CHANNELS,
            split: CHANNELS / 2,
            context: CHANNELS,
            hyper: 16,
            width: 64,
            depth: 1,
            deeper: 2,
        };
        p.scope("motion", |p| Motion {
            latent: Latent::new(p, "latent", sizes, gain, spread, |_| ERROR),
            forward: p
                .conv("shortcut.forward", CHANNELS, CHANNELS, 1, Init::Values(m.concat()))
                .format(p, LATENT)
                .precise(p),
            inverse: p
                .conv("shortcut.inverse", CHANNELS, CHANNELS, 1, Init::Values(transposed))
                .wide(p)
                .format(p, FLOW)
                .precise(p),
            context_in: p
                .conv("context.in", FEATURES * STRIDE * STRIDE, WIDTH, 1, Init::Fan(1.0))
                .since(p, 5),
            context_out: p.conv("context.out", WIDTH, CHANNELS, 3, Init::Constant(0.0)).since(p, 5),
            analysis_in: p.conv("analysis.in", 2 + 2 * PACKED + 1, WIDTH, 3, Init::Fan(1.0)),
            analysis_mid: Down::new(p, "analysis.mid", WIDTH, WIDTH, Init::Fan(1.0)),
            analysis: Residual::new(p, "analysis.block", WIDTH),
            analysis_out: Down::new(p, "analysis.out", WIDTH, CHANNELS, Init::Constant(0.0))
                .map(|c| c.format(p, LATENT)),
            synthesis_in: p.conv("synthesis.in", CHANNELS + 1, WIDTH, 3, Init::Fan(1.0)).wide(p),
            synthesis: Residual::new(p, "synthesis.block", WIDTH),
            synthesis_out: p.conv("synthesis.out", WIDTH, CHANNELS, 1, Init::Constant(0.0)).format(p, FLOW),
        })
    }

    /// The linear shortcuts around the learned transforms.
    pub fn shortcut(&self) -> [&Conv; 2] {
        [&self.forward, &self.inverse]
    }

    /// What is known of the motion latent beforehand: the previous frame's motion latent (zero if it had none), and what the
    /// reference features tell.
    pub fn context<O: Ops>(&self, o: &O, previous: &O::Tensor, features: &O::Tensor) -> O::Tensor {
        let features = o.unshuffle(&o.pad_to(features, STRIDE), STRIDE);
        o.add(previous, &o.conv(&self.context_out, &o.conv_leaky(&self.context_in, &features)))
    }

    /// Analysis (encoder only) of a searched `flow` `[b, 2, h, w]`, given the packed picture and the packed
    /// reference warped by that flow: the motion latent as two tensors to be added.
    pub fn analyse<O: Ops>(
        &self,
        o: &O,
        flow: &O::Tensor,
        x: &O::Tensor,
        warped: &O::Tensor,
        quality: &O::Tensor,
    ) -> [O::Tensor; 2] {
        let error = o.sub(x, warped);
        let parts = o.cat(&[flow, x, &error, &o.plane(quality, x)]);
        let h = o.conv_leaky(&self.analysis_in, &o.pad_to(&parts, STRIDE));
        let h = self.analysis_mid.leaky(o, &h);
        let h = self.analysis.forward(o, &h);
        let flow = o.pad_to(flow, STRIDE);
        [o.conv(&self.forward, &o.unshuffle(&flow, STRIDE)), self.analysis_out.forward(o, &h)]
    }

    /// Synthesis: dequantised motion latent to flow, as two tensors to be added (and to be cropped).
    pub fn synthesise<O: Ops>(&self, o: &O, latent: &O::Tensor, quality: &O::Tensor) -> [O::Tensor; 2] {
        let h = o.cat(&[latent, &o.plane(quality, latent)]);
        let h = self.synthesis.forward(o, &o.conv_leaky(&self.synthesis_in, &h));
        let flow = |c: &Conv, x: &O::Tensor| o.shuffle(&o.conv(c, x), STRIDE);
        [flow(&self.inverse, latent), flow(&self.synthesis_out, &h)]
    }
}
