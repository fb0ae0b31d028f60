//! Requests that are wrong, too long, cut short or malicious are refused, and harm nothing.
#![allow(missing_docs)]

mod place;

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use place::{ANN, BOB, EVE, Place, play, push_frames, take};
use vcn_serve::{Client, server::Limits};
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
        format!("/v2/objects/{segment}").replace(&format!("/{}/", &segment.digest.to_string()[..2]), "/");
    assert_eq!(place.ask("GET", &object, ANN, "", b"").0, 200);

    // Tokens.
    for token in ["", "x", &ANN[..ANN.len() - 1], &format!("{ANN}x"), "ann", "Bearer"] {
        for path in ["/v2/names", "/v2/names/clip", "/metrics", "/v2/account", &object] {
            assert_eq!(place.ask("GET", path, token, "", b"").0, 401, "{token} {path}");
        }
        assert_eq!(place.ask("PUT", "/v2/names/x", token, "", b"{}").0, 401);
    }
    assert!(
        place
            .raw(b"GET /v2/names HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .starts_with("HTTP/1.1 401")
    );

    // Paths.
    for path in [
        "/v2/names/../ann/clip",
        "/v2/names/%2e%2e/ann/clip",
        "/v2/names/a//b",
        "/v2/names/a/",
        "/v2/names/a%00b",
        "/v2/names/a%5cb",
        "/v2/names/..%2f..%2fetc%2fpasswd",
        "/v2/names/%ff",
        "/v2/objects/seg/../../store.json",
        "/v2/objects/log/0000000000000000000000000000000000000000000000000000000000000000",
        "/v2/objects/seg/..%2f..%2fstore.json",
        "/v2/objects/seg/ABCDEF",
        "/v2/originals/../store.json",
        "/store.json",
        "/v2",
        "//",
    ] {
        let (status, answer) = place.ask("GET", path, ANN, "", b"");
        assert!((400..500).contains(&status) && !answer.contains("catalogue"), "{path}: {answer}");
    }
    let long = format!("/v2/names/{}", "x".repeat(2000));
    assert_eq!(place.ask("PUT", &long, ANN, "", b"{}").0, 400);
    // Names of others cannot be reached.
    assert_eq!(place.ask("GET", "/v2/names/clip", BOB, "", b"").0, 404);
    assert_eq!(place.ask("DELETE", "/v2/names/clip", BOB, "", b"").0, 404);

    // Bodies.
    let big = vec![0u8; 200_000];
    let fresh = format!("/v2/objects/seg/{}", Digest::of(&big));
    assert_eq!(place.ask("PUT", &fresh, ANN, "", &big).0, 413);
    assert_eq!(place.ask("POST", "/v2/have", ANN, "", &big).0, 413);
    let other = format!("/v2/objects/seg/{}", Digest::of(b"other"));
    let (status, answer) = place.ask("PUT", &other, ANN, "", b"not those bytes");
    assert!(status == 422 && answer.contains("send it again"), "{answer}");
    let blob = format!("/v2/objects/blob/{}", Digest::of(b"\x07neither"));
    assert_eq!(place.ask("PUT", &blob, ANN, "", b"\x07neither").0, 422);
    for body in [&b""[..], b"{", b"[]", b"{\"identity\":1}", &[0xFF; 50], &[b'['; 50_000]] {
        assert_eq!(place.ask("POST", "/v2/have", ANN, "", body).0, 400);
        assert_eq!(place.ask("PUT", "/v2/names/x", ANN, "", body).0, 400);
        assert_eq!(place.ask("POST", "/v2/shares", ANN, "", body).0, 400);
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
    // One that announces too much is not waited for.
    let announced = format!(
        "PUT {fresh} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ANN}\r\ncontent-length: 99999999999\r\n\r\nabc"
    );
    assert!(place.raw(announced.as_bytes()).starts_with("HTTP/1.1 413"));
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
    // One that comes byte by byte, never silent and never done.
    let started = Instant::now();
    let mut drip = TcpStream::connect(place.address).unwrap();
    drip.set_read_timeout(Some(limits().silence / 10)).unwrap();
    drip.write_all(silent.replace("length: 99", "length: 99999").as_bytes()).unwrap();
    while drip.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
        assert!(started.elapsed() < Duration::from_secs(60), "it may go on for ever");
        // Fails once the server has closed the connection.
        let _ = drip.write_all(b"x");
    }
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
    assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
}

#[test]
fn another_version_of_the_protocol_is_told_as_such() {
    let place = Place::new(limits());
    for old in ["/v1/names", "/v1/have", "/v99/names/clip"] {
        let (status, answer) = place.ask("GET", old, ANN, "", b"");
        assert!(status == 404 && answer.contains("this server speaks version v2"), "{answer}");
    }
    drop(place.stop());

    // A server of before there were versions in answers, and one that is ahead of us.
    for (header, said) in [("", "no known version"), ("vcn-protocol: v3\r\n", "version v3")] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 1024];
            assert!(stream.read(&mut asked).unwrap() > 0);
            let body = "{\"error\":\"no such path: see doc/SERVE.md\"}";
            let length = body.len();
            write!(stream, "HTTP/1.1 404 Not Found\r\n{header}content-length: {length}\r\n\r\n{body}")
                .unwrap();
        });
        let error = Client::new(&url, ANN, Duration::from_secs(5)).unwrap().names("").unwrap_err();
        server.join().unwrap();
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// A client that asks for a large object and takes its time must not have the server hold it in memory.
#[test]
fn slow_receivers_cost_no_memory() {
    /// A list of chunks, which are 36 bytes each.
    const SIZE: usize = 36 * 233_000 + 1;
    const CLIENTS: usize = 12;
    let place =
        Place::new(Limits { object: 1 << 24, daily: 1 << 30, silence: Duration::from_secs(20), ..limits() });
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let bytes: Vec<u8> = std::iter::once(2).chain((1..SIZE).map(|_| random())).collect();
    let path = format!("/v2/objects/blob/{}", Digest::of(&bytes));
    assert_eq!(place.ask("PUT", &path, ANN, "", &bytes).0, 201);
    let ask =
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {ANN}\r\n\r\n");
    let before = resident();
    let mut streams: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| {
            let mut stream = TcpStream::connect(place.address).unwrap();
            stream.write_all(ask.as_bytes()).unwrap();
            // The answer has begun; most of it stays where it is.
            assert!(stream.read(&mut [0; 64]).unwrap() > 0);
            stream
        })
        .collect();
    let grown = resident().saturating_sub(before);
    assert!(grown < CLIENTS * SIZE / 2, "{grown} bytes more for {CLIENTS} clients");
    // Those who go on get all of it.
    let mut rest = Vec::new();
    streams.pop().unwrap().read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(&bytes));
    // Parts of it, too.
    let ask = ask.replace("\r\n\r\n", "\r\nrange: bytes=1000000-1999999\r\n\r\n");
    let mut part = Vec::new();
    let mut stream = TcpStream::connect(place.address).unwrap();
    stream.write_all(ask.as_bytes()).unwrap();
    stream.read_to_end(&mut part).unwrap();
    assert!(part.starts_with(b"HTTP/1.1 206") && part.ends_with(&bytes[1_000_000..2_000_000]));
}

/// Bytes of memory that this process holds.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
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
    assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
}
