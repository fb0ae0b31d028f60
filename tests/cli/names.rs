//! Outputs: nothing is overwritten, mixed or left behind; names that cannot be meant are refused.

use crate::vcn::Place;

#[test]
fn existing_files_are_kept_unless_told() {
    let place = Place::new();
    place.video("in.y4m", 16, 16, 2);
    std::fs::write(place.path("a.vcn"), "precious").unwrap();
    place.fails("compress in.y4m -o a.vcn --model MODEL", 1, "exists");
    assert_eq!(place.bytes("a.vcn"), b"precious");
    place.ok("compress in.y4m -o a.vcn --overwrite --model MODEL");

    std::fs::write(place.path("log.csv"), "precious").unwrap();
    place.fails("compress in.y4m -o b.vcn --log log.csv --model MODEL", 1, "log.csv");
    assert_eq!(place.bytes("log.csv"), b"precious");

    place.ok("decompress a.vcn -o out --model MODEL");
    place.fails("decompress a.vcn -o out --model MODEL", 1, "exists");
    place.ok("decompress a.vcn -o out --frames 0..1 --overwrite --model MODEL");
    // No frame of the longer run before stays behind.
    assert_eq!(place.frames("out").len(), 1);
    place.fails("decompress a.vcn -o in.y4m --model MODEL", 1, "exists");
    assert_eq!(place.names(), ["a.vcn", "in.y4m", "log.csv", "out"]);
}

#[test]
fn names_that_cannot_be_meant() {
    let place = Place::new();
    place.video("in.y4m", 16, 16, 2);
    place.ok("compress in.y4m -o a.vcn --model MODEL");
    place.fails("compress in.y4m -o b.mp4 --model MODEL", 2, ".vcn");
    place.fails("compress a.vcn -o b.vcn --model MODEL", 2, "compressed already");
    place.fails("decompress a.vcn -o b.vcn --model MODEL", 2, "not .vcn");
    place.fails("metrics in.y4m a.vcn", 2, "decode");
    place.fails("compress none.y4m -o b.vcn --model MODEL", 1, "none.y4m: no such file");
    place.fails("compress in.y4m -o none/b.vcn --model MODEL", 1, "none");
    std::fs::create_dir(place.path("empty")).unwrap();
    place.fails("compress empty -o b.vcn --model MODEL", 1, "no frames");
    assert_eq!(place.names(), ["a.vcn", "empty", "in.y4m"]);
}

#[test]
fn wrong_arguments() {
    let place = Place::new();
    place.video("in.y4m", 16, 16, 2);
    for arguments in [
        "",
        "frobnicate",
        "compress in.y4m",
        "compress in.y4m -o a.vcn -q 64",
        "compress in.y4m -o a.vcn -q -1",
        "compress in.y4m -o a.vcn --gop 0",
        "compress in.y4m -o a.vcn --gop none",
        "compress in.y4m -o a.vcn --threads 0",
        "compress in.y4m -o a.vcn --frames 0",
        "compress in.y4m -o a.vcn --target-bpp 0",
        "compress in.y4m -o a.vcn --target-bpp nan",
        "compress in.y4m -o a.vcn --target-bpp 1 --target-psnr 30",
        "compress in.y4m -o a.vcn --target-bpp 1 -q 3",
        "compress in.y4m -o a.vcn --metric ms-ssim --model MODEL",
        "compress in.y4m -o a.vcn --device abacus",
        "compress in.y4m -o a.vcn --fps 0",
        "decompress a.vcn -o b --salvage --frames 0..1",
    ] {
        let ran = place.run(arguments);
        assert_eq!(ran.code, 2, "{arguments}: {}", ran.err);
        assert!(!ran.err.is_empty());
    }
    assert_eq!(place.names(), ["in.y4m"]);
}

#[test]
#[cfg(unix)]
fn devices() {
    let place = Place::new();
    place.video("in.y4m", 16, 16, 1);
    place.ok("compress in.y4m -o /dev/null --model MODEL");
    if std::path::Path::new("/dev/full").exists() {
        place.fails("compress in.y4m -o /dev/full --model MODEL", 1, "/dev/full");
    }
    place.ok("compress in.y4m -o a.vcn --model MODEL");
}
