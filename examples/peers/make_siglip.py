#!/usr/bin/env python3
"""Makes a case with all that a published SigLIP folder of transformers holds, tokenizer and preprocessor included.

    python make_siglip.py OUT [--tokenizer src/test/resources/tokenizers/siglip] [--seed 0]

OUT/hf-siglip-complete holds what SiglipModel, SiglipTokenizer and SiglipImageProcessor save for a small random model, and
expected.safetensors and case.json as the reference data has them (features of texts that went through the tokenizer); so
`mvn verify -Dgolden.dir=OUT` and check_convert.sh take OUT for a folder of cases. Needs torch and transformers.
"""
import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, SiglipConfig, SiglipImageProcessor, SiglipModel

TEXTS = ["a photo of a cat", "A photo of the small DOG.", "two red-and-white boats", "", "red circle " * 40]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--tokenizer", type=pathlib.Path, default=pathlib.Path("src/test/resources/tokenizers/siglip"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    folder = args.out / "hf-siglip-complete"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tokenizer = AutoTokenizer.from_pretrained(args.tokenizer)
    tower = dict(hidden_size=48, intermediate_size=100, num_hidden_layers=2, num_attention_heads=3)
    torch.manual_seed(args.seed)
    model = SiglipModel(SiglipConfig(
        text_config=dict(tower, vocab_size=len(tokenizer), max_position_embeddings=16, projection_size=48),
        vision_config=dict(tower, image_size=32, patch_size=8))).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    model.save_pretrained(folder)
    tokenizer.model_max_length = 16
    tokenizer.save_pretrained(folder)
    SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    ids = tokenizer(TEXTS, padding="max_length", truncation=True, max_length=16, return_tensors="pt").input_ids
    pixels = torch.randn(len(TEXTS), 3, 32, 32)
    with torch.no_grad():
        out = model(input_ids=ids, pixel_values=pixels)
    save_file({"pixel_values": pixels, "input_ids": ids, "image_features": out.image_embeds,
               "text_features": out.text_embeds, "logits_per_image": out.logits_per_image.contiguous()}, folder / "expected.safetensors")
    bound = {"abs": 2e-5, "rel": 1e-4}
    (folder / "case.json").write_text(json.dumps({
        "publisher": "transformers", "about": "SiglipModel with its tokenizer", "trained": False,
        "tolerance": {"features": bound, "gradients": bound, "loss": bound, "trained": bound}}, indent=2) + "\n")
    (folder / "texts.json").write_text(json.dumps(TEXTS) + "\n")
    print(folder, [row.tolist() for row in ids[:2]])


if __name__ == "__main__":
    main()
