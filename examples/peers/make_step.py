"""Writes the peers' values that the tests of the training step compare with, into src/test/resources/step/peers.json.

Losses are open_clip.loss.ClipLoss and SigLipLoss, and torch's cross entropy with probabilities where texts belong to more than
one image; learning rates are open_clip_train's; patch dropout is that of the golden models with its choice of patches given.

    python examples/peers/make_step.py src/test/resources
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from open_clip.factory import CLIP, CustomTextCLIP
from open_clip.loss import ClipLoss, SigLipLoss
from open_clip_train.scheduler import const_lr, const_lr_cooldown, cosine_lr
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer

N, E = 7, 5
CAPTIONS = [0, 1, 0, 3, 4, 0, 6]
IMAGES = [0, 1, 2, 1, 4, 5, 4]


def numbers(tensor):
    return [float(x) for x in tensor.detach().flatten()]


def loss_case(name, loss, bias, belongs=None):
    torch.manual_seed(len(name))
    image = F.normalize(torch.randn(N, E), dim=-1).requires_grad_()
    text = F.normalize(torch.randn(N, E), dim=-1).requires_grad_()
    log_scale = torch.tensor(2.3).requires_grad_()
    logit_bias = torch.tensor(-4.0).requires_grad_() if bias else None
    value = loss(image, text, log_scale.exp(), logit_bias)
    value.backward()
    case = {
        "name": name,
        "image": numbers(image),
        "text": numbers(text),
        "log_scale": 2.3,
        "value": value.item(),
        "d_image": numbers(image.grad),
        "d_text": numbers(text.grad),
        "d_log_scale": log_scale.grad.item(),
    }
    if bias:
        case.update(bias=-4.0, d_bias=logit_bias.grad.item())
    if belongs is not None:
        case.update(captions=CAPTIONS, images=IMAGES)
    return case


def losses():
    captions, images = torch.tensor(CAPTIONS), torch.tensor(IMAGES)
    belongs = (captions[:, None] == captions) | (images[:, None] == images)
    target = belongs.float() / belongs.sum(1, keepdim=True)

    def spread(image, text, scale, bias):
        logits = scale * image @ text.T
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2

    def spread_sigmoid(image, text, scale, bias):
        labels = torch.where(belongs, 1.0, -1.0)
        return -F.logsigmoid(labels * (scale * image @ text.T + bias)).sum() / N

    return [
        loss_case("ClipLoss", lambda i, t, s, b: ClipLoss()(i, t, s), False),
        loss_case("SigLipLoss", SigLipLoss(), True),
        loss_case("cross entropy with probabilities", spread, False, belongs),
        loss_case("log-likelihood of all that belongs together", spread_sigmoid, True, belongs),
    ]


class Optimizer:
    param_groups = []


def schedules():
    cases = {
        "cosine": cosine_lr(Optimizer(), 3e-4, 7, 40),
        "cosine without warm-up": cosine_lr(Optimizer(), 3e-4, 0, 40),
        "constant": const_lr(Optimizer(), 3e-4, 7, 40),
        "cooldown": const_lr_cooldown(Optimizer(), 3e-4, 7, 40, 12),
        "cooldown, power 2, to 1e-5": const_lr_cooldown(Optimizer(), 3e-4, 7, 40, 12, 2.0, 1e-5),
    }
    return {name: [schedule(step) for step in range(40)] for name, schedule in cases.items()}


class Given(torch.nn.Module):
    """PatchDropout of both libraries with its random choice replaced by a given one."""

    def __init__(self, kept, prefix_tokens):
        super().__init__()
        self.kept, self.prefix_tokens = kept, prefix_tokens

    def forward(self, x):
        prefix, patches = x[:, : self.prefix_tokens], x[:, self.prefix_tokens :]
        index = self.kept[:, :, None].expand(-1, -1, x.shape[-1])
        return torch.cat([prefix, patches.gather(1, index)], 1)


def siglip_patch_dropout(resources):
    name = "openclip-siglip"
    folder = resources / "golden" / name
    trunk = VisionTransformer(
        img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=3, mlp_ratio=2.5, num_classes=0, global_pool="map", class_token=False
    )
    prefix = "visual.trunk."
    weights = load_file(folder / "open_clip_model.safetensors")
    trunk.load_state_dict({k[len(prefix) :]: v for k, v in weights.items() if k.startswith(prefix)})
    pixels = load_file(folder / "expected.safetensors")["pixel_values"]
    torch.manual_seed(2)
    kept = torch.rand(len(pixels), 16).argsort(1)[:, :7]
    trunk.patch_drop = Given(kept, 0)
    features = trunk(pixels)
    features.sum().backward()
    gradient = trunk.pos_embed.grad
    return {"name": name, "kept": kept.tolist(), "features": numbers(features), "d_positional_embedding": numbers(gradient)}


def patch_dropout(resources):
    cases = [siglip_patch_dropout(resources)]
    for name in ("openclip-vit", "openclip-clipa"):
        folder = resources / "golden" / name
        config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
        custom = config.pop("custom_text", False)
        model = (CustomTextCLIP if custom else CLIP)(**config)
        model.load_state_dict(load_file(folder / "open_clip_model.safetensors"))
        model.train()
        pixels = load_file(folder / "expected.safetensors")["pixel_values"]
        patches = model.visual.positional_embedding.shape[0] - 1
        torch.manual_seed(1)
        kept = torch.rand(len(pixels), patches).argsort(1)[:, : patches // 3]
        model.visual.patch_dropout = Given(kept, 1)
        features = model.encode_image(pixels)
        features.sum().backward()
        cases.append(
            {
                "name": name,
                "kept": kept.tolist(),
                "features": numbers(features),
                "d_positional_embedding": numbers(model.visual.positional_embedding.grad),
            }
        )
    return cases


def main():
    resources = Path(sys.argv[1])
    out = resources / "step" / "peers.json"
    out.parent.mkdir(exist_ok=True)
    data = {"losses": losses(), "schedules": schedules(), "patch_dropout": patch_dropout(resources)}
    out.write_text(json.dumps(data) + "\n")


if __name__ == "__main__":
    main()
