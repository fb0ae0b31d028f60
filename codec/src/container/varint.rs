//! Unsigned LEB128: seven bits a byte, least significant first, high bit set on all but the last byte.
//!
//! Only the shortest form is valid, so that a value has one encoding.

/// Most bytes that a 64-bit value takes.
pub(crate) const MAX_LENGTH: usize = 10;

/// Why bytes are not a varint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The bytes end inside the number.
    Ends,
    /// Longer than needed, or above 64 bits.
    NotCanonical,
}

/// Appends `value` to `out`.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a value from the front of `bytes`.
pub(crate) fn take(bytes: &mut &[u8]) -> Result<u64, Fault> {
    let mut value = 0;
    for length in 0..MAX_LENGTH {
        let (&byte, rest) = bytes.split_first().ok_or(Fault::Ends)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * length);
        if byte & 0x80 == 0 {
            let shortest = byte != 0 || length == 0;
            let fits = length + 1 < MAX_LENGTH || byte <= 1;
            return if shortest && fits { Ok(value) } else { Err(Fault::NotCanonical) };
        }
    }
    Err(Fault::NotCanonical)
}

/// Maps 0, -1, 1, -2, 2 .. to 0, 1, 2, 3, 4 ..
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// The inverse of [`zigzag`].
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_back() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1 << shift) - 1, (1 << shift) | 1] {
                let mut bytes = Vec::new();
                put(&mut bytes, value);
                assert_eq!(take(&mut bytes.as_slice()), Ok(value));
                assert_eq!(take(&mut &bytes[..bytes.len() - 1]), Err(Fault::Ends));
                assert_eq!(zigzag(unzigzag(value)), value);
            }
        }
    }

    #[test]
    fn longer_forms_are_refused() {
        assert_eq!(take(&mut [0x80, 0].as_slice()), Err(Fault::NotCanonical));
        assert_eq!(take(&mut [0xff; 11].as_slice()), Err(Fault::NotCanonical));
        let mut above = [0x80; 10];
        above[9] = 2;
        assert_eq!(take(&mut above.as_slice()), Err(Fault::NotCanonical));
    }
}
