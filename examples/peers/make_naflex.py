#!/usr/bin/env python3
"""Makes the golden case of SigLIP 2's NaFlex in a small size, and what transformers' processor makes of pictures.

    python make_naflex.py OUT [--seed 0]

OUT/hf-naflex holds what Siglip2Model and Siglip2ImageProcessor save for a small random model, case.json, and expected.safetensors with
inputs, features, the gradients of one step, five losses and the parameters after them, as make_timm_vit.py says; pixel_values are
followed by a row with the spatial shape of each image, as ClipModel takes them. OUT/preprocess-naflex/expected.safetensors holds what
Siglip2ImageProcessor's two implementations make of the pictures of the golden preprocessing case: levels of the patches and shapes;
and sizes.csv its sizes (image, patch size, most patches) for many shapes. Needs torch, torchvision, transformers, Pillow, safetensors.
"""
import argparse
import json
import pathlib
import shutil

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from transformers import Siglip2Config, Siglip2Model
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil, get_image_size_for_max_num_patches
from transformers.models.siglip2.image_processing_siglip2 import Siglip2ImageProcessor

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parents[1] / "src" / "test" / "resources" / "golden"
PICTURES = ["baseline.jpg", "panorama-900x40.png", "upscale-50x70.png", "square-224.png", "rgb.png", "one-pixel.png"]
PATCH, MOST, WIDTH, CONTEXT, VOCABULARY = 8, 12, 24, 9, 90


def randomise(model, gen):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name == "logit_scale":
                p.fill_(2.3)
            elif name == "logit_bias":
                p.fill_(-3.0)
            else:
                norm = p.ndim == 1 and "norm" in name and name.endswith("weight")
                large = "position_embedding" in name or "probe" in name
                p.copy_((1 if norm else 0) + (0.2 if norm else 0.5 if large else 0.12) * torch.randn(p.shape, generator=gen))
    return model.eval()


def features(model, inputs, ids):
    image = model.vision_model(**inputs).pooler_output
    text = model.text_model(input_ids=ids).pooler_output
    return image, text


def train(model, inputs, ids, out):
    """AdamW as OpenCLIP sets it up, and its sigmoid loss, in float64."""
    model.double().train()
    named = list(model.named_parameters())
    plain = [p for n, p in named if p.ndim < 2 or "bias" in n]
    decayed = [p for n, p in named if not any(p is q for q in plain)]
    optimizer = torch.optim.AdamW([{"params": plain, "weight_decay": 0.0}, {"params": decayed, "weight_decay": 0.2}],
                                  lr=2e-4, betas=(0.9, 0.98), eps=1e-6)
    inputs = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
    losses = []
    for step in range(5):
        optimizer.zero_grad()
        image, text = (F.normalize(x, dim=-1) for x in features(model, inputs, ids))
        logits = model.logit_scale.exp() * image @ text.T + model.logit_bias
        labels = 2 * torch.eye(len(logits), dtype=logits.dtype) - 1
        loss = -F.logsigmoid(labels * logits).sum() / len(logits)
        loss.backward()
        if step == 0:
            out.update({"grad." + n: p.grad.clone() for n, p in named})
        optimizer.step()
        losses.append(loss.item())
    out["train.loss"] = torch.tensor(losses)
    out.update({"trained." + n: p.data for n, p in named})


def with_shapes(inputs):
    """The input of the tower here: patches, and a row that begins with the numbers of rows and columns."""
    last = torch.zeros(len(inputs["pixel_values"]), 1, inputs["pixel_values"].shape[2])
    last[:, 0, :2] = inputs["spatial_shapes"].float()
    return torch.cat([inputs["pixel_values"], last], 1)


def model_case(folder, seed):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    gen = torch.Generator().manual_seed(seed)
    tower = dict(hidden_size=WIDTH, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3)
    model = randomise(Siglip2Model(Siglip2Config(
        text_config=dict(tower, num_hidden_layers=1, vocab_size=VOCABULARY, max_position_embeddings=CONTEXT),
        vision_config=dict(tower, patch_size=PATCH, num_patches=9))), gen)
    model.save_pretrained(folder)
    processor = Siglip2ImageProcessor(patch_size=PATCH, max_num_patches=MOST)
    processor.save_pretrained(folder)
    pictures = [Image.open(GOLDEN / "preprocess" / file).convert("RGB") for file in PICTURES[:4]]
    inputs = dict(Siglip2ImageProcessorPil(patch_size=PATCH, max_num_patches=MOST)(pictures, return_tensors="pt"))
    ids = torch.randint(1, VOCABULARY, (4, CONTEXT), generator=gen)
    for row, end in enumerate((3, 5, 7, CONTEXT)):
        ids[row, end:] = 0
    out = {"pixel_values": with_shapes(inputs), "input_ids": ids}
    with torch.no_grad():
        image, text = features(model, inputs, ids)
        out["image_features_unnormalized"], out["text_features_unnormalized"] = image, text
        out["image_features"], out["text_features"] = F.normalize(image, dim=-1), F.normalize(text, dim=-1)
        out["logits_per_image"] = model.logit_scale.exp() * out["image_features"] @ out["text_features"].T + model.logit_bias
        whole = model(**inputs, input_ids=ids)
        assert (whole.logits_per_image - out["logits_per_image"]).abs().max() < 1e-5
    train(model, inputs, ids, out)
    save_file({k: (v.float() if v.is_floating_point() else v).detach().clone().contiguous() for k, v in out.items()},
              folder / "expected.safetensors")
    (folder / "case.json").write_text(json.dumps({
        "publisher": "transformers", "trained": True,
        "about": "Siglip2Model (NaFlex): images of their own shapes, resized positions, a mask, the sigmoid loss",
        "tolerance": {"features": {"abs": 2e-5, "rel": 1e-4}, "gradients": {"abs": 1e-5, "rel": 5e-4},
                      "loss": {"abs": 5e-5, "rel": 0}, "trained": {"abs": 5e-5, "rel": 1e-4}}}, indent=2) + "\n")
    print(folder, inputs["spatial_shapes"].tolist(), {k: tuple(v.shape) for k, v in out.items() if "." not in k})


def processor_case(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pictures = [Image.open(GOLDEN / "preprocess" / file).convert("RGB") for file in PICTURES]
    out, apart = {}, []
    for patch, most in ((16, 64), (8, 30)):
        pil, torchvision = (kind(patch_size=patch, max_num_patches=most)(pictures, return_tensors="pt")
                            for kind in (Siglip2ImageProcessorPil, Siglip2ImageProcessor))
        assert torch.equal(pil["spatial_shapes"], torchvision["spatial_shapes"])
        levels = [((x["pixel_values"] * 0.5 + 0.5) * 255).round().to(torch.uint8) for x in (pil, torchvision)]
        apart.append((levels[0].int() - levels[1].int()).abs())
        mask = pil["pixel_attention_mask"].bool()
        levels[0][~mask] = 0
        out[f"levels.{patch}.{most}"] = levels[0]
        out[f"shapes.{patch}.{most}"] = pil["spatial_shapes"].long()
    print("Pillow's and torchvision's levels differ by at most", [int(x.max()) for x in apart],
          "in shares of", [float((x > 0).float().mean()) for x in apart])
    save_file({k: v.contiguous() for k, v in out.items()}, folder / "expected.safetensors")
    (folder / "pictures.json").write_text(json.dumps(PICTURES) + "\n")
    random = np.random.default_rng(0)
    rows = ["height,width,patch,most,rows,columns"]
    for height, width in [(1, 1), (1, 5000), (5000, 1), (224, 224), (256, 256), (3, 7), (100000, 60000), (1080, 1920)] + [
            tuple(int(x) for x in np.exp(random.uniform(0, 9, 2)) + 1) for _ in range(120)]:
        for patch, most in ((16, 256), (16, 1024), (14, 100), (8, 1)):
            h, w = get_image_size_for_max_num_patches(height, width, patch, most)
            rows.append(f"{height},{width},{patch},{most},{h // patch},{w // patch}")
    (folder / "sizes.csv").write_text("\n".join(rows) + "\n")
    print(folder, len(rows), out["shapes.16.64"].tolist())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    model_case(args.out / "hf-naflex", args.seed)
    processor_case(args.out / "preprocess-naflex")


if __name__ == "__main__":
    main()
