//! `vcn info`.

use clap::Args;
use serde::Serialize;
use vcn_codec::container::{Header, Reader, VERSION};
use vcn_eval::bits_per_pixel;
use vcn_media::{Chroma, Colour, Matrix, Range};

use crate::colour::describe;
use crate::failure::{Failure, Result};
use crate::models::{self, hex};
use crate::print::{Stream, bytes};
use crate::source::seekable;

/// Arguments of `vcn info`.
#[derive(Args)]
pub struct Arguments {
    /// The .vcn file, or `-` for standard input.
    input: String,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

/// Everything that a file says of itself.
#[derive(Serialize)]
struct Report {
    input: String,
    version: u8,
    /// Name of the model, if it is built in.
    model: Option<String>,
    digest: String,
    metric: &'static str,
    width: u32,
    height: u32,
    fps: String,
    matrix: Matrix,
    range: Range,
    chroma: Chroma,
    quality: u8,
    frames: u64,
    seconds: f64,
    bytes: u64,
    bpp: f64,
    kbps: f64,
    /// Bytes outside of GOPs: header and GOP table.
    overhead_bytes: u64,
    gops: Vec<Gop>,
}

#[derive(Serialize)]
struct Gop {
    first_frame: u64,
    frames: u32,
    offset: u64,
    bytes: u64,
    bpp: f64,
    kbps: f64,
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    let report = Report::of(&a.input)?;
    match a.json {
        true => Stream::Out.json(&report),
        false => Stream::Out.text(&report.text()),
    }
}

impl Report {
    fn of(input: &str) -> Result<Report> {
        let file = seekable(input)?;
        let size = file.metadata().map_err(Failure::io(input, "read"))?.len();
        let reader = Reader::open(file).map_err(Failure::file(input))?;
        let Header { model, width, height, fps, colour, quality, metric } = reader.header().clone();
        let rates = |bytes: u64, frames: u64| {
            let bpp = bits_per_pixel(bytes, width as usize, height as usize, frames as usize);
            (bpp, bpp * f64::from(width) * f64::from(height) * fps.as_f64() / 1000.0)
        };
        let gops: Vec<Gop> = reader
            .table()
            .iter()
            .map(|gop| {
                let (bpp, kbps) = rates(gop.length, gop.frames.into());
                let (first_frame, frames, offset, bytes) =
                    (gop.first_frame, gop.frames, gop.offset, gop.length);
                Gop { first_frame, frames, offset, bytes, bpp, kbps }
            })
            .collect();
        let frames = reader.frames();
        let (bpp, kbps) = rates(size, frames);
        Ok(Report {
            input: input.to_owned(),
            version: VERSION,
            model: models::known(&model).map(|(_, checkpoint)| checkpoint.name),
            digest: hex(&model),
            metric: metric.name(),
            width,
            height,
            fps: fps.to_string(),
            matrix: colour.matrix,
            range: colour.range,
            chroma: colour.chroma,
            quality,
            frames,
            seconds: frames as f64 / fps.as_f64(),
            bytes: size,
            bpp,
            kbps,
            overhead_bytes: size - gops.iter().map(|gop| gop.bytes).sum::<u64>(),
            gops,
        })
    }

    fn text(&self) -> String {
        let colour = describe(Colour { matrix: self.matrix, range: self.range, chroma: self.chroma });
        let model = self.model.as_deref().unwrap_or("(not built in)");
        let mut text = format!(
            "{}: .vcn version {}\n\
             video    {}x{}, {} frames at {} fps, {:.2} s, {colour}\n\
             size     {}, {:.4} bpp, {:.1} kbit/s\n\
             quality  {} of 63, for {}\n\
             model    {model} {}\n\
             GOPs     {}, {} of header and table\n\
             {:>6} {:>9} {:>7} {:>10} {:>9} {:>8} {:>9}",
            self.input,
            self.version,
            self.width,
            self.height,
            self.frames,
            self.fps,
            self.seconds,
            bytes(self.bytes),
            self.bpp,
            self.kbps,
            self.quality,
            self.metric,
            self.digest,
            self.gops.len(),
            bytes(self.overhead_bytes),
            "GOP",
            "frame",
            "frames",
            "offset",
            "bytes",
            "bpp",
            "kbit/s",
        );
        for (index, gop) in self.gops.iter().enumerate() {
            let Gop { first_frame, frames, offset, bytes, bpp, kbps } = gop;
            text += &format!(
                "\n{index:>6} {first_frame:>9} {frames:>7} {offset:>10} {bytes:>9} {bpp:>8.4} {kbps:>9.1}"
            );
        }
        text
    }
}
