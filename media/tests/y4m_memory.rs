//! A Y4M stream cannot make us reserve memory for data that it only announces.

#![cfg(feature = "files")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Counts the largest single allocation.
struct Counting;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: forwards to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn memory_follows_the_data_not_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.y4m");
    let mut stream = b"YUV4MPEG2 W16384 H16384 F25:1 C444\nFRAME\n".to_vec();
    stream.resize(20_000, 7);
    std::fs::write(&path, stream).unwrap();

    LARGEST.store(0, Ordering::Relaxed);
    let mut reader = vcn_media::open(path.to_str().unwrap(), Default::default()).unwrap();
    let message = reader.next().unwrap_err().to_string();
    assert!(message.contains("bomb.y4m: frame 0") && message.contains("cut short"), "{message}");
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest <= 256 * 1024, "{largest} bytes at once for a file of 20 kB");
}
