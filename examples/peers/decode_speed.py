#!/usr/bin/env python3
"""Times Pillow's decoding of JPEG files to RGB, for comparison with `examples/run Benchmark PreprocessBenchmark`.

    python decode_speed.py [--rounds 40] [--files FOLDER]

The pictures are those of the benchmark: waves with a little noise, quality 90, 4:2:0, in two sizes of data sets. Prints the
best mean of a round of 25, in milliseconds of one thread's processor time and by the clock; on a busy machine the former says
more. --files writes the JPEG files too, so that both sides can decode the very same ones. Needs Pillow and numpy.
"""
import argparse
import io
import pathlib
import time

import numpy as np
import PIL
from PIL import Image, features

SIZES = (500, 400), (640, 427)
EACH = 25


def scene(width, height):
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([127 + 127 * np.sin(x * 0.03 + y * 0.01), 127 + 127 * np.cos(y * 0.05) + 0 * x,
                      (x // 40 + y // 40) % 2 * 255.0], -1)
    return Image.fromarray(np.clip(waves + 12 * random.standard_normal(waves.shape), 0, 255).astype("uint8"))


def best(clock, rounds, data):
    times = []
    for _ in range(rounds):
        start = clock()
        for _ in range(EACH):
            Image.open(io.BytesIO(data)).convert("RGB")
        times.append((clock() - start) / EACH)
    return min(times) * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--files", type=pathlib.Path)
    args = parser.parse_args()
    print(f"Pillow {PIL.__version__}, libjpeg-turbo {features.version_feature('libjpeg_turbo')}")
    for width, height in SIZES:
        out = io.BytesIO()
        scene(width, height).save(out, "JPEG", quality=90)
        data = out.getvalue()
        if args.files:
            args.files.mkdir(parents=True, exist_ok=True)
            (args.files / f"{width}x{height}.jpg").write_bytes(data)
        cpu = best(time.process_time, args.rounds, data)
        clock = best(time.perf_counter, args.rounds, data)
        print(f"{width} x {height}, {len(data)} bytes: {cpu:.2f} ms of processor time, {clock:.2f} ms by the clock")


if __name__ == "__main__":
    main()
