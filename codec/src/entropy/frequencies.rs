//! Real probabilities to integer frequencies, at export time.

use super::TOTAL;

/// Frequencies, each at least 1, that sum to 65536 and cost the fewest bits for symbols that follow `probabilities`.
///
/// `probabilities` need not sum to 1. Returns nothing if there are more than 65536 of them, or none.
pub(super) fn frequencies(probabilities: &[f64]) -> Option<Vec<u32>> {
    if probabilities.is_empty() || probabilities.len() > TOTAL as usize {
        return None;
    }
    let positive = |&p: &f64| if p.is_finite() && p > 0.0 { p } else { 0.0 };
    let sum: f64 = probabilities.iter().map(positive).sum();
    let share = |p| if sum > 0.0 { positive(p) / sum } else { 1.0 / probabilities.len() as f64 };
    let shares: Vec<f64> = probabilities.iter().map(share).collect();
    let rounded = |p: &f64| ((p * f64::from(TOTAL)).round() as u32).max(1);
    let mut frequencies: Vec<u32> = shares.iter().map(rounded).collect();

    // One at a time, where a count matters least or most. The first wins a tie, so that the result is reproducible.
    let mut total: u32 = frequencies.iter().sum();
    while total != TOTAL {
        let grow = total < TOTAL;
        let mut best = None;
        for (slot, (&share, &frequency)) in shares.iter().zip(&frequencies).enumerate() {
            let to = if grow { frequency + 1 } else { frequency - 1 };
            if to == 0 {
                continue;
            }
            let gain = share * (f64::from(to) / f64::from(frequency)).ln();
            if best.is_none_or(|(_, most)| gain > most) {
                best = Some((slot, gain));
            }
        }
        let (slot, _) = best?;
        frequencies[slot] = if grow { frequencies[slot] + 1 } else { frequencies[slot] - 1 };
        total = if grow { total + 1 } else { total - 1 };
    }
    Some(frequencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_floors_hold() {
        for count in [1usize, 2, 3, 1000, 65536] {
            for power in [0.0, 1.0, 4.0] {
                let p: Vec<f64> = (0..count).map(|i| 1.0 / (1.0 + i as f64).powf(power)).collect();
                let f = frequencies(&p).unwrap();
                assert_eq!(f.iter().sum::<u32>(), TOTAL);
                assert!(f.iter().all(|&f| f > 0));
                if count > 1000 {
                    break;
                }
            }
        }
        assert!(frequencies(&[]).is_none());
        assert!(frequencies(&[f64::NAN, -1.0]).is_some_and(|f| f == [32768, 32768]));
    }
}
