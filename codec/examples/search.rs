//! How well the motion search predicts: mean squared error of standing still and of the searched motion.
fn main() {
    use vcn_codec::search::search;
    use vcn_codec::warp::*;
    let lambda: f32 = std::env::args().nth(2).map_or(100.0, |l| l.parse().expect("a number"));
    let mut reader =
        vcn_media::open(&std::env::args().nth(1).expect("a clip"), Default::default()).expect("clip");
    let mut last: Option<Plane> = None;
    while let Some(p) = reader.next().expect("frame") {
        let f = vcn_codec::packing::padded(&p.to_yuv420(vcn_media::Colour::RGB_INPUT));
        let cur = Plane { width: f.width, height: f.height, data: f.y.clone() };
        if let Some(r) = &last {
            let t = std::time::Instant::now();
            let field = search(&cur, r, lambda);
            let t = t.elapsed();
            let data =
                field.vectors.iter().map(|v| 4 * v.0).chain(field.vectors.iter().map(|v| 4 * v.1)).collect();
            let flow = Flow { width: field.width, height: field.height, data };
            let w = warp_luma(&r.half_samples(), &flow, Blend::Pictures);
            let mse = |g: &dyn Fn(usize) -> f32| {
                cur.data.iter().enumerate().map(|(i, &v)| (v as f32 - g(i)).powi(2)).sum::<f32>()
                    / cur.data.len() as f32
            };
            let moving =
                field.vectors.iter().zip(field.vectors.iter().skip(1)).filter(|(a, b)| a != b).count();
            println!(
                "still {:.1} searched {:.1} changes {:.2} {:?}",
                mse(&|i| r.data[i] as f32),
                mse(&|i| w[i] as f32 / 16.0),
                moving as f32 / field.vectors.len() as f32,
                t
            );
        }
        last = Some(cur);
    }
}
