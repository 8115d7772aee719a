"""Writes src/test/resources/metrics.json: scikit-learn's measures of random scores, which ClassMetricsTest compares with.

    python examples/peers/make_metrics.py
"""

import json
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    top_k_accuracy_score,
)

warnings.filterwarnings("ignore")  # of classes without images
cases = []
for seed, (n, classes, absent, signal) in enumerate([(200, 7, None, 1.0), (150, 12, 5, 0.5), (60, 6, 0, 2.0)]):
    draw = np.random.default_rng(seed)
    weights = draw.dirichlet(np.ones(classes))
    if absent is not None:
        weights[absent] = 0
    labels = draw.choice(classes, size=n, p=weights / weights.sum())
    scores = np.round(draw.normal(size=(n, classes)) + signal * np.eye(classes)[labels], 5)
    answers = scores.argmax(1)
    every = np.arange(classes)
    cases.append(
        {
            "labels": labels.tolist(),
            "scores": scores.tolist(),
            "accuracy": accuracy_score(labels, answers),
            "top5": top_k_accuracy_score(labels, scores, k=5, labels=every),
            "balanced": balanced_accuracy_score(labels, answers),
            "confusion": confusion_matrix(labels, answers, labels=every).tolist(),
        }
    )
binary = []
for seed, (n, share, digits) in enumerate([(200, 0.3, 6), (90, 0.5, 1), (40, 0.15, 2)]):  # one digit: many ties
    draw = np.random.default_rng(100 + seed)
    truth = draw.random(n) < share
    scores = np.round(draw.normal(size=n) + truth, digits)
    precision, recall, thresholds = precision_recall_curve(truth, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    best = np.round(f1[:-1], 12).argmax()  # of several the lowest
    binary.append(
        {
            "scores": scores.tolist(),
            "truth": truth.tolist(),
            "auroc": roc_auc_score(truth, scores),
            "threshold": thresholds[best],
            "precision": precision[best],
            "recall": recall[best],
            "f1": f1[best],
        }
    )
target = Path(__file__).parents[2] / "src/test/resources/metrics.json"
target.write_text(json.dumps({"by": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}", "cases": cases, "binary": binary}) + "\n")
print(target.stat().st_size, "bytes")
