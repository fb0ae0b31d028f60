//! When frames are shown, where no constant rate says it.

use crate::rational::Rational;

/// The times of the frames of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameTimes {
    /// Seconds of a tick.
    pub base: Rational,
    /// When each frame is shown, in ticks.
    pub ticks: Vec<i64>,
}

impl FrameTimes {
    /// Whether the frames follow each other at one rate, but for the rounding to ticks.
    pub fn is_steady(&self) -> bool {
        let [first, .., last] = self.ticks.as_slice() else { return true };
        let step = (last - first) as f64 / (self.ticks.len() - 1) as f64;
        let even = |(index, tick): (usize, &i64)| ((tick - first) as f64 - index as f64 * step).abs() <= 1.0;
        step > 0.0 && self.ticks.iter().enumerate().all(even)
    }

    /// Whether each frame is shown after the one before, as files require it.
    pub fn is_increasing(&self) -> bool {
        self.ticks.is_sorted_by(|a, b| a < b)
    }

    /// Reads what `ffmpeg -f framecrc` prints: the base in `#tb 0: 1/15360`, then a line a frame, whose second field is
    /// the time. `None` if it is anything else.
    pub(crate) fn parse_framecrc(text: &str) -> Option<FrameTimes> {
        let base = text.lines().find_map(|line| line.strip_prefix("#tb 0:"))?.trim().parse().ok()?;
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let ticks: Option<Vec<i64>> = lines.map(|line| line.split(',').nth(2)?.trim().parse().ok()).collect();
        Some(FrameTimes { base, ticks: ticks? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(ticks: &[i64]) -> FrameTimes {
        FrameTimes { base: Rational { num: 1, den: 1000 }, ticks: ticks.to_vec() }
    }

    #[test]
    fn rounding_to_ticks_is_steady_and_a_dropped_frame_is_not() {
        let thirty: Vec<i64> = (0..1000).map(|index| 20 + (index * 100 + 1) / 3).collect();
        assert!(times(&thirty).is_steady());
        let dropped: Vec<i64> = thirty.iter().copied().filter(|tick| *tick != 20 + 33).collect();
        assert!(!times(&dropped).is_steady() && times(&dropped).is_increasing());
        assert!(times(&[]).is_steady() && times(&[7]).is_steady() && !times(&[5, 5]).is_increasing());
    }

    #[test]
    fn what_ffmpeg_prints_is_read() {
        let text =
            "#software: x\n#tb 0: 1/15360\n0,  -512,  -512,  512,  4, 0x1\n0,  100,  130,  512,  4, 0x2\n";
        let read = FrameTimes::parse_framecrc(text).unwrap();
        assert_eq!((read.base.den, read.ticks), (15360, vec![-512, 130]));
        assert_eq!(FrameTimes::parse_framecrc("#tb 0: 1/25\n0, x, y, 1\n"), None);
    }
}
