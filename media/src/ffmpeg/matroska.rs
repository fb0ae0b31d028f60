//! Raw frames with times as Matroska (RFC 9559): the form in which they go to `ffmpeg` where Y4M, which knows only a
//! rate, does not do.

use super::super::{frame_times::FrameTimes, y4m::Layout};

/// Raw frames, one cluster each, with times in nanoseconds from the first frame on.
pub(super) struct Matroska {
    times: std::vec::IntoIter<u64>,
    frame_bytes: u64,
}

impl Matroska {
    /// Frames of this size, 4:2:0 or 4:4:4.
    pub(super) fn new(times: &FrameTimes, width: usize, height: usize, layout: Layout) -> Matroska {
        let first = i128::from(times.ticks.first().copied().unwrap_or(0));
        let (num, den) = (i128::from(times.base.num), i128::from(times.base.den));
        let nanoseconds = |tick: &i64| {
            let exact = (i128::from(*tick) - first) * num * 1_000_000_000;
            u64::try_from((exact + den / 2) / den).unwrap_or(0)
        };
        let times: Vec<u64> = times.ticks.iter().map(nanoseconds).collect();
        let luma = (width * height) as u64;
        let chroma = match layout {
            Layout::Yuv444 => luma,
            _ => (width.div_ceil(2) * height.div_ceil(2)) as u64,
        };
        Matroska { times: times.into_iter(), frame_bytes: luma + 2 * chroma }
    }

    /// What precedes the first frame.
    pub(super) fn header(&self, width: usize, height: usize, layout: Layout) -> Vec<u8> {
        let fourcc: &[u8] = if layout == Layout::Yuv444 { b"444P" } else { b"I420" };
        let video = [
            number(&[0xB0], width as u64),
            number(&[0xBA], height as u64),
            element(&[0x2E, 0xB5, 0x24], fourcc),
        ];
        let track = [
            number(&[0xD7], 1),
            number(&[0x73, 0xC5], 1),
            number(&[0x83], 1),
            element(&[0x86], b"V_UNCOMPRESSED"),
            element(&[0xE0], &video.concat()),
        ];
        let head = [element(&[0x42, 0x82], b"matroska"), number(&[0x42, 0x87], 4), number(&[0x42, 0x85], 2)];
        let info =
            [number(&[0x2A, 0xD7, 0xB1], 1), element(&[0x4D, 0x80], b"vcn"), element(&[0x57, 0x41], b"vcn")];
        [
            element(&[0x1A, 0x45, 0xDF, 0xA3], &head.concat()),
            // A segment of unknown length.
            vec![0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            element(&[0x15, 0x49, 0xA9, 0x66], &info.concat()),
            element(&[0x16, 0x54, 0xAE, 0x6B], &element(&[0xAE], &track.concat())),
        ]
        .concat()
    }

    /// What precedes the samples of the next frame; `None` if there are more frames than times.
    pub(super) fn next_frame(&mut self) -> Option<Vec<u8>> {
        let time = number(&[0xE7], self.times.next()?);
        let block = [&[0xA3][..], &length(self.frame_bytes + 4)].concat();
        let inside = time.len() as u64 + block.len() as u64 + 4 + self.frame_bytes;
        // Track 1, at the cluster's time, a key frame.
        Some([&[0x1F, 0x43, 0xB6, 0x75][..], &length(inside), &time, &block, &[0x81, 0, 0, 0x80]].concat())
    }
}

fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    [id, &length(body.len() as u64), body].concat()
}

fn number(id: &[u8], value: u64) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

/// A length in eight bytes.
fn length(bytes: u64) -> [u8; 8] {
    (bytes | 1 << 56).to_be_bytes()
}
