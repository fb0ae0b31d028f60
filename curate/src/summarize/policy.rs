//! A small policy that is trained with the paper's reward: each picture is taken with a probability, which is the logistic
//! of a weighted sum of what it looks like and of what is around it. REINFORCE (Williams 1992) makes selections that were
//! rewarded more than usual more probable.

use super::space::Space;

/// Pictures before and after one that count as around it.
const AROUND: usize = 5;

/// How a policy is trained; the defaults are those of the paper where it has them.
#[derive(Clone, Copy, Debug)]
pub struct Training {
    /// Passes over all videos.
    pub epochs: usize,
    /// Selections that are drawn of a video in each pass.
    pub episodes: usize,
    /// The step of Adam. The paper's 1e-5 is for a network of a million weights.
    pub rate: f32,
    /// The share of pictures that should be taken, and how much that counts.
    pub share: f32,
    /// Weight of the squared difference from that share.
    pub share_weight: f32,
    /// Seed of the selections.
    pub seed: u64,
}

impl Default for Training {
    fn default() -> Training {
        Training { epochs: 60, episodes: 5, rate: 0.01, share: 0.5, share_weight: 0.01, seed: 1 }
    }
}

/// What became of an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// The mean reward of each video.
    pub rewards: Vec<f32>,
}

/// The weights.
#[derive(Clone, Debug)]
pub struct Policy {
    weights: Vec<f32>,
}

impl Policy {
    /// Learns from videos, each of which has features for its pictures, all of the same length. Nobody needs to have
    /// summarised them. `seen` is called after each epoch.
    pub fn train(
        videos: &[(Vec<Vec<f32>>, Space)],
        training: &Training,
        mut seen: impl FnMut(&Episode),
    ) -> Policy {
        let inputs: Vec<Vec<Vec<f32>>> = videos.iter().map(|(features, _)| inputs(features)).collect();
        let length = inputs.iter().flatten().map(Vec::len).next().unwrap_or_default();
        let mut policy = Policy { weights: vec![0.0; length] };
        let mut adam = Adam::new(length, training.rate);
        let mut random = fastrand::Rng::with_seed(training.seed);
        // What a selection by tossing coins earns.
        let mut usual: Vec<f32> =
            videos.iter().map(|(_, space)| tossed(space, training.episodes, &mut random)).collect();
        let mut order: Vec<usize> = (0..videos.len()).collect();
        for _ in 0..training.epochs {
            random.shuffle(&mut order);
            let mut rewards = vec![0.0; videos.len()];
            for &at in &order {
                let (inputs, space) = (&inputs[at], &videos[at].1);
                let probabilities = policy.of(inputs);
                // The derivative of the loss by the logit of each picture.
                let mean = probabilities.iter().sum::<f32>() / probabilities.len().max(1) as f32;
                let pull =
                    2.0 * training.share_weight * (mean - training.share) / probabilities.len().max(1) as f32;
                let mut slopes: Vec<f32> = probabilities.iter().map(|p| pull * p * (1.0 - p)).collect();
                for _ in 0..training.episodes {
                    let taken: Vec<bool> = probabilities.iter().map(|p| random.f32() < *p).collect();
                    let selected: Vec<usize> = (0..taken.len()).filter(|t| taken[*t]).collect();
                    let reward = space.reward(&selected);
                    rewards[at] += reward / training.episodes as f32;
                    let advantage = (reward - usual[at]) / (training.episodes * taken.len().max(1)) as f32;
                    for ((slope, p), taken) in slopes.iter_mut().zip(&probabilities).zip(&taken) {
                        *slope -= advantage * (f32::from(u8::from(*taken)) - p);
                    }
                }
                usual[at] += 0.1 * (rewards[at] - usual[at]);
                let mut gradient = vec![0.0; length];
                for (input, slope) in inputs.iter().zip(&slopes) {
                    gradient.iter_mut().zip(input).for_each(|(sum, value)| *sum += slope * value);
                }
                adam.step(&mut policy.weights, &gradient);
            }
            seen(&Episode { rewards });
        }
        policy
    }

    /// How probable it is that each picture of a video is taken.
    pub fn scores(&self, features: &[Vec<f32>]) -> Vec<f32> {
        self.of(&inputs(features))
    }

    fn of(&self, inputs: &[Vec<f32>]) -> Vec<f32> {
        let logistic = |input: &Vec<f32>| {
            let sum: f32 = input.iter().zip(&self.weights).map(|(value, weight)| value * weight).sum();
            1.0 / (1.0 + (-sum).exp())
        };
        inputs.iter().map(logistic).collect()
    }
}

/// The mean reward of so many selections that take each picture or not with the same probability.
fn tossed(space: &Space, count: usize, random: &mut fastrand::Rng) -> f32 {
    let mut reward = || space.reward(&(0..space.len()).filter(|_| random.bool()).collect::<Vec<_>>());
    (0..count).map(|_| reward()).sum::<f32>() / count.max(1) as f32
}

/// What the policy sees of each picture: its direction, how that differs from those around it, and 1.
fn inputs(features: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let direction = |feature: &Vec<f32>| {
        let length = feature.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        feature.iter().map(|value| value / length).collect::<Vec<f32>>()
    };
    let directions: Vec<Vec<f32>> = features.iter().map(direction).collect();
    let input = |(t, own): (usize, &Vec<f32>)| {
        let around = &directions[t.saturating_sub(AROUND)..(t + AROUND + 1).min(directions.len())];
        let mean = |k: usize| around.iter().map(|other| other[k]).sum::<f32>() / around.len() as f32;
        let differences: Vec<f32> = own.iter().enumerate().map(|(k, value)| value - mean(k)).collect();
        let apart = differences.iter().map(|value| value * value).sum::<f32>().sqrt();
        own.iter().copied().chain(differences).chain([apart, 1.0]).collect()
    };
    directions.iter().enumerate().map(input).collect()
}

/// Kingma and Ba (2015).
struct Adam {
    rate: f32,
    steps: i32,
    means: Vec<f32>,
    squares: Vec<f32>,
}

impl Adam {
    fn new(length: usize, rate: f32) -> Adam {
        Adam { rate, steps: 0, means: vec![0.0; length], squares: vec![0.0; length] }
    }

    fn step(&mut self, weights: &mut [f32], gradient: &[f32]) {
        const KEEP: [f32; 2] = [0.9, 0.999];
        self.steps += 1;
        let whole = KEEP.map(|keep| 1.0 - keep.powi(self.steps));
        for (k, slope) in gradient.iter().enumerate() {
            self.means[k] = KEEP[0] * self.means[k] + (1.0 - KEEP[0]) * slope;
            self.squares[k] = KEEP[1] * self.squares[k] + (1.0 - KEEP[1]) * slope * slope;
            let (mean, square) = (self.means[k] / whole[0], self.squares[k] / whole[1]);
            weights[k] -= self.rate * mean / (square.sqrt() + 1e-8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A long still shot among short ones: what is rewarded is to leave most of it out.
    #[test]
    fn training_earns_reward() {
        let feature = |t: usize| -> Vec<f32> {
            let shot = if t < 60 { 0 } else { 1 + (t - 60) / 5 };
            (0..12).map(|k| if k == shot { 1.0 } else { 0.001 * ((t * 7 + k * 3) % 5) as f32 }).collect()
        };
        let features: Vec<Vec<f32>> = (0..100).map(feature).collect();
        let videos = [(features.clone(), Space::new(&features))];
        let mut rewards = Vec::new();
        let training = Training { epochs: 400, ..Training::default() };
        let policy = Policy::train(&videos, &training, |episode| rewards.push(episode.rewards[0]));
        let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
        assert!(mean(&rewards[300..]) > mean(&rewards[..50]) + 0.01, "{rewards:?}");
        let scores = policy.scores(&features);
        assert!(mean(&scores[10..50]) < mean(&scores[60..]));
    }
}
