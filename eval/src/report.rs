//! Rate-distortion results as data: points, curves, and the versioned JSON report that tables and plots are made from.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::bd::{BdDelta, RdSample, bd_rate};
use crate::error::{Error, Result};
use crate::table::{Align, Table};
use crate::{SequenceQuality, ms_ssim_db};

/// Version of the JSON that this build writes and reads.
pub const REPORT_VERSION: u32 = 1;

/// Bits per pixel of a file of `bytes` that holds `frames` frames of `width` x `height` pixels.
pub fn bits_per_pixel(bytes: u64, width: usize, height: usize, frames: usize) -> f64 {
    8.0 * bytes as f64 / (width as f64 * height as f64 * frames as f64)
}

/// Whose curve it is, which decides how it is drawn and whether it may serve as an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Measured, this codec.
    Ours,
    /// Measured, a codec to compare with.
    Anchor,
    /// Taken from a publication.
    Published,
}

/// A quality axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// PSNR over R, G and B in dB.
    PsnrRgb,
    /// (6 Y + U + V) / 8 PSNR in dB.
    PsnrYuv,
    /// MS-SSIM of R, G and B, 0..=1.
    MsSsim,
    /// The same as -10 log10(1 - x) dB.
    MsSsimDb,
}

impl Metric {
    /// Name with unit, as an axis title.
    pub fn label(self) -> &'static str {
        match self {
            Metric::PsnrRgb => "PSNR RGB (dB)",
            Metric::PsnrYuv => "PSNR YUV 6:1:1 (dB)",
            Metric::MsSsim => "MS-SSIM",
            Metric::MsSsimDb => "MS-SSIM (dB)",
        }
    }
}

/// One rate-distortion measurement. What a publication does not state is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RdPoint {
    /// Quality parameter: quality index for ours, CRF for anchors.
    pub parameter: Option<f64>,
    /// Size of the whole file.
    pub bytes: Option<u64>,
    /// Bits per pixel of that file.
    pub bpp: f64,
    /// Mean RGB PSNR in dB.
    pub psnr_rgb: Option<f64>,
    /// Mean YUV PSNR (6:1:1) in dB.
    pub psnr_yuv: Option<f64>,
    /// Mean MS-SSIM, 0..=1.
    pub ms_ssim: Option<f64>,
    /// RGB PSNR in dB of the worst 16x16 block of the sequence.
    pub worst_block: Option<f64>,
    /// RGB PSNR of the last frame minus that of the tenth, in dB.
    pub drift: Option<f64>,
    /// Frames encoded per second.
    pub encode_fps: Option<f64>,
    /// Frames decoded per second.
    pub decode_fps: Option<f64>,
    /// Largest resident memory of encoder and decoder processes in bytes.
    pub peak_memory: Option<u64>,
    /// Exact command lines, in the order they ran; files of the working folder are named without it.
    #[serde(default)]
    pub commands: Vec<String>,
}

impl RdPoint {
    /// A point from the file size and the measured quality; speed, memory and commands are left to the caller.
    pub fn measured(
        parameter: f64,
        bytes: u64,
        (width, height): (usize, usize),
        quality: &SequenceQuality,
    ) -> RdPoint {
        RdPoint {
            parameter: Some(parameter),
            bytes: Some(bytes),
            bpp: bits_per_pixel(bytes, width, height, quality.frames),
            psnr_rgb: Some(quality.psnr_rgb),
            psnr_yuv: quality.psnr_yuv,
            ms_ssim: Some(quality.ms_ssim),
            worst_block: Some(quality.worst_block),
            drift: quality.drift,
            ..RdPoint::default()
        }
    }

    /// The value on a quality axis, if it is known.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::PsnrRgb => self.psnr_rgb,
            Metric::PsnrYuv => self.psnr_yuv,
            Metric::MsSsim => self.ms_ssim,
            Metric::MsSsimDb => self.ms_ssim.map(ms_ssim_db),
        }
    }
}

/// The points of one codec on one sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RdCurve {
    /// Codec with its setting; the same name on every sequence.
    pub codec: String,
    /// Whose curve it is.
    pub role: Role,
    /// Sequence that was coded.
    pub sequence: String,
    /// Frames coded, where known.
    pub frames: Option<usize>,
    /// Threads that encoder and decoder could use, where known.
    pub threads: Option<usize>,
    /// Where published points come from, or what else to know.
    #[serde(default)]
    pub note: String,
    /// Measurements in any order.
    pub points: Vec<RdPoint>,
}

impl RdCurve {
    /// Points that have a value on a quality axis, sorted by rate in bits per pixel.
    pub fn samples(&self, metric: Metric) -> Vec<RdSample> {
        let sample = |point: &RdPoint| Some(RdSample { rate: point.bpp, quality: point.value(metric)? });
        let mut samples: Vec<RdSample> = self.points.iter().filter_map(sample).collect();
        samples.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        samples
    }
}

/// All curves of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Format version, see [`REPORT_VERSION`].
    pub version: u32,
    /// What produced the numbers: program versions, processor, settings; one line each.
    pub environment: Vec<String>,
    /// Curves of every codec and sequence.
    pub curves: Vec<RdCurve>,
}

impl Default for Report {
    fn default() -> Self {
        Report { version: REPORT_VERSION, environment: Vec::new(), curves: Vec::new() }
    }
}

impl Report {
    /// Reads a report.
    pub fn load(path: &Path) -> Result<Report> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let json = |source| Error::Json { path: path.into(), source };
        let Versioned { version: found } = serde_json::from_str(&text).map_err(json)?;
        if found != REPORT_VERSION {
            return Err(Error::ReportVersion { path: path.into(), found, supported: REPORT_VERSION });
        }
        serde_json::from_str(&text).map_err(json)
    }

    /// Writes the report as readable JSON; a crash leaves the old file or the new one, never half of one.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut text =
            serde_json::to_string_pretty(self).map_err(|source| Error::Json { path: path.into(), source })?;
        text.push('\n');
        let partial = path.with_extension(format!("partial-{}", std::process::id()));
        std::fs::write(&partial, text).map_err(Error::io(&partial))?;
        std::fs::rename(&partial, path).map_err(Error::io(path))
    }

    /// Sequences in order of first appearance.
    pub fn sequences(&self) -> Vec<&str> {
        in_order(self.curves.iter().map(|curve| curve.sequence.as_str()))
    }

    /// Codecs in order of first appearance.
    pub fn codecs(&self) -> Vec<&str> {
        in_order(self.curves.iter().map(|curve| curve.codec.as_str()))
    }

    /// Codecs that are anchors, in order of first appearance.
    pub fn anchors(&self) -> Vec<&str> {
        let anchors = self.curves.iter().filter(|curve| curve.role == Role::Anchor);
        in_order(anchors.map(|curve| curve.codec.as_str()))
    }

    /// The curve of a codec on a sequence.
    pub fn curve(&self, codec: &str, sequence: &str) -> Option<&RdCurve> {
        self.curves.iter().find(|curve| curve.codec == codec && curve.sequence == sequence)
    }

    /// Every point, one row each.
    pub fn points_table(&self) -> Table {
        use Align::{Left, Right};
        let mut table = Table::new([
            ("sequence", Left),
            ("codec", Left),
            ("q", Right),
            ("bytes", Right),
            ("bpp", Right),
            ("PSNR RGB", Right),
            ("PSNR YUV", Right),
            ("MS-SSIM", Right),
            ("worst 16x16", Right),
            ("drift", Right),
            ("enc fps", Right),
            ("dec fps", Right),
            ("threads", Right),
            ("peak MiB", Right),
        ]);
        let number =
            |value: Option<f64>, digits: usize| value.map_or(String::new(), |v| format!("{v:.digits$}"));
        for curve in &self.curves {
            for point in &curve.points {
                table.push([
                    curve.sequence.clone(),
                    curve.codec.clone(),
                    point.parameter.map_or(String::new(), |q| q.to_string()),
                    point.bytes.map_or(String::new(), |bytes| bytes.to_string()),
                    format!("{:.4}", point.bpp),
                    number(point.psnr_rgb, 2),
                    number(point.psnr_yuv, 2),
                    number(point.ms_ssim, 4),
                    number(point.worst_block, 2),
                    point.drift.map_or(String::new(), |drift| format!("{drift:+.2}")),
                    number(point.encode_fps, 1),
                    number(point.decode_fps, 1),
                    curve.threads.map_or(String::new(), |threads| threads.to_string()),
                    number(point.peak_memory.map(|bytes| bytes as f64 / f64::from(1 << 20)), 0),
                ]);
            }
        }
        table
    }

    /// BD-rates of every codec against one anchor, per sequence and in the mean.
    pub fn bd_matrix(&self, anchor: &str, metric: Metric) -> BdMatrix {
        let codecs: Vec<String> =
            self.codecs().into_iter().filter(|&codec| codec != anchor).map(str::to_owned).collect();
        let sequences: Vec<&str> =
            self.sequences().into_iter().filter(|sequence| self.curve(anchor, sequence).is_some()).collect();
        let delta = |codec: &String, sequence: &str| {
            let reference = self.curve(anchor, sequence)?.samples(metric);
            let test = self.curve(codec, sequence)?.samples(metric);
            Some(bd_rate((anchor, &reference), (codec, &test)).map_err(|error| error.to_string()))
        };
        let rows = sequences
            .iter()
            .map(|&sequence| {
                (sequence.to_owned(), codecs.iter().map(|codec| delta(codec, sequence)).collect())
            })
            .collect();
        BdMatrix { anchor: anchor.into(), metric, codecs, rows }
    }
}

fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// BD-rates in percent of several codecs against one anchor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BdMatrix {
    /// Codec that everything is compared with.
    pub anchor: String,
    /// Quality axis.
    pub metric: Metric,
    /// Codecs that are compared with it.
    pub codecs: Vec<String>,
    /// Sequence and one cell per codec: `None` if it was not measured, `Err` with the reason if it cannot be compared.
    #[allow(clippy::type_complexity)]
    pub rows: Vec<(String, Vec<Option<Result<BdDelta, String>>>)>,
}

impl BdMatrix {
    /// Mean BD-rate of a column in percent and the number of sequences in it; `None` if there are none.
    pub fn mean(&self, column: usize) -> Option<(f64, usize)> {
        let cell = |(_, cells): &(String, Vec<Option<Result<BdDelta, String>>>)| {
            cells.get(column)?.as_ref()?.as_ref().ok().map(|delta| delta.value)
        };
        let values: Vec<f64> = self.rows.iter().filter_map(cell).collect();
        (!values.is_empty()).then(|| (values.iter().sum::<f64>() / values.len() as f64, values.len()))
    }

    /// A row per codec, a column per sequence and one for the mean. `n/a` cannot be compared, `*` carries a note; see
    /// [`BdMatrix::notes`].
    pub fn table(&self) -> Table {
        let title = format!("BD-rate % vs {}, {}", self.anchor, self.metric.label());
        let sequences = self.rows.iter().map(|(sequence, _)| (sequence.clone(), Align::Right));
        let columns = [(title, Align::Left)].into_iter().chain(sequences);
        let mut table = Table::new(columns.chain([("mean".to_owned(), Align::Right)]));
        for (column, codec) in self.codecs.iter().enumerate() {
            let cells = self.rows.iter().map(|(_, cells)| match cells.get(column).and_then(Option::as_ref) {
                None => String::new(),
                Some(Err(_)) => "n/a".into(),
                Some(Ok(delta)) if delta.notes.is_empty() => format!("{:+.1}", delta.value),
                Some(Ok(delta)) => format!("{:+.1}*", delta.value),
            });
            let mean = match self.mean(column) {
                None => String::new(),
                Some((mean, count)) if count == self.rows.len() => format!("{mean:+.1}"),
                Some((mean, count)) => format!("{mean:+.1} ({count} of {})", self.rows.len()),
            };
            table.push([codec.clone()].into_iter().chain(cells).chain([mean]));
        }
        table
    }

    /// What `n/a` and `*` stand for, a line each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for (sequence, cells) in &self.rows {
            for cell in cells.iter().flatten() {
                let lines = match cell {
                    Err(reason) => std::slice::from_ref(reason),
                    Ok(delta) => &delta.notes,
                };
                notes.extend(lines.iter().map(|line| format!("{sequence}: {line}")));
            }
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published;

    #[test]
    fn report_survives_json_and_other_versions_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let report = Report { curves: published::basketball_pass(), ..Report::default() };
        report.save(&path).unwrap();
        assert_eq!(Report::load(&path).unwrap(), report);
        std::fs::write(&path, r#"{"version": 7, "anything": []}"#).unwrap();
        assert!(matches!(Report::load(&path), Err(Error::ReportVersion { found: 7, .. })));
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(Report::load(&path), Err(Error::Json { .. })));
    }

    #[test]
    fn bd_matrix_tells_unmeasured_from_incomparable() {
        let mut curves = published::basketball_pass();
        curves[0].role = Role::Anchor;
        let mut elsewhere = curves[0].clone();
        elsewhere.sequence = "elsewhere".into();
        curves.push(elsewhere);
        let report = Report { curves, ..Report::default() };
        let matrix = report.bd_matrix(report.anchors()[0], Metric::PsnrRgb);
        assert_eq!(matrix.rows.len(), 2);
        let ms_ssim_only = matrix.codecs.iter().position(|codec| codec == published::RLVC_MS_SSIM).unwrap();
        assert!(matches!(matrix.rows[0].1[ms_ssim_only], Some(Err(_))));
        assert!(matrix.rows[1].1[ms_ssim_only].is_none());
        assert!(matrix.notes()[0].contains("usable point"));
        assert!(matrix.table().to_markdown().contains("n/a"));
    }
}
