#!/usr/bin/env python3
"""Times whole processes from their start to a first prediction, clip4j and OpenCLIP in turn: load a local model, classify one image.

    examples/run Benchmark load --make ViT-B-32 --model OUT
    python cold_start.py OUT IMAGE [--runs 5] [--clip4j "examples/run"]

Needs open_clip_torch.
"""
import argparse
import statistics
import subprocess
import sys
import time

PEER = """
import sys
import open_clip
import torch
from PIL import Image
model, _, transform = open_clip.create_model_and_transforms("local-dir:" + sys.argv[1])
model.eval()
tokenizer = open_clip.get_tokenizer("ViT-B-32")
with torch.inference_mode():
    image = model.encode_image(transform(Image.open(sys.argv[2]).convert("RGB"))[None], normalize=True)
    text = model.encode_text(tokenizer(["a photo of a cat.", "a photo of a dog.", "a photo of a rabbit."]), normalize=True)
    print((model.logit_scale.exp() * image @ text.T).softmax(-1))
"""


def seconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("image")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--clip4j", default="examples/run")
    args = parser.parse_args()
    commands = {"clip4j": [*args.clip4j.split(), "ZeroShot", "--model", args.model, "--labels", "cat,dog,rabbit", args.image],
                "OpenCLIP": [sys.executable, "-c", PEER, args.model, args.image]}
    times = {name: [] for name in commands}
    for _ in range(args.runs):
        for name, command in commands.items():
            times[name].append(seconds(command))
    for name, values in times.items():
        print(f"{name:9} {statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
