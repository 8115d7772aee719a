#!/usr/bin/env python3
"""Makes the golden case of OpenCLIP's MobileCLIP2-L-14 in a small size: an image tower with timm's names for a plain ViT.

    python make_timm_vit.py OUT [--seed 0]

OUT/openclip-timm-vit, and openclip-timm-gap for vit_medium_patch16_gap_256, hold open_clip_config.json and open_clip_model.safetensors as OpenCLIP saves them, case.json, and
expected.safetensors with inputs, features, the gradients of one step, five losses and the parameters after them, as the
reference data has them; so `mvn verify -Dgolden.dir=OUT` takes OUT for a folder of cases. Without OUT it prints what
src/test/resources/architectures.csv has of the full size. Needs torch, timm, open_clip and safetensors.
"""
import argparse
import json
import pathlib
import shutil

import open_clip
import torch
import torch.nn.functional as F
from open_clip.factory import get_model_config
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import save_file
from timm.models import register_model
from timm.models.vision_transformer import VisionTransformer

# As model_configs/MobileCLIP2-L-14.json, but for sizes, and without stochastic depth, whose draws nobody can repeat.
CONFIG = dict(
    embed_dim=20, custom_text=True,
    vision_cfg=dict(timm_model_name="vit_small_reference_clip", timm_model_pretrained=False, timm_pool="token",
                    timm_proj=None, timm_drop=0.0, image_size=32),
    text_cfg=dict(context_length=16, vocab_size=300, width=48, heads=3, layers=2, no_causal_mask=True))


def vit_small_reference_clip(pretrained=False, **kwargs):
    """Shaped as timm's vit_large_patch14_clip_224: a LayerNorm before the blocks, epsilon 1e-5, exact GELU."""
    return VisionTransformer(img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=3, mlp_ratio=2.5, pre_norm=True,
                             norm_layer=torch.nn.LayerNorm, num_classes=kwargs["num_classes"],
                             global_pool=kwargs["global_pool"])


def vit_small_reference_gap(pretrained=False, **kwargs):
    """Shaped as timm's vit_medium_patch16_gap_256: no class token, no bias in attention, LayerScale, the mean of the patches."""
    tower = VisionTransformer(img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=3, mlp_ratio=2.5, class_token=False,
                              global_pool="avg", qkv_bias=False, init_values=1e-6, fc_norm=False)
    tower.default_cfg = {}  # OpenCLIP looks into it
    return tower


def randomise(model, gen):
    """Draws weights large enough that every branch matters, and LayerNorms away from identity."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name == "logit_scale":
                p.fill_(2.9)
            else:
                norm = p.ndim == 1 and name.endswith("weight")
                p.copy_((1 if norm else 0) + (0.2 if norm else 0.08) * torch.randn(p.shape, generator=gen))
    return model.eval()


def train(model, pixels, ids, out):
    """AdamW exactly as OpenCLIP sets it up, in float64, so that what is stored is what every float32 rounds."""
    model.double().train()
    named = list(model.named_parameters())
    plain = [p for n, p in named if p.ndim < 2 or any(part in n for part in ("bn", "ln", "bias", "logit_scale"))]
    decayed = [p for n, p in named if not any(p is q for q in plain)]
    optimizer = torch.optim.AdamW([{"params": plain, "weight_decay": 0.0}, {"params": decayed, "weight_decay": 0.2}],
                                  lr=2e-4, betas=(0.9, 0.98), eps=1e-6)
    losses = []
    for step in range(5):
        optimizer.zero_grad()
        logits = model.logit_scale.exp() * model.encode_image(pixels.double(), normalize=True) @ model.encode_text(
            ids, normalize=True).T
        target = torch.arange(len(logits))
        loss = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
        loss.backward()
        if step == 0:
            out.update({"grad." + n: p.grad.clone() for n, p in named})
        optimizer.step()
        losses.append(loss.item())
    out["train.loss"] = torch.tensor(losses)
    out.update({"trained." + n: p.data for n, p in named})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path, nargs="?")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.out is None:
        config = get_model_config("MobileCLIP2-L-14")
        config.pop("custom_text")
        with torch.device("meta"):
            model = CustomTextCLIP(**config)
        total, visual = (sum(p.numel() for p in m.parameters()) for m in (model, model.visual))
        print(f"MobileCLIP2-L-14,{total},{visual},{len(model.state_dict())}")
        return
    register("timm.models.vision_transformer", vit_small_reference_clip)
    save_case(args.out / "openclip-timm-vit", CONFIG, args.seed,
              "MobileCLIP2-L-14's kind: timm's ViT with a class token, norm_pre and a head with bias, bidirectional text",
              {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, "interpolation": "bicubic",
               "resize_mode": "shortest"})
    register("timm.models.vision_transformer", vit_small_reference_gap)
    gap = dict(timm_model_name="vit_small_reference_gap", timm_model_pretrained=False, timm_pool="", timm_proj="linear",
               image_size=32)
    save_case(args.out / "openclip-timm-gap",
              dict(embed_dim=20, vision_cfg=gap, text_cfg=dict(context_length=16, vocab_size=120, width=32, heads=2, layers=1)),
              args.seed, "vit_medium_patch16_gap_256's kind: timm's ViT without class token, the mean of the patches, LayerScale",
              {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, "interpolation": "bicubic",
               "resize_mode": "shortest"})


def register(module, tower):
    """Gives timm a model of another size."""
    tower.__module__ = module
    register_model(tower)


def save_case(folder, config, seed, about, preprocess):
    """Makes the model with random weights, and saves it and what it computes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    gen = torch.Generator().manual_seed(seed)
    kind = CustomTextCLIP if config.get("custom_text") else CLIP
    model = randomise(kind(**{k: v for k, v in config.items() if k != "custom_text"}), gen)
    save_file({k: v.clone().contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}, indent=2) + "\n")
    pixels = torch.randn(4, 3, 32, 32, generator=gen)
    vocab = config["text_cfg"]["vocab_size"]
    ids = torch.randint(1, vocab - 2, (4, 16), generator=gen)
    for row, end in enumerate((3, 8, 13, 15)):
        ids[row, 0], ids[row, end], ids[row, end + 1:] = vocab - 2, vocab - 1, 0
    out = {"pixel_values": pixels, "input_ids": ids}
    with torch.no_grad():
        out["image_features_unnormalized"] = model.encode_image(pixels)
        out["text_features_unnormalized"] = model.encode_text(ids)
        out["image_features"] = model.encode_image(pixels, normalize=True)
        out["text_features"] = model.encode_text(ids, normalize=True)
        out["logits_per_image"] = model.logit_scale.exp() * out["image_features"] @ out["text_features"].T
    train(model, pixels, ids, out)
    save_file({k: (v.float() if v.is_floating_point() else v).detach().clone().contiguous() for k, v in out.items()},
              folder / "expected.safetensors")
    (folder / "case.json").write_text(json.dumps({
        "publisher": "open_clip", "trained": True,
        "about": about,
        "tolerance": {"features": {"abs": 2e-5, "rel": 1e-4}, "gradients": {"abs": 1e-5, "rel": 5e-4},
                      "loss": {"abs": 5e-5, "rel": 0}, "trained": {"abs": 5e-5, "rel": 1e-4}}}, indent=2) + "\n")
    print(folder, {k: tuple(v.shape) for k, v in out.items() if "." not in k})


if __name__ == "__main__":
    main()
