#!/usr/bin/env python3
"""How many of the scenes of a film its summary shows, beside choosing at even distances and at random.

    python3 curate/experiments/coverage.py ../shared/data/train films [--vcn target/release/vcn]

Films are made of real clips, one of each source, no source in two films: each clip is played forwards and backwards for a time
between 1 and 8 seconds (short ones as likely as long ones by the logarithm), so that a film is no evenly divided one, and
the films are coded with x264. There are as many keyframes as scenes, and a clip of 15 %. A scene is shown if one of its
frames is. Prints means over the films, and the 95 % confidence interval of the difference to even distances, by
resampling the films."""

import argparse
import json
import math
import os
import random
import subprocess

import footage

WIDTH, HEIGHT, RATE = 208, 120, 12


def scenes(clips, draw):
    """The frames of a film, and the scene that each shows."""
    frames, shown = [], []
    for scene, clip in enumerate(clips):
        forwards = footage.decoded(clip, WIDTH, HEIGHT)
        there_and_back = forwards + forwards[-2:0:-1]
        for at in range(round(RATE * math.exp(draw.uniform(0, math.log(8))))):
            frames.append(there_and_back[at % len(there_and_back)])
            shown.append(scene)
    return frames, shown


def share(scenes, count):
    return len(set(scenes)) / count


def mean(values):
    return sum(values) / len(values)


def interval(values):
    """Of the mean, by resampling."""
    draw = random.Random(1)
    means = sorted(mean(draw.choices(values, k=len(values))) for _ in range(4000))
    return means[100], means[-101]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips")
    parser.add_argument("films")
    parser.add_argument("--vcn", default="target/release/vcn")
    parser.add_argument("--count", type=int, default=8)
    options = parser.parse_args()
    os.makedirs(options.films, exist_ok=True)
    draw = random.Random(1)
    names = footage.sources(options.clips)
    draw.shuffle(names)
    count = len(names) // options.count
    keyframes, clips, rewards = {}, {}, {}

    def note(table, method, value):
        table.setdefault(method, []).append(value)

    for number in range(options.count):
        path = f"{options.films}/{number}.mp4"
        frames, shown = scenes(names[number * count:(number + 1) * count], draw)
        footage.film(path, WIDTH, HEIGHT, RATE, 23, frames)
        for method in ("direct", "policy"):
            out = subprocess.run(
                [options.vcn, "summarize", path, "-o", f"{options.films}/{number}-{method}", "--overwrite", "--json",
                 "--keyframes", str(count), "--method", method, "--seed", str(number)],
                check=True, stdout=subprocess.PIPE).stdout
            found = json.loads(out)
            assert found["frames"] == len(shown), (path, found["frames"], len(shown))
            note(keyframes, method, share((shown[key["frame"]] for key in found["keyframes"]), count))
            note(rewards, method, found["reward"]["keyframes"])
            taken = [shot for shot in found["shots"] if shot["in_summary"]]
            note(clips, method, share((scene for shot in taken for scene in shown[shot["from"]:shot["to"]]), count))
        note(rewards, "even", found["reward"]["even_keyframes"])
        length, room = len(shown), int(0.15 * len(shown))
        even = [(2 * k + 1) * length // (2 * count) for k in range(count)]
        note(keyframes, "even", share((shown[at] for at in even), count))
        note(keyframes, "random", mean([share(draw.sample(shown, count), count) for _ in range(500)]))
        # Pieces of a second at even distances, and shots drawn until no further one fits.
        pieces = room // RATE
        starts = [(2 * k + 1) * length // (2 * pieces) - RATE // 2 for k in range(pieces)]
        note(clips, "even", share((scene for at in starts for scene in shown[at:at + RATE]), count))

        def at_random():
            left, scenes_of = room, []
            for shot in draw.sample(found["shots"], len(found["shots"])):
                if shot["to"] - shot["from"] <= left:
                    left -= shot["to"] - shot["from"]
                    scenes_of += shown[shot["from"]:shot["to"]]
            return share(scenes_of, count)
        note(clips, "random", mean([at_random() for _ in range(500)]))
        print(f"film {number}: {count} scenes, {length} frames", flush=True)

    print(f"\n| {options.count} films of {count} scenes | keyframes show | beyond even distances | the clip shows | "
          "beyond even distances | reward of keyframes |\n|---|---:|---:|---:|---:|---:|")
    for method in ("direct", "policy", "even", "random"):
        cells = []
        for table in (keyframes, clips):
            low, high = interval([a - b for a, b in zip(table[method], table["even"])])
            beyond = "" if method == "even" else f"{100 * low:+.1f} to {100 * high:+.1f} %"
            cells += [f"{100 * mean(table[method]):.1f} %", beyond]
        reward = f"{mean(rewards[method]):.4f}" if method in rewards else ""
        print(f"| {method} | {' | '.join(cells)} | {reward} |")
    low, high = interval([a - b for a, b in zip(clips["policy"], clips["direct"])])
    print(f"\npolicy beyond direct, the clip: {100 * low:+.1f} to {100 * high:+.1f} %")


if __name__ == "__main__":
    main()
