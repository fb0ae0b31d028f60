#!/usr/bin/env python3
"""How well `vcn summarize` finds shots that run into each other.

    pip install numpy
    python3 curate/experiments/shots.py DATA OUT [--vcn target/release/vcn] [--clips 24]

Makes a film of one clip of each of so many sources in DATA (folders of frames), played to and fro for four seconds and joined by
dissolves, which no comparison of neighbouring frames shows. Then counts how many of the dissolves have a boundary of shots in
them, or within an eighth of a second, beside as many boundaries at even distances."""

import argparse
import json
import os
import random
import subprocess

import numpy as np

import footage

RATE, SLOW, FADE = 24, 2, 12
WIDTH, HEIGHT = 416, 240


def played(folder):
    """A clip to and fro, twice, slowly."""
    clip = np.stack([np.frombuffer(frame, np.uint8) for frame in footage.decoded(folder, WIDTH, HEIGHT)[:12]])
    there_and_back = np.concatenate([clip, clip[::-1]])
    return np.repeat(np.concatenate([there_and_back, there_and_back]), SLOW, axis=0).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--vcn", default="target/release/vcn")
    parser.add_argument("--clips", type=int, default=24)
    options = parser.parse_args()
    chosen = random.Random(1).sample(footage.sources(options.data), options.clips)
    film, joints = None, []
    for name in chosen:
        clip = played(name)
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
    frames = (frame.tobytes() for part in film for frame in part.round().astype(np.uint8))
    footage.film(path, WIDTH, HEIGHT, RATE, 20, frames)
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
