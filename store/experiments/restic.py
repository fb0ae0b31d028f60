#!/usr/bin/env python3
"""How fast `vcn store put` takes in what it need not encode, beside `restic backup` of the same bytes.

    cargo build --release
    python3 store/experiments/restic.py --vcn target/release/vcn

The bytes are Y4M of moving noise, which nobody can compress much. Both programs get them for the first time, then once
more under another name; for vcn the first time is the only one that encodes (losslessly, class `frames`) and is not what
is compared. Class `source` keeps the bytes of the file, as restic does, of a video whose frames are known. Both write and
fsync to the same disk. Needs restic and ffmpeg. Exits with 1 where a known video is put at less than half of restic's rate.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

RESTIC = "`restic backup`, the first time"
RESTIC_KNOWN = "`restic backup`, again under another name"
FRAMES = "`vcn store put --class frames`, the first time: it encodes"
KNOWN = "`vcn store put --class frames`, known frames under another name"
SOURCE = "`vcn store put --class source`, known frames, new bytes"


def timed(*command, **environment):
    began = time.monotonic()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          env={**os.environ, **environment})
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()[-500:]}")
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vcn", required=True, type=pathlib.Path)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    vcn = arguments.vcn.resolve()
    work = pathlib.Path(tempfile.mkdtemp(prefix="vcn-restic-"))
    try:
        frames = arguments.megabytes * 1_000_000 // (640 * 360 * 3 // 2)
        video = work / "video.y4m"
        timed("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25", "-vf",
              "noise=alls=24:allf=t,format=yuv420p", "-frames:v", frames, video)
        size = video.stat().st_size
        copies = [work / name for name in ["again.y4m", "kept.y4m"]]
        for copy in copies:
            shutil.copy(video, copy)
        os.sync()
        secret = {"RESTIC_PASSWORD": "x"}
        times = {}
        for turn in range(arguments.rounds):
            # Each after the other, so that whatever else the machine does meets all of them.
            restic = ["restic", "--no-cache", "-q", "-r", work / f"restic{turn}"]
            put = [vcn, "store", "put", "--store", work / f"store{turn}"]
            timed(*restic, "init", "--repository-version", "2", **secret)
            timed(vcn, "store", "init", "--store", work / f"store{turn}")
            for what, command, environment in [
                (RESTIC, [*restic, "backup", video], secret),
                (FRAMES, [*put, "--class", "frames", video], {}),
                (RESTIC_KNOWN, [*restic, "backup", copies[0]], secret),
                (KNOWN, [*put, "--class", "frames", copies[0]], {}),
                (SOURCE, [*put, "--class", "source", copies[1]], {}),
            ]:
                times.setdefault(what, []).append(timed(*command, **environment))
            for folder in [work / f"restic{turn}", work / f"store{turn}"]:
                shutil.rmtree(folder)
        middle = {what: statistics.median(seconds) for what, seconds in times.items()}
        print(f"{size} bytes, {frames} frames, medians of {arguments.rounds}\n\n| what | seconds | MB/s |\n| --- | --- | --- |")
        for what, seconds in middle.items():
            print(f"| {what} | {seconds:.2f} | {size / seconds / 1e6:.0f} |")
        verdict = [(KNOWN, RESTIC_KNOWN, "a known video against a known file"),
                   (SOURCE, RESTIC, "new bytes of known frames against a new file")]
        slow = False
        for ours, theirs, what in verdict:
            print(f"\n{what}: {middle[theirs] / middle[ours]:.2f} times restic's rate", end="")
            slow |= middle[ours] > 2 * middle[theirs]
        print()
        sys.exit(1 if slow else 0)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
