//! Promises of the entropy coder.

use std::time::Instant;

use super::*;
use crate::{Error, Result};

/// Reproducible pseudo-random numbers for tests (SplitMix64).
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// A rounded Laplace sample.
    fn laplace(&mut self, scale: f64) -> i32 {
        let u = self.unit() - 0.5;
        let magnitude = -scale * (1.0 - 2.0 * u.abs()).max(1e-300).ln();
        (magnitude.copysign(u).round() as i32).clamp(-MAX_SYMBOL, MAX_SYMBOL)
    }
}

/// How many cases random tests try: `VCN_CASES` for long runs.
pub(crate) fn cases(default: u64) -> u64 {
    std::env::var("VCN_CASES").ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn random_table(random: &mut Random) -> Table {
    let most = if random.below(8) == 0 { 3000 } else { 40 };
    let symbols = 1 + random.below(most) as usize;
    let power = random.unit() * 30.0;
    let weights: Vec<f64> = (0..=symbols).map(|_| random.unit().powf(power)).collect();
    let mut frequencies = frequencies::frequencies(&weights).unwrap();
    frequencies.pop();
    let min = random.below(2 * MAX_SYMBOL as u64 + 2 - symbols as u64) as i32 - MAX_SYMBOL;
    Table::new(min, &frequencies.iter().map(|&f| f as u16).collect::<Vec<_>>()).unwrap()
}

/// A symbol that follows the table, escapes with their share or more often.
fn random_symbol(random: &mut Random, table: &Table) -> i32 {
    if random.below(50) == 0 {
        return random.below(2 * MAX_SYMBOL as u64 + 1) as i32 - MAX_SYMBOL;
    }
    let mut quantile = random.below(TOTAL.into()) as u32;
    for (symbol, frequency) in (table.min()..).zip(table.frequencies()) {
        match quantile.checked_sub(frequency.into()) {
            Some(rest) => quantile = rest,
            None => return symbol,
        }
    }
    table.min()
}

#[test]
fn symbols_come_back_and_bytes_match_information() {
    let mut random = Random(1);
    for case in 0..cases(100) {
        let tables: Vec<Table> = (0..1 + random.below(6)).map(|_| random_table(&mut random)).collect();
        let length = random.below(if case % 20 == 0 { 20_000 } else { 200 });
        let script: Vec<(usize, i32, u32, u32)> = (0..length)
            .map(|_| {
                let which = random.below(tables.len() as u64) as usize;
                let count = random.below(33) as u32;
                let value = (random.next() >> 32 >> (32 - count)) as u32;
                (which, random_symbol(&mut random, &tables[which]), value, count)
            })
            .collect();
        let mut encoder = SymbolEncoder::new();
        let mut cost = 0.0;
        for &(which, symbol, value, count) in &script {
            encoder.put(&tables[which], symbol).unwrap();
            cost += f64::from(tables[which].bits(symbol));
            if symbol % 16 == 0 {
                encoder.put_bits(value, count);
                encoder.put_uint(value);
                cost += f64::from(count + bypass::uint_length(value));
            }
        }
        let written = encoder.bits_written();
        assert!((written - cost).abs() <= 0.01 + 1e-4 * cost, "{written} bits written, tables say {cost}");
        let payload = encoder.finish();
        let spent = payload.len() as f64 * 8.0;
        assert!(spent <= written + 17.0 && spent >= written - 17.0, "{spent} bits for {written}");

        let decode = |payload: &[u8]| -> Result<f64> {
            let mut decoder = SymbolDecoder::new(payload)?;
            for &(which, symbol, value, count) in &script {
                assert_eq!(decoder.get(&tables[which])?, symbol);
                if symbol % 16 == 0 {
                    assert_eq!(decoder.get_bits(count)?, value);
                    assert_eq!(decoder.get_uint()?, value);
                }
            }
            let read = decoder.bits_read();
            decoder.finish().map(|()| read)
        };
        assert!((decode(&payload).unwrap() - written).abs() < 1e-3);
        // Bytes appended are noticed even without the container's checksum.
        let longer = [payload.as_slice(), &[0; 3]].concat();
        assert!(matches!(decode(&longer), Err(Error::PayloadTrails { .. })));
    }
}

/// The decoder of doc/BITSTREAM.md, section "Decoding", word for word.
struct Specified<'a> {
    words: Box<dyn Iterator<Item = u64> + 'a>,
    low: u64,
    range: u64,
    window: u64,
}

impl<'a> Specified<'a> {
    fn new(payload: &'a [u8]) -> Specified<'a> {
        let byte = |index: usize| u64::from(payload.get(index).copied().unwrap_or(0));
        let mut words = (0..).step_by(2).map(move |index| byte(index) << 8 | byte(index + 1));
        let window = (0..4).fold(0, |window, _| window << 16 | words.next().unwrap());
        Specified { words: Box::new(words), low: 0, range: u64::MAX, window }
    }

    fn step(&mut self, find: impl Fn(u64) -> (u64, u64, i32)) -> i32 {
        let scale = self.range >> 16;
        let (start, freq, symbol) = find(self.window.wrapping_sub(self.low) / scale);
        self.low = self.low.wrapping_add(scale * start);
        self.range = scale * freq;
        if self.range < 1 << 48 {
            self.low <<= 16;
            self.range <<= 16;
            self.window = self.window << 16 | self.words.next().unwrap();
        }
        symbol
    }

    fn bit(&mut self) -> i32 {
        self.step(|q| (q >> 15 << 15, 1 << 15, (q >> 15) as i32))
    }

    fn number(&mut self) -> i32 {
        let length = (0..).take_while(|_| self.bit() == 0).count() as u32;
        let shift = 16 - length;
        let rest = if length == 0 {
            0
        } else {
            self.step(|q| (q >> shift << shift, 1 << shift, (q >> shift) as i32))
        };
        (1 << length) + rest - 1
    }

    fn symbol(&mut self, min: i32, frequencies: &[u16]) -> i32 {
        let slot = self.step(|q| {
            let mut start = 0;
            for (slot, &frequency) in (0..).zip(frequencies) {
                if q < start + u64::from(frequency) {
                    return (start, frequency.into(), slot);
                }
                start += u64::from(frequency);
            }
            (start, 65536 - start, -1)
        });
        match slot {
            -1 if self.bit() == 1 => min - 1 - self.number(),
            -1 => min + frequencies.len() as i32 + self.number(),
            slot => min + slot,
        }
    }
}

#[test]
fn the_specification_decodes_the_same() {
    let mut random = Random(7);
    for _ in 0..cases(100) {
        let table = random_table(&mut random);
        let frequencies: Vec<u16> = table.frequencies().collect();
        let symbols: Vec<i32> = (0..random.below(2000)).map(|_| random_symbol(&mut random, &table)).collect();
        let mut encoder = SymbolEncoder::new();
        symbols.iter().for_each(|&symbol| encoder.put(&table, symbol).unwrap());
        let payload = encoder.finish();
        let mut specified = Specified::new(&payload);
        assert!(symbols.iter().all(|&symbol| specified.symbol(table.min(), &frequencies) == symbol));
    }
}

#[test]
fn any_bytes_decode_or_fail_but_never_panic_or_run_on() {
    let mut random = Random(2);
    let tables: Vec<Table> = (0..8).map(|_| random_table(&mut random)).collect();
    for _ in 0..cases(20_000) {
        let length = random.below(64) as usize;
        let fill = random.below(4);
        let bytes = match fill {
            0 => vec![0xff; length],
            1 => vec![0; length],
            _ => random.bytes(length),
        };
        let mut decoder = SymbolDecoder::new(&bytes).unwrap();
        let mut calls = 0;
        let stopped = loop {
            let table = &tables[random.below(8) as usize];
            let outcome = match random.below(8) {
                0 => decoder.get_uint().map(|_| ()),
                1 => decoder.get_bits(1 + random.below(32) as u32).map(|_| ()),
                _ => decoder.get(table).map(|symbol| assert!(symbol.abs() <= MAX_SYMBOL)),
            };
            calls += 1;
            match outcome {
                Ok(()) if calls < 1_000_000 => {}
                Ok(()) => break None,
                Err(error) => break Some(error),
            }
        };
        let error = stopped.expect("information is finite, so decoding must end");
        assert!(matches!(error, Error::PayloadEnds { .. } | Error::PayloadInvalid { .. }), "{error}");
    }
}

#[test]
fn an_empty_payload_is_free() {
    let payload = SymbolEncoder::new().finish();
    assert!(payload.is_empty());
    SymbolDecoder::new(&payload).unwrap().finish().unwrap();
    assert!(matches!(SymbolDecoder::new(&[1, 2, 3]).unwrap().finish(), Err(Error::PayloadTrails { .. })));
}

#[test]
fn a_cut_payload_is_noticed() {
    let tables = ScaleTables::laplace(ScaleTables::COUNT).unwrap();
    let mut random = Random(3);
    let mut encoder = SymbolEncoder::new();
    for _ in 0..1000 {
        encoder.put_scaled(&tables, 20, random.laplace(2.0)).unwrap();
    }
    let payload = encoder.finish();
    for length in 0..payload.len() - 2 {
        let mut decoder = SymbolDecoder::new(&payload[..length]).unwrap();
        assert!((0..1000).any(|_| decoder.get_scaled(&tables, 20).is_err()), "{length} of {}", payload.len());
    }
}

#[test]
fn what_cannot_be_coded_is_refused() {
    let tables = ScaleTables::laplace(4).unwrap();
    let mut encoder = SymbolEncoder::new();
    assert!(matches!(encoder.put_scaled(&tables, 0, 1), Err(Error::UncodedSymbol { symbol: 1 })));
    assert!(matches!(encoder.put_scaled(&tables, 4, 0), Err(Error::NoSuchTable { index: 4, count: 4 })));
    for symbol in [MAX_SYMBOL + 1, -MAX_SYMBOL - 1, i32::MAX, i32::MIN] {
        assert!(matches!(encoder.put_scaled(&tables, 3, symbol), Err(Error::SymbolRange { .. })));
        assert!(tables.bits(3, symbol) > 16.0);
    }
    assert!(encoder.finish().is_empty());
}

#[test]
fn laplace_tables_cost_what_the_distribution_says() {
    let tables = ScaleTables::laplace(ScaleTables::COUNT).unwrap();
    let mut random = Random(4);
    for index in 1..tables.count() {
        let table = tables.get(index).unwrap().unwrap();
        assert_eq!(table.min(), -table.max());
        let laplace = laplace::Laplace { centre: 0.0, scale: scale(index).into() };
        assert!(
            laplace.mass_outside(table.min(), table.max()) <= 1.0 / 65535.0
                || table.max() == laplace::MAX_REACH
        );
        let masses: Vec<f64> = (table.min()..=table.max()).map(|symbol| laplace.mass(symbol)).collect();
        let entropy: f64 = masses.iter().filter(|&&p| p > 0.0).map(|&p| -p * p.log2()).sum();
        let cost: f64 =
            (table.min()..).zip(&masses).map(|(symbol, p)| p * f64::from(table.bits(symbol))).sum();
        assert!(cost <= entropy * 1.005 + 2e-4, "scale index {index}: {cost} bits for {entropy}");

        let mut encoder = SymbolEncoder::new();
        let symbols: Vec<i32> = (0..500).map(|_| random.laplace(laplace.scale)).collect();
        symbols.iter().for_each(|&symbol| encoder.put(table, symbol).unwrap());
        let information = encoder.bits_written() / 8.0;
        assert!((encoder.finish().len() as f64) < information * 1.01 + 3.0);
    }
    assert_eq!(scale_index(1.0, 48), 16);
    assert_eq!((scale_index(0.0, 48), scale_index(1e9, 48)), (0, 47));
}

#[test]
fn counted_tables_beat_assumed_ones_and_survive_serialisation() {
    let mut random = Random(5);
    // Heavier tails than Laplace, as latents have them: a mixture of two scales.
    let mut draw = |index: usize| {
        let wide = if random.below(5) == 0 { 3.0 } else { 0.5 };
        random.laplace(f64::from(scale(index)) * wide)
    };
    let mut histograms = vec![Histogram::default(); 40];
    for (index, histogram) in histograms.iter_mut().enumerate().skip(1) {
        (0..20_000).for_each(|_| histogram.add(draw(index)));
    }
    let (assumed, counted) =
        (ScaleTables::laplace(40).unwrap(), ScaleTables::from_histograms(&histograms, 256.0).unwrap());
    for index in 4..40 {
        let cost = |tables: &ScaleTables, symbols: &[i32]| -> f32 {
            symbols.iter().map(|&symbol| tables.bits(index, symbol)).sum()
        };
        let fresh: Vec<i32> = (0..5000).map(|_| draw(index)).collect();
        assert!(cost(&counted, &fresh) < cost(&assumed, &fresh), "scale index {index}");
    }

    let mut bytes = Vec::new();
    counted.write(&mut bytes);
    let mut rest = bytes.as_slice();
    assert_eq!(ScaleTables::read(&mut rest).unwrap(), counted);
    assert!(rest.is_empty());
    eprintln!("40 scales: {} bytes", bytes.len());

    for _ in 0..cases(2000) {
        let mut hostile = bytes.clone();
        let at = random.below(bytes.len() as u64) as usize;
        match random.below(3) {
            0 => hostile[at] ^= 1 << random.below(8),
            1 => hostile.truncate(at),
            _ => hostile[at] = random.next() as u8,
        }
        if let Ok(tables) = ScaleTables::read(&mut hostile.as_slice()) {
            assert!(tables.bits(1.min(tables.count() - 1), 0).is_finite());
        }
    }
}

#[test]
fn hostile_tables_are_refused() {
    let refused = |min, frequencies: &[u16]| Table::new(min, frequencies).unwrap_err().to_string();
    assert!(refused(0, &[]).contains("number of symbols is 0"));
    assert!(refused(0, &[5, 0, 5]).contains("frequency is 0"));
    assert!(refused(0, &[65535, 1]).contains("sum of frequencies is 65536"));
    assert!(refused(0, &[65535; 9]).contains("sum of frequencies"));
    assert!(refused(-MAX_SYMBOL - 1, &[1]).contains("smallest symbol is -16385"));
    assert!(refused(MAX_SYMBOL, &[1, 1]).contains("largest symbol is 16385"));
    assert!(refused(i32::MAX, &[1, 1]).contains("largest symbol"));
    assert!(Table::new(0, &[65535]).is_ok());
}

/// `cargo test -p vcn-codec --release -- --ignored --nocapture symbols_per_second`
#[test]
#[ignore = "a measurement"]
fn symbols_per_second() {
    let tables = ScaleTables::laplace(ScaleTables::COUNT).unwrap();
    let mut random = Random(6);
    for (name, low, high) in [("small scales", 1, 14), ("all scales", 1, 48), ("large scales", 30, 48)] {
        let script: Vec<(u8, i32)> = (0..1_000_000)
            .map(|_| {
                let index = low + random.below(high - low);
                (index as u8, random.laplace(scale(index as usize).into()))
            })
            .collect();
        let (mut put, mut get) = (f64::INFINITY, f64::INFINITY);
        let mut payload = Vec::new();
        for _ in 0..5 {
            let start = Instant::now();
            let mut encoder = SymbolEncoder::new();
            script.iter().for_each(|&(index, s)| encoder.put_scaled(&tables, index.into(), s).unwrap());
            payload = encoder.finish();
            put = put.min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            let mut decoder = SymbolDecoder::new(&payload).unwrap();
            let right = script.iter().all(|&(i, s)| decoder.get_scaled(&tables, i.into()).unwrap() == s);
            get = get.min(start.elapsed().as_secs_f64());
            assert!(right);
        }
        let bits = payload.len() as f64 * 8.0 / 1e6;
        eprintln!(
            "{name}: {bits:.2} bits a symbol, encode {:.1} M/s, decode {:.1} M/s",
            1.0 / put,
            1.0 / get
        );
    }
}
