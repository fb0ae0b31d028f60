//! Parameters by name, and the fixed-point formats that give them an exact integer meaning.

use std::f32::consts::PI;

/// A fixed-point format: a real value `v` is stored as the integer `round(v * 2^frac)`, saturated to `bits` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Fractional bits.
    pub frac: u8,
    /// Total bits, sign included.
    pub bits: u8,
}

impl Format {
    /// Largest stored integer; the smallest is its negative.
    pub const fn max(self) -> i32 {
        (1 << (self.bits - 1)) - 1
    }

    /// Largest real value.
    pub const fn limit(self) -> f32 {
        self.max() as f32 / (1u32 << self.frac) as f32
    }
}

/// What networks hand from layer to layer: 11 bits, unit 1/128.
pub const ACTIVATION: Format = Format { frac: 7, bits: 11 };
/// The wider inputs of a few 1x1 convolutions, latents and hyper-latents: 13 bits, unit 1/128.
pub const WIDE: Format = Format { frac: 7, bits: 13 };
/// Packed pixels leaving a network: unit 1/16 of a grey level (a real 1 is 32 grey levels).
pub const PIXEL: Format = Format { frac: 9, bits: 13 };
/// Latents before quantisation: unit 1/4 of a coefficient (a real 1 is a coefficient of 64).
pub const LATENT: Format = Format { frac: 8, bits: 16 };
/// Means (in units of their channel's spread) and scales (in octaves).
pub const ENTROPY: Format = Format { frac: 8, bits: 16 };
/// Flow in units of 8 luma samples: 1/16 sample precision.
pub const FLOW: Format = Format { frac: 7, bits: 13 };

/// Index of a parameter in its [`Params`].
pub type ParamId = usize;

/// How a parameter starts before training.
#[derive(Clone, Debug)]
pub enum Init {
    /// Uniform with the variance that keeps a rectified signal's energy, times this factor.
    Fan(f32),
    /// One value everywhere.
    Constant(f32),
    /// Given values, in the order of the shape.
    Values(Vec<f32>),
}

/// One named parameter tensor.
#[derive(Clone, Debug)]
pub struct Param {
    /// Path in the model, such as `intra.analysis.in.weight`.
    pub name: String,
    /// Dimensions; convolution weights are `[out, row, column, in]`.
    pub shape: Vec<usize>,
    /// Starting values.
    pub init: Init,
}

impl Param {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the parameter has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The list of all parameters of a model, in a fixed order.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// The parameters.
    pub list: Vec<Param>,
    /// The convolutions that use them.
    pub convs: Vec<Conv>,
    prefix: Vec<String>,
}

impl Params {
    /// Runs `build` with `name` appended to the path of the parameters it creates.
    pub fn scope<R>(&mut self, name: &str, build: impl FnOnce(&mut Params) -> R) -> R {
        self.prefix.push(name.to_owned());
        let result = build(self);
        self.prefix.pop();
        result
    }

    /// Adds a parameter.
    pub fn add(&mut self, name: &str, shape: &[usize], init: Init) -> ParamId {
        let mut path = self.prefix.join(".");
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        self.list.push(Param { name: path, shape: shape.to_vec(), init });
        self.list.len() - 1
    }

    /// Adds a `k` x `k` convolution with bias.
    pub fn conv(&mut self, name: &str, cin: usize, cout: usize, k: usize, init: Init) -> Conv {
        let weight = self.add(&format!("{name}.weight"), &[cout, k, k, cin], init);
        let bias = self.add(&format!("{name}.bias"), &[cout], Init::Constant(0.0));
        let index = self.convs.len();
        let conv = Conv {
            index,
            weight,
            bias,
            cin,
            cout,
            k,
            input: ACTIVATION,
            out: ACTIVATION,
            precise: false,
            since: 2,
        };
        self.convs.push(conv.clone());
        conv
    }
}

/// A convolution: which parameters it uses and the format of its output.
#[derive(Clone, Debug)]
pub struct Conv {
    /// Position among the model's convolutions.
    pub index: usize,
    /// Weight, `[cout, k, k, cin]`.
    pub weight: ParamId,
    /// Bias, `[cout]`.
    pub bias: ParamId,
    /// Input channels.
    pub cin: usize,
    /// Output channels.
    pub cout: usize,
    /// Kernel side, odd.
    pub k: usize,
    /// Input format.
    pub input: Format,
    /// Output format.
    pub out: Format,
    /// Train in single precision even where the rest runs in bf16: the transforms, whose error is picture error.
    pub precise: bool,
    /// Version of the checkpoint format from which the layer exists; for older checkpoints its weights are zero.
    pub since: u8,
}

impl Conv {
    fn changed(mut self, p: &mut Params, change: impl FnOnce(&mut Conv)) -> Conv {
        change(&mut self);
        p.convs[self.index] = self.clone();
        self
    }

    /// The same layer with another output format.
    pub fn format(self, p: &mut Params, out: Format) -> Conv {
        self.changed(p, |c| c.out = out)
    }

    /// The same layer reading the wider format of latents.
    pub fn wide(self, p: &mut Params) -> Conv {
        self.changed(p, |c| c.input = WIDE)
    }

    /// The same layer, trained in single precision.
    pub fn precise(self, p: &mut Params) -> Conv {
        self.changed(p, |c| c.precise = true)
    }

    /// The same layer, unknown to checkpoints before `version`: its weights must start as zero and only add to something.
    pub fn since(self, p: &mut Params, version: u8) -> Conv {
        self.changed(p, |c| c.since = version)
    }

    /// Inputs of each output.
    pub fn fan(&self) -> usize {
        self.cin * self.k * self.k
    }

    /// Multiply-accumulates per output site.
    pub fn macs(&self) -> usize {
        self.cout * self.fan()
    }
}

/// Row `k`, column `i` of the orthonormal DCT-II of size `n` (Ahmed, Natarajan and Rao 1974).
pub fn dct(n: usize, k: usize, i: usize) -> f32 {
    let scale = if k == 0 { (1.0 / n as f32).sqrt() } else { (2.0 / n as f32).sqrt() };
    scale * (PI * (2 * i + 1) as f32 * k as f32 / (2 * n) as f32).cos()
}

/// The `count` lowest frequencies `(vertical, horizontal)` of an `n` x `n` block, nearest to DC first.
pub fn low_frequencies(n: usize, count: usize) -> Vec<(usize, usize)> {
    let mut all: Vec<_> = (0..n * n).map(|t| (t / n, t % n)).collect();
    all.sort_by_key(|&(u, v)| (u * u + v * v, u, v));
    all.truncate(count);
    all
}
