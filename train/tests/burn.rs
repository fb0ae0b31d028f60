//! Training on Burn's `flex`: gradients, learning, exact resume, and agreement with libtorch where that is built in.

use std::path::Path;

use vcn_codec::container::Metric;
use vcn_codec::model::Model;
#[cfg(feature = "libtorch")]
use vcn_codec::model::ops::Ops;
use vcn_codec::model::params::FLOW;
use vcn_codec::model::transform::GREY;
use vcn_codec::packing::pack;
use vcn_codec::warp::{Blend, Flow, Plane, warp_chroma, warp_luma};
use vcn_media::colour::yuv420_to_rgb;
use vcn_media::{Colour, Yuv420};
use vcn_train::burn::Burn;
use vcn_train::data::{Clip, Clips, Shape};
use vcn_train::forward::{Picture, Teller, distortion, inter, intra};
use vcn_train::ms_ssim::ms_ssim;
use vcn_train::optimizer::Adam;
use vcn_train::rate::Quality;
use vcn_train::run::{Settings, Stage, initial, read_weights, train};
use vcn_train::tape::Tape;

const SIDE: usize = 64;

/// Waves that move by a sample and a half each frame.
fn frame(time: usize) -> Yuv420 {
    let wave = |x: usize, y: usize, scale: f32| {
        let (x, y) = (x as f32 * scale + 1.5 * time as f32, y as f32 * scale - 0.5 * time as f32);
        (128.0 + 60.0 * (x / 5.0).sin() + 40.0 * (y / 9.0 + x / 17.0).cos()) as u8
    };
    let plane = |side: usize, scale: f32| {
        (0..side * side).map(|i| wave(i % side, i / side, scale)).collect::<Vec<_>>()
    };
    let half = plane(SIDE / 2, 2.0);
    Yuv420 {
        width: SIDE,
        height: SIDE,
        y: plane(SIDE, 1.0),
        v: half.iter().map(|v| 255 - v).collect(),
        u: half,
    }
}

fn picture<P: Tape>(t: &P, frames: &[Yuv420]) -> Picture<P::Tensor> {
    let data: Vec<f32> = frames.iter().flat_map(|f| pack(f, |v| (v as f32 - 128.0) / GREY)).collect();
    let packed = t.constant(&data, &[frames.len(), 96, SIDE / 8, SIDE / 8]);
    Picture { packed, luma: frames.iter().map(Plane::luma).collect() }
}

/// Parameters as a run starts with them, moved a little so that nothing is zero by construction; by a seed at which no
/// decision hangs on the order of a sum.
fn parameters(model: &Model) -> Vec<Vec<f32>> {
    let mut values = initial(&model.params, 8);
    let mut rng = fastrand::Rng::with_seed(7);
    values.iter_mut().flatten().for_each(|v| *v += 0.02 * (rng.f32() - 0.5));
    values
}

/// Rate, distortion and structure of an intra frame, and of two inter frames after it if `motion`; leaves the gradients in
/// `t`.
fn step<P: Tape>(t: &P, model: &Model, motion: bool) -> f32 {
    let q = Quality::new(t, &[20.0, 45.0]);
    let first = picture(t, &[frame(0), frame(4)]);
    let coded = intra(t, model, &first, &q);
    let cost = |x: &P::Tensor, y: &P::Tensor, bits: &P::Tensor| {
        let structure = t.affine(&ms_ssim(t, x, y), -100.0, 0.0);
        t.sum(&t.plus(&t.plus(&distortion(t, x, y), &structure), &t.affine(bits, 0.01, 0.0)))
    };
    let mut loss = cost(&first.packed, &coded.reference.packed, &coded.bits);
    // The second inter frame has an anchor besides its reference.
    let mut reference = coded.reference;
    for time in if motion { 1..3 } else { 1..1 } {
        let next = picture(t, &[frame(time), frame(time + 4)]);
        let coded = inter(t, model, &next, &reference, &q, Teller::Both(&q), false);
        loss = t.plus(&loss, &cost(&next.packed, &coded.reference.packed, &coded.bits));
        reference = coded.reference;
    }
    t.backward(&loss);
    t.values(&loss)[0]
}

/// Luma and chroma of a frame seen through a flow, and the same by the codec, in grey levels.
fn compensated<P: Tape>(t: &P, flow: &Flow) -> [Vec<f32>; 2] {
    let shown = frame(3);
    let unit = (1 << FLOW.frac) as f32;
    let motion: Vec<f32> = flow.data.iter().map(|&v| v as f32 / unit).collect();
    let motion = t.constant(&motion, &[1, 2, flow.height, flow.width]);
    let packed = t.compensate(&picture(t, std::slice::from_ref(&shown)).packed, &motion);
    let plane = |start, len, side| t.values(&t.shuffle(&t.channels(&packed, start, len), side));
    let found = [plane(0, 64, 8), plane(64, 32, 4)].concat().iter().map(|v| v * GREY + 128.0).collect();
    let chroma = |data| Plane { width: SIDE / 2, height: SIDE / 2, data };
    let expected = [
        warp_luma(&Plane::luma(&shown).half_samples(), flow, Blend::Pictures),
        warp_chroma(&chroma(shown.u), flow, Blend::Pictures),
        warp_chroma(&chroma(shown.v), flow, Blend::Pictures),
    ];
    [found, expected.concat().iter().map(|&v| v as f32 / 16.0).collect()]
}

#[test]
fn motion_is_compensated_as_by_the_codec() {
    // Some neighbouring sites move as one, others do not.
    let mut rng = fastrand::Rng::with_seed(5);
    let sites: Vec<[i32; 2]> =
        (0..64).map(|_| [[0, 0], [4, -4], [60, -28], [-16, 100]][rng.usize(..4)]).collect();
    let data = (0..2).flat_map(|c| sites.iter().map(move |site| site[c])).collect();
    let flow = Flow { width: 8, height: 8, data };
    let model = Model::new();
    let check = |[found, expected]: [Vec<f32>; 2]| {
        assert_eq!(found.len(), expected.len());
        // The codec rounds half samples to grey levels.
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1.0, "{worst}");
    };
    check(compensated(&Burn::new(&model), &flow));
    #[cfg(feature = "libtorch")]
    check(compensated(&vcn_train::torch::Torch::new(&model, false, 1), &flow));
}

#[test]
fn every_part_of_the_model_receives_finite_gradients() {
    let model = Model::new();
    let mut t = Burn::new(&model);
    t.load(&parameters(&model));
    assert!(step(&t, &model, true).is_finite());
    let gradients = t.gradients();
    let mut idle = Vec::new();
    for (p, g) in model.params.list.iter().zip(&gradients) {
        assert!(g.iter().all(|v| v.is_finite()), "{}", p.name);
        assert!(g.is_empty() || g.len() == p.len(), "{}", p.name);
        if g.iter().all(|&v| v == 0.0) {
            idle.push(&p.name);
        }
    }
    // Only what the next frame would read.
    assert!(idle.len() * 20 < gradients.len(), "without gradients: {idle:?}");
}

/// A frame with noise of `strength` grey levels, and both as packed pictures.
fn noisy<P: Tape>(t: &P, strength: f32) -> ([Yuv420; 2], [P::Tensor; 2]) {
    let clean = frame(2);
    let mut rng = fastrand::Rng::with_seed(5);
    let mut noise = |v: &u8| (*v as f32 + strength * (rng.f32() - 0.5)).clamp(0.0, 255.0) as u8;
    let mut plane = |p: &[u8]| p.iter().map(&mut noise).collect();
    let noisy = Yuv420 { y: plane(&clean.y), u: plane(&clean.u), v: plane(&clean.v), ..clean };
    let packed = [&clean, &noisy].map(|f| picture(t, std::slice::from_ref(f)).packed);
    ([clean, noisy], packed)
}

#[test]
fn structure_is_what_the_metric_reports() {
    let t = Burn::new(&Model::new());
    for strength in [10.0, 60.0] {
        let ([clean, noisy], [x, y]) = noisy(&t, strength);
        let rgb = [&clean, &noisy].map(|f| yuv420_to_rgb(f, Colour::RGB_INPUT));
        let (found, expected) = (
            t.values(&ms_ssim(&t, &x, &y))[0] as f64,
            vcn_eval::ms_ssim(&rgb[0], &rgb[1]).expect("two pictures of one size"),
        );
        assert!((found - expected).abs() < 0.03 * (1.0 - expected), "{found}, reported {expected}");
        assert_eq!(t.values(&ms_ssim(&t, &x, &x))[0], 1.0);
    }
}

/// Along a random direction, the gradient promises what moving the picture does.
#[test]
fn structure_has_the_slope_that_its_values_have() {
    let model = Model::new();
    let mut t = Burn::new(&model);
    // A parameter in the place of a picture, because gradients are of parameters.
    let size = 96 * (SIDE / 8) * (SIDE / 8);
    let leaf = model.params.list.iter().position(|p| p.len() % size == 0).expect("a large layer");
    let shape = [model.params.list[leaf].len() / size, 96, SIDE / 8, SIDE / 8];
    let (_, [x, y]) = noisy(&t, 60.0);
    let (x, y) = (t.values(&x).repeat(shape[0]), t.values(&y).repeat(shape[0]));
    let mut rng = fastrand::Rng::with_seed(9);
    let direction: Vec<f32> = x.iter().zip(&y).map(|(x, y)| (y - x) * rng.f32()).collect();
    let mut at = |moved: f32| {
        let mut values = parameters(&model);
        values[leaf] = y.iter().zip(&direction).map(|(y, d)| y + moved * d).collect();
        t.load(&values);
        let decoded = t.reshape(&t.param(leaf), &shape);
        let sum = t.sum(&ms_ssim(&t, &t.constant(&x, &shape), &decoded));
        t.backward(&sum);
        (t.values(&sum)[0], t.gradients().swap_remove(leaf))
    };
    let (low, high) = (at(-0.05).0, at(0.05).0);
    let promised: f32 = at(0.0).1.iter().zip(&direction).map(|(g, d)| g * d).sum();
    let found = (high - low) / 0.1;
    println!("slope {promised}, found {found}");
    assert!((promised - found).abs() < 0.01 * found.abs(), "slope {promised}, found {found}");
}

#[test]
fn frozen_parameters_receive_nothing_and_evaluation_records_nothing() {
    let model = Model::new();
    let mut t = Burn::new(&model);
    t.freeze(&model.params.list.iter().map(|p| p.name.starts_with("inter.")).collect::<Vec<_>>());
    t.load(&parameters(&model));
    step(&t, &model, true);
    for (p, g) in model.params.list.iter().zip(t.gradients()) {
        assert!(p.name.starts_with("inter.") || g.is_empty(), "{}", p.name);
    }
    t.without_gradients(|t| step(t, &model, true));
    assert!(t.gradients().iter().all(Vec::is_empty));
}

#[test]
fn a_few_steps_lower_the_loss() {
    let model = Model::new();
    let mut t = Burn::new(&model);
    let mut values = initial(&model.params, 1);
    let mut adam = Adam::new(&values);
    let rates: Vec<f32> = values.iter().map(|_| 2e-6).collect();
    let mut losses = Vec::new();
    for _ in 0..6 {
        t.load(&values);
        losses.push(step(&t, &model, false));
        adam.step(&mut values, &t.gradients(), 1.0, &rates, 0.9);
    }
    assert!(losses[5] < losses[0], "{losses:?}");
}

fn run(out: &Path, stage: Stage, steps: u64) {
    let model = Model::new();
    let clip = Clip { name: "waves".into(), frames: (0..6).map(frame).collect() };
    let clips = Clips { train: vec![clip], validation: Vec::new() };
    let frames = if stage == Stage::Intra { 1 } else { 2 };
    let settings = Settings {
        stage,
        metric: Metric::Psnr,
        shape: Shape { batch: 2, frames, lead: 0, stills: frames - 1, crop: 32 },
        steps,
        rate: 1e-3,
        cooldown: 0,
        quantised: true,
        seed: 3,
        out: out.to_owned(),
        init: Vec::new(),
        fresh: None,
    };
    train(&mut Burn::new(&model), &model, &clips, &settings).expect("a run in a temporary folder");
}

/// All that the optimizer knows, by name.
fn state(folder: &Path) -> Vec<Vec<Vec<u32>>> {
    let model = Model::new();
    let read = |prefix: &&str| {
        let mut values = initial(&model.params, 0);
        read_weights(&folder.join("state.safetensors"), &model.params, prefix, &mut values)
            .expect("a state file");
        values.iter().map(|v| v.iter().map(|x| x.to_bits()).collect()).collect()
    };
    ["", "average.", "first.", "second."].iter().map(read).collect()
}

#[test]
fn an_interrupted_run_ends_with_the_same_bits() {
    for stage in [Stage::Intra, Stage::Joint] {
        let whole = tempfile::tempdir().expect("a temporary folder");
        let parts = tempfile::tempdir().expect("a temporary folder");
        run(whole.path(), stage, 6);
        run(parts.path(), stage, 3);
        let middle = state(parts.path());
        run(parts.path(), stage, 6);
        let end = state(parts.path());
        assert!(end != middle, "three more steps change the state");
        assert!(end == state(whole.path()), "{stage:?}");
    }
}

/// Length of the difference of two gradients, relative to the second.
#[cfg(feature = "libtorch")]
fn difference(a: &[f32], b: &[f32]) -> f64 {
    let length = |g: &mut dyn Iterator<Item = f32>| g.map(|v| (v as f64).powi(2)).sum::<f64>().sqrt();
    length(&mut a.iter().zip(b).map(|(a, b)| a - b)) / length(&mut b.iter().copied()).max(1e-6)
}

/// A residual block whose inputs and results often saturate has the same slopes everywhere, in bf16 as far as it is exact.
#[cfg(feature = "libtorch")]
#[test]
fn saturation_agrees_with_libtorch() {
    use vcn_codec::model::params::ACTIVATION;
    use vcn_train::torch::Torch;
    let model = Model::new();
    let mut convs = model.params.convs.iter().filter(|c| c.k == 3 && c.cin == 96 && c.cout == 96);
    let [a, b] = [0, 1].map(|_| convs.next().expect("a residual block"));
    let mut values = initial(&model.params, 7);
    for conv in [a, b] {
        values[conv.weight].iter_mut().for_each(|w| *w *= 3.0);
    }
    let shape = [2, 96, 6, 10];
    let mut rng = fastrand::Rng::with_seed(3);
    let mut noise = |strength: f32| -> Vec<f32> {
        (0..shape.iter().product()).map(|_| strength * (rng.f32() - 0.5)).collect()
    };
    let (input, slopes) = (noise(16.0), noise(1.0));
    fn gradients<P: Tape>(
        t: &mut P,
        values: &[Vec<f32>],
        run: impl Fn(&P) -> (P::Tensor, P::Tensor),
    ) -> (f32, Vec<Vec<f32>>) {
        t.load(values);
        let (y, loss) = run(t);
        t.backward(&loss);
        let full = t.values(&y).iter().filter(|v| v.abs() >= ACTIVATION.limit()).count();
        (full as f32 / t.values(&y).len() as f32, t.gradients())
    }
    // A closure has one type of tape, and there are two.
    macro_rules! block {
        () => {
            |t| {
                let x = t.low(&t.constant(&input, &shape));
                let y = t.conv_add(b, &t.conv_leaky(a, &x), &x);
                let y = t.sub(&t.conv(b, &y), &y);
                let weighed = t.mul(&t.full(&y), &t.constant(&slopes, &shape));
                (y, t.sum(&weighed))
            }
        };
    }
    let (full, expected) = gradients(&mut Burn::new(&model), &values, block!());
    assert!((0.05..0.5).contains(&full), "{full} of the results saturate");
    for (bf16, tolerance) in [(false, 1e-4), (true, 0.15)] {
        let (_, found) = gradients(&mut Torch::new(&model, bf16, 1), &values, block!());
        for id in [a.weight, a.bias, b.weight, b.bias] {
            let relative = difference(&found[id], &expected[id]);
            println!("{full} saturate, bf16 {bf16}, {}: {relative}", model.params.list[id].name);
            assert!(relative < tolerance, "bf16 {bf16}, {}: {relative}", model.params.list[id].name);
        }
    }
}

/// Both executors compute the same function and the same derivatives, up to the order of sums.
#[cfg(feature = "libtorch")]
#[test]
fn burn_agrees_with_libtorch() {
    use vcn_train::torch::Torch;
    let model = Model::new();
    let values = parameters(&model);
    for motion in [false, true] {
        let mut burn = Burn::new(&model);
        burn.load(&values);
        let mut torch = Torch::new(&model, false, 1);
        torch.load(&values);
        let (a, b) = (step(&burn, &model, motion), step(&torch, &model, motion));
        println!("loss {a} {b}");
        assert!((a - b).abs() < 1e-5 * b.abs(), "loss {a}, libtorch {b}");
        let mut worst = (0.0, "");
        for ((p, a), b) in model.params.list.iter().zip(burn.gradients()).zip(torch.gradients()) {
            assert_eq!(a.is_empty(), b.is_empty(), "{}", p.name);
            let relative = difference(&a, &b);
            if relative > worst.0 {
                worst = (relative, &p.name);
            }
        }
        println!("largest relative difference of a gradient: {worst:?}");
        assert!(worst.0 < 1e-4, "{worst:?}");
    }
}
