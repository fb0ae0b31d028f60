//! `--target-bpp` and `--target-psnr`: which of the 64 qualities meets a target, found by encoding.

use crate::encoding::Encoded;
use crate::failure::Result;

/// What to reach.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// At most so many bits per pixel of the file.
    Bpp(f64),
    /// At least so many dB of mean RGB PSNR.
    Psnr(f64),
}

/// The number of qualities.
const QUALITIES: i32 = vcn_codec::model::QUALITIES as i32;

impl Target {
    /// The measure on an axis where it is about linear in the quality.
    fn position(self, encoded: &Encoded) -> f64 {
        match self {
            Target::Bpp(_) => encoded.bpp.max(1e-9).ln(),
            Target::Psnr(_) => encoded.psnr_rgb,
        }
    }

    fn wanted(self) -> f64 {
        match self {
            Target::Bpp(bpp) => bpp.max(1e-9).ln(),
            Target::Psnr(psnr) => psnr,
        }
    }

    /// Whether an encoding meets the target.
    pub fn is_met(self, encoded: &Encoded) -> bool {
        match self {
            Target::Bpp(bpp) => encoded.bpp <= bpp,
            Target::Psnr(psnr) => encoded.psnr_rgb >= psnr,
        }
    }
}

/// A trial that was made: what it measured, and its output.
type Trial<T> = (Encoded, T);

/// The best quality within a rate, or the smallest file of a PSNR; if no quality meets the target, the nearest one.
/// `trial` encodes at a quality. Also gives the number of trials.
pub fn search<T>(target: Target, mut trial: impl FnMut(u8) -> Result<Trial<T>>) -> Result<(Trial<T>, u32)> {
    // Between the two, the answer to "is the rate within the target" or "is the PSNR below it" changes.
    let (mut low, mut high): (Option<Trial<T>>, Option<Trial<T>>) = (None, None);
    let mut trials = 0;
    loop {
        let below = low.as_ref().map_or(-1, |(encoded, _)| i32::from(encoded.quality));
        let above = high.as_ref().map_or(QUALITIES, |(encoded, _)| i32::from(encoded.quality));
        if above - below <= 1 {
            break;
        }
        let position = |trial: &Option<Trial<T>>| trial.as_ref().map(|(encoded, _)| target.position(encoded));
        let guess = match (position(&low), position(&high)) {
            (Some(a), Some(b)) if b > a && trials < 5 => {
                below + (f64::from(above - below) * (target.wanted() - a) / (b - a)).round() as i32
            }
            // The first guesses halve, and so do the later ones if interpolation does not get there.
            _ => (below + above) / 2,
        };
        let made = trial(guess.clamp(below + 1, above - 1) as u8)?;
        trials += 1;
        let is_low = match target {
            Target::Bpp(_) => target.is_met(&made.0),
            Target::Psnr(_) => !target.is_met(&made.0),
        };
        *(if is_low { &mut low } else { &mut high }) = Some(made);
    }
    let (first, second) = match target {
        Target::Bpp(_) => (low, high),
        Target::Psnr(_) => (high, low),
    };
    let missing = || crate::failure::Failure::Usage("a search needs at least one quality".into());
    Ok((first.or(second).ok_or_else(missing)?, trials))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(quality: u8) -> Encoded {
        let bpp = (f64::from(quality) / 12.0).exp() / 100.0;
        Encoded { quality, bpp, psnr_rgb: 25.0 + f64::from(quality) * 0.3, ..Default::default() }
    }

    fn found(target: Target) -> (u8, u32) {
        let ((encoded, output), trials) = search(target, |quality| Ok((model(quality), quality))).unwrap();
        assert_eq!(encoded.quality, output);
        (output, trials)
    }

    #[test]
    fn the_last_quality_within_the_rate_is_found() {
        for quality in 0..64 {
            let (found, trials) = found(Target::Bpp(model(quality).bpp));
            assert_eq!(found, quality);
            assert!(trials <= 11, "{trials}");
        }
    }

    #[test]
    fn the_first_quality_with_the_psnr_is_found() {
        for quality in 0..64 {
            assert_eq!(found(Target::Psnr(model(quality).psnr_rgb)).0, quality);
        }
    }

    #[test]
    fn what_cannot_be_met_gives_the_nearest() {
        assert_eq!(found(Target::Bpp(1e-6)).0, 0);
        assert_eq!(found(Target::Bpp(100.0)).0, 63);
        assert_eq!(found(Target::Psnr(10.0)).0, 0);
        assert_eq!(found(Target::Psnr(90.0)).0, 63);
    }
}
