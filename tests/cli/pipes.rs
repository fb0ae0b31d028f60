//! Standard input and output.

use crate::vcn::Place;

#[test]
fn everything_through_pipes() {
    let place = Place::new();
    place.video("in.y4m", 40, 24, 5);
    place.ok("compress in.y4m -o a.vcn --gop 2 --model MODEL");
    place.ok("decompress a.vcn -o out.y4m --model MODEL");

    let coded = place.run_with("compress - -o - --gop 2 --model MODEL", &place.bytes("in.y4m"));
    assert_eq!(coded.code, 0, "{}", coded.err);
    assert!(coded.out == place.bytes("a.vcn"));
    // The summary went elsewhere.
    assert!(coded.err.contains("bpp"), "{}", coded.err);

    let decoded = place.run_with("decompress - -o - --model MODEL", &coded.out);
    assert_eq!(decoded.code, 0, "{}", decoded.err);
    assert!(decoded.out == place.bytes("out.y4m"));

    for command in ["info -", "verify - --model MODEL"] {
        let ran = place.run_with(command, &coded.out);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    let ran = place.run_with("metrics in.y4m - --json", &decoded.out);
    assert_eq!(ran.json()["frames"], 5);
    assert_eq!(place.names(), ["a.vcn", "in.y4m", "out.y4m"]);
}

#[test]
fn what_follows_the_end_of_a_piped_stream_is_an_error() {
    let place = Place::new();
    place.video("in.y4m", 16, 16, 1);
    place.ok("compress in.y4m -o a.vcn --model MODEL");
    let mut bytes = place.bytes("a.vcn");
    bytes.extend(b"more");
    assert_eq!(place.run_with("decompress - -o x.y4m --model MODEL", &bytes).code, 3);
    assert_eq!(place.run_with("compress - -o b.vcn --model MODEL", b"not y4m").code, 1);
    assert_eq!(place.run_with("compress - -o b.vcn --model MODEL", b"").code, 1);
    assert_eq!(place.names(), ["a.vcn", "in.y4m"]);
}
