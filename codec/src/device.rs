//! Compute devices, and the proof that one computes exactly before it is trusted.

use burn::tensor::Device;

use crate::checkpoint::Layer;
use crate::integer::Integer;
use crate::model::ops::Ops;
use crate::model::params::{ACTIVATION, Init, LATENT, Params};
use crate::{Error, Result};

/// Where the networks run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The fastest that is there.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A GPU, through Burn's `wgpu` (cargo feature `wgpu`).
    Wgpu,
}

/// Opens a device and proves it.
///
/// # Errors
/// [`Error::Device`] if it is missing or computes wrongly.
pub fn open(choice: DeviceChoice) -> Result<(Device, String)> {
    match choice {
        DeviceChoice::Auto | DeviceChoice::Cpu => prove(Device::flex(), "cpu"),
        #[cfg(feature = "wgpu")]
        DeviceChoice::Wgpu => prove(Device::wgpu(Default::default()), "wgpu"),
        #[cfg(not(feature = "wgpu"))]
        DeviceChoice::Wgpu => Err(Error::Device {
            device: "wgpu".into(),
            reason: "this vcn was built without it; build with --features wgpu".into(),
        }),
    }
}

/// Known-answer test: a convolution whose sums come near 2^24, scaled down, against 64-bit integers. A GPU may compute
/// in TF32 or f16 behind an f32 interface; such a device is refused.
fn prove(device: Device, name: &str) -> Result<(Device, String)> {
    const C: usize = 32;
    const O: usize = 20;
    const S: usize = 9;
    const SHIFT: u8 = 9;
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = |limit: i64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % (2 * limit as u64 + 1)) as i64 - limit
    };
    let mut many = |count: usize, limit: i64| -> Vec<i64> { (0..count).map(|_| random(limit)).collect() };
    let x = many(C * S * S, ACTIVATION.max().into());
    let w = many(O * C * 9, 28);
    let bias = many(O, 1 << 23);
    let mut params = Params::default();
    let conv = params.conv("known", C, O, 3, Init::Constant(0.0)).format(&mut params, LATENT);
    let layer = Layer {
        weight: w.iter().map(|&w| w as i8).collect(),
        exponent: vec![SHIFT + LATENT.frac - ACTIVATION.frac; O],
        bias: bias.iter().map(|&bias| bias as i32).collect(),
    };
    let exec = Integer::new(std::slice::from_ref(&conv), &[layer], &device);
    let x32: Vec<i32> = x.iter().map(|&v| v as i32).collect();
    let y = exec.integers(exec.conv(&conv, &exec.tensor(&x32, [C, S, S])));
    for o in 0..O {
        for i in 0..S {
            for j in 0..S {
                let mut sum = bias[o] + (1 << (SHIFT - 1));
                for c in 0..C {
                    for (a, b) in (0..9).map(|t| (t / 3, t % 3)) {
                        let (p, q) = ((i + a).wrapping_sub(1), (j + b).wrapping_sub(1));
                        if p < S && q < S {
                            sum += x[(c * S + p) * S + q] * w[((o * 3 + a) * 3 + b) * C + c];
                        }
                    }
                }
                let (found, expected) = (y[(o * S + i) * S + j], (sum >> SHIFT) as i32);
                if found != expected {
                    let reason = format!(
                        "its arithmetic is not exact (a convolution gave {found}, expected {expected})"
                    );
                    return Err(Error::Device { device: name.into(), reason });
                }
            }
        }
    }
    Ok((device, name.into()))
}
