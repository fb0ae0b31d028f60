//! Writes any video that `ffmpeg` writes.

use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
};

use super::{child::FfmpegChild, matroska::Matroska, reader::no_pipe};
use crate::{
    atomic_file::check_target,
    create::check_frame,
    error::{Error, Result},
    frame_times::FrameTimes,
    pending::Pending,
    picture::{Matrix, Picture, Range},
    video::{FrameWriter, VideoInfo, unsignalled},
    y4m::{self, Layout},
};

/// A video that `ffmpeg` encodes.
pub(crate) struct Writer {
    target: PathBuf,
    info: VideoInfo,
    layout: Layout,
    overwrite: bool,
    /// What tells `ffmpeg` when frames are shown, if no rate does.
    timed: Option<Matroska>,
    /// Absent once the pipe is broken. Dropped before the child, so that it can end.
    pipe: Option<BufWriter<ChildStdin>>,
    // Dropped before the file, which it writes.
    child: FfmpegChild,
    pending: Pending,
}

impl Writer {
    /// Starts `ffmpeg` on a temporary file of the same type, which `extension` names. Frames are shown at `times`, or at the
    /// rate of `info`.
    pub(crate) fn new(
        path: &Path,
        extension: &str,
        info: &VideoInfo,
        times: Option<&FrameTimes>,
        overwrite: bool,
    ) -> Result<Writer> {
        let mut target = path.to_owned();
        check_target(&mut target, overwrite)?;
        let (pending, _) = Pending::file(&target, Some(extension))?;

        let mut command = Command::new("ffmpeg");
        command
            .args(["-v", "error", "-f", if times.is_some() { "matroska" } else { "yuv4mpegpipe" }])
            .args(["-i", "pipe:0"])
            .args(encoding(extension, info))
            .args(times.map(|times| timing(extension, times)).unwrap_or_default())
            .arg("-y")
            .arg(protocol_free(pending.path()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut child = FfmpegChild::spawn(path, &mut command)?;
        let Some(stdin) = child.take_stdin() else { return Err(no_pipe(path)) };
        let layout = layout(extension, info);
        let pipe = Some(BufWriter::with_capacity(1 << 16, stdin));
        let (width, height) = (info.width, info.height);
        let timed = times.map(|times| Matroska::new(times, width, height, layout));
        let header = match &timed {
            Some(timed) => timed.header(width, height, layout),
            None => y4m::Header { layout, ..y4m::Header::from(info) }.line().into_bytes(),
        };
        let mut writer =
            Writer { target, info: info.clone(), layout, overwrite, timed, pipe, child, pending };
        writer.send(|pipe| pipe.write_all(&header))?;
        Ok(writer)
    }

    /// Writes to the pipe. If `ffmpeg` is gone, its reason is the one to report.
    fn send(&mut self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
        let Some(pipe) = &mut self.pipe else { return Err(no_pipe(&self.target)) };
        let Err(error) = write(pipe) else { return Ok(()) };
        if let Some(pipe) = self.pipe.take() {
            // Without the flush of a drop, which would fail again.
            drop(pipe.into_parts());
        }
        self.child.wait()?;
        Err(Error::io("write", &self.target)(error))
    }
}

impl FrameWriter for Writer {
    fn write(&mut self, picture: &Picture) -> Result<()> {
        check_frame(&self.target, &self.info, picture)?;
        let (colour, layout) = (self.info.colour, self.layout);
        let before = match &mut self.timed {
            None => y4m::FRAME.to_vec(),
            Some(timed) => timed.next_frame().ok_or_else(|| Error::Ffmpeg {
                program: "ffmpeg",
                path: self.target.clone(),
                message: "there are more frames than times".into(),
            })?,
        };
        self.send(|pipe| {
            pipe.write_all(&before)?;
            y4m::write_planes(pipe, picture, colour, layout)
        })
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.send(|pipe| pipe.flush())?;
        // Closes the pipe, which tells ffmpeg that the video is complete.
        self.pipe = None;
        self.child.wait()?;
        self.pending.publish_file(&self.target, self.overwrite)
    }
}

/// Encoder, pixels and colour for a file type: what is shown is the same for all, as far as the type allows.
fn encoding(extension: &str, info: &VideoInfo) -> Vec<String> {
    let (range, matrix) = (range_name(info.colour.range), matrix_name(info.colour.matrix));
    let tagged = format!("setparams=range={range}:colorspace={matrix}");
    let centred = "in_h_chr_pos=128:in_v_chr_pos=128";
    let source = format!("scale=in_range={range}:in_color_matrix={matrix}:{centred}");
    let mut options = Vec::new();
    let filter = match extension {
        "mp4" | "m4v" | "mkv" | "mov" => {
            let pixels = match layout(extension, info) {
                Layout::Yuv444 => "yuv444p",
                _ => "yuv420p",
            };
            options.extend(["-c:v", "libx264", "-crf", "10", "-color_range", range, "-colorspace", matrix]);
            options.extend(["-color_primaries", matrix, "-color_trc", matrix]);
            format!("scale=in_range={range}:out_range={range},format={pixels},{tagged}")
        }
        // Their streams say which colour they have.
        "264" | "h264" | "265" | "h265" | "hevc" | "ivf" | "webm" | "avif" => {
            format!("{tagged},format=yuv420p")
        }
        // From RGB, ffmpeg makes what the type wants.
        "gif" | "apng" | "bmp" | "tif" | "tiff" | "jpg" | "jpeg" | "webp" => format!("{source},format=rgb24"),
        // The others cannot say it, so they get the colour that players assume.
        _ => {
            let assumed = unsignalled(info.width, info.height);
            let (range, matrix) = (range_name(assumed.range), matrix_name(assumed.matrix));
            format!(
                "{source}:out_range={range}:out_color_matrix={matrix},setparams=range={range}:colorspace={matrix}"
            )
        }
    };
    options.extend(["-vf", &filter]);
    options.into_iter().map(String::from).collect()
}

/// How frames keep their times.
fn timing(extension: &str, times: &FrameTimes) -> Vec<String> {
    let base = format!("{}:{}", times.base.num, times.base.den);
    let mut options = vec!["-fps_mode", "passthrough", "-enc_time_base", &base];
    let scale = times.base.den.to_string();
    if ["mp4", "m4v", "mov"].contains(&extension) {
        options.extend(["-video_track_timescale", &scale]);
    }
    options.into_iter().map(String::from).collect()
}

fn range_name(range: Range) -> &'static str {
    match range {
        Range::Full => "pc",
        Range::Limited => "tv",
    }
}

fn matrix_name(matrix: Matrix) -> &'static str {
    match matrix {
        Matrix::Bt709 => "bt709",
        Matrix::Bt601 => "smpte170m",
    }
}

/// H.264 in 4:2:0 needs even sides; 4:4:4 takes any. Where `ffmpeg` scales chroma itself, odd sides shift it.
fn layout(extension: &str, info: &VideoInfo) -> Layout {
    let odd = info.width % 2 == 1 || info.height % 2 == 1;
    match extension {
        "mp4" | "m4v" | "mkv" | "mov" if odd => Layout::Yuv444,
        _ => Layout::Yuv420,
    }
}

/// The path in a form that `ffmpeg` does not take for a protocol or an option.
fn protocol_free(path: &Path) -> std::ffi::OsString {
    let mut name = std::ffi::OsString::from("file:");
    name.push(path);
    name
}
