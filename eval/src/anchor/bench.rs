//! Runs an anchor over a sequence and measures it.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use vcn_media::{Colour, Rational};

use super::raw::{rgb_bytes, yuv_bytes};
use super::{Anchor, Cache, Source, SourceWriter, ffmpeg};
use crate::error::{Error, Result};
use crate::frame_quality::{FrameQuality, SequenceQuality};
use crate::report::{RdCurve, RdPoint, Role};

/// Where and with how many threads anchors run.
#[derive(Clone, Debug)]
pub struct Bench {
    /// ffmpeg to run, looked up in PATH if it is a bare name.
    pub ffmpeg: PathBuf,
    /// Folder for raw frames and streams; must exist. Use a fresh one for each sequence.
    pub folder: PathBuf,
    /// Threads of encoder, decoder and metrics, at least 1.
    pub threads: usize,
    /// Where finished measurements are kept and looked up, if anywhere.
    pub cache: Option<Cache>,
}

impl Bench {
    /// A bench that runs `ffmpeg` from PATH with one thread and keeps its files in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Bench {
        Bench { ffmpeg: "ffmpeg".into(), folder: folder.into(), threads: 1, cache: None }
    }

    /// First line of `ffmpeg -version`.
    pub fn version(&self) -> Result<String> {
        ffmpeg::version(&self.ffmpeg)
    }

    /// Starts a source of RGB frames. `size` is width and height in pixels, both even.
    pub fn rgb_source(&self, name: &str, size: (usize, usize), fps: Rational) -> Result<SourceWriter> {
        SourceWriter::create(&self.ffmpeg, &self.folder, name, size, fps, None)
    }

    /// Starts a source of 4:2:0 frames, whose colour decides how they become RGB for the RGB metrics.
    pub fn yuv_source(
        &self,
        name: &str,
        size: (usize, usize),
        fps: Rational,
        colour: Colour,
    ) -> Result<SourceWriter> {
        SourceWriter::create(&self.ffmpeg, &self.folder, name, size, fps, Some(colour))
    }

    /// Codes the source once per CRF. `progress` is told of every finished point.
    pub fn curve(
        &self,
        anchor: &Anchor,
        source: &Source,
        crfs: &[u32],
        mut progress: impl FnMut(&RdPoint),
    ) -> Result<RdCurve> {
        let mut points = Vec::with_capacity(crfs.len());
        for &crf in crfs {
            let point = self.point(anchor, source, crf)?;
            progress(&point);
            points.push(point);
        }
        Ok(RdCurve {
            codec: anchor.to_string(),
            role: Role::Anchor,
            sequence: source.name.clone(),
            frames: Some(source.frames),
            threads: Some(self.threads.max(1)),
            note: format!("{}; RGB conversion {:?}", self.version()?, source.conversion),
            points,
        })
    }

    /// A curve at the codec's usual CRFs and at as many more as it takes to reach from below `psnr.start()` to above
    /// `psnr.end()` dB of RGB PSNR, or to the end of the codec's scale.
    pub fn covering_curve(
        &self,
        anchor: &Anchor,
        source: &Source,
        psnr: RangeInclusive<f64>,
        mut progress: impl FnMut(&RdPoint),
    ) -> Result<RdCurve> {
        let crfs = anchor.codec.default_crfs();
        let mut curve = self.curve(anchor, source, crfs, &mut progress)?;
        let step = crfs.get(1).zip(crfs.first()).map_or(4, |(second, first)| second - first);
        let (mut finest, mut coarsest) = (crfs.first().copied(), crfs.last().copied());
        let quality = |point: &RdPoint| point.psnr_rgb.unwrap_or(f64::INFINITY);
        while let Some(crf) = finest.filter(|_| !curve.points.iter().any(|p| quality(p) >= *psnr.end())) {
            finest = crf.checked_sub(step);
            if let Some(crf) = finest {
                let point = self.point(anchor, source, crf)?;
                progress(&point);
                curve.points.insert(0, point);
            }
        }
        while let Some(crf) = coarsest.filter(|_| !curve.points.iter().any(|p| quality(p) <= *psnr.start())) {
            coarsest = crf.checked_add(step).filter(|crf| *crf <= anchor.codec.last_crf());
            if let Some(crf) = coarsest {
                let point = self.point(anchor, source, crf)?;
                progress(&point);
                curve.points.push(point);
            }
        }
        Ok(curve)
    }

    /// The source at one CRF: from the cache, or coded and measured now.
    pub fn point(&self, anchor: &Anchor, source: &Source, crf: u32) -> Result<RdPoint> {
        let Some(cache) = &self.cache else { return self.measured(anchor, source, crf) };
        let arguments = anchor.arguments(crf, source.frames, self.threads.max(1));
        let file = cache.file(anchor, source, &arguments, &self.version()?)?;
        if let Some(point) = Cache::get(&file) {
            return Ok(point);
        }
        let point = self.measured(anchor, source, crf)?;
        Cache::put(&file, &point)?;
        Ok(point)
    }

    /// Codes the source at one CRF: encodes to a file, decodes that file, measures.
    fn measured(&self, anchor: &Anchor, source: &Source, crf: u32) -> Result<RdPoint> {
        let threads = self.threads.max(1);
        let stream = self.folder.join(format!("{anchor}-crf{crf}.{}", anchor.extension()));
        let mut arguments = source.input("yuv420p", &source.yuv);
        arguments.extend(anchor.arguments(crf, source.frames, threads));
        arguments.push(stream.display().to_string());
        let encode = ffmpeg::run(&self.ffmpeg, &self.folder, &arguments)?;
        let bytes = std::fs::metadata(&stream).map_err(Error::io(&stream))?.len();

        let (yuv, rgb) = (self.folder.join("decoded.yuv"), self.folder.join("decoded.rgb"));
        let mut arguments =
            vec!["-threads".into(), threads.to_string(), "-i".into(), stream.display().to_string()];
        arguments.extend("-fps_mode passthrough -f rawvideo -pix_fmt yuv420p".split(' ').map(str::to_owned));
        arguments.push(yuv.display().to_string());
        let decode = ffmpeg::run(&self.ffmpeg, &self.folder, &arguments)?;
        let convert = ffmpeg::run(&self.ffmpeg, &self.folder, &source.to_rgb(&yuv, &rgb))?;
        let quality = self.measure(source, &rgb, &yuv)?;
        for path in [&stream, &yuv, &rgb] {
            std::fs::remove_file(path).map_err(Error::io(path))?;
        }

        let mut point = RdPoint::measured(f64::from(crf), bytes, (source.width, source.height), &quality);
        point.encode_fps = Some(source.frames as f64 / encode.seconds);
        point.decode_fps = Some(source.frames as f64 / decode.seconds);
        point.peak_memory = encode.peak_memory.max(decode.peak_memory);
        point.commands = source.commands.clone();
        point.commands.extend([encode.command, decode.command, convert.command]);
        Ok(point)
    }

    /// Metrics of decoded files against the source, `threads` frames at a time.
    fn measure(&self, source: &Source, rgb: &Path, yuv: &Path) -> Result<SequenceQuality> {
        let frames = source.frames;
        let mut source_rgb = source.reader(&source.rgb, rgb_bytes, frames)?;
        let mut source_yuv = source.reader(&source.yuv, yuv_bytes, frames)?;
        let mut decoded_rgb = source.reader(rgb, rgb_bytes, frames)?;
        let mut decoded_yuv = source.reader(yuv, yuv_bytes, frames)?;
        let mut measured = Vec::with_capacity(frames);
        while measured.len() < frames {
            let mut batch = Vec::new();
            for _ in 0..self.threads.max(1).min(frames - measured.len()) {
                let rgb = (source_rgb.rgb()?, decoded_rgb.rgb()?);
                let yuv = (source_yuv.yuv()?, decoded_yuv.yuv()?);
                batch.push((rgb, yuv, None));
            }
            std::thread::scope(|scope| {
                for (rgb, yuv, quality) in &mut batch {
                    scope.spawn(|| {
                        *quality = Some(FrameQuality::measure(&rgb.0, &rgb.1, Some((&yuv.0, &yuv.1))));
                    });
                }
            });
            for (_, _, quality) in batch {
                measured.extend(quality.transpose()?);
            }
        }
        SequenceQuality::of(&measured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vcn_media::Rgb8;

    /// A moving gradient; every odd frame count and both directions of time would do.
    fn frame(k: usize) -> Rgb8 {
        let (width, height) = (64, 64);
        let data =
            (0..3 * width * height).map(|i| ((i / 3 % width + i / 192 + 3 * k) * 3 % 256) as u8).collect();
        Rgb8 { width, height, data }
    }

    /// Needs ffmpeg with libx264 and libx265; says so and passes without.
    #[test]
    fn anchors_encode_decode_and_measure() {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::new(folder.path());
        if let Err(error) = bench.version() {
            eprintln!("skipped: {error}");
            return;
        }
        let fps = Rational { num: 25, den: 1 };
        let mut writer = bench.rgb_source("gradient", (64, 64), fps).unwrap();
        for k in 0..13 {
            writer.push_rgb(&frame(k)).unwrap();
        }
        assert!(writer.push_rgb(&Rgb8 { width: 32, height: 128, data: vec![0; 3 * 64 * 64] }).is_err());
        let source = writer.finish().unwrap();
        for anchor in Anchor::legacy() {
            let curve = bench.curve(&anchor, &source, &[20, 40], |_| ()).unwrap();
            let [fine, coarse] = &curve.points[..] else { panic!("two points") };
            assert!(fine.bytes > coarse.bytes && fine.psnr_rgb > coarse.psnr_rgb, "{curve:?}");
            assert!(fine.psnr_yuv.is_some() && fine.drift.is_some() && fine.encode_fps > Some(0.0));
            assert!(fine.commands.iter().any(|command| command.contains("zerolatency")));
        }
        let legacy = &Anchor::legacy()[0];
        let curve = bench.covering_curve(legacy, &source, 15.0..=50.0, |_| ()).unwrap();
        let psnr = |point: Option<&RdPoint>| point.and_then(|point| point.psnr_rgb).unwrap();
        assert!(psnr(curve.points.first()) > 50.0 || curve.points[0].parameter < Some(4.0), "{curve:?}");
        assert!(curve.points.is_sorted_by(|a, b| a.parameter < b.parameter), "{curve:?}");

        let cache = folder.path().join("cache");
        let caching = Bench { cache: Some(Cache::new(&cache)), ..bench.clone() };
        let first = caching.point(legacy, &source, 30).unwrap();
        assert_eq!(std::fs::read_dir(cache.join(legacy.to_string())).unwrap().count(), 1);
        // Times differ between two measurements, but not between two looks at one.
        assert_eq!(caching.point(legacy, &source, 30).unwrap(), first);
        caching.point(legacy, &source, 31).unwrap();
        assert_eq!(std::fs::read_dir(cache.join(legacy.to_string())).unwrap().count(), 2);
    }

    /// 4:2:0 goes to the encoder untouched: a fine CRF must come back close to it, whatever its colour means.
    #[test]
    fn yuv_sources_are_not_converted() {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench { threads: 2, ..Bench::new(folder.path()) };
        if let Err(error) = bench.version() {
            eprintln!("skipped: {error}");
            return;
        }
        let fps = Rational { num: 30000, den: 1001 };
        let mut writer = bench.yuv_source("yuv", (64, 48), fps, Colour::RGB_INPUT).unwrap();
        for k in 0..3 {
            let picture = Rgb8 { width: 64, height: 48, data: frame(k).data[..64 * 48 * 3].to_vec() };
            assert!(writer.push_rgb(&picture).is_err());
            writer.push_yuv(&vcn_media::Picture::Rgb(picture).into_yuv420(Colour::RGB_INPUT)).unwrap();
        }
        let source = writer.finish().unwrap();
        let point = bench.point(&"x264-veryfast-whole".parse().unwrap(), &source, 1).unwrap();
        assert!(point.psnr_yuv > Some(48.0), "{point:?}");
    }

    #[test]
    fn what_anchors_cannot_code_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench { ffmpeg: "no-such-ffmpeg".into(), ..Bench::new(folder.path()) };
        let fps = Rational { num: 25, den: 1 };
        assert!(matches!(bench.version(), Err(Error::FfmpegMissing { .. })));
        assert!(matches!(bench.rgb_source("odd", (15, 16), fps), Err(Error::OddSize { .. })));
        let empty = bench.rgb_source("empty", (16, 16), fps).unwrap();
        assert!(matches!(empty.finish(), Err(Error::NoFrames { .. })));
    }
}
