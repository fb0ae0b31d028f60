//! Frame rates as exact fractions.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A positive fraction, such as a frame rate of 30000/1001 per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rational {
    /// Numerator, above 0.
    pub num: u32,
    /// Denominator, above 0.
    pub den: u32,
}

impl Rational {
    /// 25 frames a second, taken where an input has no frame rate of its own.
    pub const DEFAULT_FPS: Rational = Rational { num: 25, den: 1 };

    /// The fraction in lowest terms, or `None` if either part is 0 or the reduced parts exceed 32 bits.
    pub fn new(num: u64, den: u64) -> Option<Rational> {
        if num == 0 || den == 0 {
            return None;
        }
        let (mut a, mut b) = (num, den);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Some(Rational { num: (num / a).try_into().ok()?, den: (den / a).try_into().ok()? })
    }

    /// The value as a floating-point number, for display and rates per second.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }
}

impl fmt::Display for Rational {
    /// `25` or `30000/1001`, which [`FromStr`] reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.den {
            1 => write!(f, "{}", self.num),
            den => write!(f, "{}/{den}", self.num),
        }
    }
}

impl FromStr for Rational {
    type Err = Error;

    /// Reads `25`, `30000/1001`, `12.5`; the decimals 23.976, 29.97 and 59.94 mean the broadcast rates over 1001.
    fn from_str(text: &str) -> Result<Rational, Error> {
        parse(text.trim()).ok_or_else(|| Error::Rate { value: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Rational> {
    match text {
        "23.976" | "23.98" => return Rational::new(24000, 1001),
        "29.97" => return Rational::new(30000, 1001),
        "59.94" => return Rational::new(60000, 1001),
        _ => {}
    }
    if let Some((num, den)) = text.split_once('/') {
        return Rational::new(num.parse().ok()?, den.parse().ok()?);
    }
    let Some((whole, decimals)) = text.split_once('.') else {
        return Rational::new(text.parse().ok()?, 1);
    };
    let scale = 10u64.checked_pow(u32::try_from(decimals.len()).ok()?)?;
    let whole: u64 = whole.parse().ok()?;
    Rational::new(whole.checked_mul(scale)?.checked_add(decimals.parse().ok()?)?, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_rates_are_read_as_users_write_them() {
        let read = |text: &str| text.parse::<Rational>().map(|rate| (rate.num, rate.den)).ok();
        assert_eq!(read("25"), Some((25, 1)));
        assert_eq!(read("50/2"), Some((25, 1)));
        assert_eq!(read("12.5"), Some((25, 2)));
        assert_eq!(read("29.97"), Some((30000, 1001)));
        for bad in ["", "0", "1/0", "-5", "x", "1.", "99999999999999999999", "1.99999999999999999999999"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
