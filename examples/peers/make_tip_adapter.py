"""Writes PyTorch's values of Tip-Adapter and Tip-Adapter-F, into src/test/resources/probe/tip-adapter.json.

The formula, the search and the training are those of the authors' main_imagenet.py (gaopengcuhk/Tip-Adapter), in float64 on
cached features; all examples are one batch, so that their order does not matter.

    python examples/peers/make_tip_adapter.py src/test/resources
"""

import json
import sys
from pathlib import Path

import torch

CLASSES, SHOTS, WIDTH, OTHERS = 5, 4, 12, 40
ALPHA, BETA, EPOCHS = 1.0, 5.5, 20


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def numbers(x):
    return [float(f"{v:.9g}") for v in x.double().flatten()]


def logits(x, keys, values, words, alpha, beta):
    return 100.0 * x @ words.T + alpha * torch.exp(-beta * (1 - x @ keys.T)) @ values


def accuracy(scores, labels):
    return (scores.argmax(1) == labels).double().mean().item()


def search(x, labels, keys, values, words):
    best, found = 0.0, None
    for beta in [i * (7 - 0.1) / 200 + 0.1 for i in range(200)]:
        for alpha in [i * (3 - 0.1) / 20 + 0.1 for i in range(20)]:
            share = accuracy(logits(x, keys, values, words, alpha, beta), labels)
            if share > best:
                best, found = share, (alpha, beta)
    return {"alpha": found[0], "beta": found[1], "accuracy": best}


def fine_tune(x, labels, values, words):
    keys = torch.nn.Parameter(x.clone())
    optimizer = torch.optim.AdamW([keys], lr=1e-3, eps=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        loss = torch.nn.functional.cross_entropy(logits(x, keys, values, words, ALPHA, BETA), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return keys.detach()


def main():
    generator = torch.Generator().manual_seed(7)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    # As CLIP's: all embeddings are much alike, and images are nearer to images than to words.
    common, centres = 3 * unit(normal(1, WIDTH)), unit(normal(CLASSES, WIDTH))
    words = unit(common + 0.25 * centres + 0.35 * unit(normal(CLASSES, WIDTH)))
    labels = torch.arange(CLASSES).repeat_interleave(SHOTS)
    others = torch.randint(0, CLASSES, (OTHERS,), generator=generator)
    keys = unit(common + centres[labels] + 0.9 * unit(normal(len(labels), WIDTH)))
    x = unit(common + centres[others] + 0.9 * unit(normal(OTHERS, WIDTH)))
    # The same values that a reader of float32 gets, without scaling them again.
    words, keys, x = (v.float().double() for v in (words, keys, x))
    values = torch.nn.functional.one_hot(labels, CLASSES).double()
    trained = fine_tune(keys, labels, values, words)
    json_file = Path(sys.argv[1]) / "probe" / "tip-adapter.json"
    json_file.write_text(
        json.dumps(
            {
                "width": WIDTH,
                "words": numbers(words),
                "keys": numbers(keys),
                "labels": labels.tolist(),
                "features": numbers(x),
                "truth": others.tolist(),
                "logits": numbers(logits(x, keys, values, words, ALPHA, BETA)),
                "logits_alpha_2_beta_1": numbers(logits(x, keys, values, words, 2.0, 1.0)),
                "searched": search(x, others, keys, values, words),
                "tuned_keys": numbers(trained),
                "tuned_logits": numbers(logits(x, trained, values, words, ALPHA, BETA)),
                "tuned_searched": search(x, others, trained, values, words),
                "zero_shot_accuracy": accuracy(100.0 * x @ words.T, others),
            }
        )
        + "\n"
    )


main()
