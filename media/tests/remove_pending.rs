//! What a Ctrl-C handler does. Alone in its process, since it concerns all outputs of the process.

#![cfg(feature = "files")]

use std::io::Write;

use vcn_media::{AtomicFile, Fleeting, remove_pending};

#[test]
fn an_interrupted_process_leaves_nothing_behind() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.vcn");
    let mut one = AtomicFile::create(&path, false).unwrap();
    let two = AtomicFile::create(&path, false).unwrap();
    one.write_all(b"half").unwrap();
    let folder = Fleeting::new(&root.path().join("folder"));
    std::fs::create_dir(folder.path()).unwrap();
    let inside = AtomicFile::create(folder.path().join("b.vcn"), false).unwrap();
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 3);
    drop(remove_pending());
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    drop(inside);
    assert!(one.commit().is_err());
    drop(two);

    let mut three = AtomicFile::create(&path, false).unwrap();
    three.write_all(b"whole").unwrap();
    three.commit().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
}
