//! A server with a store of its own, and small videos.
#![allow(dead_code, missing_docs)]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use vcn_media::{Colour, Picture, Rational, Yuv420};
use vcn_serve::{
    Client, Push, Pushed, Users, push,
    server::{Limits, Server, Stopper},
};
use vcn_store::{
    BlockSpectrum, BoxError, Class, Clip, Digest, DigestSplitter, Format, Location, Planes, SegmentCodec,
    SourceFacts, Store,
};

pub const ANN: &str = "ann-0123456789abcdef";
pub const BOB: &str = "bob-0123456789abcdef";
pub const EVE: &str = "eve-0123456789abcdef";
pub const FPS: Rational = Rational { num: 25, den: 1 };
const WIDTH: usize = 32;
const HEIGHT: usize = 24;

/// Frames of a moving gradient with noise: no two are equal.
pub fn take(take: u64, range: std::ops::Range<u64>) -> Vec<Picture> {
    let frame = |index: u64| {
        let mut state = (take << 32) ^ index ^ 0x9E37_79B9_7F4A_7C15;
        let mut plane = |size: usize, base: u64| -> Vec<u8> {
            let noisy = |at: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (base + at as u64 + index * 3 + (state >> 61)) as u8
            };
            (0..size).map(noisy).collect()
        };
        let chroma = WIDTH / 2 * HEIGHT / 2;
        let (y, u, v) = (plane(WIDTH * HEIGHT, take * 31), plane(chroma, 100), plane(chroma, 150));
        Picture::Yuv420(Yuv420 { width: WIDTH, height: HEIGHT, y, u, v })
    };
    range.map(frame).collect()
}

/// The users of all tests; the word of `ann` counts.
pub fn users(folder: &Path) -> Users {
    let file = folder.join("users");
    std::fs::write(&file, format!("ann {ANN} vouches\nbob {BOB}\neve {EVE}\n")).unwrap();
    Users::read(&file).unwrap()
}

/// A running server.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub address: SocketAddr,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Place {
    pub fn new(limits: Limits) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::init(&Location::folder(folder.path().join("store")), vec![Arc::new(Coarse)]).unwrap();
        let server = Server::bind(store, users(folder.path()), limits, "127.0.0.1:0").unwrap();
        let (address, stopper) = (server.address(), server.stopper());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Place { folder, address, stopper, thread }
    }

    pub fn client(&self, token: &str) -> Client {
        Client::new(&format!("http://{}", self.address), token, Duration::ZERO).unwrap()
    }

    /// Stops the server and opens its store.
    pub fn stop(mut self) -> (tempfile::TempDir, Store) {
        self.stopper.stop();
        self.thread.take().unwrap().join().unwrap();
        let store =
            Store::open(&Location::folder(self.folder.path().join("store")), vec![Arc::new(Coarse)]).unwrap();
        (self.folder, store)
    }

    /// Sends bytes as they are; the answer until the server closes.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // A server that has refused may close before all is sent.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A request with a token; status, headers and body.
    pub fn ask(&self, method: &str, path: &str, token: &str, headers: &str, body: &[u8]) -> (u16, String) {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-length: {}\r\n{headers}\r\n",
            body.len()
        )
        .into_bytes();
        request.extend(body);
        let answer = self.raw(&request);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("{method} {path}: {answer}")), answer)
    }
}

/// Pushes frames in class `frames`.
pub fn push_frames(client: &Client, name: &str, frames: &[Picture]) -> vcn_serve::Result<Pushed> {
    push_with(client, name, frames, &Planes::default())
}

/// Pushes frames with a codec.
pub fn push_with(
    client: &Client,
    name: &str,
    frames: &[Picture],
    codec: &dyn SegmentCodec,
) -> vcn_serve::Result<Pushed> {
    let request = Push {
        name,
        class: if codec.lossless() { Class::Frames } else { Class::Quality },
        codec,
        quality: 0,
        splitter: &mut DigestSplitter::default(),
        rate: FPS,
        colour: Colour::RGB_INPUT,
        source: SourceFacts::default(),
        side: Vec::new(),
        original: None,
        overwrite: false,
        descriptor: Some(&BlockSpectrum),
    };
    push(client, request, &mut Clip::new(frames.to_vec()), &mut || {})
}

/// All frames of a name.
pub fn play(store: &Store, name: &str) -> Vec<Picture> {
    let mut playback = store.get(name, None).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = playback.next_frame().unwrap() {
        frames.push(frame);
    }
    frames
}

/// A lossy codec: drops the lowest bit of each sample, then codes the frames as the lossless one does.
pub struct Coarse;

impl SegmentCodec for Coarse {
    fn id(&self) -> Digest {
        Digest::of(b"coarse")
    }

    fn name(&self) -> String {
        "coarse".to_owned()
    }

    fn lossless(&self) -> bool {
        false
    }

    fn encode(&self, frames: &[Picture], colour: Colour, quality: u16) -> Result<Vec<u8>, BoxError> {
        let coarse: Vec<Picture> = frames
            .iter()
            .map(|frame| {
                let mut frame = frame.to_yuv420(colour);
                frame.y.iter_mut().for_each(|sample| *sample &= 0xFE);
                frame.into()
            })
            .collect();
        Planes::default().encode(&coarse, colour, quality)
    }

    fn decode(&self, bytes: &[u8], format: Format, frames: usize) -> Result<Vec<Picture>, BoxError> {
        Planes::default().decode(bytes, format, frames)
    }

    fn decoded_format(&self, source: Format) -> Format {
        source
    }
}
