//! The exact search among vectors in memory.

use crate::descriptor::likeness;

/// Vectors of one length, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vectors {
    length: usize,
    numbers: Vec<i8>,
}

impl Vectors {
    /// No vectors, of this length.
    pub fn new(length: usize) -> Vectors {
        Vectors { length: length.max(1), numbers: Vec::new() }
    }

    /// Numbers in a vector.
    pub fn length(&self) -> usize {
        self.length
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len() / self.length
    }

    /// The vector at a place.
    pub fn get(&self, place: usize) -> &[i8] {
        &self.numbers[place * self.length..][..self.length]
    }

    /// Adds a vector; one of another length is refused.
    pub fn push(&mut self, vector: &[i8]) -> bool {
        let fits = vector.len() == self.length;
        if fits {
            self.numbers.extend(vector);
        }
        fits
    }

    /// Adds a vector given as the bytes of its numbers.
    pub fn push_bytes(&mut self, vector: &[u8]) -> bool {
        let fits = vector.len() == self.length;
        if fits {
            self.numbers.extend(vector.iter().map(|number| number.cast_signed()));
        }
        fits
    }

    /// For each query, the indices of the vectors whose cosine with it is `least` or more, and that cosine.
    pub fn alike(&self, queries: &[&[i8]], least: f32) -> Vec<Vec<(usize, f32)>> {
        let mut found = vec![Vec::new(); queries.len()];
        let floor = floor(least);
        // Each vector is widened once for all queries: products of 16-bit numbers are what processors add up quickest.
        let widened: Vec<i16> = queries.iter().flat_map(|query| self.fitted(query)).collect();
        let mut wide = vec![0i16; self.length];
        for (place, vector) in self.numbers.chunks_exact(self.length).enumerate() {
            for (wide, number) in wide.iter_mut().zip(vector) {
                *wide = i16::from(*number);
            }
            for (query, sought) in widened.chunks_exact(self.length).enumerate() {
                if inner(sought, &wide) > floor {
                    let alike = likeness(queries[query], vector);
                    if alike >= least {
                        found[query].push((place, alike));
                    }
                }
            }
        }
        found
    }

    /// A query as wide numbers; zeros, which nothing is alike, if it is of another length.
    fn fitted(&self, query: &[i8]) -> Vec<i16> {
        match query.len() == self.length {
            true => query.iter().map(|number| i16::from(*number)).collect(),
            false => vec![0; self.length],
        }
    }
}

/// Vectors have about the length 127, so that most are ruled out by their inner product: those below this are less alike
/// than `least`.
pub(crate) fn floor(least: f32) -> i32 {
    (least * 0.9 * 127.0 * 127.0) as i32
}

/// Inner product with a query in 16 bits.
pub(crate) fn inner<T: Copy + Into<i32>>(query: &[i16], vector: &[T]) -> i32 {
    query.iter().zip(vector).map(|(a, b)| i32::from(*a) * (*b).into()).sum()
}
