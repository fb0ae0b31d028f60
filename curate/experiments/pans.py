#!/usr/bin/env python3
"""Clips of which half are real and half are made of one of their frames, over which a camera seems to pan or zoom, as slide
shows have it: labels for `vcn rank` that no person had to give.

    pip install pillow
    python3 curate/experiments/pans.py pans tests/data/moving-camera.csv ../shared/data/train ../shared/data/eval
    vcn rank pans -o ranked-pans --pictures-per-second 12 --min-seconds 0.2 --labels pans/labels.csv --top 60

Both kinds are cut out and scaled in the same way, so that only what moves tells them apart. The window over a still picture
moves by .1 to 3 % of the width a frame, or grows or shrinks as fast. The clips and their groups, which are sources, are those
of the list of labels: a real clip and the one made of it are always held out together."""

import csv
import os
import random
import re
import sys

from PIL import Image

WIDTH, HEIGHT, RATE = 208, 120, 12
# The share of a picture's sides that the window has.
WINDOW = 0.7


def seen(picture, x, y, part):
    """What a window shows: its centre and its size in parts of the picture."""
    width, height = picture.size
    box = ((x - part / 2) * width, (y - part / 2) * height, (x + part / 2) * width, (y + part / 2) * height)
    box = [min(max(side, 0), most) for side, most in zip(box, (width, height, width, height))]
    return picture.resize((WIDTH, HEIGHT), Image.BICUBIC, box=box)


def pans(still, count, draw):
    """A window that moves over a picture as far as there is room."""
    step = 0.001 * 30 ** draw.random()
    room = min(step * (count - 1), 1 - WINDOW)
    for at in range(count):
        part = at / max(count - 1, 1)
        if still["zoom"]:
            size = WINDOW + room * (part if still["outwards"] else 1 - part)
            yield seen(still["picture"], 0.5, 0.5, size)
        else:
            away = room * (part - 0.5)
            yield seen(still["picture"], 0.5 + away * still["right"], 0.5 + away * still["down"], WINDOW)


def write(path, frames):
    with open(path, "wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n" % (WIDTH, HEIGHT, RATE))
        for frame in frames:
            y, cb, cr = frame.convert("YCbCr").split()
            half = (WIDTH // 2, HEIGHT // 2)
            file.write(b"FRAME\n" + y.tobytes())
            for chroma in (cb, cr):
                file.write(chroma.resize(half, Image.BOX).tobytes())


def main(out, listed, folders):
    os.makedirs(out, exist_ok=True)
    draw = random.Random(1)
    labels = ["scene,label,group"]
    with open(listed) as file:
        groups = {row["scene"].removesuffix("#0"): row["group"] for row in csv.DictReader(file)}
    for name, group in groups.items():
        clip = next(path for folder in folders if os.path.isdir(path := os.path.join(folder, name)))
        order = sorted(os.listdir(clip), key=lambda frame: int(re.search(r"\d+", frame).group()))[:24]
        pictures = [Image.open(os.path.join(clip, frame)).convert("RGB") for frame in order]
        write(f"{out}/{name}.real.y4m", (seen(picture, 0.5, 0.5, WINDOW) for picture in pictures))
        right, down = draw.choice([(1, 0), (-1, 0), (0, 1), (0, -1), (0.7, 0.7), (-0.7, 0.7)])
        still = {"picture": draw.choice(pictures), "zoom": draw.random() < 0.4, "outwards": draw.random() < 0.5,
                 "right": right, "down": down}
        write(f"{out}/{name}.pan.y4m", pans(still, len(pictures), draw))
        labels += [f"{name}.real.y4m#0,1,{group}", f"{name}.pan.y4m#0,0,{group}"]
    with open(f"{out}/labels.csv", "w") as file:
        file.write("\n".join(labels) + "\n")
    print(f"{len(groups)} real clips and as many pans in {out}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
