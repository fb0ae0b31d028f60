//! The codecs that ours is compared with.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use vcn_codec::gop::GopPolicy;
use vcn_eval::anchor::{Anchor, Bench, Cache, Codec, Gop, Source, Tune};
use vcn_eval::{RdCurve, RdPoint};
use vcn_media::Picture;

use super::{Arguments, sequence::Sequence};
use crate::failure::{Failure, Result};

/// How anchors are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Setting {
    /// veryfast, zerolatency, no B-frames, no scene cuts.
    #[default]
    Legacy,
    /// Two presets each, zerolatency and as users run them.
    Honest,
}

/// An anchor as named on the command line.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// As the setting has it.
    Codec(Codec),
    /// Exactly this.
    Anchor(Anchor),
}

impl FromStr for Wanted {
    type Err = vcn_eval::Error;

    fn from_str(name: &str) -> vcn_eval::Result<Wanted> {
        match name.parse() {
            Ok(codec) => Ok(Wanted::Codec(codec)),
            Err(_) => name.parse().map(Wanted::Anchor),
        }
    }
}

/// The anchors of a test.
pub struct Anchors {
    wanted: Vec<Wanted>,
    setting: Setting,
    gop: GopPolicy,
    cache: Option<Cache>,
    /// First line of `ffmpeg -version`, if it is needed.
    version: Option<String>,
}

impl Anchors {
    /// Checks what is asked for.
    pub fn new(a: &Arguments) -> Result<Anchors> {
        let by_codec = a.anchors.iter().any(|wanted| matches!(wanted, Wanted::Codec(_)));
        if by_codec && a.setting == Setting::Legacy && matches!(a.gop(), GopPolicy::Auto { .. }) {
            let reason = "in the legacy setting key frames come at a fixed distance";
            return Err(Failure::Usage(format!("{reason}: give --gop N or all, or --setting honest")));
        }
        let version = if a.anchors.is_empty() { None } else { Some(Bench::new("").version()?) };
        let cache = if a.no_anchor_cache { None } else { cache_folder().map(Cache::new) };
        Ok(Anchors { wanted: a.anchors.clone(), setting: a.setting, gop: a.gop(), cache, version })
    }

    /// Which ffmpeg is used, if any.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// A sequence as the anchors read it, spooled to `folder`; `None` if there are no anchors.
    pub fn source(&self, sequence: &Sequence, folder: &Path) -> Result<Option<Source>> {
        if self.wanted.is_empty() {
            return Ok(None);
        }
        let bench = Bench::new(folder);
        let mut reader = sequence.open()?;
        let info = reader.info().clone();
        let size = (info.width, info.height);
        let mut next = reader.next()?;
        let mut writer = match &next {
            Some(Picture::Yuv420(_)) => bench.yuv_source(&sequence.name, size, info.fps, info.colour)?,
            _ => bench.rgb_source(&sequence.name, size, info.fps)?,
        };
        while let Some(picture) = next {
            match &picture {
                Picture::Yuv420(planes) => writer.push_yuv(planes)?,
                other => writer.push_rgb(&other.to_rgb(info.colour))?,
            }
            next = reader.next()?;
        }
        Ok(Some(writer.finish()?))
    }

    /// The curves of all anchors, over at least a range of RGB PSNR.
    pub fn curves(
        &self,
        source: &Source,
        folder: &Path,
        psnr: &RangeInclusive<f64>,
        progress: impl Fn(&str, &str, &RdPoint),
    ) -> Result<Vec<RdCurve>> {
        let bench = Bench { cache: self.cache.clone(), ..Bench::new(folder) };
        let mut curves: Vec<RdCurve> = Vec::new();
        for anchor in self.wanted.iter().flat_map(|wanted| self.chosen(wanted, source.frames)) {
            let name = anchor.to_string();
            if curves.iter().all(|curve| curve.codec != name) {
                let told = |point: &RdPoint| progress(&source.name, &name, point);
                curves.push(bench.covering_curve(&anchor, source, psnr.clone(), told)?);
            }
        }
        Ok(curves)
    }

    /// The anchors that a name stands for.
    fn chosen(&self, wanted: &Wanted, frames: usize) -> Vec<Anchor> {
        let codec = match wanted {
            Wanted::Anchor(anchor) => return vec![anchor.clone()],
            Wanted::Codec(codec) => *codec,
        };
        let whole = u32::try_from(frames).unwrap_or(u32::MAX);
        match (self.setting, codec) {
            // It has no such setting; this is the nearest.
            (Setting::Legacy, Codec::SvtAv1) => {
                let gop = if let GopPolicy::Fixed(frames) = self.gop { frames } else { whole };
                vec![Anchor::new(codec, "8", Tune::ZeroLatency, Gop::Frames(gop))]
            }
            (Setting::Legacy, _) => {
                let gop = if let GopPolicy::Fixed(frames) = self.gop { frames } else { whole };
                vec![Anchor::new(codec, "veryfast", Tune::ZeroLatency, Gop::Legacy(gop))]
            }
            (Setting::Honest, _) => {
                let gop =
                    if let GopPolicy::Fixed(frames) = self.gop { Gop::Frames(frames) } else { Gop::Whole };
                let presets = if codec == Codec::SvtAv1 { ["8", "6"] } else { ["veryfast", "medium"] };
                let tunes = [Tune::ZeroLatency, Tune::None];
                let anchor = |preset| tunes.map(|tune| Anchor::new(codec, preset, tune, gop));
                presets.into_iter().flat_map(anchor).collect()
            }
        }
    }
}

/// `vcn/anchors` where the user's caches are; `None` where that is unknown.
fn cache_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(caches.join("vcn/anchors"))
}
