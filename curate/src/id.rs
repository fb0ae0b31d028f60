//! Ids: a name for what a video shows.

use std::fmt;

use vcn_similarity::Descriptor;
use vcn_store::Digest;

use crate::scan::Scan;

/// What a video is called, exactly and by its looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoId {
    /// The root over the digests of all decoded frames, which the archive knows it by: equal for equal frames, whatever
    /// the container.
    pub exact: Digest,
    /// What it looks like; nothing if it is black throughout.
    pub perceptual: Option<Perceptual>,
}

/// 256 signs that hardly change when a video is coded again: the distance of two is the number in which they differ.
///
/// The vectors of the described frames are added up, and each bit is the sign of a projection of the sum onto a fixed
/// direction of ones and minus ones (Charikar 2002, "Similarity estimation techniques from rounding algorithms"), all in
/// integers. The first 64 bits are an id of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Perceptual(pub [u8; 32]);

impl VideoId {
    /// The id of a video that was scanned with this descriptor.
    pub fn of(scan: &Scan, descriptor: &dyn Descriptor) -> VideoId {
        let mut sum = vec![0i64; descriptor.length()];
        for picked in &scan.picked {
            sum.iter_mut().zip(&picked.vector).for_each(|(sum, value)| *sum += i64::from(*value));
        }
        let tells = sum.iter().any(|value| *value != 0);
        VideoId { exact: scan.root, perceptual: tells.then(|| Perceptual::of(&sum, descriptor.id())) }
    }

    /// The first 64 bits of the exact id.
    pub fn short(&self) -> u64 {
        first(&self.exact.0)
    }
}

impl Perceptual {
    fn of(sum: &[i64], descriptor: [u8; 32]) -> Perceptual {
        let mut hasher = blake3::Hasher::new_derive_key("vcn-curate 2026 perceptual id");
        hasher.update(&descriptor);
        let mut random = hasher.finalize_xof();
        let mut direction = vec![0; sum.len().div_ceil(8)];
        let mut bits = [0; 32];
        for bit in 0..256 {
            random.fill(&mut direction);
            let sign = |at: usize| 1 - 2 * i64::from((direction[at / 8] >> (at % 8)) & 1);
            let projection: i64 = sum.iter().enumerate().map(|(at, value)| value * sign(at)).sum();
            bits[bit / 8] |= u8::from(projection > 0) << (7 - bit % 8);
        }
        Perceptual(bits)
    }

    /// The first 64 bits.
    pub fn short(&self) -> u64 {
        first(&self.0)
    }

    /// In how many of 256 bits two differ.
    pub fn distance(&self, other: &Perceptual) -> u32 {
        self.0.iter().zip(other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

fn first(bytes: &[u8; 32]) -> u64 {
    bytes[..8].iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

impl fmt::Display for Perceptual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
