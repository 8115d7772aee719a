#!/usr/bin/env python3
"""Compares clip4j's logistic regression with scikit-learn's on the same random features: objective, accuracy and time.

    python probe_check.py [--cases all] [--time] [--clip4j "examples/run"] [--work DIR]

Cases are separable and noisy features of several shapes, class counts and strengths. Each is fitted by `Benchmark probe` and by
LogisticRegression(lbfgs), which gets float64: its float32 loss is summed in float32, and ends early where the penalty is strong. Both
objectives are those of their own fits as scikit-learn defines it (mean log-loss + |W|^2 / (2 C N)).
`--time` adds 50,000 x 512 x 100 in float32, 100 iterations of both, several rounds in turn. It exits with 1 if accuracy differs by more
than 0.2 points or the objective by more than 1 %. Needs scikit-learn.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

# name, N, D, K, distance of class centres (small: noisy), C, share of labels drawn at random, unit length
CASES = [
    ("separable", 600, 32, 5, 4.0, 1.0, 0.0, False),
    ("separable, weak penalty", 600, 32, 5, 4.0, 1e4, 0.0, False),
    ("noisy", 2000, 64, 10, 0.3, 1.0, 0.1, False),
    ("noisy, strong penalty", 2000, 64, 10, 0.3, 1e-4, 0.1, False),
    ("two classes", 1000, 20, 2, 0.5, 1.0, 0.1, False),
    ("two classes, strong penalty", 1000, 20, 2, 0.5, 1e-2, 0.1, False),
    ("fewer examples than features", 160, 512, 10, 0.5, 0.316, 0.0, False),
    ("unit length", 5000, 512, 37, 0.5, 31.6, 0.05, True),
    ("unit length, many classes", 10000, 256, 300, 0.5, 10.0, 0.05, True),
    ("uneven scales", 3000, 48, 7, 0.5, 1.0, 0.1, "scales"),
]


def draw(seed, n, d, k, distance, noise, shape):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((k, d)) * distance
    labels = np.concatenate([np.arange(k), rng.integers(0, k, 2 * n - k)])
    x = centres[labels] + rng.standard_normal((2 * n, d))
    if shape == "scales":
        x = x * np.exp(rng.uniform(-2, 2, d))
    elif shape:
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    drawn = rng.random(2 * n) < noise
    drawn[:k] = False
    labels[drawn] = rng.integers(0, k, int(drawn.sum()))
    x = np.ascontiguousarray(x, np.float32)
    return x[:n], labels[:n], x[n:], labels[n:]


def objective(model, x, y, c):
    """scikit-learn's, in float64: binary models have one vector of weights."""
    z = x.astype(np.float64) @ model.coef_.astype(np.float64).T + model.intercept_
    if z.shape[1] == 1:
        z = np.hstack([np.zeros_like(z), z])
    peak = z.max(1)
    loss = np.log(np.exp(z - peak[:, None]).sum(1)) + peak - z[np.arange(len(y)), y]
    return loss.mean() + (model.coef_.astype(np.float64) ** 2).sum() / (2 * c * len(y))


def theirs(data, c, iterations, dtype):
    from sklearn.linear_model import LogisticRegression
    x, y, tx, ty = data
    model = LogisticRegression(C=c, max_iter=iterations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        model.fit(x.astype(dtype), y)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "iterations": int(model.n_iter_[0]), "objective": objective(model, x, y, c),
            "train": model.score(x, y), "test": model.score(tx, ty)}


def ours(args, folder, data, c, iterations, repeat=1):
    names = ["features", "labels", "test-features", "test-labels"]
    command = [*args.clip4j.split(), "Benchmark", "probe", "--c", str(c), "--max-iterations", str(iterations), "--repeat", str(repeat)]
    for name, values in zip(names, data):
        path = pathlib.Path(folder) / f"{name}.npy"
        np.save(path, values)
        command += [f"--{name}", str(path)]
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(re.findall(r"^\{.*\}$", out.stdout, re.MULTILINE)[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", choices=["all", "none"], default="all")
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clip4j", default="examples/run")
    parser.add_argument("--work", help="folder for the features; a temporary one by default")
    args = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(dir=args.work) as folder:
        print("| case | objective, clip4j | scikit-learn | apart | test accuracy, clip4j | scikit-learn | iterations |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for seed, (name, n, d, k, distance, c, noise, shape) in enumerate(CASES if args.cases == "all" else []):
            data = draw(seed, n, d, k, distance, noise, shape)
            a, b = ours(args, folder, data, c, 1000), theirs(data, c, 1000, np.float64)
            apart = abs(a["objective"] - b["objective"]) / b["objective"]
            bad = apart > 0.01 or abs(a["test"] - b["test"]) > 0.002 or abs(a["train"] - b["train"]) > 0.002
            failed |= bad
            print(f"| {name} ({n} x {d} x {k}, C {c:g}) | {a['objective']:.7f} | {b['objective']:.7f} | {apart:.1e} | "
                  f"{100 * a['test']:.2f} | {100 * b['test']:.2f} | {a['iterations']}, {b['iterations']} |"
                  f"{' APART' if bad else ''}", flush=True)
        if args.time:
            data = draw(99, 50000, 512, 100, 0.1, 0.05, False)
            data = (data[0], data[1], data[2][:5000], data[3][:5000])
            print("\n50,000 x 512 x 100, float32, 100 iterations, C 10,000:")
            for _ in range(args.rounds):
                a, b = ours(args, folder, data, 1e4, 100), theirs(data, 1e4, 100, np.float32)
                print(f"clip4j {a['seconds']:.2f} s ({a['iterations']} iterations, {a['evaluations']} evaluations, objective "
                      f"{a['objective']:.6f}, test {100 * a['test']:.2f} %), scikit-learn {b['seconds']:.2f} s ({b['iterations']} "
                      f"iterations, objective {b['objective']:.6f}, test {100 * b['test']:.2f} %)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
