//! The exact search among vectors in memory.

use crate::descriptor::{dot, likeness};

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

    /// Adds a vector; one of another length is refused.
    pub fn push(&mut self, vector: &[i8]) -> bool {
        let fits = vector.len() == self.length;
        if fits {
            self.numbers.extend(vector);
        }
        fits
    }

    /// Indices of the vectors whose cosine with `vector` is `least` or more, and that cosine.
    pub fn alike(&self, vector: &[i8], least: f32) -> Vec<(usize, f32)> {
        // Vectors have about the length 127, so that most are ruled out by their inner product.
        let floor = (least * 0.9 * 127.0 * 127.0) as i32;
        let candidates = self.numbers.chunks_exact(self.length).enumerate();
        candidates
            .filter(|(_, other)| dot(vector, other) > floor)
            .map(|(place, other)| (place, likeness(vector, other)))
            .filter(|(_, alike)| *alike >= least)
            .collect()
    }
}
