//! Promises of the container.

use std::io::{Cursor, Read, Seek, SeekFrom};

use vcn_media::{Chroma, Colour, Matrix, Range, Rational, Yuv420};

use super::{record::Head, sum::short, *};
use crate::{
    Error, Result,
    entropy::tests::{Random, cases},
};

fn header() -> Header {
    Header {
        model: std::array::from_fn(|i| i as u8),
        width: 416,
        height: 240,
        fps: Rational { num: 30000, den: 1001 },
        colour: Colour { matrix: Matrix::Bt601, range: Range::Limited, chroma: Chroma::Bilinear },
        quality: 42,
        metric: Metric::MsSsim,
    }
}

fn records(random: &mut Random, count: u64, longest: u64) -> Vec<GopRecord> {
    let mut record = || {
        let length = random.below(longest) as usize;
        let frames_sum = Sum(random.next().to_le_bytes());
        GopRecord { frames: 1 + random.below(64) as u32, payload: random.bytes(length), frames_sum }
    };
    (0..count).map(|_| record()).collect()
}

fn file(records: &[GopRecord]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    records.iter().for_each(|record| writer.gop(record).unwrap());
    writer.finish().unwrap()
}

fn read_all(bytes: &[u8]) -> Result<Vec<GopRecord>> {
    let mut reader = Reader::open(Cursor::new(bytes))?;
    (0..reader.table().len()).map(|index| reader.gop(index)).collect()
}

fn stream_all(bytes: &[u8]) -> Result<Vec<GopRecord>> {
    let mut reader = StreamReader::new(bytes)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next_gop()? {
        records.push(record);
    }
    Ok(records)
}

fn salvage_all(bytes: &[u8]) -> (Vec<SalvagedGop>, SalvageReport, bool) {
    let mut salvage = Salvage::new(Cursor::new(bytes)).unwrap();
    let gops = salvage.by_ref().map(Result::unwrap).collect();
    (gops, salvage.report(), salvage.header().is_ok())
}

#[test]
fn what_is_written_is_read_by_all_three_readers() {
    let mut random = Random(11);
    for _ in 0..cases(100) {
        let count = 1 + random.below(12);
        let records = records(&mut random, count, 3000);
        let bytes = file(&records);
        assert_eq!(read_all(&bytes).unwrap(), records);
        assert_eq!(stream_all(&bytes).unwrap(), records);
        let (gops, report, header_intact) = salvage_all(&bytes);
        assert!(header_intact && report.footer && report.lost.is_empty());
        assert!(gops.iter().map(|gop| &gop.record).eq(&records));

        let mut reader = Reader::open(Cursor::new(&bytes)).unwrap();
        assert_eq!(reader.header(), &header());
        assert_eq!(reader.frames(), records.iter().map(|gop| u64::from(gop.frames)).sum::<u64>());
        let index = random.below(count) as usize;
        assert_eq!(reader.gop(index).unwrap(), records[index]);
        let entry = reader.table()[index];
        assert_eq!(gops[index].first_frame, entry.first_frame);
        assert_eq!(reader.gop_of_frame(entry.first_frame), Some(index));
        assert_eq!(reader.gop_of_frame(entry.first_frame + u64::from(entry.frames) - 1), Some(index));
        assert_eq!(reader.gop_of_frame(reader.frames()), None);
        assert!(matches!(reader.gop(count as usize), Err(Error::NoSuchGop { .. })));
    }
}

#[test]
fn the_format_stays_what_it_is() {
    let frame = Yuv420 { width: 1, height: 1, y: vec![1], u: vec![2], v: vec![3] };
    let mut hasher = FramesHasher::new();
    hasher.push(&frame);
    assert_eq!(hasher.finish(), Sum::of(&[1, 2, 3]));
    let record = GopRecord { frames: 1, payload: b"payload".to_vec(), frames_sum: hasher.finish() };
    // doc/BITSTREAM.md explains these bytes.
    let expected = concat!(
        "8956434e012c", // header: magic, version, length
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "a003f001b0ea01e907112a01", // width, height, frame rate, colour, quality, metric
        "99559367",
        "a7474f50000107", // record: mark, first frame, frames, payload length
        "ec90915fa26ab012b177ec1bf26dfb3bbc1906c7",
        "7061796c6f6164",
        "a7454e44010122", // footer: mark, GOPs, frames, record length
        "070000006ff6ea1b56434e9a"
    );
    assert_eq!(super::sum::hexadecimal(&file(&[record])), expected);
}

#[test]
fn every_colour_has_one_byte_of_its_own() {
    let mut found = Vec::new();
    for colour in Colour::all() {
        let header = Header { colour, ..header() };
        let bytes = header.to_bytes().unwrap();
        assert_eq!(Header::read(&mut super::input::Input::new(bytes.as_slice(), 0)).unwrap(), header);
        found.push(bytes[bytes.len() - 7]);
    }
    assert_eq!(found, [0x00, 0x40, 0x80, 0x10, 0x50, 0x90, 0x01, 0x41, 0x81, 0x11, 0x51, 0x91]);
}

#[test]
fn overhead_is_small() {
    let mut random = Random(12);
    let one = file(&records(&mut random, 1, 1)).len();
    let many = file(&records(&mut random, 1000, 1)).len();
    let beginning = header().to_bytes().unwrap().len();
    let per_gop = (many - one) as f64 / 999.0;
    eprintln!("header {beginning}, record, entry, footer {}, each further GOP {per_gop:.1}", one - beginning);
    assert!(beginning <= 60 && one <= 120 && per_gop <= 34.0);
}

#[test]
fn every_flipped_bit_is_detected_and_costs_at_most_its_gop() {
    let records = records(&mut Random(13), 3, 60);
    let bytes = file(&records);
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1 << bit;
            assert!(read_all(&damaged).is_err(), "byte {position} bit {bit}");
            assert!(stream_all(&damaged).is_err(), "byte {position} bit {bit}");
            let (gops, report, header_intact) = salvage_all(&damaged);
            assert!(gops.len() >= records.len() - 1, "byte {position} bit {bit}: {report:?}");
            assert!(gops.iter().all(|gop| records.contains(&gop.record)));
            assert!(!header_intact || !report.lost.is_empty());
            if gops.len() < records.len() {
                let [Lost { bytes, frames: Some(frames) }] = &report.lost[..] else { panic!("{report:?}") };
                assert!(bytes.contains(&(position as u64)));
                assert_eq!(
                    frames.end - frames.start + report.frames,
                    records.iter().map(|gop| u64::from(gop.frames)).sum::<u64>()
                );
            }
        }
    }
}

#[test]
fn every_truncation_is_detected_and_costs_only_what_is_cut() {
    let records = records(&mut Random(14), 3, 60);
    let bytes = file(&records);
    let ends: Vec<u64> = Reader::open(Cursor::new(&bytes))
        .unwrap()
        .table()
        .iter()
        .map(|gop| gop.offset + gop.length)
        .collect();
    for length in 0..bytes.len() {
        let cut = &bytes[..length];
        assert!(read_all(cut).is_err());
        let error = stream_all(cut).unwrap_err();
        assert!(
            matches!(error, Error::Truncated { offset, .. } if offset == length as u64),
            "{length}: {error}"
        );
        let (gops, report, _) = salvage_all(cut);
        assert_eq!(gops.len(), ends.iter().filter(|&&end| end <= length as u64).count());
        assert!(!report.lost.is_empty());
    }
}

#[test]
fn inserted_removed_and_repeated_bytes_cost_only_their_gop() {
    let mut random = Random(15);
    let records = records(&mut random, 5, 400);
    let bytes = file(&records);
    for _ in 0..cases(300) {
        let mut damaged = bytes.clone();
        let at = random.below(bytes.len() as u64) as usize;
        let amount = 1 + random.below(40) as usize;
        match random.below(3) {
            0 => drop(damaged.splice(at..at, random.bytes(amount))),
            1 => drop(damaged.drain(at..(at + amount).min(bytes.len()))),
            _ => drop(damaged.splice(at..at, bytes[at / 2..at].to_vec())),
        }
        if damaged == bytes {
            continue;
        }
        assert!(read_all(&damaged).is_err() && stream_all(&damaged).is_err());
        let (gops, report, _) = salvage_all(&damaged);
        assert!(gops.len() >= 3, "{report:?}");
        assert!(gops.iter().all(|gop| records.contains(&gop.record)));
        assert!(gops.windows(2).all(|pair| pair[0].first_frame < pair[1].first_frame));
    }
}

#[test]
fn errors_say_what_was_found_and_expected() {
    let bytes = file(&records(&mut Random(16), 2, 60));
    let message = |bytes: &[u8]| read_all(bytes).unwrap_err().to_string();
    assert!(message(b"RIFFxxxx").contains("not a .vcn file: begins with bytes 52494646, expected 8956434e"));
    assert!(message(b"").contains("truncated: the input ends at byte 0 inside the header"));
    let mut newer = bytes.clone();
    newer[4] = 9;
    assert!(message(&newer).contains("format version 9 is not supported: this program reads version 1"));
    assert!(message(&bytes[..bytes.len() - 1]).contains("instead of the end mark 56434e9a"));
    let mut altered = bytes.clone();
    let at = bytes.len() - 40;
    altered[at] ^= 1;
    assert!(message(&altered).contains("checksum"), "{}", message(&altered));
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(stream_all(&longer).unwrap_err().to_string().contains("bytes follow the end"));
    let twice = [bytes.as_slice(), &bytes].concat();
    assert!(read_all(&twice).is_err() && stream_all(&twice).is_err());

    let refused = |change: fn(&mut Header)| {
        let mut header = header();
        change(&mut header);
        Writer::new(Vec::new(), &header).map(drop).unwrap_err().to_string()
    };
    assert!(refused(|h| h.width = 0).contains("the width at byte 0 is 0, expected 1..=16384"));
    assert!(refused(|h| h.height = 20000).contains("the height at byte 0 is 20000"));
    assert!(refused(|h| h.quality = 64).contains("the quality at byte 0 is 64, expected 0..=63"));
    assert!(refused(|h| h.fps.den = 0).contains("denominator"));
    assert!(matches!(Writer::new(Vec::new(), &header()).unwrap().finish(), Err(Error::NoFrames)));
    let empty = GopRecord { frames: 0, payload: Vec::new(), frames_sum: Sum([0; 8]) };
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    assert!(matches!(writer.gop(&empty), Err(Error::Field { found: 0, .. })));
}

/// A head with a valid checksum that claims anything.
fn hostile_head(first_frame: u64, payload_length: u64) -> Vec<u8> {
    let sum = Sum([0; 8]);
    Head { first_frame, frames: 1, payload_length, payload_sum: sum, frames_sum: sum }.to_bytes(0).unwrap()
}

#[test]
fn a_lying_length_allocates_nothing() {
    let mut bytes = header().to_bytes().unwrap();
    bytes.extend(hostile_head(0, MAX_PAYLOAD));
    bytes.extend([0; 100]);
    let mut reader = StreamReader::new(bytes.as_slice()).unwrap();
    assert!(matches!(reader.next_gop(), Err(Error::Truncated { .. })));
    assert!(reader.next_gop().unwrap().is_none(), "after an error the stream has ended");
    assert!(salvage_all(&bytes).0.is_empty());
    let mut input = super::input::Input::new([0; 1000].as_slice(), 0);
    assert!(input.bulk(u64::MAX, "").is_err());

    // A footer that claims 2^63 GOPs.
    let mut footer = super::footer::MARKER.to_vec();
    varint::put(&mut footer, 1 << 63);
    footer.extend((footer.len() as u32).to_le_bytes());
    footer.extend(short(&footer));
    footer.extend(b"VCN\x9a");
    let bytes = [header().to_bytes().unwrap(), footer].concat();
    assert!(read_all(&bytes).is_err() && stream_all(&bytes).is_err());
}

/// Counts the bytes read.
struct Counted<R>(R, u64);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1 += count as u64;
        Ok(count)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn salvage_of_a_misleading_file_takes_bounded_time() {
    let mut bytes = header().to_bytes().unwrap();
    let heads = 20_000;
    let size = hostile_head(0, 1 << 20).len();
    for index in 0..heads {
        bytes.extend(hostile_head(0, ((heads - index - 1) * size).max(1 << 14) as u64));
    }
    let length = bytes.len() as u64;
    let mut counted = Counted(Cursor::new(bytes), 0);
    let salvage = Salvage::new(&mut counted).unwrap();
    assert_eq!(salvage.count(), 0);
    assert!(counted.1 < 8 * length, "{} bytes read of {length}", counted.1);
}

/// `VCN_CASES=1000000 cargo test -p vcn-codec --release any_bytes` for a long run.
#[test]
fn any_bytes_are_read_or_refused_but_never_panic() {
    let mut random = Random(17);
    let records = records(&mut random, 3, 50);
    let bytes = file(&records);
    let start = header().to_bytes().unwrap();
    for _ in 0..cases(20_000) {
        let mut input = match random.below(4) {
            0 => {
                let length = random.below(300) as usize;
                random.bytes(length)
            }
            1 => hostile_parts(&mut random, &start),
            _ => bytes.clone(),
        };
        for _ in 0..random.below(4) {
            let at = random.below(input.len() as u64 + 1) as usize;
            let to = at + random.below((input.len() - at) as u64 + 1) as usize;
            match random.below(5) {
                0 => input.truncate(at),
                1 => input[at..to].reverse(),
                2 => {
                    let piece = input[at..to].to_vec();
                    let place = random.below(input.len() as u64 + 1) as usize;
                    input.splice(place..place, piece);
                }
                _ => {
                    if let Some(byte) = input.get_mut(at) {
                        *byte = random.next() as u8;
                    }
                }
            }
        }
        let intact = input == bytes;
        for outcome in [read_all(&input), stream_all(&input)] {
            match outcome {
                Ok(_) => {}
                Err(Error::Io { source, .. }) => panic!("memory has no I/O errors: {source}"),
                Err(error) => assert!(!intact && error.to_string().len() > 20),
            }
        }
        let (gops, report, _) = salvage_all(&input);
        assert!(gops.iter().map(|gop| gop.record.payload.len()).sum::<usize>() <= input.len());
        assert!(report.lost.iter().all(|lost| lost.bytes.end <= input.len() as u64));
    }
}

/// Parts in a random order with random fields and valid checksums, as someone who wants harm would write them.
fn hostile_parts(random: &mut Random, start: &[u8]) -> Vec<u8> {
    fn number(random: &mut Random) -> u64 {
        let bits = random.below(65) as u32;
        random.next().checked_shr(64 - bits).unwrap_or(0)
    }
    let mut bytes = start.to_vec();
    if random.below(2) == 0 {
        let mut body = random.bytes(32);
        (0..4).for_each(|_| varint::put(&mut body, number(random) >> random.below(64)));
        body.extend(random.next().to_le_bytes().map(|byte| byte & 0x3f).iter().take(3));
        bytes = b"\x89VCN\x01".to_vec();
        bytes.push(body.len() as u8);
        bytes.extend(body);
        bytes.extend(short(&bytes));
    }
    for _ in 0..random.below(5) {
        let mut part = Vec::new();
        if random.below(3) > 0 {
            part.extend(record::SYNC);
            (0..3).for_each(|_| varint::put(&mut part, number(random)));
            part.extend(random.bytes(16));
        } else {
            part.extend(footer::MARKER);
            let count = random.below(4);
            let stated = if random.below(4) == 0 { number(random) } else { count };
            varint::put(&mut part, stated);
            (0..2 * count).for_each(|_| varint::put(&mut part, number(random)));
            let length = if random.below(4) == 0 { random.next() as u32 } else { part.len() as u32 };
            part.extend(length.to_le_bytes());
        }
        part.extend(short(&part));
        if random.below(2) == 0 {
            part.extend(b"VCN\x9a");
        }
        bytes.extend(part);
    }
    bytes
}

/// Alone in its process: `cargo test -p vcn-codec --release -- --ignored hostile_files_allocate_little`.
#[test]
#[ignore = "measures the memory of the whole process"]
#[cfg(target_os = "linux")]
fn hostile_files_allocate_little() {
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmPeak")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = peak();
    a_lying_length_allocates_nothing();
    any_bytes_are_read_or_refused_but_never_panic();
    assert!(peak() - before < 16 << 10, "{} KiB more than {before}", peak() - before);
}
