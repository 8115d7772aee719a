#!/usr/bin/env python3
"""Makes the golden cases of OpenCLIP's CoCa in a small size, as a dual encoder.

    python make_coca.py OUT [--seed 0]

OUT/openclip-coca is of coca_ViT-B-32's kind; OUT/openclip-coca-mean has an image tower of the embedding's width, whose pooler therefore
has one joined map, and the mean of all queries but the first as its feature. They are laid out as make_timm_vit.py says; the checkpoints
hold the decoder of captions, the gradients and steps are those of the contrastive loss alone. Needs torch, open_clip and safetensors.
"""
import argparse
import json
import pathlib
import shutil

import open_clip
import torch
from open_clip.coca_model import CoCa
from safetensors.torch import save_file
from make_timm_vit import randomise, train

CONTEXT, VOCABULARY, WIDTH = 15, 90, 24


def config(width, layers, **vision):
    text = dict(context_length=CONTEXT, vocab_size=VOCABULARY, width=WIDTH, heads=3, mlp_ratio=2.0)
    return dict(
        embed_dim=WIDTH, custom_text=True,
        vision_cfg=dict(image_size=32, layers=layers, width=width, head_width=8, patch_size=8, mlp_ratio=2.0, attentional_pool=True,
                        attn_pooler_queries=5, attn_pooler_heads=3, output_tokens=True, **vision),
        text_cfg=dict(**text, layers=layers, embed_cls=True, output_tokens=True), multimodal_cfg=dict(**text, layers=1))


CASES = {"openclip-coca": (config(32, 2), "coca_ViT-B-32's kind: pooling by attention, a class token after the text"),
         "openclip-coca-mean": (config(WIDTH, 1, pool_type="avg"), "CoCa with a joined map in its pooler, and the mean of its queries")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for name, (cfg, about) in CASES.items():
        save_case(args.out / name, cfg, args.seed, about)


def save_case(folder, cfg, seed, about):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    gen = torch.Generator().manual_seed(seed)
    model = randomise(CoCa(**{k: v for k, v in cfg.items() if k != "custom_text"}), gen)
    with torch.no_grad():
        model.visual.attn_pool.query.mul_(10)
    save_file({k: v.clone().contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    preprocess = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, "interpolation": "bicubic",
                  "resize_mode": "shortest"}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": cfg, "preprocess_cfg": preprocess}, indent=2) + "\n")
    pixels = torch.randn(4, 3, 32, 32, generator=gen)
    ids = torch.randint(1, VOCABULARY - 2, (4, CONTEXT), generator=gen)
    for row, end in enumerate((3, 8, 12, CONTEXT - 1)):  # the last one leaves no room for padding
        ids[row, 0], ids[row, end], ids[row, end + 1:] = VOCABULARY - 2, VOCABULARY - 1, 0
    ids[1, 5] = 0  # a token that is also the padding's, within a text
    out = {"pixel_values": pixels, "input_ids": ids}
    with torch.no_grad():
        out["image_features_unnormalized"] = model.encode_image(pixels, normalize=False)
        out["text_features_unnormalized"] = model.encode_text(ids, normalize=False)
        out["image_features"] = model.encode_image(pixels)
        out["text_features"] = model.encode_text(ids)
        out["logits_per_image"] = model.logit_scale.exp() * out["image_features"] @ out["text_features"].T
    del model.text_decoder  # which the contrastive loss does not reach
    train(model, pixels, ids, out)
    save_file({k: (v.float() if v.is_floating_point() else v).detach().clone().contiguous() for k, v in out.items()},
              folder / "expected.safetensors")
    (folder / "case.json").write_text(json.dumps({
        "publisher": "open_clip", "trained": True, "about": about,
        "tolerance": {"features": {"abs": 2e-5, "rel": 1e-4}, "gradients": {"abs": 1e-5, "rel": 5e-4},
                      "loss": {"abs": 5e-5, "rel": 0}, "trained": {"abs": 5e-5, "rel": 1e-4}}}, indent=2) + "\n")
    print(folder, {k: tuple(v.shape) for k, v in out.items() if "." not in k})


if __name__ == "__main__":
    main()
