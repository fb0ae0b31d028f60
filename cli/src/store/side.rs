//! Audio and subtitles: taken from the source as they are, and known by what they say in any container.

use serde::Deserialize;
use vcn_media::ffmpeg_output;
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
    let probe =
        ffmpeg_output("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "json"], path, &[])?;
    let probe: Probe = serde_json::from_slice(&probe)
        .map_err(|error| Failure::Other(format!("{path}: ffprobe prints no JSON: {error}").into()))?;
    let read =
        |wanted: &[&[&str]]| ffmpeg_output("ffmpeg", &["-nostdin", "-v", "error"], path, &wanted.concat());
    let mut streams = Vec::new();
    for stream in probe.streams {
        let kind = match stream.codec_type.as_deref() {
            Some("audio") => "audio",
            Some("subtitle") => "subtitle",
            _ => continue,
        };
        let map = format!("0:{}", stream.index);
        let map = ["-map", map.as_str()];
        let codec = stream.codec_name.unwrap_or_default();
        let copy = ["-c", "copy"];
        // The same packets whether they come from MPEG-TS or from a container with headers of its own.
        let headed: &[&str] = if codec == "aac" { &["-bsf:a", "aac_adtstoasc"] } else { &[] };
        let packed = |container| ["-fflags", "+bitexact", "-map_metadata", "-1", "-f", container, "-"];
        // Matroska wants headers that some streams, such as AAC in MPEG-TS, do not have; NUT takes anything.
        let bytes = read(&[&map, &copy, headed, &packed("matroska")])
            .or_else(|_| read(&[&map, &copy, &packed("nut")]))?;
        // Decoders drop other samples at both ends in each container, so a stream is known by its packets, unless its
        // codec is lossless: then by its samples, whatever the codec.
        let lossless =
            codec.starts_with("pcm_") || ["flac", "alac", "wavpack", "tta"].contains(&codec.as_str());
        let hash = ["-f", "hash", "-hash", "sha256", "-"];
        let hash = match lossless {
            true => read(&[&map, &["-c:a", "pcm_s32le"], &hash])?,
            false => read(&[&map, &copy, headed, &hash])?,
        };
        let tag = |key: &str| stream.tags.get(key).cloned().unwrap_or_default();
        let label = [codec, tag("language"), tag("title")].join(" ").trim().to_owned();
        streams.push(SideStream { kind: kind.to_owned(), label, identity: Some(Digest::of(&hash)), bytes });
    }
    Ok(streams)
}
