//! `find`: what of the store a video has that is not in it.

use std::collections::BTreeMap;

use vcn_media::Colour;
use vcn_similarity::{Descriptor, PickedFrame, Picker};

use super::{
    near::{BATCH, Nominee, Sought},
    report::{FindOptions, Match},
};
use crate::{
    codec::Splitter,
    digest::Digest,
    error::{Error, Result},
    frame::{Format, frame_digest, frames_key, frames_root},
    put::FrameSource,
    split::{Bounded, DigestSplitter},
    store::Store,
};

/// A video to look for.
pub struct Query<'a> {
    /// Frames per second.
    pub rate: f64,
    /// How its samples are to be understood.
    pub colour: Colour,
    /// Where segments may have been cut, to find those that are stored: the splitters that puts use.
    pub splitters: Vec<Box<dyn Splitter + 'a>>,
    /// How to look for what is only alike.
    pub options: FindOptions<'a>,
}

impl Query<'_> {
    /// A video of so many frames per second, with the splitter of class `frames`.
    pub fn new(rate: f64) -> Self {
        let splitters: Vec<Box<dyn Splitter>> = vec![Box::new(DigestSplitter::default())];
        Query { rate, colour: Colour::RGB_INPUT, splitters, options: FindOptions::default() }
    }
}

impl Store {
    /// Stored videos that have something in common with frames that are not stored: the same ones, those that share
    /// segments, then those that look alike, the most alike first.
    ///
    /// # Errors
    /// The input or the store cannot be read.
    pub fn find(&self, source: &mut dyn FrameSource, query: Query) -> Result<Vec<Match>> {
        let Query { rate, colour, mut splitters, options } = query;
        let mut picker = Picker::new(options.descriptor, rate).keeping_thumbnails();
        let mut bounded: Vec<Bounded> =
            splitters.iter_mut().map(|splitter| Bounded::new(splitter.as_mut())).collect();
        let mut starts: Vec<Vec<usize>> = vec![Vec::new(); bounded.len()];
        let mut digests = Vec::new();
        let mut format = None;
        let failed = |source| Error::Input { name: "query".to_owned(), source };
        while let Some(frame) = source.next_frame().map_err(failed)? {
            format.get_or_insert(Format::of(&frame));
            let digest = frame_digest(&frame);
            for (splitter, starts) in bounded.iter_mut().zip(&mut starts) {
                if splitter.starts(&frame, &digest) {
                    starts.push(digests.len());
                }
            }
            digests.push(digest);
            picker.push(&frame);
        }
        let Some(format) = format else { return Ok(Vec::new()) };
        let root = frames_root(&digests);
        let mut found = Vec::new();
        if let Some(same) = self.video_of(root)? {
            found.push(same.same_frames(&same.name, true));
        }
        for starts in &starts {
            for (shared, other) in self.sharing(&digests, starts, format, colour, rate)? {
                if shared != root && !found.iter().any(|found: &Match| found.name == other.name) {
                    found.push(other);
                }
            }
        }
        let frames = picker.finish();
        let mirrored = self.mirrored(&frames, None, options.descriptor);
        let total = digests.len() as u64;
        let sought = Sought { root, rate, frames, total, mirrored, own: None };
        let nominees = self.nominees(&sought, options.descriptor)?;
        let near = self.examine(&sought, nominees, &options, "")?;
        // What shares segments need not be listed as alike, too.
        let near = near.into_iter().map(|(_, near)| near);
        let near: Vec<Match> =
            near.filter(|near| !found.iter().any(|found| found.name == near.name)).collect();
        found.extend(near);
        Ok(found)
    }

    /// Stored videos that look like frames of which only their descriptions are known, the most alike first. Only
    /// those with a name that starts with `prefix`, by that name; no pixel is compared.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn alike(
        &self,
        frames: Vec<PickedFrame>,
        rate: f64,
        prefix: &str,
        options: &FindOptions,
    ) -> Result<Vec<Match>> {
        let mirrored = self.mirrored(&frames, None, options.descriptor);
        // None of those that are stored.
        let root = frames_root(&[]);
        let sought = Sought { root, rate, frames, total: u64::MAX, mirrored, own: None };
        let nominees = self.nominees(&sought, options.descriptor)?;
        let options = FindOptions { pixels: false, ..*options };
        let found = self.examine(&sought, nominees, &options, prefix)?;
        Ok(found.into_iter().map(|(_, found)| found).collect())
    }

    /// Stored videos that look like a stored one, the most alike first; no pixel is compared.
    pub(crate) fn alike_to_stored(
        &self,
        name: &str,
        descriptor: &dyn Descriptor,
        limit: usize,
    ) -> Result<Vec<Match>> {
        let Some(row) = self.catalogue.live(name)? else { return Ok(Vec::new()) };
        let Some(own) = self.video(row)? else { return Ok(Vec::new()) };
        let root = own.manifest.root;
        let Some(picked) = self.picked(root, descriptor)? else { return Ok(Vec::new()) };
        let mirrored = self.mirrored(&picked.frames, Some(&own), descriptor);
        let (rate, frames, total) = (own.rate, picked.frames, own.manifest.frames);
        let sought = Sought { root, rate, frames, total, mirrored, own: Some(&own) };
        let nominees = self.nominees(&sought, descriptor)?;
        let options = FindOptions { limit, pixels: false, descriptor, ..FindOptions::default() };
        let mut alike = Vec::new();
        for (other, found) in self.examine(&sought, nominees, &options, "")? {
            let distinct = match self.video_of(other)? {
                Some(other) => self.is_distinct(own.identity, other.identity)?,
                None => true,
            };
            if !distinct {
                alike.push(found);
            }
        }
        Ok(alike)
    }

    /// What all that is described nominates.
    fn nominees(&self, sought: &Sought, descriptor: &dyn Descriptor) -> Result<Vec<Nominee>> {
        let mut nominees = Vec::new();
        self.described(descriptor, BATCH, |batch| {
            nominees.extend(batch.nominate(sought));
            Ok(())
        })?;
        Ok(nominees)
    }

    /// Videos that brought in segments which frames cut here would share, and the roots of their frames.
    fn sharing(
        &self,
        digests: &[Digest],
        starts: &[usize],
        format: Format,
        colour: Colour,
        rate: f64,
    ) -> Result<Vec<(Digest, Match)>> {
        let mut manifests: BTreeMap<Digest, Vec<(Digest, u64, u64)>> = BTreeMap::new();
        let ends = starts.iter().skip(1).copied().chain([digests.len()]);
        let ranges: Vec<(usize, usize)> = starts.iter().copied().zip(ends).collect();
        for (codec, quality) in self.catalogue.codings()? {
            for (from, to) in &ranges {
                let key = frames_key(codec, quality, format.layout, colour, &digests[*from..*to]);
                if let Some((segment, Some(manifest))) = self.catalogue.segment_of(key)? {
                    manifests.entry(manifest).or_default().push((segment, *from as u64, *to as u64));
                }
            }
        }
        let mut matches = Vec::new();
        for (manifest, segments) in manifests {
            for row in self.catalogue.rows_of(manifest, 1)? {
                if let Some(video) = self.video(row)? {
                    let found = video.in_common(&segments, digests.len() as u64, rate);
                    matches.push((video.manifest.root, found));
                }
            }
        }
        matches.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score).then(a.name.cmp(&b.name)));
        Ok(matches)
    }
}
