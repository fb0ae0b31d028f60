//! A training run: stages, the loop, and its state on disk.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Serialize;
use vcn_codec::checkpoint::Layer;
use vcn_codec::container::Metric;
use vcn_codec::model::Model;
use vcn_codec::model::params::{Init, Params};
use vcn_codec::model::transform::GREY;
use vcn_codec::ms_ssim::WORTH;
use vcn_codec::packing::pack;
use vcn_codec::warp::Plane;
use vcn_codec::{anchors, frame_quality};
use vcn_media::Yuv420;

use crate::data::{Batch, Clip, Clips, Shape, centre};
use crate::export::import;
use crate::forward::{Picture, Reference, Teller, between, distortion, inter, intra, prediction_cost};
use crate::ms_ssim::ms_ssim;
use crate::optimizer::{Adam, norm};
use crate::rate::Quality;
use crate::tape::Tape;
use crate::{Error, Result};

/// What a stretch of training teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The intra codec alone.
    Intra,
    /// Of the intra codec, what restores its luma.
    Restoration,
    /// The motion codec: prediction error and motion bits.
    Motion,
    /// The inter codec on a frozen intra codec.
    Inter,
    /// Everything, on unrolled groups of frames.
    Joint,
}

impl Stage {
    /// All of them.
    pub const ALL: [Stage; 5] = [Stage::Intra, Stage::Restoration, Stage::Motion, Stage::Inter, Stage::Joint];

    /// As it is written on command lines and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Intra => "intra",
            Stage::Restoration => "restoration",
            Stage::Motion => "motion",
            Stage::Inter => "inter",
            Stage::Joint => "joint",
        }
    }

    /// Whether the stage knows only single frames.
    pub fn single(self) -> bool {
        matches!(self, Stage::Intra | Stage::Restoration)
    }

    /// Whether the stage changes a parameter.
    fn trains(self, name: &str) -> bool {
        match self {
            Stage::Intra => name.starts_with("intra."),
            Stage::Restoration => name.starts_with("intra.restoration."),
            Stage::Motion => name.starts_with("inter.motion."),
            Stage::Inter => name.starts_with("inter."),
            Stage::Joint => true,
        }
    }
}

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What to teach.
    pub stage: Stage,
    /// What pictures are compared by. The stage [`Stage::Motion`] knows only squared error.
    pub metric: Metric,
    /// Batch shape.
    pub shape: Shape,
    /// Steps of this stage.
    pub steps: u64,
    /// Peak learning rate.
    pub rate: f32,
    /// Whether the networks feel that weights have 8 bits: they are rounded as the export does before every step, and the
    /// step is taken by what they were before (straight-through, Bengio et al. 2013).
    pub quantised: bool,
    /// Steps at the end over which the rate falls to a twentieth.
    pub cooldown: u64,
    /// Seed of data and initial weights.
    pub seed: u64,
    /// Folder of the run's state and log.
    pub out: PathBuf,
    /// State files or checkpoints to start from when the folder has no state of this stage and metric, each with the
    /// beginning of the names of the parameters that it gives.
    pub init: Vec<(PathBuf, String)>,
    /// Parameters whose names contain this start anew all the same.
    pub fresh: Option<String>,
}

/// Gradients longer than this many times their running mean length are scaled down to it.
const CLIP: f32 = 1.5;
const WARMUP: u64 = 200;
const LOG_EVERY: u64 = 50;
const SAVE_EVERY: u64 = 500;
const VALIDATE_EVERY: u64 = 1000;

/// Learning rate of the linear shortcuts relative to the rest. Their weights are small and their inputs large and
/// correlated: at the common rate, steps that agree in sign move the whole transform by many quantisation steps.
const SHORTCUT_PACE: f32 = 0.02;

/// Weight in the loss of what the prediction's error costs: it keeps the motion honest while the residual codec learns.
const PREDICTION_WEIGHT: f32 = 0.1;

/// One line of the log.
#[derive(Default, Serialize)]
struct Record {
    stage: &'static str,
    metric: &'static str,
    step: u64,
    hours: f64,
    seconds_per_step: f64,
    loss: f32,
    bpp: f32,
    motion_bpp: f32,
    mse: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms_ssim: Option<f32>,
    prediction_mse: f32,
    searched_mse: f32,
    gradient_norm: f32,
    skipped: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<Vec<Validation>>,
}

/// Validation at one quality.
#[derive(Serialize)]
pub struct Validation {
    /// Quality asked for; the frames' follow as in the encoder.
    pub quality: u8,
    /// Bits per pixel by the model's own estimate.
    pub bpp: f32,
    /// Mean PSNR weighted as in RGB, in dB.
    pub psnr: f32,
    /// The same of the last frame only.
    pub last_psnr: f32,
    /// Mean MS-SSIM.
    pub ms_ssim: f32,
    /// Motion's share of the bits per pixel.
    pub motion_bpp: f32,
}

/// Numbers of one step.
struct Outcome<T> {
    loss: T,
    bpp: f32,
    motion_bpp: f32,
    mse: f32,
    ms_ssim: Option<f32>,
    prediction_mse: f32,
    searched_mse: f32,
}

fn picture<P: Tape>(t: &P, samples: &[Yuv420]) -> Picture<P::Tensor> {
    let map = |v: u8| (v as f32 - 128.0) / GREY;
    let data: Vec<f32> = samples.iter().flat_map(|s| pack(s, map)).collect();
    let shape = [samples.len(), 96, samples[0].height / 8, samples[0].width / 8];
    Picture { packed: t.constant(&data, &shape), luma: samples.iter().map(Plane::luma).collect() }
}

impl<T> Outcome<T> {
    fn zero<P: Tape<Tensor = T>>(t: &P) -> Outcome<T> {
        Outcome {
            loss: zero(t),
            bpp: 0.0,
            motion_bpp: 0.0,
            mse: 0.0,
            ms_ssim: None,
            prediction_mse: 0.0,
            searched_mse: 0.0,
        }
    }
}

fn zero<P: Tape>(t: &P) -> P::Tensor {
    t.sum(&t.constant(&[0.0], &[1]))
}

/// A reference through which no gradient flows.
fn detached<P: Tape>(t: &P, r: Reference<P::Tensor>) -> Reference<P::Tensor> {
    Reference {
        packed: t.detach(&r.packed),
        features: t.detach(&r.features),
        motion: r.motion.map(|m| t.detach(&m)),
        anchor: r.anchor.map(|a| a.map(|a| t.detach(&a))),
        vectors: r.vectors,
    }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

/// How far a decoded picture is from its source.
struct Distortion<T> {
    /// What the loss counts, in squared grey levels or their worth, `[b]`.
    counted: T,
    /// Mean squared error in grey levels.
    mse: f32,
    /// Mean MS-SSIM, where it counts.
    ms_ssim: Option<f32>,
}

impl<T: Clone> Distortion<T> {
    fn new<P: Tape<Tensor = T>>(t: &P, metric: Metric, x: &T, y: &T) -> Distortion<T> {
        if metric != Metric::MsSsim {
            let d = distortion(t, x, y);
            return Distortion { mse: mean(&t.values(&d)), counted: d, ms_ssim: None };
        }
        let squared = distortion(t, &t.detach(x), &t.detach(y));
        let similarity = ms_ssim(t, x, y);
        Distortion {
            counted: t.affine(&similarity, -WORTH, WORTH),
            mse: mean(&t.values(&squared)),
            ms_ssim: Some(mean(&t.values(&similarity))),
        }
    }
}

/// Who tells the motion of frame `k` of a batch, the network at the quality `q`.
fn teller<'a, T>(stage: Stage, batch: &Batch, k: usize, q: &'a Quality<T>) -> Teller<'a, T> {
    match stage {
        Stage::Motion => Teller::Network(q),
        _ if batch.network[k] => Teller::Both(q),
        _ => Teller::Vectors,
    }
}

/// Forward pass of a batch.
fn forward<P: Tape>(t: &P, model: &Model, stage: Stage, metric: Metric, batch: &Batch) -> Outcome<P::Tensor> {
    let q = Quality::new(t, &batch.qualities[0]);
    let pixels = (batch.pictures[0][0].width * batch.pictures[0][0].height) as f32;
    // (D + lambda R) / sqrt(lambda): between squared error and bits, so that no quality drowns the others.
    let cost = |q: &Quality<P::Tensor>, d: &P::Tensor, bits: &P::Tensor| {
        let b = q.lambda.len();
        let normal: Vec<f32> = q.lambda.iter().map(|l| 1.0 / (l.sqrt() * b as f32)).collect();
        let exchange: Vec<f32> = q.lambda.iter().map(|l| l.sqrt() / (pixels * b as f32)).collect();
        t.sum(&t.plus(&t.mul(d, &t.constant(&normal, &[b])), &t.mul(bits, &t.constant(&exchange, &[b]))))
    };

    let first = picture(t, &batch.pictures[0]);
    let bpp = |bits: &P::Tensor| mean(&t.values(bits)) / pixels;
    let frames = batch.pictures.len() - batch.lead;
    let mut outcome;
    let mut reference;
    if batch.lead == 0 {
        let frame = intra(t, model, &first, &q);
        let d = Distortion::new(t, metric, &first.packed, &frame.reference.packed);
        outcome = Outcome {
            loss: cost(&q, &d.counted, &frame.bits),
            bpp: bpp(&frame.bits),
            motion_bpp: 0.0,
            mse: d.mse,
            ms_ssim: d.ms_ssim,
            prediction_mse: 0.0,
            searched_mse: 0.0,
        };
        reference = frame.reference;
        if stage.single() {
            return outcome;
        }
        if stage == Stage::Joint {
            outcome.loss = t.affine(&outcome.loss, 1.0 / frames as f32, 0.0);
        } else {
            outcome.loss = zero(t);
            reference = detached(t, reference);
        }
        (outcome.bpp, outcome.mse, outcome.ms_ssim) = (0.0, 0.0, None);
    } else {
        outcome = Outcome::zero(t);
        reference = t.without_gradients(|t| {
            let mut reference = intra(t, model, &first, &q).reference;
            for k in 1..batch.lead {
                let q = Quality::new(t, &batch.qualities[k]);
                let mq = Quality::new(t, &batch.motion_qualities[k]);
                let x = picture(t, &batch.pictures[k]);
                let teller = teller(stage, batch, k, &mq);
                reference = inter(t, model, &x, &reference, &q, teller, batch.anchors[k]).reference;
            }
            reference
        });
    }
    // The frame coded by itself counts as one of the group, in the loss of the joint stage only.
    let mut order: Vec<usize> = (batch.lead.max(1)..batch.pictures.len()).collect();
    let skips = stage != Stage::Motion && batch.between;
    if let (true, [.., skipped, key]) = (skips, &mut order[..]) {
        std::mem::swap(skipped, key);
    }
    let coded = order.len() as f32;
    let share = if stage == Stage::Joint { 1.0 / frames as f32 } else { 1.0 / coded };
    // The reference of the latest frame, and the flow to it.
    let mut before = None;
    for k in order {
        let x = picture(t, &batch.pictures[k]);
        let q = Quality::new(t, &batch.qualities[k]);
        let mq = Quality::new(t, &batch.motion_qualities[k]);
        let teller = teller(stage, batch, k, &mq);
        let frame = match &before {
            Some((before, flow)) if skips && k + 2 == batch.pictures.len() => {
                between(t, model, &x, [before, &reference], flow, &q)
            }
            _ => inter(t, model, &x, &reference, &q, teller, batch.anchors[k]),
        };
        let d = Distortion::new(t, metric, &x.packed, &frame.reference.packed);
        let [searched, predicted] = frame.predictions.as_ref().expect("inter frames have predictions");
        let searched = distortion(t, &t.detach(searched), &x.packed);
        let prediction_error = distortion(t, predicted, &x.packed);
        let motion_bits = frame.motion_bits.as_ref().expect("inter frames have motion");
        let loss = if stage == Stage::Motion {
            cost(&q, &t.affine(&prediction_error, 0.5, 0.0), motion_bits)
        } else {
            let predicted = prediction_cost(t, &x.packed, predicted, &q.lambda);
            cost(&q, &t.plus(&d.counted, &t.affine(&predicted, PREDICTION_WEIGHT, 0.0)), &frame.bits)
        };
        outcome.loss = t.plus(&outcome.loss, &t.affine(&loss, share, 0.0));
        outcome.bpp += bpp(&frame.bits) / coded;
        outcome.motion_bpp += bpp(motion_bits) / coded;
        outcome.mse += d.mse / coded;
        outcome.ms_ssim = d.ms_ssim.map(|m| outcome.ms_ssim.unwrap_or(0.0) + m / coded);
        outcome.prediction_mse += mean(&t.values(&prediction_error)) / coded;
        outcome.searched_mse += mean(&t.values(&searched)) / coded;
        let reference_before = std::mem::replace(&mut reference, frame.reference);
        before = frame.flow.map(|flow| (reference_before, flow));
    }
    if !batch.stills.is_empty() {
        let x = picture(t, &batch.stills);
        let q = Quality::new(t, &batch.still_qualities);
        let frame = intra(t, model, &x, &q);
        let d = Distortion::new(t, metric, &x.packed, &frame.reference.packed);
        outcome.loss = t.plus(&outcome.loss, &t.affine(&cost(&q, &d.counted, &frame.bits), share, 0.0));
    }
    outcome
}

/// The model's rate and quality on whole clips in real numbers, with the averaged weights of a state file as they are or as the codec
/// will have them.
///
/// # Errors
/// If the state cannot be read.
pub fn evaluate<P: Tape>(
    t: &mut P,
    model: &Model,
    state: &Path,
    clips: &[Clip],
    frames: usize,
    crop: usize,
    rounded: bool,
) -> Result<Vec<Validation>> {
    let mut values = initial(&model.params, 0);
    read_weights(state, &model.params, "average.", &mut values)?;
    if rounded {
        values = quantised(model, &values);
    }
    t.load(&values);
    Ok(t.without_gradients(|t| validate(t, model, frames, crop, clips)))
}

/// Rate and quality on clips with the loaded weights.
fn validate<P: Tape>(t: &P, model: &Model, frames: usize, crop: usize, clips: &[Clip]) -> Vec<Validation> {
    let sets: Vec<Vec<Yuv420>> = clips.iter().map(|c| centre(c, frames, crop)).collect();
    let pixels = (crop * crop) as f32;
    [4u8, 14, 24, 36, 48]
        .into_iter()
        .map(|asked| {
            let (mut bits, mut motion, mut psnr, mut last, mut structure) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for set in &sets {
                let mut reference = None;
                for (k, x) in set.iter().enumerate() {
                    let x = picture(t, std::slice::from_ref(x));
                    let quality = frame_quality(asked, k as u32, frames as u32).into();
                    let q = Quality::new(t, &[quality]);
                    let frame = match &reference {
                        None => intra(t, model, &x, &q),
                        Some(r) => inter(t, model, &x, r, &q, Teller::Vectors, anchors(k as u32)),
                    };
                    let mse = t.values(&distortion(t, &frame.reference.packed, &x.packed))[0];
                    let db = 10.0 * (255.0f32 * 255.0 / mse.max(1e-3)).log10();
                    psnr += db;
                    structure += t.values(&ms_ssim(t, &x.packed, &frame.reference.packed))[0];
                    bits += t.values(&frame.bits)[0];
                    motion += frame.motion_bits.as_ref().map_or(0.0, |m| t.values(m)[0]);
                    if k + 1 == frames {
                        last += db;
                    }
                    reference = Some(frame.reference);
                }
            }
            let n = (sets.len() * frames) as f32;
            Validation {
                quality: asked,
                bpp: bits / (n * pixels),
                psnr: psnr / n,
                last_psnr: last / sets.len() as f32,
                ms_ssim: structure / n,
                motion_bpp: motion / (n * pixels),
            }
        })
        .collect()
}

/// Starting values of all parameters.
pub fn initial(params: &Params, seed: u64) -> Vec<Vec<f32>> {
    let mut rng = fastrand::Rng::with_seed(seed);
    params
        .list
        .iter()
        .map(|p| match &p.init {
            Init::Constant(v) => vec![*v; p.len()],
            Init::Values(v) => v.clone(),
            Init::Fan(gain) => {
                let fan: usize = p.shape[1..].iter().product();
                let limit = gain * (6.0 / fan as f32).sqrt();
                (0..p.len()).map(|_| (2.0 * rng.f32() - 1.0) * limit).collect()
            }
        })
        .collect()
}

/// What a run keeps on disk.
struct State {
    params: Vec<Vec<f32>>,
    adam: Adam,
    step: u64,
    seconds: f64,
    skipped: u64,
    /// Running mean of the gradients' length.
    length: f32,
}

/// Reads parameters by name; those that the file lacks keep their values.
pub fn read_weights(path: &Path, params: &Params, prefix: &str, into: &mut [Vec<f32>]) -> Result<()> {
    let bytes = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let wrong = |what: String| Error::State { path: path.to_owned(), what };
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| wrong(e.to_string()))?;
    for (p, values) in params.list.iter().zip(into) {
        let Ok(tensor) = tensors.tensor(&format!("{prefix}{}", p.name)) else { continue };
        if tensor.shape() != p.shape || tensor.dtype() != Dtype::F32 {
            return Err(wrong(format!("{} has shape {:?}, expected {:?}", p.name, tensor.shape(), p.shape)));
        }
        *values =
            tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    }
    Ok(())
}

/// What a state file says of its run: stage, metric, step, seconds of training.
///
/// # Errors
/// If the file cannot be read or is no state file.
pub fn read_record(path: &Path) -> Result<BTreeMap<String, String>> {
    let bytes = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let (_, header) = SafeTensors::read_metadata(&bytes)
        .map_err(|e| Error::State { path: path.to_owned(), what: e.to_string() })?;
    let wanted = ["stage", "metric", "step", "seconds", "skipped"];
    let all = header.metadata().clone().unwrap_or_default();
    Ok(all.into_iter().filter(|(key, _)| wanted.contains(&key.as_str())).collect())
}

fn write_state(path: &Path, params: &Params, state: &State, info: HashMap<String, String>) -> Result<()> {
    let groups = [
        ("", &state.params),
        ("average.", &state.adam.average),
        ("first.", &state.adam.first),
        ("second.", &state.adam.second),
    ];
    let bytes: Vec<(String, Vec<u8>, Vec<usize>)> = groups
        .iter()
        .flat_map(|(prefix, values)| {
            params.list.iter().zip(values.iter()).map(move |(p, v)| {
                let data = v.iter().flat_map(|x| x.to_le_bytes()).collect();
                (format!("{prefix}{}", p.name), data, p.shape.clone())
            })
        })
        .collect();
    let views = bytes.iter().map(|(name, data, shape)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data).expect("shape fits data"))
    });
    let file = |source| Error::File { path: path.to_owned(), source };
    let all = safetensors::serialize(views, Some(info))
        .map_err(|e| Error::State { path: path.to_owned(), what: e.to_string() })?;
    let temporary = path.with_extension("partial");
    let mut out = std::fs::File::create(&temporary).map_err(file)?;
    out.write_all(&all).and_then(|_| out.sync_all()).map_err(file)?;
    std::fs::rename(&temporary, path).map_err(file)
}

fn read_state(path: &Path, params: &Params, stage: &str, metric: &str) -> Result<Option<State>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { path: path.to_owned(), source }),
    };
    let wrong = |what: String| Error::State { path: path.to_owned(), what };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong(e.to_string()))?;
    let info = header.metadata().clone().unwrap_or_default();
    let number = |key: &str| info.get(key).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
    // Runs from before there was a choice say nothing of the metric.
    let trained_for = info.get("metric").map_or(Metric::Psnr.name(), String::as_str);
    if info.get("stage").map(String::as_str) != Some(stage) || trained_for != metric {
        return Ok(None);
    }
    drop(bytes);
    let read = |prefix: &str| {
        let mut into = initial(params, 0);
        read_weights(path, params, prefix, &mut into).map(|_| into)
    };
    let weights = read("")?;
    let mut adam = Adam::new(&weights);
    (adam.average, adam.first, adam.second) = (read("average.")?, read("first.")?, read("second.")?);
    let steps: Vec<u32> = info
        .get("adam_steps")
        .map(|s| s.split(' ').filter_map(|v| v.parse().ok()).collect())
        .unwrap_or_default();
    if steps.len() == adam.steps.len() {
        adam.steps = steps;
    }
    Ok(Some(State {
        params: weights,
        adam,
        step: number("step") as u64,
        seconds: number("seconds"),
        skipped: number("skipped") as u64,
        length: number("length") as f32,
    }))
}

/// Trains until the stage's last step, resuming where the run's folder left off.
///
/// # Errors
/// If the data or the state cannot be read or written.
pub fn train<P: Tape>(t: &mut P, model: &Model, clips: &Clips, settings: &Settings) -> Result<()> {
    let stage = settings.stage;
    let stage_name = stage.name();
    let metric = settings.metric.name();
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    };
    std::fs::create_dir_all(&settings.out).map_err(file(&settings.out))?;
    let state_path = settings.out.join("state.safetensors");
    let log_path = settings.out.join("log.jsonl");
    let mut state = match read_state(&state_path, &model.params, stage_name, metric)? {
        Some(state) => state,
        None => {
            let mut params = initial(&model.params, settings.seed);
            // A new stage in the folder of an old one goes on from it, unless told otherwise.
            let before = || state_path.exists().then(|| (state_path.clone(), String::new()));
            let init: Vec<_> =
                if settings.init.is_empty() { before().into_iter().collect() } else { settings.init.clone() };
            let fresh = |name: &str| settings.fresh.as_ref().is_some_and(|f| name.contains(f.as_str()));
            for (path, beginning) in &init {
                let read = if path.extension().is_some_and(|e| e == "vcnm") {
                    import(path)?
                } else {
                    let mut read = params.clone();
                    read_weights(path, &model.params, "average.", &mut read)?;
                    read
                };
                for ((into, from), p) in params.iter_mut().zip(read).zip(&model.params.list) {
                    if p.name.starts_with(beginning.as_str()) && !fresh(&p.name) {
                        *into = from;
                    }
                }
            }
            State { adam: Adam::new(&params), params, step: 0, seconds: 0.0, skipped: 0, length: 0.0 }
        }
    };
    let trained: Vec<bool> = model.params.list.iter().map(|p| stage.trains(&p.name)).collect();
    t.freeze(&trained);
    let mut pace: Vec<f32> = trained.iter().map(|&on| on as u8 as f32).collect();
    for conv in model.shortcuts() {
        pace[conv.weight] *= SHORTCUT_PACE;
        pace[conv.bias] *= SHORTCUT_PACE;
    }
    for latent in vcn_codec::checkpoint::latents(model) {
        // Steps stay what they start as, from theory or from --init: the straight-through slope sees that finer steps lower the error but not
        // that silent symbols begin to speak, and shrinks them far below what their rate is worth.
        pace[latent.log_gain] = 0.0;
    }
    let mut log =
        std::fs::OpenOptions::new().create(true).append(true).open(&log_path).map_err(file(&log_path))?;

    std::thread::scope(|scope| {
        let (send, receive) = sync_channel(2);
        let (start, steps) = (state.step, settings.steps);
        let (train, shape, seed) = (&clips.train, settings.shape, settings.seed);
        scope.spawn(move || {
            for step in start..steps {
                if send.send(Batch::draw(train, shape, seed, step)).is_err() {
                    break;
                }
            }
        });
        let mut record = Record { stage: stage_name, metric, ..Default::default() };
        let mut clock = Instant::now();
        while state.step < settings.steps {
            let Ok(batch) = receive.recv() else { break };
            load(t, model, settings, &state.params);
            let outcome = forward(t, model, stage, settings.metric, &batch);
            t.backward(&outcome.loss);
            let gradients = t.gradients();
            let size = norm(gradients.iter().zip(&pace).filter(|(_, p)| **p >= 1.0).map(|(g, _)| g));
            let rate = settings.rate * schedule(state.step, settings);
            if size.is_finite() {
                let scale = if state.length > 0.0 { (CLIP * state.length / size).min(1.0) } else { 1.0 };
                let share = (1.0 / (state.step + 1) as f32).max(0.01);
                state.length += share * (size * scale - state.length);
                let rates: Vec<f32> = pace.iter().map(|&p| p * rate).collect();
                let decay = (0.999f32).min((1 + state.step) as f32 / (10 + state.step) as f32);
                state.adam.step(&mut state.params, &gradients, scale, &rates, decay);
            } else {
                state.skipped += 1;
            }
            state.step += 1;
            let n = LOG_EVERY as f32;
            record.loss += t.values(&outcome.loss)[0] / n;
            record.bpp += outcome.bpp / n;
            record.motion_bpp += outcome.motion_bpp / n;
            record.mse += outcome.mse / n;
            record.ms_ssim = outcome.ms_ssim.map(|m| record.ms_ssim.unwrap_or(0.0) + m / n);
            record.prediction_mse += outcome.prediction_mse / n;
            record.searched_mse += outcome.searched_mse / n;
            record.gradient_norm += size / n;
            if state.step % LOG_EVERY == 0 {
                let elapsed = clock.elapsed().as_secs_f64();
                clock = Instant::now();
                state.seconds += elapsed;
                record.step = state.step;
                record.hours = state.seconds / 3600.0;
                record.seconds_per_step = elapsed / LOG_EVERY as f64;
                record.skipped = state.skipped;
                if (state.step % VALIDATE_EVERY == 0 || state.step == settings.steps)
                    && stage != Stage::Motion
                    && !clips.validation.is_empty()
                {
                    load(t, model, settings, &state.adam.average);
                    record.validation = Some(t.without_gradients(|t| {
                        validate(t, model, if stage.single() { 1 } else { 5 }, 192, &clips.validation)
                    }));
                    clock = Instant::now();
                }
                let line = serde_json::to_string(&record).expect("a record is plain data");
                writeln!(log, "{line}").map_err(file(&log_path))?;
                eprintln!("{line}");
                record = Record { stage: stage_name, metric, ..Default::default() };
            }
            if state.step % SAVE_EVERY == 0 || state.step == settings.steps {
                let steps: Vec<String> = state.adam.steps.iter().map(u32::to_string).collect();
                let info = HashMap::from([
                    ("stage".to_owned(), stage_name.to_owned()),
                    ("metric".to_owned(), metric.to_owned()),
                    ("step".to_owned(), state.step.to_string()),
                    ("seconds".to_owned(), state.seconds.to_string()),
                    ("skipped".to_owned(), state.skipped.to_string()),
                    ("length".to_owned(), state.length.to_string()),
                    ("adam_steps".to_owned(), steps.join(" ")),
                ]);
                write_state(&state_path, &model.params, &state, info)?;
            }
        }
        Ok(())
    })
}

/// Loads parameters as the run feels them. Rounded weights are clipped, too, and what is clipped may grow unnoticed: the same
/// parameters unrounded are another model.
fn load<P: Tape>(t: &mut P, model: &Model, settings: &Settings, params: &[Vec<f32>]) {
    if settings.quantised { t.load(&quantised(model, params)) } else { t.load(params) }
}

/// Parameters as the codec will have them.
fn quantised(model: &Model, params: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut felt = params.to_vec();
    for conv in &model.params.convs {
        let layer = Layer::quantise(conv, &params[conv.weight], &params[conv.bias]);
        [felt[conv.weight], felt[conv.bias]] = layer.real(conv);
    }
    felt
}

/// Factor on the learning rate: a short warm-up, a plateau, a cosine to a twentieth.
fn schedule(step: u64, settings: &Settings) -> f32 {
    let warm = ((step + 1) as f32 / WARMUP as f32).min(1.0);
    let left = settings.steps.saturating_sub(step).min(settings.cooldown) as f32;
    let cool = if settings.cooldown == 0 { 1.0 } else { left / settings.cooldown as f32 };
    warm * (0.05 + 0.95 * 0.5 * (1.0 - (std::f32::consts::PI * cool).cos()))
}
