#!/usr/bin/env python3
"""Makes the golden cases of text towers of BERT's kind: small random models, as their publishers save them.

    python make_text_encoders.py OUT [NAME...] [--seed 0]

OUT/NAME holds the checkpoint, case.json, and expected.safetensors with inputs, features, the gradients of one step, five losses
and the parameters after them, as make_timm_vit.py has them. The texts are of several lengths, so padding matters. Dropout is off,
whose draws nobody can repeat. Needs torch, timm, open_clip, transformers and safetensors.
"""
import argparse
import json
import os
import pathlib
import shutil
from unittest import mock

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import open_clip
import torch
from open_clip.model import CustomTextCLIP
from safetensors.torch import save_file
from transformers import AutoConfig

from make_timm_vit import randomise, train

VISION = dict(image_size=32, layers=1, width=32, head_width=16, patch_size=16)
NO_DROPOUT = dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
ROBERTA = dict(model_type="roberta", vocab_size=120, hidden_size=48, num_hidden_layers=2, num_attention_heads=3,
               intermediate_size=80, max_position_embeddings=24, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1,
               hidden_act="gelu", **NO_DROPOUT)
BERT = dict(ROBERTA, model_type="bert", type_vocab_size=2, layer_norm_eps=1e-12, pad_token_id=0, max_position_embeddings=20)

SMALL_VISION = dict(image_size=32, layers=1, width=16, head_width=8, patch_size=8)
MT5 = dict(model_type="mt5", vocab_size=60, d_model=24, d_kv=8, num_heads=4, num_layers=2, num_decoder_layers=1, d_ff=40,
           relative_attention_num_buckets=8, relative_attention_max_distance=10, layer_norm_epsilon=1e-6,
           feed_forward_proj="gated-gelu", pad_token_id=0, dropout_rate=0.0)
M2M = dict(model_type="m2m_100", vocab_size=60, d_model=24, encoder_attention_heads=2, encoder_layers=2, encoder_ffn_dim=40,
           decoder_attention_heads=2, decoder_layers=1, decoder_ffn_dim=8, max_position_embeddings=20,
           activation_function="relu", scale_embedding=True, pad_token_id=1, dropout=0.0, attention_dropout=0.0,
           activation_dropout=0.0, encoder_layerdrop=0.0, decoder_layerdrop=0.0)

PLAIN = dict(image_size=32, timm_model_name="vit_small_reference_plain", timm_model_pretrained=False, timm_pool="",
             timm_proj="linear")


def vit_small_reference_plain(pretrained=False, **kwargs):
    """Shaped as timm's vit_base_patch16_224."""
    from timm.models.vision_transformer import VisionTransformer
    model = VisionTransformer(img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=3, mlp_ratio=2.5)
    model.default_cfg = {}
    return model


OPEN_CLIP = {
    "openclip-roberta": (
        "roberta-ViT-B-32's kind: a RoBERTa, whose positions follow the padding's id, mean pooling and an MLP",
        ROBERTA, dict(hf_model_name="small-roberta", hf_tokenizer_name="small-roberta", hf_pooler_type="mean_pooler",
                      context_length=16), {"quick_gelu": True}),
    "openclip-bert-pooler": (
        "a BERT of two token types with its own pooler and a linear projection, and tanh-GELU",
        dict(BERT, hidden_act="gelu_new"),
        dict(hf_model_name="small-bert", hf_tokenizer_name="small-bert", hf_pooler_type="cls_pooler", hf_proj_type="linear",
             context_length=16), {"custom_text": True}),
    "openclip-biomedclip": (
        "BiomedCLIP's kind: a BERT whose class token an MLP projects, beside timm's plain ViT with OpenCLIP's linear head",
        BERT, dict(hf_model_name="small-bert", hf_tokenizer_name="small-bert", hf_proj_type="mlp",
                   hf_pooler_type="cls_last_hidden_state_pooler", context_length=16), {"vision_cfg": PLAIN}),
    "openclip-mt5": (
        "mt5-base-ViT-B-32's kind: the mean of mT5's encoder, whose heads together are wider than the tower, and an MLP",
        MT5, dict(hf_model_name="small-mt5", hf_tokenizer_name="small-mt5", hf_pooler_type="mean_pooler", context_length=16),
        {"vision_cfg": SMALL_VISION}),
    "openclip-m2m": (
        "nllb-clip-base's kind: the first token of M2M-100's encoder, that of the language, and a matrix",
        M2M, dict(hf_model_name="small-m2m", hf_tokenizer_name="small-m2m", hf_proj_type="linear", hf_pooler_type="cls_pooler",
                  context_length=16), {"vision_cfg": SMALL_VISION}),
}


def texts(gen, vocabulary, pad):
    ids = torch.randint(4, vocabulary, (4, 16), generator=gen)
    for row, end in enumerate((4, 9, 14, 12)):
        ids[row, 0], ids[row, end - 1], ids[row, end:] = 2, 3, pad
    return ids


def save(folder, publisher, about, out):
    save_file({k: (v.float() if v.is_floating_point() else v).detach().clone().contiguous() for k, v in out.items()},
              folder / "expected.safetensors")
    (folder / "case.json").write_text(json.dumps({
        "publisher": publisher, "trained": True, "about": about,
        "tolerance": {"features": {"abs": 2e-5, "rel": 1e-4}, "gradients": {"abs": 1e-5, "rel": 5e-4},
                      "loss": {"abs": 5e-5, "rel": 0}, "trained": {"abs": 5e-5, "rel": 1e-4}}}, indent=2) + "\n")
    print(folder, sum(f.stat().st_size for f in folder.iterdir()), {k: tuple(v.shape) for k, v in out.items() if "." not in k})


def features(model, pixels, ids):
    out = {"pixel_values": pixels, "input_ids": ids}
    with torch.no_grad():
        out["image_features_unnormalized"] = model.encode_image(pixels)
        out["text_features_unnormalized"] = model.encode_text(ids)
        out["image_features"] = model.encode_image(pixels, normalize=True)
        out["text_features"] = model.encode_text(ids, normalize=True)
        out["logits_per_image"] = model.logit_scale.exp() * out["image_features"] @ out["text_features"].T
    return out


def make_open_clip(folder, about, text_model, text_cfg, more, gen):
    config = {"embed_dim": 20, "vision_cfg": VISION, "text_cfg": text_cfg, **more}
    local = AutoConfig.for_model(**text_model)
    kwargs = {k: v for k, v in config.items() if k != "custom_text"}
    kwargs["text_cfg"] = dict(text_cfg, hf_model_pretrained=False)
    with mock.patch.object(AutoConfig, "from_pretrained", lambda name: local):
        model = randomise(CustomTextCLIP(**kwargs), gen)
    save_file({k: v.clone().contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {
        "mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, "interpolation": "bicubic",
        "resize_mode": "shortest"}}, indent=2) + "\n")
    (folder / "config.json").write_text(json.dumps(text_model, indent=2) + "\n")
    pixels = torch.randn(4, 3, 32, 32, generator=gen)
    ids = texts(gen, text_model["vocab_size"], text_model["pad_token_id"])
    out = features(model, pixels, ids)
    train(model, pixels, ids, out)
    save(folder, "open_clip", about, out)


class AsOpenClip(torch.nn.Module):
    """A model of transformers with OpenCLIP's methods, given the mask that its processor gives."""

    def __init__(self, model, pad):
        super().__init__()
        self.model, self.pad = model, pad

    @property
    def logit_scale(self):
        return self.model.logit_scale

    def named_parameters(self, *args, **kwargs):
        return self.model.named_parameters(*args, **kwargs)

    def encode_image(self, pixels, normalize=False):
        x = self.model.get_image_features(pixel_values=pixels).pooler_output
        return x / x.norm(dim=-1, keepdim=True) if normalize else x

    def encode_text(self, ids, normalize=False):
        x = self.model.get_text_features(input_ids=ids, attention_mask=(ids != self.pad).long()).pooler_output
        return x / x.norm(dim=-1, keepdim=True) if normalize else x


def make_chinese_clip(folder, gen):
    from transformers import ChineseCLIPConfig, ChineseCLIPModel
    text = {k: v for k, v in BERT.items() if k not in ("model_type", "max_position_embeddings")}
    vision = dict(image_size=32, patch_size=16, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=72)
    config = ChineseCLIPConfig(text_config=dict(text, max_position_embeddings=16), vision_config=vision, projection_dim=20)
    model = AsOpenClip(randomise(ChineseCLIPModel(config), gen), 0)
    model.model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "crop_size": {"height": 32, "width": 32}, "do_center_crop": False, "do_normalize": True, "do_resize": True,
        "feature_extractor_type": "ChineseCLIPFeatureExtractor", "image_mean": open_clip.OPENAI_DATASET_MEAN,
        "image_std": open_clip.OPENAI_DATASET_STD, "resample": 3, "size": {"height": 32, "width": 32}}, indent=2) + "\n")
    pixels = torch.randn(4, 3, 32, 32, generator=gen)
    ids = texts(gen, BERT["vocab_size"], 0)
    out = features(model, pixels, ids)
    train(model, pixels, ids, out)
    save(folder, "transformers", "Chinese-CLIP's kind: a BERT whose class token a matrix projects, beside CLIP's image tower", out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    from timm.models import register_model
    vit_small_reference_plain.__module__ = "timm.models.vision_transformer"
    register_model(vit_small_reference_plain)
    for name, case in OPEN_CLIP.items():
        if not args.names or name in args.names:
            folder = args.out / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make_open_clip(folder, *case, torch.Generator().manual_seed(args.seed))
    if not args.names or "hf-chinese-clip" in args.names:
        folder = args.out / "hf-chinese-clip"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make_chinese_clip(folder, torch.Generator().manual_seed(args.seed))


if __name__ == "__main__":
    main()
