//! Sites that keep what the reference shows: where nothing moves, nothing is lost from frame to frame.
//!
//! Networks change every sample a little. Where the source stands still that is damage, and it adds up over a GOP. So
//! every 8x8 site of an inter frame says whether it is taken from the reference as it is, as skipped blocks are in
//! H.264, at the price of a small part of a bit where its surroundings foretell it.

use std::convert::Infallible;

use vcn_media::Yuv420;

use crate::Result;
use crate::entropy::{Chance, Habit, SymbolDecoder, SymbolEncoder};
use crate::model::transform::SAMPLE_WEIGHTS;
use crate::packing::SITE;
use crate::warp::Flow;

/// Motion up to these many 1/16 samples counts as none, as little.
const STILL: [i32; 2] = [1, 6];
/// Contexts: motion, whether the frame before kept the site, how many of the sites to the left and above are kept.
const CONTEXTS: usize = 3 * 2 * 3;

/// Codes which sites are kept; lives as long as a GOP.
#[derive(Clone)]
pub(crate) struct Keeper {
    width: usize,
    /// Of the last inter frame.
    kept: Vec<bool>,
    habits: [Habit; CONTEXTS],
}

impl Keeper {
    /// For pictures of `height` x `width` sites.
    pub fn new([height, width]: [usize; 2]) -> Keeper {
        // Moving, new and lonely sites are rarely kept.
        let habit = |context: usize| match (context / 6, context / 3 % 2, context % 3) {
            (2, 0, 0) => Habit::new(1, 12),
            (2, _, _) => Habit::new(1, 4),
            (_, 0, 0) => Habit::new(1, 4),
            (_, 1, 2) => Habit::new(12, 1),
            _ => Habit::new(2, 2),
        };
        Keeper { width, kept: vec![false; height * width], habits: std::array::from_fn(habit) }
    }

    /// The context of a site of which the sites before it, `map`, are known.
    fn context(&self, flow: &Flow, map: &[bool]) -> usize {
        let site = map.len();
        let (x, y) = (flow.data[site], flow.data[self.kept.len() + site]);
        let motion = STILL.iter().filter(|&&still| x.abs().max(y.abs()) > still).count();
        let left = !site.is_multiple_of(self.width) && map[site - 1];
        let above = site >= self.width && map[site - self.width];
        motion * 6 + self.kept[site] as usize * 3 + left as usize + above as usize
    }

    /// Reads which sites are kept.
    ///
    /// # Errors
    /// If the payload is damaged.
    pub fn read(&mut self, coder: &mut SymbolDecoder, flow: &Flow) -> Result<&[bool]> {
        self.each(flow, |_, chance| coder.get_flag(chance))
    }

    /// Chooses and writes which sites are kept: those where it saves more, `gain` by site, than `worth` for each bit that
    /// it costs.
    pub fn write(&mut self, coder: &mut SymbolEncoder, flow: &Flow, gain: &[f64], worth: f64) -> &[bool] {
        let Ok(kept) = self.each(flow, |site, chance| {
            let keep = gain[site] > worth * f64::from(chance.bits(true) - chance.bits(false));
            coder.put_flag(chance, keep);
            Ok::<_, Infallible>(keep)
        });
        kept
    }

    /// Asks of every site in turn whether it is kept, and learns from the answers.
    fn each<E>(
        &mut self,
        flow: &Flow,
        mut ask: impl FnMut(usize, Chance) -> std::result::Result<bool, E>,
    ) -> std::result::Result<&[bool], E> {
        let mut map = Vec::with_capacity(self.kept.len());
        for site in 0..self.kept.len() {
            let context = self.context(flow, &map);
            let keep = ask(site, self.habits[context].chance())?;
            self.habits[context].learn(keep);
            map.push(keep);
        }
        self.kept = map;
        Ok(&self.kept)
    }
}

/// Puts the kept sites of the reference back.
pub(crate) fn put_back(picture: &mut Yuv420, reference: &Yuv420, kept: &[bool]) {
    let width = picture.width;
    let planes = [
        (&mut picture.y, &reference.y, SITE, width),
        (&mut picture.u, &reference.u, SITE / 2, width / 2),
        (&mut picture.v, &reference.v, SITE / 2, width / 2),
    ];
    for (to, from, side, width) in planes {
        let row = width / side;
        for (site, _) in kept.iter().enumerate().filter(|(_, kept)| **kept) {
            let start = site / row * side * width + site % row * side;
            for line in (start..).step_by(width).take(side) {
                to[line..line + side].copy_from_slice(&from[line..line + side]);
            }
        }
    }
}

/// Squared error of every site in grey levels, its planes weighted as in RGB.
pub(crate) fn site_errors(source: &Yuv420, shown: &Yuv420) -> Vec<f64> {
    let [y, u, v] = SAMPLE_WEIGHTS.map(f64::from);
    let width = source.width;
    let row = width / SITE;
    let mut errors = vec![0.0; row * source.height / SITE];
    let planes = [
        (&source.y, &shown.y, SITE, width, y),
        (&source.u, &shown.u, SITE / 2, width / 2, u),
        (&source.v, &shown.v, SITE / 2, width / 2, v),
    ];
    for (a, b, side, width, weight) in planes {
        for (line, (a, b)) in a.chunks_exact(width).zip(b.chunks_exact(width)).enumerate() {
            let errors = &mut errors[line / side * row..][..row];
            for (error, (a, b)) in errors.iter_mut().zip(a.chunks_exact(side).zip(b.chunks_exact(side))) {
                let sum: i32 = a.iter().zip(b).map(|(&a, &b)| (i32::from(a) - i32::from(b)).pow(2)).sum();
                *error += weight * f64::from(sum);
            }
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three frames with maps that the encoder chose, at sizes of one site and more.
    #[test]
    fn what_is_kept_is_read_back_and_costs_little_when_nothing_changes() {
        for size in [[2, 2], [6, 10]] {
            let sites = size[0] * size[1];
            let flow = |frame: i32| {
                let data = (0..2 * sites as i32)
                    .map(|i| if frame == 0 { 0 } else { (i * 7 + frame) % 12 })
                    .collect();
                Flow { width: size[1], height: size[0], data }
            };
            let gain = |frame: usize| (0..sites).map(move |i| ((i * 31 + frame * 17) % 23) as f64 - 11.0);
            let mut coder = SymbolEncoder::new();
            let mut keeper = Keeper::new(size);
            let written: Vec<Vec<bool>> = (0..3)
                .map(|t| {
                    keeper.write(&mut coder, &flow(t as i32), &gain(t).collect::<Vec<_>>(), 1.0).to_vec()
                })
                .collect();
            assert!(
                written.iter().flatten().any(|&kept| kept) && written.iter().flatten().any(|&kept| !kept)
            );
            let still = coder.bits_written();
            for _ in 0..20 {
                assert!(
                    keeper.write(&mut coder, &flow(0), &vec![100.0; sites], 1.0).iter().all(|&kept| kept)
                );
            }
            assert!((coder.bits_written() - still) < 20.0 * 0.25 * sites as f64 + 20.0);
            let payload = coder.finish();
            let mut coder = SymbolDecoder::new(&payload).unwrap();
            let mut keeper = Keeper::new(size);
            for (t, map) in written.iter().enumerate() {
                assert_eq!(keeper.read(&mut coder, &flow(t as i32)).unwrap(), map);
            }
        }
    }

    #[test]
    fn kept_sites_come_back_and_others_stay() {
        let picture =
            |v: u8| Yuv420 { width: 32, height: 16, y: vec![v; 512], u: vec![v; 128], v: vec![v; 128] };
        let (mut shown, reference) = (picture(10), picture(20));
        let kept = [false, true, false, false, false, false, false, true];
        put_back(&mut shown, &reference, &kept);
        let errors = site_errors(&reference, &shown);
        assert_eq!(errors.iter().map(|&e| e == 0.0).collect::<Vec<_>>(), kept);
        assert_eq!(site_errors(&picture(10), &shown).iter().filter(|&&e| e == 0.0).count(), 6);
        assert_eq!((shown.y[8], shown.y[7], shown.u[4], shown.u[3]), (20, 10, 20, 10));
    }
}
