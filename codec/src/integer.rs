//! The integer executor: the networks in exact fixed-point arithmetic on any Burn device.
//!
//! Tensors hold integers as f32. Every sum stays below 2^24 (checked when a checkpoint is made and when it is read),
//! so convolutions are exact in any order of summation, with or without fused multiply-add; scaling by powers of two,
//! floor and clamp are exact too. Every device gives the same integers. On the processor, what follows a convolution is done in one
//! pass over its sums; Burn's `flex` would take a pass, and a copy, for each step of it.

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use crate::checkpoint::{Checkpoint, Layer};
use crate::model::Model;
use crate::model::ops::Ops;
use crate::model::params::{ACTIVATION, Conv};

/// A layer on the device.
struct Loaded {
    /// `[out, in, row, column]`, or of layers that are computed tap by tap `[tap out, in, 1, 1]`.
    weight: Tensor<4>,
    bias: Tensor<1>,
    /// 2^-shift for each output channel.
    scale: Tensor<4>,
    /// Bias and shift of each output channel, for passes over memory.
    channels: Vec<(f32, u32)>,
    /// Whether [`tap_by_tap`] computes it.
    by_taps: bool,
    /// Whether all weights and biases are 0.
    silent: bool,
}

/// Networks of one checkpoint on one device.
pub struct Integer {
    device: Device,
    /// Whether tensors are memory of this process.
    host: bool,
    layers: Vec<Loaded>,
}

impl Integer {
    /// Moves the layers of a checkpoint to a device.
    pub fn new(model: &Model, checkpoint: &Checkpoint, device: &Device) -> Integer {
        Integer::with(model, checkpoint, device, *device == Device::flex())
    }

    fn with(model: &Model, checkpoint: &Checkpoint, device: &Device, host: bool) -> Integer {
        let load = |(conv, layer)| load(conv, layer, device, host);
        let layers = model.params.convs.iter().zip(&checkpoint.layers).map(load).collect();
        Integer { device: device.clone(), host, layers }
    }

    /// A tensor of the given integers, `[1, channels, height, width]`.
    pub fn tensor(&self, values: &[i32], [channels, height, width]: [usize; 3]) -> Tensor<4> {
        let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
        Tensor::from_data(TensorData::new(values, [1, channels, height, width]), &self.device)
    }

    /// The sum of the two tensors that an analysis or a synthesis gives.
    pub fn sum(&self, [linear, learned]: [Tensor<4>; 2]) -> Vec<i32> {
        let mut sum = self.integers(linear);
        sum.iter_mut().zip(self.integers(learned)).for_each(|(sum, more)| *sum += more);
        sum
    }

    /// The integers of a tensor, in row-major order.
    pub fn integers(&self, tensor: Tensor<4>) -> Vec<i32> {
        memory(tensor).into_iter().map(|v| v as i32).collect()
    }
}

fn load(conv: &Conv, layer: &Layer, device: &Device, host: bool) -> Loaded {
    let (cin, cout, taps) = (conv.cin, conv.cout, conv.k * conv.k);
    let by_taps = host && taps > 1 && cin <= FEW_CHANNELS;
    // From [out, row, column, in].
    let mut weight = vec![0f32; conv.macs()];
    for o in 0..cout {
        for tap in 0..taps {
            for c in 0..cin {
                let to = if by_taps { (tap * cout + o) * cin + c } else { (o * cin + c) * taps + tap };
                weight[to] = layer.weight[(o * taps + tap) * cin + c] as f32;
            }
        }
    }
    let shape = if by_taps { [taps * cout, cin, 1, 1] } else { [cout, cin, conv.k, conv.k] };
    let half = |shift: u32| if shift > 0 { 1 << (shift - 1) } else { 0 };
    let channel = |o: usize| (layer.shift(conv, o), layer.bias[o]);
    let channels: Vec<(f32, u32)> =
        (0..cout).map(channel).map(|(shift, bias)| ((bias + half(shift)) as f32, shift)).collect();
    let bias: Vec<f32> = channels.iter().map(|c| c.0).collect();
    let scale: Vec<f32> = channels.iter().map(|c| 1.0 / (1u32 << c.1) as f32).collect();
    Loaded {
        weight: Tensor::from_data(TensorData::new(weight, shape), device),
        bias: Tensor::from_data(TensorData::new(bias, [cout]), device),
        scale: Tensor::from_data(TensorData::new(scale, [1, cout, 1, 1]), device),
        channels,
        by_taps,
        silent: layer.weight.iter().all(|&w| w == 0) && layer.bias.iter().all(|&b| b == 0),
    }
}

/// The values of a tensor on the processor, in row-major order.
fn memory(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("tensors of this executor hold f32")
}

/// Up to so many input channels a convolution is computed tap by tap: gathering each output's inputs first, as Burn's `flex`
/// does, then takes longer than multiplying them.
const FEW_CHANNELS: usize = 32;

/// Products that [`tap_by_tap`] holds at a time, about: they stay in the cache, however large the picture is.
const STRIP: usize = 1 << 18;

/// The sums of a convolution, `[cout, h, w]`: strip by strip of rows, one matrix product for all taps of the kernel, whose
/// results are added up where they belong.
fn tap_by_tap(layer: &Conv, loaded: &Loaded, x: &Tensor<4>) -> Vec<f32> {
    let [_, _, h, w] = x.dims();
    let Conv { cout, k, .. } = *layer;
    let pad = k / 2;
    let strip = (STRIP / (k * k * cout * w)).max(1);
    let mut sums = vec![0f32; cout * h * w];
    for top in (0..h).step_by(strip) {
        let end = (top + strip).min(h);
        let seen = top.saturating_sub(pad)..(end + pad).min(h);
        let rows = x.clone().narrow(2, seen.start, seen.len());
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        let products = memory(conv2d(rows, loaded.weight.clone(), None, options));
        sums.par_chunks_exact_mut(h * w).enumerate().for_each(|(o, plane)| {
            for y in top..end {
                let row = &mut plane[y * w..][..w];
                row.fill(loaded.channels[o].0);
                for tap in 0..k * k {
                    let Some(from) = (y + tap / k).checked_sub(pad).filter(|y| seen.contains(y)) else {
                        continue;
                    };
                    let line = ((tap * cout + o) * seen.len() + from - seen.start) * w;
                    add_shifted(row, &products[line..][..w], tap % k, pad);
                }
            }
        });
    }
    sums
}

/// Adds `row[x + right - left]` to every `sum[x]` for which there is one.
fn add_shifted(sum: &mut [f32], row: &[f32], right: usize, left: usize) {
    let (to, from) = (left.saturating_sub(right), right.saturating_sub(left));
    let (to, from) = (sum.get_mut(to..).unwrap_or_default(), row.get(from..).unwrap_or_default());
    to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
}

/// What follows a convolution.
enum Then<'a> {
    Nothing,
    Leaky,
    AddTo(&'a Tensor<4>),
}

impl Integer {
    /// A convolution and what follows it.
    fn convolve(&self, layer: &Conv, x: &Tensor<4>, then: Then) -> Tensor<4> {
        let loaded = &self.layers[layer.index];
        // Inputs may come wider than the layer's accumulator bound allows.
        let limit = layer.input.max() as f32;
        let x = x.clone().clamp(-limit, limit);
        let [_, _, height, width] = x.dims();
        let sums = |x: Tensor<4>| {
            let pad = layer.k / 2;
            let options = ConvOptions::new([1, 1], [pad, pad], [1, 1], 1);
            conv2d(x, loaded.weight.clone(), Some(loaded.bias.clone()), options)
        };
        if !self.host {
            let max = layer.out.max() as f32;
            let y = sums(x).mul(loaded.scale.clone()).floor().clamp(-max, max);
            return match then {
                Then::Nothing => y,
                Then::Leaky => self.leaky(&y),
                Then::AddTo(to) => self.add(to, &y),
            };
        }
        let mut values = if loaded.by_taps { tap_by_tap(layer, loaded, &x) } else { memory(sums(x)) };
        let max = layer.out.max();
        let rounded = |sum: f32, shift: u32| (sum as i32 >> shift).clamp(-max, max);
        let to = if let Then::AddTo(to) = then { memory(to.clone()) } else { Vec::new() };
        let plane = height * width;
        values.par_chunks_exact_mut(plane).enumerate().for_each(|(c, values)| {
            let shift = loaded.channels[c].1;
            match then {
                Then::Nothing => values.iter_mut().for_each(|v| *v = rounded(*v, shift) as f32),
                Then::Leaky => values.iter_mut().for_each(|v| {
                    let y = rounded(*v, shift);
                    *v = y.max(y >> 3) as f32;
                }),
                Then::AddTo(_) => values.iter_mut().zip(&to[c * plane..]).for_each(|(v, &to)| {
                    let limit = ACTIVATION.max() as f32;
                    *v = (rounded(*v, shift) as f32 + to).clamp(-limit, limit);
                }),
            }
        });
        Tensor::from_data(TensorData::new(values, [1, layer.cout, height, width]), &self.device)
    }
}

/// Saturates to the activation format.
fn saturate(x: Tensor<4>) -> Tensor<4> {
    let max = ACTIVATION.max() as f32;
    x.clamp(-max, max)
}

impl Ops for Integer {
    type Tensor = Tensor<4>;

    fn silent(&self, layer: &Conv) -> bool {
        self.layers[layer.index].silent
    }

    fn conv(&self, layer: &Conv, x: &Tensor<4>) -> Tensor<4> {
        self.convolve(layer, x, Then::Nothing)
    }

    fn conv_leaky(&self, layer: &Conv, x: &Tensor<4>) -> Tensor<4> {
        self.convolve(layer, x, Then::Leaky)
    }

    fn conv_add(&self, layer: &Conv, x: &Tensor<4>, to: &Tensor<4>) -> Tensor<4> {
        self.convolve(layer, x, Then::AddTo(to))
    }

    fn leaky(&self, x: &Tensor<4>) -> Tensor<4> {
        x.clone().clamp_min(0.0) + x.clone().clamp_max(0.0).mul_scalar(0.125).floor()
    }

    fn add(&self, a: &Tensor<4>, b: &Tensor<4>) -> Tensor<4> {
        saturate(a.clone() + b.clone())
    }

    fn sub(&self, a: &Tensor<4>, b: &Tensor<4>) -> Tensor<4> {
        saturate(a.clone() - b.clone())
    }

    fn cat(&self, parts: &[&Tensor<4>]) -> Tensor<4> {
        Tensor::cat(parts.iter().map(|&p| p.clone()).collect(), 1)
    }

    fn unshuffle(&self, x: &Tensor<4>, r: usize) -> Tensor<4> {
        let [b, c, h, w] = x.dims();
        let x: Tensor<6> = x.clone().reshape([b, c, h / r, r, w / r, r]);
        x.permute([0, 1, 3, 5, 2, 4]).reshape([b, c * r * r, h / r, w / r])
    }

    fn shuffle(&self, x: &Tensor<4>, r: usize) -> Tensor<4> {
        let [b, c, h, w] = x.dims();
        let c = c / (r * r);
        let x: Tensor<6> = x.clone().reshape([b, c, r, r, h, w]);
        x.permute([0, 1, 4, 2, 5, 3]).reshape([b, c, h * r, w * r])
    }

    fn pad_to(&self, x: &Tensor<4>, multiple: usize) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        let (ph, pw) = (h.next_multiple_of(multiple) - h, w.next_multiple_of(multiple) - w);
        let mut x = x.clone();
        if ph > 0 {
            let last = x.clone().narrow(2, h - 1, 1).repeat_dim(2, ph);
            x = Tensor::cat(vec![x, last], 2);
        }
        if pw > 0 {
            let last = x.clone().narrow(3, w - 1, 1).repeat_dim(3, pw);
            x = Tensor::cat(vec![x, last], 3);
        }
        x
    }

    fn crop_like(&self, x: &Tensor<4>, like: &Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = like.dims();
        x.clone().narrow(2, 0, h).narrow(3, 0, w)
    }

    fn plane(&self, value: &Tensor<4>, like: &Tensor<4>) -> Tensor<4> {
        let [b, _, h, w] = like.dims();
        value.clone().expand([b, 1, h, w])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_over_memory_give_what_tensor_operations_give() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../checkpoints/psnr-12.vcnm");
        let checkpoint = Checkpoint::read(&std::fs::read(path).expect("a checkpoint")).expect("a sound one");
        let (model, device) = (Model::new(), Device::flex());
        let memory = Integer::with(&model, &checkpoint, &device, true);
        let tensors = Integer::with(&model, &checkpoint, &device, false);
        let mut state = 1u32;
        let mut random = |channels: usize, [h, w]: [usize; 2]| -> Vec<i32> {
            let next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Beyond what activations hold.
                (state >> 16) as i32 % 3000 - 1500
            };
            std::iter::repeat_with(next).take(channels * h * w).collect()
        };
        let mut few = 0;
        for (i, layer) in model.params.convs.iter().enumerate() {
            few += usize::from(memory.layers[i].by_taps);
            // Sizes where kernels overhang on all sides, and where strips end.
            let size = [[1, 1], [2, 3], [9, 5]][i % 3];
            let size = if memory.layers[i].by_taps { [40, 67] } else { size };
            let x = random(layer.cin, size);
            let to = random(layer.cout, size);
            let results = [&memory, &tensors].map(|exec| {
                let x = exec.tensor(&x, [layer.cin, size[0], size[1]]);
                let to = exec.tensor(&to, [layer.cout, size[0], size[1]]);
                [exec.conv(layer, &x), exec.conv_leaky(layer, &x), exec.conv_add(layer, &x, &to)]
                    .map(|y| exec.integers(y))
            });
            assert_eq!(results[0], results[1], "{layer:?}");
        }
        assert!(few > 3, "{few} layers of few channels");
    }
}
