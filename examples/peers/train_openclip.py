#!/usr/bin/env python3
"""Trains OpenCLIP's own classes on a table of image-caption pairs: the peer of `examples/run Train`.

It exists so that the two can be put side by side (docs/benchmarks.md): the same rows, sizes, schedule
and batch size, one through clip4j and one through open_clip. It is the best case for the peer: images
are decoded and transformed once, texts are tokenized once, and both stay in memory as tensors.

Needs open_clip_torch. Example, on the emoji table (rows without skin tones):

    python train_openclip.py --data captions.tsv --image-column file --caption-column cldr_name \\
        --image-root png/128 --exclude '1f3f[b-f]' --model-cfg emoji.json --epochs 40 --json out.json

In lockstep: with `--order clip4j` and `--save DIR` both trainings see the same batches from the same
weights, if `examples/run Train` has the same seed and `--model DIR/step-0`. `--weights` is the other
way round: it starts from a model that clip4j saved (`--lr 0 --steps 1` saves its initial weights).
"""

import argparse
import csv
import json
import math
import platform
import random
import re
import statistics
import time
from pathlib import Path

import open_clip
import torch
from open_clip.model import CLIP
from open_clip_train.scheduler import cosine_lr
from PIL import Image
from safetensors.torch import load_file, save_file


def arguments():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = p.add_argument
    add("--data", type=Path, required=True, help="table with a header line: tabs, or commas if it ends in .csv")
    add("--image-column", default="file")
    add("--caption-column", default="caption")
    add("--image-root", type=Path, help="folder the image paths start from (default: the table's)")
    add("--exclude", metavar="REGEX", help="leave out rows in whose image path or caption this is found")
    add("--background", metavar="R,G,B", help="paint this behind transparent images (default: drop transparency)")
    add("--held-out", type=float, default=0.1, help="share of the rows held out by --seed (%(default)s)")
    add("--held-out-indices", type=Path,
        help="instead: file with the held-out rows, one index (from 0, after --exclude) a line")
    add("--model-cfg", type=Path, required=True, help="model_cfg as JSON, or a file that has it under 'model_cfg'")
    add("--batch-size", type=int, default=128)
    add("--epochs", type=int, default=30)
    add("--max-steps", type=int, help="stop after this many steps; the schedule stays that of all epochs")
    add("--lr", type=float, default=5e-4)
    add("--warmup", type=int, default=100, metavar="STEPS")
    add("--wd", type=float, default=0.2)
    add("--precision", choices=["fp32", "bf16"], default="fp32", help="bf16: autocast, as open_clip's amp_bf16")
    add("--threads", type=int, default=torch.get_num_threads())
    add("--seed", type=int, default=0, help="of the weights, the order of the pairs and the split")
    add("--order", choices=["torch", "clip4j"], default="torch", help="whose order of the pairs (%(default)s)")
    add("--weights", type=Path, metavar="DIR", help="folder with a model in OpenCLIP's layout to start from")
    add("--save", type=Path, metavar="DIR", help="save models to DIR/step-N, in OpenCLIP's layout")
    add("--save-steps", default="0", metavar="N,...", help="after which steps (%(default)s, the initial weights)")
    add("--compile", action="store_true", help="torch.compile the model")
    add("--skip-timing", type=int, default=10, metavar="STEPS", help="first steps left out of the speed (%(default)s)")
    add("--json", type=Path, help="write the results there")
    return p.parse_args()


def read_pairs(args):
    """[(path, caption)] of the rows that have a caption and are not excluded, in the table's order."""
    delimiter = "," if args.data.suffix == ".csv" else "\t"
    with open(args.data, encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter=delimiter))
    for column in (args.image_column, args.caption_column):
        if column not in rows[0]:
            raise SystemExit(f"{args.data} has no column '{column}', but {', '.join(rows[0])}")
    root = args.image_root or args.data.parent
    pairs = []
    for row in rows:
        image, caption = row[args.image_column], row[args.caption_column]
        if caption and not (args.exclude and (re.search(args.exclude, image) or re.search(args.exclude, caption))):
            pairs.append((root / image, caption))
    return pairs


def split(args, count):
    """Row indices for training, and those held out."""
    if args.held_out_indices:
        held = sorted({int(line) for line in args.held_out_indices.read_text().split()})
        if held and not 0 <= held[0] <= held[-1] < count:
            raise SystemExit(f"{args.held_out_indices}: indices {held[0]} to {held[-1]}, but there are {count} rows")
    else:
        held = sorted(random.Random(args.seed).sample(range(count), round(args.held_out * count)))
    return sorted(set(range(count)) - set(held)), held


class SplitMix:
    """SplitMix64 from a list of keys, as clip4j's SeededRandom: what it needs to give PairLoader's order."""

    MASK, GAMMA = (1 << 64) - 1, 0x9E3779B97F4A7C15

    def __init__(self, *keys):
        self.state = 0
        for key in keys:
            self.state = self.mix(self.state + self.GAMMA) ^ self.mix(key + self.GAMMA)

    @classmethod
    def mix(cls, z):
        z &= cls.MASK
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & cls.MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & cls.MASK
        return z ^ (z >> 31)

    def below(self, bound):
        while True:
            self.state = (self.state + self.GAMMA) & self.MASK
            bits = self.mix(self.state) >> 1
            if bits - bits % bound + bound <= 1 << 63:
                return bits % bound

    def permutation(self, n):
        order = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.below(i + 1)
            order[i], order[j] = order[j], order[i]
        return order


def orders(args, count):
    """One permutation of the training rows after another, an epoch each."""
    torch_order = torch.Generator().manual_seed(args.seed)
    for epoch in range(args.epochs):
        if args.order == "clip4j":
            yield torch.tensor(SplitMix(2, args.seed, epoch).permutation(count))  # 2: SeededRandom.SHUFFLE
        else:
            yield torch.randperm(count, generator=torch_order)


def save(args, cfg, model, step):
    folder = args.save / f"step-{step}"
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()},
        folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": cfg}))


def read_image(path, background):
    image = Image.open(path)
    if background is None:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), image).convert("RGB")


def optimizer_of(model, args):
    """AdamW as open_clip_train.main makes it."""
    def plain(name, p):
        return p.ndim < 2 or any(word in name for word in ("bn", "ln", "bias", "logit_scale"))

    named = list(model.named_parameters())
    groups = [{"params": [p for n, p in named if plain(n, p)], "weight_decay": 0.0},
              {"params": [p for n, p in named if not plain(n, p)], "weight_decay": args.wd}]
    return torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98), eps=1e-6)


def recall(similarity, k):
    """Share of rows for which fewer than k other columns are at least as large as their own (the same index).

    Rows are matched exactly: a second row with the same caption or picture counts as another pair.
    """
    rank = (similarity >= similarity.diagonal()[:, None]).sum(1)  # its own column is one of them
    return (rank <= k).float().mean().item()


@torch.no_grad()
def evaluate(model, images, texts):
    model.eval()
    image = torch.cat([model.encode_image(part, normalize=True) for part in images.split(256)])
    text = torch.cat([model.encode_text(part, normalize=True) for part in texts.split(256)])
    similarity = text @ image.T  # [captions, images]
    return {f"{name}_r{k}": recall(matrix, k)
            for name, matrix in (("text_to_image", similarity), ("image_to_text", similarity.T)) for k in (1, 5)}


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    cfg = json.loads(args.model_cfg.read_text())
    cfg = cfg.get("model_cfg", cfg)
    model = CLIP(**cfg)
    if args.weights:
        model.load_state_dict(load_file(args.weights / "open_clip_model.safetensors"))
    parameters = sum(p.numel() for p in model.parameters())
    save_steps = {int(step) for step in args.save_steps.split(",")} if args.save else set()
    if 0 in save_steps:
        save(args, cfg, model, 0)

    pairs = read_pairs(args)
    train_rows, held_rows = split(args, len(pairs))
    background = tuple(int(part) for part in args.background.split(",")) if args.background else None
    transform = open_clip.image_transform(cfg["vision_cfg"]["image_size"], is_train=False)
    tokenizer = open_clip.SimpleTokenizer(context_length=cfg["text_cfg"].get("context_length", 77))
    images = torch.stack([transform(read_image(path, background)) for path, _ in pairs])
    texts = tokenizer([caption for _, caption in pairs])
    train_rows, held_rows = torch.tensor(train_rows), torch.tensor(held_rows, dtype=torch.long)

    per_epoch = len(train_rows) // args.batch_size  # the last, smaller batch is dropped
    if per_epoch == 0:
        raise SystemExit(f"{len(train_rows)} training rows do not fill one batch of {args.batch_size}")
    total = per_epoch * args.epochs
    print(f"{len(pairs)} rows, {len(train_rows)} for training, {len(held_rows)} held out; "
          f"{parameters:,} parameters; {total} steps, {per_epoch} an epoch", flush=True)

    optimizer = optimizer_of(model, args)
    set_lr = cosine_lr(optimizer, args.lr, args.warmup, total)
    loss_of = open_clip.ClipLoss()
    forward = torch.compile(model) if args.compile else model
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "bf16")

    losses, rates, norms, scales, seconds, epoch_losses = [], [], [], [], [], []
    started = time.perf_counter()
    for epoch, order in enumerate(orders(args, len(train_rows))):
        shuffled = train_rows[order]
        for rows in shuffled.split(args.batch_size)[:per_epoch]:
            begin = time.perf_counter()
            model.train()
            set_lr(len(losses))
            optimizer.zero_grad()
            with autocast:
                loss = loss_of(*forward(images[rows], texts[rows]))
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                model.logit_scale.clamp_(0, math.log(100))
            losses.append(loss.item())
            seconds.append(time.perf_counter() - begin)
            rates.append(optimizer.param_groups[0]["lr"])
            norms.append(torch.nn.utils.get_total_norm([p.grad for p in model.parameters()]).item())
            scales.append(model.logit_scale.exp().item())
            if len(losses) in save_steps:
                save(args, cfg, model, len(losses))
            if len(losses) == args.max_steps:
                break
        epoch_losses.append(statistics.fmean(losses[epoch * per_epoch:]))
        print(f"epoch {epoch + 1}/{args.epochs}  loss {epoch_losses[-1]:.4f}  "
              f"{args.batch_size / statistics.median(seconds[epoch * per_epoch:]):.1f} samples/s", flush=True)
        if len(losses) == args.max_steps:
            break

    timed = seconds[args.skip_timing:] or seconds
    result = {
        "peer": f"open_clip {open_clip.__version__}, torch {torch.__version__}",
        "python": platform.python_version(),
        "arguments": {name: str(value) if isinstance(value, Path) else value for name, value in vars(args).items()},
        "model_cfg": cfg,
        "parameters": parameters,
        "rows": len(pairs), "train_rows": len(train_rows), "held_out_rows": len(held_rows),
        "steps": len(losses),
        "training_seconds": time.perf_counter() - started,
        "samples_per_second_median_step": args.batch_size / statistics.median(timed),
        "samples_per_second_total": args.batch_size * len(timed) / sum(timed),
        "logit_scale": model.logit_scale.exp().item(),
        "epoch_losses": epoch_losses,
        "losses": losses, "learning_rates": rates, "gradient_norms": norms, "logit_scales": scales,
        "held_out": evaluate(model, images[held_rows], texts[held_rows]) if len(held_rows) else None,
    }
    brief = ("steps", "training_seconds", "samples_per_second_median_step", "samples_per_second_total", "held_out")
    print(json.dumps({key: result[key] for key in brief}, indent=1))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
