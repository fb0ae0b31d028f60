//! Mean rate-distortion points over sequences.

use crate::report::{RdCurve, RdPoint, Report};

/// Name of the sequence that mean curves have.
pub const MEAN: &str = "mean";

impl Report {
    /// A curve for every codec that coded all sequences: the mean, over sequences, of all points of the same parameter.
    ///
    /// The worst block is that of all, the peak memory the largest. BD-rates are not taken from these curves: theirs is
    /// the mean over sequences, see [`crate::BdMatrix::mean`].
    pub fn mean_curves(&self) -> Vec<RdCurve> {
        let sequences = self.sequences();
        let mean = |codec: &str| {
            let curves: Option<Vec<&RdCurve>> =
                sequences.iter().map(|sequence| self.curve(codec, sequence)).collect();
            let curves = curves?;
            let (first, rest) = curves.split_first()?;
            let points: Vec<RdPoint> = first
                .points
                .iter()
                .filter_map(|point| {
                    let same = |curve: &&RdCurve| {
                        let parameter = point.parameter?;
                        curve.points.iter().find(|p| p.parameter == Some(parameter)).cloned()
                    };
                    let others: Option<Vec<RdPoint>> = rest.iter().map(same).collect();
                    let mut points = others?;
                    points.push(point.clone());
                    Some(mean_point(&points))
                })
                .collect();
            let note = format!("mean of {} sequences", sequences.len());
            let threads = first.threads;
            let (codec, role, sequence) = (codec.to_owned(), first.role, MEAN.to_owned());
            let curve = RdCurve { codec, role, sequence, frames: None, threads, note, points };
            (!curve.points.is_empty()).then_some(curve)
        };
        self.codecs().into_iter().filter_map(mean).collect()
    }
}

fn mean_point(points: &[RdPoint]) -> RdPoint {
    let mean = |value: &dyn Fn(&RdPoint) -> Option<f64>| {
        let values: Option<Vec<f64>> = points.iter().map(value).collect();
        values.map(|values| values.iter().sum::<f64>() / points.len().max(1) as f64)
    };
    RdPoint {
        parameter: points.first().and_then(|point| point.parameter),
        bytes: mean(&|p| p.bytes.map(|bytes| bytes as f64)).map(|bytes| bytes.round() as u64),
        bpp: mean(&|p| Some(p.bpp)).unwrap_or_default(),
        psnr_rgb: mean(&|p| p.psnr_rgb),
        psnr_yuv: mean(&|p| p.psnr_yuv),
        ms_ssim: mean(&|p| p.ms_ssim),
        worst_block: points.iter().filter_map(|p| p.worst_block).reduce(f64::min),
        drift: mean(&|p| p.drift),
        encode_fps: mean(&|p| p.encode_fps),
        decode_fps: mean(&|p| p.decode_fps),
        peak_memory: points.iter().filter_map(|p| p.peak_memory).max(),
        commands: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Role;

    #[test]
    fn only_what_all_sequences_have_is_averaged() {
        let point = |parameter, bpp| RdPoint {
            parameter: Some(parameter),
            bpp,
            psnr_rgb: Some(10.0 * bpp),
            ..RdPoint::default()
        };
        let curve = |codec: &str, sequence: &str, points| RdCurve {
            codec: codec.into(),
            role: Role::Ours,
            sequence: sequence.into(),
            frames: Some(3),
            threads: None,
            note: String::new(),
            points,
        };
        let curves = vec![
            curve("ours", "a", vec![point(8.0, 1.0), point(20.0, 2.0)]),
            curve("ours", "b", vec![point(20.0, 4.0), point(30.0, 5.0)]),
            curve("published", "a", vec![point(8.0, 1.0)]),
        ];
        let means = Report { curves, ..Report::default() }.mean_curves();
        let [mean] = &means[..] else { panic!("{means:?}") };
        let [point] = &mean.points[..] else { panic!("{mean:?}") };
        assert_eq!((point.parameter, point.bpp, point.psnr_rgb), (Some(20.0), 3.0, Some(30.0)));
        assert_eq!((point.ms_ssim, mean.sequence.as_str()), (None, MEAN));
    }
}
