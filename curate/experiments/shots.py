#!/usr/bin/env python3
"""How well `vcn summarize` finds shots that run into each other.

    pip install numpy
    python3 curate/experiments/shots.py DATA OUT [--vcn target/release/vcn] [--clips 40]

Makes a film of one clip of each of so many sources in DATA (folders of frames), played to and fro for four seconds and joined by
dissolves, which no comparison of neighbouring frames shows. Then counts how many of the dissolves have a boundary of shots in
them, or within an eighth of a second, beside as many boundaries at even distances."""

import argparse
import json
import os
import random
import re
import subprocess

import numpy as np

RATE, SLOW, FADE = 24, 2, 12
WIDTH, HEIGHT = 416, 240


def frames(folder):
    names = sorted(os.listdir(folder), key=lambda name: int("".join(filter(str.isdigit, name))))[:12]
    kind = os.path.splitext(names[0])[1]
    raw = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-pattern_type", "glob", "-i", f"{folder}/*{kind}", "-frames:v", "12",
         "-vf", f"scale={WIDTH}:{HEIGHT}", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    clip = np.frombuffer(raw, np.uint8).reshape(-1, WIDTH * HEIGHT * 3 // 2)
    there_and_back = np.concatenate([clip, clip[::-1]])
    return np.repeat(np.concatenate([there_and_back, there_and_back]), SLOW, axis=0).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--vcn", default="target/release/vcn")
    parser.add_argument("--clips", type=int, default=24)
    options = parser.parse_args()
    sources = {}
    for name in sorted(os.listdir(options.data)):
        if not re.match("vimeo_|long_", name):
            sources.setdefault(re.sub(r"_s\d$", "", name), name)
    chosen = random.Random(1).sample(sorted(sources.values()), options.clips)
    film, joints = None, []
    for name in chosen:
        clip = frames(os.path.join(options.data, name))
        if film is None:
            film = [clip]
            length = len(clip)
            continue
        weight = (np.arange(FADE, dtype=np.float32)[:, None] + 1) / (FADE + 1)
        film[-1], tail = film[-1][:-FADE], film[-1][-FADE:]
        film += [tail * (1 - weight) + clip[:FADE] * weight, clip[FADE:]]
        joints.append(length - FADE / 2)
        length += len(clip) - FADE
    os.makedirs(options.out, exist_ok=True)
    path = os.path.join(options.out, "dissolves.mp4")
    with subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE),
         "-i", "-", "-preset", "fast", "-crf", "20", path], stdin=subprocess.PIPE) as encoder:
        for part in film:
            encoder.stdin.write(part.round().astype(np.uint8).tobytes())
        encoder.stdin.close()
    folder = os.path.join(options.out, "summary")
    subprocess.run([options.vcn, "summarize", path, "-o", folder, "--overwrite", "--pictures-per-second", "8"], check=True)
    with open(os.path.join(folder, "summary.json")) as file:
        shots = json.load(file)["shots"]
    found = [shot["from"] for shot in shots[1:]]
    even = [length * (k + 1) / len(shots) for k in range(len(shots) - 1)]
    for what, bounds in (("vcn", found), ("even distances", even)):
        hits = sum(min(abs(bound - joint) for bound in bounds) <= FADE / 2 + RATE / 8 for joint in joints)
        print(f"{what}: {hits} of {len(joints)} dissolves, {len(bounds)} boundaries")


if __name__ == "__main__":
    main()
