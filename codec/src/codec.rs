//! A checkpoint on a device: what encoders and decoders share, down to the last bit of a reconstructed sample.

use std::sync::Arc;

use vcn_media::Yuv420;

use crate::checkpoint::{Checkpoint, Syntax};
use crate::decoder::GopDecoder;
use crate::device::DeviceChoice;
use crate::encoder::{GopEncoder, GopSettings};
use crate::integer::{Integer, Values};
use crate::model::inter::{Beside, Context};
use crate::model::motion::{self, STRIDE};
use crate::model::ops::Ops;
use crate::model::params::{ACTIVATION, FLOW, PIXEL};
use crate::model::transform::{LUMA, PACKED, packed_plane};
use crate::model::{FEATURES, Model, quality_plane};
use crate::packing::{BLOCK, SITE, pack_planes, unpack};
use crate::symbols::LatentCoder;
use crate::vectors::Between;
use crate::warp::{Blend, Flow, Plane, warp_chroma, warp_features, warp_luma};
use crate::{Error, Result, device};

/// A model ready to code video.
pub struct Codec {
    pub(crate) model: Model,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) exec: Integer,
    device: String,
}

/// How a frame is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// By itself.
    Intra,
    /// From the frame before, or from an earlier one when those between are coded after it.
    Inter,
    /// From an earlier and a later frame.
    Between,
    /// As a repetition of the frame before.
    Repeat,
}

impl Codec {
    /// Opens a device, proves that it computes exactly, and moves the checkpoint's networks to it.
    ///
    /// # Errors
    /// [`Error::Device`] if the device is missing or gives wrong results.
    pub fn new(checkpoint: Checkpoint, choice: DeviceChoice) -> Result<Codec> {
        let (device, name) = device::open(choice)?;
        let model = Model::new();
        let exec = Integer::new(&model.params.convs, &checkpoint.layers, &device);
        Ok(Codec { model, checkpoint, exec, device: name })
    }

    /// The checkpoint in use.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Name of the device in use.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Starts coding a GOP of `width` x `height` frames.
    pub fn encode(&self, width: usize, height: usize, settings: GopSettings) -> GopEncoder<'_> {
        GopEncoder::new(self, width, height, settings)
    }

    /// Starts decoding the payload of a GOP.
    ///
    /// # Errors
    /// If the payload is too short to be one.
    pub fn decode<'a>(
        &'a self,
        payload: &'a [u8],
        frames: u32,
        width: usize,
        height: usize,
    ) -> Result<GopDecoder<'a>> {
        GopDecoder::new(self, payload, frames, width, height)
    }

    /// Coder of one of the checkpoint's latents (0 intra, 1 motion, 2 residual).
    pub(crate) fn latent(&self, which: usize, quality: i8, geometry: &Geometry) -> LatentCoder<'_> {
        LatentCoder {
            exec: &self.exec,
            model: crate::checkpoint::latents(&self.model)[which],
            steps: &self.checkpoint.steps[which],
            which,
            scales: &self.checkpoint.scales[which],
            two_passes: self.checkpoint.syntax().two_passes,
            quality,
            plane: self.plane(quality),
            size: if which == 1 { geometry.motion } else { geometry.block },
        }
    }

    /// A quality as the networks see it.
    pub(crate) fn plane(&self, quality: i8) -> Values {
        let unit = (1 << ACTIVATION.frac) as f32;
        self.exec.tensor(&[(quality_plane(quality.into()) * unit).round() as i32], [1, 1, 1])
    }

    /// Decoded intra frame from its latent.
    pub(crate) fn intra_frame(&self, latent: &[i32], quality: i8, g: &Geometry) -> Reference {
        let [h, w] = g.block;
        let latent = self.exec.tensor(latent, [crate::model::intra::KEPT.channels(), h, w]);
        let plane = self.plane(quality);
        let (parts, features) = self.model.intra.synthesise(&self.exec, &latent, &plane);
        let mut samples = self.exec.sum(parts);
        if self.checkpoint.syntax().restoration {
            self.restore(&mut samples, &features, &plane, g);
        }
        Reference {
            picture: shown(&samples, g),
            features: self.exec.integers(features),
            motion: None,
            anchor: None,
        }
    }

    /// Restores the luma of a packed picture, format [`PIXEL`].
    fn restore(&self, samples: &mut [i32], features: &Values, plane: &Values, g: &Geometry) {
        let [h, w] = g.site;
        let luma = &mut samples[..LUMA * h * w];
        let seen = self.exec.tensor(&activation(luma), [LUMA, h, w]);
        let restored = self.model.intra.restoration.forward(&self.exec, &seen, features, plane);
        add(luma, self.exec.integers(restored));
    }

    /// Flow from a motion latent.
    pub(crate) fn flow(&self, latent: &[i32], quality: i8, g: &Geometry) -> Flow {
        let [h, w] = g.motion;
        let latent = self.exec.tensor(latent, [motion::CHANNELS, h, w]);
        let parts = self.model.inter.motion.synthesise(&self.exec, &latent, &self.plane(quality));
        let like = self.exec.tensor(&vec![0; g.site[0] * g.site[1]], [1, g.site[0], g.site[1]]);
        let mut data = self.exec.sum(parts.map(|part| self.exec.crop_like(&part, &like)));
        data.iter_mut().for_each(|v| *v = (*v).clamp(-FLOW.max(), FLOW.max()));
        Flow { width: g.site[1], height: g.site[0], data }
    }

    /// Prediction of a frame from the one before through a flow.
    pub(crate) fn predict(
        &self,
        reference: &Reference,
        flow: &Flow,
        quality: i8,
        g: &Geometry,
    ) -> Prediction {
        let Syntax { anchors, blend, .. } = self.checkpoint.syntax();
        let mut samples = warped(&reference.picture, flow, blend);
        let features = warp_features(&reference.features, flow);
        let anchor = anchors.then(|| reference.anchor(flow));
        // The frame after an anchor has it as its reference.
        let second = match (&anchor, &reference.anchor) {
            (Some(anchor), Some(_)) => warped(&anchor.picture, &anchor.flow, blend),
            _ => samples.clone(),
        };
        let [h, w] = g.site;
        let packed = |samples: &[i32]| self.exec.tensor(&activation(samples), [PACKED, h, w]);
        let features = self.exec.tensor(&features, [FEATURES, h, w]);
        let context = self.model.inter.context(
            &self.exec,
            &packed(&samples),
            &features,
            &Beside::Anchor(packed(&second)),
            &self.plane(quality),
        );
        mix(&mut samples, &second, &self.exec.integers(context.blend.clone()));
        add(&mut samples, self.exec.integers(context.refinement.clone()));
        Prediction { packed: packed(&samples), samples, context, flow: flow.clone(), anchor }
    }

    /// Prediction of a frame from those before and after it.
    pub(crate) fn predict_between(
        &self,
        references: [&Reference; 2],
        between: &Between,
        quality: i8,
        g: &Geometry,
    ) -> Prediction {
        let Syntax { blend, ends, .. } = self.checkpoint.syntax();
        let [h, w] = g.site;
        let shown = |end: usize| warped(&references[end].picture, &between.flows[end], blend);
        let told = |end: usize| warp_features(&references[end].features, &between.flows[end]);
        let [before, after] = both(shown);
        let difference: Vec<i32> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
        let mut samples = between.seen([before, after]);
        let features = self.exec.tensor(&between.seen(both(told)), [FEATURES, h, w]);
        let packed = |samples: &[i32]| self.exec.tensor(&activation(samples), [PACKED, h, w]);
        let seen = packed(&samples);
        let beside = if ends { Beside::Ends(packed(&difference)) } else { Beside::Anchor(seen.clone()) };
        let context = self.model.inter.context(&self.exec, &seen, &features, &beside, &self.plane(quality));
        if ends {
            lean(&mut samples, &difference, &self.exec.integers(context.blend.clone()));
        }
        add(&mut samples, self.exec.integers(context.refinement.clone()));
        let flow = between.flows[0].clone();
        Prediction { packed: packed(&samples), samples, context, flow, anchor: None }
    }

    /// Decoded inter frame from its prediction and residual latent; `becomes` is its reference if that becomes the
    /// anchor.
    pub(crate) fn inter_frame(
        &self,
        prediction: &Prediction,
        latent: &[i32],
        motion: Option<Vec<i32>>,
        becomes: Option<&Reference>,
        g: &Geometry,
    ) -> Reference {
        let [h, w] = g.block;
        let latent = self.exec.tensor(latent, [crate::model::inter::KEPT.channels(), h, w]);
        let (parts, features) = self.model.inter.synthesise(&self.exec, &latent, &prediction.context);
        let anchor = match becomes {
            Some(reference) => {
                Some(Anchor { picture: reference.picture.clone(), flow: prediction.flow.clone() })
            }
            None => prediction.anchor.clone(),
        };
        let mut samples = prediction.samples.clone();
        add(&mut samples, self.exec.sum(parts));
        Reference { picture: shown(&samples, g), features: self.exec.integers(features), motion, anchor }
    }

    /// What is known of a frame's motion before it.
    pub(crate) fn motion_context(&self, reference: &Reference, g: &Geometry) -> Values {
        let [h, w] = g.motion;
        let zero = || vec![0; motion::CHANNELS * h * w];
        let previous = reference.motion.clone().unwrap_or_else(zero);
        let previous = self.exec.tensor(&previous, [motion::CHANNELS, h, w]);
        let features = self.exec.tensor(&reference.features, [FEATURES, g.site[0], g.site[1]]);
        self.model.inter.motion.context(&self.exec, &previous, &features)
    }
}

/// What both ends of a span give, at the same time.
pub(crate) fn both<T: Send>(of: impl Fn(usize) -> T + Sync) -> [T; 2] {
    rayon::join(|| of(0), || of(1)).into()
}

/// A picture seen through a flow, packed, format [`PIXEL`] (1/16 grey level, 0 at mid-grey).
pub(crate) fn warped(picture: &Yuv420, flow: &Flow, blend: Blend) -> Vec<i32> {
    let plane = |data: &[u8], width, height| Plane { width, height, data: data.to_vec() };
    let (w, h) = (picture.width, picture.height);
    let (luma, [u, v]) = rayon::join(
        || warp_luma(&plane(&picture.y, w, h).half_samples(), flow, blend),
        || [&picture.u, &picture.v].map(|p| warp_chroma(&plane(p, w / 2, h / 2), flow, blend)),
    );
    pack_planes([&luma, &u, &v], flow.height, flow.width, |s: i32| s - (128 << 4))
}

/// Adds to samples what networks give.
fn add(samples: &mut [i32], more: Vec<i32>) {
    samples.iter_mut().zip(more).for_each(|(sample, more)| *sample += more);
}

/// A packed picture, format [`PIXEL`], in 8 bits.
fn shown(samples: &[i32], g: &Geometry) -> Arc<Yuv420> {
    Arc::new(unpack(samples, g.site[0], g.site[1], sample))
}

/// From [`PIXEL`] format to 8 bits.
pub(crate) fn sample(v: i32) -> u8 {
    (((v + 8) >> 4) + 128).clamp(0, 255) as u8
}

/// From [`PIXEL`] to [`ACTIVATION`] format.
pub(crate) fn activation(samples: &[i32]) -> Vec<i32> {
    let shift = PIXEL.frac - ACTIVATION.frac;
    samples.iter().map(|&v| (v + (1 << (shift - 1))) >> shift).collect()
}

/// What one frame leaves for the next.
#[derive(Clone)]
pub(crate) struct Reference {
    /// Decoded picture, padded.
    pub picture: Arc<Yuv420>,
    /// Reference features `[64, h, w]`.
    pub features: Vec<i32>,
    /// Dequantised motion latent, if the frame had one.
    pub motion: Option<Vec<i32>>,
    /// An earlier picture that the next frame may be predicted from, too; none after an intra frame, which is its own.
    pub anchor: Option<Anchor>,
}

/// An earlier decoded picture, which frames are predicted from beside the one before: what is interpolated anew in every
/// frame loses its detail, here it is interpolated once.
#[derive(Clone)]
pub(crate) struct Anchor {
    pub picture: Arc<Yuv420>,
    /// From the latest decoded frame to it.
    pub flow: Flow,
}

impl Reference {
    /// The anchor as a frame sees it whose flow to this reference is `flow`: flows add up along the way.
    fn anchor(&self, flow: &Flow) -> Anchor {
        let Some(anchor) = &self.anchor else {
            return Anchor { picture: self.picture.clone(), flow: flow.clone() };
        };
        let onward = warp_features(&anchor.flow.data, flow);
        let limit = FLOW.max();
        let data = flow.data.iter().zip(onward).map(|(a, b)| (a + b).clamp(-limit, limit)).collect();
        Anchor { picture: anchor.picture.clone(), flow: Flow { data, ..*flow } }
    }
}

/// Moves a packed prediction towards another by shares of 1/128, one of luma and one of chroma for each site.
fn mix(samples: &mut [i32], towards: &[i32], shares: &[i32]) {
    let difference: Vec<i32> =
        towards.iter().zip(&*samples).map(|(towards, sample)| towards - sample).collect();
    let shares: Vec<i32> = shares.iter().map(|&share| share.max(0)).collect();
    lean(samples, &difference, &shares);
}

/// Adds shares of a difference, of 1/128 and from -1 to 1, one of luma and one of chroma for each site, to a packed prediction.
fn lean(samples: &mut [i32], difference: &[i32], shares: &[i32]) {
    let sites = shares.len() / 2;
    let one = 1 << ACTIVATION.frac;
    for (i, (sample, difference)) in samples.iter_mut().zip(difference).enumerate() {
        let chroma = (packed_plane(i / sites) > 0) as usize;
        let share = shares[chroma * sites + i % sites].clamp(-one, one);
        *sample += (difference * share + one / 2) >> ACTIVATION.frac;
    }
}

/// A prediction with its context.
pub(crate) struct Prediction {
    /// Packed, format [`PIXEL`].
    pub samples: Vec<i32>,
    /// The same as the networks see it.
    pub packed: Values,
    /// Context for the residual codec.
    pub context: Context<Values>,
    /// The flow that it was made with, that to the earlier frame if there are two.
    flow: Flow,
    /// The anchor with the flow to it.
    anchor: Option<Anchor>,
}

/// Sizes of all grids of a video, `[height, width]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    /// Of the picture as given.
    pub picture: [usize; 2],
    /// At 1/8.
    pub site: [usize; 2],
    /// At 1/16.
    pub block: [usize; 2],
    /// At 1/32.
    pub motion: [usize; 2],
}

impl Geometry {
    pub fn new(width: usize, height: usize) -> Geometry {
        let scaled = |by: usize| [height, width].map(|s| s.next_multiple_of(BLOCK).div_ceil(by));
        Geometry {
            picture: [height, width],
            site: scaled(SITE),
            block: scaled(BLOCK),
            motion: scaled(SITE * STRIDE),
        }
    }

    pub fn check(&self, frame: &Yuv420) -> Result<()> {
        let [height, width] = self.picture;
        if [frame.height, frame.width] == self.picture {
            return Ok(());
        }
        Err(Error::FrameSize { found_width: frame.width, found_height: frame.height, width, height })
    }
}
