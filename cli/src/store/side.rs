//! Audio and subtitles: taken from the source as they are, and known by what they say in any container.

use std::process::{Command, Stdio};

use serde::Deserialize;
use vcn_store::{Digest, SideStream};

use crate::failure::{Failure, Result};

#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    index: u32,
    codec_type: Option<String>,
    codec_name: Option<String>,
    #[serde(default)]
    tags: std::collections::BTreeMap<String, String>,
}

/// The audio and subtitle streams of a file that `ffmpeg` reads.
pub fn streams(path: &str) -> Result<Vec<SideStream>> {
    let entries = "stream=index,codec_type,codec_name:stream_tags=language,title";
    let probe = run("ffprobe", path, &["-v", "error", "-show_entries", entries, "-of", "json", "-i", path])?;
    let probe: Probe = serde_json::from_slice(&probe)
        .map_err(|error| Failure::Other(format!("{path}: ffprobe prints no JSON: {error}").into()))?;
    let mut streams = Vec::new();
    for stream in probe.streams {
        let kind = match stream.codec_type.as_deref() {
            Some("audio") => "audio",
            Some("subtitle") => "subtitle",
            _ => continue,
        };
        let map = format!("0:{}", stream.index);
        let codec = stream.codec_name.unwrap_or_default();
        let mut copy = vec!["-nostdin", "-v", "error", "-i", path, "-map", map.as_str(), "-c", "copy"];
        if codec == "aac" {
            // The same packets whether they come from MPEG-TS or from a container with headers of its own.
            copy.extend(["-bsf:a", "aac_adtstoasc"]);
        }
        let packed = |container| ["-fflags", "+bitexact", "-map_metadata", "-1", "-f", container, "-"];
        // Matroska wants headers that some streams, such as AAC in MPEG-TS, do not have; NUT takes anything.
        let bytes = run("ffmpeg", path, &[&copy[..], &packed("matroska")].concat())
            .or_else(|_| run("ffmpeg", path, &[&copy[..9], &packed("nut")].concat()))?;
        // Decoders drop other samples at both ends in each container, so a stream is known by its packets, unless its
        // codec is lossless: then by its samples, whatever the codec.
        let lossless =
            codec.starts_with("pcm_") || ["flac", "alac", "wavpack", "tta"].contains(&codec.as_str());
        let hash = ["-f", "hash", "-hash", "sha256", "-"];
        let hash = match lossless {
            true => {
                let decode =
                    ["-nostdin", "-v", "error", "-i", path, "-map", map.as_str(), "-c:a", "pcm_s32le"];
                run("ffmpeg", path, &[&decode[..], &hash].concat())?
            }
            false => run("ffmpeg", path, &[&copy[..], &hash].concat())?,
        };
        let tag = |key: &str| stream.tags.get(key).cloned().unwrap_or_default();
        let label = [codec, tag("language"), tag("title")].join(" ").trim().to_owned();
        streams.push(SideStream { kind: kind.to_owned(), label, identity: Some(Digest::of(&hash)), bytes });
    }
    Ok(streams)
}

fn run(program: &'static str, path: &str, arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(Failure::io(program, "run"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let last = message.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Err(Failure::Other(format!("{path}: {program} cannot read its audio or subtitles: {last}").into()))
}
