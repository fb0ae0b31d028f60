//! What the archive promises, on stores in a folder and in memory.
#![allow(missing_docs)]

mod clips;

use std::time::Duration;

use clips::{Coarse, codecs, folder, frame, play, put, request, take};
use vcn_media::{Colour, Picture, Rgb8, Yuv444};
use vcn_store::{
    Class, Clip, Dedup, Digest, Error, Format, GcOptions, Kind, Location, MaxDistortion, PutRequest, Sharing,
    SideStream, Store, Times, VerifyOptions,
};

/// Runs a promise on every kind of store; on S3 where there is a server (`s3.rs` says how).
fn everywhere(promise: impl Fn(&Store)) {
    let (_folder, store) = folder();
    promise(&store);
    promise(&Store::init(&Location::memory(), codecs()).unwrap());
    #[cfg(feature = "s3")]
    if let Some(objects) = clips::s3::bucket("promises") {
        let folder = tempfile::tempdir().unwrap();
        let prefix = folder.path().file_name().unwrap().to_str().unwrap().trim_start_matches('.');
        let catalogue = folder.path().join("catalogue.db");
        let location = Location::remote("s3://test", objects, prefix).with_catalogue(catalogue);
        promise(&Store::init(&location, codecs()).unwrap());
    }
}

/// A clip that can be read once.
struct Pipe(Clip);
impl vcn_store::FrameSource for Pipe {
    fn next_frame(&mut self) -> Result<Option<Picture>, vcn_store::BoxError> {
        self.0.next_frame()
    }
    fn rewind(&mut self) -> Result<bool, vcn_store::BoxError> {
        Ok(false)
    }
}

const NOW: GcOptions =
    GcOptions { retention: Duration::ZERO, grace: Duration::ZERO, max_share: 100, dry_run: false };

#[test]
fn what_was_put_comes_back() {
    everywhere(|store| {
        let clip = take(1, 0..100);
        let outcome = put(store, "a/clip", &clip).unwrap();
        assert_eq!((outcome.sharing, outcome.encoded_frames), (Sharing::None, 100));
        assert_eq!(play(store, "a/clip").unwrap(), clip);
        assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
        let stat = store.stat("a/clip").unwrap();
        assert_eq!((stat.manifest.frames, stat.entry.class), (100, Class::Frames));
        assert!(stat.manifest.segments.len() > 3);
    });
}

#[test]
fn every_layout_comes_back_exactly() {
    everywhere(|store| {
        for (name, (width, height)) in [("odd", (7, 5)), ("dot", (1, 1)), ("flat", (16, 1))] {
            let plane =
                |seed: usize, size: usize| (0..size).map(|at| (at * at * 7 + seed) as u8).collect::<Vec<_>>();
            let clips: [Vec<Picture>; 3] = [
                (0..9)
                    .map(|i| Rgb8::new(width, height, plane(i, width * height * 3)).unwrap().into())
                    .collect(),
                (0..9)
                    .map(|i| {
                        let size = width * height;
                        Yuv444::new(width, height, plane(i, size), plane(i * 2, size), plane(i * 3, size))
                            .unwrap()
                            .into()
                    })
                    .collect(),
                (0..9)
                    .map(|i| {
                        let chroma = width.div_ceil(2) * height.div_ceil(2);
                        vcn_media::Yuv420::new(
                            width,
                            height,
                            plane(i, width * height),
                            plane(i, chroma),
                            plane(7, chroma),
                        )
                        .unwrap()
                        .into()
                    })
                    .collect(),
            ];
            for (index, clip) in clips.iter().enumerate() {
                let name = format!("{name}{index}");
                put(store, &name, clip).unwrap();
                assert_eq!(&play(store, &name).unwrap(), clip);
            }
        }
    });
}

#[test]
fn an_identical_video_costs_a_reference() {
    everywhere(|store| {
        let clip = take(1, 0..60);
        put(store, "first", &clip).unwrap();
        let second = put(store, "second", &clip).unwrap();
        assert_eq!((second.sharing, second.encoded_frames), (Sharing::Identical, 0));
        assert!(second.new_bytes <= 2048, "{} bytes", second.new_bytes);
        assert_eq!(second.shared_with, ["first"]);
        let again = put(store, "second", &clip).unwrap();
        assert_eq!((again.sharing, again.new_bytes), (Sharing::AlreadyThere, 0));
        // Who asks for less has it already, and loses nothing by asking.
        let mut less = request("second");
        (less.class, less.codec) = (Class::Quality, &Coarse);
        let again = store.put(less, &mut Clip::new(clip.clone())).unwrap();
        assert_eq!((again.sharing, again.class), (Sharing::AlreadyThere, Class::Frames));
        assert_eq!(play(store, "second").unwrap(), clip);
    });
}

#[test]
fn a_pipe_shares_as_a_file_does() {
    everywhere(|store| {
        let clip = take(1, 0..60);
        let first = store.put(request("first"), &mut Pipe(Clip::new(clip.clone()))).unwrap();
        assert_eq!(first.encoded_frames, 60);
        let second = store.put(request("second"), &mut Pipe(Clip::new(clip.clone()))).unwrap();
        assert_eq!((second.sharing, second.encoded_frames), (Sharing::Identical, 0));
        assert_eq!(second.manifest, put(store, "third", &clip).unwrap().manifest);
    });
}

#[test]
fn segments_encoded_together_keep_their_order_and_are_shared() {
    everywhere(|store| {
        // Two takes, the first once more, and both once more.
        let takes = [take(1, 0..60), take(2, 0..60)];
        let clip: Vec<Picture> = [0, 1, 0, 0, 1].iter().flat_map(|&at| takes[at].clone()).collect();
        let coarse = |name| {
            let mut request = request(name);
            (request.class, request.codec, request.quality) = (Class::Quality, &Coarse, 2);
            request
        };
        let file = store.put(coarse("file"), &mut Clip::new(clip.clone())).unwrap();
        assert!(file.encoded_frames < 200 && file.encoded_frames + file.shared_frames == 300, "{file:?}");
        let coarsened = |frame: &Picture| {
            let mut frame = frame.to_yuv420(Colour::RGB_INPUT);
            [&mut frame.y, &mut frame.u, &mut frame.v]
                .into_iter()
                .flatten()
                .for_each(|sample| *sample = *sample >> 2 << 2);
            Picture::from(frame)
        };
        assert!(play(store, "file").unwrap() == clip.iter().map(coarsened).collect::<Vec<_>>());
        let pipe = store.put(coarse("pipe"), &mut Pipe(Clip::new(clip))).unwrap();
        assert_eq!((pipe.sharing, pipe.manifest), (Sharing::Identical, file.manifest));
    });
}

#[test]
fn trims_and_concatenations_share_segments() {
    everywhere(|store| {
        let (a, b, c) = (take(1, 0..300), take(2, 0..300), take(3, 0..300));
        for (name, clip) in [("a", &a), ("b", &b), ("c", &c)] {
            put(store, name, clip).unwrap();
        }
        let trim = put(store, "trim", &a[37..277]).unwrap();
        assert!(trim.shared_frames * 10 >= 240 * 7, "{} of 240", trim.shared_frames);
        assert_eq!(trim.shared_with, ["a"]);
        let joined = [&a[..], &b, &c].concat();
        let outcome = put(store, "joined", &joined).unwrap();
        assert_eq!(outcome.sharing, Sharing::Segments);
        assert!(outcome.shared_frames * 10 >= 900 * 7, "{} of 900", outcome.shared_frames);
        assert_eq!(play(store, "trim").unwrap(), &a[37..277]);
        assert_eq!(play(store, "joined").unwrap(), joined);
    });
}

#[test]
fn a_part_is_read_alone() {
    everywhere(|store| {
        let clip = take(1, 0..100);
        put(store, "clip", &clip).unwrap();
        for range in [0..1, 10..11, 0..100, 37..80, 99..100] {
            let mut playback = store.get("clip", Some(range.clone())).unwrap();
            for index in range {
                assert_eq!(playback.next_frame().unwrap().as_ref(), clip.get(index as usize));
            }
            assert_eq!(playback.next_frame().unwrap(), None);
        }
        for bad in [100..101, 0..101, 5..5] {
            assert!(matches!(store.get("clip", Some(bad)), Err(Error::Range { .. })));
        }
    });
}

#[test]
fn what_is_not_the_same_is_kept() {
    everywhere(|store| {
        let clip = take(1, 0..80);
        put(store, "original", &clip).unwrap();
        // One pixel in one frame.
        let mut patched = clip.clone();
        if let Picture::Yuv420(picture) = &mut patched[40] {
            picture.y[100] ^= 1;
        }
        // Another audio track.
        let with_audio = |name: &str, audio: &[u8]| {
            let mut request = request("x");
            request.side = vec![SideStream {
                kind: "audio".to_owned(),
                label: String::new(),
                identity: None,
                bytes: audio.to_vec(),
            }];
            request.name = Box::leak(name.to_owned().into_boxed_str());
            store.put(request, &mut Clip::new(clip.clone())).unwrap()
        };
        let outcomes = [
            put(store, "patched", &patched).unwrap(),
            put(store, "inserted", &[&clip[..40], &take(9, 0..25), &clip[40..]].concat()).unwrap(),
            put(store, "other take", &take(2, 0..80)).unwrap(),
            with_audio("german", b"guten tag"),
            with_audio("french", b"bonjour"),
        ];
        for outcome in &outcomes {
            assert_ne!(outcome.sharing, Sharing::Identical, "{}", outcome.name);
        }
        assert_eq!(outcomes[4].encoded_frames, 0, "only the audio is new");
        assert_eq!(play(store, "original").unwrap(), clip);
        assert_eq!(play(store, "patched").unwrap(), patched);
        for (name, audio) in [("german", &b"guten tag"[..]), ("french", b"bonjour")] {
            let mut bytes = Vec::new();
            store.read_blob(&store.stat(name).unwrap().manifest.side[0].blob, &mut bytes).unwrap();
            assert_eq!(bytes, audio);
        }
        let repacked = with_audio("german again", b"guten tag");
        assert_eq!(repacked.sharing, Sharing::Identical);
    });
}

#[test]
fn classes_serve_what_they_promise() {
    everywhere(|store| {
        let clip = take(1, 0..50);
        let lossy = |name: &'static str, quality| {
            let mut request = request(name);
            (request.class, request.codec, request.quality) = (Class::Quality, &Coarse, quality);
            store.put(request, &mut Clip::new(clip.clone())).unwrap()
        };
        assert_eq!(lossy("q3", 3).encoded_frames, 50);
        assert_eq!(lossy("q3 again", 3).sharing, Sharing::Identical);
        assert_eq!(lossy("q2", 2).encoded_frames, 50, "another quality is another encode");
        let distortion = store.stat("q3").unwrap().manifest.distortion;
        assert!(distortion.mean > 1.0 && distortion.worst_block >= distortion.worst_frame, "{distortion:?}");
        // A lossy stream never serves class frames; a lossless one serves any.
        assert_eq!(put(store, "exact", &clip).unwrap().encoded_frames, 50);
        assert_eq!(play(store, "exact").unwrap(), clip);
        assert_eq!(lossy("q1", 1).sharing, Sharing::Identical);
        let mut wrong = request("wrong");
        wrong.codec = &Coarse;
        assert!(matches!(store.put(wrong, &mut Clip::new(clip.clone())), Err(Error::Codec { .. })));
    });
}

#[test]
fn a_new_model_is_no_reason_to_store_a_video_again() {
    struct Newer;
    impl vcn_store::SegmentCodec for Newer {
        fn id(&self) -> Digest {
            Digest::of(b"newer")
        }
        fn name(&self) -> String {
            "newer".to_owned()
        }
        fn lossless(&self) -> bool {
            false
        }
        fn encode(&self, _: &[Picture], _: Colour, _: u16) -> Result<Vec<u8>, vcn_store::BoxError> {
            Err("must not be asked to encode".into())
        }
        fn decode(&self, _: &[u8], _: Format, _: usize) -> Result<Vec<Picture>, vcn_store::BoxError> {
            Err("must not be asked to decode".into())
        }
        fn decoded_format(&self, source: Format) -> Format {
            source
        }
    }
    everywhere(|store| {
        let clip = take(1, 0..60);
        let quality = |name, codec, quality, any_codec| {
            let request = PutRequest { codec, quality, any_codec, class: Class::Quality, ..request(name) };
            store.put(request, &mut Clip::new(clip.clone()))
        };
        quality("old", &Coarse, 2, true).unwrap();
        let known = quality("known", &Newer, 2, true).unwrap();
        assert_eq!((known.sharing, known.encoded_frames), (Sharing::Identical, 0));
        assert_eq!(play(store, "known").unwrap(), play(store, "old").unwrap());
        // Another quality, or this very codec, is another matter.
        quality("finer", &Newer, 1, true).unwrap_err();
        quality("asked", &Newer, 2, false).unwrap_err();
    });
}

#[test]
fn class_source_keeps_the_original_bytes() {
    everywhere(|store| {
        let clip = take(1, 0..20);
        let bytes: Vec<u8> =
            (0..5_000_000u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 8).to_le_bytes()).collect();
        for (name, original) in [("a", &bytes[..]), ("b", &bytes[1000..]), ("empty", &[])] {
            let mut request = request(name);
            let mut input = original;
            request.class = Class::Source;
            request.original = Some(&mut input);
            let outcome = store.put(request, &mut Clip::new(clip.clone())).unwrap();
            if name == "b" {
                assert!(outcome.new_bytes < 8 << 20, "chunks are shared: {}", outcome.new_bytes);
            }
            let mut out = Vec::new();
            store.original(name, &mut out).unwrap();
            assert!(out == original);
        }
        put(store, "frames", &clip).unwrap();
        assert!(matches!(store.original("frames", &mut Vec::new()), Err(Error::NoOriginal { .. })));
    });
}

#[test]
fn a_name_that_is_taken_is_refused_before_an_original_is_written() {
    everywhere(|store| {
        let clip = take(1, 0..20);
        let source = |name: &'static str, mut original: &[u8]| {
            let mut request = request(name);
            request.class = Class::Source;
            request.original = Some(&mut original);
            store.put(request, &mut Clip::new(clip.clone()))
        };
        put(store, "frames", &clip).unwrap();
        source("source", b"one file").unwrap();
        let before = store.verify(VerifyOptions::default()).unwrap();
        for name in ["frames", "source"] {
            assert!(matches!(source(name, b"another file"), Err(Error::NameTaken { .. })), "{name}");
        }
        assert_eq!(source("source", b"one file").unwrap().sharing, Sharing::AlreadyThere);
        let after = store.verify(VerifyOptions::default()).unwrap();
        assert_eq!((after.objects, after.bytes), (before.objects, before.bytes));
    });
}

#[test]
fn times_come_back() {
    everywhere(|store| {
        let ticks: Vec<i64> = (0..30).map(|i| i * 40 + i % 3).collect();
        let times = Times { base: clips::FPS, ticks: ticks.clone() };
        store.put(request("vfr"), &mut Clip::new(take(1, 0..30)).shown_at(times)).unwrap();
        assert_eq!(store.get("vfr", Some(10..20)).unwrap().ticks().unwrap().unwrap(), &ticks[10..20]);
    });
}

#[test]
fn names_are_taken_removed_and_brought_back() {
    everywhere(|store| {
        let (a, b) = (take(1, 0..30), take(2, 0..30));
        put(store, "clip", &a).unwrap();
        assert!(matches!(put(store, "clip", &b), Err(Error::NameTaken { .. })));
        let mut over = request("clip");
        over.overwrite = true;
        store.put(over, &mut Clip::new(b.clone())).unwrap();
        assert_eq!(play(store, "clip").unwrap(), b);
        assert!(matches!(store.undelete("clip"), Err(Error::NameTaken { .. })));
        store.rm("clip").unwrap();
        assert!(matches!(play(store, "clip"), Err(Error::UnknownName { .. })));
        assert!(matches!(store.rm("clip"), Err(Error::UnknownName { .. })));
        assert_eq!(store.tombstones("", 10).unwrap().len(), 2);
        store.gc(&GcOptions::default()).unwrap();
        store.undelete("clip").unwrap();
        assert_eq!(play(store, "clip").unwrap(), b);
        let events: Vec<_> =
            store.log(Some("clip"), 10).unwrap().iter().map(|record| record.event.kind()).collect();
        assert_eq!(events, ["undelete", "rm", "put", "put"]);
        for bad in ["", "a\nb", &"x".repeat(5000)] {
            assert!(matches!(put(store, bad, &a), Err(Error::Name { .. })));
        }
        assert!(matches!(put(store, "none", &[]), Err(Error::NoFrames { .. })));
    });
}

#[test]
fn names_are_listed_in_pages() {
    everywhere(|store| {
        for index in 0..25 {
            put(store, &format!("show/{index:02}"), &take(1, index..index + 6)).unwrap();
        }
        put(store, "other", &take(1, 0..5)).unwrap();
        let first = store.ls("show/", "", 20).unwrap();
        assert_eq!(first.len(), 20);
        let rest = store.ls("show/", &first[19].name, 20).unwrap();
        assert_eq!(rest.iter().map(|l| l.name.as_str()).collect::<Vec<_>>()[0], "show/20");
        assert_eq!((rest.len(), store.len().unwrap()), (5, 26));
    });
}

#[test]
fn a_collection_keeps_what_is_needed_and_removes_the_rest() {
    everywhere(|store| {
        let (a, b) = (take(1, 0..60), take(2, 0..60));
        put(store, "a", &a).unwrap();
        put(store, "b", &b).unwrap();
        put(store, "part", &b[20..]).unwrap();
        store.rm("b").unwrap();
        let dry = store.gc(&GcOptions { dry_run: true, ..NOW }).unwrap();
        assert!(dry.purged == 1 && dry.quarantined_objects > 0);
        let first = store.gc(&NOW).unwrap();
        assert_eq!((first.purged, first.removed_objects), (1, 0), "quarantine comes first");
        let second = store.gc(&NOW).unwrap();
        assert_eq!(second.removed_objects, first.quarantined_objects);
        assert_eq!(store.gc(&NOW).unwrap().removed_objects, 0);
        assert_eq!(play(store, "a").unwrap(), a);
        assert_eq!(play(store, "part").unwrap(), &b[20..]);
        assert!(matches!(store.undelete("b"), Err(Error::NotRemoved { .. })));
        assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
    });
}

#[test]
fn quarantine_gives_back_what_is_put_again() {
    everywhere(|store| {
        let clip = take(1, 0..60);
        put(store, "clip", &clip).unwrap();
        store.rm("clip").unwrap();
        store.gc(&NOW).unwrap();
        let again = put(store, "again", &clip).unwrap();
        assert_eq!(again.encoded_frames, 0);
        store.gc(&NOW).unwrap();
        store.gc(&NOW).unwrap();
        assert_eq!(play(store, "again").unwrap(), clip);
    });
}

#[test]
fn a_collection_that_removes_too_much_is_refused() {
    everywhere(|store| {
        put(store, "keep", &take(1, 0..30)).unwrap();
        put(store, "drop", &take(2, 0..400)).unwrap();
        store.rm("drop").unwrap();
        let half = GcOptions { max_share: 50, ..NOW };
        store.gc(&half).unwrap();
        assert!(matches!(store.gc(&half), Err(Error::SuspiciousShare { .. })));
        assert!(store.gc(&NOW).unwrap().removed_objects > 16);
    });
}

#[test]
fn policies_that_are_not_there_are_refused() {
    everywhere(|store| {
        let strict = MaxDistortion { frame: 40.0, block: 36.0 };
        // Class `frames` gives nothing up.
        for dedup in [Dedup::Link, Dedup::Replace(strict)] {
            let mut request = request("x");
            request.dedup = dedup;
            assert!(matches!(store.put(request, &mut Clip::new(take(1, 0..9))), Err(Error::Policy { .. })));
        }
        let clip = take(1, 0..30);
        put(store, "a", &clip).unwrap();
        let mut report = request("b");
        report.dedup = Dedup::Report;
        let outcome = store.put(report, &mut Clip::new(clip.clone())).unwrap();
        assert_eq!((outcome.encoded_frames, outcome.shared_frames), (30, 0));
        assert!(outcome.reason.contains("the same frames") && outcome.shared_with == ["a"], "{outcome:?}");
        // A pipe is told as much.
        let mut report = request("c");
        report.dedup = Dedup::Report;
        let longer = [clip, take(2, 0..30)].concat();
        let outcome = store.put(report, &mut Pipe(Clip::new(longer))).unwrap();
        assert_eq!((outcome.encoded_frames, outcome.shared_frames), (60, 0));
        assert!(outcome.reason.contains("of 60 frames are in stored segments"), "{outcome:?}");
    });
}

#[test]
fn a_dry_run_foresees_what_a_put_does_and_changes_nothing() {
    everywhere(|store| {
        let long = [take(1, 0..90), take(2, 0..60)].concat();
        put(store, "long", &long).unwrap();
        let state = || format!("{:?}", (store.log(None, 100), store.verify(VerifyOptions::default())));
        let clips = [("same", long.clone()), ("trim", long[40..].to_vec()), ("other", take(3, 0..60))];
        for (name, clip) in clips {
            let before = state();
            let foreseen = store.foresee(request(name), &mut Clip::new(clip.clone())).unwrap();
            assert_eq!(before, state(), "{name}");
            let done = put(store, name, &clip).unwrap();
            assert_eq!(foreseen.identity, done.identity);
            assert_eq!(
                (foreseen.sharing, foreseen.frames, foreseen.shared_frames, foreseen.shared_bytes),
                (done.sharing, done.frames, done.shared_frames, done.shared_bytes),
                "{name}"
            );
        }
        let taken = store.foresee(request("long"), &mut Clip::new(take(4, 0..9)));
        assert!(matches!(taken, Err(Error::NameTaken { .. })), "{taken:?}");
        let again = store.foresee(request("long"), &mut Clip::new(long)).unwrap();
        assert_eq!(again.sharing, Sharing::AlreadyThere);
    });
}

#[test]
fn frames_of_another_format_are_refused() {
    everywhere(|store| {
        let mut clip = take(1, 0..30);
        clip[20] = Rgb8::new(4, 4, vec![0; 48]).unwrap().into();
        assert!(matches!(put(store, "x", &clip), Err(Error::FrameFormat { frame: 20, .. })));
    });
}

#[test]
fn marks_stay() {
    everywhere(|store| {
        let a = put(store, "a", &take(1, 0..9)).unwrap().identity;
        let b = put(store, "b", &take(2, 0..9)).unwrap().identity;
        store.mark_distinct("b", "a", false).unwrap();
        assert!(store.is_distinct(a, b).unwrap() && store.is_distinct(b, a).unwrap());
        store.mark_distinct("a", "b", true).unwrap();
        assert!(!store.is_distinct(a, b).unwrap());
    });
}

#[test]
fn the_catalogue_is_made_again_from_the_objects() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::folder(folder.path());
    let (a, b) = (take(1, 0..60), take(2, 0..40));
    let before = {
        let store = Store::init(&location, codecs()).unwrap();
        put(&store, "a", &a).unwrap();
        put(&store, "gone", &b).unwrap();
        put(&store, "b", &b).unwrap();
        put(&store, "same", &a).unwrap();
        store.rm("gone").unwrap();
        store.rm("same").unwrap();
        store.undelete("same").unwrap();
        store.mark_distinct("a", "b", false).unwrap();
        store.gc(&NOW).unwrap();
        assert!(matches!(Store::rebuild_catalogue(&location, false, None), Err(Error::InUse { .. })));
        let names: Vec<_> = store.ls("", "", 100).unwrap().into_iter().map(|l| (l.name, l.put_at)).collect();
        names
    };
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("catalogue.db{suffix}")));
    }
    assert!(
        matches!(Store::open(&location, codecs()), Err(Error::NoCatalogue { .. })),
        "an empty catalogue is no catalogue"
    );
    assert_eq!(Store::rebuild_catalogue(&location, false, None).unwrap().names, Some(3));
    let store = Store::open(&location, codecs()).unwrap();
    let after: Vec<_> = store.ls("", "", 100).unwrap().into_iter().map(|l| (l.name, l.put_at)).collect();
    assert_eq!(before, after);
    assert_eq!(play(&store, "same").unwrap(), a);
    let again = put(&store, "again", &[&a[..], &b].concat()).unwrap();
    assert!(again.shared_frames > 50, "frames keys are back: {}", again.shared_frames);
    store.gc(&NOW).unwrap();
    store.gc(&NOW).unwrap();
    assert!(store.verify(VerifyOptions { decode: true }).unwrap().is_sound());
    assert!(store.log(None, 100).unwrap().len() >= 8, "the journal stays");
}

#[test]
fn objects_are_named_by_their_bytes() {
    let (folder, store) = folder();
    put(&store, "a", &[frame(1, 1), frame(1, 2)]).unwrap();
    let mut seen = 0;
    for kind in [Kind::Log, Kind::Manifest, Kind::Segment] {
        for fan in std::fs::read_dir(folder.path().join(kind.folder())).unwrap() {
            for file in std::fs::read_dir(fan.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let digest = Digest::of(&std::fs::read(&path).unwrap()).to_string();
                assert!(path.ends_with(&digest));
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 3);
    assert_eq!(std::fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
}
