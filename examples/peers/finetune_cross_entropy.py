#!/usr/bin/env python3
"""Fine-tunes a model as is usual for classifiers, for comparison with examples/run FineTune (docs/fine-tuning.md).

A linear head that starts as the zero-shot weights is put on the image tower, and both are trained by cross-entropy
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). The same images are trained on as by FineTune with
--test: four of five of each class. Prints top-1 accuracy on the test images by the head, and zero-shot on KEEP by the
tuned image tower and the text tower as it was.

    python finetune_cross_entropy.py MODEL TRAIN TEST KEEP [--epochs 10] [--lr 3e-4] [--seed 0]
"""
import argparse
import pathlib

import open_clip
import torch
import torch.nn.functional as F
from PIL import Image

TEMPLATES = ["itap of a {}.", "a bad photo of the {}.", "a origami {}.", "a photo of the large {}.", "a {} in a video game.",
             "art of the {}.", "a photo of the small {}."]


def read(folder, preprocess, places=lambda place: True):
    labels = sorted(path.name for path in folder.iterdir())
    pixels, classes = [], []
    for label, name in enumerate(labels):
        for place, file in enumerate(sorted((folder / name).iterdir())):
            if places(place):
                pixels.append(preprocess(Image.open(file).convert("RGB")))
                classes.append(label)
    return labels, torch.stack(pixels), torch.tensor(classes)


def zero_shot(model, tokenizer, labels):
    rows = []
    for label in labels:
        texts = model.encode_text(tokenizer([t.format(label.replace("_", " ")) for t in TEMPLATES]))
        rows.append(F.normalize(F.normalize(texts, dim=-1).mean(0), dim=0))
    return torch.stack(rows)


def accuracy(model, head, pixels, classes):
    return (F.normalize(model.encode_image(pixels), dim=-1) @ head.T).argmax(1).eq(classes).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "train", "test", "keep"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{args.model}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{args.model}")
    labels, pixels, classes = read(args.train, preprocess, lambda place: place % 5 != 3)
    _, test_pixels, test_classes = read(args.test, preprocess)
    keep_labels, keep_pixels, keep_classes = read(args.keep, preprocess)
    model.eval()
    with torch.no_grad():
        head = zero_shot(model, tokenizer, labels).requires_grad_()
        keep_head = zero_shot(model, tokenizer, keep_labels)
        scale = model.logit_scale.exp()
        print(f"base: {accuracy(model, head, test_pixels, test_classes):.3f}, kept {accuracy(model, keep_head, keep_pixels, keep_classes):.3f}")
    model.train()
    trained = [head, *model.visual.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=args.lr, weight_decay=0.1, betas=(0.9, 0.98), eps=1e-6)
    steps = args.epochs * (len(pixels) // args.batch_size)
    warmup, step = steps // 20, 0
    for _ in range(args.epochs):
        order = torch.randperm(len(pixels))
        for i in range(len(pixels) // args.batch_size):
            rows = order[i * args.batch_size : (i + 1) * args.batch_size]
            rate = step / warmup if step < warmup else 0.5 * (1 + torch.cos(torch.tensor(torch.pi * (step - warmup) / (steps - warmup))).item())
            for group in optimizer.param_groups:
                group["lr"] = args.lr * rate
            optimizer.zero_grad()
            F.cross_entropy(scale * F.normalize(model.encode_image(pixels[rows]), dim=-1) @ head.T, classes[rows]).backward()
            optimizer.step()
            step += 1
    model.eval()
    with torch.no_grad():
        print(f"tuned: {accuracy(model, head, test_pixels, test_classes):.3f}, kept {accuracy(model, keep_head, keep_pixels, keep_classes):.3f}")


if __name__ == "__main__":
    main()
