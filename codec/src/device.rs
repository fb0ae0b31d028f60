//! Compute devices, and the proof that one computes exactly before it is trusted.

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};

use crate::{Error, Result};

/// Where the networks run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The fastest that is there.
    #[default]
    Auto,
    /// The processor, through Burn's `flex`.
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
        DeviceChoice::Auto | DeviceChoice::Cpu => prove(Device::flex(), "cpu (flex)"),
        #[cfg(feature = "wgpu")]
        DeviceChoice::Wgpu => prove(Device::wgpu(Default::default()), "wgpu"),
        #[cfg(not(feature = "wgpu"))]
        DeviceChoice::Wgpu => Err(Error::Device {
            device: "wgpu".into(),
            reason: "this vcn was built without it; build with --features wgpu".into(),
        }),
    }
}

/// Known-answer test: convolutions whose sums come near 2^24, scaled down, against 64-bit integers. A GPU may compute
/// in TF32 or f16 behind an f32 interface; such a device is refused.
fn prove(device: Device, name: &str) -> Result<(Device, String)> {
    const C: usize = 32;
    const O: usize = 8;
    const S: usize = 9;
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = |limit: i64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % (2 * limit as u64 + 1)) as i64 - limit
    };
    let x: Vec<i64> = (0..C * S * S).map(|_| random(511)).collect();
    let w: Vec<i64> = (0..O * C * 9).map(|_| random(113)).collect();
    let tensor = |v: &[i64], shape: [usize; 4]| -> Tensor<4> {
        Tensor::from_data(TensorData::new(v.iter().map(|&v| v as f32).collect::<Vec<_>>(), shape), &device)
    };
    let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let y = conv2d(tensor(&x, [1, C, S, S]), tensor(&w, [O, C, 3, 3]), None, options);
    let y: Vec<f32> = y
        .mul_scalar(1.0 / 64.0)
        .floor()
        .into_data()
        .try_into_vec()
        .map_err(|e| Error::Device { device: name.into(), reason: format!("{e:?}") })?;
    for o in 0..O {
        for i in 0..S {
            for j in 0..S {
                let mut sum = 0;
                for c in 0..C {
                    for (a, b) in (0..9).map(|t| (t / 3, t % 3)) {
                        let (p, q) = ((i + a).wrapping_sub(1), (j + b).wrapping_sub(1));
                        if p < S && q < S {
                            sum += x[(c * S + p) * S + q] * w[((o * C + c) * 3 + a) * 3 + b];
                        }
                    }
                }
                let (found, expected) = (y[(o * S + i) * S + j], sum.div_euclid(64) as f32);
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
