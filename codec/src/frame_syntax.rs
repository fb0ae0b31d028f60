//! What precedes the latents of each frame in a GOP's payload.

use std::sync::LazyLock;

use crate::Result;
use crate::checkpoint::Syntax;
use crate::codec::FrameKind;
use crate::entropy::{Chance, SymbolDecoder, SymbolEncoder, Table};
use crate::model::QUALITIES;

/// Frame kinds: 0 inter, 1 repeat, 2 intra. Most frames are inter frames; in a static scene repeats cost 3 bits.
static KINDS: LazyLock<Table> =
    LazyLock::new(|| Table::new(0, &[57_000, 8_000, 500]).expect("the frequencies are a valid table"));

/// Whether the reference becomes the anchor.
const ANCHORS: Chance = Chance::new(1 << 14);

/// Whether the motion network tells something of an inter frame.
const MOVES: Chance = Chance::new(1 << 15);

/// Most frames that an inter frame skips over.
pub const MOST_SKIPPED: u32 = 7;

/// How many frames an inter frame skips over: mostly none or three.
static SKIPPED: LazyLock<Table> = LazyLock::new(|| {
    let frequencies = [20_000, 8_000, 4_000, 20_000, 2_000, 2_000, 2_000, 7_000];
    Table::new(0, &frequencies).expect("the frequencies are a valid table")
});

/// Bits of a quality from 0 on, and of one from a lower one on.
const QUALITY_BITS: u32 = 6;
const LOWER_BITS: u32 = 7;

/// What precedes a frame's latents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// How the frame is coded.
    pub kind: FrameKind,
    /// Its quality; 0 for a repeat.
    pub quality: i8,
    /// The quality of what the motion network tells of an inter frame; none if nothing is told.
    pub motion: Option<i8>,
    /// Whether an inter frame's reference becomes the anchor of the frames after it.
    pub anchors: bool,
    /// How many frames an inter frame skips over: they follow it in the payload and are shown before it.
    pub skipped: u32,
}

fn quality_bits(syntax: Syntax) -> u32 {
    if syntax.lowest < 0 { LOWER_BITS } else { QUALITY_BITS }
}

/// Writes a head. That a frame is the first of its GOP and so an intra frame, or lies between others, is known without.
pub(crate) fn write(coder: &mut SymbolEncoder, syntax: Syntax, head: Head) -> Result<()> {
    match head.kind {
        FrameKind::Intra | FrameKind::Between => {}
        FrameKind::Inter => coder.put(&KINDS, 0)?,
        FrameKind::Repeat => coder.put(&KINDS, 1)?,
    }
    if head.kind != FrameKind::Repeat {
        let bits = quality_bits(syntax);
        coder.put_bits((head.quality - syntax.lowest) as u32, bits);
    }
    if head.kind == FrameKind::Inter {
        if syntax.vectors {
            coder.put_flag(MOVES, head.motion.is_some());
        }
        if let Some(quality) = head.motion {
            coder.put_bits(quality as u32, QUALITY_BITS);
        }
        if syntax.anchors {
            coder.put_flag(ANCHORS, head.anchors);
        }
        if syntax.between {
            coder.put(&SKIPPED, head.skipped as i32)?;
        }
    }
    Ok(())
}

/// Reads a head of a frame whose kind is `known`, or told.
pub(crate) fn read(coder: &mut SymbolDecoder, known: Option<FrameKind>, syntax: Syntax) -> Result<Head> {
    let kind = match known {
        Some(kind) => kind,
        None => match coder.get(&KINDS)? {
            0 => FrameKind::Inter,
            1 => FrameKind::Repeat,
            2 => FrameKind::Intra,
            other => return Err(crate::Error::SymbolRange { symbol: other, limit: 2 }),
        },
    };
    let quality = match kind {
        FrameKind::Repeat => 0,
        _ => coder.get_bits(quality_bits(syntax))? as i32 + i32::from(syntax.lowest),
    };
    let best = QUALITIES as i32 - 1;
    if quality > best {
        return Err(crate::Error::SymbolRange { symbol: quality, limit: best });
    }
    let quality = quality as i8;
    let inter = kind == FrameKind::Inter;
    let moves = inter && (!syntax.vectors || coder.get_flag(MOVES)?);
    let motion = if moves { Some(coder.get_bits(QUALITY_BITS)? as i8) } else { None };
    let anchors = inter && syntax.anchors && coder.get_flag(ANCHORS)?;
    let skipped = if inter && syntax.between { coder.get(&SKIPPED)? as u32 } else { 0 };
    Ok(Head { kind, quality, motion, anchors, skipped })
}
