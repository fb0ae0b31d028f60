//! Published rate-distortion points on BasketballPass 416x240, first 100 frames.

use crate::report::{RdCurve, RdPoint, Role};

/// Name that the sequence has in these curves; the folder of the frames is called the same.
pub const BASKETBALL_PASS: &str = "basketballpass_416x240";

/// RLVC models trained for PSNR.
pub const RLVC_PSNR: &str = "RLVC (PSNR)";

/// RLVC models trained for MS-SSIM.
pub const RLVC_MS_SSIM: &str = "RLVC (MS-SSIM)";

/// The project that this one grew from. It counts its P frames only, its lossless I-frames cost it nothing here.
pub const SEED: &str = "seed (P frames only)";

/// Bits per pixel, RGB PSNR in dB, MS-SSIM.
type Row = (f64, Option<f64>, Option<f64>);

const RLVC_PSNR_POINTS: &[Row] = &[
    (0.0547, Some(29.56), None),
    (0.0896, Some(31.60), None),
    (0.1430, Some(33.51), None),
    (0.2408, Some(35.37), None),
];

const RLVC_MS_SSIM_POINTS: &[Row] = &[
    (0.0619, None, Some(0.9673)),
    (0.1071, None, Some(0.9772)),
    (0.1518, None, Some(0.9865)),
    (0.2603, None, Some(0.9915)),
];

const SEED_POINTS: &[Row] = &[
    (0.0204, Some(29.39), None),
    (0.0354, Some(30.25), None),
    (0.0623, Some(30.82), None),
    (0.1120, Some(31.42), Some(0.9816)),
    (0.2082, Some(32.71), None),
    (0.3191, Some(33.92), None),
];

/// RLVC (R. Yang et al., 2021) and the seed, from the files of their repositories.
pub fn basketball_pass() -> Vec<RdCurve> {
    vec![
        curve(RLVC_PSNR, "RLVC repository, PSNR models", RLVC_PSNR_POINTS),
        curve(RLVC_MS_SSIM, "RLVC repository, MS-SSIM models", RLVC_MS_SSIM_POINTS),
        curve(SEED, "P frames only, its lossless I-frames are not counted", SEED_POINTS),
    ]
}

fn curve(codec: &str, note: &str, rows: &[Row]) -> RdCurve {
    let point = |&(bpp, psnr_rgb, ms_ssim): &Row| RdPoint { bpp, psnr_rgb, ms_ssim, ..RdPoint::default() };
    RdCurve {
        codec: codec.into(),
        role: Role::Published,
        sequence: BASKETBALL_PASS.into(),
        frames: Some(100),
        threads: None,
        note: note.into(),
        points: rows.iter().map(point).collect(),
    }
}
