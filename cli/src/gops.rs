//! From frames to GOPs: what commands that code a video, and not segments of an archive, share.

use std::collections::VecDeque;

use vcn_codec::container::GopRecord;
use vcn_codec::gop::Splitter;
use vcn_codec::{Codec, CodedFrame, GopEncoder};
use vcn_media::{Picture, Yuv420};

use crate::encoding::Settings;
use crate::failure::Result;

/// Codes the frames of a video, GOP after GOP. Frames come out some time after they went in, in the same order.
pub struct Gops<'a> {
    codec: &'a Codec,
    size: [usize; 2],
    settings: Settings,
    inspects: bool,
    splitter: Splitter,
    open: Option<GopEncoder<'a>>,
    /// GOPs that were begun.
    count: u64,
    /// What went in and is not coded yet, with the number of its GOP.
    waiting: VecDeque<(u64, Picture, Yuv420)>,
}

/// A frame that is coded.
pub struct Coded {
    /// Number of its GOP, from 0.
    pub gop: u64,
    /// The frame as it was read.
    pub picture: Picture,
    /// The same as it was coded.
    pub frame: Yuv420,
    /// What became of it.
    pub result: CodedFrame,
}

/// What is done with a frame, or at the end.
#[derive(Default)]
pub struct Done {
    /// The GOP that ends before the frame, if one does.
    pub record: Option<GopRecord>,
    /// The frames that are coded now.
    pub coded: Vec<Coded>,
}

impl<'a> Gops<'a> {
    /// For a video of `width` x `height` frames; `inspects` as [`GopEncoder::inspect`].
    pub fn new(
        codec: &'a Codec,
        [width, height]: [usize; 2],
        settings: Settings,
        inspects: bool,
    ) -> Gops<'a> {
        Gops {
            codec,
            size: [width, height],
            settings,
            inspects,
            splitter: Splitter::new(settings.gop),
            open: None,
            count: 0,
            waiting: VecDeque::new(),
        }
    }

    /// How many GOPs were begun.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Takes the next frame, as it was read and as it is to be coded.
    pub fn push(&mut self, picture: Picture, frame: Yuv420) -> Result<Done> {
        let mut done = Done::default();
        if self.splitter.starts(&frame) {
            done = self.finish()?;
            self.count += 1;
        }
        let [width, height] = self.size;
        let start = || {
            let mut gop = self.codec.encode(width, height, self.settings.of_gop());
            if self.inspects {
                gop.inspect();
            }
            gop
        };
        let coded = self.open.get_or_insert_with(start).push(&frame)?;
        self.waiting.push_back((self.count - 1, picture, frame));
        done.coded.extend(self.met(coded));
        Ok(done)
    }

    /// Ends the GOP that is open, if one is.
    pub fn finish(&mut self) -> Result<Done> {
        let Some(gop) = self.open.take() else { return Ok(Done::default()) };
        let (record, coded) = gop.finish()?;
        Ok(Done { record: Some(record), coded: self.met(coded).collect() })
    }

    /// Coded frames with what they were.
    fn met(&mut self, coded: Vec<CodedFrame>) -> impl Iterator<Item = Coded> {
        let sources: Vec<_> = self.waiting.drain(..coded.len()).collect();
        let met = sources.into_iter().zip(coded);
        met.map(|((gop, picture, frame), result)| Coded { gop, picture, frame, result })
    }
}
