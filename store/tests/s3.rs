//! What is particular to the archive over the S3 protocol, against a real server on loopback: `moto_server -p PORT` (PyPI's
//! `moto[server]`). Runs where `VCN_TEST_S3` has the server's address, as `http://127.0.0.1:5555`; then, and with the
//! feature `s3`, which `vcn` has unless told otherwise, `promises.rs` holds its promises there, too.
#![cfg(feature = "s3")]
#![allow(missing_docs)]

mod clips;

use std::time::Duration;

use clips::{codecs, play, put, s3::bucket, take};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, path::Path};
use vcn_store::{Error, GcOptions, Location, Sharing, Store, VerifyOptions};

const NOW: GcOptions =
    GcOptions { retention: Duration::ZERO, grace: Duration::ZERO, max_share: 100, dry_run: false };

#[test]
fn the_promises_hold_on_s3() {
    let Some(objects) = bucket("promises") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |catalogue: &str| {
        Location::remote("s3://test", objects.clone(), "a/prefix")
            .with_catalogue(folder.path().join(catalogue))
    };
    let (a, b) = (take(1, 0..60), take(2, 0..40));
    {
        let store = Store::init(&at("one.db"), codecs()).unwrap();
        put(&store, "a", &a).unwrap();
        put(&store, "b", &b).unwrap();
        let same = put(&store, "same", &a).unwrap();
        assert_eq!((same.sharing, same.encoded_frames), (Sharing::Identical, 0));
        store.rm("b").unwrap();
        store.gc(&NOW).unwrap();
        assert!(store.gc(&NOW).unwrap().removed_objects > 0);
        assert_eq!(play(&store, "same").unwrap(), a);
        assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
    }
    // Another machine may not write, until it takes over.
    assert!(matches!(Store::open(&at("two.db"), codecs()), Err(Error::Claimed { .. })));
    assert!(matches!(Store::rebuild_catalogue(&at("two.db"), false, None), Err(Error::Claimed { .. })));
    assert_eq!(Store::rebuild_catalogue(&at("two.db"), true, None).unwrap().names, Some(2));
    assert!(matches!(Store::open(&at("one.db"), codecs()), Err(Error::Claimed { .. })));
    let store = Store::open(&at("two.db"), codecs()).unwrap();
    assert_eq!(play(&store, "a").unwrap(), a);

    // A damaged object is found, and healed by a put.
    let segment = store.stat("a").unwrap().manifest.segments[0].id().path();
    let path = Path::from(format!("a/prefix/{segment}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime
        .block_on(objects.put_opts(&path, b"rubbish".to_vec().into(), PutOptions::from(PutMode::Overwrite)))
        .unwrap();
    assert!(matches!(play(&store, "a"), Err(Error::Damaged { .. })));
    put(&store, "again", &a).unwrap();
    assert_eq!(play(&store, "a").unwrap(), a);
    runtime.block_on(objects.delete(&path)).unwrap();
    assert!(matches!(play(&store, "a"), Err(Error::Missing { .. })));
}

#[test]
fn publication_is_conditional() {
    let Some(objects) = bucket("conditional") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let path = Path::from("x");
    let create = || objects.put_opts(&path, b"first".to_vec().into(), PutOptions::from(PutMode::Create));
    runtime.block_on(create()).unwrap();
    let second = runtime.block_on(create());
    assert!(matches!(second, Err(object_store::Error::AlreadyExists { .. })), "{second:?}");
}
