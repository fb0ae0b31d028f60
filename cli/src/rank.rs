//! `vcn rank`: the best scenes of many clips.

mod batch;
mod config;
mod report;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use vcn_curate::rank::{
    Answers, Candidate, Program, Question, Ranker, Scene, beside_random, difference, pick, pick_random,
    read_labels, to_be_labelled,
};
use vcn_media::AtomicFile;

use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::models::{self, Metric};
use crate::number;
use crate::print::{Stream, note};
use crate::store::input::{Input, expand};
use batch::Measure;
use report::{Judged, Picked, Ranking, Unscored};

/// Arguments of `vcn rank`.
#[derive(Args)]
#[command(after_help = "\
Clips are cut into scenes, and each is measured: how much the picture changes, how much it moves, how far the codec's
latents travel. Boosted trees learn from labels which scenes people want, and rank all others.

The folder DIR gets a file batch-00000.json for each so many clips, which is not made again (an interrupted run goes on
where it was); scenes.csv, to be filled in and given as --labels; answers.jsonl, what programs said, who are not asked
twice; and, once something ranks them, ranking.json. Labels are CSV with the columns scene (CLIP#NUMBER), label (1 or 0,
empty for neither), and, where clips have something in common that must not be learned by heart, group.

Programs run in sh. They find the clip in $VCN_CLIP, seconds in $VCN_START and $VCN_END, frames in $VCN_FROM and $VCN_TO,
the caption in $VCN_CAPTION; they print their answer and end with 0. When their time is over, they are killed with all that
they have started.

Exit codes beyond those of vcn: 1 if no clip could be read; where others can be, unreadable ones are listed and skipped.

Examples:
  vcn rank clips/ -o ranked                                     # scenes and what they measure
  vcn rank clips/ -o ranked --labels labels.csv --save-model likes.json --top 100
  vcn rank more/ -o ranked2 --model likes.json --caption-cmd 'exec caption \"$VCN_CLIP\" $VCN_START $VCN_END'
  vcn rank --config rank.toml --top 20                          # a line for each option: labels = \"labels.csv\"")]
pub struct Arguments {
    /// Clips, folders of frames, or folders of these.
    inputs: Vec<String>,
    /// The folder for what is found.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Options as TOML: the long names as keys, and `inputs`. The command line counts more.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Labels to learn from.
    #[arg(long, value_name = "CSV", conflicts_with = "model")]
    labels: Option<PathBuf>,
    /// What was learned before.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Keep what was learned.
    #[arg(long, value_name = "FILE", requires = "labels")]
    save_model: Option<PathBuf>,
    /// Scenes to pick, at most one of a clip.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = number::count)]
    top: usize,
    /// The shortest scene that is picked, in seconds.
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = number::not_negative)]
    min_seconds: f64,
    /// The longest one.
    #[arg(long, value_name = "S", default_value_t = 15.0, value_parser = number::positive)]
    max_seconds: f64,
    /// Pictures of a scene that are measured a second.
    #[arg(long, value_name = "N", default_value_t = 4.0, value_parser = number::positive)]
    pictures_per_second: f64,
    /// Clips in a batch.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = number::count)]
    batch: usize,
    /// A command that prints a caption of a picked scene.
    #[arg(long, value_name = "COMMAND")]
    caption_cmd: Option<String>,
    /// A command that prints a number. It judges the picked scenes and as many random ones; without --labels and --model it
    /// scores, and so ranks, all scenes.
    #[arg(long, value_name = "COMMAND")]
    score_cmd: Option<String>,
    /// Seconds that a command may take.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// How often a command that fails is tried again.
    #[arg(long, value_name = "N", default_value_t = 2)]
    retries: u32,
    /// Seed of random selections.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The model whose latents are measured: a name or a file.
    #[arg(long, value_name = "MODEL")]
    codec: Option<String>,
    /// Replace a ranking and a saved model that are there.
    #[arg(long)]
    overwrite: bool,
    /// Print results as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compute: Compute,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<()> {
    let a = config::complete(arguments)?;
    let Some(output) = &a.output else {
        return Err(Failure::Usage("where to? give --output DIR".to_owned()));
    };
    if a.min_seconds > a.max_seconds {
        let (min, max) = (a.min_seconds, a.max_seconds);
        return Err(Failure::Usage(format!("--min-seconds {min}: is more than --max-seconds {max}")));
    }
    let inputs = inputs(&a)?;
    let ranking_file = output.join("ranking.json");
    let mut written = a.save_model.iter().chain([&ranking_file]);
    if let Some(file) = written.find(|file| !a.overwrite && file.exists()) {
        return Err(vcn_media::Error::Exists { path: file.clone() }.into());
    }
    let labels = a.labels.as_deref().map(read_labels).transpose().map_err(failure)?;
    let model = a.model.as_deref().map(read_model).transpose()?;
    std::fs::create_dir_all(output).map_err(Failure::io(&output.display().to_string(), "create"))?;

    let checkpoint = models::for_encoding(a.codec.as_deref(), Metric::default())?;
    let mut measure = Measure::new(a.pictures_per_second, checkpoint, &a.compute);
    let (mut scenes, mut failed) = (Vec::new(), Vec::new());
    for (index, clips) in inputs.chunks(a.batch).enumerate() {
        let batch = measure.batch(&output.join(format!("batch-{index:05}.json")), clips)?;
        scenes.extend(batch.scenes);
        failed.extend(batch.failed);
    }
    let list = output.join("scenes.csv");
    write_list(&list, &scenes)?;

    let (ranker, held) = match labels.as_ref().map(|labels| Ranker::train(&scenes, labels)) {
        Some(trained) => trained.map(|(ranker, held)| (Some(ranker), held)).map_err(failure)?,
        None => (model, HashMap::new()),
    };
    if let (Some(ranker), Some(path)) = (&ranker, &a.save_model) {
        save(path, ranker, a.overwrite)?;
    }
    let mut asking = Asking::open(&a, &output.join("answers.jsonl"), &inputs)?;
    let lengths = a.min_seconds..=a.max_seconds;
    let fit: Vec<&Scene> = scenes.iter().filter(|scene| lengths.contains(&scene.seconds())).collect();
    let (mut candidates, mut unscored) = (Vec::new(), Vec::new());
    for scene in &fit {
        let score = match &ranker {
            Some(ranker) => Ok(ranker.score(&scene.metrics)),
            None if a.score_cmd.is_none() => break,
            None => asking.score(scene, "")?,
        };
        match score {
            Ok(score) => candidates.push(Candidate { clip: scene.clip.clone(), id: scene.id(), score }),
            Err(reason) => unscored.push(Unscored { id: scene.id(), reason }),
        }
    }
    if let (true, Some(Unscored { id, reason })) = (candidates.is_empty(), unscored.first()) {
        let count = unscored.len();
        return Err(Failure::Other(
            format!("--score-cmd scores none of {count} scenes; {id}: {reason}").into(),
        ));
    }
    let by_id: HashMap<String, &Scene> = fit.iter().map(|scene| (scene.id(), *scene)).collect();
    let mut asked = |indices: Vec<usize>| -> Result<Vec<Picked>> {
        indices.into_iter().map(|at| asking.about(&candidates[at], by_id[&candidates[at].id])).collect()
    };
    let picked = asked(pick(&candidates, a.top))?;
    let judged = match ranker.is_some() && a.score_cmd.is_some() {
        true => judged(&picked, asked(pick_random(&candidates, picked.len(), a.seed))?, a.seed),
        false => None,
    };
    let wanted: HashMap<String, bool> =
        labels.iter().flatten().map(|label| (label.scene.clone(), label.wanted)).collect();
    let unseen: Vec<Candidate> = candidates
        .iter()
        .filter_map(|candidate| Some(Candidate { score: *held.get(&candidate.id)?, ..candidate.clone() }))
        .collect();
    let ranked = ranker.is_some() || a.score_cmd.is_some();
    let ranking = Ranking {
        version: report::VERSION,
        clips: inputs.len(),
        failed,
        scenes: scenes.len(),
        candidates: fit.len(),
        unscored,
        held_out: ranker.map(|ranker| ranker.held_out),
        wanted: beside_random(&unseen, &wanted, a.top, a.seed),
        judged,
        picked,
    };
    if ranked {
        save(&ranking_file, &ranking, a.overwrite)?;
    }
    if a.json {
        Stream::Out.json(&ranking)?
    } else {
        Stream::Out.text(&ranking.text())?
    }
    if !ranked {
        note(&format!(
            "to have them ranked, fill in the labels in {} and give it as --labels",
            list.display()
        ));
    }
    match ranking.scenes == 0 && !ranking.failed.is_empty() {
        true => Err(Failure::Other("none of the clips could be read".into())),
        false => Ok(()),
    }
}

/// The clips, each under a name of its own: that within its folder, or its path where another has the same.
fn inputs(a: &Arguments) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in &a.inputs {
        inputs.extend(expand(path, "")?);
    }
    if inputs.is_empty() {
        return Err(Failure::Usage("which clips? name files or folders".to_owned()));
    }
    // A batch remembers what could not be read; what is not there at all is rather a slip of the pen.
    let missing = |input: &&Input| input.path != "-" && !Path::new(&input.path).exists();
    if let Some(input) = inputs.iter().find(missing) {
        return Err(Failure::Usage(format!("{}: no such file or folder", input.path)));
    }
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    inputs.iter().for_each(|input| *count.entry(input.name.clone()).or_default() += 1);
    for input in inputs.iter_mut().filter(|input| count[&input.name] > 1) {
        input.name = input.path.clone();
    }
    Ok(inputs)
}

fn read_model(path: &Path) -> Result<Ranker> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(Failure::io(&name, "read"))?;
    Ranker::from_json(&text).map_err(|error| Failure::Damaged(format!("{name}: {error}")))
}

/// A list of scenes to fill in, unless there is one already.
fn write_list(path: &Path, scenes: &[Scene]) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    Ok(AtomicFile::write(path, &to_be_labelled(scenes).map_err(failure)?, false)?)
}

/// Scores by the judge, if it gave any.
fn judged(picked: &[Picked], random_scenes: Vec<Picked>, seed: u64) -> Option<Judged> {
    let scores = |scenes: &[Picked]| scenes.iter().filter_map(|scene| scene.judged).collect::<Vec<f64>>();
    let (ours, random) = (scores(picked), scores(&random_scenes));
    let (_, interval) = difference(&ours, &random, seed)?;
    let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
    Some(Judged { picked: mean(&ours), random: mean(&random), interval, random_scenes })
}

/// The programs that are asked about scenes.
struct Asking {
    caption: Option<Program>,
    score: Option<Program>,
    answers: Option<Answers>,
    paths: HashMap<String, String>,
}

impl Asking {
    fn open(a: &Arguments, journal: &Path, inputs: &[Input]) -> Result<Asking> {
        let program = |command: &Option<String>| {
            command.as_ref().map(|command| Program {
                command: command.clone(),
                timeout: Duration::from_secs(a.timeout),
                retries: a.retries,
            })
        };
        let (caption, score) = (program(&a.caption_cmd), program(&a.score_cmd));
        let asks = caption.is_some() || score.is_some();
        let answers = asks.then(|| Answers::open(journal)).transpose().map_err(failure)?;
        let paths = inputs.iter().map(|input| (input.name.clone(), input.path.clone())).collect();
        Ok(Asking { caption, score, answers, paths })
    }

    fn ask(
        &mut self,
        program: &Program,
        scene: &Scene,
        caption: &str,
    ) -> Result<std::result::Result<String, String>> {
        let Some(answers) = &mut self.answers else { return Ok(Err("nobody was asked".to_owned())) };
        let path = self.paths.get(&scene.clip).map_or("", String::as_str);
        answers.ask(program, &Question { scene, path, caption }).map_err(failure)
    }

    /// What `--score-cmd` says of a scene.
    fn score(&mut self, scene: &Scene, caption: &str) -> Result<std::result::Result<f64, String>> {
        let Some(program) = self.score.clone() else { return Ok(Err("nobody was asked".to_owned())) };
        let said = self.ask(&program, scene, caption)?;
        Ok(said.and_then(|said| match said.parse() {
            Ok(score) if f64::is_finite(score) => Ok(score),
            _ => Err(format!("its answer is not a number: {said:?}")),
        }))
    }

    /// All that programs say of a candidate.
    fn about(&mut self, candidate: &Candidate, scene: &Scene) -> Result<Picked> {
        let mut errors = Vec::new();
        let mut caption = None;
        if let Some(program) = self.caption.clone() {
            match self.ask(&program, scene, "")? {
                Ok(said) => caption = Some(said),
                Err(reason) => errors.push(format!("--caption-cmd: {reason}")),
            }
        }
        let mut judged = None;
        if self.score.is_some() {
            match self.score(scene, caption.as_deref().unwrap_or_default())? {
                Ok(score) => judged = Some(score),
                Err(reason) => errors.push(format!("--score-cmd: {reason}")),
            }
        }
        Ok(Picked { id: scene.id(), score: candidate.score, scene: scene.clone(), caption, judged, errors })
    }
}

/// Writes JSON.
fn save(path: &Path, value: &impl Serialize, overwrite: bool) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Other(error.into()))?;
    Ok(AtomicFile::write(path, text.as_bytes(), overwrite)?)
}

fn failure(error: vcn_curate::Error) -> Failure {
    use vcn_curate::Error;
    match error {
        Error::Labels { .. } | Error::Line { .. } => Failure::Usage(error.to_string()),
        Error::Media(error) => Failure::Media(error),
        other => Failure::Other(other.into()),
    }
}
