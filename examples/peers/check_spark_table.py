#!/usr/bin/env python3
"""Checks that pandas reads the table of examples/run SparkEmbed: its columns, and the vectors that are in the folder too.

    examples/run SparkEmbed --in PICTURES --pictures --model MODEL --out TABLE --folder FOLDER
    python examples/peers/check_spark_table.py TABLE FOLDER

Needs pandas and pyarrow. Exits with 1 if something differs.
"""
import pathlib
import sys

import numpy
import pandas


def main():
    table = pandas.read_parquet(sys.argv[1])
    expected = numpy.concatenate([numpy.load(shard) for shard in sorted(pathlib.Path(sys.argv[2]).glob("*.npy"))])
    rows = table.dropna(subset=["embedding"]).sort_values("id")
    vectors = numpy.stack(rows["embedding"])
    norms = numpy.linalg.norm(vectors, axis=1)
    print(f"{len(table)} rows, {len(rows)} with an embedding of {vectors.shape[1]} values, {vectors.dtype}, "
          f"lengths {norms.min():.7f} to {norms.max():.7f}; the folder has {expected.shape[0]} x {expected.shape[1]}")
    right = (list(table.columns) == ["id", "sha256", "embedding", "error", "model"]
             and vectors.dtype == expected.dtype and numpy.array_equal(vectors, expected)
             and table["embedding"].isna().equals(table["error"].notna()))
    print("equal" if right else "different")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
