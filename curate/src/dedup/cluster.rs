//! Density-based clustering (Ester et al. 1996) of videos by how far apart they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use linfa::Float;
use linfa::traits::Transformer;
use linfa_clustering::Dbscan;
use linfa_nn::distance::{Distance, L2Dist};
use linfa_nn::{BuildError, NearestNeighbour, NearestNeighbourIndex, NnError};
use ndarray::{Array2, ArrayBase, ArrayView1, ArrayView2, Data, Ix2};

use crate::error::{Error, Result};

/// Distances between videos, from 0 to 1, of those that are less than 1 apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distances {
    near: Vec<BTreeMap<usize, f32>>,
}

impl Distances {
    /// As many videos, all far from each other.
    pub fn new(count: usize) -> Distances {
        Distances { near: vec![BTreeMap::new(); count] }
    }

    /// The distance of two videos.
    pub fn of(&self, a: usize, b: usize) -> f32 {
        if a == b { 0.0 } else { self.near.get(a).and_then(|near| near.get(&b)).copied().unwrap_or(1.0) }
    }

    /// Says that two videos are this near to each other, unless they are known to be nearer.
    pub fn set(&mut self, a: usize, b: usize, distance: f32) {
        for (a, b) in [(a, b), (b, a)] {
            let value = self.near[a].entry(b).or_insert(1.0);
            *value = value.min(distance);
        }
    }

    /// The cluster of each video, or none: those within `eps` of one another, around videos that have `min_samples` of
    /// them, themselves included.
    ///
    /// # Errors
    /// Parameters that make no sense.
    pub fn clusters(&self, eps: f32, min_samples: usize) -> Result<Vec<Option<usize>>> {
        // The points are the videos' numbers: which of them are near each other is known.
        let points = Array2::from_shape_fn((self.near.len(), 1), |(at, _)| at as f64);
        Dbscan::params_with(min_samples, L2Dist, Known(Arc::new(self.clone())))
            // What is as far as `eps` belongs to it.
            .tolerance(f64::from(eps) + 1e-6)
            .transform(&points)
            .map(|clusters| clusters.to_vec())
            .map_err(|error| Error::Clustering(format!("--eps {eps} --min-samples {min_samples}: {error}")))
    }
}

/// Neighbours that need not be searched for.
#[derive(Debug)]
struct Known(Arc<Distances>);

struct Neighbours<'a, F> {
    points: ArrayView2<'a, F>,
    distances: Arc<Distances>,
}

impl NearestNeighbour for Known {
    fn from_batch_with_leaf_size<'a, F: Float, DT: Data<Elem = F>, D: 'a + Distance<F>>(
        &self,
        batch: &'a ArrayBase<DT, Ix2>,
        _leaf_size: usize,
        _distance: D,
    ) -> std::result::Result<Box<dyn 'a + Send + Sync + NearestNeighbourIndex<F>>, BuildError> {
        Ok(Box::new(Neighbours { points: batch.view(), distances: Arc::clone(&self.0) }))
    }
}

impl<F: Float> NearestNeighbourIndex<F> for Neighbours<'_, F> {
    fn k_nearest(
        &self,
        point: ArrayView1<'_, F>,
        k: usize,
    ) -> std::result::Result<Vec<(ArrayView1<'_, F>, usize)>, NnError> {
        let mut near = self.within_range(point, F::infinity())?;
        near.truncate(k);
        Ok(near)
    }

    /// The nearest first.
    fn within_range(
        &self,
        point: ArrayView1<'_, F>,
        range: F,
    ) -> std::result::Result<Vec<(ArrayView1<'_, F>, usize)>, NnError> {
        let at = point.first().and_then(|at| at.to_usize()).ok_or(NnError::WrongDimension)?;
        let near = self.distances.near.get(at).ok_or(NnError::WrongDimension)?;
        let within = near.iter().filter(|(_, distance)| F::cast(**distance) < range);
        let mut found: Vec<(f32, usize)> = within.map(|(other, distance)| (*distance, *other)).collect();
        found.push((0.0, at));
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(found.into_iter().map(|(_, other)| (self.points.row(other), other)).collect())
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
        assert_eq!(distances.clusters(0.29, 3).unwrap(), [None; 5]);
        assert!(distances.clusters(-1.0, 2).is_err());
    }
}
