//! How far apart pictures are, and what that makes of a selection of them.

/// Samples beyond which two pictures count as different whatever they show: the story went on (lambda in the paper).
pub const NEAR: usize = 20;

/// The pictures of a video as directions.
#[derive(Clone, Debug)]
pub struct Space {
    count: usize,
    cosines: Vec<f32>,
}

impl Space {
    /// A space of these features, one of equal length for each picture. Only their directions count; pictures without one
    /// are alike.
    pub fn new(features: &[Vec<f32>]) -> Space {
        let directions: Vec<Vec<f32>> = features
            .iter()
            .map(|feature| {
                let length =
                    feature.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
                feature.iter().map(|value| value / length).collect()
            })
            .collect();
        let count = directions.len();
        let mut cosines = vec![1.0; count * count];
        for i in 0..count {
            for j in 0..i {
                let (a, b) = (&directions[i], &directions[j]);
                let nothing = |direction: &[f32]| direction.iter().all(|value| *value == 0.0);
                let cosine = match nothing(a) && nothing(b) {
                    true => 1.0,
                    false => a.iter().zip(b).map(|(a, b)| a * b).sum(),
                };
                cosines[i * count + j] = cosine;
                cosines[j * count + i] = cosine;
            }
        }
        Space { count, cosines }
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How alike two pictures look.
    pub fn cosine(&self, a: usize, b: usize) -> f32 {
        self.cosines[a * self.count + b]
    }

    /// How much two pictures differ, from 0 to 1: 1 if they are far apart in time. Opposite directions differ no more than
    /// those that have nothing in common, or else keyframes would crowd where pictures are opposite and near.
    pub fn difference(&self, a: usize, b: usize) -> f32 {
        if a.abs_diff(b) > NEAR { 1.0 } else { (1.0 - self.cosine(a, b)).clamp(0.0, 1.0) }
    }

    /// The distance of two directions.
    pub fn distance(&self, a: usize, b: usize) -> f32 {
        (2.0 - 2.0 * self.cosine(a, b)).max(0.0).sqrt()
    }

    /// The reward of a selection without repetitions: the mean of its diversity and its representativeness, each from 0 to
    /// 1. 0 for an empty one.
    pub fn reward(&self, selected: &[usize]) -> f32 {
        let nearest = (0..self.count).map(|picture| self.nearest(picture, selected)).sum();
        match selected.is_empty() {
            true => 0.0,
            false => self.rate(selected.len(), self.pairs(selected), nearest),
        }
    }

    /// The sum of the differences of all pairs of a selection.
    pub(super) fn pairs(&self, selected: &[usize]) -> f32 {
        let before =
            |(k, a): (usize, &usize)| -> f32 { selected[..k].iter().map(|b| self.difference(*a, *b)).sum() };
        selected.iter().enumerate().map(before).sum()
    }

    /// The distance of a picture to the nearest of a selection.
    pub(super) fn nearest(&self, picture: usize, selected: &[usize]) -> f32 {
        selected.iter().map(|s| self.distance(picture, *s)).fold(f32::INFINITY, f32::min)
    }

    /// The reward of so many pictures, from the sum of the differences of their pairs and the sum of the distances of all
    /// pictures to the nearest of them.
    pub(super) fn rate(&self, selected: usize, pairs: f32, nearest: f32) -> f32 {
        let diversity = if selected < 2 { 0.0 } else { 2.0 * pairs / (selected * (selected - 1)) as f32 };
        let representativeness = (-nearest / self.count as f32).exp();
        (diversity + representativeness) / 2.0
    }
}
