#!/usr/bin/env python3
"""Makes the golden case of Long-CLIP: a small random model, as its published code saves and computes it.

    python make_long_clip.py OUT REPOSITORY [--size small|B|L] [--seed 0]

OUT/long-clip holds model.pt (the state dict with both positional embeddings, in fp16), case.json and expected.safetensors with
the features that model/model_longclip.py computes, which rounds weights to fp16 when it loads them, and positions.safetensors:
the positional embedding of a model of 77 positions and what longclip.load_from_clip makes of it. REPOSITORY is a git directory
of github.com/beichenzbc/Long-CLIP. With --size, OUT/long-clip-B or -L is of the published size, for
`FamilyCheck.java OUT/long-clip-B 224 224 248 towers`. Needs torch and safetensors.
"""
import argparse
import ast
import json
import pathlib
import shutil
import subprocess
import types

import torch
from safetensors.torch import save_file

from check_families import randomise

# embed_dim, image size, image layers, image width, patch, context, vocabulary, text width, text heads, text layers
SIZES = {"small": (20, 32, 1, 64, 16, 248, 300, 64, 1, 2), "B": (512, 224, 12, 768, 16, 248, 49408, 512, 8, 12),
         "L": (768, 224, 24, 1024, 14, 248, 49408, 768, 12, 12)}


def source(repository, path):
    return subprocess.run(["git", "-C", str(repository), "show", "HEAD:" + path], capture_output=True, text=True, check=True).stdout


def stretching(repository):
    """The statements of load_from_clip that stretch positions, as a function."""
    tree = ast.parse(source(repository, "model/longclip.py"))
    whole = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "load_from_clip")
    lines = [ast.unparse(n) for n in whole.body]
    first = next(i for i, line in enumerate(lines) if line.startswith("length, dim = "))
    last = next(i for i, line in enumerate(lines) if line.startswith("positional_embedding_res = "))

    def stretch(positions):
        scope = {"torch": torch, "positional_embedding_pre": positions, "model": types.SimpleNamespace(dtype=positions.dtype)}
        exec("\n".join(lines[first:last]), scope)
        return scope["posisitonal_embedding_new"]  # sic
    return stretch


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("repository", type=pathlib.Path)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    small, size = args.size == "small", SIZES[args.size]
    folder = args.out / ("long-clip" if small else "long-clip-" + args.size)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    published = types.ModuleType("model_longclip")
    exec(source(args.repository, "model/model_longclip.py"), published.__dict__)
    torch.manual_seed(args.seed)
    model = published.CLIP(*size, False)
    if not small:
        randomise(model, args.seed)
    with torch.no_grad():
        for name, p in model.named_parameters() if small else []:
            norm = p.ndim == 1 and name.endswith("weight")
            p.copy_(torch.tensor(2.9) if name == "logit_scale" else (1 if norm else 0) + (0.2 if norm else 0.08) * torch.randn(p.shape))
    state = {k: v.half() for k, v in model.state_dict().items()}
    torch.save(state, folder / "model.pt")
    model = published.build_model({k: v.float() for k, v in state.items()}, load_from_clip=False).float()
    pixels = torch.randn(4, 3, size[1], size[1])
    ids = torch.zeros(4, 248, dtype=torch.long)
    for row, end in enumerate((5, 21, 100, 248)):
        ids[row, :end] = torch.randint(1, size[6] - 2, (end,))
        ids[row, 0], ids[row, end - 1] = size[6] - 2, size[6] - 1
    with torch.no_grad():
        image, text = model.encode_image(pixels), model.encode_text(ids)
        plain = model.token_embedding(ids[3]) + model.positional_embedding
        assert not torch.allclose(plain[20:], model.token_embedding(ids[3])[20:] + model.positional_embedding_res[20:], atol=0.1)
    unit = [x / x.norm(dim=-1, keepdim=True) for x in (image, text)]
    save_file({"pixel_values": pixels, "input_ids": ids, "image_features_unnormalized": image, "text_features_unnormalized": text,
               "image_features": unit[0], "text_features": unit[1],
               "logits_per_image": (model.logit_scale.exp() * unit[0] @ unit[1].T).detach().contiguous()}, folder / "expected.safetensors")
    before = torch.randn(77, 4)
    save_file({"before": before, "after": stretching(args.repository)(before)}, folder / "positions.safetensors")
    (folder / "case.json").write_text(json.dumps({
        "publisher": "Long-CLIP", "about": "a state dict of 248 positions in two positional embeddings, of which the architecture "
        "is inferred", "trained": False,
        "tolerance": {"features": {"abs": 2e-5, "rel": 1e-4}, "gradients": {"abs": 1e-5, "rel": 5e-4},
                      "loss": {"abs": 5e-5, "rel": 0}, "trained": {"abs": 5e-5, "rel": 1e-4}}}, indent=2) + "\n")
    print(folder, sum(f.stat().st_size for f in folder.iterdir()), text[:, :3])


if __name__ == "__main__":
    main()
