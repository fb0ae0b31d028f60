//! What precedes the latents of each frame in a GOP's payload.

use std::sync::LazyLock;

use crate::Result;
use crate::codec::FrameKind;
use crate::entropy::{SymbolDecoder, SymbolEncoder, Table};

/// Frame kinds: 0 inter, 1 repeat, 2 intra. Most frames are inter frames; in a static scene repeats cost 3 bits.
static KINDS: LazyLock<Table> =
    LazyLock::new(|| Table::new(0, &[57_000, 8_000, 500]).expect("the frequencies are a valid table"));

/// Bits of a quality index.
const QUALITY_BITS: u32 = 6;

/// Writes a frame's kind and, unless it repeats, its quality. The first frame of a GOP is an intra frame and its kind
/// is not written.
pub(crate) fn write(coder: &mut SymbolEncoder, first: bool, kind: FrameKind, quality: u8) -> Result<()> {
    if !first {
        let symbol = match kind {
            FrameKind::Inter => 0,
            FrameKind::Repeat => 1,
            FrameKind::Intra => 2,
        };
        coder.put(&KINDS, symbol)?;
    }
    if kind != FrameKind::Repeat {
        coder.put_bits(quality as u32, QUALITY_BITS);
    }
    Ok(())
}

/// Reads what [`write`] wrote; a repeat has quality 0.
pub(crate) fn read(coder: &mut SymbolDecoder, first: bool) -> Result<(FrameKind, u8)> {
    let kind = match if first { 2 } else { coder.get(&KINDS)? } {
        0 => FrameKind::Inter,
        1 => FrameKind::Repeat,
        2 => FrameKind::Intra,
        other => return Err(crate::Error::SymbolRange { symbol: other, limit: 2 }),
    };
    let quality = if kind == FrameKind::Repeat { 0 } else { coder.get_bits(QUALITY_BITS)? as u8 };
    Ok((kind, quality))
}
