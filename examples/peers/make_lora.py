#!/usr/bin/env python3
"""Makes the cases of low-rank adapters: what peft computes with adapters of the golden transformers model.

    python make_lora.py [--golden src/test/resources/golden/hf-clip] [--out src/test/resources/lora]

OUT/attention is an adapter of query, key and value in CLIP-LoRA's setting, OUT/every one of all linear layers, the
projections included, with a rank and an alpha of its own for some; OUT/blocks one of the blocks' layers, which is also
trained; OUT/old the first of these as older versions of peft wrote it. OUT/expected.safetensors holds, for each, the features of the golden model's inputs (`NAME.image_features`,
`NAME.text_features`, of unit length), for attention and blocks at once (`both.…`), and for blocks the gradients of a
step, the losses of five and the matrices after them. Nothing is dropped out. Needs torch, transformers and peft.

    python make_lora.py --check FOLDER FEATURES

reads an adapter that clip4j wrote, in a folder, and compares its features with the file that clip4j wrote beside it.
"""
import argparse
import json
import pathlib
import shutil

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import CLIPModel

ADAPTERS = {
    "attention": dict(r=2, lora_alpha=1, use_rslora=True, lora_dropout=0.25, target_modules=["q_proj", "k_proj", "v_proj"]),
    "every": dict(r=3, lora_alpha=5, target_modules="all-linear", rank_pattern={"q_proj": 4, "vision_model.*fc1": 1},
                  alpha_pattern={"out_proj": 7}),
    "blocks": dict(r=2, lora_alpha=3, target_modules=["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]),
}


def features(model, inputs):
    with torch.no_grad():
        out = model(**inputs)
    return {"image_features": out.image_embeds, "text_features": out.text_embeds}


def with_noise(model):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.1)
    return model


def loss(model, inputs):
    out = model(**inputs)
    rows = torch.arange(len(out.logits_per_image))
    return sum(torch.nn.functional.cross_entropy(x, rows) for x in (out.logits_per_image, out.logits_per_text)) / 2


def train(model, inputs, expected):
    trained = {n.replace(".default", ""): p for n, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(trained.values(), lr=2e-4, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.2)
    losses = []
    for step in range(5):
        optimizer.zero_grad()
        value = loss(model, inputs)
        value.backward()
        if step == 0:
            expected.update({f"grad.{n}": p.grad.clone() for n, p in trained.items()})
        optimizer.step()
        losses.append(value.detach())
    expected["train.loss"] = torch.stack(losses)
    expected.update({f"trained.{n}": p.detach().clone() for n, p in trained.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--golden", type=pathlib.Path, default=pathlib.Path("src/test/resources/golden/hf-clip"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("src/test/resources/lora"))
    parser.add_argument("--check", nargs=2, type=pathlib.Path)
    args = parser.parse_args()
    golden = load_file(args.golden / "expected.safetensors")
    inputs = {name: golden[name] for name in ("pixel_values", "input_ids")}
    if args.check:
        found = features(PeftModel.from_pretrained(CLIPModel.from_pretrained(args.golden), args.check[0]).eval(), inputs)
        ours = load_file(args.check[1])
        worst = max((found[name] - ours[name]).abs().max().item() for name in found)
        print("largest difference of a feature", worst)
        raise SystemExit(worst > 2e-5)
    expected = {}
    for seed, (name, settings) in enumerate(ADAPTERS.items()):
        torch.manual_seed(seed)
        model = with_noise(get_peft_model(CLIPModel.from_pretrained(args.golden), LoraConfig(**settings))).eval()
        folder = args.out / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        (folder / "README.md").unlink()
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = None
        config["target_modules"] = sorted(config["target_modules"])
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
        expected.update({f"{name}.{kind}": value for kind, value in features(model, inputs).items()})
        if name == "blocks":
            train(model, inputs, expected)
        if name == "attention":
            (args.out / "old").mkdir(exist_ok=True)
            shutil.copy(folder / "adapter_config.json", args.out / "old")
            torch.save(load_file(folder / "adapter_model.safetensors"), args.out / "old" / "adapter_model.bin")
    model = PeftModel.from_pretrained(CLIPModel.from_pretrained(args.golden), args.out / "attention", adapter_name="attention")
    model.load_adapter(args.out / "blocks", "blocks")
    model.base_model.set_adapter(["attention", "blocks"])
    expected.update({f"both.{kind}": value for kind, value in features(model.eval(), inputs).items()})
    save_file({name: value.contiguous() for name, value in expected.items()}, args.out / "expected.safetensors")


if __name__ == "__main__":
    main()
