//! The integer executor: the networks in exact fixed-point arithmetic.
//!
//! On the processor, feature maps are 16-bit integers (`map`) and convolutions add up in 32 bits (`kernel`). On other Burn
//! devices, tensors hold integers as f32. Every sum stays below 2^24 (checked when a checkpoint is made and when it is read),
//! so convolutions are exact in any order of summation, with or without fused multiply-add; scaling by powers of two,
//! floor and clamp are exact too. Every device gives the same integers.

mod kernel;
mod map;

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};

use crate::checkpoint::Layer;
use crate::model::ops::Ops;
use crate::model::params::{ACTIVATION, Conv};

use kernel::{Kernel, Then};
use map::Map;

/// Networks of one checkpoint, ready to run.
pub enum Integer {
    /// On the processor.
    Host(Vec<Kernel>),
    /// On a device of Burn.
    Device(Device, Vec<Loaded>),
}

/// A tensor of an [`Integer`], of one sample.
#[derive(Clone)]
pub enum Values {
    /// On the processor.
    Host(Map),
    /// `[1, channels, height, width]`.
    Device(Box<Tensor<4>>),
}

/// A layer on a device.
pub struct Loaded {
    /// `[out, in, row, column]`.
    weight: Tensor<4>,
    /// With what rounds to the nearest.
    bias: Tensor<1>,
    /// 2^-shift for each output channel.
    scale: Tensor<4>,
    /// Whether all weights and biases are 0.
    silent: bool,
}

impl Integer {
    /// Moves layers to where they will run: to the processor if the device is Burn's `flex`, to the device if it is another.
    pub fn new(convs: &[Conv], layers: &[Layer], device: &Device) -> Integer {
        let layers = convs.iter().zip(layers);
        if *device == Device::flex() {
            Integer::Host(layers.map(|(conv, layer)| Kernel::new(conv, layer)).collect())
        } else {
            Integer::on(device, layers)
        }
    }

    fn on<'a>(device: &Device, layers: impl Iterator<Item = (&'a Conv, &'a Layer)>) -> Integer {
        Integer::Device(
            device.clone(),
            layers.map(|(conv, layer)| Loaded::new(conv, layer, device)).collect(),
        )
    }

    /// A tensor of the given integers, `[channels, height, width]`.
    pub fn tensor(&self, values: &[i32], shape @ [channels, height, width]: [usize; 3]) -> Values {
        match self {
            Integer::Host(_) => Values::Host(Map::from_planes(values, shape)),
            Integer::Device(device, _) => {
                let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
                let data = TensorData::new(values, [1, channels, height, width]);
                Tensor::from_data(data, device).into()
            }
        }
    }

    /// The sum of the two tensors that an analysis or a synthesis gives.
    pub fn sum(&self, [linear, learned]: [Values; 2]) -> Vec<i32> {
        let mut sum = self.integers(linear);
        sum.iter_mut().zip(self.integers(learned)).for_each(|(sum, more)| *sum += more);
        sum
    }

    /// The integers of a tensor, in row-major order.
    pub fn integers(&self, values: Values) -> Vec<i32> {
        match values {
            Values::Host(map) => map.planes(),
            Values::Device(tensor) => {
                let values: Vec<f32> =
                    tensor.into_data().try_into_vec().expect("tensors of this executor hold f32");
                values.into_iter().map(|v| v as i32).collect()
            }
        }
    }

    /// A convolution and what follows it.
    fn convolve(&self, layer: &Conv, x: &Values, then: Then<Values>) -> Values {
        match (self, x) {
            (Integer::Host(kernels), Values::Host(x)) => {
                let then = match then {
                    Then::Nothing => Then::Nothing,
                    Then::Leaky => Then::Leaky,
                    Then::AddTo(to) => Then::AddTo(to.host()),
                };
                Values::Host(kernels[layer.index].run(x, &then))
            }
            (Integer::Device(_, layers), Values::Device(x)) => {
                let y = layers[layer.index].run(layer, x);
                match then {
                    Then::Nothing => y,
                    Then::Leaky => leaky(&y),
                    Then::AddTo(to) => saturated(to.device() + y),
                }
                .into()
            }
            _ => mixed(),
        }
    }
}

impl Loaded {
    fn new(conv: &Conv, layer: &Layer, device: &Device) -> Loaded {
        let (cin, cout, taps) = (conv.cin, conv.cout, conv.k * conv.k);
        // From [out, row, column, in].
        let mut weight = vec![0f32; conv.macs()];
        for o in 0..cout {
            for tap in 0..taps {
                for c in 0..cin {
                    weight[(o * cin + c) * taps + tap] = layer.weight[(o * taps + tap) * cin + c].into();
                }
            }
        }
        let shifts = (0..cout).map(|o| layer.shift(conv, o));
        let bias: Vec<f32> =
            shifts.clone().zip(&layer.bias).map(|(s, bias)| (bias + half(s)) as f32).collect();
        let scale: Vec<f32> = shifts.map(|shift| 1.0 / (1u32 << shift) as f32).collect();
        Loaded {
            weight: Tensor::from_data(TensorData::new(weight, [cout, cin, conv.k, conv.k]), device),
            bias: Tensor::from_data(TensorData::new(bias, [cout]), device),
            scale: Tensor::from_data(TensorData::new(scale, [1, cout, 1, 1]), device),
            silent: layer.silent(),
        }
    }

    fn run(&self, conv: &Conv, x: &Tensor<4>) -> Tensor<4> {
        // Inputs may come wider than the layer's accumulator bound allows.
        let limit = conv.input.max() as f32;
        let pad = conv.k / 2;
        let options = ConvOptions::new([1, 1], [pad, pad], [1, 1], 1);
        let x = x.clone().clamp(-limit, limit);
        let sums = conv2d(x, self.weight.clone(), Some(self.bias.clone()), options);
        let max = conv.out.max() as f32;
        sums.mul(self.scale.clone()).floor().clamp(-max, max)
    }
}

/// What makes shifting down by so many bits round to the nearest.
fn half(shift: u32) -> i32 {
    if shift > 0 { 1 << (shift - 1) } else { 0 }
}

/// Saturates to the activation format.
fn saturated(x: Tensor<4>) -> Tensor<4> {
    let max = ACTIVATION.max() as f32;
    x.clamp(-max, max)
}

fn leaky(x: &Tensor<4>) -> Tensor<4> {
    x.clone().clamp_min(0.0) + x.clone().clamp_max(0.0).mul_scalar(0.125).floor()
}

fn mixed() -> ! {
    unreachable!("an executor's tensors are all of one kind")
}

impl From<Tensor<4>> for Values {
    fn from(tensor: Tensor<4>) -> Values {
        Values::Device(Box::new(tensor))
    }
}

impl Values {
    fn host(&self) -> &Map {
        let Values::Host(map) = self else { mixed() };
        map
    }

    fn device(&self) -> Tensor<4> {
        let Values::Device(tensor) = self else { mixed() };
        tensor.as_ref().clone()
    }

    /// The same with what each kind becomes.
    fn either(&self, host: impl FnOnce(&Map) -> Map, device: impl FnOnce(&Tensor<4>) -> Tensor<4>) -> Values {
        match self {
            Values::Host(map) => Values::Host(host(map)),
            Values::Device(tensor) => device(tensor).into(),
        }
    }

    /// Height and width.
    fn size(&self) -> [usize; 2] {
        match self {
            Values::Host(map) => {
                let [_, height, width] = map.shape();
                [height, width]
            }
            Values::Device(tensor) => {
                let [_, _, height, width] = tensor.dims();
                [height, width]
            }
        }
    }
}

impl Ops for Integer {
    type Tensor = Values;

    fn silent(&self, layer: &Conv) -> bool {
        match self {
            Integer::Host(kernels) => kernels[layer.index].silent,
            Integer::Device(_, layers) => layers[layer.index].silent,
        }
    }

    fn conv(&self, layer: &Conv, x: &Values) -> Values {
        self.convolve(layer, x, Then::Nothing)
    }

    fn conv_leaky(&self, layer: &Conv, x: &Values) -> Values {
        self.convolve(layer, x, Then::Leaky)
    }

    fn conv_add(&self, layer: &Conv, x: &Values, to: &Values) -> Values {
        self.convolve(layer, x, Then::AddTo(to))
    }

    fn leaky(&self, x: &Values) -> Values {
        x.either(Map::leaky, leaky)
    }

    fn add(&self, a: &Values, b: &Values) -> Values {
        a.either(|a| a.joined(b.host(), i16::saturating_add), |a| saturated(a.clone() + b.device()))
    }

    fn sub(&self, a: &Values, b: &Values) -> Values {
        a.either(|a| a.joined(b.host(), i16::saturating_sub), |a| saturated(a.clone() - b.device()))
    }

    fn cat(&self, parts: &[&Values]) -> Values {
        parts[0].either(
            |_| Map::cat(&parts.iter().map(|part| part.host()).collect::<Vec<_>>()),
            |_| Tensor::cat(parts.iter().map(|part| part.device()).collect(), 1),
        )
    }

    fn unshuffle(&self, x: &Values, r: usize) -> Values {
        x.either(
            |x| x.unshuffled(r),
            |x| {
                let [b, c, h, w] = x.dims();
                let x: Tensor<6> = x.clone().reshape([b, c, h / r, r, w / r, r]);
                x.permute([0, 1, 3, 5, 2, 4]).reshape([b, c * r * r, h / r, w / r])
            },
        )
    }

    fn shuffle(&self, x: &Values, r: usize) -> Values {
        x.either(
            |x| x.shuffled(r),
            |x| {
                let [b, c, h, w] = x.dims();
                let c = c / (r * r);
                let x: Tensor<6> = x.clone().reshape([b, c, r, r, h, w]);
                x.permute([0, 1, 4, 2, 5, 3]).reshape([b, c, h * r, w * r])
            },
        )
    }

    fn pad_to(&self, x: &Values, multiple: usize) -> Values {
        let [h, w] = x.size();
        let to = [h, w].map(|side| side.next_multiple_of(multiple));
        x.either(
            |x| x.resized(to),
            |x| {
                let mut x = x.clone();
                for (dim, more) in [(2, to[0] - h), (3, to[1] - w)] {
                    if more > 0 {
                        let last = x.clone().narrow(dim, x.dims()[dim] - 1, 1).repeat_dim(dim, more);
                        x = Tensor::cat(vec![x, last], dim);
                    }
                }
                x
            },
        )
    }

    fn crop_like(&self, x: &Values, like: &Values) -> Values {
        let to @ [h, w] = like.size();
        x.either(|x| x.resized(to), |x| x.clone().narrow(2, 0, h).narrow(3, 0, w))
    }

    fn plane(&self, value: &Values, like: &Values) -> Values {
        let to @ [h, w] = like.size();
        value.either(|value| value.resized(to), |value| value.clone().expand([1, 1, h, w]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::model::Model;

    #[test]
    fn kernels_give_what_tensor_operations_give() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../checkpoints/psnr-12.vcnm");
        let checkpoint = Checkpoint::read(&std::fs::read(path).expect("a checkpoint")).expect("a sound one");
        let (convs, device) = (Model::new().params.convs, Device::flex());
        let host = Integer::new(&convs, &checkpoint.layers, &device);
        let tensors = Integer::on(&device, convs.iter().zip(&checkpoint.layers));
        let mut state = 1u32;
        let mut random = |channels: usize, [h, w]: [usize; 2]| -> Vec<i32> {
            let next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Beyond what activations hold.
                (state >> 16) as i32 % 3000 - 1500
            };
            std::iter::repeat_with(next).take(channels * h * w).collect()
        };
        for (i, layer) in convs.iter().enumerate() {
            // Kernels overhang on all sides, samples end between those that are computed together, bands within the picture.
            let size @ [height, width] = [[1, 1], [2, 3], [9, 5], [37, 19]][i % 4];
            let x = random(layer.cin, size);
            let to = random(layer.cout, size);
            let results = [&host, &tensors].map(|exec| {
                let x = exec.tensor(&x, [layer.cin, height, width]);
                let to = exec.tensor(&to, [layer.cout, height, width]);
                [exec.conv(layer, &x), exec.conv_leaky(layer, &x), exec.conv_add(layer, &x, &to)]
                    .map(|y| exec.integers(y))
            });
            assert_eq!(results[0], results[1], "{layer:?}");
        }
        let [a, b] = [(); 2].map(|()| random(36, [5, 7]));
        let results = [&host, &tensors].map(|exec| {
            let [a, b] = [&a, &b].map(|values| exec.tensor(values, [36, 5, 7]));
            let odd = exec.cat(&[&a, &exec.plane(&exec.tensor(&[-77], [1, 1, 1]), &a), &b]);
            let padded = exec.pad_to(&odd, 4);
            let [deep, flat] = [exec.unshuffle(&padded, 4), exec.shuffle(&a, 3)];
            let cropped = exec.crop_like(&padded, &exec.unshuffle(&exec.pad_to(&a, 4), 2));
            [exec.add(&a, &b), exec.sub(&a, &b), exec.leaky(&odd), deep, flat, cropped, padded]
                .map(|y| exec.integers(y))
        });
        assert_eq!(results[0], results[1]);
    }
}
