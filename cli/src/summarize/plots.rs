//! Scores over time, and how a reward came to be.

use vcn_eval::plot::{Chart, Scale, Series, Stroke};

/// A score over time, and what else is to be seen beside it.
pub struct Scores<'a> {
    /// What is shown.
    pub title: String,
    /// The unit of time.
    pub time: &'static str,
    /// A time and a score for each picture.
    pub scores: Vec<(f64, f64)>,
    /// Keyframes.
    pub keyframes: Vec<(f64, f64)>,
    /// From where to where shots were taken.
    pub taken: Vec<[f64; 2]>,
    /// What people think of each picture.
    pub opinions: Vec<(f64, f64)>,
    /// What the scores are called.
    pub name: &'a str,
}

/// Draws scores.
pub fn scores(shown: Scores) -> Chart {
    // A point that is no number interrupts the line between two shots.
    let gap = (f64::NAN, f64::NAN);
    let taken = shown.taken.iter().flat_map(|[from, to]| [(*from, -0.05), (*to, -0.05), gap]).collect();
    let keyframes = shown.keyframes.into_iter().flat_map(|keyframe| [keyframe, gap]).collect();
    let all = [
        ("keyframes", keyframes, Stroke::Dashed, 1),
        (shown.name, shown.scores, Stroke::Line, 0),
        ("people", shown.opinions, Stroke::Line, 2),
        ("in the summary", taken, Stroke::Line, 3),
    ];
    let series = all.into_iter().filter(|(_, points, ..)| !points.is_empty());
    chart(shown.title, shown.time, "score", series)
}

/// Draws rewards.
pub fn reward(title: &str, x_title: &str, rewards: Vec<(&str, Vec<f64>)>) -> Chart {
    let series = rewards.into_iter().enumerate().map(|(look, (name, rewards))| {
        let points = rewards.iter().enumerate().map(|(step, reward)| (step as f64 + 1.0, *reward)).collect();
        (name, points, Stroke::Line, look)
    });
    chart(title.to_owned(), x_title, "reward", series)
}

fn chart<'a>(
    title: String,
    x_title: &str,
    y_title: &str,
    series: impl Iterator<Item = (&'a str, Vec<(f64, f64)>, Stroke, usize)>,
) -> Chart {
    let series =
        series.map(|(name, points, stroke, look)| Series { name: name.to_owned(), points, stroke, look });
    Chart {
        title,
        x_title: x_title.to_owned(),
        y_title: y_title.to_owned(),
        x_scale: Scale::Linear,
        y_scale: Scale::Linear,
        x_range: None,
        y_range: None,
        series: series.collect(),
    }
}
