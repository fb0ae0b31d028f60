#!/usr/bin/env python3
"""Many `vcn push` processes at once, and the server killed with SIGKILL in the middle.

    python3 serve/experiments/processes.py OUT [--vcn target/release/vcn] [--clients 64] [--clips 4] [--patience 300]

Each client pushes so many clips of 8 frames of 48x32 in class `frames`, one after the other, each by a process of its own; the
last clip of each is the same for all. When two fifths are acknowledged the server is killed; after five seconds it runs again.
Then every name that a process ended for with 0 must show its frames, and the store must be sound with every segment decoded.
With `--patience` shorter than the pause, processes must fail with 1 and say why. Exits with 1 if anything is lost."""

import argparse
import collections
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

WIDTH, HEIGHT, FRAMES = 48, 32, 8
PAUSE = 5


def clip(seed):
    draw = random.Random(seed)
    luma = bytes(draw.randrange(256) for _ in range(WIDTH * HEIGHT))
    chroma = bytes([128]) * (WIDTH * HEIGHT // 2)
    frames = [b"FRAME\n" + luma[at:] + luma[:at] + chroma for at in range(FRAMES)]
    return b"YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420jpeg\n" % (WIDTH, HEIGHT) + b"".join(frames)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--vcn", default="target/release/vcn")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--patience", type=int, default=300)
    options = parser.parse_args()
    vcn = os.path.abspath(options.vcn)
    shutil.rmtree(options.out, ignore_errors=True)
    os.makedirs(options.out)
    os.chdir(options.out)
    os.environ["VCN_TOKEN"] = "0123456789abcdef0123"
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "127.0.0.1:%d" % free.getsockname()[1]
    store = ["--store", "videos"]
    subprocess.run([vcn, "store", "init", *store], check=True, stdout=subprocess.DEVNULL)

    def serve():
        return subprocess.Popen([vcn, "serve", *store, "--listen", address], stdout=subprocess.DEVNULL)

    codes, reasons = {}, collections.Counter()

    def client(number):
        for at in range(options.clips):
            name = f"{number:03}-{at}.y4m"
            with open(name, "wb") as file:
                file.write(clip(-1 if at == options.clips - 1 else number * options.clips + at))
            ran = subprocess.run([vcn, "push", name, "--to", f"http://{address}", "--class", "frames", "--patience",
                                  str(options.patience)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            codes[name] = ran.returncode
            if ran.returncode:
                reasons[ran.stderr.strip().split(": ", 2)[-1]] += 1

    server = serve()
    time.sleep(3)
    started = time.time()
    clients = [threading.Thread(target=client, args=(number,)) for number in range(options.clients)]
    for thread in clients:
        thread.start()
    acknowledged = 0
    while acknowledged < options.clients * options.clips * 2 // 5 and any(thread.is_alive() for thread in clients):
        time.sleep(0.1)
        acknowledged = list(codes.values()).count(0)
    server.send_signal(signal.SIGKILL)
    server.wait()
    print(f"killed after {time.time() - started:.0f} s and {acknowledged} acknowledged pushes", flush=True)
    time.sleep(PAUSE)
    server = serve()
    for thread in clients:
        thread.join()
    print(f"all ended after {time.time() - started:.0f} s, with codes {dict(collections.Counter(codes.values()))}", flush=True)
    for reason, count in reasons.most_common(3):
        print(f"{count} x {reason}")
    server.terminate()
    failed = server.wait() != 0
    lost = []
    for name in sorted(name for name, code in codes.items() if code == 0):
        got = subprocess.run([vcn, "store", "get", f"me/{name}", "-o", "-", *store], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
        with open(name, "rb") as file:
            same = got.stdout.split(b"\n", 1)[-1] == file.read().split(b"\n", 1)[1]
        if got.returncode or not same:
            lost.append(name)
    print(f"lost or wrong of {list(codes.values()).count(0)} names: {len(lost)} {' '.join(lost[:9])}", flush=True)
    sound = subprocess.run([vcn, "store", "verify", "--decode", *store], stdout=subprocess.PIPE, text=True)
    print(sound.stdout.strip())
    sys.exit(bool(failed or lost or sound.returncode))


if __name__ == "__main__":
    main()
