//! The order of frames in a folder: `im2.png` before `im10.png`.

use std::cmp::Ordering;

/// Compares names byte by byte, but runs of digits by their number. Equal numbers of unequal length, such as `1`
/// and `01`, are told apart only when all the rest is the same, so that the order is total.
pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    loop {
        let (digits_a, digits_b) = (digits(rest_a), digits(rest_b));
        let order = if digits_a.is_empty() || digits_b.is_empty() {
            let (Some((first_a, tail_a)), Some((first_b, tail_b))) =
                (rest_a.split_first(), rest_b.split_first())
            else {
                return rest_a.len().cmp(&rest_b.len()).then_with(|| a.cmp(b));
            };
            (rest_a, rest_b) = (tail_a, tail_b);
            first_a.cmp(first_b)
        } else {
            (rest_a, rest_b) = (&rest_a[digits_a.len()..], &rest_b[digits_b.len()..]);
            let (number_a, number_b) = (significant(digits_a), significant(digits_b));
            number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b))
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn digits(text: &[u8]) -> &[u8] {
    &text[..text.iter().take_while(|byte| byte.is_ascii_digit()).count()]
}

fn significant(digits: &[u8]) -> &[u8] {
    &digits[digits.iter().take_while(|&&digit| digit == b'0').count()..]
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_in_names_count_as_numbers() {
        let sorted = [
            "f1a.png",
            "f01b.png",
            "f2.png",
            "f10.png",
            "f99999999999999999999999.png",
            "g.png",
            "im",
            "im1",
        ];
        let mut names = sorted.to_vec();
        names.reverse();
        names.sort_by(|a, b| super::compare(a.as_bytes(), b.as_bytes()));
        assert_eq!(names, sorted);
    }
}
