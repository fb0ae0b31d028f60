//! `--dedup replace`: giving up the pictures of a video for those of a stored one that looks the same.
//!
//! The video is put as it is first. Then stored videos that look alike are nominated, and one takes its place only if
//! every frame, decoded, is within the bounds: the worst frame and the worst block, in luma and in chroma. It must have as
//! many frames of the same format and the same side streams. What takes the place is always a video that was coded from
//! its own frames, and it is compared with the input itself, so that no chain of small differences adds up. The name's
//! record then carries a receipt, and what it stood for is a tombstone that `undelete` brings back until a collection
//! purges it.

use vcn_media::Colour;
use vcn_similarity::{Descriptor, Distortion};

use crate::{
    blob,
    catalogue::{Change, ManifestRow},
    error::{Error, Result},
    failpoint::reached,
    manifest::{Manifest, SegmentRef},
    objects::{Kind, ObjectId, fetch},
    put::FrameSource,
    record::{Class, Entry, Event, Receipt},
    store::Store,
};

/// How far a stored video may be from the input whose place it takes, as least peak signal-to-noise ratios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxDistortion {
    /// Of every frame, in dB.
    pub frame: f32,
    /// Of every block of 16x16 luma samples, in dB.
    pub block: f32,
}

impl MaxDistortion {
    /// Below this the bounds of a block would let small captions pass.
    pub const LEAST_BLOCK: f32 = 30.0;

    /// Whether the bounds are strict enough to be used at all.
    pub fn is_possible(&self) -> bool {
        self.block >= MaxDistortion::LEAST_BLOCK && self.frame >= self.block
    }

    fn admits(&self, distortion: &Distortion) -> bool {
        Distortion::psnr(distortion.worst_frame) >= self.frame
            && Distortion::psnr(distortion.worst_block) >= self.block
    }
}

/// Nominees whose frames are compared at most.
const COMPARED: usize = 4;

impl Store {
    /// Looks for a stored video to take the place of one that was just put. Gives its name and the receipt.
    pub(crate) fn replace(
        &self,
        name: &str,
        source: &mut dyn FrameSource,
        bounds: MaxDistortion,
        descriptor: &dyn Descriptor,
    ) -> Result<Option<(String, Receipt)>> {
        let Some(row) = self.catalogue.live(name)? else { return Ok(None) };
        let entry = self.entry_of(&row)?;
        let Some(own) = self.video(row)? else { return Ok(None) };
        if entry.class != Class::Quality || entry.receipt.is_some() {
            return Ok(None);
        }
        for target in self.look_alikes(&own, descriptor, COMPARED)? {
            if !may_stand_for(&target.manifest, &own.manifest)
                || self.is_distinct(own.identity, target.identity)?
            {
                continue;
            }
            let lease = self.catalogue.lease("replace")?;
            let lost =
                || Error::LeaseLost { name: name.to_owned(), seconds: crate::catalogue::LEASE_SECONDS };
            let id = ObjectId { kind: Kind::Manifest, digest: target.id };
            if !lease.pin(&self.parts(id, &target.manifest)?)? {
                return Err(lost());
            }
            reached("replace.pinned")?;
            let Some(distortion) = self.compare_with(name, source, entry.colour, &target.manifest, bounds)?
            else {
                continue;
            };
            for part in self.parts(id, &target.manifest)? {
                fetch(self.objects.as_ref(), part)?;
            }
            let receipt = Receipt {
                replaced: entry.manifest,
                identity: own.identity,
                by: target.name.clone(),
                distortion,
                least_frame_psnr: bounds.frame,
                least_block_psnr: bounds.block,
            };
            let entry = Entry { manifest: target.id, receipt: Some(receipt.clone()), ..entry };
            let row = ManifestRow::of(target.id, &target.manifest);
            self.catalogue.apply(
                self.objects.as_ref(),
                Change {
                    event: Event::Put(entry),
                    manifest: Some(&row),
                    lease: Some((lease.id, name)),
                    replace: true,
                },
                || reached("replace.record"),
            )?;
            reached("replace.published")?;
            return Ok(Some((target.name, receipt)));
        }
        Ok(None)
    }

    /// All objects that a manifest needs, and itself.
    fn parts(&self, id: ObjectId, manifest: &Manifest) -> Result<Vec<ObjectId>> {
        let mut parts = vec![id];
        parts.extend(manifest.segments.iter().map(SegmentRef::id));
        for side in &manifest.side {
            parts.push(side.blob.id());
            let chunks = blob::chunks(self.objects.as_ref(), &side.blob)?;
            parts.extend(chunks.into_iter().map(|(id, _)| id));
        }
        Ok(parts)
    }

    /// How far all frames of a stored video are from the input; nothing if one is out of bounds.
    fn compare_with(
        &self,
        name: &str,
        source: &mut dyn FrameSource,
        colour: Colour,
        manifest: &Manifest,
        bounds: MaxDistortion,
    ) -> Result<Option<Distortion>> {
        let failed = |source| Error::Input { name: name.to_owned(), source };
        if !source.rewind().map_err(failed)? {
            return Ok(None);
        }
        let mut total = Distortion::default();
        let mut count = 0;
        for segment in &manifest.segments {
            let pictures = match self.decode_segment(segment.id()) {
                Ok(pictures) => pictures,
                Err(error) if error.is_loss() || matches!(error, Error::NoCodec { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            let shown = pictures.iter().skip(segment.trim_start as usize);
            for stored in shown.take(usize::try_from(segment.shown()).unwrap_or(usize::MAX)) {
                let Some(frame) = source.next_frame().map_err(failed)? else { return Ok(None) };
                let distortion = Distortion::between(&frame.to_yuv420(colour), &stored.to_yuv420(colour));
                if !bounds.admits(&distortion) {
                    return Ok(None);
                }
                total = total.merge(count, distortion, 1);
                count += 1;
            }
        }
        let ended = source.next_frame().map_err(failed)?.is_none();
        Ok((ended && count == manifest.frames).then_some(total))
    }
}

/// Whether a video could take the place of another at all.
fn may_stand_for(target: &Manifest, own: &Manifest) -> bool {
    let sides = |manifest: &Manifest| {
        let mut sides: Vec<_> = manifest.side.iter().map(|side| side.identity).collect();
        sides.sort_unstable();
        sides
    };
    target.frames == own.frames && target.format == own.format && sides(target) == sides(own)
}
