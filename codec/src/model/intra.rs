//! Frames coded by themselves.

use super::FEATURES;
use super::blocks::{Down, Residual, Up, chain};
use super::latent::{Latent, Sizes};
use super::ops::Ops;
use super::params::{Conv, Init, LATENT, PIXEL, Params};
use super::restoration::Restoration;
use super::transform::{Kept, PACKED, Shortcut};

/// Coefficients of an intra macroblock that the latent keeps.
pub const KEPT: Kept = Kept { luma: 256, chroma: 64 };
/// Quantisation step relative to the square root of lambda.
const STEP: f32 = 1.9;
const WIDTH: usize = 96;

/// The intra codec's networks.
#[derive(Clone, Debug)]
pub struct Intra {
    /// Entropy model of the latent, which lives at 1/16 resolution.
    pub latent: Latent,
    /// What is done to the synthesised luma at last.
    pub restoration: Restoration,
    shortcut: Shortcut,
    analysis_in: Conv,
    analysis: Vec<Residual>,
    analysis_out: Down,
    synthesis_in: Up,
    synthesis: Vec<Residual>,
    synthesis_out: Conv,
    feature: Conv,
}

impl Intra {
    /// Adds the intra codec to the model.
    pub fn new(p: &mut Params) -> Intra {
        let channels = KEPT.channels();
        // Natural images: the spread of a coefficient falls about as the frequency.
        let spread = KEPT.spread(300.0, 60.0, 1.3);
        let sizes = Sizes {
            latent: channels,
            split: KEPT.luma / 2,
            context: 0,
            hyper: 64,
            width: 128,
            depth: 2,
            deeper: 0,
        };
        p.scope("intra", |p| Intra {
            latent: KEPT.latent(p, sizes, STEP, &spread),
            restoration: Restoration::new(p),
            shortcut: Shortcut::new(p, "shortcut", KEPT),
            analysis_in: p.conv("analysis.in", PACKED + 1, WIDTH, 3, Init::Fan(1.0)),
            analysis: Residual::stack(p, "analysis.block", WIDTH, 2, 2),
            analysis_out: Down::new(p, "analysis.out", WIDTH, channels, Init::Constant(0.0))
                .map(|c| c.format(p, LATENT)),
            synthesis_in: Up::new(p, "synthesis.in", channels + 1, WIDTH, Init::Fan(1.0)).map(|c| c.wide(p)),
            synthesis: Residual::stack(p, "synthesis.block", WIDTH, 3, 3),
            synthesis_out: p.conv("synthesis.out", WIDTH, PACKED, 3, Init::Constant(0.0)).format(p, PIXEL),
            feature: p.conv("feature", WIDTH, FEATURES, 1, Init::Fan(1.0)),
        })
    }

    /// The linear shortcut around the learned transforms.
    pub fn shortcut(&self) -> &Shortcut {
        &self.shortcut
    }

    /// Analysis (encoder only): packed picture to the latent in real units, as two tensors to be added: the
    /// transform and the learned correction.
    pub fn analyse<O: Ops>(&self, o: &O, x: &O::Tensor, quality: &O::Tensor) -> [O::Tensor; 2] {
        let h = o.conv_leaky(&self.analysis_in, &o.cat(&[x, &o.plane(quality, x)]));
        let h = chain(o, &self.analysis, &h);
        [self.shortcut.analyse(o, x), self.analysis_out.forward(o, &h)]
    }

    /// Synthesis: dequantised latent to the packed picture before its restoration, as two tensors to be added, and the
    /// reference features for the next frame.
    pub fn synthesise<O: Ops>(
        &self,
        o: &O,
        latent: &O::Tensor,
        quality: &O::Tensor,
    ) -> ([O::Tensor; 2], O::Tensor) {
        let h = o.cat(&[latent, &o.plane(quality, latent)]);
        let h = chain(o, &self.synthesis, &self.synthesis_in.leaky(o, &h));
        let picture = [self.shortcut.synthesise(o, latent), o.conv(&self.synthesis_out, &h)];
        (picture, o.conv(&self.feature, &h))
    }
}
