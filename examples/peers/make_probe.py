"""Writes scikit-learn's values that the tests of the linear probe compare with, into src/test/resources/probe/peers.json.

Logistic regressions are LogisticRegression(lbfgs) in float64, to a gradient of 1e-9; metrics are those of sklearn.metrics.

    python examples/peers/make_probe.py src/test/resources
"""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, top_k_accuracy_score


def numbers(values):
    return [float(f"{v:.9g}") for v in np.asarray(values, np.float64).ravel()]


def regression(name, seed, n, d, k, distance, c, noise):
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    x = (rng.standard_normal((k, d))[labels] * distance + rng.standard_normal((n, d))).round(4).astype(np.float32)
    drawn = rng.random(n) < noise
    drawn[:k] = False
    labels[drawn] = rng.integers(0, k, int(drawn.sum()))
    model = LogisticRegression(C=c, tol=1e-9, max_iter=10000).fit(x.astype(np.float64), labels)
    p = model.predict_proba(x.astype(np.float64))
    loss = -np.log(p[np.arange(n), labels]).mean()
    return {
        "name": name,
        "c": c,
        "classes": k,
        "features": numbers(x),
        "labels": labels.tolist(),
        "objective": loss + (model.coef_**2).sum() / (2 * c * n),
        "accuracy": accuracy_score(labels, model.predict(x)),
        "weights": numbers(model.coef_),
        "intercepts": numbers(model.intercept_),
        "probabilities": numbers(p[:5]),
    }


def metrics():
    rng = np.random.default_rng(11)
    n, k = 200, 8
    labels = rng.integers(0, k - 1, n)  # the last class has no example
    scores = rng.standard_normal((n, k)).round(4).astype(np.float32)
    scores[np.arange(n), labels] += 0.8
    guesses = scores.argmax(1)
    return {
        "scores": numbers(scores),
        "labels": labels.tolist(),
        "classes": k,
        "top1": accuracy_score(labels, guesses),
        "top5": top_k_accuracy_score(labels, scores, k=5, labels=np.arange(k)),
        "mean_per_class": balanced_accuracy_score(labels, guesses),
    }


def main():
    regressions = [
        regression("three classes", 1, 60, 4, 3, 0.8, 1.0, 0.1),
        regression("separable", 2, 40, 3, 3, 5.0, 10.0, 0.0),
        regression("two classes", 3, 50, 4, 2, 0.7, 0.5, 0.1),
        regression("strong penalty", 4, 60, 5, 4, 1.0, 1e-3, 0.1),
        regression("fewer examples than features", 5, 12, 16, 3, 1.0, 0.316, 0.0),
    ]
    folder = Path(sys.argv[1]) / "probe"
    folder.mkdir(exist_ok=True)
    (folder / "peers.json").write_text(json.dumps({"regressions": regressions, "metrics": metrics()}) + "\n")


if __name__ == "__main__":
    main()
