//! The two blocks that the networks repeat: a residual block and a change of resolution.

use std::ops::Range;

use super::ops::Ops;
use super::params::{Conv, Init, Params};

/// `x + conv(leaky(conv(x)))` with dense 3x3 convolutions: per training second they learn more than separable ones,
/// because they keep the matrix units busy.
#[derive(Clone, Debug)]
pub struct Residual {
    a: Conv,
    b: Conv,
}

impl Residual {
    /// A block on `c` channels.
    pub fn new(p: &mut Params, name: &str, c: usize) -> Residual {
        p.scope(name, |p| Residual {
            a: p.conv("a", c, c, 3, Init::Fan(1.0)),
            b: p.conv("b", c, c, 3, Init::Fan(0.25)),
        })
    }

    /// `n` blocks named `name0`, `name1`, ..., and as many `deeper` ones, by which stacks grew with version 5 of the checkpoint
    /// format.
    pub fn stack(p: &mut Params, name: &str, c: usize, n: usize, deeper: usize) -> Vec<Residual> {
        let mut blocks: Vec<_> = (0..n).map(|i| Residual::new(p, &format!("{name}{i}"), c)).collect();
        blocks.extend(Residual::grown(p, name, c, n..n + deeper, 5));
        blocks
    }

    /// The blocks of these numbers, which exist since a `version` of the checkpoint format: they change nothing before training.
    pub fn grown(p: &mut Params, name: &str, c: usize, numbers: Range<usize>, version: u8) -> Vec<Residual> {
        let block = |p: &mut Params| Residual {
            a: p.conv("a", c, c, 3, Init::Fan(1.0)).since(p, version),
            b: p.conv("b", c, c, 3, Init::Constant(0.0)).since(p, version),
        };
        numbers.map(|i| p.scope(&format!("{name}{i}"), block)).collect()
    }

    /// Applies the block.
    pub fn forward<O: Ops>(&self, o: &O, x: &O::Tensor) -> O::Tensor {
        if o.silent(&self.b) {
            return x.clone();
        }
        o.conv_add(&self.b, &o.conv_leaky(&self.a, x), x)
    }
}

/// Applies blocks one after the other.
pub fn chain<O: Ops>(o: &O, blocks: &[Residual], x: &O::Tensor) -> O::Tensor {
    blocks.iter().fold(x.clone(), |x, block| block.forward(o, &x))
}

/// Half the resolution: space to depth, then a 1x1 convolution.
#[derive(Clone, Debug)]
pub struct Down(Conv);

impl Down {
    /// From `cin` channels to `cout` at half the resolution.
    pub fn new(p: &mut Params, name: &str, cin: usize, cout: usize, init: Init) -> Down {
        Down(p.conv(name, 4 * cin, cout, 1, init))
    }

    /// Changes the convolution.
    pub fn map(self, f: impl FnOnce(Conv) -> Conv) -> Down {
        Down(f(self.0))
    }

    /// Applies the layer.
    pub fn forward<O: Ops>(&self, o: &O, x: &O::Tensor) -> O::Tensor {
        o.conv(&self.0, &o.unshuffle(x, 2))
    }

    /// Applies the layer and the leaky ReLU.
    pub fn leaky<O: Ops>(&self, o: &O, x: &O::Tensor) -> O::Tensor {
        o.conv_leaky(&self.0, &o.unshuffle(x, 2))
    }
}

/// Twice the resolution: a 1x1 convolution, then depth to space.
#[derive(Clone, Debug)]
pub struct Up(Conv);

impl Up {
    /// From `cin` channels to `cout` at twice the resolution.
    pub fn new(p: &mut Params, name: &str, cin: usize, cout: usize, init: Init) -> Up {
        Up(p.conv(name, cin, 4 * cout, 1, init))
    }

    /// Changes the convolution.
    pub fn map(self, f: impl FnOnce(Conv) -> Conv) -> Up {
        Up(f(self.0))
    }

    /// Applies the layer.
    pub fn forward<O: Ops>(&self, o: &O, x: &O::Tensor) -> O::Tensor {
        o.shuffle(&o.conv(&self.0, x), 2)
    }

    /// Applies the layer and the leaky ReLU, which does not mind the order of samples.
    pub fn leaky<O: Ops>(&self, o: &O, x: &O::Tensor) -> O::Tensor {
        o.shuffle(&o.conv_leaky(&self.0, x), 2)
    }
}
