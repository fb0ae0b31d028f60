"""Real clips, and films made of them."""

import os
import re
import subprocess


def sources(folder):
    """One clip of each source, in the order of names: no septuplets, many of which are of one shot, and nothing long, which
    is of several."""
    return sorted(os.path.join(folder, name) for name in os.listdir(folder) if not re.search(r"^vimeo_|^long_|_s1$", name))


def decoded(clip, width, height):
    """The frames of a folder, scaled, each as raw 4:2:0."""
    kind = os.path.splitext(os.listdir(clip)[0])[1]
    raw = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-pattern_type", "glob", "-i", f"{clip}/*{kind}",
         "-vf", f"scale={width}:{height}", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"],
        check=True, stdout=subprocess.PIPE).stdout
    size = width * height * 3 // 2
    return [raw[at:at + size] for at in range(0, len(raw), size)]


def film(path, width, height, rate, crf, frames):
    """Codes raw frames with x264."""
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(rate),
         "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-crf", str(crf), "-threads", "1", path],
        input=b"".join(frames), check=True)
