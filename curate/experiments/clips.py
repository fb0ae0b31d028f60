#!/usr/bin/env python3
"""Makes the clips that duplicate finders are compared on: copies of videos, and videos that only look like copies.

    python3 curate/experiments/clips.py OUT SOURCE...

Every SOURCE is a folder of frames; folders that only differ in `_s0`, `_s1` are one source, their frames one after the
other. A clip lasts 6 seconds whatever its number of frames. Writes OUT/*.mp4 (and .mkv) and OUT/truth.json: for each file
the clip that it shows (`of`), what was done to it (`what`), and what it is to the original (`is`): `copy` is the same from
beginning to end, `changed` the same from beginning to end but cropped, mirrored or in another light, `marked` the same
with a logo, `part` shorter or longer, `forged` the same but for what somebody put into it, `other` another video."""

import json
import os
import re
import subprocess
import sys
import tempfile

SECONDS = 6
EVEN = "scale=trunc(iw/2)*2:trunc(ih/2)*2"
TINT = "between(X,W*0.45,W*0.45+16)*between(Y,H*0.45,H*0.45+16)"
# What is done to the pictures: filter, crf, and what the result is to the original.
CHANGES = {
    "crf23": (EVEN, 23, "copy"),
    "crf28": (EVEN, 28, "copy"),
    "crf35": (EVEN, 35, "copy"),
    "half-size": ("scale=trunc(iw/4)*2:trunc(ih/4)*2", 20, "copy"),
    "letterbox": (EVEN + ",pad=iw:trunc(ih*0.65)*2:0:(oh-ih)/2", 20, "copy"),
    "crop10": ("crop=trunc(iw*0.45)*2:trunc(ih*0.45)*2", 20, "changed"),
    "brightness": (EVEN + ",eq=brightness=0.08", 20, "changed"),
    "mirror": (EVEN + ",hflip", 20, "changed"),
    "logo": (EVEN + ",drawbox=x=iw*0.82:y=ih*0.06:w=iw*0.12:h=ih*0.10:color=yellow:t=fill", 20, "marked"),
    "caption": (EVEN + ",drawbox=x=iw*0.1:y=ih*0.80:w=iw*0.8:h=24:color=white:t=fill", 23, "forged"),
    "patch": (EVEN + ",drawbox=x=iw*0.45:y=ih*0.45:w=32:h=32:color=gray:t=fill", 23, "forged"),
    # Other colours of the same luma, on 32x32 samples.
    "tint": (EVEN + f",geq=lum='lum(X,Y)':cb='cb(X,Y)-24*{TINT}':cr='cr(X,Y)+24*{TINT}'", 23, "forged"),
}


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], check=True)


def encode(inputs, filters, crf, out):
    arguments = ["-c:v", "libx264", "-preset", "fast", "-crf", str(crf), "-pix_fmt", "yuv420p", "-threads", "1"]
    kind = "-filter_complex" if len(inputs) > 2 else "-vf"
    ffmpeg(*inputs, kind, filters, *arguments, out)


def clips(sources):
    """The frames of each clip."""
    found = {}
    for source in sources:
        name = re.sub(r"_s\d$", "", os.path.basename(source.rstrip("/")))
        frames = sorted(os.listdir(source), key=lambda frame: int("".join(filter(str.isdigit, frame))))
        found.setdefault(name, []).extend(os.path.abspath(os.path.join(source, frame)) for frame in frames)
    return found


def main(out, sources):
    os.makedirs(out, exist_ok=True)
    truth = {}

    def add(name, of, what, kind):
        truth[name] = {"of": of, "what": what, "is": kind}
        return os.path.join(out, name)

    originals = {}
    for clip, frames in clips(sources).items():
        rate = len(frames) / SECONDS
        with tempfile.TemporaryDirectory() as links:
            kind = os.path.splitext(frames[0])[1]
            for index, frame in enumerate(frames):
                os.symlink(frame, f"{links}/{index:04}{kind}")
            original = add(f"{clip}.mp4", clip, "original", "original")
            encode(["-framerate", str(rate), "-i", f"{links}/%04d{kind}"], EVEN, 16, original)
        originals[clip] = (original, rate)

    names = list(originals)
    half = SECONDS / 2
    for at, clip in enumerate(names):
        original, rate = originals[clip]
        other = originals[names[(at + 1) % len(names)]][0]
        one = ["-i", original]
        ffmpeg(*one, "-c", "copy", add(f"{clip}.remux.mkv", clip, "remux", "copy"))
        for what, (filters, crf, kind) in CHANGES.items():
            encode(one, filters, crf, add(f"{clip}.{what}.mp4", clip, what, kind))
        cut = f"trim={SECONDS * 0.3}:{SECONDS * 0.9},setpts=PTS-STARTPTS"
        encode(one, cut, 20, add(f"{clip}.trim.mp4", clip, "trim", "part"))
        fit = f"scale=416:240,setsar=1,fps={rate}"
        join = f"[0]{fit}[a];[1]{fit}[b];[a][b]concat=n=2:v=1"
        encode(["-i", other, "-i", original], join, 20, add(f"{clip}.concat.mp4", clip, "concat", "part"))
        # The second half after two seconds of another video, and after two black ones.
        rest = f"[1]trim={half},setpts=PTS-STARTPTS,{fit}[b]"
        intro = f"[0]trim=0:2,setpts=PTS-STARTPTS,{fit}[a];{rest};[a][b]concat=n=2:v=1"
        encode(["-i", originals[names[0]][0], "-i", original], intro, 20, add(f"{clip}.intro.mp4", clip, "intro", "other"))
        black = f"color=black:s=416x240:r={rate}:d=2"
        opening = f"[0]setsar=1[a];{rest};[a][b]concat=n=2:v=1"
        encode(["-f", "lavfi", "-i", black, "-i", original], opening, 20, add(f"{clip}.black.mp4", clip, "black", "other"))
        # Two takes of one scene: what comes before against what comes after.
        for what, part in (("take1", f"trim=0:{half - 0.25}"), ("take2", f"trim={half + 0.25}")):
            encode(one, f"{part},setpts=PTS-STARTPTS", 20, add(f"{clip}.{what}.mp4", clip, what, "other"))
    with open(os.path.join(out, "truth.json"), "w") as file:
        json.dump(truth, file, indent=1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
