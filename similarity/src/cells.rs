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

/// Vectors that look for their centres together, so that each centre is fetched once for all of them.
const TOGETHER: usize = 16;

/// A division of vectors into cells.
pub(crate) struct Cells {
    length: usize,
    /// The centres, one after the other, in 16 bits.
    centres: Vec<i16>,
    /// Where each cell starts among the members, and where the last one ends.
    starts: Vec<usize>,
    /// The members of all cells, cell by cell: their places,
    places: Vec<u32>,
    /// and once more their numbers, so that a cell is read in one go.
    numbers: Vec<i8>,
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
        let mut divided =
            Cells { length, centres, starts: Vec::new(), places: Vec::new(), numbers: Vec::new() };
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); cells];
        for first in (0..count).step_by(TOGETHER) {
            let places = first..count.min(first + TOGETHER);
            let sought: Vec<i16> = places.clone().flat_map(|place| wide(vectors.get(place))).collect();
            for (place, [(_, cell)]) in places.zip(divided.nearest::<1>(&sought)) {
                members[cell].push(place as u32);
            }
        }
        divided.numbers.reserve_exact(count * length);
        divided.places.reserve_exact(count);
        for cell in members {
            divided.starts.push(divided.places.len());
            divided.numbers.extend(cell.iter().flat_map(|place| vectors.get(*place as usize)));
            divided.places.extend(cell);
        }
        divided.starts.push(count);
        Some(divided)
    }

    /// Calls `each` with queries, by their index, with vectors in the cells nearest to them, by their place, and with the
    /// inner product of the two. Queries of another length have none.
    pub fn near(&self, queries: &[&[i8]], mut each: impl FnMut(usize, usize, i32)) {
        let queries: Vec<(usize, Vec<i16>)> = (0..)
            .zip(queries)
            .filter(|(_, query)| query.len() == self.length)
            .map(|(index, query)| (index, wide(query)))
            .collect();
        for queries in queries.chunks(TOGETHER) {
            let sought: Vec<i16> = queries.iter().flat_map(|(_, query)| query).copied().collect();
            for ((index, query), nearest) in queries.iter().zip(self.nearest::<PROBES>(&sought)) {
                for (_, cell) in nearest {
                    let members = self.starts[cell]..self.starts[cell + 1];
                    let numbers = &self.numbers[members.start * self.length..members.end * self.length];
                    for (place, vector) in self.places[members].iter().zip(numbers.chunks_exact(self.length))
                    {
                        each(*index, *place as usize, inner(query, vector));
                    }
                }
            }
        }
    }

    /// For each of the queries, which are one after the other, the centres that it is most alike, with their inner products.
    fn nearest<const N: usize>(&self, queries: &[i16]) -> Vec<[(i32, usize); N]> {
        let mut nearest = vec![[(i32::MIN, 0); N]; queries.len() / self.length];
        for (cell, centre) in self.centres.chunks_exact(self.length).enumerate() {
            for (query, best) in queries.chunks_exact(self.length).zip(&mut nearest) {
                let alike = inner(query, centre);
                if alike > best[N - 1].0 {
                    let at = best.partition_point(|(other, _)| *other >= alike);
                    best[at..].rotate_right(1);
                    best[at] = (alike, cell);
                }
            }
        }
        nearest
    }
}

/// A vector in 16 bits: products of these are what processors add up quickest.
fn wide(vector: &[i8]) -> Vec<i16> {
    vector.iter().map(|number| i16::from(*number)).collect()
}
