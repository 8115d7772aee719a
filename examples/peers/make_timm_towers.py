#!/usr/bin/env python3
"""Makes the golden cases of OpenCLIP's models with one of timm's convolutional image towers, in a small size.

    python make_timm_towers.py OUT [NAME...] [--seed 0]

OUT/openclip-NAME holds open_clip_config.json and open_clip_model.safetensors as OpenCLIP saves them, case.json, and
expected.safetensors with inputs, features, the gradients of one step, five losses and the parameters and running statistics
after them, as the reference data has them; so `mvn verify -Dgolden.dir=OUT` takes OUT for a folder of cases. The towers are
registered at timm under names of their own, which clip4j knows too (TimmStagedTowers, TimmTowers). Names are those of CASES; all
by default. Needs torch, timm, open_clip and safetensors.
"""
import argparse
import json
import pathlib
import shutil
from functools import partial

import open_clip
import torch
import torch.nn.functional as F
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import save_file
from timm.layers import LayerNorm2d
from timm.models import (convnext, fastvit, register_model, swin_transformer, vision_transformer_hybrid, vision_transformer_relpos,
                         vitamin)
from timm.models.fastvit import RepConditionalPosEnc
from timm.utils.model import reparameterize_model

from make_timm_vit import train

TEXT = dict(context_length=16, vocab_size=300, width=48, heads=3, layers=1)
SMALL_TEXT = dict(TEXT, width=24, heads=2)


def convnext_small_reference(pretrained=False, **kwargs):
    """One stage has channels of whole blocks, the others have not."""
    return convnext._create_convnext("convnext_small_reference", pretrained=False, **dict(
        dict(depths=(1, 1, 2, 1), dims=(16, 24, 32, 48)), **kwargs))


def fastvit_small_reference(pretrained=False, **kwargs):
    """As fastvit_mci0 to 2."""
    positions = partial(RepConditionalPosEnc, spatial_shape=(7, 7))
    return fastvit._create_fastvit("fastvit_small_reference", pretrained=False, **dict(dict(
        layers=(1, 1, 2, 1), embed_dims=(8, 16, 32, 32), mlp_ratios=(3,) * 4, se_downsamples=(False, False, True, True),
        pos_embs=(None, None, None, positions), token_mixers=("repmixer",) * 3 + ("attention",), lkc_use_act=True), **kwargs))


def fastvit_large_reference(pretrained=False, **kwargs):
    """As fastvit_mci3 and 4."""
    positions = partial(RepConditionalPosEnc, spatial_shape=(7, 7))
    return fastvit._create_fastvit("fastvit_large_reference", pretrained=False, **dict(dict(
        layers=(1,) * 5, embed_dims=(8, 16, 32, 32, 32), mlp_ratios=(4,) * 5, se_downsamples=(False,) * 5,
        downsamples=(False,) + (True,) * 4, pos_embs=(None, None, None, positions, positions),
        token_mixers=("repmixer",) * 3 + ("attention",) * 2, lkc_use_act=True, norm_layer=partial(LayerNorm2d, eps=1e-5),
        stem_use_scale_branch=False), **kwargs))


def vit_small_reference_mci(pretrained=False, **kwargs):
    """As vit_base_mci_224."""
    stem = vision_transformer_hybrid.ConvStem(channels=(12, 12, 48), stride=(4, 2, 2), kernel_size=(4, 2, 2), padding=0,
                                              act_layer=torch.nn.GELU)
    return vision_transformer_hybrid._create_vision_transformer_hybrid(
        "vit_small_reference_mci", backbone=stem, embed_args=dict(proj=False), **dict(dict(
            img_size=64, embed_dim=48, depth=2, num_heads=3, mlp_ratio=2.5, no_embed_class=True), **kwargs))


def vitamin_small_reference(pretrained=False, **kwargs):
    """As vitamin_small_224."""
    stem = vitamin.VitCfg(embed_dim=(12, 24, 24), depths=(2, 4, 1), stem_width=12,
                          conv_cfg=vitamin.VitConvCfg(norm_layer="layernorm2d", norm_eps=1e-6), head_type="1d")
    return vitamin._create_vitamin("vitamin_small_reference", embed_cfg=stem, **dict(dict(
        img_size=64, embed_dim=24, depth=2, num_heads=2, mlp_layer=vitamin.GeGluMlp, mlp_ratio=2., class_token=False,
        global_pool="avg"), **kwargs))


def vit_relpos_small_reference(pretrained=False, **kwargs):
    """As vit_relpos_medium_patch16_cls_224."""
    return vision_transformer_relpos._create_vision_transformer_relpos("vit_relpos_small_reference", **dict(dict(
        img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=2, mlp_ratio=2.5, qkv_bias=False, fc_norm=False,
        rel_pos_dim=12, class_token=True, global_pool="token"), **kwargs))


def swin_small_reference(pretrained=False, **kwargs):
    """As swin_base_patch4_window7_224: the windows of the first stage are shifted, the second is one window."""
    return swin_transformer._create_swin_transformer("swin_small_reference", **dict(dict(
        img_size=56, patch_size=4, window_size=7, embed_dim=16, depths=(2, 2), num_heads=(1, 2)), **kwargs))


def vision(name, **options):
    """As OpenCLIP's model_configs, but without stochastic depth, whose draws nobody can repeat."""
    return dict(dict(timm_model_name=name, timm_model_pretrained=False, timm_pool="", timm_proj="linear", timm_drop=0.0,
                     timm_drop_path=0.0, image_size=64), **options)


CASES = {
    "convnext": dict(about="ConvNeXt with a linear head", embed_dim=20, vision_cfg=vision("convnext_small_reference"),
                     text_cfg=TEXT),
    "convnext-mlp": dict(about="ConvNeXt with an MLP as head, images of 72 pixels, which its grids do not divide",
                         embed_dim=20, vision_cfg=vision("convnext_small_reference", timm_proj="mlp", image_size=72),
                         text_cfg=TEXT),
    "fastvit": dict(about="MobileCLIP-S1's kind: FastViT with its branches, and bidirectional text", embed_dim=20,
                    vision_cfg=vision("fastvit_small_reference", timm_pool="avg", timm_proj=None, image_size=96),
                    text_cfg=dict(TEXT, no_causal_mask=True), custom_text=True),
    "fastvit-large": dict(about="MobileCLIP2-S3's kind: FastViT in five stages with layer norms", embed_dim=20,
                          vision_cfg=vision("fastvit_large_reference", timm_pool="avg", timm_proj=None, image_size=96),
                          text_cfg=dict(TEXT, no_causal_mask=True), custom_text=True),
    "mci-vit": dict(about="MobileCLIP-B's kind: timm's ViT on a stem of convolutions", embed_dim=20,
                    vision_cfg=vision("vit_small_reference_mci", timm_pool="token", timm_proj=None), text_cfg=TEXT,
                    custom_text=True),
    "vitamin": dict(about="ViTamin: convolutions, then blocks with a gated MLP", embed_dim=20,
                    vision_cfg=vision("vitamin_small_reference"), text_cfg=SMALL_TEXT, custom_text=True),
    "swin": dict(about="a Swin Transformer: attention within windows, some of them shifted", embed_dim=20,
                 vision_cfg=vision("swin_small_reference", image_size=56), text_cfg=SMALL_TEXT),
    "relpos": dict(about="timm's ViT with relative positions", embed_dim=20,
                   vision_cfg=vision("vit_relpos_small_reference", image_size=32), text_cfg=SMALL_TEXT),
    "fastvit-folded": dict(about="the model of openclip-fastvit, whose branches timm folded", of="fastvit"),
    "fastvit-large-folded": dict(about="the model of openclip-fastvit-large, whose branches timm folded", of="fastvit-large"),
}


MEANS = ("vitamin", "swin")  # of grids

LIKE = {"convnext": (convnext, "convnext_tiny"), "fastvit": (fastvit, "fastvit_mci0"), "vitamin": (vitamin, "vitamin_small_224"),
        "swin": (swin_transformer, "swin_base_patch4_window7_224"),
        "vit_relpos": (vision_transformer_relpos, "vit_relpos_medium_patch16_cls_224"),
        "vit": (vision_transformer_hybrid, "vit_base_mci_224")}


def register(name):
    function = globals()[name]
    family, like = LIKE[name.split("_small_")[0].split("_large_")[0]]
    function.__module__ = family.__name__
    family.default_cfgs[name] = family.default_cfgs[like]
    register_model(function)


def randomise(model, gen):
    """Draws weights that keep the size of activations, so that every branch matters; norms and scales away from 1 and 0."""
    def normal(shape):
        return torch.randn(shape, generator=gen)
    with torch.no_grad():
        for name, p in model.named_parameters():
            last = name.rsplit(".", 1)[-1]
            if name == "logit_scale":
                p.fill_(2.9)
            elif "gamma" in last:
                p.copy_(0.5 + 0.2 * normal(p.shape))
            elif p.ndim < 2:
                p.copy_((1 if last == "weight" else 0) + 0.2 * normal(p.shape))
            elif "visual" in name and p.ndim > 1 and last != "pos_embed":
                p.copy_(normal(p.shape) / p[0].numel() ** 0.5)
            else:
                p.copy_(0.08 * normal(p.shape))
        for name, b in model.named_buffers():
            if name.endswith("running_mean"):
                b.copy_(0.1 * normal(b.shape))
            elif name.endswith("running_var"):
                b.copy_(1 + 0.3 * torch.rand(b.shape, generator=gen))
    return model.eval()


def make(name, folder, seed):
    folds = CASES[name].get("of")
    config = dict(CASES[folds or name])
    config.pop("about")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    gen = torch.Generator().manual_seed(seed)
    kwargs = {k: v for k, v in config.items() if k != "custom_text"}
    model = randomise((CustomTextCLIP if config.get("custom_text") else CLIP)(**kwargs), gen)
    for module in model.modules():  # timm's relative positions drop some of their hidden units
        if isinstance(module, torch.nn.Dropout):
            module.p = 0
    if folds:
        model.visual.trunk = reparameterize_model(model.visual.trunk)
    save_file({k: v.clone().contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {
        "mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, "interpolation": "bicubic",
        "resize_mode": "shortest"}}, indent=2) + "\n")
    size = config["vision_cfg"]["image_size"]
    pixels = torch.randn(4, 3, size, size, generator=gen)
    if "fastvit" in name or name in MEANS:  # noise alone looks the same to the mean of a grid
        pixels = 0.5 * pixels + F.interpolate(torch.randn(4, 3, 5, 5, generator=gen), size=(size, size), mode="bicubic")
    ids = torch.randint(1, 298, (4, 16), generator=gen)
    for row, end in enumerate((3, 8, 13, 15)):
        ids[row, 0], ids[row, end], ids[row, end + 1:] = 298, 299, 0
    out = {"pixel_values": pixels, "input_ids": ids}
    with torch.no_grad():
        out["image_features_unnormalized"] = model.encode_image(pixels)
        out["text_features_unnormalized"] = model.encode_text(ids)
        out["image_features"] = model.encode_image(pixels, normalize=True)
        out["text_features"] = model.encode_text(ids, normalize=True)
        out["logits_per_image"] = model.logit_scale.exp() * out["image_features"] @ out["text_features"].T
    if not folds:
        train(model, pixels, ids, out)
        out.update({"trained." + n: b for n, b in model.named_buffers() if b.is_floating_point() and n in model.state_dict()})
    save_file({k: (v.float() if v.is_floating_point() else v).detach().clone().contiguous() for k, v in out.items()},
              folder / "expected.safetensors")
    # Batch norms over four images amplify rounding: with "fastvit-large" the peer's own float32 gradients differ from the
    # float64 ones stored here by 66 % of what the other cases allow.
    batch_norm = any(isinstance(m, torch.nn.BatchNorm2d) for m in model.modules())
    (folder / "case.json").write_text(json.dumps({
        "publisher": "open_clip", "trained": not folds, "about": CASES[name]["about"],
        "tolerance": {"features": {"abs": 2e-5, "rel": 1e-4},
                      "gradients": {"abs": 4e-5, "rel": 2e-3} if batch_norm else {"abs": 1e-5, "rel": 5e-4},
                      "loss": {"abs": 5e-5, "rel": 0},
                      "trained": {"abs": 2e-4, "rel": 4e-4} if batch_norm else {"abs": 5e-5, "rel": 1e-4}}},
        indent=2) + "\n")
    alike = (out["image_features"] @ out["image_features"].T).fill_diagonal_(0).max().item()
    print(folder, sum(f.stat().st_size for f in folder.iterdir()), "bytes, cosines up to", round(alike, 4), out.get("train.loss"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("names", nargs="*", default=list(CASES))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for tower in {case["vision_cfg"]["timm_model_name"] for case in CASES.values() if "of" not in case}:
        register(tower)
    for name in args.names:
        make(name, args.out / f"openclip-{name}", args.seed)


if __name__ == "__main__":
    main()
