#!/usr/bin/env python3
"""Makes the golden cases of EVA-CLIP's and PE-Core's image towers in a small size, as make_timm_vit.py makes its own.

    python make_eva.py OUT [--seed 0]

OUT/openclip-eva01, -eva02, -eva02-e, -pe and -pe-tokenless are folders of timm's Eva with the options of EVA01-g-14, EVA02-B-16,
EVA02-E-14, PE-Core-B-16 and PE-Core-bigG-14-448, and a text tower of one block. OUT/rotary.safetensors holds tables of timm's rotary
positions; it belongs into src/test/resources. Needs torch, timm, open_clip and safetensors.
"""
import argparse
import pathlib
from functools import partial

import open_clip
from safetensors.torch import save_file
from timm.layers import LayerNorm, RotaryEmbeddingCat
from timm.models.eva import Eva

from make_timm_vit import register, save_case

SIZE = dict(img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=3, mlp_ratio=2.5)
PE = dict(attn_type="rope", use_pre_transformer_norm=True, use_rot_pos_emb=True, ref_feat_shape=(4, 4),
          rope_grid_indexing="xy", attn_pool_num_heads=8, attn_pool_mlp_ratio=4.0, norm_layer=partial(LayerNorm, eps=1e-5))
OPENAI = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, "interpolation": "bicubic",
          "resize_mode": "shortest"}
SQUASHED = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bilinear", "resize_mode": "squash"}


def eva_small_reference(pretrained=False, **kwargs):
    return tower(kwargs)


def eva02_small_reference(pretrained=False, **kwargs):
    return tower(kwargs, qkv_fused=False, swiglu_mlp=True, scale_mlp=True, scale_attn_inner=True, use_rot_pos_emb=True,
                 ref_feat_shape=(16, 16))


def eva02_small_reference_post_norm(pretrained=False, **kwargs):
    return tower(kwargs, use_post_norm=True)


def vit_pe_core_small_reference(pretrained=False, **kwargs):
    return tower(kwargs, rope_grid_offset=1.0, **PE)


def vit_pe_core_small_reference_tokenless(pretrained=False, **kwargs):
    return tower(kwargs, class_token=False, **PE)


def tower(kwargs, **options):
    return Eva(**SIZE, **options, num_classes=kwargs["num_classes"], global_pool=kwargs["global_pool"])


CASES = {
    "openclip-eva01": (eva_small_reference, "token", OPENAI, "EVA01's blocks: queries and values with a bias, keys without"),
    "openclip-eva02": (eva02_small_reference, "token", OPENAI,
                       "EVA02's blocks: rotary positions, SwiGLU, LayerNorms before the maps that end a branch"),
    "openclip-eva02-e": (eva02_small_reference_post_norm, "token", OPENAI, "EVA02-E's blocks: LayerNorms after each branch"),
    "openclip-pe": (vit_pe_core_small_reference, "map", SQUASHED,
                    "PE-Core's tower: rotary positions that count from 1, pooling by attention over a class token too"),
    "openclip-pe-tokenless": (vit_pe_core_small_reference_tokenless, "map", SQUASHED,
                              "PE-Core-bigG's tower: rotary positions that count from 0, no class token"),
}

# Grid, reference grid, start, width of a head, whether columns are first, as EVA02-B-16, EVA02-L-14-336, PE-Core-L-14-336 and
# PE-Core-bigG-14-448 have them for images of other sizes.
TABLES = {"eva02-b": ((14, 2), 16, 0, 64, False), "eva02-l-336": ((3, 24), 16, 0, 64, False),
          "pe-l-wide": ((3, 5), 24, 1, 64, True), "pe-big-tall": ((6, 2), 32, 0, 96, True)}


def table(grid, reference, start, width, columns_first):
    """Sines, then cosines, of each patch; every second value, as neighbours are equal."""
    rope = RotaryEmbeddingCat(width, in_pixels=False, feat_shape=list(grid), ref_feat_shape=[reference] * 2,
                              grid_offset=float(start), grid_indexing="xy" if columns_first else "ij")
    return rope.get_embed()[:, ::2].contiguous()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for seed, (name, (make, pool, preprocess, about)) in enumerate(CASES.items(), args.seed):
        register("timm.models.eva", make)
        config = dict(
            embed_dim=20, custom_text=True,
            vision_cfg=dict(image_size=32, timm_model_name=make.__name__, timm_model_pretrained=False, timm_pool=pool,
                            timm_proj=None),
            text_cfg=dict(context_length=16, vocab_size=120, width=32, heads=2, layers=1))
        save_case(args.out / name, config, seed, about, preprocess)
    save_file({name: table(*options) for name, options in TABLES.items()}, args.out / "rotary.safetensors")


if __name__ == "__main__":
    main()
