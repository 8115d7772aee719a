#!/usr/bin/env python3
"""Makes the cases of distillation: what open_clip.loss.DistillClipLoss gives, into OUT/distill.safetensors.

    python make_distill.py [--golden src/test/resources/golden/openclip-vit] [--out src/test/resources/step]

`loss.*` is the loss of random embeddings of 5 dimensions beside a teacher's of 9, with its gradients; `step.*` a golden
model's, beside a teacher's random embeddings of 33 dimensions: the gradients of a step for some parameters, the losses
of five steps of open_clip_train's loop (the sum of both losses, AdamW), and those parameters after them.
"""
import argparse
import json
import pathlib

import torch
import torch.nn.functional as F
from open_clip.factory import CLIP
from open_clip.loss import DistillClipLoss
from safetensors.torch import load_file, save_file

PARAMETERS = ["logit_scale", "text_projection", "visual.proj", "visual.class_embedding", "ln_final.weight"]


def unit(n, width):
    return F.normalize(torch.randn(n, width), dim=-1)


def loss_case():
    n = 7
    image, text = unit(n, 5).requires_grad_(), unit(n, 5).requires_grad_()
    teacher_image, teacher_text = unit(n, 9), unit(n, 9)
    log_scale, teacher_scale = torch.tensor(2.3).requires_grad_(), torch.tensor(14.0)
    losses = DistillClipLoss()(image, text, log_scale.exp(), teacher_image, teacher_text, teacher_scale)
    sum(losses).backward()
    return {
        "image": image, "text": text, "log_scale": log_scale,
        "teacher_image": teacher_image, "teacher_text": teacher_text, "teacher_scale": teacher_scale,
        "value": sum(losses), "d_image": image.grad, "d_text": text.grad, "d_log_scale": log_scale.grad,
    }


def step_case(golden):
    config = json.loads((golden / "open_clip_config.json").read_text())["model_cfg"]
    model = CLIP(**config, output_dict=True)
    model.load_state_dict(load_file(golden / "open_clip_model.safetensors"))
    model.train()
    inputs = load_file(golden / "expected.safetensors")
    pixels, ids = inputs["pixel_values"], inputs["input_ids"]
    teacher_image, teacher_text, teacher_scale = unit(len(pixels), 33), unit(len(pixels), 33), torch.tensor(20.0)
    case = {"teacher_image": teacher_image, "teacher_text": teacher_text, "teacher_scale": teacher_scale}
    decayed = [p for n, p in model.named_parameters() if p.ndim >= 2 and not any(k in n for k in ("bn", "ln", "bias", "logit_scale"))]
    kept = {id(p) for p in decayed}
    rest = [p for p in model.parameters() if id(p) not in kept]
    groups = [{"params": rest, "weight_decay": 0.0}, {"params": decayed, "weight_decay": 0.2}]
    optimizer = torch.optim.AdamW(groups, lr=2e-4, betas=(0.9, 0.98), eps=1e-6)
    named, loss, values = dict(model.named_parameters()), DistillClipLoss(), []
    for step in range(5):
        optimizer.zero_grad()
        out = model(pixels, ids)
        dist = {"dist_image_features": teacher_image, "dist_text_features": teacher_text, "dist_logit_scale": teacher_scale}
        total = sum(loss(**out, **dist, output_dict=True).values())
        total.backward()
        values.append(total.detach())
        if step == 0:
            case.update({f"grad.{name}": named[name].grad.clone() for name in PARAMETERS})
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, 4.605170185988092)
    case["loss"] = torch.stack(values)
    case.update({f"trained.{name}": named[name] for name in PARAMETERS})
    return case


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--golden", type=pathlib.Path, default=pathlib.Path("src/test/resources/golden/openclip-vit"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("src/test/resources/step"))
    args = parser.parse_args()
    torch.manual_seed(0)
    cases = {f"loss.{name}": value for name, value in loss_case().items()}
    cases.update({f"step.{name}": value for name, value in step_case(args.golden).items()})
    save_file({name: value.detach().contiguous() for name, value in cases.items()}, args.out / "distill.safetensors")


if __name__ == "__main__":
    main()
