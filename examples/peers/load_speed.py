#!/usr/bin/env python3
"""Loads one checkpoint with clip4j and with OpenCLIP, in turn, each in a fresh process, and prints seconds and peak memory.

    examples/run Benchmark load --make ViT-L-14 --model OUT
    python load_speed.py OUT [--runs 5] [--clip4j "examples/run"]

Whole processes are timed, engine and imports included, and within them the loading alone: for OpenCLIP
open_clip.create_model, for clip4j Clip.load. OpenCLIP reads the same open_clip_model.safetensors. Needs open_clip_torch.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import time

PEER = """
import sys, time, json
import open_clip
from safetensors.torch import load_file
folder = sys.argv[1]
start = time.perf_counter()
model = open_clip.create_model("local-dir:" + folder)
seconds = time.perf_counter() - start
status = open("/proc/self/status").read()
peak = int(status.split("VmHWM:")[1].split()[0]) // 1024
print(json.dumps({"parameters": sum(p.numel() for p in model.parameters()), "seconds": round(seconds, 3), "peak_mib": peak}))
"""


def run(command):
    start = time.perf_counter()
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    result = json.loads(re.findall(r"^\{.*\}$", out.stdout, re.MULTILINE)[-1])
    return dict(result, process_seconds=round(time.perf_counter() - start, 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--clip4j", default="examples/run")
    args = parser.parse_args()
    ours, peer = [], []
    for _ in range(args.runs):
        ours.append(run([*args.clip4j.split(), "Benchmark", "load", "--model", str(args.model)]))
        peer.append(run([sys.executable, "-c", PEER, str(args.model)]))
        print(ours[-1], peer[-1], flush=True)
    assert ours[0]["parameters"] == peer[0]["parameters"]
    size = ours[0]["file_mib"]
    print(f"file {size} MiB, median (min to max) of {args.runs}")
    for name, runs in (("clip4j", ours), ("OpenCLIP", peer)):
        for key in ("seconds", "process_seconds", "peak_mib"):
            values = [r[key] for r in runs]
            print(f"{name:9} {key:16} {statistics.median(values)} ({min(values)} to {max(values)})")
    print(f"peak / file: clip4j {max(r['peak_mib'] for r in ours) / size:.2f}, "
          f"OpenCLIP {max(r['peak_mib'] for r in peer) / size:.2f}")


if __name__ == "__main__":
    main()
