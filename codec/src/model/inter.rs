//! Frames coded from the one before: context from the warped reference, conditional residual.

use super::FEATURES;
use super::blocks::{Down, Residual, Up, chain};
use super::latent::{Latent, Sizes};
use super::motion::Motion;
use super::ops::Ops;
use super::params::{Conv, Init, LATENT, PIXEL, Params};
use super::transform::{Kept, PACKED, Shortcut};

/// Coefficients of a residual macroblock that the latent keeps.
pub const KEPT: Kept = Kept { luma: 192, chroma: 32 };
/// Channels of the context that the entropy model reads.
const CONTEXT: usize = 96;
/// Quantisation step relative to the square root of lambda.
const STEP: f32 = 2.4;
const WIDTH: usize = FEATURES;

/// The inter codec's networks.
#[derive(Clone, Debug)]
pub struct Inter {
    /// Motion codec.
    pub motion: Motion,
    /// Entropy model of the residual latent, which lives at 1/16 resolution.
    pub latent: Latent,
    shortcut: Shortcut,
    context_in: Conv,
    context: Vec<Residual>,
    context_entropy: Down,
    analysis_in: Conv,
    analysis: Residual,
    analysis_out: Down,
    synthesis_up: Up,
    synthesis_in: Conv,
    synthesis: Vec<Residual>,
    synthesis_out: Conv,
    refinement: Conv,
}

/// What the warped reference tells about the current frame.
pub struct Context<T> {
    /// At 1/8 resolution, for the transforms, `[b, 64, h, w]`.
    pub picture: T,
    /// At 1/16 resolution, for the entropy model.
    pub entropy: T,
    /// What to add to the prediction before anything is subtracted from it, packed.
    pub refinement: T,
}

impl Inter {
    /// Adds the inter codec to the model.
    pub fn new(p: &mut Params) -> Inter {
        let channels = KEPT.channels();
        // Residuals are weaker, and flatter over frequency.
        let spread = KEPT.spread(12.0, 4.0, 0.5);
        let sizes = Sizes {
            latent: channels,
            split: KEPT.luma / 2,
            context: CONTEXT,
            hyper: 48,
            width: 128,
            depth: 1,
        };
        p.scope("inter", |p| Inter {
            motion: Motion::new(p),
            latent: KEPT.latent(p, sizes, STEP, &spread),
            shortcut: Shortcut::new(p, "shortcut", KEPT),
            context_in: p.conv("context.in", PACKED + FEATURES + 1, WIDTH, 3, Init::Fan(1.0)),
            context: Residual::stack(p, "context.block", WIDTH, 2),
            context_entropy: Down::new(p, "context.entropy", WIDTH, CONTEXT, Init::Fan(1.0)),
            analysis_in: p.conv("analysis.in", 2 * PACKED + WIDTH, WIDTH, 3, Init::Fan(1.0)),
            analysis: Residual::new(p, "analysis.block", WIDTH),
            analysis_out: Down::new(p, "analysis.out", WIDTH, channels, Init::Constant(0.0))
                .map(|c| c.format(p, LATENT)),
            synthesis_up: Up::new(p, "synthesis.up", channels, WIDTH, Init::Fan(1.0)).map(|c| c.wide(p)),
            synthesis_in: p.conv("synthesis.in", 2 * WIDTH, WIDTH, 3, Init::Fan(1.0)),
            synthesis: Residual::stack(p, "synthesis.block", WIDTH, 2),
            synthesis_out: p.conv("synthesis.out", WIDTH, PACKED, 3, Init::Constant(0.0)).format(p, PIXEL),
            refinement: p
                .conv("refinement", WIDTH, PACKED, 3, Init::Constant(0.0))
                .format(p, PIXEL)
                .since(p, 3),
        })
    }

    /// The linear shortcut around the learned transforms.
    pub fn shortcut(&self) -> &Shortcut {
        &self.shortcut
    }

    /// Context from the packed `prediction` (the warped reference frame) and the warped reference features.
    pub fn context<O: Ops>(
        &self,
        o: &O,
        prediction: &O::Tensor,
        features: &O::Tensor,
        quality: &O::Tensor,
    ) -> Context<O::Tensor> {
        let h = o.cat(&[prediction, features, &o.plane(quality, prediction)]);
        let picture = chain(o, &self.context, &o.leaky(&o.conv(&self.context_in, &h)));
        let entropy = o.leaky(&self.context_entropy.forward(o, &picture));
        let refinement = o.conv(&self.refinement, &picture);
        Context { picture, entropy, refinement }
    }

    /// Analysis (encoder only): the residual latent in real units, as two tensors to be added; `prediction` is the
    /// refined one.
    pub fn analyse<O: Ops>(
        &self,
        o: &O,
        x: &O::Tensor,
        prediction: &O::Tensor,
        context: &Context<O::Tensor>,
    ) -> [O::Tensor; 2] {
        let residual = o.sub(x, prediction);
        let h = o.cat(&[x, &residual, &context.picture]);
        let h = self.analysis.forward(o, &o.leaky(&o.conv(&self.analysis_in, &h)));
        [self.shortcut.analyse(o, &residual), self.analysis_out.forward(o, &h)]
    }

    /// Synthesis: dequantised latent to what is added to the prediction (two tensors to be added), and the
    /// reference features for the next frame.
    pub fn synthesise<O: Ops>(
        &self,
        o: &O,
        latent: &O::Tensor,
        context: &Context<O::Tensor>,
    ) -> ([O::Tensor; 2], O::Tensor) {
        let up = o.leaky(&self.synthesis_up.forward(o, latent));
        let h = o.leaky(&o.conv(&self.synthesis_in, &o.cat(&[&up, &context.picture])));
        let features = chain(o, &self.synthesis, &h);
        ([self.shortcut.synthesise(o, latent), o.conv(&self.synthesis_out, &features)], features)
    }
}
