//! Reads any video that `ffmpeg` reads.

use std::{
    io::BufReader,
    path::{Path, PathBuf},
    process::{ChildStdout, Command, Stdio},
};

use super::{child::FfmpegChild, probe::Probe};
use crate::{
    error::{Error, Result},
    frame_times::FrameTimes,
    picture::Picture,
    scratch::Scratch,
    video::{FrameReader, SourceKind, VideoInfo},
    y4m,
};

/// The frames that `ffmpeg` decodes.
pub(crate) struct Reader {
    // Dropped first, so that the child can end.
    stream: y4m::Reader<BufReader<ChildStdout>>,
    child: FfmpegChild,
    ended: bool,
    /// Where `ffmpeg` writes when frames are shown, if it was asked to.
    times: Option<Scratch>,
    path: PathBuf,
}

/// The file of times in its folder.
const TIMES: &str = "times";

impl Reader {
    /// Starts `ffmpeg` on `input`, its name for the file `path`.
    pub(crate) fn new(path: &Path, input: &str, times: bool) -> Result<Reader> {
        let probe = Probe::run(path, input)?;
        let mut command = Command::new("ffmpeg");
        command
            .args(["-nostdin", "-v", "error", "-i", input, "-map", "0:v:0"])
            .args(["-vf", &probe.filter, "-fps_mode", "passthrough"])
            .args(["-f", "yuv4mpegpipe", "pipe:1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let times = if times { Some(Scratch::new()?) } else { None };
        if let Some(folder) = &times {
            // The same frames once more, as small as can be, for what is printed beside their checksums.
            let small = "scale=2:2:flags=neighbor,format=gray";
            command
                .args(["-map", "0:v:0", "-vf", small, "-fps_mode", "passthrough", "-enc_time_base", "-1"])
                .args(["-f", "framecrc"])
                .arg(folder.path().join(TIMES));
        }
        let mut child = FfmpegChild::spawn(path, &mut command)?;
        let Some(stdout) = child.take_stdout() else { return Err(no_pipe(path)) };
        let source = BufReader::with_capacity(1 << 16, stdout);
        let mut stream = y4m::Reader::new(path, source, SourceKind::Ffmpeg).map_err(|error| {
            // No header: ffmpeg's own reason says more than the empty pipe.
            child.wait().err().unwrap_or(error)
        })?;
        let info = stream.info_mut();
        info.fps = probe.fps.unwrap_or(info.fps);
        info.frames = probe.frames;
        let assumed = crate::video::unsignalled(info.width, info.height);
        info.colour.matrix = probe.matrix.unwrap_or(assumed.matrix);
        info.colour.range = probe.range.unwrap_or(assumed.range);
        Ok(Reader { stream, child, ended: false, times, path: path.to_owned() })
    }

    pub(crate) fn info_mut(&mut self) -> &mut VideoInfo {
        self.stream.info_mut()
    }
}

impl FrameReader for Reader {
    fn info(&self) -> &VideoInfo {
        self.stream.info()
    }

    fn next(&mut self) -> Result<Option<Picture>> {
        if self.ended {
            return Ok(None);
        }
        let frame = self.stream.next();
        if matches!(frame, Ok(Some(_))) {
            return frame;
        }
        // The pipe has ended, in good order or not; if ffmpeg failed, its reason is the one to report.
        self.ended = true;
        self.child.wait()?;
        frame
    }

    fn times(&mut self) -> Result<Option<FrameTimes>> {
        let Some(folder) = &self.times else { return Ok(None) };
        let file = folder.path().join(TIMES);
        let text = std::fs::read_to_string(&file).map_err(Error::io("read", &file))?;
        let times = FrameTimes::parse_framecrc(&text).ok_or_else(|| Error::Ffmpeg {
            program: "ffmpeg",
            path: self.path.clone(),
            message: "it does not say when frames are shown".into(),
        })?;
        Ok((!times.is_steady()).then_some(times))
    }
}

/// Cannot happen, since both pipes were asked for; an error all the same.
pub(super) fn no_pipe(path: &Path) -> Error {
    Error::Ffmpeg { program: "ffmpeg", path: PathBuf::from(path), message: "it has no pipe".into() }
}
