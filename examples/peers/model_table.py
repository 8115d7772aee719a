#!/usr/bin/env python3
"""Writes the tables of docs/models.md: every published model that loads, and which one to take for what.

    python model_table.py OPEN_CLIP [--write]

OPEN_CLIP is a git clone of mlfoundations/open_clip; its tables and its registry of weights are read at the commit that models.json
names, whatever is checked out. models.json, beside this script, is kept by hand: licences as their publishers name them and where
they do, languages, figures that OpenCLIP's tables lack with their sources, names in transformers' layout, and the guide. What loads
is asked of this project's architectures.json, and of its source and changelog for the "needs" of a model. A licence without a source is not
guessed, and a figure that is not published stays empty.

Without --write the tables are printed; with it they replace what is between the markers in docs/models.md. Needs git only.
"""
import argparse
import ast
import csv
import fnmatch
import functools
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/models.md"
KNOWN = json.loads((ROOT / "examples/peers/models.json").read_text())
ARCHITECTURES = json.loads((ROOT / "src/main/resources/org/clip4j/model/architectures.json").read_text())

# The first family whose pattern fits "architecture/tag".
FAMILIES = [("Small and filtered training sets", r"/(cc12m|yfcc15m|(datacomp|commonpool)_[sml]_)"), ("OpenAI's CLIP", r"/openai$"),
            ("SigLIP 2", r"SigLIP2"), ("NLLB-CLIP", r"^nllb"), ("SigLIP", r"SigLIP"), ("MetaCLIP 2", r"/metaclip2"), ("MetaCLIP", r"/metaclip"),
            ("DFN", r"/dfn[25]b"), ("CLIPA", r"CLIPA"), ("EVA-CLIP", r"^EVA"), ("Perception Encoder", r"^PE-"),
            ("MobileCLIP", r"^MobileCLIP"), ("TinyCLIP", r"^TinyCLIP"), ("ConvNeXt", r"^convnext"), ("ViTamin", r"^ViTamin"),
            ("CoCa", r"^coca"), ("Text towers of BERT's kind", r"roberta|mt5"), ("DataComp", r"/(datacomp|commonpool)_"), ("LAION", r"")]
ORDER = ["OpenAI's CLIP", "LAION", "DataComp", "SigLIP", "SigLIP 2", "Perception Encoder", "EVA-CLIP", "CLIPA", "DFN", "MetaCLIP", "MetaCLIP 2",
         "Text towers of BERT's kind", "NLLB-CLIP", "ConvNeXt", "ViTamin", "MobileCLIP", "TinyCLIP", "CoCa", "Small and filtered training sets"]
COLUMNS = [("name on the hub", "names"), ("architecture", "architecture"), ("OpenCLIP's tag", "tag"), ("licence", "licence"),
           ("languages", "languages"), ("parameters, M", "parameters"), ("fp32, GB", "gb"), ("embedding", "embedding"),
           ("tokens", "context"), ("image", "image"), ("GFLOPs", "gflops"), ("ImageNet", "imagenet"), ("38 sets", "average"),
           ("COCO T→I", "coco_t2i"), ("COCO I→T", "coco_i2t"), ("XM3600 T→I", "xm_t2i"), ("XM3600 I→T", "xm_i2t")]
NUMBERS = {key for _, key in COLUMNS[5:]}


def published(repository, path):
    return subprocess.run(["git", "-C", repository, "show", f"{KNOWN['openclip']}:{path}"], check=True, capture_output=True, text=True).stdout


def table(repository, name, tag="pretrained"):
    rows = list(csv.DictReader(published(repository, f"docs/{name}.csv").splitlines()))
    return {(row.get("name") or row["model"], row.get(tag)): row for row in rows}


def registry(repository):
    """Architecture to tag to the options of its weights, from the calls in OpenCLIP's source, without running it."""
    names, found = {}, {}

    def options(call):
        return {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}

    def tags(node):
        return names[node.id] if isinstance(node, ast.Name) else {k.arg: options(k.value) for k in node.keywords}
    for statement in ast.parse(published(repository, "src/open_clip/pretrained.py")).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            target, value = statement.targets[0].id, statement.value
            if target == "_PRETRAINED":
                found = {key.value: tags(tower) for key, tower in zip(value.keys, value.values)}
            elif isinstance(value, ast.Call) and getattr(value.func, "id", "") == "dict":
                names[target] = tags(value)
    return found


@functools.cache
def source_text():
    """What the "needs" of a model are looked for in: the source, the architectures, and what the changelog says."""
    files = [*(ROOT / "src/main/java").rglob("*.java"), ROOT / "src/main/resources/org/clip4j/model/architectures.json", ROOT / "docs/CHANGELOG.md"]
    return "\n".join(file.read_text() for file in files)


def first(entries, model):
    return next((e for e in entries if fnmatch.fnmatchcase(model, e["model"])), None)


def facts(model, architecture):
    """What models.json and the configuration say of a model."""
    licence = first(KNOWN["licences"], model)
    row = {"model": model, "names": f"`{model}`", "architecture": f"`{architecture}`" if architecture else "", "tag": "",
           "licence": f"[{licence['licence']}]({licence['source'].format(model=model)})" if licence else "see its card",
           "languages": next(languages for pattern, languages in KNOWN["languages"] if fnmatch.fnmatchcase(model, pattern))}
    if any(fnmatch.fnmatchcase(model, pattern) for pattern in KNOWN["without_configuration"]):
        row["names"] += " †"
    if architecture in ARCHITECTURES:
        config = ARCHITECTURES[architecture]
        row["embedding"] = config["embed_dim"]
        row["context"] = config["text_cfg"].get("context_length", 77)
        row["image"] = config["vision_cfg"].get("image_size", 224)
    return row


class Tables:
    def __init__(self, repository):
        self.results = table(repository, "openclip_results")
        self.retrieval = table(repository, "openclip_retrieval_results")
        self.languages = table(repository, "openclip_multilingual_retrieval_results", "version")
        self.profile = {name: row for (name, _), row in table(repository, "model_profile").items()}
        with open(ROOT / "src/test/resources/architectures.csv") as file:
            self.counts = {row["name"]: (int(row["total"]) - int(row["decoder"] or 0)) / 1e6 for row in csv.DictReader(file)}

    def size(self, architecture):
        cost = KNOWN["same_cost"].get(architecture, architecture)
        plain = cost.removesuffix("-quickgelu")
        row = {}
        if architecture in self.counts or architecture in self.profile:
            row["parameters"] = self.counts.get(architecture) or float(self.profile[architecture]["mparams"])
        flops = [r["FLOPs (B)"] for (name, _), r in self.results.items() if name in (cost, plain)]
        flops += [self.profile[name]["gflops"] for name in (cost, plain) if name in self.profile]
        return row | ({"gflops": float(flops[0])} if flops else {})

    def figures(self, architecture, tag):
        keys = [(architecture, tag), (architecture.removesuffix("-quickgelu"), tag)]
        row, used = {}, []
        for rows, columns in (
                (self.results, {"imagenet": "ImageNet 1k", "average": "Average perf. on 38 datasets"}),
                (self.retrieval, {"coco_t2i": "MSCOCO image retr. R@1", "coco_i2t": "MSCOCO text retr. R@1"}),
                (self.languages, {"xm_t2i": "crossmodal3600 image_retrieval_recall@1 avg", "xm_i2t": "crossmodal3600 text_retrieval_recall@1 avg"})):
            found = next((rows[key] for key in keys if key in rows), None)
            if found:
                row |= {name: 100 * float(found[column]) for name, column in columns.items()}
                used = ["openclip"]
        for known in KNOWN["figures"]:
            if (known["architecture"], known["tag"]) == (architecture, tag):
                row |= {k: v for k, v in known.items() if k in NUMBERS}
                used.append(known["source"])
        return row | {"sources": used}


def rows_of(repository):
    tables, rows = Tables(repository), []
    for name, tags in registry(repository).items():
        for tag, options in tags.items():
            architecture = name + "-quickgelu" if options.get("quick_gelu") else name
            hub = "/".join(options.get("hf_hub", "").split("/")[:2])
            if architecture not in ARCHITECTURES or not hub or f"{architecture}/{tag}" in KNOWN["no_weights_of_their_own"]:
                continue
            row = facts(hub, architecture) | tables.size(architecture) | tables.figures(architecture, tag)
            row["tag"] = tag
            other = KNOWN["transformers"].get(f"{architecture}/{tag}")
            row["names"] += f"<br>`{other}`" if other else ""
            row["family"] = next(family for family, pattern in FAMILIES if re.search(pattern, f"{architecture}/{tag}"))
            rows.append(row)
    for other in KNOWN["others"]:
        if "needs" not in other or other["needs"] in source_text():
            architecture = other["architecture"] if other.get("architecture") in ARCHITECTURES else ""
            row = facts(other["model"], architecture) | {k: v for k, v in other.items() if k in NUMBERS | {"family", "languages"}} | tables.size(architecture)
            if "url" in other:
                row["names"] = row["names"].replace(f"`{other['model']}`", f"[`{other['model']}`]({other['url']})")
            rows.append(row | {"sources": [other["source"]] if "source" in other else []})
    for row in rows:
        if isinstance(row.get("parameters"), float):
            row["gb"] = row["parameters"] * 4 / 1000
    lone = sorted(set(ARCHITECTURES) - {row["architecture"].strip("`") for row in rows})
    return rows, [facts("", name) | tables.size(name) for name in lone]


def shown(row, key):
    value = row.get(key, "")
    if isinstance(value, float):
        return f"{value:.2f}" if key == "gb" else f"{value:.1f}" if key not in ("parameters", "gflops") or value < 100 else f"{value:,.0f}"
    return "×".join(map(str, value)) if isinstance(value, list) else str(value)


def markdown(rows, columns):
    """A table, without the columns that are empty."""
    columns = [(title, key) for title, key in columns if any(shown(row, key) for row in rows)]
    lines = ["| " + " | ".join(title for title, _ in columns) + " |",
             "|" + "|".join("---:" if key in NUMBERS else "---" for _, key in columns) + "|"]
    return "\n".join(lines + ["| " + " | ".join(shown(row, key) for _, key in columns) + " |" for row in rows])


def wrapped(text):
    import textwrap
    return "\n".join(textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False))


def family_tables(rows, lone):
    parts = []
    for family in ORDER + sorted({row["family"] for row in rows} - set(ORDER)):
        members = [row for row in rows if row["family"] == family]
        if not members:
            continue
        used = list(dict.fromkeys(source for row in members for source in row["sources"]))
        parts.append(f"### {family}")
        if used:
            parts.append(wrapped("The figures are from " + " and ".join(f"[{KNOWN['sources'][s][0]}]({KNOWN['sources'][s][1]})" for s in used) + "."))
        if family in KNOWN["notes"]:
            parts.append(wrapped(KNOWN["notes"][family]))
        parts.append(markdown(members, COLUMNS))
    parts.append("### Architectures without published weights of their own")
    parts.append(markdown([row | {"gb": row["parameters"] * 4 / 1000} if "parameters" in row else row for row in lone], COLUMNS[1:2] + COLUMNS[5:]))
    return "\n\n".join(parts)


def guide(rows):
    by_model = {row["model"]: row for row in reversed(rows)}
    named = {"first": next(row for row in rows if "openai/clip-vit-base-patch32" in row["names"]),
             "best": by_model["timm/ViT-gopt-16-SigLIP2-384"], "small": by_model["timm/ViT-B-16-SigLIP2-256"],
             "languages": by_model["timm/ViT-B-16-SigLIP-i18n-256"], "tiny": by_model["wkcn/TinyCLIP-ViT-40M-32-Text-19M-LAION400M"]}

    class Shown:
        def __init__(self, row):
            self.row = row

        def __getattr__(self, key):
            value = shown(self.row, key)
            if not value:
                raise KeyError(f"{self.row['model']} has no {key}")
            return value
    lines = ["| for | take | licence | why |", "|---|---|---|---|"]
    for entry in KNOWN["guide"]:
        candidate = next((c for c in entry["candidates"] if c["model"] in by_model), None)
        if candidate:
            row = by_model[candidate["model"]]
            why = candidate["why"].format(**{key: shown(row, key) for key in NUMBERS}, **{name: Shown(other) for name, other in named.items()})
            lines.append(f"| {entry['purpose']} | `{row['model']}` | {row['licence']} | {why} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("open_clip")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    rows, lone = rows_of(arguments.open_clip)
    blocks = {"guide": guide(rows), "tables": family_tables(rows, lone)}
    if not arguments.write:
        print("\n\n".join(blocks.values()))
        return
    page = PAGE.read_text()
    for name, block in blocks.items():
        begin, end = f"<!-- {name}: written by model_table.py -->", f"<!-- end of {name} -->"
        if begin not in page or end not in page:
            sys.exit(f"{PAGE} has no markers {begin} and {end}")
        page = page[:page.index(begin) + len(begin)] + f"\n{block}\n" + page[page.index(end):]
    PAGE.write_text(page)
    print(f"{PAGE}: {len(rows)} models, {len(lone)} architectures without weights")


if __name__ == "__main__":
    main()
