//! Density-based clustering (Ester et al. 1996) of videos by how far apart they are.

use linfa::traits::Transformer;
use linfa_clustering::Dbscan;
use linfa_nn::{LinearSearch, distance::Distance};
use ndarray::{Array2, ArrayView, Dimension};

use crate::error::{Error, Result};

/// Distances between videos, from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Distances {
    count: usize,
    values: Vec<f32>,
}

impl Distances {
    /// As many videos, all far from each other.
    pub fn new(count: usize) -> Distances {
        let mut values = vec![1.0; count * count];
        (0..count).for_each(|at| values[at * count + at] = 0.0);
        Distances { count, values }
    }

    /// The distance of two videos.
    pub fn of(&self, a: usize, b: usize) -> f32 {
        self.values.get(a * self.count + b).copied().unwrap_or(1.0)
    }

    /// Says that two videos are this near to each other, unless they are known to be nearer.
    pub fn set(&mut self, a: usize, b: usize, distance: f32) {
        for (a, b) in [(a, b), (b, a)] {
            let value = &mut self.values[a * self.count + b];
            *value = value.min(distance);
        }
    }

    /// The cluster of each video, or none: those within `eps` of one another, around videos that have `min_samples` of
    /// them, themselves included.
    ///
    /// # Errors
    /// Parameters that make no sense.
    pub fn clusters(&self, eps: f32, min_samples: usize) -> Result<Vec<Option<usize>>> {
        // The points are the videos' numbers; what is between them is looked up.
        let points = Array2::from_shape_fn((self.count, 1), |(at, _)| at as f64);
        Dbscan::params_with(min_samples, self.clone(), LinearSearch)
            // What is as far as `eps` belongs to it.
            .tolerance(f64::from(eps) + 1e-6)
            .transform(&points)
            .map(|clusters| clusters.to_vec())
            .map_err(|error| Error::Clustering(format!("--eps {eps} --min-samples {min_samples}: {error}")))
    }
}

impl Distance<f64> for Distances {
    fn distance<D: Dimension>(&self, a: ArrayView<'_, f64, D>, b: ArrayView<'_, f64, D>) -> f64 {
        let index = |point: ArrayView<'_, f64, D>| point.first().map_or(0, |at| *at as usize);
        f64::from(self.of(index(a), index(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_one_cluster_and_loners_are_none() {
        let mut distances = Distances::new(5);
        distances.set(0, 1, 0.2);
        distances.set(1, 2, 0.3);
        distances.set(3, 4, 0.31);
        let clusters = distances.clusters(0.3, 2).unwrap();
        assert!(clusters[0].is_some() && clusters[0] == clusters[1] && clusters[1] == clusters[2]);
        assert_eq!(clusters[3..], [None, None]);
        assert!(distances.clusters(0.0, 2).is_ok());
    }
}
