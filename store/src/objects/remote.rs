//! Objects in an object store such as S3. A publication is one conditional put: all or nothing, and only if the name is
//! free; S3 checks the bytes against the checksum that is sent with them.

use std::{future::Future, sync::Arc, time::SystemTime};

use futures::StreamExt;
use object_store::{
    Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, path::Path,
};

use super::{Backend, Kind, Listed, MAX_OBJECT, ObjectId, check};
use crate::{
    error::{Error, Result},
    failpoint::reached,
};

pub(crate) struct Remote {
    objects: Arc<dyn ObjectStore>,
    prefix: String,
    #[cfg(feature = "s3")]
    runtime: tokio::runtime::Runtime,
}

impl Remote {
    pub fn new(objects: Arc<dyn ObjectStore>, prefix: &str) -> Result<Remote> {
        Ok(Remote {
            objects,
            prefix: prefix.to_owned(),
            #[cfg(feature = "s3")]
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .map_err(Error::io("start the network threads", prefix))?,
        })
    }

    #[cfg(feature = "s3")]
    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    #[cfg(not(feature = "s3"))]
    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        futures::executor::block_on(future)
    }

    fn path(&self, path: &str) -> Path {
        Path::from(format!("{}/{path}", self.prefix))
    }

    fn put(&self, path: &str, bytes: &[u8], mode: PutMode) -> std::result::Result<(), StoreError> {
        let payload = PutPayload::from(bytes.to_vec());
        let options = PutOptions::from(mode);
        self.wait(self.objects.put_opts(&self.path(path), payload, options)).map(|_| ())
    }
}

impl Backend for Remote {
    fn publish(&self, id: ObjectId, bytes: &[u8]) -> Result<bool> {
        check(id, bytes)?;
        reached("object.checked")?;
        match self.put(&id.path(), bytes, PutMode::Create) {
            Ok(()) => {
                reached("object.durable")?;
                Ok(true)
            }
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => {
                let found = self.read(&id.path(), MAX_OBJECT)?;
                let damaged = found.is_none_or(|found| check(id, &found).is_err());
                if damaged {
                    self.put(&id.path(), bytes, PutMode::Overwrite).map_err(failed("write", &id.path()))?;
                }
                Ok(damaged)
            }
            Err(error) => Err(failed("write", &id.path())(error)),
        }
    }

    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        self.wait(async {
            let found = match self.objects.get(&self.path(path)).await {
                Ok(found) => found,
                Err(StoreError::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(failed("read", path)(error)),
            };
            let mut stream = found.into_stream();
            let mut bytes = Vec::new();
            while let Some(part) = stream.next().await {
                bytes.extend_from_slice(&part.map_err(failed("read", path))?);
                if bytes.len() as u64 > limit {
                    break;
                }
            }
            Ok(Some(bytes))
        })
    }

    fn size(&self, path: &str) -> Result<Option<u64>> {
        match self.wait(self.objects.head(&self.path(path))) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed("read", path)(error)),
        }
    }

    fn list(&self, kind: Kind, each: &mut dyn FnMut(Listed) -> Result<()>) -> Result<()> {
        self.wait(async {
            let folder = self.path(kind.folder());
            let mut found = self.objects.list(Some(&folder));
            while let Some(meta) = found.next().await {
                let meta = meta.map_err(failed("list", kind.folder()))?;
                let path = meta.location.as_ref();
                let path = path.strip_prefix(&self.prefix).unwrap_or(path).trim_start_matches('/');
                if let Some(id) = ObjectId::from_path(path) {
                    each(Listed { id, bytes: meta.size })?;
                }
            }
            Ok(())
        })
    }

    fn remove(&self, path: &str) -> Result<()> {
        match self.wait(self.objects.delete(&self.path(path))) {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("remove", path)(error)),
        }
    }

    fn set_aside(&self, id: ObjectId) -> Result<()> {
        let aside = format!("damaged/{}-{}", id.kind.folder(), id.digest);
        match self.read(&id.path(), MAX_OBJECT)? {
            None => Ok(()),
            Some(bytes) => {
                self.write(&aside, &bytes)?;
                self.remove(&id.path())
            }
        }
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.put(path, bytes, PutMode::Overwrite).map_err(failed("write", path))
    }

    fn remove_temporary(&self, _before: SystemTime, _dry_run: bool) -> Result<u64> {
        Ok(0)
    }
}

fn failed(doing: &'static str, object: &str) -> impl FnOnce(StoreError) -> Error {
    let object = object.to_owned();
    move |error| Error::Backend { doing, object, reason: error.to_string() }
}
