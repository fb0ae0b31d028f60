//! Training on Burn's `flex`: gradients, learning, exact resume, and agreement with libtorch where that is built in.

use std::path::Path;

use vcn_codec::model::Model;
use vcn_codec::model::transform::GREY;
use vcn_codec::packing::pack;
use vcn_codec::warp::Plane;
use vcn_media::Yuv420;
use vcn_train::burn::Burn;
use vcn_train::data::{Clip, Clips, Shape};
use vcn_train::forward::{Picture, distortion, inter, intra};
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

/// Parameters as a run starts with them, moved a little so that nothing is zero by construction.
fn parameters(model: &Model) -> Vec<Vec<f32>> {
    let mut values = initial(&model.params, 7);
    let mut rng = fastrand::Rng::with_seed(7);
    values.iter_mut().flatten().for_each(|v| *v += 0.02 * (rng.f32() - 0.5));
    values
}

/// Rate and distortion of an intra frame, and of an inter frame after it if `motion`; leaves the gradients in `t`.
fn step<P: Tape>(t: &P, model: &Model, motion: bool) -> f32 {
    let q = Quality::new(t, &[20.0, 45.0]);
    let first = picture(t, &[frame(0), frame(4)]);
    let coded = intra(t, model, &first, &q);
    let cost = |d: &P::Tensor, bits: &P::Tensor| t.sum(&t.plus(d, &t.affine(bits, 0.01, 0.0)));
    let mut loss = cost(&distortion(t, &coded.reference.packed, &first.packed), &coded.bits);
    if motion {
        let second = picture(t, &[frame(1), frame(5)]);
        let coded = inter(t, model, &second, &coded.reference, &q, &q);
        let d = distortion(t, &coded.reference.packed, &second.packed);
        loss = t.plus(&loss, &cost(&d, &coded.bits));
    }
    t.backward(&loss);
    t.values(&loss)[0]
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
        shape: Shape { batch: 2, frames, lead: 0, crop: 32 },
        steps,
        rate: 1e-3,
        cooldown: 0,
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
        let length = |g: &[f32]| g.iter().map(|v| (*v as f64).powi(2)).sum::<f64>().sqrt();
        let mut worst = (0.0, "");
        for ((p, a), b) in model.params.list.iter().zip(burn.gradients()).zip(torch.gradients()) {
            assert_eq!(a.is_empty(), b.is_empty(), "{}", p.name);
            let difference: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
            let relative = length(&difference) / length(&b).max(1e-6);
            if relative > worst.0 {
                worst = (relative, &p.name);
            }
        }
        println!("largest relative difference of a gradient: {worst:?}");
        assert!(worst.0 < 1e-4, "{worst:?}");
    }
}
