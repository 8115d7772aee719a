"""Makes a classification set of the emoji: those of which exactly one of twelve keywords is true.

    python examples/peers/emoji_classes.py DATA/captions.tsv MODEL/held-out-indices.txt OUT

Writes OUT/test.tsv (file, label) of the rows that the training held out, OUT/train.tsv of the others, and OUT/held-out.tsv (file, cldr_name)
of all rows held out. Rows with skin tones are left out as in the training (--exclude '1f3f[b-f]').
"""

import csv
import re
import sys
from collections import Counter
from pathlib import Path

CLASSES = "face animal food heart arrow clock sport clothing music building plant hand".split()

captions, held_out, out = map(Path, sys.argv[1:4])
with captions.open(encoding="utf-8", newline="") as f:
    rows = [r for r in csv.DictReader(f, delimiter="\t") if not re.search("1f3f[b-f]", r["file"] + r["cldr_name"] + r["cldr_keywords"])]
rows = [r for r in rows if r["cldr_name"].strip() or r["cldr_keywords"].strip()]
kept = {int(line) for line in held_out.read_text().split()}
out.mkdir(parents=True, exist_ok=True)


def write(name, header, lines):
    (out / name).write_text("".join("\t".join(line) + "\n" for line in [header, *lines]), encoding="utf-8")


labelled = {"train.tsv": [], "test.tsv": []}
for i, row in enumerate(rows):
    found = set(row["cldr_keywords"].split("|")) & set(CLASSES)
    if len(found) == 1:
        labelled["test.tsv" if i in kept else "train.tsv"].append((row["file"], found.pop()))
for name, lines in labelled.items():
    write(name, ("file", "label"), lines)
    print(name, len(lines), dict(Counter(label for _, label in lines)))
write("held-out.tsv", ("file", "cldr_name"), [(r["file"], r["cldr_name"]) for i, r in enumerate(rows) if i in kept])
