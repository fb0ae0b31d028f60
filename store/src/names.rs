//! Names: listing, looking at, removing and bringing them back; the journal.

use crate::{
    catalogue::{Change, EntryRow, ManifestRow},
    digest::Digest,
    error::{Error, Result},
    failpoint::reached,
    manifest::Manifest,
    objects::{Kind, ObjectId, fetch},
    record::{Entry, Event, Record},
    segment,
    store::Store,
};

/// A name in a listing.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The name.
    pub name: String,
    /// `quality`, `frames` or `source`.
    pub class: String,
    /// Frames.
    pub frames: u64,
    /// Luma width in samples.
    pub width: u32,
    /// Luma height in samples.
    pub height: u32,
    /// Bytes of the source file.
    pub source_bytes: u64,
    /// Bytes of its segments and side streams, shared or not.
    pub stored_bytes: u64,
    /// When it was put, in microseconds since 1970.
    pub put_at: i64,
    /// When it was removed or replaced, for a tombstone.
    pub ended_at: Option<i64>,
    /// Digest of its frames and side streams: equal for equal videos.
    pub identity: Digest,
}

/// Everything that is known of a name.
#[derive(Clone, Debug)]
pub struct Stat {
    /// The line of `ls`.
    pub listing: Listing,
    /// What the name stands for.
    pub entry: Entry,
    /// What that consists of.
    pub manifest: Manifest,
    /// Other names of the same manifest, a hundred at most.
    pub same: Vec<String>,
}

impl Store {
    /// Live names that start with `prefix`, in order, from the first one behind `after`.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn ls(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<Listing>> {
        Ok(self.catalogue.page(prefix, after, limit)?.into_iter().map(listing).collect())
    }

    /// Tombstones of names that start with `prefix`, the latest first.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn tombstones(&self, prefix: &str, limit: usize) -> Result<Vec<Listing>> {
        Ok(self.catalogue.ended(prefix, limit)?.into_iter().map(listing).collect())
    }

    /// How many names there are.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn len(&self) -> Result<u64> {
        self.catalogue.count_live()
    }

    /// Whether there is no name.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Everything that is known of a name.
    ///
    /// # Errors
    /// [`Error::UnknownName`], or a loss.
    pub fn stat(&self, name: &str) -> Result<Stat> {
        let Some(row) = self.catalogue.live(name)? else {
            return Err(Error::UnknownName { name: name.to_owned() });
        };
        let entry = self.entry_of(&row)?;
        let id = ObjectId { kind: Kind::Manifest, digest: entry.manifest };
        let manifest = Manifest::read(self.objects.as_ref(), id)?;
        let mut same = self.catalogue.names_of(entry.manifest, 101)?;
        same.retain(|other| other != name);
        same.truncate(100);
        Ok(Stat { listing: listing(row), entry, manifest, same })
    }

    /// Removes a name. What it stood for stays until a collection purges it; until then [`Store::undelete`] works.
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn rm(&self, name: &str) -> Result<()> {
        reached("rm.begun")?;
        let event = Event::Rm { name: name.to_owned() };
        let change = Change { event, manifest: None, lease: None, replace: false };
        self.catalogue.apply(self.objects.as_ref(), change, || reached("rm.record"))?;
        reached("rm.published")
    }

    /// Brings the latest removed or replaced video of a name back; of a name whose pictures were given up for others,
    /// its own ones.
    ///
    /// # Errors
    /// [`Error::NotRemoved`] if there is none, [`Error::NameTaken`] if the name stands for something again.
    pub fn undelete(&self, name: &str) -> Result<()> {
        let (entry, row, replace) = self.brought_back(name)?;
        reached("undelete.begun")?;
        let change = Change { event: Event::Undelete(entry), manifest: Some(&row), lease: None, replace };
        self.catalogue.apply(self.objects.as_ref(), change, || reached("undelete.record"))?;
        reached("undelete.published")
    }

    /// Whether [`Store::undelete`] can be done.
    ///
    /// # Errors
    /// As its own.
    pub fn can_undelete(&self, name: &str) -> Result<()> {
        let (_, _, replace) = self.brought_back(name)?;
        match self.catalogue.live(name)? {
            Some(_) if !replace => Err(Error::NameTaken { name: name.to_owned() }),
            _ => Ok(()),
        }
    }

    /// What `undelete` brings back, and whether it takes the place of what the name stands for now.
    fn brought_back(&self, name: &str) -> Result<(Entry, ManifestRow, bool)> {
        let receipt = match self.catalogue.live(name)? {
            Some(row) => self.entry_of(&row)?.receipt,
            None => None,
        };
        let ended = match &receipt {
            Some(receipt) => self.catalogue.ended_with(name, receipt.replaced)?,
            None => self.catalogue.last_ended(name)?,
        };
        let Some(row) = ended else { return Err(Error::NotRemoved { name: name.to_owned() }) };
        let entry = self.entry_of(&row)?;
        let id = ObjectId { kind: Kind::Manifest, digest: entry.manifest };
        let manifest = Manifest::read(self.objects.as_ref(), id)?;
        Ok((entry, ManifestRow::of(id.digest, &manifest), receipt.is_some()))
    }

    /// The latest events, of one name or of all, the latest first.
    ///
    /// # Errors
    /// The catalogue or a record cannot be read.
    pub fn log(&self, name: Option<&str>, limit: usize) -> Result<Vec<Record>> {
        let events = self.catalogue.events(name, limit)?;
        events.iter().map(|event| Record::read(self.objects.as_ref(), event.id())).collect()
    }

    /// An object in words, for whoever recovers a store by hand.
    ///
    /// # Errors
    /// The object is missing, damaged or malformed.
    pub fn inspect(&self, id: ObjectId) -> Result<String> {
        let backend = self.objects.as_ref();
        Ok(match id.kind {
            Kind::Log => format!("{:#?}", Record::read(backend, id)?),
            Kind::Manifest => format!("{:#?}", Manifest::read(backend, id)?),
            Kind::Segment => {
                let pictures = self.decode_segment(id)?;
                format!("{:#?}\n{} pictures", segment::parse(id, &fetch(backend, id)?)?.0, pictures.len())
            }
            Kind::Blob | Kind::Descriptors => format!("{} bytes", fetch(backend, id)?.len()),
        })
    }

    /// Marks two videos as no duplicates of each other, or takes that back.
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn mark_distinct(&self, a: &str, b: &str, revoked: bool) -> Result<()> {
        let identity = |name: &str| match self.catalogue.live(name)? {
            Some(row) => Ok(row.identity),
            None => Err(Error::UnknownName { name: name.to_owned() }),
        };
        let event = Event::Distinct { a: identity(a)?, b: identity(b)?, revoked };
        let change = Change { event, manifest: None, lease: None, replace: false };
        self.catalogue.apply(self.objects.as_ref(), change, || Ok(()))?;
        Ok(())
    }

    /// Whether two identities are marked as no duplicates.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn is_distinct(&self, a: Digest, b: Digest) -> Result<bool> {
        self.catalogue.is_distinct(a, b)
    }
}

fn listing(row: EntryRow) -> Listing {
    Listing {
        name: row.name,
        class: row.class,
        frames: row.frames,
        width: row.width,
        height: row.height,
        source_bytes: row.source_bytes,
        stored_bytes: row.stored_bytes,
        put_at: row.sequence,
        ended_at: row.ended,
        identity: row.identity,
    }
}
