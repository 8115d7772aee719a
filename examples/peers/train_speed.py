#!/usr/bin/env python3
"""Times training steps of clip4j and of OpenCLIP's own classes in turn, each in a fresh process.

    python train_speed.py [--models ViT-B-32 examples/peers/emoji.json] [--rounds 2] [--clip4j "examples/run"]

For each model, precision and caption length: samples/s over whole steps (the median step) and peak resident memory. clip4j is
`Benchmark train`, loader and optimizer included. The peer trains on tensors that are in memory already (its best case): open_clip's
CLIP and ClipLoss, AdamW as open_clip_train sets it up, autocast to bfloat16 for bf16 (its amp_bf16). Needs open_clip_torch.
"""
import argparse
import json
import math
import pathlib
import re
import statistics
import subprocess
import sys
import time


def peer(args):
    import open_clip
    import torch
    from open_clip.factory import get_model_config
    from open_clip.model import CLIP
    path = pathlib.Path(args.model)
    cfg = json.loads(path.read_text()) if path.is_file() else get_model_config(args.model)
    cfg = cfg.get("model_cfg", cfg)
    torch.manual_seed(0)
    model = CLIP(**cfg)
    size, length = cfg["vision_cfg"]["image_size"], cfg["text_cfg"].get("context_length", 77)
    named = list(model.named_parameters())
    plain = [p for n, p in named if p.ndim < 2 or any(w in n for w in ("bn", "ln", "bias", "logit_scale"))]
    decayed = [p for n, p in named if not any(p is q for q in plain)]
    optimizer = torch.optim.AdamW([{"params": plain, "weight_decay": 0.0}, {"params": decayed, "weight_decay": 0.2}],
                                  lr=1e-4, betas=(0.9, 0.98), eps=1e-6)
    loss_of = open_clip.ClipLoss()
    images = torch.randn(2 * args.batch, 3, size, size)
    texts = torch.zeros(2 * args.batch, length, dtype=torch.long)
    texts[:, 0] = 49406
    texts[:, 1:args.tokens - 1] = torch.randint(320, 345, (2 * args.batch, args.tokens - 2))
    texts[:, args.tokens - 1] = 49407
    seconds = []
    for step in range(args.warmup + args.steps):
        rows = slice(step % 2 * args.batch, (step % 2 + 1) * args.batch)
        start = time.perf_counter()
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "bf16"):
            loss = loss_of(*model(images[rows], texts[rows]))
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        last = loss.item()
        seconds.append(time.perf_counter() - start)
    timed = seconds[args.warmup:]
    peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024
    print(json.dumps({"samples_per_second": round(args.batch * len(timed) / sum(timed), 2),
                      "median_step": round(statistics.median(timed), 4), "peak_mib": peak, "last_loss": round(last, 4)}))


def run(command):
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(re.findall(r"^\{.*\}$", out.stdout, re.MULTILINE)[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = pathlib.Path(__file__).parent
    parser.add_argument("--models", nargs="+", default=["ViT-B-32", str(here / "emoji.json")])
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--lengths", nargs="+", type=int, default=[12, 77])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--clip4j", default="examples/run")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--precision", help=argparse.SUPPRESS)
    parser.add_argument("--tokens", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return peer(args)
    print("| model | precision | tokens | clip4j samples/s | OpenCLIP samples/s | ratio | clip4j MiB | OpenCLIP MiB |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for model in args.models:
        for precision in args.precisions:
            for tokens in args.lengths:
                common = ["--model", model, "--batch", str(args.batch), "--precision", precision, "--tokens", str(tokens),
                          "--warmup", str(args.warmup), "--steps", str(args.steps)]
                ours, theirs = [], []
                for _ in range(args.rounds):
                    ours.append(run([*args.clip4j.split(), "Benchmark", "train", *common]))
                    theirs.append(run([sys.executable, __file__, "--peer", *common]))
                speed = [statistics.median(args.batch / r["median_step"] for r in runs) for runs in (ours, theirs)]
                peak = [max(r["peak_mib"] for r in runs) for runs in (ours, theirs)]
                name = pathlib.Path(model).stem if model.endswith(".json") else model
                print(f"| {name} | {precision} | {tokens} | {speed[0]:.1f} | {speed[1]:.1f} | {speed[0] / speed[1]:.2f} | "
                      f"{peak[0]} | {peak[1]} |", flush=True)


if __name__ == "__main__":
    main()
