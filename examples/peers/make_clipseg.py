#!/usr/bin/env python3
"""Makes CLIPSeg folders with random weights, as transformers saves them, and the masks that transformers computes with them.

    python make_clipseg.py OUT [NAME...] [--images DIR] [--seed 0]

OUT/NAME holds config.json, model.safetensors, preprocessor_config.json, the tokenizer's vocab.json and merges.txt (the small ones
only), and expected.safetensors: the pixels of the processor, the embeddings of the prompts and of the example image,
and the logits of each prompt in each image, and of the example in each image. NAME is one of hf-clipseg and hf-clipseg-refined,
small ones for the tests (the default), and clipseg-rd16, clipseg-rd64 and clipseg-rd64-refined in full size, for SegmentCheck.java.
Weights are scaled so that activations neither vanish nor explode. Needs torch, transformers, open_clip and Pillow.
"""
import argparse
import gzip
import json
import os
import pathlib
import shutil

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import open_clip
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPSegConfig, CLIPSegForImageSegmentation, CLIPTokenizer
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil
from transformers.models.vit.image_processing_vit import ViTImageProcessor

HERE = pathlib.Path(__file__).resolve().parent
IMAGES = ["panorama-900x40.png", "rgb.png", "upscale-50x70.png"]
EXAMPLE = "truecolor.bmp"
PROMPTS = ["a cat", "something to fill", "a jar", "", "the small red dog on the left, and what is behind it"]
SMALL = dict(
    vision=dict(hidden_size=48, intermediate_size=96, num_hidden_layers=4, num_attention_heads=3, image_size=32, patch_size=8),
    text=dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=16),
    projection_dim=24)
FULL = dict(vision=dict(patch_size=16), text={}, projection_dim=512)
CASES = {
    "hf-clipseg": (SMALL, dict(extract_layers=[0, 2, 3], reduce_dim=12, decoder_num_attention_heads=2,
                               decoder_intermediate_size=40), 44),
    "hf-clipseg-refined": ({**SMALL, "vision": dict(SMALL["vision"], patch_size=16, image_size=64), "text": dict(SMALL["text"], eos_token_id=2)},
                           dict(extract_layers=[1, 2], reduce_dim=16, decoder_num_attention_heads=4, decoder_intermediate_size=40,
                                conditional_layer=1, use_complex_transposed_convolution=True), 80),
    "clipseg-rd16": (FULL, dict(reduce_dim=16), 352),
    "clipseg-rd64": (FULL, dict(reduce_dim=64), 352),
    "clipseg-rd64-refined": (FULL, dict(reduce_dim=64, use_complex_transposed_convolution=True), 352),
}


def small_tokenizer(folder):
    """OpenAI's byte pairs, of which only those are kept that the prompts need."""
    path = pathlib.Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    merges = [tuple(line.split()) for line in gzip.open(path, "rt", encoding="utf-8").read().split("\n")[1:48895]]
    rank = {m: i for i, m in enumerate(merges)}
    used = set()
    for word in " ".join(PROMPTS).replace(",", " , ").split():
        parts = [*word[:-1], word[-1] + "</w>"]
        while True:
            pairs = [p for p in zip(parts, parts[1:]) if p in rank]
            if not pairs:
                break
            best = min(pairs, key=rank.get)
            used.add(best)
            i = next(i for i in range(len(parts)) if tuple(parts[i:i + 2]) == best)
            parts[i:i + 2] = ["".join(best)]
    kept = [m for m in merges if m in used]
    from open_clip.tokenizer import bytes_to_unicode
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(c + "</w>" for c in letters), *("".join(m) for m in kept), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in kept))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "CLIPTokenizer", "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>", "model_max_length": 16}, indent=2) + "\n")
    return len(words)


def randomise(model, generator):
    with torch.no_grad():
        for name, p in model.named_parameters():
            normal = torch.randn(p.shape, generator=generator)
            if p.ndim == 1 and ("norm" in name or "layrnorm" in name) and name.endswith("weight"):
                p.copy_(1 + 0.2 * normal)
            elif p.ndim == 1:
                p.copy_(0.1 * normal)
            elif "embedding" in name and "patch" not in name:
                p.copy_(0.3 * normal)
            elif "transposed_convolution" in name and p.ndim == 4 and not name.endswith("convolution.0.weight"):
                p.copy_(normal / p.shape[0] ** 0.5)
            elif p.ndim:
                p.copy_(normal / p[0].numel() ** 0.5)
    return model.eval()


def make(name, folder, images, seed):
    base, decoder, size = CASES[name]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = dict(base["text"])
    small = name.startswith("hf-")
    if small:
        words = small_tokenizer(folder)
        text.update(vocab_size=words, bos_token_id=words - 2, pad_token_id=words - 1)
        text.setdefault("eos_token_id", words - 1)
        tokenizer = CLIPTokenizer.from_pretrained(folder)
        ids = tokenizer(PROMPTS, padding="max_length", truncation=True, max_length=16, return_tensors="pt").input_ids
    else:
        ids = open_clip.tokenizer.SimpleTokenizer()(PROMPTS)
    config = CLIPSegConfig(text_config=text, vision_config=base["vision"], projection_dim=base["projection_dim"], **decoder)
    model = randomise(CLIPSegForImageSegmentation(config), torch.Generator().manual_seed(seed))
    if small:
        model.half().save_pretrained(folder)
        model.float()
    else:
        model.save_pretrained(folder)
    processor = dict(size={"height": size, "width": size}, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225])
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "do_normalize": True, "do_rescale": True, "do_resize": True, "image_processor_type": "ViTImageProcessor", "resample": 2,
        "rescale_factor": 1 / 255, "image_mean": processor["image_mean"], "image_std": processor["image_std"],
        "size": processor["size"]}, indent=2) + "\n")
    pixel = {}
    for file in (*IMAGES, EXAMPLE):
        image = Image.open(images / file).convert("RGB")
        pixel[file] = ViTImageProcessorPil(**processor)(image, return_tensors="pt").pixel_values[0]
        other = ViTImageProcessor(**processor)(image, return_tensors="pt").pixel_values[0]
        std = torch.tensor(processor["image_std"])[:, None, None]
        print(file, "levels apart by torchvision's backend:", ((pixel[file] - other) * std * 255).abs().max().item())
    out = {"input_ids": ids.long(), "pixel_values": torch.stack([pixel[f] for f in IMAGES]), "example_pixel_values": pixel[EXAMPLE][None]}
    with torch.no_grad():
        out["conditions"] = model.clip.get_text_features(ids.long()).pooler_output
        out["example_condition"] = model.clip.get_image_features(out["example_pixel_values"]).pooler_output
        out["image_features"] = model.clip.get_image_features(out["pixel_values"]).pooler_output
        rows = [model(pixel_values=p[None].repeat(len(PROMPTS), 1, 1, 1), input_ids=ids.long()).logits for p in out["pixel_values"]]
        out["logits"] = torch.stack(rows)  # [images, prompts, height, width]
        n = len(IMAGES)
        out["example_logits"] = model(pixel_values=out["pixel_values"],
                                      conditional_pixel_values=out["example_pixel_values"].repeat(n, 1, 1, 1)).logits
        width, height = Image.open(images / IMAGES[2]).size
        out["logits_of_image"] = torch.nn.functional.interpolate(out["logits"][2][None], size=(height, width), mode="bilinear")[0]
    if small:
        del out["pixel_values"], out["example_pixel_values"]
        out["logits"], out["example_logits"] = out["logits"][1:, :3], out["example_logits"][1:2]
        out["logits_of_image"] = out["logits_of_image"][:2]
    save_file({k: v.contiguous() for k, v in out.items()}, folder / "expected.safetensors")
    print(folder, sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()), "logits", rows[1].std().item(),
          "between prompts", (rows[1][0] - rows[1][2]).abs().mean().item(), tuple(rows[1].shape))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("names", nargs="*", default=["hf-clipseg", "hf-clipseg-refined"])
    parser.add_argument("--images", type=pathlib.Path, default=HERE.parents[1] / "src/test/resources/golden/preprocess")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for name in args.names:
        make(name, args.out / name, args.images, args.seed)


if __name__ == "__main__":
    main()
