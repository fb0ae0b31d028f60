//! What precedes the latents of each frame in a GOP's payload.

use std::sync::LazyLock;

use crate::Result;
use crate::checkpoint::Syntax;
use crate::codec::FrameKind;
use crate::entropy::{Chance, SymbolDecoder, SymbolEncoder, Table};

/// Frame kinds: 0 inter, 1 repeat, 2 intra. Most frames are inter frames; in a static scene repeats cost 3 bits.
static KINDS: LazyLock<Table> =
    LazyLock::new(|| Table::new(0, &[57_000, 8_000, 500]).expect("the frequencies are a valid table"));

/// Whether the reference becomes the anchor.
const ANCHORS: Chance = Chance::new(1 << 14);

/// Whether the motion network tells something of an inter frame.
const MOVES: Chance = Chance::new(1 << 15);

/// Bits of a quality index.
const QUALITY_BITS: u32 = 6;

/// What precedes a frame's latents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// How the frame is coded.
    pub kind: FrameKind,
    /// Its quality; 0 for a repeat.
    pub quality: u8,
    /// The quality of what the motion network tells of an inter frame; none if nothing is told.
    pub motion: Option<u8>,
    /// Whether an inter frame's reference becomes the anchor of the frames after it.
    pub anchors: bool,
}

/// Writes a head. The first frame of a GOP is an intra frame and its kind is not written.
pub(crate) fn write(coder: &mut SymbolEncoder, first: bool, syntax: Syntax, head: Head) -> Result<()> {
    if !first {
        let symbol = match head.kind {
            FrameKind::Inter => 0,
            FrameKind::Repeat => 1,
            FrameKind::Intra => 2,
        };
        coder.put(&KINDS, symbol)?;
    }
    if head.kind != FrameKind::Repeat {
        coder.put_bits(head.quality as u32, QUALITY_BITS);
    }
    if head.kind == FrameKind::Inter {
        if syntax.vectors {
            coder.put_flag(MOVES, head.motion.is_some());
        }
        if let Some(quality) = head.motion {
            coder.put_bits(quality.into(), QUALITY_BITS);
        }
        if syntax.anchors {
            coder.put_flag(ANCHORS, head.anchors);
        }
    }
    Ok(())
}

/// Reads what [`write`] wrote.
pub(crate) fn read(coder: &mut SymbolDecoder, first: bool, syntax: Syntax) -> Result<Head> {
    let kind = match if first { 2 } else { coder.get(&KINDS)? } {
        0 => FrameKind::Inter,
        1 => FrameKind::Repeat,
        2 => FrameKind::Intra,
        other => return Err(crate::Error::SymbolRange { symbol: other, limit: 2 }),
    };
    let quality = if kind == FrameKind::Repeat { 0 } else { coder.get_bits(QUALITY_BITS)? as u8 };
    let inter = kind == FrameKind::Inter;
    let moves = inter && (!syntax.vectors || coder.get_flag(MOVES)?);
    let motion = if moves { Some(coder.get_bits(QUALITY_BITS)? as u8) } else { None };
    let anchors = inter && syntax.anchors && coder.get_flag(ANCHORS)?;
    Ok(Head { kind, quality, motion, anchors })
}
