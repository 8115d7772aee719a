#!/usr/bin/env python3
"""Makes what explaining the golden models should give: explain.safetensors in each folder of a golden model.

    python make_explain.py ../../src/test/resources/golden [NAME...]

The method for transformers is that of Chefer, Gur and Wolf (arXiv 2103.15679) as their notebook for CLIP has it
(github.com/hila-chefer/Transformer-MM-Explainability, CLIP_explainability.ipynb, function `interpret`), with all blocks
(start_layer = 0, as in the paper) and with the last block alone (start_layer = -1, as in the notebook). For ResNets, ConvNeXt
and FastViT it is Grad-CAM (arXiv 1610.02391) on the output of each stage, before its ReLU, which leaves nothing of some of these maps.
Where the notebook takes the row of the class token, towers that pool by the mean of the patches take the mean of their
rows, and towers that pool by attention of a learned query take that query's row, as if it were one more token. Rows are
without the identity, which the notebook cuts off. Image 0 is explained for each text. Attention is taken from torch's
scaled_dot_product_attention, replaced by its definition. Of CoCa's models image-relevance.safetensors has what images give
alone: their class token's row, or the mean of the rows of the queries that are averaged. Needs torch, timm, open_clip, transformers and safetensors.
"""
import functools
import json
import math
import pathlib
import sys

import open_clip
import timm.models.vision_transformer as timm_vit
import torch
import torch.nn.functional as F
import transformers
from open_clip.coca_model import CoCa
from safetensors.torch import load_file, save_file
from timm.models import register_model

import make_timm_towers
from make_timm_vit import vit_small_reference_clip

SEEN = []


def attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, **_):
    """torch.nn.functional.scaled_dot_product_attention as documented; keeps the weights."""
    s = q @ k.transpose(-2, -1) * (scale or 1 / math.sqrt(q.shape[-1]))
    if is_causal:
        attn_mask = torch.ones(s.shape[-2:], dtype=torch.bool).tril()
    if attn_mask is not None:
        s = s.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else s + attn_mask
    SEEN.append(s.softmax(-1))
    return SEEN[-1] @ v


def vit_small_reference_siglip(pretrained=False, **kwargs):
    """The golden case's: see its case.json."""
    return timm_vit.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=3, mlp_ratio=2.5, class_token=False,
        num_classes=kwargs["num_classes"], global_pool=kwargs["global_pool"])


def load(folder):
    """Returns the model, image and text encoders, and the pooled row of each text."""
    if (folder / "open_clip_config.json").exists():
        config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
        custom = config.pop("custom_text", False)
        model = (open_clip.model.CustomTextCLIP if custom else open_clip.model.CLIP)(**config)
        model.load_state_dict(load_file(folder / "open_clip_model.safetensors"))
        pool, eos = config["text_cfg"].get("pool_type", "argmax"), config["text_cfg"].get("eos_id")
        row = {"argmax": lambda ids: ids.argmax(-1), "last": lambda ids: torch.full((len(ids),), ids.shape[1] - 1),
               "eos": lambda ids: (ids == eos).int().argmax(-1)}[pool]
        return model.eval(), model.encode_image, model.encode_text, row
    config = json.loads((folder / "config.json").read_text())
    kind = transformers.CLIPModel if config["model_type"] == "clip" else transformers.SiglipModel
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa")

    if kind is transformers.SiglipModel:  # else it computes attention otherwise
        pool = model.vision_model.head.attention
        pool.forward = functools.partial(pool.forward, need_weights=False)

    def features(found):
        return found if torch.is_tensor(found) else found.pooler_output

    row = (lambda ids: ids.argmax(-1)) if kind is transformers.CLIPModel else (
        lambda ids: torch.full((len(ids),), ids.shape[1] - 1))
    return (model.eval(), lambda x: features(model.get_image_features(pixel_values=x)),
            lambda x: features(model.get_text_features(input_ids=x)), row)


def relevance(one_hot, blocks, start):
    """The notebook's loop; blocks hold the attention [N, H, L, L]."""
    batch, tokens = blocks[0].shape[0], blocks[0].shape[-1]
    identity = torch.eye(tokens, dtype=blocks[0].dtype).expand(batch, tokens, tokens)
    R = identity
    for i, attn_probs in enumerate(blocks):
        if i < start:
            continue
        grad = torch.autograd.grad(one_hot, [attn_probs], retain_graph=True)[0].detach()
        cam = (grad * attn_probs.detach()).clamp(min=0).mean(dim=1)
        R = R + torch.bmm(cam, R)
    return R, identity


def explain(folder):
    model, encode_image, encode_text, pooled_row = load(folder)
    model.double()
    golden = load_file(folder / "expected.safetensors")
    ids = golden["input_ids"]
    images = golden["pixel_values"][:1].double().repeat(len(ids), 1, 1, 1)
    stages = {}
    if hasattr(model, "visual") and hasattr(model.visual, "layer4"):
        for s in range(1, 5):
            getattr(model.visual, f"layer{s}").register_forward_hook(lambda m, i, o, s=s: stages.update({s: o}))
    for s, stage in enumerate(getattr(getattr(getattr(model, "visual", None), "trunk", None), "stages", []), 1):
        stage.register_forward_hook(lambda m, i, o, s=s: stages.update({s: o}))
    SEEN.clear()
    image = encode_image(images)
    seen = list(SEEN)
    SEEN.clear()
    text = encode_text(ids)
    read = list(SEEN)
    logits = model.logit_scale.exp() * F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
    one_hot = logits.diagonal().sum()
    out = {"image_features": image[0]}
    for name, start in (("", 0), ("_last", len(read) - 1)):
        R, identity = relevance(one_hot, read, start)
        out["text_relevance" + name] = (R - identity)[torch.arange(len(ids)), pooled_row(ids)]
    for i, block in enumerate(read):
        out[f"text.attention.{i}"] = block[0]
    for s, state in stages.items():
        grad = torch.autograd.grad(one_hot, [state], retain_graph=True)[0]
        out[f"gradcam.{s}"] = (grad.mean((2, 3), keepdim=True) * state).sum(1)
    if stages:
        return out
    side = seen[0].shape[-1]
    pool = seen.pop() if seen[-1].shape[-2] == 1 else None
    for name, start in (("", 0), ("_last", len(seen) - 1)):
        R, identity = relevance(one_hot, seen, start)
        if pool is not None:
            grad = torch.autograd.grad(one_hot, [pool], retain_graph=True)[0]
            out["image_relevance" + name] = torch.bmm((grad * pool).clamp(min=0).mean(dim=1), R)[:, 0]
        elif getattr(getattr(model, "visual", None), "pool_type", "tok") == "avg":
            out["image_relevance" + name] = (R - identity)[:, 1:, 1:].mean(1)
        else:
            out["image_relevance" + name] = R[:, 0, 1:]
    for i, block in enumerate(seen):
        out[f"vision.attention.{i}"] = block[0]
    if pool is not None:
        out["vision.pooling_attention"] = pool[0]
    out["patch_embeddings"] = F.normalize(patches(model, images[:1]), dim=-1)
    return out


def patches(model, image):
    """What the head makes of each patch of the last block's output alone, [patches, E]."""
    kept = {}
    if not hasattr(model, "visual"):  # transformers
        tower = model.vision_model
        tower.encoder.layers[-1].register_forward_hook(
            lambda m, i, o: kept.update(x=o if torch.is_tensor(o) else o[0]))
        model.get_image_features(pixel_values=image)
        x = kept["x"][0]
        if hasattr(model, "visual_projection"):
            return model.visual_projection(tower.post_layernorm(x[1:]))
        return tower.head(tower.post_layernorm(x)[:, None])
    visual = model.visual
    if hasattr(visual, "trunk"):
        visual.trunk.blocks[-1].register_forward_hook(lambda m, i, o: kept.update(x=o))
        model.encode_image(image)
        x = kept["x"][0]
        if visual.trunk.attn_pool is not None:
            return visual.trunk.attn_pool(visual.trunk.norm(x)[:, None])
        return visual.trunk.head(visual.trunk.norm(x[1:]))
    visual.transformer.resblocks[-1].register_forward_hook(lambda m, i, o: kept.update(x=o))
    model.encode_image(image)
    return visual.ln_post(kept["x"][0, 1:]) @ visual.proj


def explain_coca(folder):
    config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    model = CoCa(**{k: v for k, v in config.items() if k != "custom_text"})
    model.load_state_dict(load_file(folder / "open_clip_model.safetensors"))
    model.eval().double()
    golden = load_file(folder / "expected.safetensors")
    images = golden["pixel_values"][:1].double().repeat(len(golden["input_ids"]), 1, 1, 1)
    text = model.encode_text(golden["input_ids"])
    SEEN.clear()
    image = model.encode_image(images)
    pool = SEEN.pop()
    one_hot = model.logit_scale.exp() * (image * text).sum()
    R, _ = relevance(one_hot, SEEN, 0)
    grad = torch.autograd.grad(one_hot, [pool], retain_graph=True)[0]
    rows = torch.bmm((grad * pool).clamp(min=0).mean(dim=1), R)
    return {"image_relevance": rows[:, 1:].mean(1) if config["vision_cfg"].get("pool_type") == "avg" else rows[:, 0]}


def main():
    F.scaled_dot_product_attention = torch.nn.functional.scaled_dot_product_attention = attention
    for tower in (vit_small_reference_clip, vit_small_reference_siglip):
        tower.__module__ = "timm.models.vision_transformer"
        register_model(tower)
    for tower in ("convnext_small_reference", "fastvit_small_reference", "fastvit_large_reference", "vit_small_reference_mci"):
        make_timm_towers.register(tower)
    for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        if sys.argv[2:] and folder.name not in sys.argv[2:]:
            continue
        if (folder / "expected.safetensors").exists() and list(folder.glob("*config.json")):
            coca = "coca" in folder.name
            found = explain_coca(folder) if coca else explain(folder)
            out = {k: v.detach().float().contiguous() for k, v in found.items()}
            save_file(out, folder / ("image-relevance.safetensors" if coca else "explain.safetensors"))
            print(folder.name, {k: tuple(v.shape) for k, v in out.items()})


if __name__ == "__main__":
    main()
