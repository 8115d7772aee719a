"""Writes src/test/resources/zero-shot.json: the probabilities that transformers and OpenCLIP give for the golden SigLIP models,
which ZeroShotClassifierTest compares with.

    python examples/peers/make_zero_shot.py

A text is four token ids, and padding: the golden models have no tokenizer.
"""

import json
from pathlib import Path

import open_clip
import torch
import transformers
from PIL import Image
from timm.models import register_model
from timm.models.vision_transformer import VisionTransformer

resources = Path(__file__).parents[2] / "src/test/resources"
IMAGES = ["rgb.png", "panorama-900x40.png", "lossless.webp"]
TEXTS = {"cat": [5, 17, 230, 9], "dog": [44, 299, 3, 120], "boat": [251, 6, 77, 18]}
ids = torch.ones(len(TEXTS), 16, dtype=torch.long)
for row, text in zip(ids, TEXTS.values()):
    row[: len(text)] = torch.tensor(text)
pictures = [Image.open(resources / "golden/preprocess" / name).convert("RGB") for name in IMAGES]


def vit_small_reference_siglip(pretrained=False, **kwargs):
    return VisionTransformer(
        patch_size=8, embed_dim=48, depth=2, num_heads=3, mlp_ratio=2.5, class_token=False, global_pool="map", img_size=32, num_classes=0
    )


vit_small_reference_siglip.__module__ = "timm.models.vision_transformer"
register_model(vit_small_reference_siglip)


@torch.no_grad()
def hf(folder):
    model = transformers.SiglipModel.from_pretrained(folder).eval()
    # The processor that works by Pillow, as the reference data was made.
    pixels = transformers.SiglipImageProcessorPil.from_pretrained(folder)(pictures, return_tensors="pt").pixel_values
    return model(input_ids=ids, pixel_values=pixels).logits_per_image


@torch.no_grad()
def openclip(folder):
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    pixels = torch.stack([preprocess(picture) for picture in pictures])
    image, text, scale, bias = model.eval()(pixels, ids)
    return scale * image @ text.T + bias


cases = []
for name, logits in [("hf-siglip", hf), ("openclip-siglip", openclip)]:
    logits = logits(resources / "golden" / name).double()
    cases.append({"model": name, "images": IMAGES, "sigmoid": logits.sigmoid().tolist(), "softmax": logits.softmax(1).tolist()})
by = f"transformers {transformers.__version__}, open_clip {open_clip.__version__}, torch {torch.__version__}"
target = resources / "zero-shot.json"
target.write_text(json.dumps({"by": by, "texts": TEXTS, "cases": cases}, indent=1) + "\n")
print(target.read_text())
