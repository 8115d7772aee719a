#!/usr/bin/env python3
"""Loads checkpoint folders strictly in the library whose layout they have, and checks what comes out.

    python check_strict.py FOLDER... [--expected expected.safetensors] [--tokens openai_bpe.jsonl] [--rounded-from FOLDER]

A folder with open_clip_config.json is opened by open_clip (`local-dir:`), one with config.json by transformers
(CLIPModel, MetaClip2Model, SiglipModel or Siglip2Model, and AutoProcessor where it has a tokenizer). Missing or unexpected tensors, other
shapes, and features that differ from the expected ones by more than 2e-5 + 1e-4 |expected| fail. Without --expected the
features of a fixed probe batch are printed, but of NaFlex models. --tokens holds one JSON object a line with `text` and `ids`; those of plain ASCII
must come out of the processor. --rounded-from: the folder holds what the other one holds, in another dtype; every tensor must
be that one's as PyTorch rounds it.

Needs torch, safetensors, and open_clip or transformers. Exits with 1 if anything failed.
"""
import argparse
import json
import os
import pathlib
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from safetensors.torch import load_file


def vit_small_reference_siglip(pretrained=False, **kwargs):
    from timm.models.vision_transformer import VisionTransformer
    return VisionTransformer(patch_size=8, embed_dim=48, depth=2, num_heads=3, mlp_ratio=2.5, class_token=False,
                             global_pool="map", img_size=32, num_classes=0)


def register_small_towers():
    """Gives timm the towers of the reference data."""
    import make_eva
    import make_timm_towers
    from make_timm_vit import register, vit_small_reference_clip, vit_small_reference_gap
    from make_text_encoders import vit_small_reference_plain
    for tower in (vit_small_reference_siglip, vit_small_reference_clip, vit_small_reference_gap,
                  vit_small_reference_plain):
        register("timm.models.vision_transformer", tower)
    for tower, *_ in make_eva.CASES.values():
        register("timm.models.eva", tower)
    for name in {case["vision_cfg"]["timm_model_name"] for case in make_timm_towers.CASES.values() if "of" not in case}:
        make_timm_towers.register(name)


def probe(height, width, length, vocab):
    """Four images and four texts that end in the highest id, the same on every machine."""
    count = 4 * 3 * height * width
    pixels = torch.sin(torch.arange(count, dtype=torch.float64) * 0.7).float().reshape(4, 3, height, width)
    ids = torch.zeros(4, length, dtype=torch.long)
    for row in range(4):
        end = 1 + (row * 5) % (length - 1)
        ids[row, :end] = (torch.arange(end) * 7 + row) % (vocab - 2)
        ids[row, end] = vocab - 1
    return pixels, ids


def normalize(x):
    return x / x.norm(dim=-1, keepdim=True)


def open_open_clip(folder):
    import open_clip
    config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    if "_reference" in config["vision_cfg"].get("timm_model_name", ""):
        register_small_towers()
    state = load_file(folder / "open_clip_model.safetensors")
    folded = any(".reparam_conv." in name for name in state)  # which OpenCLIP does not see from the configuration
    from text_models import local
    with local(folder):
        model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}", load_weights=not folded)
    if folded:
        from timm.utils.model import reparameterize_model
        model.visual.trunk = reparameterize_model(model.visual.trunk)
    model.load_state_dict(state, strict=True)
    state = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    wanted = model.state_dict()
    for name, value in state.items():
        assert wanted[name].dtype == value.dtype and torch.equal(wanted[name], value), f"{name} was changed by loading"
    size = config["vision_cfg"].get("image_size", 224)
    height, width = (size, size) if isinstance(size, int) else size
    text = config["text_cfg"]
    print("  preprocess:", " ".join(str(preprocess).split()))
    return (model.eval(), lambda x: model.encode_image(x, normalize=True), lambda t: model.encode_text(t, normalize=True),
            (height, width, text.get("context_length", 77), text.get("vocab_size", 49408)), None)


def open_transformers(folder):
    from transformers import AutoImageProcessor, AutoModel, AutoProcessor
    model, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert type(model).__name__ == json.loads((folder / "config.json").read_text())["architectures"][0], type(model)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info.get(kind), f"{kind}: {info[kind]}"
    state = load_file(folder / "model.safetensors")
    assert set(state) == set(model.state_dict()), set(state) ^ set(model.state_dict())
    dtypes = {str(value.dtype) for value in model.state_dict().values()}
    print("  ", type(model).__name__, dtypes)
    assert dtypes == {str(value.dtype) for value in state.values()}
    processor = None
    if (folder / "tokenizer.json").exists() or (folder / "vocab.json").exists():
        processor = AutoProcessor.from_pretrained(folder)
        image = processor.image_processor
        print("  processor:", type(processor).__name__, type(image).__name__, dict(image.size or {}), image.resample,
              list(image.image_mean))
    model = model.float().eval()

    if model.config.model_type == "siglip2":  # whose images are patches and a row with their shape, see make_naflex.py
        def image(x):
            shapes = x[:, -1, :2].long()
            seen = torch.arange(x.shape[1] - 1)[None] < shapes.prod(1, keepdim=True)
            return normalize(model.vision_model(x[:, :-1], seen.long(), shapes).pooler_output)
        assert type(AutoImageProcessor.from_pretrained(folder)).__name__.startswith("Siglip2ImageProcessor")
        return model, image, lambda t: normalize(model.text_model(input_ids=t).pooler_output), None, processor

    def both(x, t):
        chinese = model.config.model_type == "chinese_clip"  # whose texts come with a mask
        out = model(pixel_values=x, input_ids=t, **({"attention_mask": (t != 0).long()} if chinese else {}))
        return out.image_embeds, out.text_embeds

    sizes = (model.config.vision_config.image_size, model.config.vision_config.image_size,
             model.config.text_config.max_position_embeddings, model.config.text_config.vocab_size)
    pixels, ids = probe(*sizes)
    return (model, lambda x: normalize(both(x, ids)[0]), lambda t: normalize(both(pixels, t)[1]), sizes, processor)


def check_rounding(folder, original):
    name = "open_clip_model.safetensors" if (folder / "open_clip_config.json").exists() else "model.safetensors"
    rounded, exact = load_file(folder / name), load_file(original / name)
    assert set(rounded) == set(exact), set(rounded) ^ set(exact)
    for key, value in exact.items():
        assert torch.equal(rounded[key], value.to(rounded[key].dtype)), f"{key} is not rounded as PyTorch rounds"
    print(f"  {len(rounded)} tensors are those of {original.name}, rounded to", {str(v.dtype) for v in rounded.values()})


def check(folder, expected, tokens, original):
    is_open_clip = (folder / "open_clip_config.json").exists()
    print(f"{folder.name} ({'open_clip' if is_open_clip else 'transformers'})")
    if original:
        check_rounding(folder, original)
    _, image, text, sizes, processor = (open_open_clip if is_open_clip else open_transformers)(folder)
    with torch.no_grad():
        if expected:
            golden = load_file(expected)
            for name, found in (("image_features", image(golden["pixel_values"])),
                                ("text_features", text(golden["input_ids"]))):
                error = (found - golden[name]).abs()
                print(f"  {name}: largest difference {error.max().item():.2e}")
                assert (error <= 2e-5 + 1e-4 * golden[name].abs()).all(), f"{name} differ"
        elif sizes:
            pixels, ids = probe(*sizes)
            print("  image features:", [round(v, 6) for v in image(pixels)[0, :4].tolist()])
            print("  text features: ", [round(v, 6) for v in text(ids)[3, :4].tolist()])
    if tokens and processor:
        lines = [json.loads(line) for line in pathlib.Path(tokens).read_text(encoding="utf-8").splitlines()]
        plain = [line for line in lines if line["text"].isascii() and "<|" not in line["text"] and "&" not in line["text"]]
        wrong = 0
        for line in plain:
            ids = processor.tokenizer(line["text"], truncation=True)["input_ids"]
            if ids != line["ids"]:
                wrong += 1
                print("  tokens differ:", repr(line["text"])[:60], ids[:8], line["ids"][:8])
        print(f"  tokens: {len(plain) - wrong} of {len(plain)} plain texts agree")
        assert not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--expected", type=pathlib.Path)
    parser.add_argument("--tokens", type=pathlib.Path)
    parser.add_argument("--rounded-from", type=pathlib.Path)
    args = parser.parse_args()
    failed = 0
    for folder in args.folders:
        try:
            check(folder.resolve(), args.expected, args.tokens, args.rounded_from)
            print("  ok")
        except Exception as e:  # report each folder
            failed += 1
            print(f"  FAILED: {type(e).__name__}: {e}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
