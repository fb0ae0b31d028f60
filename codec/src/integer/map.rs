//! Feature maps in the memory of this process.

use std::sync::Arc;

use rayon::prelude::*;

use crate::model::params::ACTIVATION;

/// Integers of a feature map, channels next to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Channels, height and width.
    shape: [usize; 3],
    /// No value is further from 0.
    limit: i16,
    /// `[height, width, channels]`; an odd number of channels is followed by a zero, so that they come in pairs.
    data: Arc<Vec<i16>>,
}

/// Values of a site in memory, for so many channels.
pub fn stride(channels: usize) -> usize {
    channels.next_multiple_of(2)
}

impl Map {
    /// From values site by site, each followed by what makes pairs of them, none of them further from 0 than `limit`.
    pub fn new(shape @ [channels, height, width]: [usize; 3], limit: i16, data: Vec<i16>) -> Map {
        assert!(
            shape.iter().all(|&side| side > 0) && data.len() == stride(channels) * height * width,
            "{shape:?}"
        );
        Map { shape, limit, data: Arc::new(data) }
    }

    /// From planes `[channels, height, width]`, saturated to 16 bits.
    pub fn from_planes(planes: &[i32], shape @ [channels, height, width]: [usize; 3]) -> Map {
        assert_eq!(planes.len(), channels * height * width, "{shape:?}");
        let mut data = vec![0; stride(channels) * height * width];
        let limit = data
            .par_chunks_mut(stride(channels) * width)
            .enumerate()
            .map(|(row, sites)| {
                let mut limit = 0;
                for (channel, plane) in planes.chunks_exact(height * width).enumerate() {
                    let values = &plane[row * width..][..width];
                    for (site, &value) in sites.chunks_exact_mut(stride(channels)).zip(values) {
                        let value = value.clamp(-i32::from(i16::MAX), i16::MAX.into()) as i16;
                        site[channel] = value;
                        limit = limit.max(value.abs());
                    }
                }
                limit
            })
            .max();
        Map::new(shape, limit.unwrap_or(0), data)
    }

    /// As planes `[channels, height, width]`.
    pub fn planes(&self) -> Vec<i32> {
        let [channels, height, width] = self.shape;
        let mut planes = vec![0; channels * height * width];
        planes.par_chunks_mut(height * width).enumerate().for_each(|(channel, plane)| {
            for (value, site) in plane.iter_mut().zip(self.sites()) {
                *value = site[channel].into();
            }
        });
        planes
    }

    /// Channels, height and width.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Values of a site in memory.
    pub fn stride(&self) -> usize {
        stride(self.shape[0])
    }

    /// All values as they lie in memory.
    pub fn data(&self) -> &[i16] {
        &self.data
    }

    fn sites(&self) -> impl ExactSizeIterator<Item = &[i16]> {
        self.data.chunks_exact(self.stride())
    }

    /// Saturated to a limit.
    pub fn clamped(&self, limit: i16) -> Map {
        if self.limit <= limit {
            return self.clone();
        }
        let data = self.data.iter().map(|v| (*v).clamp(-limit, limit)).collect();
        Map::new(self.shape, limit, data)
    }

    /// `max(x, x / 8)`.
    pub fn leaky(&self) -> Map {
        Map::new(self.shape, self.limit, self.data.iter().map(|&v| v.max(v >> 3)).collect())
    }

    /// Joined with one of the same shape, saturated to the activation format.
    pub fn joined(&self, other: &Map, join: impl Fn(i16, i16) -> i16) -> Map {
        assert_eq!(self.shape, other.shape);
        let limit = ACTIVATION.max() as i16;
        let pairs = self.data.iter().zip(&*other.data);
        Map::new(self.shape, limit, pairs.map(|(&a, &b)| join(a, b).clamp(-limit, limit)).collect())
    }

    /// Channels of several maps of one size after each other.
    pub fn cat(parts: &[&Map]) -> Map {
        let [_, height, width] = parts[0].shape;
        let channels = parts.iter().map(|part| part.shape[0]).sum();
        let mut data = vec![0; stride(channels) * height * width];
        let mut from = 0;
        for part in parts {
            assert_eq!(part.shape[1..], [height, width]);
            let own = part.shape[0];
            for (site, values) in data.chunks_exact_mut(stride(channels)).zip(part.sites()) {
                site[from..from + own].copy_from_slice(&values[..own]);
            }
            from += own;
        }
        let limit = parts.iter().map(|part| part.limit).max().unwrap_or(0);
        Map::new([channels, height, width], limit, data)
    }

    /// Of another shape, each site filled by `fill(row, column, values)`.
    fn rearranged(
        &self,
        shape @ [channels, height, width]: [usize; 3],
        fill: impl Fn(usize, usize, &mut [i16]),
    ) -> Map {
        let mut data = vec![0; stride(channels) * height * width];
        for (at, site) in data.chunks_exact_mut(stride(channels)).enumerate() {
            fill(at / width, at % width, &mut site[..channels]);
        }
        Map::new(shape, self.limit, data)
    }

    /// Values of a site.
    fn site(&self, row: usize, column: usize) -> &[i16] {
        let [channels, _, width] = self.shape;
        &self.data[(row * width + column) * self.stride()..][..channels]
    }

    /// Space to depth: channel `c r r + i r + j` from row `i`, column `j`.
    pub fn unshuffled(&self, r: usize) -> Map {
        let [channels, height, width] = self.shape;
        self.rearranged([channels * r * r, height / r, width / r], |row, column, values| {
            for within in 0..r * r {
                let from = self.site(row * r + within / r, column * r + within % r);
                values[within..].iter_mut().step_by(r * r).zip(from).for_each(|(value, &from)| *value = from);
            }
        })
    }

    /// Depth to space, the inverse of [`Map::unshuffled`].
    pub fn shuffled(&self, r: usize) -> Map {
        let [channels, height, width] = self.shape;
        self.rearranged([channels / (r * r), height * r, width * r], |row, column, values| {
            let from = &self.site(row / r, column / r)[row % r * r + column % r..];
            values.iter_mut().zip(from.iter().step_by(r * r)).for_each(|(value, &from)| *value = from);
        })
    }

    /// Of another height and width; where it is larger, the last row and column repeat.
    pub fn resized(&self, [height, width]: [usize; 2]) -> Map {
        let [channels, own_height, own_width] = self.shape;
        self.rearranged([channels, height, width], |row, column, values| {
            values.copy_from_slice(self.site(row.min(own_height - 1), column.min(own_width - 1)));
        })
    }
}
