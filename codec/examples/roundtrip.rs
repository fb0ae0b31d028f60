//! Encodes a clip in GOPs of 12 at some qualities and prints rate and RGB PSNR; checks that decoding agrees.
use vcn_codec::{Codec, DeviceChoice, Effort, checkpoint::Checkpoint};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let bytes = std::fs::read(&args[1]).expect("checkpoint");
    let codec = Codec::new(Checkpoint::read(&bytes).expect("checkpoint"), DeviceChoice::Cpu).expect("device");
    let limit = args.get(3).map_or(24, |n| n.parse().expect("frames"));
    let gop: usize = args.get(4).map_or(12, |n| n.parse().expect("gop"));
    let mut reader =
        vcn_media::open(&args[2], vcn_media::OpenOptions { limit: Some(limit), ..Default::default() })
            .expect("clip");
    let colour = vcn_media::Colour::RGB_INPUT;
    let mut frames = Vec::new();
    while let Some(p) = reader.next().expect("frame") {
        frames.push((p.to_rgb(colour), p.to_yuv420(colour)));
    }
    let (w, h) = (frames[0].1.width, frames[0].1.height);
    for quality in [8u8, 20, 32, 44, 56] {
        let (mut bytes, mut psnr, mut first, mut last) = (0, 0.0, 0.0, 0.0);
        let (mut motion, mut side, mut intra) = (0.0, 0.0, 0.0);
        let (mut encode, mut decode) = (0.0, 0.0);
        for group in frames.chunks(gop) {
            let t = std::time::Instant::now();
            let mut e = codec.encode(w, h, quality, Effort::Medium);
            let mut shown = Vec::new();
            for (_, f) in group {
                let (log, d) = e.push(f).expect("frame");
                motion += log.motion_bits;
                side += log.side_bits;
                if log.kind == vcn_codec::FrameKind::Intra {
                    intra += log.bits()
                }
                shown.push(d);
            }
            let record = e.finish();
            encode += t.elapsed().as_secs_f64();
            bytes += record.payload.len();
            let t = std::time::Instant::now();
            let mut d = codec.decode(&record.payload, record.frames, w, h).expect("payload");
            for (k, (rgb, _)) in group.iter().enumerate() {
                let f = d.frame().expect("frame").expect("frame");
                assert!(f == shown[k]);
                let out = vcn_media::colour::yuv420_to_rgb(&f, colour);
                let mse =
                    out.data.iter().zip(&rgb.data).map(|(a, b)| (*a as f64 - *b as f64).powi(2)).sum::<f64>()
                        / out.data.len() as f64;
                let p = 10.0 * (65025.0 / mse).log10();
                psnr += p;
                if k == 0 {
                    first += p
                }
                if k + 1 == group.len() {
                    last += p
                }
            }
            assert!(d.frame().expect("end").is_none());
            decode += t.elapsed().as_secs_f64();
        }
        let (n, groups) = (frames.len() as f64, frames.len().div_ceil(gop) as f64);
        let px = n * (w * h) as f64;
        println!(
            "q{quality} bpp {:.4} psnr {:.2} (first {:.2} last {:.2}) intra {:.4} motion {:.4} side {:.4} enc {:.1} dec {:.1} fps",
            bytes as f64 * 8.0 / px,
            psnr / n,
            first / groups,
            last / groups,
            intra / px,
            motion / px,
            side / px,
            n / encode,
            n / decode
        );
    }
}
