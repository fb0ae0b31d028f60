//! Passes of our own beside libtorch, compiled by the build script: `fused.cc`, convolutions with what follows them;
//! `warp.cc`, pictures and features seen through a flow; `shuffle.cc`, space to depth and back.
//!
//! The loops exist once for AVX-512, once for AVX2 and once for any machine; the loader picks.

use std::ffi::{CStr, c_char};

use tch::Tensor;
use torch_sys::C_tensor;
use vcn_codec::model::params::{ACTIVATION, FLOW};
use vcn_codec::warp::{APART, HALF_SAMPLE};

unsafe extern "C" {
    fn vcn_failure() -> *const c_char;
    fn vcn_conv_activate(
        x: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        limit: f64,
        unit: f64,
        slope: f64,
    ) -> *mut C_tensor;
    fn vcn_conv_add(
        h: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        to: *const C_tensor,
        limit: f64,
        unit: f64,
    ) -> *mut C_tensor;
    fn vcn_compensate(
        packed: *const C_tensor,
        flow: *const C_tensor,
        taps: *const f64,
        apart: f64,
    ) -> *mut C_tensor;
    fn vcn_warp(x: *const C_tensor, flow: *const C_tensor) -> *mut C_tensor;
    fn vcn_shuffle(x: *const C_tensor, r: i64, deepens: bool) -> *mut C_tensor;
    fn vcn_add(a: *const C_tensor, b: *const C_tensor, sign: f64, limit: f64, unit: f64) -> *mut C_tensor;
}

/// Largest activation, and the unit to which bf16 rounds it where bf16 is finer.
const LIMIT: f64 = ACTIVATION.limit() as f64;
const UNIT: f64 = 1.0 / (1 << ACTIVATION.frac) as f64;

/// Takes over a result of `fused.cc`. Like `tch`, it panics where libtorch throws: shapes that do not fit are a fault of
/// this program.
fn owned(result: *mut C_tensor) -> Tensor {
    if result.is_null() {
        // SAFETY: the message lives until the thread's next failure.
        panic!("libtorch: {}", unsafe { CStr::from_ptr(vcn_failure()) }.to_string_lossy());
    }
    // SAFETY: a tensor made by `new`, which `tch` deletes.
    unsafe { Tensor::from_ptr(result) }
}

/// `slope(saturated(conv(x)))` with stride 1 and padding `k / 2`; negative values are multiplied by `slope`. Input, weight
/// `[cout, cin, k, k]` and bias are of one kind, f32 or bf16.
pub fn conv_activate(x: &Tensor, weight: &Tensor, bias: &Tensor, slope: f64) -> Tensor {
    // SAFETY: `fused.cc` borrows its arguments and returns a tensor or null.
    owned(unsafe { vcn_conv_activate(x.as_ptr(), weight.as_ptr(), bias.as_ptr(), LIMIT, UNIT, slope) })
}

/// `saturated(to + saturated(conv(h)))`, of the kind of `h`.
pub fn conv_add(h: &Tensor, weight: &Tensor, bias: &Tensor, to: &Tensor) -> Tensor {
    // SAFETY: as in `conv_activate`.
    owned(unsafe { vcn_conv_add(h.as_ptr(), weight.as_ptr(), bias.as_ptr(), to.as_ptr(), LIMIT, UNIT) })
}

/// `saturated(a + sign * b)` of two tensors of one shape and kind.
pub fn add(a: &Tensor, b: &Tensor, sign: f64) -> Tensor {
    // SAFETY: as in `conv_activate`.
    owned(unsafe { vcn_add(a.as_ptr(), b.as_ptr(), sign, LIMIT, UNIT) })
}

/// A packed picture `[b, 96, h, w]` (f32) seen through a flow `[b, 2, h, w]`, as [`crate::tape::Tape::compensate`].
pub fn compensate(packed: &Tensor, flow: &Tensor) -> Tensor {
    let taps = HALF_SAMPLE.map(|t| t as f64 / 64.0);
    let apart = f64::from(APART) / f64::from(1 << FLOW.frac);
    // SAFETY: as in `conv_activate`; the taps are as many as `warp.cc` reads.
    owned(unsafe { vcn_compensate(packed.as_ptr(), flow.as_ptr(), taps.as_ptr(), apart) })
}

/// `x` (f32 or bf16) seen through a flow (f32) of its height and width, as [`crate::tape::Tape::warp`]; of the kind of `x`.
pub fn warp(x: &Tensor, flow: &Tensor) -> Tensor {
    // SAFETY: as in `conv_activate`.
    owned(unsafe { vcn_warp(x.as_ptr(), flow.as_ptr()) })
}

/// Space to depth by `r` as [`vcn_codec::model::ops::Ops::unshuffle`] if it `deepens`, else its inverse; f32 or bf16.
pub fn shuffle(x: &Tensor, r: usize, deepens: bool) -> Tensor {
    // SAFETY: as in `conv_activate`.
    owned(unsafe { vcn_shuffle(x.as_ptr(), r as i64, deepens) })
}
