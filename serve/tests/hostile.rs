//! Requests that are wrong, too long, cut short or malicious are refused, and harm nothing.
#![allow(missing_docs)]

mod place;

use std::{io::Write, net::TcpStream, time::Duration};

use place::{ANN, BOB, EVE, Place, play, push_frames, take};
use vcn_serve::server::Limits;
use vcn_store::{Digest, VerifyOptions};

fn limits() -> Limits {
    Limits {
        object: 100_000,
        json: 100_000,
        decoded: 1 << 20,
        daily: 1 << 20,
        silence: Duration::from_millis(300),
        ..Limits::default()
    }
}

#[test]
fn hostile_requests_are_refused() {
    let place = Place::new(limits());
    let clip = take(1, 0..20);
    push_frames(&place.client(ANN), "clip", &clip).unwrap();
    let segment = place.client(ANN).describe("clip").unwrap().manifest.segments[0].id();
    let object =
        format!("/v1/objects/{segment}").replace(&format!("/{}/", &segment.digest.to_string()[..2]), "/");
    assert_eq!(place.ask("GET", &object, ANN, "", b"").0, 200);

    // Tokens.
    for token in ["", "x", &ANN[..ANN.len() - 1], &format!("{ANN}x"), "ann", "Bearer"] {
        for path in ["/v1/names", "/v1/names/clip", "/metrics", "/v1/account", &object] {
            assert_eq!(place.ask("GET", path, token, "", b"").0, 401, "{token} {path}");
        }
        assert_eq!(place.ask("PUT", "/v1/names/x", token, "", b"{}").0, 401);
    }
    assert!(
        place
            .raw(b"GET /v1/names HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .starts_with("HTTP/1.1 401")
    );

    // Paths.
    for path in [
        "/v1/names/../ann/clip",
        "/v1/names/%2e%2e/ann/clip",
        "/v1/names/a//b",
        "/v1/names/a/",
        "/v1/names/a%00b",
        "/v1/names/a%5cb",
        "/v1/names/..%2f..%2fetc%2fpasswd",
        "/v1/names/%ff",
        "/v1/objects/seg/../../store.json",
        "/v1/objects/log/0000000000000000000000000000000000000000000000000000000000000000",
        "/v1/objects/seg/..%2f..%2fstore.json",
        "/v1/objects/seg/ABCDEF",
        "/v1/originals/../store.json",
        "/store.json",
        "/v1",
        "//",
    ] {
        let (status, answer) = place.ask("GET", path, ANN, "", b"");
        assert!((400..500).contains(&status) && !answer.contains("catalogue"), "{path}: {answer}");
    }
    let long = format!("/v1/names/{}", "x".repeat(2000));
    assert_eq!(place.ask("PUT", &long, ANN, "", b"{}").0, 400);
    // Names of others cannot be reached.
    assert_eq!(place.ask("GET", "/v1/names/clip", BOB, "", b"").0, 404);
    assert_eq!(place.ask("DELETE", "/v1/names/clip", BOB, "", b"").0, 404);

    // Bodies.
    let big = vec![0u8; 200_000];
    let fresh = format!("/v1/objects/seg/{}", Digest::of(&big));
    assert_eq!(place.ask("PUT", &fresh, ANN, "", &big).0, 413);
    assert_eq!(place.ask("POST", "/v1/have", ANN, "", &big).0, 413);
    let other = format!("/v1/objects/seg/{}", Digest::of(b"other"));
    assert_eq!(place.ask("PUT", &other, ANN, "", b"not those bytes").0, 422);
    let blob = format!("/v1/objects/blob/{}", Digest::of(b"\x07neither"));
    assert_eq!(place.ask("PUT", &blob, ANN, "", b"\x07neither").0, 422);
    for body in [&b""[..], b"{", b"[]", b"{\"identity\":1}", &[0xFF; 50], &[b'['; 50_000]] {
        assert_eq!(place.ask("POST", "/v1/have", ANN, "", body).0, 400);
        assert_eq!(place.ask("PUT", "/v1/names/x", ANN, "", body).0, 400);
        assert_eq!(place.ask("POST", "/v1/shares", ANN, "", body).0, 400);
    }
    // A chunked body without an announced length is counted as it comes.
    let mut chunked = format!(
        "PUT {fresh} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ANN}\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for _ in 0..20 {
        chunked.extend(b"2710\r\n");
        chunked.extend([0; 10_000]);
        chunked.extend(b"\r\n");
    }
    assert!(place.raw(&chunked).starts_with("HTTP/1.1 413"));
    // A body that is cut short, and one that never comes.
    let mut short = TcpStream::connect(place.address).unwrap();
    short
        .write_all(format!("PUT {other} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ANN}\r\ncontent-length: 99\r\n\r\nabc").as_bytes())
        .unwrap();
    drop(short);
    let silent = format!(
        "PUT {other} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ANN}\r\ncontent-length: 99\r\n\r\nabc"
    );
    assert!(place.raw(silent.as_bytes()).starts_with("HTTP/1.1 408"));
    // No request at all, half of one, and none that is HTTP.
    assert!(!place.raw(b"GET /healthz HTT").contains("200"));
    assert!(place.raw(b"\x16\x03\x01\x02\x00\x01\x00").starts_with("HTTP/1.1 400"));
    assert!(
        place
            .raw(format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)).as_bytes())
            .starts_with("HTTP/1.1 4")
    );

    // After all that, all is as it was.
    let (_folder, store) = place.stop();
    assert_eq!(play(&store, "ann/clip"), clip);
    assert_eq!(store.len().unwrap(), 1);
    assert!(store.verify(VerifyOptions { decode: true }, &mut |_| {}).unwrap().is_sound());
}

#[test]
fn nobody_brings_in_more_than_is_allowed_in_a_day() {
    let place = Place::new(Limits { daily: 20_000, ..limits() });
    let eve = place.client(EVE);
    let full = (0..100).find_map(|index| push_frames(&eve, &format!("{index}"), &take(index, 0..12)).err());
    assert!(full.unwrap().to_string().contains("507"));
    // Others are not harmed.
    push_frames(&place.client(BOB), "x", &take(200, 0..12)).unwrap();
    let (_folder, store) = place.stop();
    assert!(store.verify(VerifyOptions { decode: true }, &mut |_| {}).unwrap().is_sound());
}
