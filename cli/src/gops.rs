//! From frames to GOPs: what commands that code a video, and not segments of an archive, share.

use std::collections::VecDeque;

use rayon::prelude::*;
use vcn_codec::container::GopRecord;
use vcn_codec::gop::{GopPolicy, Splitter};
use vcn_codec::{Codec, CodedFrame, GopEncoder};
use vcn_media::{Picture, Yuv420};

use crate::at_once;
use crate::encoding::Settings;
use crate::failure::Result;

/// Codes the frames of a video, several GOPs at the same time. Frames come out some time after they went in, in the same order.
pub struct Gops<'a> {
    codec: &'a Codec,
    size: [usize; 2],
    settings: Settings,
    inspects: bool,
    splitter: Splitter,
    /// How many GOPs are coded at the same time.
    at_once: usize,
    /// GOPs that were begun and not ended, all but the last complete.
    open: Vec<OpenGop<'a>>,
    /// GOPs that were begun.
    count: u64,
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
    /// The GOPs that are complete now.
    pub records: Vec<GopRecord>,
    /// The frames that are coded now.
    pub coded: Vec<Coded>,
}

impl<'a> Gops<'a> {
    /// For a video of frames of `size`, width and height; `inspects` as [`GopEncoder::inspect`].
    pub fn new(codec: &'a Codec, size: [usize; 2], settings: Settings, inspects: bool) -> Gops<'a> {
        // Frames of live video do not wait; where all frames are one GOP, none need to.
        let alone = settings.between == 0 || settings.gop == GopPolicy::All || inspects;
        Gops {
            codec,
            size,
            settings,
            inspects,
            splitter: Splitter::new(settings.gop),
            at_once: if alone { 1 } else { at_once::encoders(size, settings.gop.longest() as usize) },
            open: Vec::new(),
            count: 0,
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
            if self.open.len() == self.at_once {
                done = self.finish()?;
            }
            self.open.push(self.begun());
            self.count += 1;
        }
        if let Some(gop) = self.open.last_mut() {
            gop.waiting.push_back((picture, frame));
        }
        if let (1, [gop]) = (self.at_once, &mut self.open[..]) {
            done.coded.extend(gop.advance()?);
        }
        Ok(done)
    }

    /// Ends all GOPs that are open.
    pub fn finish(&mut self) -> Result<Done> {
        let open = std::mem::take(&mut self.open);
        let ended: Vec<_> = open.into_par_iter().map(OpenGop::finish).collect();
        let mut done = Done::default();
        for gop in ended {
            let (record, coded) = gop?;
            done.records.push(record);
            done.coded.extend(coded);
        }
        Ok(done)
    }

    fn begun(&self) -> OpenGop<'a> {
        let [width, height] = self.size;
        let mut encoder = self.codec.encode(width, height, self.settings.of_gop());
        if self.inspects {
            encoder.inspect();
        }
        OpenGop { number: self.count, encoder, waiting: VecDeque::new(), pushed: 0 }
    }
}

/// A GOP that may take more frames.
struct OpenGop<'a> {
    number: u64,
    encoder: GopEncoder<'a>,
    /// What went in and is not coded yet.
    waiting: VecDeque<(Picture, Yuv420)>,
    /// How many of them the encoder has.
    pushed: usize,
}

impl OpenGop<'_> {
    /// Codes what may be coded before more frames are known.
    fn advance(&mut self) -> vcn_codec::Result<Vec<Coded>> {
        let mut done = Vec::new();
        while let Some((_, frame)) = self.waiting.get(self.pushed) {
            let coded = self.encoder.push(frame)?;
            self.pushed += 1;
            self.pushed -= coded.len();
            done.extend(met(self.number, &mut self.waiting, coded));
        }
        Ok(done)
    }

    /// Codes what is left.
    fn finish(mut self) -> vcn_codec::Result<(GopRecord, Vec<Coded>)> {
        let mut done = self.advance()?;
        let (record, coded) = self.encoder.finish()?;
        done.extend(met(self.number, &mut self.waiting, coded));
        Ok((record, done))
    }
}

/// Coded frames with what they were.
fn met(
    gop: u64,
    waiting: &mut VecDeque<(Picture, Yuv420)>,
    coded: Vec<CodedFrame>,
) -> impl Iterator<Item = Coded> {
    let sources = waiting.drain(..coded.len());
    sources.zip(coded).map(move |((picture, frame), result)| Coded { gop, picture, frame, result })
}
