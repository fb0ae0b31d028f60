#!/usr/bin/env python3
"""Checks `vcn summarize --evaluate` from end to end on a data set in the layout of pytorch-vsumm-reinforce, written by h5py.

    pip install h5py
    python3 curate/experiments/vsumm.py [--vcn target/release/vcn] [--method policy]

The data set is made up: videos of shots with features around a direction each, and people who take shots that stand out,
each with a taste of their own. From the scores that vcn gave to pictures, numpy makes the summary and its F-scores again, as
the original's `vsum_tools.py` describes it, in code of its own. Exits with 1 if anything differs."""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np


def video(group, random, pictures, people, typed):
    interval = 15
    frames = pictures * interval - int(random.integers(0, interval))
    picks = np.arange(0, frames, interval)
    joints = np.sort(random.choice(np.arange(20, frames - 20), size=max(pictures // 6, 3), replace=False))
    points = np.stack([np.r_[0, joints], np.r_[joints - 1, frames - 1]], 1)
    directions = np.abs(random.normal(size=(len(points), 64)))
    shot_of = np.searchsorted(points[:, 1], picks)
    features = directions[shot_of] + .2 * np.abs(random.normal(size=(len(picks), 64)))
    interest = random.random(len(points))
    # What people took was counted in another way than frames, now and then.
    users = np.zeros((people, frames + int(random.integers(-2, 3))), np.float32)
    for user in users:
        room = .15 * frames
        for shot in np.argsort(-(interest + .3 * random.normal(size=len(points)))):
            first, last = points[shot]
            if last - first + 1 <= room:
                user[first:last + 1] = 1
                room -= last - first + 1
    options = {"compression": "gzip", "chunks": True} if typed else {}
    group.create_dataset("features", data=features.astype(np.float32), **options)
    group.create_dataset("gtscore", data=interest[shot_of].astype(np.float64 if typed else np.float32))
    group.create_dataset("user_summary", data=users, **options)
    group.create_dataset("change_points", data=points.astype(np.int32 if typed else np.int64))
    group.create_dataset("n_frame_per_seg", data=points[:, 1] - points[:, 0] + 1)
    group.create_dataset("n_frames", data=frames)
    group.create_dataset("picks", data=picks.astype(np.int32 if typed else np.int64))
    group.create_dataset("n_steps", data=len(picks))
    group.create_dataset("gtsummary", data=users.mean(0)[picks[picks < users.shape[1]]].astype(np.float32))
    group.create_dataset("video_name", data=np.bytes_(f"made up {len(picks)}"))


def summary(scores, points, frames, picks, share=.15):
    """Whether each frame is in the summary: the shots of the best mean score that fit."""
    by_frame = np.zeros(frames)
    for score, start, end in zip(scores, picks, np.r_[picks[1:], frames]):
        by_frame[start:end] = score
    lengths = points[:, 1] - points[:, 0] + 1
    values = np.array([by_frame[first:last + 1].mean() for first, last in points])
    room = int(frames * share)
    best = np.zeros((len(points) + 1, room + 1))
    for at, (value, length) in enumerate(zip(values, lengths), 1):
        best[at] = best[at - 1]
        if length <= room:
            best[at, length:] = np.maximum(best[at - 1, length:], best[at - 1, :room + 1 - length] + value)
    return best[-1, room], values, lengths, room


def f_score(machine, user):
    judged = np.zeros(len(user))
    judged[:len(machine)] = machine[:len(user)]
    overlap = (judged * user).sum()
    precision, recall = overlap / (judged.sum() + 1e-8), overlap / (user.sum() + 1e-8)
    return 0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vcn", default="target/release/vcn")
    parser.add_argument("--method", default="direct")
    options = parser.parse_args()
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "made-up.h5")
        with h5py.File(path, "w") as file:
            for number in range(1, 13):
                video(file.create_group(f"video_{number}"), random, int(random.integers(60, 150)), 5 + number, number % 2)
        out = os.path.join(folder, "out")
        subprocess.run([options.vcn, "summarize", "--evaluate", path, "-o", out, "--method", options.method], check=True)
        with open(os.path.join(out, "results.json")) as file:
            results = json.load(file)
        worst, judged = 0., 0
        with h5py.File(path) as data:
            for split in results["splits"]:
                means = []
                for found in split["videos"]:
                    group = data[found["key"]]
                    frames, points = int(group["n_frames"][()]), group["change_points"][...].astype(int)
                    value, values, lengths, room = summary(
                        np.array(found["scores"]), points, frames, group["picks"][...].astype(int))
                    machine = np.zeros(frames)
                    taken = [int(np.flatnonzero((points == shot).all(1))[0]) for shot in found["summary"]]
                    for first, last in found["summary"]:
                        machine[first:last + 1] = 1
                    if lengths[taken].sum() > room or abs(values[taken].sum() - value) > 1e-4:
                        sys.exit(f"{found['key']}: not the best summary: {values[taken].sum()} of {value}")
                    scores = [f_score(machine, user) for user in group["user_summary"][...]]
                    means.append((np.mean(scores), np.max(scores)))
                    worst = max(worst, abs(means[-1][0] - found["found"]["mean"]), abs(means[-1][1] - found["found"]["best"]))
                    judged += 1
                for at, kind in enumerate(("mean", "best")):
                    worst = max(worst, abs(np.mean([mean[at] for mean in means]) - split["found"][kind]))
        print(f"{judged} videos judged in {len(results['splits'])} splits; F-scores differ by at most {worst:.1e}")
        sys.exit(int(worst > 1e-6))


if __name__ == "__main__":
    main()
