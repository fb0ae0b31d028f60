//! The learned codec as the store sees it.

use std::sync::{Arc, OnceLock};

use vcn_codec::checkpoint::Checkpoint;
use vcn_codec::gop::{GopPolicy, Splitter};
use vcn_codec::{Codec, Effort, GopSettings};
use vcn_media::{Colour, Picture};
use vcn_store::{BoxError, Digest, Format, Layout, SegmentCodec};

use crate::at_once;
use crate::compute::Compute;
use crate::failure::{Failure, Result};
use crate::models;

/// A model, moved to its device when it is first needed.
pub struct Learned {
    name: String,
    digest: Digest,
    checkpoint: std::sync::Mutex<Option<Checkpoint>>,
    compute: Compute,
    effort: Effort,
    codec: OnceLock<std::result::Result<Codec, String>>,
}

impl Learned {
    /// A model with an encoder of this effort.
    pub fn new(checkpoint: Checkpoint, compute: &Compute, effort: Effort) -> Result<Learned> {
        compute.set_threads()?;
        Ok(Learned {
            name: checkpoint.name.clone(),
            digest: Digest(checkpoint.digest()),
            checkpoint: std::sync::Mutex::new(Some(checkpoint)),
            compute: compute.clone(),
            effort,
            codec: OnceLock::new(),
        })
    }

    fn codec(&self) -> std::result::Result<&Codec, BoxError> {
        let opened = self.codec.get_or_init(|| {
            let checkpoint = self.checkpoint.lock().ok().and_then(|mut checkpoint| checkpoint.take());
            let checkpoint = checkpoint.ok_or("its model was not loaded")?;
            self.compute.open(checkpoint).map_err(|failure| failure.to_string())
        });
        opened.as_ref().map_err(|reason| reason.clone().into())
    }
}

impl SegmentCodec for Learned {
    fn id(&self) -> Digest {
        self.digest
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn lossless(&self) -> bool {
        false
    }

    fn encode(
        &self,
        frames: &[Picture],
        colour: Colour,
        quality: u16,
    ) -> std::result::Result<Vec<u8>, BoxError> {
        let Some(first) = frames.first() else { return Err("no frames".into()) };
        let (width, height) = first.size();
        let settings = GopSettings {
            quality: u8::try_from(quality)?,
            effort: self.effort,
            length: u32::try_from(frames.len())?,
            ..GopSettings::default()
        };
        let mut encoder = self.codec()?.encode(width, height, settings);
        for frame in frames {
            encoder.push(&frame.to_yuv420(colour))?;
        }
        Ok(encoder.finish()?.0.payload)
    }

    fn decode(
        &self,
        bytes: &[u8],
        format: Format,
        frames: usize,
    ) -> std::result::Result<Vec<Picture>, BoxError> {
        let (width, height) = (format.width as usize, format.height as usize);
        let mut decoder = self.codec()?.decode(bytes, u32::try_from(frames)?, width, height)?;
        let mut pictures = Vec::new();
        while let Some(frame) = decoder.frame()? {
            pictures.push(frame.into());
        }
        Ok(pictures)
    }

    fn at_once(&self, format: Format, frames: usize) -> usize {
        at_once::encoders([format.width as usize, format.height as usize], frames)
    }

    fn decoded_format(&self, source: Format) -> Format {
        Format { layout: Layout::Yuv420, ..source }
    }
}

/// Models that may decode what is stored: the embedded ones, and the one that is named.
pub fn known(model: Option<&str>, compute: &Compute) -> Result<Vec<Arc<dyn SegmentCodec>>> {
    let mut codecs: Vec<Arc<dyn SegmentCodec>> = Vec::new();
    if let Some(name) = model {
        codecs.push(Arc::new(Learned::new(models::named(name)?, compute, Effort::Medium)?));
    }
    for (name, bytes) in models::embedded() {
        let checkpoint = Checkpoint::read(bytes).map_err(Failure::file(name))?;
        codecs.push(Arc::new(Learned::new(checkpoint, compute, Effort::Medium)?));
    }
    Ok(codecs)
}

/// The codec's own rule of where GOPs start.
pub fn splitter(policy: GopPolicy, colour: Colour) -> impl FnMut(&Picture) -> bool {
    let mut splitter = Splitter::new(policy);
    move |frame| match frame {
        Picture::Yuv420(frame) => splitter.starts(frame),
        other => splitter.starts(&other.to_yuv420(colour)),
    }
}
