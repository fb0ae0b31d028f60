//! The integer executor: the networks in exact fixed-point arithmetic on any Burn device.
//!
//! Tensors hold integers as f32. Every sum stays below 2^24 (checked when a checkpoint is made and when it is read),
//! so convolutions are exact in any order of summation, with or without fused multiply-add; scaling by powers of two,
//! floor and clamp are exact too. Every device gives the same integers.

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};

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
}

/// Networks of one checkpoint on one device.
pub struct Integer {
    device: Device,
    layers: Vec<Loaded>,
}

impl Integer {
    /// Moves the layers of a checkpoint to a device.
    pub fn new(model: &Model, checkpoint: &Checkpoint, device: &Device) -> Integer {
        let layers =
            model.params.convs.iter().zip(&checkpoint.layers).map(|(c, l)| load(c, l, device)).collect();
        Integer { device: device.clone(), layers }
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
        let values: Vec<f32> = tensor.into_data().try_into_vec().expect("tensors of this executor hold f32");
        values.into_iter().map(|v| v as i32).collect()
    }
}

fn load(conv: &Conv, layer: &Layer, device: &Device) -> Loaded {
    let (cin, cout, taps) = (conv.cin, conv.cout, conv.k * conv.k);
    // From [out, row, column, in].
    let mut weight = vec![0f32; conv.macs()];
    for o in 0..cout {
        for tap in 0..taps {
            for c in 0..cin {
                let to = if by_taps(conv) { (tap * cout + o) * cin + c } else { (o * cin + c) * taps + tap };
                weight[to] = layer.weight[(o * taps + tap) * cin + c] as f32;
            }
        }
    }
    let shape = if by_taps(conv) { [taps * cout, cin, 1, 1] } else { [cout, cin, conv.k, conv.k] };
    let shifts: Vec<u32> = (0..cout).map(|o| layer.shift(conv, o)).collect();
    let half = |shift: u32| if shift > 0 { 1 << (shift - 1) } else { 0 };
    let bias: Vec<f32> = layer.bias.iter().zip(&shifts).map(|(&b, &s)| (b + half(s)) as f32).collect();
    let scale: Vec<f32> = shifts.iter().map(|&s| 1.0 / (1u32 << s) as f32).collect();
    Loaded {
        weight: Tensor::from_data(TensorData::new(weight, shape), device),
        bias: Tensor::from_data(TensorData::new(bias, [cout]), device),
        scale: Tensor::from_data(TensorData::new(scale, [1, cout, 1, 1]), device),
    }
}

/// Up to so many input channels a convolution is computed tap by tap: gathering each output's inputs first, as Burn's `flex`
/// does, then takes longer than multiplying them.
const FEW_CHANNELS: usize = 32;

/// Whether [`tap_by_tap`] computes a layer.
fn by_taps(conv: &Conv) -> bool {
    conv.k > 1 && conv.cin <= FEW_CHANNELS
}

/// A convolution before scaling: one matrix product for all taps of the kernel, whose results are added up where they belong.
fn tap_by_tap(layer: &Conv, loaded: &Loaded, x: Tensor<4>) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let Conv { cout, k, .. } = *layer;
    let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
    let products = conv2d(x, loaded.weight.clone(), None, options);
    let pad = k / 2;
    let products = products.pad((pad, pad, pad, pad), 0.0);
    (0..k * k).fold(loaded.bias.clone().reshape([1, cout, 1, 1]), |sum, tap| {
        sum + products.clone().narrow(1, tap * cout, cout).narrow(2, tap / k, h).narrow(3, tap % k, w)
    })
}

/// Saturates to the activation format.
fn saturate(x: Tensor<4>) -> Tensor<4> {
    let max = ACTIVATION.max() as f32;
    x.clamp(-max, max)
}

impl Ops for Integer {
    type Tensor = Tensor<4>;

    fn conv(&self, layer: &Conv, x: &Tensor<4>) -> Tensor<4> {
        let loaded = &self.layers[layer.index];
        // Inputs may come wider than the layer's accumulator bound allows.
        let limit = layer.input.max() as f32;
        let x = x.clone().clamp(-limit, limit);
        let sum = if by_taps(layer) {
            tap_by_tap(layer, loaded, x)
        } else {
            let pad = layer.k / 2;
            let options = ConvOptions::new([1, 1], [pad, pad], [1, 1], 1);
            conv2d(x, loaded.weight.clone(), Some(loaded.bias.clone()), options)
        };
        let max = layer.out.max() as f32;
        sum.mul(loaded.scale.clone()).floor().clamp(-max, max)
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
