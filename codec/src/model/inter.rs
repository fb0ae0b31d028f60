//! Frames coded from the one before and an anchor, or from an earlier and a later one: context from both warped pictures,
//! conditional residual.

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
/// Version of the checkpoint format since which the two references of a frame between others are told apart.
const ENDS: u8 = 11;
/// Share of the anchor's prediction before training.
const BLEND: f32 = 0.25;

/// The inter codec's networks.
#[derive(Clone, Debug)]
pub struct Inter {
    /// Motion codec.
    pub motion: Motion,
    /// Entropy model of the residual latent, which lives at 1/16 resolution.
    pub latent: Latent,
    shortcut: Shortcut,
    context_in: Conv,
    anchor_in: Conv,
    ends_in: Conv,
    context: Vec<Residual>,
    context_entropy: Down,
    analysis_in: Conv,
    analysis: Vec<Residual>,
    analysis_out: Down,
    synthesis_up: Up,
    synthesis_in: Conv,
    synthesis: Vec<Residual>,
    synthesis_out: Conv,
    refinement: Conv,
    blend: Conv,
    lean: Conv,
}

/// What is seen of a frame beside its prediction.
pub enum Beside<T> {
    /// The warped anchor.
    Anchor(T),
    /// What the later one of two warped references shows in excess of the earlier one; the prediction has something of both.
    Ends(T),
}

/// What the warped references tell about the current frame.
pub struct Context<T> {
    /// At 1/8 resolution, for the transforms, `[b, 64, h, w]`.
    pub picture: T,
    /// At 1/16 resolution, for the entropy model.
    pub entropy: T,
    /// How far to go from the prediction towards the anchor's, for luma and for chroma, `[b, 2, h, w]`, to be limited to
    /// 0 to 1; how much of the difference between ends to add, to be limited to -1 to 1.
    pub blend: T,
    /// What to add to the prediction after that, before anything is subtracted from it, packed.
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
            deeper: 0,
        };
        p.scope("inter", |p| {
            let inter = Inter {
                motion: Motion::new(p),
                latent: KEPT.latent(p, sizes, STEP, &spread),
                shortcut: Shortcut::new(p, "shortcut", KEPT),
                context_in: p.conv("context.in", PACKED + FEATURES + 1, WIDTH, 3, Init::Fan(1.0)),
                anchor_in: p.conv("anchor.in", PACKED, WIDTH, 3, Init::Constant(0.0)).since(p, 4),
                ends_in: p.conv("ends.in", PACKED, WIDTH, 3, Init::Constant(0.0)).since(p, ENDS),
                context: Residual::stack(p, "context.block", WIDTH, 2, 0),
                context_entropy: Down::new(p, "context.entropy", WIDTH, CONTEXT, Init::Fan(1.0)),
                analysis_in: p.conv("analysis.in", 2 * PACKED + WIDTH, WIDTH, 3, Init::Fan(1.0)),
                analysis: {
                    let first = Residual::new(p, "analysis.block", WIDTH);
                    [vec![first], Residual::grown(p, "analysis.block", WIDTH, 1..3, 5)].concat()
                },
                analysis_out: Down::new(p, "analysis.out", WIDTH, channels, Init::Constant(0.0))
                    .map(|c| c.format(p, LATENT)),
                synthesis_up: Up::new(p, "synthesis.up", channels, WIDTH, Init::Fan(1.0)).map(|c| c.wide(p)),
                synthesis_in: p.conv("synthesis.in", 2 * WIDTH, WIDTH, 3, Init::Fan(1.0)),
                synthesis: Residual::stack(p, "synthesis.block", WIDTH, 2, 0),
                synthesis_out: p
                    .conv("synthesis.out", WIDTH, PACKED, 3, Init::Constant(0.0))
                    .format(p, PIXEL),
                refinement: p
                    .conv("refinement", WIDTH, PACKED, 3, Init::Constant(0.0))
                    .format(p, PIXEL)
                    .since(p, 3),
                blend: p.conv("blend", WIDTH, 2, 3, Init::Constant(0.0)).since(p, 4),
                lean: p.conv("lean", WIDTH, 2, 3, Init::Constant(0.0)).since(p, ENDS),
            };
            p.list[inter.blend.bias].init = Init::Constant(BLEND);
            inter
        })
    }

    /// The linear shortcut around the learned transforms.
    pub fn shortcut(&self) -> &Shortcut {
        &self.shortcut
    }

    /// Context from the packed `prediction` (the warped reference frame, or a mixture of two), the warped reference features, and
    /// what else is seen.
    pub fn context<O: Ops>(
        &self,
        o: &O,
        prediction: &O::Tensor,
        features: &O::Tensor,
        beside: &Beside<O::Tensor>,
        quality: &O::Tensor,
    ) -> Context<O::Tensor> {
        let h = o.cat(&[prediction, features, &o.plane(quality, prediction)]);
        let (told, blend) = match beside {
            Beside::Anchor(anchor) => (o.conv(&self.anchor_in, &o.sub(anchor, prediction)), &self.blend),
            Beside::Ends(difference) => (o.conv(&self.ends_in, difference), &self.lean),
        };
        let h = o.conv_add(&self.context_in, &h, &told);
        let picture = chain(o, &self.context, &o.leaky(&h));
        let entropy = self.context_entropy.leaky(o, &picture);
        let refinement = o.conv(&self.refinement, &picture);
        let blend = o.conv(blend, &picture);
        Context { picture, entropy, blend, refinement }
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
        let h = chain(o, &self.analysis, &o.conv_leaky(&self.analysis_in, &h));
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
        let up = self.synthesis_up.leaky(o, latent);
        let h = o.conv_leaky(&self.synthesis_in, &o.cat(&[&up, &context.picture]));
        let features = chain(o, &self.synthesis, &h);
        ([self.shortcut.synthesise(o, latent), o.conv(&self.synthesis_out, &features)], features)
    }
}
