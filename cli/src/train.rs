//! `vcn train`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use vcn_codec::model::Model;
use vcn_train::burn::Burn;
use vcn_train::data::{Clips, Shape};
use vcn_train::export::{export, fit_tables};
use vcn_train::run::{Settings, Stage, evaluate, train};
use vcn_train::tape::Tape;
#[cfg(feature = "libtorch")]
use vcn_train::torch::Torch;

use crate::models::Metric;

#[derive(Args)]
pub struct Arguments {
    /// Folders of clips: frame folders and video files at any depth.
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// Folder for the state and the log of the run; an existing run goes on.
    #[arg(short, long)]
    out: PathBuf,
    /// intra, restoration (of the intra codec, what mends its luma), motion, inter or joint.
    #[arg(long, default_value = "joint")]
    stage: String,
    /// What pictures are compared by in the loss; models for ms-ssim are made from ones for psnr.
    #[arg(long, value_enum, default_value_t)]
    metric: Metric,
    /// Weights to start from: a state file of another run, with :PREFIX to take only the parameters that begin so.
    #[arg(long, value_name = "FILE[:PREFIX]")]
    init: Vec<String>,
    /// Parameters whose names contain this start anew in spite of --init.
    #[arg(long, value_name = "PART")]
    fresh: Option<String>,
    /// Steps of the stage.
    #[arg(long, default_value_t = 10_000)]
    steps: u64,
    /// Steps at the end over which the learning rate falls.
    #[arg(long, default_value_t = 1_000)]
    cooldown: u64,
    /// Let the networks feel that weights have 8 bits: for the last part of a training.
    #[arg(long)]
    quantised: bool,
    /// Learning rate.
    #[arg(long, default_value_t = 4e-4)]
    rate: f32,
    /// Samples in a batch.
    #[arg(long, default_value_t = 8)]
    batch: usize,
    /// Frames of a sample.
    #[arg(long, default_value_t = 2)]
    frames: usize,
    /// Frames at most that go before them without teaching, in every second batch: references as worn as in a long GOP.
    #[arg(long, default_value_t = 0)]
    lead: usize,
    /// Pictures coded by themselves beside the samples of the joint stage: most of a short group's bits are in its first
    /// frame, and a picture costs a sixth of a sample.
    #[arg(long, default_value_t = 0)]
    stills: usize,
    /// Side of the square crops.
    #[arg(long, default_value_t = 192)]
    crop: usize,
    /// Seed of data order and first weights.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// What computes.
    #[arg(long, value_enum, default_value_t)]
    backend: Backend,
    /// Compute in f32 instead of bf16 (`flex` always does).
    #[arg(long)]
    f32: bool,
    /// Only reports rate and quality on the centres of all given clips, computed in real numbers: of the weights as they are or,
    /// with --quantised, as the codec will have them.
    #[arg(long)]
    evaluate: bool,
    /// Writes the trained model as a checkpoint (.vcnm) at the end; with --steps 0, at once.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Name of the exported model.
    #[arg(long, default_value = "vcn")]
    name: String,
}

/// A backend as written on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Backend {
    /// libtorch if this program was built with it, else flex.
    #[default]
    Auto,
    /// Burn on the processor, in f32.
    Flex,
    /// libtorch on the processor, several times faster (needs a build with the feature `libtorch`).
    Libtorch,
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let Some(stage) = Stage::ALL.into_iter().find(|stage| stage.name() == a.stage) else {
        let [others @ .., last] = Stage::ALL.map(Stage::name);
        return Err(format!("unknown stage {}: use {} or {last}", a.stage, others.join(", ")).into());
    };
    let state = a.out.join("state.safetensors");
    if a.evaluate || a.steps > 0 {
        check(&a, stage)?;
    }
    let mut clips = Clips::load(&a.data)?;
    if a.evaluate || a.steps > 0 {
        let model = Model::new();
        match a.backend {
            #[cfg(feature = "libtorch")]
            Backend::Auto | Backend::Libtorch => {
                work(&a, stage, &model, &mut clips, &mut Torch::new(&model, !a.f32, a.threads))?;
            }
            #[cfg(not(feature = "libtorch"))]
            Backend::Libtorch => {
                return Err("this vcn was built without libtorch: build with --features libtorch, \
                    or use --backend flex"
                    .into());
            }
            #[cfg(not(feature = "libtorch"))]
            Backend::Auto => flex(&a, stage, &model, &mut clips)?,
            Backend::Flex => flex(&a, stage, &model, &mut clips)?,
        }
    }
    if a.evaluate {
        return Ok(());
    }
    if let Some(path) = &a.export {
        eprintln!("counting symbols for the probability tables");
        let checkpoint = fit_tables(export(&state, &a.name)?, &clips.train)?;
        let bytes = checkpoint.write();
        std::fs::write(path, &bytes).map_err(|e| format!("{}: {e}", path.display()))?;
        eprintln!("{}: {} bytes", path.display(), bytes.len());
    }
    Ok(())
}

/// Refuses shapes that no batch can have.
fn check(a: &Arguments, stage: Stage) -> Result<(), Box<dyn std::error::Error>> {
    if a.batch == 0 || a.frames == 0 || a.threads == 0 {
        return Err("--batch, --frames and --threads must be at least 1".into());
    }
    if !stage.single() && a.frames < 2 && !a.evaluate {
        return Err(format!("--frames {}: the stage {} needs at least 2", a.frames, a.stage).into());
    }
    if stage == Stage::Motion && a.metric == Metric::MsSsim {
        return Err("--metric ms-ssim: the stage motion knows only squared error".into());
    }
    if a.crop == 0 || !a.crop.is_multiple_of(16) {
        return Err(format!("--crop {}: must be a multiple of 16", a.crop).into());
    }
    Ok(())
}

/// Works on Burn's `flex`, which computes on rayon's threads.
fn flex(
    a: &Arguments,
    stage: Stage,
    model: &Model,
    clips: &mut Clips,
) -> Result<(), Box<dyn std::error::Error>> {
    rayon::ThreadPoolBuilder::new().num_threads(a.threads).build_global()?;
    work(a, stage, model, clips, &mut Burn::new(model))
}

/// Evaluates, or runs the stage.
fn work(
    a: &Arguments,
    stage: Stage,
    model: &Model,
    clips: &mut Clips,
    tape: &mut impl Tape,
) -> Result<(), Box<dyn std::error::Error>> {
    if a.evaluate {
        clips.validation.append(&mut clips.train);
        let state = a.out.join("state.safetensors");
        for result in evaluate(tape, model, &state, &clips.validation, a.frames, a.crop, a.quantised)? {
            println!("{}", serde_json::to_string(&result)?);
        }
        return Ok(());
    }
    let held: Vec<&str> = clips.validation.iter().map(|c| c.name.as_str()).collect();
    eprintln!("{} clips to train on, {} held out: {}", clips.train.len(), held.len(), held.join(" "));
    let (frames, lead) = if stage.single() { (1, 0) } else { (a.frames, a.lead) };
    let stills = if stage == Stage::Joint { a.stills } else { 0 };
    let settings = Settings {
        stage,
        metric: a.metric.into(),
        shape: Shape { batch: a.batch, frames, lead, stills, crop: a.crop },
        steps: a.steps,
        rate: a.rate,
        cooldown: a.cooldown,
        quantised: a.quantised,
        seed: a.seed,
        out: a.out.clone(),
        init: a
            .init
            .iter()
            .map(|i| {
                let (path, prefix) = i.split_once(':').unwrap_or((i, ""));
                (PathBuf::from(path), prefix.to_owned())
            })
            .collect(),
        fresh: a.fresh.clone(),
    };
    eprintln!("{} parameters", model.params.list.iter().map(|p| p.len()).sum::<usize>());
    train(tape, model, clips, &settings)?;
    Ok(())
}
