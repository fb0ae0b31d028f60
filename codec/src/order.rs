//! The order of coding: frames may be skipped over and coded between two that are shown before and after them.

use std::sync::Arc;

use crate::codec::Reference;
use crate::vectors::foretold;
use crate::warp::Flow;

/// Frames that are still to be coded between two which are.
pub(crate) struct Span {
    /// Places in the GOP of both.
    places: [u32; 2],
    /// What both left.
    pub references: [Arc<Reference>; 2],
    /// Motion from the later one to the earlier one.
    motion: Flow,
    /// How many frames that are between others, too, lie at its ends or around it.
    pub depth: usize,
}

impl Span {
    /// Place in the GOP of the frame that is coded next: the middle one.
    pub fn middle(&self) -> u32 {
        self.places[0].midpoint(self.places[1])
    }

    /// How many frames it is shown after the earlier end.
    pub fn distance(&self) -> u32 {
        self.middle() - self.places[0]
    }

    /// Motion of that frame to the ends, earlier one first, as far as it is foretold.
    pub fn foretold(&self) -> [Flow; 2] {
        let [first, last] = self.places;
        foretold(&self.motion, self.distance(), last - first)
    }

    /// The references, earlier one first.
    pub fn ends(&self) -> [&Reference; 2] {
        [&self.references[0], &self.references[1]]
    }
}

/// What is to be coded before the next frame that all between are skipped for. Of a span the middle frame comes first, then what
/// lies before that, then what lies after it: frames can be shown early, and what is waiting is as deep as the pyramid.
#[derive(Default)]
pub(crate) struct Order(Vec<Span>);

impl Order {
    /// Takes in what lies between the frames at two places, with the motion from the later one to the earlier one.
    pub fn open(&mut self, places: [u32; 2], references: [Arc<Reference>; 2], motion: Flow, depth: usize) {
        if places[1] - places[0] > 1 {
            self.0.push(Span { places, references, motion, depth });
        }
    }

    /// Takes out what is to be coded next, if anything.
    pub fn next(&mut self) -> Option<Span> {
        self.0.pop()
    }

    /// Takes in what lies on both sides of the middle frame of a span, which is coded now, with its flows to both ends.
    pub fn divide(&mut self, span: Span, middle: Arc<Reference>, flows: &[Flow; 2]) {
        let (place, depth) = (span.middle(), span.depth + 1);
        let [first, last] = span.places;
        let [before, after] = span.references;
        self.open([place, last], [middle.clone(), after], flows[1].map(|v| -v), depth);
        self.open([first, place], [before, middle], flows[0].clone(), depth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Reference;

    #[test]
    fn every_frame_comes_once_after_both_of_its_ends() {
        let nothing = || {
            let picture = vcn_media::Yuv420 { width: 0, height: 0, y: vec![], u: vec![], v: vec![] };
            Arc::new(Reference { picture: Arc::new(picture), features: vec![], motion: None, anchor: None })
        };
        // What moves 16 a frame, at a site.
        let motion = |frames: u32| Flow { width: 1, height: 1, data: vec![16 * frames as i32, 0] };
        for last in 1..=8 {
            let mut order = Order::default();
            order.open([0, last], [nothing(), nothing()], motion(last), 0);
            let mut coded = vec![0, last];
            while let Some(span) = order.next() {
                let (place, [first, last]) = (span.middle(), span.places);
                assert!(coded.contains(&first) && coded.contains(&last) && !coded.contains(&place));
                assert!(span.depth <= 2);
                // Steady motion is foretold as it is.
                let flows = [motion(place - first), motion(last - place).map(|v| -v)];
                assert_eq!(span.foretold(), flows);
                coded.push(place);
                order.divide(span, nothing(), &flows);
            }
            coded.sort_unstable();
            assert_eq!(coded, (0..=last).collect::<Vec<_>>());
        }
    }
}
