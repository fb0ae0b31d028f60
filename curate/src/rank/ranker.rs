//! What people like, learned from labels and judged on clips that were held out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::{chance, labels::Label, metrics::Metrics, scenes::Scene, threshold::Threshold, trees::Trees};
use crate::error::{Error, Result};

/// Parts of the groups, each of which is held out once.
const FOLDS: usize = 5;
const VERSION: u32 = 2;

/// How well a ranker does on scenes of groups that it has not seen: every label is judged by trees that were grown
/// without its fold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Scenes that were judged.
    pub scenes: usize,
    /// Groups that they are of.
    pub groups: usize,
    /// Share that was judged right.
    pub accuracy: f64,
    /// Its 95 % confidence interval (Wilson 1927), as if each group were a single observation: scenes of a group may
    /// stand and fall together.
    pub interval: [f64; 2],
    /// The share that always giving the more frequent answer would judge right.
    pub baseline: f64,
    /// The share that the best threshold on a single metric judges right, which is chosen without the fold, too.
    pub threshold: f64,
    /// The 95 % confidence interval of how much more the trees judge right than that, by resampling groups (Efron 1979).
    pub beyond_threshold: [f64; 2],
    /// How likely a wanted scene is scored higher than an unwanted one (the area under the ROC curve).
    pub auc: f64,
}

/// A trained ranker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranker {
    version: u32,
    metrics: Vec<String>,
    /// How well it does.
    pub held_out: HeldOut,
    #[serde(flatten)]
    trees: Trees,
}

impl Ranker {
    /// Learns from the scenes that have labels. Also gives what each of these was scored while it was held out, by its
    /// id.
    ///
    /// # Errors
    /// [`Error::Labels`] if there are too few of them, or all are the same.
    pub fn train(scenes: &[Scene], labels: &[Label]) -> Result<(Ranker, HashMap<String, f64>)> {
        let by_id: HashMap<&str, &Label> = labels.iter().map(|label| (label.scene.as_str(), label)).collect();
        let labelled: Vec<(&Scene, &Label)> =
            scenes.iter().filter_map(|scene| Some((scene, *by_id.get(scene.id().as_str())?))).collect();
        let fold = folds(&labelled);
        let groups = fold.values().collect::<BTreeSet<_>>().len();
        let wanted = labelled.iter().filter(|(_, label)| label.wanted).count();
        let unfit =
            Error::Labels { labels: labels.len(), scenes: labelled.len(), wanted, groups, least: FOLDS };
        if wanted == 0 || wanted == labelled.len() || groups < FOLDS {
            return Err(unfit);
        }
        let fold_of = |scene: &Scene| fold.get(scene.clip.as_str()).map_or(0, |group| group % FOLDS);
        let (mut held, mut judged) = (HashMap::new(), Vec::new());
        for part in 0..FOLDS {
            let (test, train): (Vec<_>, Vec<_>) =
                labelled.iter().copied().partition(|(scene, _)| fold_of(scene) == part);
            let train = examples(&train);
            let (trees, threshold) = (Trees::fit(&train)?, Threshold::fit(&train));
            for (scene, label) in test {
                let score = trees.score(&scene.metrics);
                held.insert(scene.id(), score);
                judged.push(Judged {
                    group: fold[scene.clip.as_str()],
                    wanted: label.wanted,
                    score,
                    by_threshold: threshold.wants(&scene.metrics),
                });
            }
        }
        let ranker = Ranker {
            version: VERSION,
            metrics: Metrics::NAMES.map(str::to_owned).to_vec(),
            held_out: held_out(&judged, groups),
            trees: Trees::fit(&examples(&labelled))?,
        };
        Ok((ranker, held))
    }

    /// How likely a scene is wanted, from 0 to 1.
    pub fn score(&self, metrics: &Metrics) -> f64 {
        self.trees.score(metrics)
    }

    /// Reads what was saved as JSON.
    ///
    /// # Errors
    /// [`Error::Ranker`].
    pub fn from_json(text: &str) -> Result<Ranker> {
        let ranker: Ranker = serde_json::from_str(text)
            .map_err(|error| Error::Ranker { reason: format!("is not one of vcn rank: {error}") })?;
        if ranker.version != VERSION || ranker.metrics != Metrics::NAMES {
            let reason = format!("is of version {} or of other metrics: train it again", ranker.version);
            return Err(Error::Ranker { reason });
        }
        let trees = ranker.trees.clone().checked()?;
        Ok(Ranker { trees, ..ranker })
    }
}

fn examples(labelled: &[(&Scene, &Label)]) -> Vec<(Metrics, bool)> {
    labelled.iter().map(|(scene, label)| (scene.metrics, label.wanted)).collect()
}

/// The number of each clip's group. Groups that share a clip are one.
fn folds<'a>(labelled: &[(&'a Scene, &'a Label)]) -> BTreeMap<&'a str, usize> {
    let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (scene, label) in labelled {
        let group = label.group.as_deref().unwrap_or(&scene.clip);
        groups.entry(group).or_default().insert(&scene.clip);
    }
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut next = 0;
    for clips in groups.values() {
        let known: BTreeSet<usize> = clips.iter().filter_map(|clip| numbers.get(clip).copied()).collect();
        let number = known.first().copied().unwrap_or(next);
        next += usize::from(known.is_empty());
        numbers.values_mut().filter(|other| known.contains(other)).for_each(|other| *other = number);
        numbers.extend(clips.iter().map(|clip| (*clip, number)));
    }
    numbers
}

/// A scene that was judged while its group was held out.
struct Judged {
    group: usize,
    wanted: bool,
    /// By trees.
    score: f64,
    /// By a threshold.
    by_threshold: bool,
}

fn held_out(judged: &[Judged], groups: usize) -> HeldOut {
    let share = |count: usize| count as f64 / judged.len() as f64;
    let by_trees = |scene: &Judged| (scene.score >= 0.5) == scene.wanted;
    let by_threshold = |scene: &Judged| scene.by_threshold == scene.wanted;
    let wanted = judged.iter().filter(|scene| scene.wanted).count();
    let accuracy = share(judged.iter().filter(|scene| by_trees(scene)).count());
    // Of each group, how many scenes more the trees judge right, and how many there are.
    let mut more: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for scene in judged {
        let (right, count) = more.entry(scene.group).or_default();
        *right += f64::from(u8::from(by_trees(scene))) - f64::from(u8::from(by_threshold(scene)));
        *count += 1.0;
    }
    HeldOut {
        scenes: judged.len(),
        groups,
        accuracy,
        interval: wilson(accuracy, groups),
        baseline: share(wanted.max(judged.len() - wanted)),
        threshold: share(judged.iter().filter(|scene| by_threshold(scene)).count()),
        beyond_threshold: chance::ratio(&more.into_values().collect::<Vec<_>>()),
        auc: auc(judged),
    }
}

/// The interval in which a share of so many observations lies with 95 % confidence.
fn wilson(share: f64, count: usize) -> [f64; 2] {
    const Z: f64 = 1.959_964;
    let n = count as f64;
    let centre = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    [((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)]
}

fn auc(judged: &[Judged]) -> f64 {
    let (wanted, others): (Vec<&Judged>, Vec<&Judged>) = judged.iter().partition(|scene| scene.wanted);
    let pairs = wanted.iter().flat_map(|a| others.iter().map(move |b| (a.score, b.score)));
    let worth = |(a, b): (f64, f64)| if a == b { 0.5 } else { f64::from(u8::from(a > b)) };
    pairs.map(worth).sum::<f64>() / (wanted.len() * others.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(clip: u32, scene: u32, motion: f64) -> Scene {
        let metrics = Metrics { mean_motion: motion, frames: 10.0, ..Metrics::default() };
        Scene { clip: format!("clip{clip}"), scene, from: 0, to: 10, start: 0.0, end: 1.0, metrics }
    }

    fn labels(
        scenes: &[Scene],
        wanted: impl Fn(usize, &Scene) -> bool,
        group: impl Fn(&Scene) -> Option<String>,
    ) -> Vec<Label> {
        let label = |(at, scene): (usize, &Scene)| Label {
            scene: scene.id(),
            wanted: wanted(at, scene),
            group: group(scene),
        };
        scenes.iter().enumerate().map(label).collect()
    }

    #[test]
    fn learns_what_labels_say_and_nothing_where_they_say_nothing() {
        let scenes: Vec<Scene> = (0..60)
            .flat_map(|clip| {
                [scene(clip, 0, f64::from(clip * 7 % 13)), scene(clip, 1, f64::from(clip * 5 % 11))]
            })
            .collect();
        let truth = labels(&scenes, |_, scene| scene.metrics.mean_motion > 5.0, |_| None);
        let (ranker, held) = Ranker::train(&scenes, &truth).unwrap();
        let found = ranker.held_out;
        assert!(found.threshold > 0.95 && found.beyond_threshold[1] < 0.05, "{found:?}");
        assert!(found.accuracy > 0.95 && found.auc > 0.95 && found.interval[0] > found.baseline, "{found:?}");
        assert_eq!((found.scenes, found.groups, held.len()), (120, 60, 120));
        let again = Ranker::from_json(&serde_json::to_string(&ranker).unwrap()).unwrap();
        assert_eq!(again, ranker);
        assert!(again.score(&scenes[1].metrics) < 0.1);

        let mut random = fastrand::Rng::with_seed(5);
        let coins: Vec<bool> = scenes.iter().map(|_| random.bool()).collect();
        let noise = labels(&scenes, |at, _| coins[at], |_| None);
        let found = Ranker::train(&scenes, &noise).unwrap().0.held_out;
        assert!(found.interval[0] <= found.baseline, "{found:?}");
        assert!(matches!(Ranker::train(&scenes, &truth[..1]), Err(Error::Labels { .. })));
    }

    /// Scenes that measure alike because they are of one film would be recognised rather than judged.
    #[test]
    fn a_group_is_held_out_whole() {
        // Ten films of eight clips.
        let film = |scene: &Scene| scene.clip[4..].parse::<usize>().unwrap() / 8;
        let scenes: Vec<Scene> = (0..80).map(|clip| scene(clip, 0, f64::from(clip / 8 * 37 % 101))).collect();
        let liked = [true, false, false, true, false, true, true, false, true, false];
        let chance = |_: usize, scene: &Scene| liked[film(scene)];
        let leaking = Ranker::train(&scenes, &labels(&scenes, chance, |_| None)).unwrap().0.held_out;
        let group = |scene: &Scene| Some(film(scene).to_string());
        let honest = Ranker::train(&scenes, &labels(&scenes, chance, group)).unwrap().0.held_out;
        assert_eq!((leaking.groups, honest.groups), (80, 10));
        assert!(honest.accuracy + 0.1 < leaking.accuracy, "{honest:?} {leaking:?}");
    }

    #[test]
    fn wilson_intervals() {
        let [low, high] = wilson(0.8, 10);
        assert!((low - 0.4902).abs() < 1e-3 && (high - 0.9433).abs() < 1e-3, "{low} {high}");
    }
}
