#!/usr/bin/env python3
"""Compares clip4j with OpenCLIP in full size, for every configuration that both have.

    python check_families.py OUT.jsonl [NAME...] [--images DIR] [--largest 2.7e9] [--clip4j "examples/run"] [--table] [--counts]

For each configuration whose name matches one of the patterns NAME (as in a shell; all by default), a process of its own makes
OpenCLIP's model with random weights, scaled so that activations neither vanish nor explode, saves it as OpenCLIP publishes it
(open_clip_config.json, open_clip_model.safetensors), and stores the features of 8 images and 8 texts. FamilyCheck.java then loads
the folder and compares its own: of the plain and the prepared towers given the same pixels and tokens, and, where the tokenizer
needs no download, of `Clip.load` given the files and the texts. The folder is removed again. A line of JSON for each
configuration is appended to OUT.jsonl: its name, counts of parameters and tensors, the largest difference and the largest share of
the tolerance 2e-5 + 1e-4 |b|, or the error. Configurations that are there already with the same --label are left out.

SigLIP 2's NaFlex, which is transformers' and not OpenCLIP's, is saved as transformers saves it, under the names in NAFLEX.

--largest: configurations with more parameters are named as not run (one of 2.5e9 needs 11 GB in each process).
--images: the folder that holds the images; that of the golden preprocessing case by default.
--label: a word, such as a commit, that tells one run's lines from another's. --table: prints OUT.jsonl as a table in Markdown and does nothing else. --counts: the rows of architectures.csv, likewise.
Exits with 1 if a configuration failed. Needs torch, open_clip, timm, safetensors, Pillow.
"""
import argparse
import fnmatch
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
from text_models import local

HERE = pathlib.Path(__file__).resolve().parent
IMAGES = ["baseline.jpg", "gray.jpg", "lossless.webp", "panorama-900x40.png", "progressive.jpg", "rgb.png", "sub444.jpg",
          "upscale-50x70.png"]
TEXTS = ["a photo of a cat", "A photo of the small DOG.", "two red boats in a harbour", "a diagram", "", "café, naïve, 12:30",
         "an aerial view of a city at night with many lights", "x"]


# Widths, MLPs, layers and heads of both towers, of google's models of these names.
NAFLEX = {"siglip2-base-patch16-naflex": dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12),
          "siglip2-so400m-patch16-naflex": dict(hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16)}


def configuration(name):
    """The configuration, and the preprocessing of its first published weights."""
    from open_clip.factory import get_model_config
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model
    config = get_model_config(name)
    for tower, key in (("vision_cfg", "timm_model_pretrained"), ("text_cfg", "hf_model_pretrained")):
        if config[tower].get("timm_model_name" if tower == "vision_cfg" else "hf_model_name"):
            config[tower][key] = False
    tags = list_pretrained_tags_by_model(name)
    published = get_pretrained_cfg(name, tags[0]) if tags else {}
    import open_clip
    preprocess = {"mean": list(published.get("mean") or open_clip.OPENAI_DATASET_MEAN),
                  "std": list(published.get("std") or open_clip.OPENAI_DATASET_STD),
                  "interpolation": published.get("interpolation") or "bicubic",
                  "resize_mode": published.get("resize_mode") or "shortest"}
    return config, preprocess


def build(config):
    import open_clip.model as models
    kwargs = dict(config)
    custom = kwargs.pop("custom_text", False) or "hf_model_name" in kwargs["text_cfg"]
    if "multimodal_cfg" in kwargs:
        from open_clip.coca_model import CoCa
        return CoCa(**kwargs)
    return (models.CustomTextCLIP if custom else models.CLIP)(**kwargs)


def randomise(model, seed=0):
    """Weights that keep the size of activations: normal with 1 / sqrt(inputs); scales of norms and layers away from 1 and 0."""
    import torch
    generator = torch.Generator().manual_seed(seed)

    def normal(shape):
        return torch.randn(shape, generator=generator)
    with torch.no_grad():
        for name, p in model.named_parameters():
            last = name.rsplit(".", 1)[-1]
            if name in ("logit_scale", "logit_bias"):
                continue
            if p.ndim <= 1 and last in ("weight", "gamma"):  # of norms, and layer scales
                p.copy_(1 + 0.2 * normal(p.shape) if last == "weight" else 0.3 + 0.1 * normal(p.shape))
            elif p.ndim <= 1:
                p.copy_(0.1 * normal(p.shape))
            elif "embed" in name or last in ("class_embedding", "probe", "cls_token", "latent"):
                p.copy_(normal(p.shape) * (0.5 if p.shape[-1] == p.numel() else 0.3))
            elif last == "gamma" or "layer_scale" in name:
                p.copy_(0.3 + 0.1 * normal(p.shape))
            else:
                inputs = p[0].numel() if last not in ("proj", "text_projection") else p.shape[0]
                if ".SelfAttention.q." in name:  # T5 scales its initial weights, by the width of a head, in place of its attention
                    inputs *= 64
                p.copy_(normal(p.shape) / inputs ** 0.5)
    return model.eval()


def settle(model, pixels):
    """Gives batch norms the statistics of these images, as training would: else their biases soon outweigh what differs."""
    norms = [m for m in model.modules() if hasattr(m, "running_mean") and m.running_mean is not None]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    if norms:
        model.encode_image(pixels)
    model.eval()


def tokens(name, config):
    """Token ids of TEXTS, and whether they are those of a tokenizer that the folder's reader has as well."""
    import open_clip
    import torch
    text = config["text_cfg"]
    length = text.get("context_length", 77)
    if not (text.get("hf_tokenizer_name") or text.get("hf_model_name")):
        ids = open_clip.tokenizer.SimpleTokenizer(context_length=length)(TEXTS)
        return ids, text.get("vocab_size", 49408) == 49408
    ids = torch.ones(8, length, dtype=torch.long)
    for row in range(8):
        end = 2 + row * 5 % (length - 2)
        ids[row, :end] = (torch.arange(end) * 37 + 11 * row) % (text.get("vocab_size", 30000) - 10) + 5
    return ids, False


def make_naflex(name, folder, image_dir):
    import torch
    from PIL import Image
    from safetensors.torch import save_file
    from transformers import Siglip2Config, Siglip2ImageProcessor, Siglip2Model
    from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil
    from make_naflex import with_shapes
    model = randomise(Siglip2Model(Siglip2Config(text_config=dict(NAFLEX[name], vocab_size=256000),
                                                 vision_config=dict(NAFLEX[name], num_patches=256))))
    Siglip2ImageProcessor().save_pretrained(folder)
    (folder / "images").mkdir()
    for file in IMAGES:
        shutil.copy(image_dir / file, folder / "images")
    inputs = dict(Siglip2ImageProcessorPil()([Image.open(image_dir / file).convert("RGB") for file in IMAGES], return_tensors="pt"))
    ids = torch.zeros(8, 64, dtype=torch.long)
    for row in range(8):
        end = 2 + row * 7 % 62
        ids[row, :end] = (torch.arange(end) * 37 + 1111 * row) % 250000 + 5
    model.save_pretrained(folder)
    with torch.no_grad():
        image, text = model.vision_model(**inputs).pooler_output, model.text_model(input_ids=ids).pooler_output
    unit = {k: v / v.norm(dim=-1, keepdim=True) for k, v in (("image_features", image), ("text_features", text))}
    save_file({"pixel_values": with_shapes(inputs).contiguous(), "input_ids": ids, **{k: v.contiguous() for k, v in unit.items()}},
              folder / "expected.safetensors")
    return {"parameters": sum(p.numel() for p in model.parameters()), "visual": sum(p.numel() for p in model.vision_model.parameters()),
            "tensors": len(model.state_dict()), "route": "images"}


def make(name, folder, image_dir, largest):
    if name in NAFLEX:
        return make_naflex(name, folder, image_dir)
    import torch
    from PIL import Image
    from open_clip.transform import PreprocessCfg, image_transform_v2
    from safetensors.torch import save_file
    config, preprocess = configuration(name)
    with torch.device("meta"):
        count = sum(p.numel() for p in build(config).parameters())
    row = {"parameters": count}
    if count > largest:
        return {**row, "error": "not run: larger than --largest"}
    model = randomise(build(config))
    row.update(visual=sum(p.numel() for p in model.visual.parameters()), tensors=len(model.state_dict()))
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}, indent=2))
    files = [image_dir / file for file in IMAGES]
    (folder / "images").mkdir()
    for file in files:
        shutil.copy(file, folder / "images")
    (folder / "texts.txt").write_text("\n".join(TEXTS) + "\n")
    size = model.visual.image_size
    size = (size, size) if isinstance(size, int) else tuple(size)
    transform = image_transform_v2(PreprocessCfg(size=size, **preprocess), is_train=False)
    pixels = torch.stack([transform(Image.open(file)) for file in files])
    ids, whole = tokens(name, config)
    with torch.no_grad():
        settle(model, pixels)
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
        image = model.encode_image(pixels)
        text = model.encode_text(ids)
    unit = {k: v / v.norm(dim=-1, keepdim=True) for k, v in (("image_features", image), ("text_features", text))}
    for what, x in unit.items():
        alike = (x @ x.T - 2 * torch.eye(8)).max().item()
        if not alike < 0.9999:
            return {**row, "error": f"the peer's {what} do not tell inputs apart: cosine {alike}"}
    save_file({"pixel_values": pixels.contiguous(), "input_ids": ids, **{k: v.contiguous() for k, v in unit.items()}},
              folder / "expected.safetensors")
    return {**row, "route": "whole" if whole else "towers"}


def check(name, args, java):
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        made = subprocess.run([sys.executable, __file__, "-", "--make", name, "--folder", scratch, "--images", args.images,
                               "--largest", str(args.largest)], capture_output=True, text=True)
        if made.returncode:
            return {"error": "the peer: " + made.stderr.strip().splitlines()[-1]}
        row = json.loads(made.stdout.strip().splitlines()[-1])
        if "error" in row:
            return row
        ours = subprocess.run([*java, folder, row.pop("route")], capture_output=True, text=True)
        for line in ours.stdout.splitlines():
            cells = line.split(" ")
            row.setdefault(cells[0], {})[cells[1]] = [float(cells[2]), float(cells[3])]
        if ours.returncode:
            lines = ours.stderr.strip().splitlines()
            row["error"] = next((x for x in lines if x.startswith("Exception in")), lines[-1] if lines else "no message")
        elif any(share > 1 for route in ("plain", "prepared", "whole") for _, share in row.get(route, {}).values()):
            row["error"] = "differs by more than the tolerance"
        return row


def table(rows):
    print("| Configuration | Parameters | Image: plain | prepared | Text: plain | prepared | From files and texts | Share of the tolerance |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        if "error" in row:
            print(f"| {row['name']} | {row.get('parameters', 0) / 1e6:.0f} M | {row['error']} | | | | | |")
            continue
        cell = lambda route, tower: f"{row[route][tower][0]:.1e}" if route in row else "-"
        most = max(share for route in ("plain", "prepared", "whole") for _, share in row.get(route, {}).values())
        whole = f"{max(v[0] for v in row['whole'].values()):.1e}" if "whole" in row else "not run"
        print(f"| {row['name']} | {row['parameters'] / 1e6:.0f} M | {cell('plain', 'image')} | {cell('prepared', 'image')} | "
              f"{cell('plain', 'text')} | {cell('prepared', 'text')} | {whole} | {most:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("names", nargs="*", default=["*"])
    parser.add_argument("--images", default=str(HERE.parents[2] / "shared" / "reference" / "golden" / "preprocess"))
    parser.add_argument("--largest", type=float, default=2.7e9)
    parser.add_argument("--clip4j", default=str(HERE.parent / "run"))
    parser.add_argument("--label", default="")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--counts", action="store_true")
    parser.add_argument("--make", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.make:
        with local():
            print(json.dumps(make(args.make, pathlib.Path(args.folder), pathlib.Path(args.images), args.largest)))
        return
    out = pathlib.Path(args.out)
    rows = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    if args.table:
        return table(sorted({row["name"]: row for row in rows}.values(), key=lambda row: row["name"]))
    if args.counts:
        for row in rows:
            print(",".join(str(row[key]) for key in ("name", "parameters", "visual", "tensors")))
        return
    import open_clip
    names = [n for n in [*open_clip.list_models(), *NAFLEX] if any(fnmatch.fnmatch(n, pattern) for pattern in args.names)]
    done = {row["name"] for row in rows if row.get("label", "") == args.label and "error" not in row}
    command = subprocess.run([*shlex.split(args.clip4j), "--print", "Doctor"], capture_output=True, text=True, check=True).stdout
    java = shlex.split(command)
    java = [*java[:java.index("org.clip4j.examples.Doctor")], HERE / "FamilyCheck.java"]
    failed = False
    for name in sorted(set(names) - done):
        row = {"name": name, "label": args.label, **check(name, args, java)}
        failed |= "error" in row
        with out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
