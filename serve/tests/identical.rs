//! An identical video costs a reference, whoever sends it and whoever gets it.
#![allow(missing_docs)]

mod place;

use place::{ANN, BOB, Coarse, EVE, FPS, Place, play, push_frames, push_with, take};
use vcn_media::{Colour, Picture, Rational};
use vcn_serve::{Push, pull, push, server::Limits};
use vcn_store::{
    BlockSpectrum, BoxError, Class, Clip, Digest, DigestSplitter, FrameSource, Location, Planes,
    SegmentCodec, SideStream, SourceFacts, Store, Times, VerifyOptions,
};

#[test]
fn what_is_there_is_not_sent_again() {
    let place = Place::new(Limits::default());
    let (ann, bob) = (place.client(ANN), place.client(BOB));
    let clip = take(1, 0..100);
    let first = push_frames(&ann, "holiday/clip.mkv", &clip).unwrap();
    assert_eq!((first.encoded_frames, first.sent_segments), (100, first.segments));
    // The same from another user: nothing is encoded, a few kilobytes are said.
    let second = push_frames(&bob, "mine", &clip).unwrap();
    assert_eq!((second.encoded_frames, second.published.sharing.as_str()), (0, "identical"));
    assert!(second.traffic.sent < 1000 && second.traffic.sent * 20 < first.traffic.sent, "{second:?}");
    // Doing it again changes nothing.
    assert_eq!(push_frames(&bob, "mine", &clip).unwrap().published.sharing, "there");
    // A trim sends only what is new of it.
    let trim = push_frames(&bob, "trim", &clip[30..]).unwrap();
    assert!(trim.encoded_frames < 40 && trim.published.sharing == "segments", "{trim:?}");
    // Names belong to users.
    assert!(push_frames(&ann, "holiday/clip.mkv", &take(2, 0..5)).is_err());
    assert_eq!(
        bob.names("").unwrap().iter().map(|named| named.name.clone()).collect::<Vec<_>>(),
        ["mine", "trim"]
    );
    assert!(bob.describe("holiday/clip.mkv").is_err() && bob.remove("holiday/clip.mkv").is_err());
    bob.remove("trim").unwrap();
    let saved: u64 = bob.account().unwrap().traffic.iter().map(|line| line.saved).sum();
    assert!(saved > first.traffic.sent / 2, "{saved}");
    let (_folder, store) = place.stop();
    assert_eq!(play(&store, "ann/holiday/clip.mkv"), clip);
    assert_eq!(play(&store, "bob/mine"), clip);
    assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
}

/// What looks like a take and is not.
fn noisy(mut frames: Vec<Picture>) -> Vec<Picture> {
    for frame in &mut frames {
        if let Picture::Yuv420(frame) = frame {
            frame.y.iter_mut().step_by(3).for_each(|y| *y ^= 1);
        }
    }
    frames
}

#[test]
fn copies_that_look_alike_are_reported_to_their_owner_alone() {
    let place = Place::new(Limits::default());
    let (ann, bob) = (place.client(ANN), place.client(BOB));
    let clip = take(1, 0..100);
    assert!(push_frames(&ann, "clip", &clip).unwrap().alike.is_empty());
    let copy = push_frames(&ann, "copy", &noisy(clip.clone())).unwrap();
    assert_eq!((copy.alike[0].name.as_str(), copy.encoded_frames), ("clip", 100), "{:?}", copy.alike);
    assert!(copy.alike[0].score > 0.9 && !copy.alike[0].mirrored, "{:?}", copy.alike);
    assert!(push_frames(&bob, "copy", &noisy(clip[1..].to_vec())).unwrap().alike.is_empty());
    let (_folder, store) = place.stop();
    assert_eq!(play(&store, "ann/copy"), noisy(clip));
}

/// Frames that are shown at times of their own.
struct Timed(Clip, Vec<i64>);

impl FrameSource for Timed {
    fn next_frame(&mut self) -> Result<Option<Picture>, BoxError> {
        self.0.next_frame()
    }

    fn rewind(&mut self) -> Result<bool, BoxError> {
        self.0.rewind()
    }

    fn times(&mut self) -> Result<Option<Times>, BoxError> {
        Ok(Some(Times { base: Rational { num: 1, den: 90_000 }, ticks: self.1.clone() }))
    }
}

#[test]
fn times_of_frames_travel_with_them() {
    let place = Place::new(Limits::default());
    let ann = place.client(ANN);
    let frames = take(1, 0..30);
    let ticks: Vec<i64> = (0..30).map(|index| index * 3000 + index % 4 * 700).collect();
    for name in ["clip", "same"] {
        let mut planes = DigestSplitter::default();
        let request = Push {
            name,
            class: Class::Frames,
            codec: &Planes::default(),
            quality: 0,
            splitter: &mut planes,
            rate: FPS,
            colour: Colour::RGB_INPUT,
            source: SourceFacts::default(),
            side: Vec::new(),
            original: None,
            overwrite: false,
            descriptor: None,
        };
        push(&ann, request, &mut Timed(Clip::new(frames.clone()), ticks.clone()), &mut || {}).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let own = Store::init(&Location::folder(folder.path()), Vec::new()).unwrap();
    for name in ["clip", "same"] {
        pull(&ann, name, &own, name, false).unwrap();
        assert_eq!(own.get(name, None).unwrap().ticks().unwrap(), Some(ticks.clone()), "{name}");
    }
}

/// The server cannot check what a lossy segment was made from.
#[test]
fn lossy_segments_of_strangers_are_encoded_again_and_not_sent() {
    let place = Place::new(Limits::default());
    let (ann, bob, eve) = (place.client(ANN), place.client(BOB), place.client(EVE));
    let clip = take(1, 0..60);
    let first = push_with(&bob, "clip", &clip, &Coarse).unwrap();
    assert_eq!((first.encoded_frames, first.sent_segments), (60, first.segments));
    // His own word is good for his own videos.
    let own = push_with(&bob, "trim", &clip[20..], &Coarse).unwrap();
    assert!(own.encoded_frames < 30, "{own:?}");
    assert_eq!(push_with(&bob, "again", &clip, &Coarse).unwrap().encoded_frames, 0);
    // Nobody else takes it for true, but equal segments have equal digests.
    let stranger = push_with(&eve, "clip", &clip, &Coarse).unwrap();
    assert_eq!((stranger.encoded_frames, stranger.sent_segments), (60, 0));
    // Ann's word counts for all.
    push_with(&ann, "clip", &clip, &Coarse).unwrap();
    let after = push_with(&eve, "mine", &clip[..40], &Coarse).unwrap();
    assert!(after.encoded_frames < 10, "{after:?}");
    let (_folder, store) = place.stop();
    assert_eq!(store.stat("bob/clip").unwrap().manifest.claimant.as_deref(), Some("bob"));
    assert_eq!(store.stat("eve/clip").unwrap().manifest.claimant.as_deref(), Some("eve"));
    assert_eq!(store.stat("ann/clip").unwrap().manifest.claimant, None);
    assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
}

#[test]
fn receivers_who_hold_a_copy_fetch_a_reference() {
    let place = Place::new(Limits::default());
    let (ann, bob, eve) = (place.client(ANN), place.client(BOB), place.client(EVE));
    let clip = take(1, 0..60);
    push_frames(&ann, "clip", &clip).unwrap();
    let shared = ann.share("clip", &["bob".to_owned(), "eve".to_owned()]).unwrap();
    assert!(shared.deliveries.iter().all(|delivery| delivery.held_as.is_none() && delivery.bytes > 1000));
    let again = bob.share("from/ann/clip", &["ann".to_owned(), "eve".to_owned()]).unwrap();
    let held: Vec<_> =
        again.deliveries.iter().map(|delivery| (delivery.held_as.as_deref(), delivery.bytes)).collect();
    assert_eq!(held, [(Some("clip"), 0), (Some("from/ann/clip"), 0)]);
    assert!(ann.share("clip", &["nobody".to_owned()]).is_err() && ann.share("clip", &[]).is_err());

    let folder = tempfile::tempdir().unwrap();
    let own = Store::init(&Location::folder(folder.path()), Vec::new()).unwrap();
    let first = pull(&eve, "from/ann/clip", &own, "clip", false).unwrap();
    assert_eq!(play(&own, "clip"), clip);
    let second = pull(&eve, "from/bob/from/ann/clip", &own, "again", false).unwrap();
    assert_eq!((second.fetched, second.outcome.encoded_frames), (0, 0));
    assert!(second.traffic.received * 5 < first.traffic.received, "{second:?} {first:?}");
    assert!(own.verify(VerifyOptions { decode: true }).unwrap().is_sound());
}

/// The samples of a frame, scrambled so that they cannot be compressed.
fn noise(frame: &vcn_media::Picture) -> Vec<u8> {
    let digest = vcn_store::frame_digest(frame).0;
    (0..36u8).flat_map(|round| Digest::of(&[&digest[..], &[round]].concat()).0).collect()
}

#[test]
fn originals_and_side_streams_arrive_and_are_served_in_parts() {
    let place = Place::new(Limits::default());
    let ann = place.client(ANN);
    let original: Vec<u8> = take(9, 0..2605).iter().flat_map(noise).take(3_000_000).collect();
    let send = |name: &str| {
        let request = Push {
            name,
            class: Class::Source,
            codec: &Planes::default(),
            quality: 0,
            splitter: &mut DigestSplitter::default(),
            rate: FPS,
            colour: Colour::RGB_INPUT,
            source: SourceFacts::default(),
            side: vec![SideStream {
                kind: "audio".to_owned(),
                label: "en".to_owned(),
                identity: None,
                bytes: b"la la".to_vec(),
            }],
            original: Some(&mut original.as_slice()),
            overwrite: false,
            descriptor: Some(&BlockSpectrum),
        };
        push(&ann, request, &mut Clip::new(take(1, 0..20)), &mut || {}).unwrap()
    };
    let first = send("a file.mp4");
    let again = send("copy");
    assert!(first.traffic.sent > 3_000_000 && again.traffic.sent < 3000, "{again:?}");

    let path = "/v2/originals/a%20file.mp4";
    let (status, whole) = place.ask("GET", path, ANN, "", b"");
    assert_eq!(status, 200);
    let header = |answer: &str, name: &str| {
        let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
        line.unwrap_or_else(|| panic!("no {name}")).split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(header(&whole, "content-length"), "3000000");
    let tag = header(&whole, "etag");
    assert_eq!(place.ask("GET", path, ANN, &format!("if-none-match: {tag}\r\n"), b"").0, 304);
    let (status, answer) = place.ask("GET", path, ANN, "range: bytes=3000000-\r\n", b"");
    assert!(status == 416 && answer.contains("content-range: bytes */3000000"), "{answer}");
    // A part that spans several chunks, and the last bytes.
    for (range, expected) in
        [("500000-2500000", &original[500_000..=2_500_000]), ("-7", &original[2_999_993..])]
    {
        let url = format!("http://{}{path}", place.address);
        let response = ureq::get(&url)
            .header("authorization", format!("Bearer {ANN}"))
            .header("range", format!("bytes={range}"))
            .call()
            .unwrap();
        assert_eq!(response.status(), 206);
        let bytes = response.into_body().into_with_config().limit(1 << 30).read_to_vec().unwrap();
        assert!(bytes == expected, "{range}");
    }
    // Into another store, with everything.
    let folder = tempfile::tempdir().unwrap();
    let own = Store::init(&Location::folder(folder.path()), Vec::new()).unwrap();
    pull(&ann, "a file.mp4", &own, "x", false).unwrap();
    let mut bytes = Vec::new();
    own.original("x", &mut bytes).unwrap();
    assert!(bytes == original);
    assert_eq!(own.stat("x").unwrap().manifest.side.len(), 1);
    let (_folder, store) = place.stop();
    assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
}

#[test]
fn what_the_server_lost_is_sent_again() {
    let place = Place::new(Limits::default());
    let ann = place.client(ANN);
    let clip = take(1, 0..40);
    let pushed = push_frames(&ann, "clip", &clip).unwrap();
    let description = ann.describe("clip").unwrap();
    let lost = description.manifest.segments[0].id();
    std::fs::remove_file(place.folder.path().join("store").join(lost.path())).unwrap();
    let again = push_frames(&ann, "again", &clip).unwrap();
    assert_eq!((again.sent_segments, again.published.manifest), (1, pushed.published.manifest));
    let (_folder, store) = place.stop();
    assert_eq!(play(&store, "ann/clip"), clip);
}

#[test]
fn the_server_tells_how_it_is() {
    let place = Place::new(Limits::default());
    push_frames(&place.client(ANN), "clip", &take(1, 0..20)).unwrap();
    let healthy = place.raw(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(healthy.starts_with("HTTP/1.1 200") && healthy.ends_with("ok\n"), "{healthy}");
    let (status, metrics) = place.ask("GET", "/metrics", ANN, "", b"");
    assert_eq!(status, 200);
    for line in
        ["vcn_names 1", "vcn_users 3", "# TYPE vcn_requests_total counter", "route=\"have\",status=\"200\"} "]
    {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert_eq!(Planes::default().id(), place.client(ANN).describe("clip").unwrap().manifest.codec);
}
