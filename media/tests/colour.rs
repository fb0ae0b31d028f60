//! Colour conversion: exact where it can be, near the standard elsewhere, and the same for ever.

use vcn_media::{Chroma, Colour, Matrix, Picture, Range, Rgb8, Yuv420, Yuv444, colour::*};

const fn colour(matrix: Matrix, range: Range, chroma: Chroma) -> Colour {
    Colour { matrix, range, chroma }
}

/// Bytes that look random and are the same everywhere.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

fn noisy_yuv420(width: usize, height: usize, seed: u32) -> Yuv420 {
    let chroma = width.div_ceil(2) * height.div_ceil(2);
    let [y, u, v] = [(width * height, 0), (chroma, 1), (chroma, 2)].map(|(n, plane)| noise(n, seed + plane));
    Yuv420::new(width, height, y, u, v).unwrap()
}

#[test]
fn grey_survives_full_range_exactly_both_ways() {
    for colour in Colour::all().filter(|colour| colour.range == Range::Full) {
        let greys = Rgb8::new(256, 3, (0..3 * 256).flat_map(|i| [i as u8; 3]).collect()).unwrap();
        let yuv = rgb_to_yuv420(&greys, colour);
        assert!(yuv.u.iter().chain(&yuv.v).all(|&chroma| chroma == 128));
        assert_eq!(yuv420_to_rgb(&yuv, colour), greys);
    }
}

#[test]
fn grey_survives_limited_range_exactly_from_luma() {
    for colour in Colour::all().filter(|colour| colour.range == Range::Limited) {
        let yuv = Yuv420::new(220, 1, (16..=235).collect(), vec![128; 110], vec![128; 110]).unwrap();
        let rgb = yuv420_to_rgb(&yuv, colour);
        assert_eq!((&rgb.data[..3], &rgb.data[657..]), (&[0, 0, 0][..], &[255, 255, 255][..]));
        assert_eq!(rgb_to_yuv420(&rgb, colour), yuv);
    }
}

#[test]
fn every_small_size_converts_every_way() {
    for (width, height) in (1..6).flat_map(|width| (1..6).map(move |height| (width, height))) {
        for colour in Colour::all() {
            let rgb = Rgb8::new(width, height, noise(width * height * 3, 1)).unwrap();
            let planes = [2, 3, 4].map(|seed| noise(width * height, seed));
            let [y, u, v] = planes;
            let pictures = [
                rgb.into(),
                noisy_yuv420(width, height, 5).into(),
                Yuv444::new(width, height, y, u, v).unwrap().into(),
            ];
            for picture in pictures {
                let picture: Picture = picture;
                let Yuv420 { width: w, height: h, y, u, v } = picture.to_yuv420(colour);
                assert!(
                    Yuv420::new(w, h, y, u, v).is_ok_and(|yuv| (yuv.width, yuv.height) == (width, height))
                );
                let Rgb8 { width: w, height: h, data } = picture.to_rgb(colour);
                assert!(Rgb8::new(w, h, data).is_ok_and(|rgb| (rgb.width, rgb.height) == (width, height)));
            }
        }
    }
}

#[test]
fn wrong_planes_and_sizes_are_refused() {
    assert!(Yuv420::new(0, 1, vec![], vec![], vec![]).is_err());
    assert!(Rgb8::new(16385, 1, vec![0; 3 * 16385]).is_err());
    let message = Yuv420::new(3, 3, vec![0; 9], vec![0; 4], vec![0; 3]).unwrap_err().to_string();
    assert!(message.contains("V plane of a 3x3 picture needs 4 bytes, but 3"), "{message}");
}

/// Kr, Kb, luma span, chroma span, black.
fn standard(colour: Colour) -> (f64, f64, f64, f64, f64) {
    let (kr, kb) = match colour.matrix {
        Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Bt601 => (0.299, 0.114),
    };
    match colour.range {
        Range::Full => (kr, kb, 255.0, 255.0, 0.0),
        Range::Limited => (kr, kb, 219.0, 224.0, 16.0),
    }
}

#[test]
fn conversions_agree_with_the_standards_formulas() {
    let (width, height) = (23, 17);
    for colour in Colour::all() {
        let (kr, kb, luma, chroma, black) = standard(colour);
        let kg = 1.0 - kr - kb;

        let yuv = noisy_yuv420(width, height, 7);
        let rgb = yuv420_to_rgb(&yuv, colour);
        // Position in the chroma plane, whose samples sit between the luma samples.
        let interpolated = |at: &dyn Fn(usize, usize) -> f64, x: usize, y: usize| {
            let place = |at: usize, size: usize| {
                let at = (at as f64 - 0.5) / 2.0;
                let clamp = |index: f64| index.clamp(0.0, size as f64 - 1.0) as usize;
                (clamp(at.floor()), clamp(at.floor() + 1.0), at - at.floor())
            };
            let (left, right, fx) = place(x, yuv.chroma_width());
            let (top, bottom, fy) = place(y, yuv.chroma_height());
            let row = |y: usize| at(left, y) * (1.0 - fx) + at(right, y) * fx;
            row(top) * (1.0 - fy) + row(bottom) * fy
        };
        let luma_at = |x: usize, y: usize| f64::from(yuv.y[y.min(height - 1) * width + x.min(width - 1)]);
        let mean_luma = |x: usize, y: usize| {
            let four = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| luma_at(2 * x + dx, 2 * y + dy));
            four.iter().sum::<f64>() / 4.0
        };
        let sample = |plane: &[u8], x: usize, y: usize| {
            let at = |x: usize, y: usize| f64::from(plane[y * yuv.chroma_width() + x]) - 128.0;
            let slope = |x: usize, y: usize| {
                let mut sums = [0.0; 4];
                for (dx, dy) in (0..3).flat_map(|dx| (0..3).map(move |dy| (dx, dy))) {
                    let x = (x + dx).saturating_sub(1).min(yuv.chroma_width() - 1);
                    let y = (y + dy).saturating_sub(1).min(yuv.chroma_height() - 1);
                    let weight = [1.0, 2.0, 1.0][dx] * [1.0, 2.0, 1.0][dy] / 16.0;
                    let (l, c) = (mean_luma(x, y), at(x, y));
                    [l, c, l * l, l * c].iter().zip(&mut sums).for_each(|(v, sum)| *sum += weight * v);
                }
                let [l, c, ll, lc] = sums;
                ((lc - l * c) / (ll - l * l + 32.0)).clamp(-4.0, 4.0)
            };
            let value = match colour.chroma {
                Chroma::Nearest => at(x / 2, y / 2),
                Chroma::Bilinear => interpolated(&at, x, y),
                Chroma::Guided => {
                    let detail = luma_at(x, y) - interpolated(&mean_luma, x, y);
                    (interpolated(&at, x, y) + interpolated(&slope, x, y) * detail).clamp(-128.0, 127.0)
                }
            };
            value / chroma
        };
        // A slope has 8 fractional bits, and these samples differ by as much as samples can.
        let tolerance = if colour.chroma == Chroma::Guided { 2.5 } else { 0.51 };
        for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
            let l = (f64::from(yuv.y[y * width + x]) - black) / luma;
            let (cb, cr) = (sample(&yuv.u, x, y), sample(&yuv.v, x, y));
            let (r, b) = (l + 2.0 * (1.0 - kr) * cr, l + 2.0 * (1.0 - kb) * cb);
            let g = (l - kr * r - kb * b) / kg;
            for (channel, exact) in [r, g, b].into_iter().enumerate() {
                let found = f64::from(rgb.data[3 * (y * width + x) + channel]);
                assert!((found - (exact * 255.0).clamp(0.0, 255.0)).abs() < tolerance, "{colour:?} {x},{y}");
            }
        }

        let rgb = Rgb8::new(width, height, noise(width * height * 3, 9)).unwrap();
        let yuv = rgb_to_yuv420(&rgb, colour);
        let pixel = |x: usize, y: usize| {
            let at = 3 * (y.min(height - 1) * width + x.min(width - 1));
            [0, 1, 2].map(|channel| f64::from(rgb.data[at + channel]) / 255.0)
        };
        let to_luma = |[r, g, b]: [f64; 3]| kr * r + kg * g + kb * b;
        for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
            let exact = black + luma * to_luma(pixel(x, y));
            assert!((f64::from(yuv.y[y * width + x]) - exact).abs() < 0.51);
            let four = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)].map(|(x, y)| pixel(x, y));
            if x % 2 == 0 && y % 2 == 0 {
                let mean =
                    [0, 1, 2].map(|channel| four.iter().map(|pixel| pixel[channel]).sum::<f64>() / 4.0);
                let at = y / 2 * yuv.chroma_width() + x / 2;
                let cb = 128.0 + chroma * (mean[2] - to_luma(mean)) / (2.0 * (1.0 - kb));
                let cr = 128.0 + chroma * (mean[0] - to_luma(mean)) / (2.0 * (1.0 - kr));
                assert!((f64::from(yuv.u[at]) - cb.min(255.0)).abs() < 0.51, "{colour:?} {x},{y}");
                assert!((f64::from(yuv.v[at]) - cr.min(255.0)).abs() < 0.51, "{colour:?} {x},{y}");
            }
        }
    }
}

/// Part of the promise of bit-exact decoding. If this fails, decoded files change: do not update the digest, find
/// out what changed the numbers.
#[test]
fn golden_digest_of_the_conversions() {
    for (chroma, expected) in [
        (Chroma::Bilinear, "6b0333b331a0b843eb2e51d8077600c1cbb0e2d6b83bf6068aa8b054fe6cd8ca"),
        (Chroma::Nearest, "f0d9f97c628466502eddac90cc62b211ee3fc60e1babad70602a1548e872929e"),
        (Chroma::Guided, "9a6f70e198f83bc76fd6a81b37d44e1140c1b7d7d6de5255e1eaaacea3baea9d"),
    ] {
        let mut digest = blake3::Hasher::new();
        for colour in Colour::all().filter(|colour| colour.chroma == chroma) {
            for (width, height) in [(1, 1), (2, 2), (37, 23), (64, 48)] {
                digest.update(&yuv420_to_rgb(&noisy_yuv420(width, height, 11), colour).data);
                let rgb = Rgb8::new(width, height, noise(width * height * 3, 12)).unwrap();
                let yuv = rgb_to_yuv420(&rgb, colour);
                digest.update(&yuv.y).update(&yuv.u).update(&yuv.v);
            }
        }
        assert_eq!(digest.finalize().to_hex().as_str(), expected);
    }
}

/// Like footage: luma varies, chroma varies little, and no RGB value is clamped.
fn gentle_yuv420(width: usize, height: usize) -> Yuv420 {
    let chroma = width.div_ceil(2) * height.div_ceil(2);
    let plane = |length, seed, from, span: u8| noise(length, seed).into_iter().map(move |v| from + v % span);
    let y = plane(width * height, 21, 100, 60).collect();
    let [u, v] = [22, 23].map(|seed| plane(chroma, seed, 108, 40).collect());
    Yuv420::new(width, height, y, u, v).unwrap()
}

#[test]
fn the_best_colour_is_the_one_that_the_picture_came_from() {
    for (width, height) in [(33, 18), (64, 48)] {
        for colour in Colour::all().filter(|colour| colour.chroma == Chroma::Nearest) {
            let rgb = yuv420_to_rgb(&gentle_yuv420(width, height), colour);
            assert_eq!(best_for(&rgb), colour, "{width}x{height}");
        }
    }
    // Chroma that does not vary makes bilinear and nearest equal, and grey makes all full ranges equal.
    let grey = Rgb8::new(8, 8, noise(64, 24).into_iter().flat_map(|value| [value; 3]).collect()).unwrap();
    assert_eq!(best_for(&grey), Colour::RGB_INPUT);
}

#[test]
fn averaging_undoes_repeating() {
    let yuv = gentle_yuv420(34, 18);
    let wide = yuv420_to_yuv444(&yuv, Chroma::Nearest);
    assert_eq!(yuv444_to_yuv420(&wide), yuv);
    let full = colour(Matrix::Bt601, Range::Full, Chroma::Nearest);
    assert_eq!(yuv420_to_rgb(&yuv, full), yuv444_to_rgb(&wide, full));
}

#[test]
fn guided_chroma_draws_the_lines_that_luma_draws() {
    // Colour follows luma: red or blue on a dark ground, lines one pixel wide.
    for lit in [[200, 40, 40], [60, 60, 210]] {
        let line = |i: usize| (i % 40 + i / 40).is_multiple_of(7);
        let data = (0..40 * 30).flat_map(|i| if line(i) { lit } else { [30, 40, 50] }).collect();
        let rgb = Rgb8::new(40, 30, data).unwrap();
        let error = |chroma| {
            let colour = colour(Matrix::Bt601, Range::Full, chroma);
            let back = yuv420_to_rgb(&rgb_to_yuv420(&rgb, colour), colour);
            rgb.data.iter().zip(&back.data).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum::<u64>()
        };
        let [bilinear, guided] = [Chroma::Bilinear, Chroma::Guided].map(error);
        assert!(4 * guided < bilinear, "{guided} {bilinear}");
        assert_eq!(best_for(&rgb).chroma, Chroma::Guided);
    }
    // Luma that varies without chroma does not colour anything.
    let grey = Yuv420::new(8, 8, noise(64, 3), vec![90; 16], vec![170; 16]).unwrap();
    let [bilinear, guided] = [Chroma::Bilinear, Chroma::Guided].map(|chroma| yuv420_to_yuv444(&grey, chroma));
    assert_eq!(bilinear, guided);
}

#[test]
fn bilinear_colours_are_stored_as_before_there_was_a_choice() {
    let json = |colour| serde_json::to_string(&colour).unwrap();
    let old = r#"{"matrix":"bt709","range":"full"}"#;
    assert_eq!(
        (json(Colour::RGB_INPUT), serde_json::from_str(old).unwrap()),
        (old.into(), Colour::RGB_INPUT)
    );
    let nearest = colour(Matrix::Bt709, Range::Full, Chroma::Nearest);
    assert_eq!(serde_json::from_str::<Colour>(&json(nearest)).unwrap(), nearest);
}
