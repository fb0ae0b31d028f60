//! `vcn train`.

use std::path::PathBuf;

use clap::Args;
use vcn_codec::container::Metric;
use vcn_codec::model::Model;
use vcn_train::data::{Clips, Shape};
use vcn_train::export::export;
use vcn_train::run::{Settings, Stage, train};

#[derive(Args)]
pub struct Arguments {
    /// Folders of clips: frame folders and video files at any depth.
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// Folder for the state and the log of the run; an existing run goes on.
    #[arg(short, long)]
    out: PathBuf,
    /// intra, motion, inter or joint.
    #[arg(long, default_value = "joint")]
    stage: String,
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
    /// Learning rate.
    #[arg(long, default_value_t = 4e-4)]
    rate: f32,
    /// Samples in a batch.
    #[arg(long, default_value_t = 8)]
    batch: usize,
    /// Frames of a sample.
    #[arg(long, default_value_t = 2)]
    frames: usize,
    /// Side of the square crops.
    #[arg(long, default_value_t = 192)]
    crop: usize,
    /// Seed of data order and first weights.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Compute in f32 instead of bf16.
    #[arg(long)]
    f32: bool,
    /// Only reports the unquantised model's rate and quality on the centres of all given clips.
    #[arg(long)]
    evaluate: bool,
    /// Writes the trained model as a checkpoint (.vcnm) at the end; with --steps 0, at once.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Name of the exported model.
    #[arg(long, default_value = "vcn")]
    name: String,
}

pub fn run(a: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let stage = match a.stage.as_str() {
        "intra" => Stage::Intra,
        "motion" => Stage::Motion,
        "inter" => Stage::Inter,
        "joint" => Stage::Joint,
        other => return Err(format!("unknown stage {other}: use intra, motion, inter or joint").into()),
    };
    let state = a.out.join("state.safetensors");
    #[cfg(feature = "libtorch")]
    if a.evaluate {
        let model = Model::new();
        let mut clips = Clips::load(&a.data)?;
        clips.validation.append(&mut clips.train);
        let mut tape = vcn_train::torch::Torch::new(&model, !a.f32, a.threads);
        let results = vcn_train::run::evaluate(&mut tape, &model, &state, &clips.validation, a.frames, a.crop)?;
        results.iter().for_each(|r| println!("{}", serde_json::to_string(r).unwrap_or_default()));
        return Ok(());
    }
    if a.steps > 0 {
        learn(&a, stage)?;
    }
    if let Some(path) = &a.export {
        let checkpoint = export(&state, &a.name, Metric::Psnr)?;
        let bytes = checkpoint.write();
        std::fs::write(path, &bytes).map_err(|e| format!("{}: {e}", path.display()))?;
        eprintln!("{}: {} bytes", path.display(), bytes.len());
    }
    Ok(())
}

/// Runs the stage.
fn learn(a: &Arguments, stage: Stage) -> Result<(), Box<dyn std::error::Error>> {
    let clips = Clips::load(&a.data)?;
    let held: Vec<&str> = clips.validation.iter().map(|c| c.name.as_str()).collect();
    eprintln!("{} clips to train on, {} held out: {}", clips.train.len(), held.len(), held.join(" "));
    let frames = if stage == Stage::Intra { 1 } else { a.frames };
    let settings = Settings {
        stage,
        shape: Shape { batch: a.batch, frames, crop: a.crop },
        steps: a.steps,
        rate: a.rate,
        cooldown: a.cooldown,
        seed: a.seed,
        out: a.out.clone(),
        init: a.init.iter().map(|i| {
            let (path, prefix) = i.split_once(':').unwrap_or((i, ""));
            (PathBuf::from(path), prefix.to_owned())
        }).collect(),
        fresh: a.fresh.clone(),
    };
    let model = Model::new();
    eprintln!("{} parameters", model.params.list.iter().map(|p| p.len()).sum::<usize>());
    #[cfg(feature = "libtorch")]
    {
        let mut tape = vcn_train::torch::Torch::new(&model, !a.f32, a.threads);
        train(&mut tape, &model, &clips, &settings)?;
    }
    Ok(())
}
