//! The eight pictures of a frame, and all of them on one sheet.

use image::imageops::replace;
use image::{Rgb, RgbImage};

use super::coding::{Shown, image};
use super::lettering::{LINE, Weight, cut, width, write};
use super::{fit, motion_colour, residual};
use crate::failure::Result;

/// A picture with what is to be said of it.
pub struct Labelled {
    /// Name of its file, without the type.
    pub name: &'static str,
    /// What it shows.
    title: String,
    /// Numbers.
    caption: String,
    /// The picture.
    pub image: RgbImage,
    /// Whether its colours are those of motion.
    motion: bool,
}

impl Labelled {
    /// A picture that is no file of its own.
    pub fn new(title: String, caption: String, image: RgbImage) -> Labelled {
        Labelled { name: "", title, caption, image, motion: false }
    }
}

const COLUMNS: usize = 4;
const MARGIN: u32 = 14;
const WHEEL: u32 = 56;
const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([30, 30, 30]);
const PALE: Rgb<u8> = Rgb([95, 95, 95]);
const RIM: Rgb<u8> = Rgb([200, 200, 200]);

/// The pictures that the seed showed, in its order.
pub fn pictures(shown: &Shown) -> Result<Vec<Labelled>> {
    let (columns, rows) = (shown.second.width, shown.second.height);
    let searched = shown.inspection.searched.dense(columns, rows);
    let coded = shown.inspection.flow.dense(columns, rows);
    let scale = motion_colour::scale(&[&searched, &coded]);
    let field = |field: &[[f32; 2]]| motion_colour::draw(field, columns, scale);
    let (before, log) = (shown.before, &shown.log);
    let residual_bits = log.residual_bits + log.side_bits;
    let gain = residual::GAIN;
    let picture = |name, title: &str, caption, image| Labelled {
        name,
        title: title.to_owned(),
        caption,
        image,
        motion: false,
    };
    let motion =
        |name, title: &str, caption, field| Labelled { motion: true, ..picture(name, title, caption, field) };
    Ok(vec![
        picture("first", "First frame", format!("source, number {before}"), image(&shown.first)),
        picture("second", "Second frame", format!("source, number {}", shown.number), image(&shown.second)),
        motion("flow", "Motion as searched", format!("full colour: {scale:.1} samples"), field(&searched)),
        motion("reconflow", "Motion as decoded", format!("{:.0} bits", log.motion_bits), field(&coded)),
        picture(
            "motioncompensated",
            "Motion-compensated",
            format!("{:.2} dB", shown.prediction_psnr),
            image(&shown.prediction),
        ),
        picture(
            "residue",
            "Residual",
            format!("second - compensated, x {gain}"),
            residual::draw(&shown.second, &shown.prediction),
        ),
        picture(
            "reconresidue",
            "Residual as decoded",
            format!("{residual_bits:.0} bits, x {gain}"),
            residual::draw(&shown.decoded, &shown.prediction),
        ),
        picture("reconstructed", "Reconstructed", format!("{:.2} dB", shown.psnr), image(&shown.decoded)),
    ])
}

/// All pictures with titles and captions.
pub fn sheet(about: &str, pictures: &[Labelled]) -> RgbImage {
    let drawn: Vec<RgbImage> = pictures.iter().map(|picture| fit::fitted(&picture.image)).collect();
    let (columns, rows) = drawn.first().map_or((1, 1), RgbImage::dimensions);
    let room = columns.max(fit::LEAST);
    let cell = (room + MARGIN, rows + 2 * LINE + MARGIN);
    let lines = pictures.len().div_ceil(COLUMNS) as u32;
    let top = 2 * MARGIN + LINE;
    let mut sheet = RgbImage::from_pixel(MARGIN + COLUMNS as u32 * cell.0, top + lines * cell.1, PAPER);
    let about = cut(about, sheet.width() - 2 * MARGIN);
    write(&mut sheet, (MARGIN, MARGIN), Weight::Bold, INK, &about);
    for (k, (picture, drawn)) in pictures.iter().zip(&drawn).enumerate() {
        let (x, y) = (MARGIN + (k % COLUMNS) as u32 * cell.0, top + (k / COLUMNS) as u32 * cell.1);
        let rim = RgbImage::from_pixel(columns + 2, rows + 2, RIM);
        replace(&mut sheet, &rim, i64::from(x) - 1, i64::from(y) - 1);
        replace(&mut sheet, drawn, x.into(), y.into());
        if picture.motion && columns.min(rows) > 2 * WHEEL {
            let wheel = motion_colour::wheel(WHEEL, PAPER);
            disc(&mut sheet, &wheel, (x + columns - WHEEL - 6, y + rows - WHEEL - 6));
        }
        let text = y + rows + 3;
        write(&mut sheet, (x, text), Weight::Bold, INK, &cut(&picture.title, room));
        let beside = room.saturating_sub(width(&picture.title));
        let caption = cut(&picture.caption, room);
        // Beside the title, or below it where that is too narrow.
        let place = match width(&picture.caption) + 20 <= beside {
            true => (x + room - width(&caption), text),
            false => (x, text + LINE),
        };
        write(&mut sheet, place, Weight::Regular, PALE, &caption);
    }
    sheet
}

/// Lays a round picture with a rim on the sheet.
fn disc(sheet: &mut RgbImage, picture: &RgbImage, (x, y): (u32, u32)) {
    let radius = (picture.width() as f32 - 1.0) / 2.0;
    for (j, i, &pixel) in picture.enumerate_pixels() {
        let distance = (j as f32 - radius).hypot(i as f32 - radius);
        let pixel = if distance > radius - 1.2 { PALE } else { pixel };
        if distance <= radius
            && let Some(below) = sheet.get_pixel_mut_checked(x + j, y + i)
        {
            *below = pixel;
        }
    }
}
