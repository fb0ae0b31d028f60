//! A trained model as it is shipped: integer weights, quantisation steps, probability tables, training record.

use crate::container::Metric;
use crate::container::varint;
use crate::entropy::ScaleTables;
use crate::model::latent::{KNOTS, Latent};
use crate::model::params::Conv;
use crate::model::{LOWEST, Model, QUALITIES};
use crate::warp::Blend;
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"VCNMODEL";
/// Versions that can be read: 1 was never released; since 3 the second lattice's scales are refined, too, and the
/// prediction is; since 4 there is an anchor, and sites may keep the reference; since 5 intra networks, the analysis of
/// residuals and the entropy model of motion are deeper, the latter told of the reference features, and each latent has its
/// own tables; since 6 blocks may have vectors; since 7 the luma of intra frames is restored, since 8 by more layers;
/// since 9 windows overlap where neighbouring sites move apart; since 10 frames may be skipped over and coded from both sides;
/// since 11 these tell both sides apart, and frames may be worse than the lowest quality that can be asked for.
const VERSIONS: std::ops::RangeInclusive<u8> = 2..=11;
/// Since this version every latent has tables of its own.
const TABLES_BY_LATENT: u8 = 5;
/// Since this version the digest tells versions apart.
const VERSION_IN_DIGEST: u8 = 10;
/// The finest scale of weights is one over two to this.
const MAX_EXPONENT: u8 = 20;
/// No checkpoint may unpack to more than this.
const MAX_BYTES: usize = 64 << 20;

/// Largest integer that f32 arithmetic keeps exact, and so the bound on every accumulator.
pub const EXACT: i64 = 1 << 24;

/// One convolution in integers: `round(sum(w a) + bias) >> shift`, with `shift` from the exponent and the formats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Weights `[out, row, column, in]`.
    pub weight: Vec<i8>,
    /// Per output channel, the power of two by which its weights were multiplied.
    pub exponent: Vec<u8>,
    /// Per output channel, in units of the accumulator.
    pub bias: Vec<i32>,
}

/// An output channel at one scale.
struct Scaled {
    weights: Vec<i8>,
    bias: i32,
    exponent: u8,
    /// Squared error of the weights.
    lost: f32,
    /// Whether no input can push the accumulator beyond what f32 holds exactly.
    exact: bool,
}

impl Layer {
    /// Quantises real weights to 8 bits: each output channel at the power-of-two scale at which it loses least, be it to
    /// rounding or to clipping, of those at which no input can push the accumulator beyond what f32 holds exactly.
    pub fn quantise(conv: &Conv, weight: &[f32], bias: &[f32]) -> Layer {
        let fan = conv.fan();
        let mut layer = Layer { weight: Vec::new(), exponent: Vec::new(), bias: Vec::new() };
        let least = conv.out.frac.saturating_sub(conv.input.frac);
        for (row, &b) in weight.chunks_exact(fan).zip(bias) {
            let at = |exponent: u8| {
                let scale = (1u32 << exponent) as f32;
                // To the nearest; `round` would be a call for each weight.
                let nearest = |w: &f32| ((w * scale).clamp(-127.0, 127.0) + 0.5f32.copysign(*w)) as i8;
                let weights: Vec<i8> = row.iter().map(nearest).collect();
                let error = |(w, &q): (&f32, &i8)| (w - f32::from(q) / scale).powi(2);
                let lost = row.iter().zip(&weights).map(error).sum();
                let bias = (b as f64 * scale as f64 * (1u32 << conv.input.frac) as f64).round();
                let exact = accumulator_bound(conv, &weights, bias as i64, exponent) < EXACT;
                let bias = bias.clamp(-(EXACT as f64) / 2.0, EXACT as f64 / 2.0) as i32;
                Scaled { weights, bias, exponent, lost, exact }
            };
            let largest = row.iter().fold(0f32, |m, w| m.max(w.abs()));
            let fits = (127.0 / largest).log2().floor().clamp(least as f32, MAX_EXPONENT as f32) as u8;
            let mut best = at((fits + 1).min(MAX_EXPONENT));
            while best.exponent > least {
                let coarser = at(best.exponent - 1);
                if best.exact && best.lost <= coarser.lost {
                    break;
                }
                best = coarser;
            }
            layer.weight.extend(best.weights);
            layer.exponent.push(best.exponent);
            layer.bias.push(best.bias);
        }
        layer
    }

    /// The real weights and biases that the integers stand for.
    pub fn real(&self, conv: &Conv) -> [Vec<f32>; 2] {
        let fan = conv.fan();
        let unit = |o: usize| 1.0 / (1u32 << self.exponent[o]) as f32;
        let frac = (1u32 << conv.input.frac) as f32;
        let weight = self.weight.iter().enumerate().map(|(i, &w)| w as f32 * unit(i / fan));
        let bias = self.bias.iter().enumerate().map(|(o, &b)| b as f32 * unit(o) / frac);
        [weight.collect(), bias.collect()]
    }

    /// Whether it gives nothing but zeros.
    pub fn silent(&self) -> bool {
        self.weight.iter().all(|&w| w == 0) && self.bias.iter().all(|&b| b == 0)
    }

    /// Bits by which an accumulator of output channel `o` is shifted down.
    pub fn shift(&self, conv: &Conv, o: usize) -> u32 {
        conv.input.frac as u32 + self.exponent[o] as u32 - conv.out.frac as u32
    }

    fn check(&self, conv: &Conv) -> Result<()> {
        let fan = conv.fan();
        for (o, row) in self.weight.chunks_exact(fan).enumerate() {
            if (self.exponent[o] as u32) < (conv.out.frac as u32).saturating_sub(conv.input.frac as u32)
                || self.exponent[o] > 20
            {
                return Err(Error::Checkpoint { what: "a weight exponent", found: self.exponent[o] as i64 });
            }
            let bound = accumulator_bound(conv, row, self.bias[o] as i64, self.exponent[o]);
            if bound >= EXACT {
                return Err(Error::Checkpoint { what: "an accumulator bound (limit 2^24)", found: bound });
            }
        }
        Ok(())
    }
}

/// Largest magnitude that the accumulator of one output channel can reach, rounding term included.
fn accumulator_bound(conv: &Conv, weights: &[i8], bias: i64, exponent: u8) -> i64 {
    let sum: i64 = weights.iter().map(|&w| (w as i64).abs()).sum();
    let shift = conv.input.frac as i64 + exponent as i64 - conv.out.frac as i64;
    let half = if shift > 0 { 1i64 << (shift - 1) } else { 0 };
    sum * conv.input.max() as i64 + bias.abs() + half
}

/// Quantisation steps of one latent, `[QUALITIES, channels]`, in real units times 2^14.
pub type Steps = Vec<u32>;

/// Fractional bits of [`Steps`].
pub const STEP_FRAC: u32 = 14;

/// Quantisation steps of every quality from `log_gain`, `[KNOTS, channels]`: gains interpolated between knots, inverted.
pub fn steps(latent: &Latent, log_gain: &[f32]) -> Steps {
    let channels = latent.sizes.latent;
    let mut steps = Vec::with_capacity(QUALITIES * channels);
    for quality in 0..QUALITIES {
        let at = quality as f32 / (QUALITIES - 1) as f32 * (KNOTS - 1) as f32;
        let low = (at as usize).min(KNOTS - 2);
        let t = at - low as f32;
        for c in 0..channels {
            let gain = log_gain[low * channels + c] * (1.0 - t) + log_gain[(low + 1) * channels + c] * t;
            steps.push(
                ((-gain).exp() * (1u32 << STEP_FRAC) as f32).round().clamp(1.0, (1 << 22) as f32) as u32
            );
        }
    }
    steps
}

/// What the streams of a checkpoint's version know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    /// Scales of the second lattice follow the symbols of the first.
    pub two_passes: bool,
    /// Frames are predicted from an anchor, too, and may keep sites of their reference.
    pub anchors: bool,
    /// Blocks may have vectors, and the motion network may be silent.
    pub vectors: bool,
    /// The luma of intra frames is restored.
    pub restoration: bool,
    /// What is seen between the sites of a flow.
    pub blend: Blend,
    /// Frames may be coded after some that are shown later.
    pub between: bool,
    /// Networks tell the references of such frames apart.
    pub ends: bool,
    /// Lowest quality of a frame.
    pub lowest: i8,
}

/// A trained model.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Short name.
    pub name: String,
    /// What it was optimised for.
    pub metric: Metric,
    /// How it was trained: JSON text.
    pub record: String,
    /// One per convolution of the model, in the model's order.
    pub layers: Vec<Layer>,
    /// Of the intra, motion and inter latents.
    pub steps: [Steps; 3],
    /// Tables by scale index, of each latent.
    pub scales: [ScaleTables; 3],
    version: u8,
    digest: [u8; 32],
}

/// What streams name a checkpoint by. The same weights in another version are another model: its streams have another syntax.
fn digest(plain: &[u8], version: u8) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(plain);
    if version >= VERSION_IN_DIGEST {
        hasher.update(&[version]);
    }
    *hasher.finalize().as_bytes()
}

/// The latents of a model in the order of [`Checkpoint::steps`].
pub fn latents(model: &Model) -> [&Latent; 3] {
    [&model.intra.latent, &model.inter.motion.latent, &model.inter.latent]
}

impl Checkpoint {
    /// Puts a checkpoint together and checks that it fits the model and keeps every bound.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with the quantity at fault.
    pub fn new(
        name: String,
        metric: Metric,
        record: String,
        layers: Vec<Layer>,
        steps: [Steps; 3],
        scales: [ScaleTables; 3],
    ) -> Result<Checkpoint> {
        let version = *VERSIONS.end();
        Checkpoint { name, metric, record, layers, steps, scales, version, digest: [0; 32] }.checked()
    }

    fn checked(mut self) -> Result<Checkpoint> {
        self.check()?;
        self.digest = digest(&self.plain(), self.version);
        Ok(self)
    }

    /// Version of its format.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// What its streams know.
    pub(crate) fn syntax(&self) -> Syntax {
        let since = |version| self.version >= version;
        Syntax {
            two_passes: since(3),
            anchors: since(4),
            vectors: since(6),
            restoration: since(7),
            blend: if since(9) { Blend::Pictures } else { Blend::Flows },
            between: since(10),
            ends: since(11),
            lowest: if since(11) { LOWEST } else { 0 },
        }
    }

    /// What streams name: blake3 of the unpacked contents and, since version 10, the version.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    fn check(&self) -> Result<()> {
        let model = Model::new();
        let wrong = |what, found| Err(Error::Checkpoint { what, found });
        if self.layers.len() != model.params.convs.len() {
            return wrong("the number of layers", self.layers.len() as i64);
        }
        for (layer, conv) in self.layers.iter().zip(&model.params.convs) {
            if layer.weight.len() != conv.macs()
                || layer.exponent.len() != conv.cout
                || layer.bias.len() != conv.cout
            {
                return wrong("the size of a layer", layer.weight.len() as i64);
            }
            layer.check(conv)?;
        }
        for (steps, latent) in self.steps.iter().zip(latents(&model)) {
            if steps.len() != QUALITIES * latent.sizes.latent {
                return wrong("the number of quantisation steps", steps.len() as i64);
            }
            if let Some(&step) = steps.iter().find(|&&s| s == 0 || s > 1 << 22) {
                return wrong("a quantisation step", step as i64);
            }
        }
        if let Some(scales) = self.scales.iter().find(|scales| scales.count() != crate::model::latent::SCALES)
        {
            return wrong("the number of scale tables", scales.count() as i64);
        }
        Ok(())
    }

    fn plain(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let text = |out: &mut Vec<u8>, s: &str| {
            varint::put(out, s.len() as u64);
            out.extend_from_slice(s.as_bytes());
        };
        text(&mut out, &self.name);
        out.push(self.metric as u8);
        text(&mut out, &self.record);
        let known = |conv: &Conv| conv.since <= self.version;
        for (_, layer) in Model::new().params.convs.iter().zip(&self.layers).filter(|(conv, _)| known(conv)) {
            out.extend(layer.weight.iter().map(|&w| w as u8));
            out.extend_from_slice(&layer.exponent);
            layer.bias.iter().for_each(|b| out.extend_from_slice(&b.to_le_bytes()));
        }
        self.steps.iter().flatten().for_each(|s| out.extend_from_slice(&s.to_le_bytes()));
        let sets = if self.version < TABLES_BY_LATENT { 1 } else { self.scales.len() };
        self.scales[..sets].iter().for_each(|scales| scales.write(&mut out));
        out
    }

    /// The file: magic, version, digest, zstd of the contents.
    pub fn write(&self) -> Vec<u8> {
        let packed = zstd::bulk::compress(&self.plain(), 19).expect("compression into memory cannot fail");
        [&MAGIC[..], &[self.version], &self.digest, &packed].concat()
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// If it is not a checkpoint, is damaged, is of another version, or breaks a bound.
    pub fn read(bytes: &[u8]) -> Result<Checkpoint> {
        let wrong = |what, found| Error::Checkpoint { what, found };
        let body = bytes.strip_prefix(MAGIC).ok_or(wrong("the magic number", -1))?;
        let (&version, body) = body.split_first().ok_or(wrong("the length", bytes.len() as i64))?;
        if !VERSIONS.contains(&version) {
            return Err(wrong("the version", version as i64));
        }
        let (digest, packed) = body.split_at_checked(32).ok_or(wrong("the length", bytes.len() as i64))?;
        let plain =
            zstd::bulk::decompress(packed, MAX_BYTES).map_err(|_| wrong("the packed contents", -1))?;
        if self::digest(&plain, version) != digest {
            return Err(wrong("the digest", -1));
        }
        Self::parse(&plain, version)
    }

    fn parse(plain: &[u8], version: u8) -> Result<Checkpoint> {
        let mut rest = plain;
        let short = || Error::Checkpoint { what: "the length of the contents", found: plain.len() as i64 };
        let take = |rest: &mut &[u8], n: usize| -> Result<Vec<u8>> {
            let (head, tail) = rest.split_at_checked(n).ok_or_else(short)?;
            *rest = tail;
            Ok(head.to_vec())
        };
        let text = |rest: &mut &[u8]| -> Result<String> {
            let n = varint::take(rest).map_err(|_| short())?;
            String::from_utf8(take(rest, usize::try_from(n).map_err(|_| short())?)?).map_err(|_| short())
        };
        let words = |bytes: Vec<u8>| {
            bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect::<Vec<u32>>()
        };
        let name = text(&mut rest)?;
        let metric = match take(&mut rest, 1)?[0] {
            m if m == Metric::Psnr as u8 => Metric::Psnr,
            m if m == Metric::MsSsim as u8 => Metric::MsSsim,
            m => return Err(Error::Checkpoint { what: "the metric", found: m as i64 }),
        };
        let record = text(&mut rest)?;
        let model = Model::new();
        let mut layers = Vec::new();
        for conv in &model.params.convs {
            if conv.since > version {
                layers.push(Layer::quantise(conv, &vec![0.0; conv.macs()], &vec![0.0; conv.cout]));
                continue;
            }
            layers.push(Layer {
                weight: take(&mut rest, conv.macs())?.into_iter().map(|w| w as i8).collect(),
                exponent: take(&mut rest, conv.cout)?,
                bias: words(take(&mut rest, 4 * conv.cout)?).into_iter().map(|b| b as i32).collect(),
            });
        }
        let mut steps = |latent: &Latent| Ok(words(take(&mut rest, 4 * QUALITIES * latent.sizes.latent)?));
        let [a, b, c] = latents(&model);
        let steps = [steps(a)?, steps(b)?, steps(c)?];
        let first = ScaleTables::read(&mut rest)?;
        let scales = if version < TABLES_BY_LATENT {
            [first.clone(), first.clone(), first]
        } else {
            [first, ScaleTables::read(&mut rest)?, ScaleTables::read(&mut rest)?]
        };
        if !rest.is_empty() {
            return Err(short());
        }
        Checkpoint { name, metric, record, layers, steps, scales, version, digest: [0; 32] }.checked()
    }
}
