//! The networks: which layers there are and how they are wired, without saying who computes them.

pub mod blocks;
pub mod inter;
pub mod intra;
pub mod latent;
pub mod motion;
pub mod ops;
pub mod params;
pub mod restoration;
pub mod transform;

use params::Params;

/// Channels of the reference features that a frame hands to the next.
pub const FEATURES: usize = 64;
/// Number of quality levels, 0 (smallest) to 63 (best).
pub const QUALITIES: usize = 64;
/// Lowest quality of a frame: what few frames or none are built on may be coded below the lowest quality that can be asked for.
pub const LOWEST: i8 = -21;
/// What a bit per pixel is worth in squared grey levels at the worst and at the best quality.
pub const LAMBDA: [f32; 2] = [1500.0, 5.0];

/// Exchange rate between squared error (grey levels) and bits per pixel at a (fractional) quality.
pub fn lambda(quality: f32) -> f32 {
    let t = quality / (QUALITIES - 1) as f32;
    (LAMBDA[0].ln() * (1.0 - t) + LAMBDA[1].ln() * t).exp()
}

/// Squared error that quantisation leaves of a sample at high rate, in units of lambda: there, `dR / d ln D = -1 / (2 ln 2)`.
pub const QUANTISED: f32 = 0.72;

/// The value that networks see of a quality: -1 to 1.
pub fn quality_plane(quality: f32) -> f32 {
    quality / ((QUALITIES - 1) as f32 / 2.0) - 1.0
}

/// The whole model.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its parameters.
    pub params: Params,
    /// Intra codec.
    pub intra: intra::Intra,
    /// Inter codec.
    pub inter: inter::Inter,
}

impl Model {
    /// The model with its parameters listed and not yet given values.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Model {
        let mut params = Params::default();
        let intra = intra::Intra::new(&mut params);
        let inter = inter::Inter::new(&mut params);
        Model { params, intra, inter }
    }

    /// The linear shortcuts, which start as block transforms.
    pub fn shortcuts(&self) -> Vec<&params::Conv> {
        [self.intra.shortcut().convs(), self.inter.shortcut().convs(), self.inter.motion.shortcut()].concat()
    }
}
