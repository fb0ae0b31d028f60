//! `describe`: descriptors for stored videos that have none of a kind, from their stored pictures.

use vcn_similarity::{Descriptor, Picker};

use super::{picked::Picked, video::Video};
use crate::{
    catalogue::DescriptorRow,
    digest::Digest,
    error::{Error, Result},
    failpoint::reached,
    objects::{Kind, ObjectId},
    store::Store,
};

/// What was described.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DescribeReport {
    /// Names that were looked at.
    pub names: u64,
    /// Videos that got descriptors, or would have.
    pub described: u64,
    /// Videos that cannot be decoded: damaged, or their model is not here.
    pub undecodable: u64,
}

impl Store {
    /// Describes the stored videos that nobody described in this way: they were put by a version that described frames in
    /// another.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn describe(&self, descriptor: &dyn Descriptor, dry_run: bool) -> Result<DescribeReport> {
        let mut report = DescribeReport::default();
        let total = self.len()?;
        let mut after = String::new();
        loop {
            let page = self.catalogue.page("", &after, 1000)?;
            let Some(last) = page.last() else { return Ok(report) };
            after.clone_from(&last.name);
            for row in page {
                report.names += 1;
                self.tell("names looked at", report.names, Some(total));
                let Some(video) = self.video(row)? else { continue };
                if self.picked(video.manifest.root, descriptor)?.is_none() {
                    match dry_run || self.describe_one(&video, descriptor)? {
                        true => report.described += 1,
                        false => report.undecodable += 1,
                    }
                }
            }
        }
    }

    /// Describes a video; says whether it could be decoded.
    fn describe_one(&self, video: &Video, descriptor: &dyn Descriptor) -> Result<bool> {
        let mut picker = Picker::new(descriptor, video.rate);
        for segment in &video.manifest.segments {
            let pictures = match self.decode_segment(segment.id()) {
                Ok(pictures) => pictures,
                Err(error) if error.is_loss() => return Ok(false),
                Err(Error::NoCodec { .. } | Error::Codec { .. }) => return Ok(false),
                Err(error) => return Err(error),
            };
            let shown = usize::try_from(segment.shown()).unwrap_or(usize::MAX);
            pictures.iter().skip(segment.trim_start as usize).take(shown).for_each(|p| picker.push(p));
        }
        let (root, model) = (video.manifest.root, Digest(descriptor.id()));
        let object = Picked { descriptor: model, root, frames: picker.finish() }.to_object();
        let id = ObjectId { kind: Kind::Descriptors, digest: Digest::of(&object) };
        let lease = self.catalogue.lease("describe")?;
        lease.pin(&[id])?;
        self.objects.publish(id, &object)?;
        reached("describe.written")?;
        let row = DescriptorRow { root, model, object: id.digest, rate: video.rate, picked: object };
        self.catalogue.add_descriptors(&[row])?;
        Ok(true)
    }
}
