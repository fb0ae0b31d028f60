//! Numbers as written on the command line, refused with what they must be.

/// A finite number above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    within(text, "expected a number above 0", |value| value > 0.0)
}

/// A finite number from 0 up.
pub fn not_negative(text: &str) -> Result<f64, String> {
    within(text, "expected a number from 0 up", |value| value >= 0.0)
}

/// A share: above 0, at most 1.
pub fn share(text: &str) -> Result<f64, String> {
    within(text, "expected a share above 0 and up to 1, such as 0.15", |value| value > 0.0 && value <= 1.0)
}

/// A share that leaves something: from 0, below 1.
pub fn part(text: &str) -> Result<f64, String> {
    within(text, "expected a share from 0 to below 1, such as 0.8", |value| (0.0..1.0).contains(&value))
}

/// A number of things, at least one.
pub fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "expected a whole number from 1 up".to_owned())
}

fn within(text: &str, expected: &str, fits: impl Fn(f64) -> bool) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|value: &f64| value.is_finite() && fits(*value))
        .ok_or_else(|| expected.to_owned())
}
