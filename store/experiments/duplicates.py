#!/usr/bin/env python3
"""What duplicates cost in an archive that the real codec fills.

    cargo build --release
    python3 store/experiments/duplicates.py --vcn target/release/vcn --data ../shared/data

Puts 20 clips; then the same ones renamed, remuxed and losslessly re-encoded; then long videos, a trimmed copy of each and
all of them one after the other. Prints what each round wrote and shared, and what the content-defined GOPs that make it
possible cost in rate against fixed ones of the same mean length, on the long videos and within one shot. Needs ffmpeg.
Exits with 1 where a promise is broken.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()[-500:]}")
    return done.stdout


def ffmpeg(*arguments):
    run("ffmpeg", "-nostdin", "-v", "error", "-y", *arguments)


def pattern(folder):
    """The frames of a folder for ffmpeg: as many as there are, whatever they are called."""
    first = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg"))[0]
    return ["-framerate", "25", "-pattern_type", "glob", "-i", str(folder / f"*{first.suffix}")]


def lossless(sources, size, frames, out, sound):
    """One video of the frames of several folders, exact, with a tone where asked."""
    inputs = [part for source in sources for part in pattern(source)]
    shape = f"scale={size}:flags=bicubic,setsar=1,format=yuv420p"
    parts = "".join(f"[{index}:v]{shape},trim=end_frame={frames}[v{index}];" for index in range(len(sources)))
    joined = "".join(f"[v{index}]" for index in range(len(sources)))
    graph = f"{parts}{joined}concat=n={len(sources)}[v]"
    tone = ["-f", "lavfi", "-i", f"sine=frequency={sound}:duration=60"] if sound else []
    heard = ["-map", f"{len(sources)}:a", "-c:a", "aac", "-shortest"] if sound else []
    ffmpeg(*inputs, *tone, "-filter_complex", graph, "-map", "[v]", *heard,
           "-c:v", "libx264", "-qp", "0", "-preset", "veryfast", out)


class Archive:
    def __init__(self, vcn, folder, quality):
        self.vcn, self.folder, self.quality = vcn, folder, quality
        run(vcn, "store", "init", "--store", folder)

    def put(self, inputs, prefix):
        """What each put did."""
        report = run(self.vcn, "store", "put", *inputs, "--prefix", prefix, "-q", self.quality, "--json",
                     "--store", self.folder)
        return json.loads(report)["results"]


def table(rows):
    head = ["round", "videos", "frames", "encoded", "shared frames", "new bytes", "most for one", "shared bytes"]
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


def summary(name, results):
    total = lambda key: sum(result[key] for result in results)
    frames = total("frames")
    return [name, len(results), frames, total("encoded_frames"),
            f"{100 * total('shared_frames') / frames:.0f} %", total("new_bytes"),
            max(result["new_bytes"] for result in results), total("shared_bytes")]


def rounds(vcn, work, longs, arguments, failures):
    """Puts everything; gives what was shared of the copies of the long videos."""
    archive = Archive(vcn, work / "store", arguments.quality)
    rows = [summary("first", archive.put([work / "first"], "first/"))]
    for name in ["renamed", "remuxed", "lossless"]:
        results = archive.put([work / name], f"{name}/")
        rows.append(summary(name, results))
        if any(result["encoded_frames"] or result["new_bytes"] >= 2048 for result in results):
            failures.append(f"{name}: a known video was encoded or cost more than 2 KiB")

    rows.append(summary("long", archive.put([work / "long"], "long/")))
    exact = ["-c:v", "libx264", "-qp", "0", "-preset", "veryfast"]
    for out in longs:
        ffmpeg("-i", out, "-vf", "trim=start_frame=17,setpts=PTS-STARTPTS", *exact, work / "cut" / out.name)
    trimmed = archive.put([work / "cut"], "cut/")
    rows.append(summary("trimmed by 17 frames", trimmed))
    inputs = [part for out in longs for part in ("-i", out)]
    ffmpeg(*inputs, "-filter_complex", "concat=n=3", *exact, work / "joined.mp4")
    joined = archive.put([work / "joined.mp4"], "")
    rows.append(summary("all three in one", joined))
    for result in trimmed + joined:
        if result["shared_frames"] < 0.7 * result["frames"]:
            failures.append(f"{result['name']}: shares {result['shared_frames']} of {result['frames']} frames")
    table(rows)
    return trimmed + joined


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vcn", required=True, type=pathlib.Path)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--frames", type=int, default=10, help="frames of each clip")
    parser.add_argument("--size", default="416:240")
    parser.add_argument("--long-size", default="208:120", help="size of the long videos")
    parser.add_argument("--quality", default="32")
    parser.add_argument("--longs", type=int, default=3, help="number of long videos")
    parser.add_argument("--gops-only", action="store_true", help="only what content-defined GOPs cost in rate")
    arguments = parser.parse_args()
    vcn = arguments.vcn.resolve()
    work = pathlib.Path(tempfile.mkdtemp(prefix="vcn-duplicates-"))
    failures = []
    try:
        folders = sorted((arguments.data / "eval").iterdir()) + sorted((arguments.data / "train").iterdir())
        folders = [folder for folder in folders if folder.is_dir()]
        step = max(1, len(folders) // arguments.clips)
        chosen = folders[::step][:arguments.clips]
        for name in ["first", "renamed", "remuxed", "lossless", "long", "cut"]:
            (work / name).mkdir()
        for index, folder in enumerate([] if arguments.gops_only else chosen):
            clip = work / "first" / f"{folder.name}.mp4"
            lossless([folder], arguments.size, arguments.frames, clip, 300 + 20 * index if index % 2 else 0)
            shutil.copy(clip, work / "renamed" / f"{index:02}.m4v")
            ffmpeg("-i", clip, "-c", "copy", work / "remuxed" / f"{index:02}.{'mkv' if index % 4 < 2 else 'ts'}")
            ffmpeg("-i", clip, "-c:v", "ffv1", "-c:a", "copy", work / "lossless" / f"{index:02}.mkv")

        # Long videos: eight different shots of 48 frames or fewer each, one after the other.
        shots = [folder for folder in folders if len(list(folder.iterdir())) >= 12]
        longs = []
        for index in range(arguments.longs):
            out = work / "long" / f"{index}.mp4"
            own = [folder for folder in folders if folder.name.startswith("long_")][2 * index:2 * index + 2]
            lossless(own + shots[index * 12:index * 12 + 12], arguments.long_size, 48, out, 0)
            longs.append(out)
        shared = [] if arguments.gops_only else rounds(vcn, work, longs, arguments, failures)

        # One shot without a cut, where fixed GOPs are at their best.
        longest = max(folders, key=lambda folder: len(list(folder.iterdir())))
        shot = work / "one shot.mp4"
        lossless([longest], arguments.long_size, 1000, shot, 0)

        print("\n| video | GOPs | bytes | fixed GOPs of the same mean length | cost |\n| --- | --- | --- | --- | --- |")
        content, fixed = 0, 0
        for out in longs + [shot]:
            stream = work / "a.vcn"
            run(vcn, "compress", out, "-o", stream, "--gop", "auto", "-q", arguments.quality, "--overwrite")
            gops = json.loads(run(vcn, "info", stream, "--json"))["gops"]
            mean = round(sum(gop["frames"] for gop in gops) / len(gops))
            content_bytes = stream.stat().st_size
            run(vcn, "compress", out, "-o", stream, "--gop", mean, "-q", arguments.quality, "--overwrite")
            fixed_bytes = stream.stat().st_size
            if out in longs:
                content, fixed = content + content_bytes, fixed + fixed_bytes
            cost = 100 * (content_bytes / fixed_bytes - 1)
            print(f"| {out.name} | {len(gops)} | {content_bytes} | {fixed_bytes} (every {mean} frames) | {cost:+.1f} % |",
                  flush=True)
        print(f"\nContent-defined GOPs cost {content - fixed:+} bytes on the long videos.")
        if shared:
            saved = sum(result["shared_bytes"] for result in shared)
            print(f"Sharing saved {saved} bytes on their trimmed and joined copies, of which fixed GOPs would share almost "
                  "none.")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for failure in failures:
        print(f"FAILED: {failure}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
