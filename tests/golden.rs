//! Golden digests: a stream and its decoded frames, pinned. The stream may change when the encoder improves; decoded
//! frames of a pinned stream may not. `VCN_BLESS=1 cargo test --release -p vcn-codec --test golden` writes new ones.

use std::path::{Path, PathBuf};

use vcn_codec::checkpoint::Checkpoint;
use vcn_codec::container::GopRecord;
use vcn_codec::{Codec, DeviceChoice, Effort, GopSettings};
use vcn_media::{Colour, OpenOptions, Yuv420, open};

/// The checkpoint whose encoder is pinned, too.
const CURRENT: &str = "psnr-12";
/// Released checkpoints whose streams must decode for ever.
const RELEASED: [&str; 11] = [
    "psnr-2", "psnr-3", "psnr-4", "psnr-5", "psnr-6", "psnr-7", "psnr-8", "psnr-9", "psnr-10", "psnr-11",
    "psnr-12",
];
/// Qualities of which three frames are pinned.
const QUALITIES: [u8; 3] = [0, 32, 63];
/// A quality of which a whole GOP is pinned, too, and its frames: first, built on and between others, coded as well as what is built on
/// them is worth.
const WHOLE: (u8, u32) = (20, 20);
/// Released checkpoints of which a whole GOP must decode for ever.
const RELEASED_WHOLE: [&str; 1] = ["psnr-12"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn codec(name: &str) -> Codec {
    let path = root().join(format!("checkpoints/{name}.vcnm"));
    let bytes = std::fs::read(path).expect("the checkpoint is in the repository");
    Codec::new(Checkpoint::read(&bytes).expect("a sound checkpoint"), DeviceChoice::Cpu)
        .expect("the processor")
}

fn hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}

/// Payload of the first frames of the sample clip, digest of what decoding shows.
fn coded(codec: &Codec, quality: u8, frames: u32) -> (Vec<u8>, String) {
    let clip = root().join("tests/data/clip_driving_416x240");
    let options = OpenOptions { limit: Some(frames.into()), ..Default::default() };
    let mut reader = open(&clip.to_string_lossy(), options).expect("the sample clip");
    let mut encoder = None;
    while let Some(picture) = reader.next().expect("a frame") {
        let frame = picture.to_yuv420(Colour::RGB_INPUT);
        encoder
            .get_or_insert_with(|| {
                codec.encode(frame.width, frame.height, GopSettings { quality, ..GopSettings::default() })
            })
            .push(&frame)
            .expect("a frame of the clip's size");
    }
    let (GopRecord { payload, .. }, _) =
        encoder.expect("the clip has frames").finish().expect("its last frames");
    let shown = shown(codec, &payload, frames, [416, 240]);
    (payload, shown)
}

/// Digest of the frames of a payload.
fn shown(codec: &Codec, payload: &[u8], frames: u32, [width, height]: [usize; 2]) -> String {
    let mut decoder = codec.decode(payload, frames, width, height).expect("a payload");
    let mut samples = Vec::new();
    while let Some(frame) = decoder.frame().expect("a frame") {
        [frame.y, frame.u, frame.v].iter().for_each(|plane| samples.extend_from_slice(plane));
    }
    hex(&samples)
}

/// The files of a pinned stream: its payload and the digest of what it shows.
fn pinned(name: &str, quality: u8) -> [PathBuf; 2] {
    let folder = root().join("tests/golden").join(name);
    ["gop", "digest"].map(|extension| folder.join(format!("driving-q{quality}.{extension}")))
}

/// Qualities and numbers of frames that are pinned of a checkpoint.
fn streams(name: &str) -> impl Iterator<Item = (u8, u32)> {
    let whole = RELEASED_WHOLE.contains(&name).then_some(WHOLE);
    QUALITIES.into_iter().map(|quality| (quality, 3)).chain(whole)
}

#[test]
fn the_encoders_bytes_are_pinned() {
    let codec = codec(CURRENT);
    for (quality, frames) in streams(CURRENT) {
        let [stream, digest] = pinned(CURRENT, quality);
        let (payload, shown) = coded(&codec, quality, frames);
        if std::env::var_os("VCN_BLESS").is_some() {
            std::fs::create_dir_all(stream.parent().expect("a folder")).expect("a folder for golden files");
            std::fs::write(&stream, &payload).expect("a golden stream");
            std::fs::write(&digest, format!("{shown}\n")).expect("a golden digest");
        }
        let pinned = std::fs::read(&stream).expect("a golden stream");
        assert_eq!(hex(&payload), hex(&pinned), "the encoder's bytes at quality {quality}");
    }
}

#[test]
fn pinned_streams_decode_to_the_same_frames() {
    for name in RELEASED {
        let codec = codec(name);
        for (quality, frames) in streams(name) {
            let [stream, digest] = pinned(name, quality);
            let stream = std::fs::read(&stream).expect("a golden stream");
            let expected = std::fs::read_to_string(&digest).expect("a golden digest");
            let shown = shown(&codec, &stream, frames, [416, 240]);
            assert_eq!(shown, expected.trim(), "{name}, quality {quality}");
        }
    }
}

#[test]
fn thread_counts_change_nothing() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let two = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    let (a, b) =
        (one.install(|| coded(&codec(CURRENT), 32, 3)), two.install(|| coded(&codec(CURRENT), 32, 3)));
    assert_eq!(a, b);
}

/// A stream so small that a debug build decodes it, too: `cargo test -p vcn-codec --test golden small`.
#[test]
fn a_small_stream_decodes_to_the_same_frames_in_every_build() {
    const NAME: &str = "psnr-12";
    const SIZE: [usize; 2] = [37, 21];
    let codec = codec(NAME);
    let [stream, digest] = ["gop", "digest"]
        .map(|extension| root().join("tests/golden").join(NAME).join(format!("small.{extension}")));
    if std::env::var_os("VCN_BLESS").is_some() && !stream.exists() {
        let settings = GopSettings { quality: 40, effort: Effort::Fast, ..GopSettings::default() };
        let mut encoder = codec.encode(SIZE[0], SIZE[1], settings);
        for time in 0..3 {
            let plane = |width: usize, height: usize, level: usize| {
                (0..width * height)
                    .map(|i| (level + (i % width + time) * (i / width + 3) % 97) as u8)
                    .collect()
            };
            let [width, height] = SIZE;
            let (cw, ch) = (width.div_ceil(2), height.div_ceil(2));
            let (y, u, v) = (plane(width, height, 60), plane(cw, ch, 90), plane(cw, ch, 30));
            encoder.push(&Yuv420 { width, height, y, u, v }).expect("a frame of the right size");
        }
        let (GopRecord { payload, .. }, _) = encoder.finish().expect("its last frames");
        std::fs::write(&digest, format!("{}\n", shown(&codec, &payload, 3, SIZE))).expect("a golden digest");
        std::fs::write(&stream, payload).expect("a golden stream");
    }
    let stream = std::fs::read(&stream).expect("a golden stream");
    let expected = std::fs::read_to_string(&digest).expect("a golden digest");
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        assert_eq!(pool.install(|| shown(&codec, &stream, 3, SIZE)), expected.trim(), "{threads} threads");
    }
}
