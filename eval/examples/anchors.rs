//! Measures anchors on a sequence and writes report, tables and plots.
//!
//! `cargo run --release -p vcn-eval --example anchors -- INPUT FRAMES OUTPUT_FOLDER ANCHOR...`, where ANCHOR is
//! `legacy`, `honest`, or a name such as `x265-medium-zerolatency-gop32`.

use std::error::Error;
use std::path::Path;

use vcn_eval::anchor::{Anchor, Bench};
use vcn_eval::plot::{Scale, rate_distortion};
use vcn_eval::{Metric, Report, published};
use vcn_media::{Colour, OpenOptions, open};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, frames, folder, names @ ..] = &arguments[..] else {
        return Err("usage: anchors INPUT FRAMES OUTPUT_FOLDER ANCHOR...".into());
    };
    let mut anchors = Vec::new();
    for name in names {
        match name.as_str() {
            "legacy" => anchors.extend(Anchor::legacy()),
            "honest" => anchors.extend(Anchor::honest()),
            name => anchors.push(name.parse()?),
        }
    }
    let scratch = tempfile::tempdir()?;
    let bench = Bench::new(scratch.path());
    let mut reader = open(input, OpenOptions { limit: Some(frames.parse()?), ..Default::default() })?;
    let info = reader.info().clone();
    let sequence = Path::new(input).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut writer = bench.rgb_source(&sequence, (info.width, info.height), info.fps)?;
    while let Some(picture) = reader.next()? {
        writer.push_rgb(&picture.to_rgb(Colour::RGB_INPUT))?;
    }
    let source = writer.finish()?;
    println!("{} frames, RGB conversion {:?}", source.frames, source.conversion);

    let mut report = Report { environment: vec![bench.version()?], ..Report::default() };
    for anchor in &anchors {
        report.curves.push(bench.curve(anchor, &source, anchor.codec.default_crfs(), |point| {
            eprintln!("{anchor} {:?}: {:.4} bpp", point.parameter, point.bpp);
        })?);
    }
    if sequence == published::BASKETBALL_PASS {
        report.curves.extend(published::basketball_pass());
    }
    println!("{}", report.points_table().to_text());
    for anchor in report.anchors() {
        for metric in [Metric::PsnrRgb, Metric::MsSsimDb] {
            let matrix = report.bd_matrix(anchor, metric);
            println!("{}", matrix.table().to_markdown());
            matrix.notes().iter().for_each(|note| println!("{note}"));
        }
    }
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)?;
    report.save(&folder.join(format!("{sequence}.json")))?;
    for (metric, suffix) in
        [(Metric::PsnrRgb, "psnr"), (Metric::MsSsimDb, "msssim-db"), (Metric::MsSsim, "msssim")]
    {
        let chart = rate_distortion(&report, &sequence, metric, Scale::Log, &[]);
        chart.save(&folder.join(format!("{sequence}-{suffix}.svg")))?;
    }
    Ok(())
}
