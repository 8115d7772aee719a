#!/usr/bin/env python3
"""Writes the tables of docs/fine-tuning.md, "Captions in place of classes", from Noto Emoji's captions.

emoji_keywords.py CAPTIONS.TSV HELD-OUT-INDICES.TXT OUT

The base was trained on names and CLDR keywords of all pairs but the held-out ones. It is tuned to emojilib's keywords:
pairs-100.tsv has 124 held-out pairs, of which FineTune trains on four fifths, pairs-1000.tsv these, 124 others and 1,000
that the base knows, test.tsv the remaining held-out pairs.
"""
import csv
import pathlib
import re
import sys

table, held_out, out = map(pathlib.Path, sys.argv[1:])
with open(table, encoding="utf-8", newline="") as file:
    rows = [r for r in csv.DictReader(file, delimiter="\t") if not re.search("1f3f[b-f]", " ".join(map(str, r.values())))]
rows = [r for r in rows if r["cldr_name"].strip() or r["cldr_keywords"].strip()]
held = [int(line) for line in held_out.read_text().split()]
known = [i for i in range(len(rows)) if i not in set(held)]


def write(name, column, chosen, text):
    with open(out / name, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["file", column])
        writer.writerows([rows[i]["file"], text(rows[i])] for i in chosen)


def keywords(row):
    return row["emojilib_keywords"].replace("|", ", ").replace("_", " ")


out.mkdir(parents=True, exist_ok=True)
new = held[::2]  # of those next to each other, which look alike, one half tests
write("pairs-100.tsv", "caption", new[::2], keywords)
write("pairs-1000.tsv", "caption", sorted(new + [known[i * len(known) // 1000] for i in range(1000)]), keywords)
write("test.tsv", "caption", held[1::2], keywords)
