//! Motion compensation in integers: a picture or a feature map seen through a flow.
//!
//! Luma is interpolated as H.264 and HEVC do: a half-sample grid from a long filter, then bilinear between its points.

/// Taps of the half-sample filter, sum 64 (HEVC, ITU-T H.265 table 8-11).
pub const HALF_SAMPLE: [i32; 8] = [-1, 4, -11, 40, 40, -11, 4, -1];

/// A plane of 8-bit samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Samples, row by row.
    pub data: Vec<u8>,
}

impl Plane {
    /// Doubles the resolution: even rows and columns hold the samples, odd ones the half-sample positions; beyond the
    /// border the last sample repeats.
    pub fn half_samples(&self) -> Plane {
        let Plane { width, height, ref data } = *self;
        let wide = 2 * width;
        let mut rows = vec![0u8; wide * height];
        let mut padded = vec![0i32; width + 7];
        for (row, out) in data.chunks_exact(width).zip(rows.chunks_exact_mut(wide)) {
            padded[..3].fill(row[0] as i32);
            padded[width + 3..].fill(row[width - 1] as i32);
            padded[3..width + 3].iter_mut().zip(row).for_each(|(p, &s)| *p = s as i32);
            for (j, pair) in out.chunks_exact_mut(2).enumerate() {
                pair[0] = row[j];
                pair[1] = filtered(&padded[j..j + 8]);
            }
        }
        let mut out = vec![0u8; wide * 2 * height];
        for i in 0..height {
            out[2 * i * wide..][..wide].copy_from_slice(&rows[i * wide..][..wide]);
            let tap: [&[u8]; 8] = std::array::from_fn(|t| {
                let k = (i + t).saturating_sub(3).min(height - 1);
                &rows[k * wide..][..wide]
            });
            let below = &mut out[(2 * i + 1) * wide..][..wide];
            for j in 0..wide {
                let column: [i32; 8] = std::array::from_fn(|t| tap[t][j] as i32);
                below[j] = filtered(&column);
            }
        }
        Plane { width: wide, height: 2 * height, data: out }
    }
}

/// The half-sample filter on 8 neighbours, rounded and clamped to 8 bits.
fn filtered(samples: &[i32]) -> u8 {
    let sum: i32 = samples.iter().zip(HALF_SAMPLE).map(|(s, t)| s * t).sum();
    ((sum + 32) >> 6).clamp(0, 255) as u8
}
