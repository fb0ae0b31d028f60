//! Source, decoded video and bits per frame side by side, as a GIF.

use image::codecs::gif::{GifEncoder, Repeat};
use image::imageops::replace;
use image::{Delay, DynamicImage, Frame, Rgb, RgbImage};
use vcn_codec::{FrameKind, FrameLog};

use super::coding::Panel;
use super::fit::LEAST;
use super::lettering::{LINE, Weight, cut, width, write};
use crate::failure::{Failure, Result};

const MARGIN: u32 = 8;
/// Height of the bars.
const PLOT: u32 = 96;
const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([30, 30, 30]);
const PALE: Rgb<u8> = Rgb([110, 110, 110]);
const GRID: Rgb<u8> = Rgb([225, 225, 225]);
/// Okabe and Ito's colours, which people with any colour vision tell apart.
const INTRA: Rgb<u8> = Rgb([0, 114, 178]);
const RESIDUAL: Rgb<u8> = Rgb([86, 180, 233]);
const MOTION: Rgb<u8> = Rgb([213, 94, 0]);
const SIDE: Rgb<u8> = Rgb([160, 160, 160]);
/// How thoroughly colours are chosen, from 1 (slow) to 30.
const SPEED: i32 = 10;

/// The animation as a file.
pub fn gif(panels: &[Panel], fps: f64) -> Result<Vec<u8>> {
    let failed = |error: image::ImageError| Failure::Other(error.into());
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, SPEED);
    encoder.set_repeat(Repeat::Infinite).map_err(failed)?;
    // Browsers slow down what has less than 20 ms per frame.
    let delay = Delay::from_numer_denom_ms((1000.0 / fps).clamp(20.0, 1000.0).round() as u32, 1);
    for index in 0..panels.len() {
        let image = DynamicImage::ImageRgb8(frame(panels, index)).into_rgba8();
        encoder.encode_frame(Frame::from_parts(image, 0, 0, delay)).map_err(failed)?;
    }
    drop(encoder);
    Ok(bytes)
}

/// One picture of the animation.
fn frame(panels: &[Panel], index: usize) -> RgbImage {
    let Some(now) = panels.get(index) else { return RgbImage::new(1, 1) };
    let (columns, rows) = now.source.dimensions();
    let panel = columns.max(LEAST);
    let size = (2 * panel + 3 * MARGIN, rows + PLOT + 3 * LINE + 5 * MARGIN);
    let mut image = RgbImage::from_pixel(size.0, size.1, PAPER);
    let right = 2 * MARGIN + panel;
    write(&mut image, (MARGIN, MARGIN), Weight::Bold, INK, "Source");
    write(&mut image, (right, MARGIN), Weight::Bold, INK, "Decoded");
    let psnr = format!("{:.2} dB", now.psnr);
    write(&mut image, (right + panel - width(&psnr), MARGIN), Weight::Regular, PALE, &psnr);
    let top = MARGIN + LINE + MARGIN / 2;
    replace(&mut image, &now.source, MARGIN.into(), top.into());
    replace(&mut image, &now.decoded, right.into(), top.into());

    let text = top + rows + MARGIN;
    let (room, log) = (size.0 - 2 * MARGIN, &now.log);
    let kind = match log.kind {
        FrameKind::Intra => "intra",
        FrameKind::Inter => "inter",
        FrameKind::Between => "between",
        FrameKind::Repeat => "repeat",
    };
    let line = format!(
        "Frame {:>3}  {kind:<6}  {:>7.0} bits, {:.3} bpp",
        index,
        log.bits(),
        bpp(&panels[index..=index])
    );
    write(&mut image, (MARGIN, text), Weight::Bold, INK, &cut(&line, room));
    let so_far = format!("so far {:.3} bpp", bpp(&panels[..=index]));
    if width(&line) + width(&so_far) + 20 < room {
        write(&mut image, (size.0 - MARGIN - width(&so_far), text), Weight::Regular, PALE, &so_far);
    }
    bars(&mut image, (MARGIN, text + LINE + MARGIN / 2), (room, PLOT), panels, index);
    legend(&mut image, (MARGIN, text + LINE + MARGIN + PLOT), room);
    image
}

/// Bits per pixel of some frames.
fn bpp(panels: &[Panel]) -> f64 {
    let bits: f64 = panels.iter().map(|panel| panel.log.bits()).sum();
    bits / panels.iter().map(|panel| panel.pixels).sum::<usize>().max(1) as f64
}

/// A bar per frame; those to come are pale.
fn bars(image: &mut RgbImage, (x, y): (u32, u32), (columns, rows): (u32, u32), panels: &[Panel], now: usize) {
    let most = panels.iter().map(|panel| panel.log.bits()).fold(1.0, f64::max);
    let pixels = |bits: f64| (bits / most * f64::from(rows - 2)).round() as u32;
    fill(image, (x, y), (columns, rows), Rgb([250, 250, 250]));
    for quarter in 0..4 {
        fill(image, (x, y + quarter * rows / 4), (columns, 1), GRID);
    }
    fill(image, (x, y + rows), (columns, 1), PALE);
    let count = panels.len().max(1) as u32;
    for (k, panel) in panels.iter().enumerate() {
        let k = k as u32;
        let (left, end) = (k * columns / count, (k + 1) * columns / count);
        let thick = (end - left).saturating_sub(u32::from(end - left > 2)).max(1);
        let mut bottom = y + rows;
        for (bits, colour) in parts(&panel.log) {
            let height = pixels(bits);
            let colour = if k as usize <= now { colour } else { pale(colour) };
            fill(image, (x + left, bottom - height), (thick, height), colour);
            bottom -= height;
        }
        if k as usize == now {
            fill(image, (x + left, y + rows + 2), (thick, 3), INK);
        }
    }
    let label = format!("{most:.0} bits");
    write(image, (x + columns - width(&label) - 4, y + 2), Weight::Regular, PALE, &label);
}

fn parts(log: &FrameLog) -> [(f64, Rgb<u8>); 3] {
    let residual = if log.kind == FrameKind::Intra { INTRA } else { RESIDUAL };
    [(log.motion_bits, MOTION), (log.residual_bits, residual), (log.side_bits, SIDE)]
}

fn pale(colour: Rgb<u8>) -> Rgb<u8> {
    Rgb(colour.0.map(|value| 255 - (255 - value) / 4))
}

fn legend(image: &mut RgbImage, (x, y): (u32, u32), room: u32) {
    let mut left = x;
    for (name, colour) in
        [("motion", MOTION), ("residual", RESIDUAL), ("intra frame", INTRA), ("side information", SIDE)]
    {
        if left + 20 + width(name) > x + room {
            return;
        }
        fill(image, (left, y + 4), (10, 10), colour);
        write(image, (left + 15, y), Weight::Regular, PALE, name);
        left += 35 + width(name);
    }
}

fn fill(image: &mut RgbImage, (x, y): (u32, u32), (columns, rows): (u32, u32), colour: Rgb<u8>) {
    for i in y..y + rows {
        for j in x..x + columns {
            if let Some(pixel) = image.get_pixel_mut_checked(j, i) {
                *pixel = colour;
            }
        }
    }
}
