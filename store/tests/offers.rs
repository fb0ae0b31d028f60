//! Videos that others offer, part by part: what can be checked is checked, what cannot is believed of nobody but the
//! user who says it.
#![allow(missing_docs)]

mod clips;

use clips::{Coarse, FPS, codecs, play, put, request, take};
use vcn_media::{Colour, Picture};
use vcn_store::{
    Class, Clip, Digest, EncodedSegment, Error, Format, IntakeLimits, Location, Offer, Offered, Parts,
    Planes, SegmentCodec, SourceFacts, Store, Timing, VerifyOptions, encode_segment, frame_digest,
    frames_root, identity,
};

const LIMITS: IntakeLimits = IntakeLimits { decoded: 1 << 20 };

fn digests(frames: &[Picture]) -> Vec<Digest> {
    frames.iter().map(frame_digest).collect()
}

/// A segment of all the frames.
fn segment(codec: &dyn SegmentCodec, frames: &[Picture]) -> EncodedSegment {
    encode_segment(codec, "test", frames, &digests(frames), Colour::RGB_INPUT, 2).unwrap()
}

fn offer<'a>(
    name: &'a str,
    codec: &dyn SegmentCodec,
    frames: &[Picture],
    segments: &[&EncodedSegment],
) -> Offer<'a> {
    Offer {
        name,
        class: if codec.lossless() { Class::Frames } else { Class::Quality },
        codec: codec.id(),
        quality: 2,
        timing: Timing::Rate(FPS),
        colour: Colour::RGB_INPUT,
        source: SourceFacts::default(),
        original: None,
        overwrite: false,
        parts: Parts::Segments {
            format: Format::of(&frames[0]),
            frames: digests(frames),
            segments: segments.iter().map(|segment| segment.object).collect(),
            side: Vec::new(),
        },
        looks: None,
        claimant: Some("alice"),
    }
}

#[test]
fn an_offered_video_is_as_good_as_one_that_was_put() {
    let (_folder, store) = clips::folder();
    let planes = Planes::default();
    let frames = take(1, 0..20);
    let (a, b) = (segment(&planes, &frames[..8]), segment(&planes, &frames[8..]));
    store.take_segment(a.object, &a.bytes, &LIMITS).unwrap();
    let Offered::Missing(missing) = store.take(offer("clip", &planes, &frames, &[&a, &b])).unwrap() else {
        panic!("taken without its second segment")
    };
    assert_eq!(missing.iter().map(|id| id.digest).collect::<Vec<_>>(), [b.object]);
    assert!(store.is_empty().unwrap());
    let intake = store.take_segment(b.object, &b.bytes, &LIMITS).unwrap();
    assert!(intake.proven && intake.new && intake.frames == 12);
    assert!(!store.take_segment(b.object, &b.bytes, &LIMITS).unwrap().new);
    let Offered::Taken(outcome) = store.take(offer("clip", &planes, &frames, &[&a, &b])).unwrap() else {
        panic!("not taken")
    };
    assert_eq!(play(&store, "clip").unwrap(), frames);
    // What was proven serves everybody.
    let mut own = request("own");
    own.quality = 2;
    let own = store.put(own, &mut Clip::new(frames.clone())).unwrap();
    assert_eq!((own.encoded_frames, own.manifest), (0, outcome.manifest));
    let id = identity(frames_root(&digests(&frames)), std::iter::empty());
    assert!(store.known(id, Class::Frames, (planes.id(), 2), &[a.key], None).unwrap().video.is_some());
    let mut reference = offer("again", &planes, &frames, &[]);
    reference.parts = Parts::Stored(id);
    assert!(matches!(store.take(reference).unwrap(), Offered::Taken(outcome) if outcome.new_bytes < 2000));
    assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
}

#[test]
fn segments_that_are_not_what_they_claim_are_refused() {
    let (_folder, store) = clips::folder();
    let planes = Planes::default();
    let frames = take(1, 0..8);
    let good = segment(&planes, &frames);
    let refused = |bytes: &[u8], digest: Digest| {
        let error = store.take_segment(digest, bytes, &LIMITS).unwrap_err();
        assert!(
            store
                .object_size(vcn_store::ObjectId { kind: vcn_store::Kind::Segment, digest })
                .unwrap()
                .is_none()
        );
        error
    };
    assert!(matches!(refused(&good.bytes, Digest::of(b"other")), Error::Damaged { .. }));
    // Every field of the header that says something of the pictures, forged and under its right hash.
    for (at, what) in [
        (0, "magic"),
        (8, "width"),
        (16, "frames"),
        (20, "codec"),
        (52, "key"),
        (84, "pictures"),
        (116, "error"),
    ] {
        let mut forged = good.bytes.clone();
        forged[at] ^= 1;
        let error = refused(&forged, Digest::of(&forged));
        assert!(!error.to_string().is_empty(), "{what}");
    }
    let mut nan = segment(&Coarse, &frames).bytes;
    nan[116..120].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(refused(&nan, Digest::of(&nan)).to_string().contains("mean squared errors"));
    for length in [0, 100, 128, good.bytes.len() - 1] {
        refused(&good.bytes[..length], Digest::of(&good.bytes[..length]));
    }
    let small = IntakeLimits { decoded: 1000 };
    assert!(store.take_segment(good.object, &good.bytes, &small).is_err());
}

#[test]
fn offers_that_do_not_fit_together_are_refused() {
    let (_folder, store) = clips::folder();
    let planes = Planes::default();
    let (frames, others) = (take(1, 0..8), take(2, 0..8));
    let (a, b) = (segment(&planes, &frames), segment(&planes, &others));
    for segment in [&a, &b] {
        store.take_segment(segment.object, &segment.bytes, &LIMITS).unwrap();
    }
    let both = [frames.clone(), others.clone()].concat();
    for (frames, segments) in [
        (&frames, vec![&b]),
        (&frames, vec![&a, &b]),
        (&both, vec![&a]),
        (&both, vec![&b, &a]),
        (&both, vec![]),
    ] {
        let error = store.take(offer("clip", &planes, frames, &segments)).unwrap_err();
        assert!(matches!(error, Error::Offer { .. }), "{error}");
    }
    let mut other = offer("clip", &planes, &frames, &[&a]);
    other.quality = 3;
    assert!(matches!(store.take(other).unwrap_err(), Error::Offer { .. }));
    let mut lossy = offer("clip", &Coarse, &frames, &[&a]);
    lossy.class = Class::Frames;
    assert!(matches!(store.take(lossy).unwrap_err(), Error::Offer { .. }));
    put(&store, "clip", &others).unwrap();
    assert!(matches!(
        store.take(offer("clip", &planes, &frames, &[&a])).unwrap_err(),
        Error::NameTaken { .. }
    ));
    assert_eq!(play(&store, "clip").unwrap(), others);
}

/// A lossy segment of other frames than it says cannot be told from a good one. It must not answer for anybody else.
#[test]
fn a_lie_is_believed_of_nobody_but_the_liar() {
    let (folder, store) = clips::folder();
    let (victim, lie) = (take(1, 0..8), take(9, 0..8));
    let forged = encode_segment(&Coarse, "forged", &lie, &digests(&victim), Colour::RGB_INPUT, 2).unwrap();
    assert!(!store.take_segment(forged.object, &forged.bytes, &LIMITS).unwrap().proven);
    assert!(matches!(
        store.take(offer("alice/lie", &Coarse, &victim, &[&forged])).unwrap(),
        Offered::Taken(_)
    ));
    let put_coarse = |store: &Store, name: &str| {
        let mut request = request(name);
        (request.class, request.codec, request.quality) = (Class::Quality, &Coarse, 2);
        store.put(request, &mut Clip::new(victim.clone())).unwrap()
    };
    let id = identity(frames_root(&digests(&victim)), std::iter::empty());
    let known =
        |store: &Store, who| store.known(id, Class::Quality, (Coarse.id(), 2), &[forged.key], who).unwrap();
    for _ in 0..2 {
        let bob = known(&store, Some("bob"));
        assert_eq!((bob.video, bob.keys), (None, vec![None]));
    }
    assert!(known(&store, Some("alice")).video.is_some());
    drop(store);
    // Nor does it after the catalogue was made anew.
    Store::rebuild_catalogue(&Location::folder(folder.path()), false, None).unwrap();
    let store = Store::open(&Location::folder(folder.path()), codecs()).unwrap();
    assert_eq!(known(&store, Some("bob")).keys, [None]);
    assert_eq!(put_coarse(&store, "bob/own").encoded_frames, 8);
    assert_ne!(play(&store, "bob/own").unwrap(), play(&store, "alice/lie").unwrap());
}
