//! Vectors in cells, so that a search need not look at all of them.
//!
//! Some of the vectors are taken as centres, and each vector belongs to the cell of the centre that it is most alike. A
//! search looks into the cells of the few centres that a query is most alike. What is quite alike is nearly always in one
//! of these; what is only just alike may be missed, so that this nominates pairs of videos, any of whose frames may do,
//! and never decides.

use crate::scan::{Vectors, inner};

/// With fewer vectors than this a search looks at all.
const FEW: usize = 2048;

/// Cells that a search looks into.
const PROBES: usize = 16;

/// A division of vectors into cells.
pub(crate) struct Cells {
    length: usize,
    /// The centres, one after the other, in 16 bits.
    centres: Vec<i16>,
    /// The vectors of each cell, by their place.
    members: Vec<Vec<u32>>,
}

impl Cells {
    /// Divides vectors; `None` if there are so few that it is not worth it.
    pub fn of(vectors: &Vectors) -> Option<Cells> {
        let (count, length) = (vectors.len(), vectors.length());
        if count < FEW {
            return None;
        }
        // As much work for the centres as for the cells.
        let cells = ((count * PROBES) as f64).sqrt() as usize;
        // Any vectors do; neighbours in the store are often of one video, so they are taken from all over it.
        let centres = (0..cells).flat_map(|cell| wide(vectors.get(cell * count / cells))).collect();
        let mut divided = Cells { length, centres, members: vec![Vec::new(); cells] };
        for place in 0..count {
            let [(_, cell)] = divided.nearest::<1>(&wide(vectors.get(place)));
            divided.members[cell].push(place as u32);
        }
        Some(divided)
    }

    /// The vectors in the cells nearest to a query, by their place, and their inner product with it.
    pub fn near(&self, vectors: &Vectors, query: &[i8], mut each: impl FnMut(usize, i32)) {
        let query = wide(query);
        if query.len() != self.length {
            return;
        }
        for (_, cell) in self.nearest::<PROBES>(&query) {
            for place in &self.members[cell] {
                let place = *place as usize;
                each(place, inner(&query, vectors.get(place)));
            }
        }
    }

    /// The centres that a query is most alike, with their inner products.
    fn nearest<const N: usize>(&self, query: &[i16]) -> [(i32, usize); N] {
        let mut best = [(i32::MIN, 0); N];
        for (cell, centre) in self.centres.chunks_exact(self.length).enumerate() {
            let alike = inner(query, centre);
            if alike > best[N - 1].0 {
                let at = best.partition_point(|(other, _)| *other >= alike);
                best[at..].rotate_right(1);
                best[at] = (alike, cell);
            }
        }
        best
    }
}

/// A vector in 16 bits: products of these are what processors add up quickest.
fn wide(vector: &[i8]) -> Vec<i16> {
    vector.iter().map(|number| i16::from(*number)).collect()
}
