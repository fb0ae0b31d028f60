//! Training on Burn's `flex`: f32 on the processor, in every build of `vcn`.
//!
//! The same mathematics as `torch`, which is faster. What is linear and fixed (enlarging, the half-sample filter) is
//! written as products with small matrices, so that its backward pass is a product too.

use std::cell::{Cell, RefCell};

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData, activation};
use vcn_codec::model::Model;
use vcn_codec::model::ops::Ops;
use vcn_codec::model::params::{ACTIVATION, Conv, FLOW, ParamId};
use vcn_codec::model::transform::{LUMA, PACKED};
use vcn_codec::warp::{APART, HALF_SAMPLE};

use crate::tape::Tape;

/// Saturates to the format of activations, as fixed point will.
fn saturated(x: Tensor<4>) -> Tensor<4> {
    x.clamp(-ACTIVATION.limit(), ACTIVATION.limit())
}

/// A tensor of at most four dimensions: the last `rank` of `tensor`, whose others are 1. Broadcasting aligns last
/// dimensions, so it needs no more than this.
#[derive(Clone)]
pub struct Value {
    tensor: Tensor<4>,
    rank: usize,
}

impl Value {
    /// A tensor of four dimensions.
    fn new(tensor: Tensor<4>) -> Value {
        Value { tensor, rank: 4 }
    }

    fn map(&self, f: impl FnOnce(Tensor<4>) -> Tensor<4>) -> Value {
        Value { tensor: f(self.tensor.clone()), rank: self.rank }
    }

    fn zip(&self, other: &Value, f: impl FnOnce(Tensor<4>, Tensor<4>) -> Tensor<4>) -> Value {
        let rank = self.rank.max(other.rank);
        Value { tensor: f(self.tensor.clone(), other.tensor.clone()), rank }
    }
}

/// Four dimensions, the given ones last.
fn aligned(shape: &[usize]) -> [usize; 4] {
    assert!(shape.len() <= 4, "at most four dimensions, not {shape:?}");
    let mut dims = [1; 4];
    dims[4 - shape.len()..].copy_from_slice(shape);
    dims
}

/// The executor on `flex`.
pub struct Burn {
    device: Device,
    shapes: Vec<Vec<usize>>,
    /// Leaves, in the order of the model.
    params: Vec<Tensor<4>>,
    trained: Vec<bool>,
    gradients: RefCell<Option<Gradients>>,
    recording: Cell<bool>,
}

impl Burn {
    /// An executor for `model` whose parameters are still zero. It computes on the threads of rayon's current pool.
    pub fn new(model: &Model) -> Burn {
        let device = Device::flex().autodiff();
        let shapes: Vec<Vec<usize>> = model.params.list.iter().map(|p| p.shape.clone()).collect();
        let params = shapes.iter().map(|s| Tensor::zeros(aligned(s), &device).require_grad()).collect();
        let trained = vec![true; shapes.len()];
        Burn { device, shapes, params, trained, gradients: RefCell::new(None), recording: Cell::new(true) }
    }

    fn leaf(&self, id: ParamId) -> Tensor<4> {
        let leaf = self.params[id].clone();
        if self.recording.get() { leaf } else { leaf.detach() }
    }

    fn tensor(&self, data: Vec<f32>, shape: [usize; 4]) -> Tensor<4> {
        Tensor::from_data(TensorData::new(data, shape), &self.device)
    }

    /// Maps the rows and the columns of `x` by one linear map each.
    fn separable(
        &self,
        x: &Tensor<4>,
        rows: impl Fn(usize) -> Map,
        columns: impl Fn(usize) -> Map,
    ) -> Tensor<4> {
        let [b, c, h, w] = x.dims();
        let (rows, columns) = (rows(h), columns(w));
        let columns = self.tensor(columns.transposed(), [1, 1, w, columns.outputs]);
        let wide = x.clone().reshape([1, 1, b * c * h, w]).matmul(columns);
        let rows = self.tensor(rows.weights, [1, 1, rows.outputs, h]);
        let [_, _, _, width] = wide.dims();
        rows.matmul(wide.reshape([b, c, h, width]))
    }

    /// Bilinear reading of `x`, which has `factor` times the resolution of `flow`, at the sites that `flow` points to.
    fn sample(&self, x: &Tensor<4>, flow: &Tensor<4>, factor: usize) -> Tensor<4> {
        let [b, c, height, width] = x.dims();
        let [_, _, h, w] = flow.dims();
        let offsets = self.floats(flow);
        // Of each axis: the site before the position and the one after, and how far between them it lies.
        let axis = |component: usize, size: usize| {
            let last = (size - 1) as f32;
            let (mut before, mut after) = (Vec::with_capacity(b * h * w), Vec::with_capacity(b * h * w));
            let (mut between, mut inside) = (Vec::with_capacity(b * h * w), Vec::with_capacity(b * h * w));
            for k in 0..b {
                for (site, &offset) in offsets[(2 * k + component) * h * w..][..h * w].iter().enumerate() {
                    let base = if component == 0 { site % w } else { site / w };
                    let position = (offset + base as f32) * factor as f32;
                    // Where the border repeats nothing changes with the flow.
                    inside.push((position > 0.0 && position < last) as u8 as f32 * factor as f32);
                    let position = position.clamp(0.0, last);
                    let low = position as usize;
                    before.push(low);
                    after.push((low + 1).min(size - 1));
                    between.push(position - low as f32);
                }
            }
            let moved = flow.clone().narrow(1, component, 1);
            let moved = moved.clone() - moved.detach();
            let dims = [b, 1, h, w];
            let weight = self.tensor(between, dims) + moved * self.tensor(inside, dims);
            (before, after, weight)
        };
        let (left, right, x_weight) = axis(0, width);
        let (top, bottom, y_weight) = axis(1, height);
        let flat: Tensor<3> = x.clone().reshape([b, c, height * width]);
        let tap = |rows: &[usize], columns: &[usize]| -> Tensor<4> {
            let indices: Vec<i64> = rows.iter().zip(columns).map(|(&i, &j)| (i * width + j) as i64).collect();
            let indices: Tensor<3, Int> =
                Tensor::from_data(TensorData::new(indices, [b, 1, h * w]), &self.device);
            flat.clone().gather(2, indices.expand([b, c, h * w])).reshape([b, c, h, w])
        };
        let blend = |a: Tensor<4>, b: Tensor<4>, weight: &Tensor<4>| a.clone() + (b - a) * weight.clone();
        let above = blend(tap(&top, &left), tap(&top, &right), &x_weight);
        let below = blend(tap(&bottom, &left), tap(&bottom, &right), &x_weight);
        blend(above, below, &y_weight)
    }

    /// `x`, of `points * factor` times the resolution of `flow`, seen through it; flow in units of `factor` samples.
    fn seen(&self, x: &Tensor<4>, flow: &Tensor<4>, factor: usize, points: usize) -> Tensor<4> {
        let in_samples = |flow: Tensor<4>| flow.mul_scalar(factor as f32);
        let enlarge = |size| Map::enlarge(size, factor);
        let blended = in_samples(self.separable(flow, enlarge, enlarge));
        let apart = self.apart(flow);
        if !apart.contains(&1.0) {
            return self.sample(x, &blended, points);
        }
        let [b, _, h, w] = flow.dims();
        let before = |size| Map::neighbour(size, factor, 0);
        let apart = self.separable(&self.tensor(apart, [b, 1, h, w]), before, before);
        let corners = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(row, column)| {
            let [rows, columns] = [row, column].map(|which| move |size| Map::neighbour(size, factor, which));
            let corner = in_samples(self.separable(flow, rows, columns));
            let corner = blended.clone() + (corner - blended.clone()) * apart.clone();
            let [rows, columns] = [row, column].map(|which| move |size| Map::share(size, factor, which));
            let share = self.separable(&self.tensor(vec![1.0; h * w], [1, 1, h, w]), rows, columns);
            self.sample(x, &corner, points) * share
        });
        let [a, b, c, d] = corners;
        a + b + c + d
    }

    /// 1 for each site whose flow, or that of one of the next to the right and below, is apart from the others', else 0.
    fn apart(&self, flow: &Tensor<4>) -> Vec<f32> {
        let [_, _, h, w] = flow.dims();
        let limit = APART as f32 / (1 << FLOW.frac) as f32;
        let values = self.floats(flow);
        let is_apart = |plane: &[f32], site: usize| {
            let (row, column) = (site / w, site % w);
            let (below, right) = ((row + 1).min(h - 1), (column + 1).min(w - 1));
            let four =
                [(row, column), (row, right), (below, column), (below, right)].map(|(i, j)| plane[i * w + j]);
            four.iter().fold(f32::MIN, |a, &b| a.max(b)) - four.iter().fold(f32::MAX, |a, &b| a.min(b))
                > limit
        };
        let samples = values.chunks_exact(2 * h * w);
        samples
            .flat_map(|flow| {
                let (x, y) = flow.split_at(h * w);
                (0..h * w).map(move |site| (is_apart(x, site) || is_apart(y, site)) as u8 as f32)
            })
            .collect()
    }

    fn floats(&self, x: &Tensor<4>) -> Vec<f32> {
        x.clone().into_data().try_into_vec().expect("tensors of this executor hold f32")
    }
}

/// A fixed linear map of one axis, `[outputs, inputs]`.
struct Map {
    weights: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

impl Map {
    fn new(inputs: usize, outputs: usize) -> Map {
        Map { weights: vec![0.0; inputs * outputs], inputs, outputs }
    }

    /// Adds to the weight of an input; beyond the border the last one repeats.
    fn add(&mut self, output: usize, input: isize, weight: f32) {
        let input = input.clamp(0, self.inputs as isize - 1) as usize;
        self.weights[output * self.inputs + input] += weight;
    }

    /// Bilinear enlargement, sites centred.
    fn enlarge(size: usize, factor: usize) -> Map {
        let mut map = Map::new(size, size * factor);
        for output in 0..map.outputs {
            let (low, between) = Map::between(output, factor);
            map.add(output, low, 1.0 - between);
            map.add(output, low + 1, between);
        }
        map
    }

    /// The site before (0) or after (1) each place of an axis so enlarged.
    fn neighbour(size: usize, factor: usize, which: isize) -> Map {
        let mut map = Map::new(size, size * factor);
        for output in 0..map.outputs {
            map.add(output, Map::between(output, factor).0 + which, 1.0);
        }
        map
    }

    /// Of ones, the share of that site.
    fn share(size: usize, factor: usize, which: isize) -> Map {
        let mut map = Map::new(size, size * factor);
        for output in 0..map.outputs {
            let (low, between) = Map::between(output, factor);
            map.add(output, low, if which == 0 { 1.0 - between } else { between });
        }
        map
    }

    /// The site before a place of an enlarged axis, and how far between it and the next the place lies.
    fn between(output: usize, factor: usize) -> (isize, f32) {
        let at = ((output as f32 + 0.5) / factor as f32 - 0.5).max(0.0);
        (at as isize, at.fract())
    }

    /// Samples, each followed by the half-sample position behind it.
    fn half_samples(size: usize) -> Map {
        let mut map = Map::new(size, 2 * size);
        for site in 0..size {
            map.add(2 * site, site as isize, 1.0);
            for (k, &tap) in HALF_SAMPLE.iter().enumerate() {
                map.add(2 * site + 1, (site + k) as isize - 3, tap as f32 / 64.0);
            }
        }
        map
    }

    /// `[inputs, outputs]`.
    fn transposed(&self) -> Vec<f32> {
        let row = |i| (0..self.outputs).map(move |o| self.weights[o * self.inputs + i]);
        (0..self.inputs).flat_map(row).collect()
    }
}

impl Ops for Burn {
    type Tensor = Value;

    fn conv(&self, layer: &Conv, x: &Value) -> Value {
        let weight = self.leaf(layer.weight).permute([0, 3, 1, 2]);
        let bias: Tensor<1> = self.leaf(layer.bias).reshape([layer.cout]);
        let pad = layer.k / 2;
        let options = ConvOptions::new([1, 1], [pad, pad], [1, 1], 1);
        let y = conv2d(x.tensor.clone(), weight, Some(bias), options);
        Value::new(if layer.out == ACTIVATION { saturated(y) } else { y })
    }

    fn leaky(&self, x: &Value) -> Value {
        x.map(|x| {
            let positive = activation::relu(x.clone());
            x.clone() + (positive - x).mul_scalar(0.875)
        })
    }

    fn add(&self, a: &Value, b: &Value) -> Value {
        a.zip(b, |a, b| saturated(a + b))
    }

    fn sub(&self, a: &Value, b: &Value) -> Value {
        a.zip(b, |a, b| saturated(a - b))
    }

    fn cat(&self, parts: &[&Value]) -> Value {
        Value::new(Tensor::cat(parts.iter().map(|p| p.tensor.clone()).collect(), 1))
    }

    fn unshuffle(&self, x: &Value, r: usize) -> Value {
        let [b, c, h, w] = x.tensor.dims();
        let x: Tensor<6> = x.tensor.clone().reshape([b, c, h / r, r, w / r, r]);
        Value::new(x.permute([0, 1, 3, 5, 2, 4]).reshape([b, c * r * r, h / r, w / r]))
    }

    fn shuffle(&self, x: &Value, r: usize) -> Value {
        let [b, c, h, w] = x.tensor.dims();
        let c = c / (r * r);
        let x: Tensor<6> = x.tensor.clone().reshape([b, c, r, r, h, w]);
        Value::new(x.permute([0, 1, 4, 2, 5, 3]).reshape([b, c, h * r, w * r]))
    }

    fn pad_to(&self, x: &Value, multiple: usize) -> Value {
        let [_, _, h, w] = x.tensor.dims();
        let mut x = x.tensor.clone();
        for (dim, size) in [(2, h), (3, w)] {
            let missing = size.next_multiple_of(multiple) - size;
            if missing > 0 {
                let last = x.clone().narrow(dim, size - 1, 1).repeat_dim(dim, missing);
                x = Tensor::cat(vec![x, last], dim);
            }
        }
        Value::new(x)
    }

    fn crop_like(&self, x: &Value, like: &Value) -> Value {
        let [_, _, h, w] = like.tensor.dims();
        x.map(|x| x.narrow(2, 0, h).narrow(3, 0, w))
    }

    fn plane(&self, value: &Value, like: &Value) -> Value {
        let [b, _, h, w] = like.tensor.dims();
        value.map(|v| v.expand([b, 1, h, w]))
    }
}

impl Tape for Burn {
    fn param(&self, id: ParamId) -> Value {
        Value { tensor: self.leaf(id), rank: self.shapes[id].len() }
    }

    fn constant(&self, data: &[f32], shape: &[usize]) -> Value {
        Value { tensor: self.tensor(data.to_vec(), aligned(shape)), rank: shape.len() }
    }

    fn values(&self, x: &Value) -> Vec<f32> {
        self.floats(&x.tensor)
    }

    fn at_sites(&self, data: &[f32], shape: &[usize]) -> Value {
        let tensor = self.tensor(data.to_vec(), [shape[0], shape[2], shape[3], shape[1]]);
        Value { tensor: tensor.permute([0, 3, 1, 2]), rank: 4 }
    }

    fn sites(&self, x: &Value) -> Vec<f32> {
        self.floats(&x.tensor.clone().permute([0, 2, 3, 1]))
    }

    fn shape(&self, x: &Value) -> Vec<usize> {
        x.tensor.dims()[4 - x.rank..].to_vec()
    }

    fn low(&self, x: &Value) -> Value {
        x.clone()
    }

    fn full(&self, x: &Value) -> Value {
        x.clone()
    }

    fn detach(&self, x: &Value) -> Value {
        x.map(Tensor::detach)
    }

    fn plus(&self, a: &Value, b: &Value) -> Value {
        a.zip(b, |a, b| a + b)
    }

    fn minus(&self, a: &Value, b: &Value) -> Value {
        a.zip(b, |a, b| a - b)
    }

    fn mul(&self, a: &Value, b: &Value) -> Value {
        a.zip(b, |a, b| a * b)
    }

    fn affine(&self, x: &Value, scale: f32, offset: f32) -> Value {
        x.map(|x| {
            let scaled = if scale == 1.0 { x } else { x.mul_scalar(scale) };
            if offset == 0.0 { scaled } else { scaled.add_scalar(offset) }
        })
    }

    fn exp(&self, x: &Value) -> Value {
        x.map(Tensor::exp)
    }

    fn ln(&self, x: &Value) -> Value {
        x.map(Tensor::log)
    }

    fn sigmoid(&self, x: &Value) -> Value {
        x.map(activation::sigmoid)
    }

    fn abs(&self, x: &Value) -> Value {
        x.map(Tensor::abs)
    }

    fn floor(&self, x: &Value) -> Value {
        x.map(|x| x.detach().floor())
    }

    fn clamp(&self, x: &Value, low: f32, high: f32) -> Value {
        x.map(|x| x.clamp(low, high))
    }

    fn at_least(&self, a: &Value, b: &Value) -> Value {
        a.zip(b, |a, b| (a.detach() - b.detach()).greater_equal_scalar(0.0).float())
    }

    fn matmul(&self, a: &Value, b: &Value) -> Value {
        a.zip(b, Tensor::matmul)
    }

    fn reshape(&self, x: &Value, shape: &[usize]) -> Value {
        Value { tensor: x.tensor.clone().reshape(aligned(shape)), rank: shape.len() }
    }

    fn channels(&self, x: &Value, start: usize, len: usize) -> Value {
        x.map(|t| t.narrow(5 - x.rank, start, len))
    }

    fn sum_sites(&self, x: &Value) -> Value {
        let [b, c, h, w] = x.tensor.dims();
        let sums = x.tensor.clone().reshape([1, b, c, h * w]).sum_dim(3);
        Value { tensor: sums.reshape([1, 1, b, c]), rank: 2 }
    }

    fn sum_samples(&self, x: &Value) -> Value {
        let samples = x.tensor.dims()[4 - x.rank];
        let each = x.tensor.dims().iter().product::<usize>() / samples;
        let sums = x.tensor.clone().reshape([1, 1, samples, each]).sum_dim(3);
        Value { tensor: sums.reshape([1, 1, 1, samples]), rank: 1 }
    }

    fn sum(&self, x: &Value) -> Value {
        Value { tensor: x.tensor.clone().sum().reshape([1, 1, 1, 1]), rank: 0 }
    }

    fn warp(&self, x: &Value, flow: &Value) -> Value {
        Value::new(self.sample(&x.tensor, &flow.tensor, 1))
    }

    fn compensate(&self, packed: &Value, flow: &Value) -> Value {
        let luma = self.shuffle(&self.channels(packed, 0, LUMA), 8);
        let chroma = self.shuffle(&self.channels(packed, LUMA, PACKED - LUMA), 4);
        let grid = self.separable(&luma.tensor, Map::half_samples, Map::half_samples);
        let luma = self.unshuffle(&Value::new(self.seen(&grid, &flow.tensor, 8, 2)), 8);
        let chroma = self.unshuffle(&Value::new(self.seen(&chroma.tensor, &flow.tensor, 4, 1)), 4);
        self.cat(&[&luma, &chroma])
    }

    fn backward(&self, loss: &Value) {
        // A loss without any trained parameter in it has no gradients.
        let gradients = loss.tensor.is_tracked().then(|| loss.tensor.backward());
        self.gradients.replace(gradients);
    }

    fn gradients(&self) -> Vec<Vec<f32>> {
        let gradients = self.gradients.borrow();
        let read = |p: &Tensor<4>| {
            gradients.as_ref().and_then(|all| p.grad(all)).map_or(Vec::new(), |g| self.floats(&g))
        };
        self.params.iter().map(read).collect()
    }

    fn load(&mut self, values: &[Vec<f32>]) {
        self.gradients.replace(None);
        for (id, data) in values.iter().enumerate().take(self.params.len()) {
            let leaf = self.tensor(data.clone(), aligned(&self.shapes[id]));
            self.params[id] = leaf.set_require_grad(self.trained[id]);
        }
    }

    fn freeze(&mut self, trained: &[bool]) {
        self.trained.copy_from_slice(trained);
        for (p, &on) in self.params.iter_mut().zip(trained) {
            *p = p.clone().detach().set_require_grad(on);
        }
    }

    fn without_gradients<R>(&self, f: impl FnOnce(&Self) -> R) -> R {
        let before = self.recording.replace(false);
        let result = f(self);
        self.recording.set(before);
        result
    }
}
