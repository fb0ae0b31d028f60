//! `--log`: a line for every frame, as CSV or JSON lines.

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use vcn_codec::{FrameKind, FrameLog};
use vcn_media::AtomicFile;

use crate::failure::{Failure, Result};

/// What became of a frame.
#[derive(Clone, Debug, Serialize)]
pub struct FrameLine {
    /// Number of the frame, from 0.
    pub index: u64,
    /// Number of its GOP, from 0.
    pub gop: u64,
    /// `intra`, `inter`, `between` (two others) or `repeat`.
    pub r#type: &'static str,
    /// Quality index that it was coded with.
    pub quality: i8,
    /// Bits for motion.
    pub motion_bits: f64,
    /// Bits for the residual or the intra frame.
    pub residual_bits: f64,
    /// Bits for side information.
    pub side_bits: f64,
    /// All bits.
    pub bits: f64,
    /// PSNR of luma in dB.
    pub psnr_y: f64,
    /// PSNR of Cb in dB.
    pub psnr_u: f64,
    /// PSNR of Cr in dB.
    pub psnr_v: f64,
}

const COLUMNS: &str = "index,gop,type,quality,motion_bits,residual_bits,side_bits,bits,psnr_y,psnr_u,psnr_v";

impl FrameLine {
    /// The line of frame `index` in GOP `gop`.
    pub fn new(index: u64, gop: u64, log: &FrameLog, [psnr_y, psnr_u, psnr_v]: [f64; 3]) -> FrameLine {
        FrameLine {
            index,
            gop,
            r#type: match log.kind {
                FrameKind::Intra => "intra",
                FrameKind::Inter => "inter",
                FrameKind::Between => "between",
                FrameKind::Repeat => "repeat",
            },
            quality: log.quality,
            motion_bits: log.motion_bits,
            residual_bits: log.residual_bits,
            side_bits: log.side_bits,
            bits: log.bits(),
            psnr_y,
            psnr_u,
            psnr_v,
        }
    }

    fn csv(&self) -> String {
        let FrameLine { index, gop, r#type, quality, motion_bits, residual_bits, side_bits, bits, .. } = self;
        let FrameLine { psnr_y, psnr_u, psnr_v, .. } = self;
        format!(
            "{index},{gop},{type},{quality},{motion_bits:.2},{residual_bits:.2},{side_bits:.2},{bits:.2},\
             {psnr_y:.4},{psnr_u:.4},{psnr_v:.4}"
        )
    }
}

/// Writes the lines of a log; nothing appears under its name before [`FrameLogWriter::commit`].
pub struct FrameLogWriter {
    file: AtomicFile,
    path: String,
    json: bool,
}

impl FrameLogWriter {
    /// Begins a log: JSON lines in a `.jsonl` or `.json` file, CSV in any other.
    pub fn create(path: &str, overwrite: bool) -> Result<FrameLogWriter> {
        let extension = Path::new(path).extension().unwrap_or_default();
        let json = ["json", "jsonl", "ndjson"].iter().any(|known| extension.eq_ignore_ascii_case(known));
        let mut log =
            FrameLogWriter { file: AtomicFile::create(path, overwrite)?, path: path.to_owned(), json };
        if !json {
            log.line(COLUMNS)?;
        }
        Ok(log)
    }

    /// Adds a frame.
    pub fn write(&mut self, line: &FrameLine) -> Result<()> {
        match self.json {
            true => self.line(&serde_json::to_string(line).map_err(|error| Failure::Other(error.into()))?),
            false => self.line(&line.csv()),
        }
    }

    /// Gives the log its name.
    pub fn commit(self) -> Result<()> {
        Ok(self.file.commit()?)
    }

    fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.file, "{text}").map_err(Failure::io(&self.path, "write"))
    }
}
