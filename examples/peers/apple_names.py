#!/usr/bin/env python3
"""Writes what open_clip makes of the names of Apple's MobileCLIP: src/test/resources/mobileclip/NAME.txt.gz.

    python apple_names.py OUT REPOSITORY [--features NAME]

A line has OpenCLIP's name, Apple's (- for zeros) and the shapes of both. REPOSITORY is a work tree of github.com/apple/ml-mobileclip.
With --features (s1, s2 or b), OUT/NAME holds mobileclip_NAME.pt with random weights, and expected.safetensors with the features
that Apple's code computes, for FamilyCheck.java. Needs torch, timm, torchvision, open_clip and safetensors.
"""
import argparse
import gzip
import json
import pathlib
import sys

import open_clip
import torch
from open_clip.convert import convert_mobile_clip_state_dict
from safetensors.torch import save_file

from check_families import TEXTS, randomise, settle

NAMES = {"s1": "MobileCLIP-S1", "s2": "MobileCLIP-S2", "b": "MobileCLIP-B"}


def names(name, state, out):
    apple = {float(i): key for i, key in enumerate(state, 1)}
    numbered = {key: torch.full(state[key].shape, i) for i, key in apple.items()}
    base = open_clip.create_model(NAMES[name])
    found = convert_mobile_clip_state_dict(base, numbered, fastvit=name != "b")
    assert {k: v.shape for k, v in found.items()} == {k: v.shape for k, v in base.state_dict().items()}
    lines = []
    for key, value in found.items():
        old = apple.get(value.flatten()[0].item(), "-")
        shapes = ["x".join(map(str, shape)) or "-" for shape in (value.shape, state[old].shape if old != "-" else [])]
        lines.append(" ".join((key, old, *shapes)) + "\n")
    out.mkdir(parents=True, exist_ok=True)
    with open(out / (name + ".txt.gz"), "wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as zipped:
        zipped.write("".join(lines).encode())


def features(name, model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    randomise(model)
    size = 224 if name == "b" else 256
    pixels = torch.rand(8, 3, size, size)
    ids = open_clip.tokenizer.SimpleTokenizer()(TEXTS)
    with torch.no_grad():
        model.visual = model.image_encoder
        settle(model, pixels)
        del model.visual
        torch.save(model.state_dict(), folder / f"mobileclip_{name}.pt")
        out = {"image_features": model.encode_image(pixels, normalize=True), "text_features": model.encode_text(ids, normalize=True)}
    save_file({"pixel_values": pixels, "input_ids": ids.long(), **out}, folder / "expected.safetensors")
    print(folder, size, {k: (v @ v.T - 2 * torch.eye(8)).max().item() for k, v in out.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("repository", type=pathlib.Path)
    parser.add_argument("--features", choices=NAMES)
    args = parser.parse_args()
    sys.path.insert(0, str(args.repository))
    from mobileclip.clip import CLIP
    for name in [args.features] if args.features else NAMES:
        model = CLIP(json.loads((args.repository / f"mobileclip/configs/mobileclip_{name}.json").read_text())).eval()
        if args.features:
            features(name, model, args.out / name)
        else:
            names(name, model.state_dict(), args.out)


if __name__ == "__main__":
    main()
