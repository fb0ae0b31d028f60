//! `vcn visualize`: what happens to a frame, as pictures.

mod animation;
pub mod coding;
pub mod contact_sheet;
mod fit;
mod lettering;
mod motion_colour;
mod residual;

use std::path::PathBuf;

use clap::Args;
use vcn_codec::gop::GopPolicy;
use vcn_media::{OpenOptions, open};

use crate::compress::{Preset, policy};
use crate::compute::Compute;
use crate::encoding::Settings;
use crate::failure::{Failure, Result};
use crate::folder::Folder;
use crate::models::{self, Metric};
use crate::print::Stream;
use crate::reordering::Reordering;
use coding::{Coded, Shown};

const EXAMPLES: &str = "\
Writes first.png, second.png (frame K - 1 and frame K), flow.png (motion as searched), reconflow.png (motion as decoded),
motioncompensated.png, residue.png, reconresidue.png, reconstructed.png, sheet.png (all of them with captions), and
animation.gif: source | decoded | bits per frame.

Motion is drawn in the colour wheel of Baker et al. (2011): hue is direction, white is rest. Residuals are four times the
difference to the motion-compensated frame, on grey.

Examples:
  vcn visualize clip/ -o pictures/
  vcn visualize clip.mp4 --frame 40 --frames 60 -q 20 -o pictures/";

/// Arguments of `vcn visualize`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A folder of images, a .y4m file, `-`, or any video that ffmpeg reads.
    input: String,
    /// Folder for the pictures.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// The frame to take apart, counted from 0; it must not begin a GOP.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    frame: u64,
    /// Frames to compress and to animate at most.
    #[arg(long, value_name = "N", default_value_t = 48, value_parser = clap::value_parser!(u64).range(2..=1000))]
    frames: u64,
    /// From 0, the smallest file, to 63, the best picture.
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u8).range(0..=63))]
    quality: u8,
    /// Where GOPs begin: auto, every N frames, or all (one GOP).
    #[arg(long, value_name = "auto|N|all", default_value = "auto", value_parser = policy)]
    gop: GopPolicy,
    #[command(flatten)]
    reordering: Reordering,
    /// A model by name or file.
    #[arg(long, value_name = "FILE|NAME")]
    model: Option<String>,
    /// How hard the encoder tries.
    #[arg(long, value_enum, default_value_t)]
    preset: Preset,
    /// Replace existing files.
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    compute: Compute,
}

/// Runs the command.
pub fn run(a: Arguments) -> Result<()> {
    if a.frame >= a.frames {
        let (frame, frames) = (a.frame, a.frames);
        return Err(Failure::Usage(format!(
            "--frame {frame} is not among --frames {frames}, counted from 0"
        )));
    }
    let folder = Folder::create(&a.output, a.overwrite)?;
    let options = OpenOptions { limit: Some(a.frames), ..Default::default() };
    let mut reader = open(&a.input, options)?;
    let codec = a.compute.open(models::for_encoding(a.model.as_deref(), Metric::Psnr)?)?;
    let settings = Settings {
        quality: a.quality,
        gop: a.gop,
        effort: a.preset.into(),
        between: a.reordering.b_frames,
        colour: None,
    };
    let Coded { shown, panels, fps } = coding::run(&codec, reader.as_mut(), settings, a.frame)?;
    let Some(shown) = shown else {
        return Err(Failure::Usage(format!(
            "--frame {}: {} has only {} frames, counted from 0",
            a.frame,
            a.input,
            panels.len()
        )));
    };
    let Shown { log, .. } = &shown;
    let about =
        format!("{}, quality {}, frame {} of {}", codec.checkpoint().name, a.quality, a.frame, a.input);
    let pictures = contact_sheet::pictures(&shown)?;
    for picture in &pictures {
        folder.image(&format!("{}.png", picture.name), &picture.image)?;
    }
    folder.image("sheet.png", &contact_sheet::sheet(&about, &pictures))?;
    folder.file("animation.gif", &animation::gif(&panels, fps)?)?;
    folder.finish()?;
    Stream::Out.text(&format!(
        "{}: frame {} in {:.0} bits ({:.0} of motion), PSNR {:.2} dB; eight pictures, sheet.png, and {} frames in \
         animation.gif",
        a.output.display(),
        a.frame,
        log.bits(),
        log.motion_bits,
        shown.psnr,
        panels.len()
    ))
}
