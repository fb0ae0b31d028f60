//! Payloads that no encoder wrote: the decoder gives frames of the right size or an error, and comes to an end.
//!
//! For a long run, in which sums that overflow are found, too:
//! `VCN_CASES=1000000 RAYON_NUM_THREADS=1 cargo test -p vcn-codec --release --test hostile
//! --config profile.release.package.vcn-codec.overflow-checks=true`; `VCN_SEED` gives other cases.

use std::path::Path;

use vcn_codec::checkpoint::Checkpoint;
use vcn_codec::{Codec, DeviceChoice, Effort, GopSettings};
use vcn_media::Yuv420;

/// Cases of an ordinary run.
const CASES: u64 = 400;
/// Sizes, all small: what an attacker writes reaches the networks only after it was limited to their formats, whatever the
/// size.
const SIZES: [[usize; 2]; 3] = [[16, 16], [1, 1], [33, 17]];
/// Most frames that are asked for.
const FRAMES: u64 = 5;

fn codec() -> Codec {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../checkpoints/psnr-12.vcnm");
    let bytes = std::fs::read(path).expect("the checkpoint is in the repository");
    Codec::new(Checkpoint::read(&bytes).expect("a sound checkpoint"), DeviceChoice::Cpu)
        .expect("the processor")
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn bytes(&mut self, length: u64) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// A frame of noise and gradients: its payload is long for its size.
fn frame([width, height]: [usize; 2], random: &mut Random) -> Yuv420 {
    let half = width.div_ceil(2) * height.div_ceil(2);
    Yuv420 { width, height, y: random.bytes((width * height) as u64), u: vec![90; half], v: vec![170; half] }
}

/// A payload of [`FRAMES`] frames: one by itself, two between that and the fourth, which is repeated.
fn payload(codec: &Codec, size: [usize; 2], quality: u8, random: &mut Random) -> Vec<u8> {
    let settings = GopSettings { quality, effort: Effort::Fast, ..GopSettings::default() };
    let mut encoder = codec.encode(size[0], size[1], settings);
    let frames: [Yuv420; 4] = std::array::from_fn(|_| frame(size, random));
    for frame in frames.iter().chain(frames.last()) {
        encoder.push(frame).expect("a frame of the right size");
    }
    encoder.finish().expect("the last frames").0.payload
}

/// Changes a payload, or makes one up.
fn harmed(original: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    match random.below(5) {
        0 => {
            let length = random.below(48);
            return random.bytes(length);
        }
        1 => return vec![[0x00, 0xff][random.below(2) as usize]; random.below(48) as usize],
        2 => bytes.truncate(random.below(bytes.len() as u64 + 1) as usize),
        3 => {
            let keep = random.below(bytes.len() as u64 + 1) as usize;
            let length = random.below(48);
            bytes.truncate(keep);
            bytes.extend(random.bytes(length));
        }
        _ => {
            for _ in 0..1 + random.below(4) {
                let at = random.below(bytes.len() as u64) as usize;
                bytes[at] = random.next() as u8;
            }
        }
    }
    bytes
}

#[test]
fn any_payload_decodes_or_is_refused() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let cases = number("VCN_CASES").unwrap_or(CASES);
    let codec = codec();
    let mut random = Random(number("VCN_SEED").unwrap_or(23));
    let originals: Vec<([usize; 2], Vec<u8>)> = SIZES
        .into_iter()
        .flat_map(|size| [0, 30, 63].map(|quality| (size, quality)))
        .map(|(size, quality)| (size, payload(&codec, size, quality, &mut random)))
        .collect();
    let (mut refused, mut shown) = (0u64, 0u64);
    for case in 0..cases {
        let (size, original) = &originals[random.below(originals.len() as u64) as usize];
        let bytes = harmed(original, &mut random);
        let frames = 1 + random.below(FRAMES);
        let outcome = codec.decode(&bytes, frames as u32, size[0], size[1]).and_then(|mut decoder| {
            let mut count = 0;
            while let Some(frame) = decoder.frame()? {
                assert_eq!([frame.width, frame.height], *size, "case {case}");
                count += 1;
            }
            Ok(count)
        });
        match outcome {
            Ok(count) => {
                assert_eq!(count, frames, "case {case}");
                shown += 1;
            }
            Err(error) => {
                assert!(error.to_string().len() > 20, "case {case}: {error}");
                refused += 1;
            }
        }
        if case % 100_000 == 99_999 {
            eprintln!("{} cases", case + 1);
        }
    }
    eprintln!("{cases} cases: {refused} refused, {shown} decoded");
    assert!(refused > cases / 2, "{refused} of {cases}");
}
