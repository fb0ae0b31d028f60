//! Training on libtorch: bf16 in channels-last order, which its matrix-unit kernels want; f32 where it matters.
//!
//! Activations saturate to their format, as fixed point will: networks that never felt it grew beyond it, at a cost of 8 % of
//! rate on intra frames, up to 16 % where textures are strong.

use std::cell::RefCell;

use tch::{Kind, Tensor};
use vcn_codec::model::Model;
use vcn_codec::model::ops::Ops;
use vcn_codec::model::params::{ACTIVATION, Conv, ParamId};

use crate::fused;
use crate::tape::Tape;

/// Slope of the leaky ReLU below zero.
const SLOPE: f64 = 0.125;

/// A tensor whose clones share storage.
pub struct Value(Tensor);

impl Clone for Value {
    fn clone(&self) -> Self {
        Value(self.0.shallow_clone())
    }
}

/// The libtorch executor.
pub struct Torch {
    params: Vec<Tensor>,
    /// Weights in bf16 and channels-last order, made once per step.
    low: RefCell<Vec<Option<Tensor>>>,
    kind: Kind,
}

impl Torch {
    /// An executor for `model` whose parameters are still zero; `bf16` for the networks' arithmetic.
    pub fn new(model: &Model, bf16: bool, threads: usize) -> Torch {
        tch::set_num_threads(threads as i32);
        let shape = |s: &[usize]| s.iter().map(|&d| d as i64).collect::<Vec<_>>();
        let params = model
            .params
            .list
            .iter()
            .map(|p| Tensor::zeros(shape(&p.shape), (Kind::Float, tch::Device::Cpu)).set_requires_grad(true))
            .collect::<Vec<_>>();
        let low = RefCell::new((0..params.len()).map(|_| None).collect());
        Torch { params, low, kind: if bf16 { Kind::BFloat16 } else { Kind::Float } }
    }

    fn weight(&self, layer: &Conv) -> Tensor {
        if layer.precise {
            return self.params[layer.weight].permute([0, 3, 1, 2]);
        }
        let mut low = self.low.borrow_mut();
        low[layer.weight]
            .get_or_insert_with(|| self.params[layer.weight].to_kind(self.kind).permute([0, 3, 1, 2]))
            .shallow_clone()
    }

    /// Input, weight and bias of a convolution in its precision.
    fn convolved(&self, layer: &Conv, x: &Value) -> [Tensor; 3] {
        let kind = if layer.precise { Kind::Float } else { self.kind };
        [x.0.to_kind(kind), self.weight(layer), self.params[layer.bias].to_kind(kind)]
    }
}

/// `a + sign * b`, saturated; in f32 where one of them is.
fn saturated_sum(a: &Value, b: &Value, sign: f64) -> Value {
    let kind = if a.0.kind() == b.0.kind() { a.0.kind() } else { Kind::Float };
    Value(fused::add(&a.0.to_kind(kind), &b.0.to_kind(kind), sign))
}

/// NCHW view of the same data seen as NHWC, and back.
fn channels_last(x: &Tensor) -> Tensor {
    x.permute([0, 2, 3, 1])
}
fn channels_first(x: &Tensor) -> Tensor {
    x.permute([0, 3, 1, 2])
}

impl Ops for Torch {
    type Tensor = Value;

    fn conv(&self, layer: &Conv, x: &Value) -> Value {
        let [x, weight, bias] = self.convolved(layer, x);
        if layer.out == ACTIVATION {
            return Value(fused::conv_activate(&x, &weight, &bias, 1.0));
        }
        let pad = (layer.k / 2) as i64;
        Value(x.conv2d(&weight, Some(&bias), [1, 1], [pad, pad], [1, 1], 1))
    }

    fn conv_leaky(&self, layer: &Conv, x: &Value) -> Value {
        assert!(layer.out == ACTIVATION, "only activations are rectified");
        let [x, weight, bias] = self.convolved(layer, x);
        Value(fused::conv_activate(&x, &weight, &bias, SLOPE))
    }

    fn conv_add(&self, layer: &Conv, x: &Value, to: &Value) -> Value {
        assert!(layer.out == ACTIVATION, "only activations are added to");
        let [x, weight, bias] = self.convolved(layer, x);
        Value(fused::conv_add(&x, &weight, &bias, &to.0))
    }

    fn leaky(&self, x: &Value) -> Value {
        // libtorch's own leaky ReLU takes no slope through `tch`; its derivative does, and applied to the input itself it
        // is the function: one pass forward, one backward.
        Value(x.0.detach().leaky_relu_backward(&x.0, SLOPE, false))
    }

    fn add(&self, a: &Value, b: &Value) -> Value {
        saturated_sum(a, b, 1.0)
    }

    fn sub(&self, a: &Value, b: &Value) -> Value {
        saturated_sum(a, b, -1.0)
    }

    fn cat(&self, parts: &[&Value]) -> Value {
        let low = parts.iter().any(|p| p.0.kind() != Kind::Float);
        let kind = if low { self.kind } else { Kind::Float };
        Value(Tensor::cat(&parts.iter().map(|p| p.0.to_kind(kind)).collect::<Vec<_>>(), 1))
    }

    fn unshuffle(&self, x: &Value, r: usize) -> Value {
        Value(fused::shuffle(&x.0, r, true))
    }

    fn shuffle(&self, x: &Value, r: usize) -> Value {
        Value(fused::shuffle(&x.0, r, false))
    }

    fn pad_to(&self, x: &Value, multiple: usize) -> Value {
        let (_, _, h, w) = x.0.size4().expect("four dimensions");
        let m = multiple as i64;
        let (ph, pw) = ((m - h % m) % m, (m - w % m) % m);
        if ph == 0 && pw == 0 { x.clone() } else { Value(x.0.replication_pad2d([0, pw, 0, ph])) }
    }

    fn crop_like(&self, x: &Value, like: &Value) -> Value {
        let (_, _, h, w) = like.0.size4().expect("four dimensions");
        Value(x.0.narrow(2, 0, h).narrow(3, 0, w))
    }

    fn plane(&self, value: &Value, like: &Value) -> Value {
        let (b, _, h, w) = like.0.size4().expect("four dimensions");
        Value(value.0.to_kind(like.0.kind()).expand([b, 1, h, w], false))
    }
}

impl Tape for Torch {
    fn param(&self, id: ParamId) -> Value {
        Value(self.params[id].shallow_clone())
    }

    fn constant(&self, data: &[f32], shape: &[usize]) -> Value {
        let x = Tensor::from_slice(data).reshape(shape.iter().map(|&d| d as i64).collect::<Vec<_>>());
        // Pictures in the order that everything else has: sums of two orders take strided loops.
        Value(if shape.len() == 4 { channels_first(&channels_last(&x).contiguous()) } else { x })
    }

    fn at_sites(&self, data: &[f32], shape: &[usize]) -> Value {
        let [b, c, h, w] = [0, 1, 2, 3].map(|k| shape[k] as i64);
        Value(channels_first(&Tensor::from_slice(data).reshape([b, h, w, c])))
    }

    fn sites(&self, x: &Value) -> Vec<f32> {
        self.values(&Value(channels_last(&x.0)))
    }

    fn values(&self, x: &Value) -> Vec<f32> {
        let x = x.0.detach().to_kind(Kind::Float).contiguous();
        let mut out = vec![0f32; x.numel()];
        x.copy_data(&mut out, x.numel());
        out
    }

    fn shape(&self, x: &Value) -> Vec<usize> {
        x.0.size().iter().map(|&d| d as usize).collect()
    }

    fn low(&self, x: &Value) -> Value {
        Value(x.0.to_kind(self.kind))
    }

    fn full(&self, x: &Value) -> Value {
        Value(x.0.to_kind(Kind::Float))
    }

    fn detach(&self, x: &Value) -> Value {
        Value(x.0.detach())
    }

    fn plus(&self, a: &Value, b: &Value) -> Value {
        Value(&a.0 + &b.0)
    }

    fn minus(&self, a: &Value, b: &Value) -> Value {
        Value(&a.0 - &b.0)
    }

    fn mul(&self, a: &Value, b: &Value) -> Value {
        Value(&a.0 * &b.0)
    }

    fn affine(&self, x: &Value, scale: f32, offset: f32) -> Value {
        let scaled = if scale == 1.0 { x.0.shallow_clone() } else { &x.0 * scale as f64 };
        Value(if offset == 0.0 { scaled } else { scaled + offset as f64 })
    }

    fn exp(&self, x: &Value) -> Value {
        Value(x.0.exp())
    }

    fn ln(&self, x: &Value) -> Value {
        Value(x.0.log())
    }

    fn sigmoid(&self, x: &Value) -> Value {
        Value(x.0.sigmoid())
    }

    fn abs(&self, x: &Value) -> Value {
        Value(x.0.abs())
    }

    fn floor(&self, x: &Value) -> Value {
        Value(x.0.detach().floor())
    }

    fn clamp(&self, x: &Value, low: f32, high: f32) -> Value {
        Value(x.0.clamp(low as f64, high as f64))
    }

    fn at_least(&self, a: &Value, b: &Value) -> Value {
        Value(a.0.detach().ge_tensor(&b.0.detach()).to_kind(Kind::Float))
    }

    fn matmul(&self, a: &Value, b: &Value) -> Value {
        Value(a.0.matmul(&b.0))
    }

    fn reshape(&self, x: &Value, shape: &[usize]) -> Value {
        Value(x.0.reshape(shape.iter().map(|&d| d as i64).collect::<Vec<_>>()))
    }

    fn channels(&self, x: &Value, start: usize, len: usize) -> Value {
        Value(x.0.narrow(1, start as i64, len as i64))
    }

    fn sum_sites(&self, x: &Value) -> Value {
        Value(x.0.sum_dim_intlist([2i64, 3].as_slice(), false, Kind::Float))
    }

    fn sum_samples(&self, x: &Value) -> Value {
        Value(x.0.flatten(1, -1).sum_dim_intlist([1i64].as_slice(), false, Kind::Float))
    }

    fn sum(&self, x: &Value) -> Value {
        Value(x.0.sum(Kind::Float))
    }

    fn warp(&self, x: &Value, flow: &Value) -> Value {
        Value(fused::warp(&x.0, &flow.0))
    }

    fn compensate(&self, packed: &Value, flow: &Value) -> Value {
        Value(fused::compensate(&packed.0, &flow.0))
    }

    fn backward(&self, loss: &Value) {
        loss.0.backward();
    }

    fn gradients(&self) -> Vec<Vec<f32>> {
        let read = |p: &Tensor| {
            let grad = p.grad();
            if !grad.defined() {
                return Vec::new();
            }
            let mut out = vec![0f32; grad.numel()];
            grad.contiguous().copy_data(&mut out, grad.numel());
            out
        };
        self.params.iter().map(read).collect()
    }

    fn load(&mut self, values: &[Vec<f32>]) {
        tch::no_grad(|| {
            for (p, v) in self.params.iter_mut().zip(values) {
                let shape = p.size();
                p.copy_(&Tensor::from_slice(v).reshape(shape));
                p.zero_grad();
            }
        });
        self.low.borrow_mut().iter_mut().for_each(|w| *w = None);
    }

    fn freeze(&mut self, trained: &[bool]) {
        for (p, &on) in self.params.iter_mut().zip(trained) {
            *p = p.set_requires_grad(on);
        }
    }

    fn without_gradients<R>(&self, f: impl FnOnce(&Self) -> R) -> R {
        let result = tch::no_grad(|| f(self));
        // Weights that were cast in there have no way back to their parameters.
        self.low.borrow_mut().iter_mut().for_each(|w| *w = None);
        result
    }
}
