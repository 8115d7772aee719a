#!/usr/bin/env python3
"""Writes the small archives that the tests of org.clip4j.weights read, with torch and safetensors.

    python make_archives.py ../../src/test/resources/archives

Values are seeded, so a second run writes the same tensors. NAME.safetensors holds what torch.load finds in NAME's
archives, contiguous, under dotted names.

Needs torch and safetensors.
"""
import argparse
import json
import pathlib
from collections import OrderedDict

import torch
from safetensors.torch import save_file


def odd(gen):
    """Every kind of tensor and container that a checkpoint may hold."""
    def values(*shape):
        return torch.randn(*shape, generator=gen)
    big = values(6, 5)
    tied = values(4)
    cube = values(2, 3, 4, 5)
    linear = torch.nn.Linear(3, 2)
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.copy_(values(*parameter.shape))
    optimizer = torch.optim.AdamW(linear.parameters(), lr=0.25)
    linear(values(4, 3)).sum().backward()
    optimizer.step()
    return {
        "epoch": 7, "name": "run \u00e9 \U0001F600", "rate": 0.125, "nothing": None, "yes": True,
        "large": 2 ** 40, "negative": -3, "huge": 2 ** 70, "bytes": b"abc", "size": torch.Size([2, 3]),
        "numbers": {1, 2}, "long text": "x" * 300,
        "transposed": big.T, "block": big[2:5, 1:4], "offset": big.view(-1)[7:19], "steps": big[:, ::2],
        "permuted": cube.permute(3, 1, 0, 2), "channels_last": cube.contiguous(memory_format=torch.channels_last),
        "tied_a": tied, "tied_b": tied, "row": torch.arange(3.0).expand(4, 3),
        "f16": values(3, 3).half(), "bf16": values(3, 3).bfloat16(), "f64": values(3).double(),
        "i64": torch.tensor([2 ** 40, -1]), "i32": torch.tensor([-5, 6], dtype=torch.int32),
        "i16": torch.tensor([-300, 300], dtype=torch.int16), "i8": torch.tensor([-8, 8], dtype=torch.int8),
        "u8": torch.tensor([200, 0], dtype=torch.uint8), "bool": torch.tensor([[True, False]]),
        "f16_t": values(4, 3).half().T, "i64_t": torch.arange(6).reshape(2, 3).T,
        "scalar": torch.tensor(2.5), "element": big[1, 2], "empty": torch.zeros(0, 3), "none_of": big[3:3],
        "parameter": torch.nn.Parameter(values(2)), "frozen": torch.nn.Parameter(values(2), requires_grad=False),
        "list": [values(2), {"x": values(1)}, [], ()], "pair": (values(1), 1), 3: values(1),
        "state_dict": linear.state_dict(prefix="module."), "optimizer": optimizer.state_dict(),
    }


def flatten(value, name="", out=None):
    out = {} if out is None else out
    if isinstance(value, torch.Tensor):
        out[name] = value.detach().contiguous().clone()
    elif isinstance(value, (dict, list, tuple)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            flatten(item, f"{name}.{key}" if name else str(key), out)
    return out


class Holder(torch.nn.Module):
    """Holds tensors under dotted names, as OpenAI's archives do."""

    def __init__(self, state):
        super().__init__()
        for key, value in state.items():
            *path, leaf = key.split(".")
            module = self
            for part in path:
                if not hasattr(module, part):
                    module.add_module(part, torch.nn.Module())
                module = getattr(module, part)
            if value.is_floating_point():
                module.register_parameter(leaf, torch.nn.Parameter(value, requires_grad=False))
            else:
                module.register_buffer(leaf, value)

    def forward(self, x: int) -> int:
        return x + 1


def script(gen, path):
    state = OrderedDict([
        ("visual.conv1.weight", torch.randn(4, 3, 2, 2, generator=gen).half()),
        ("visual.transformer.resblocks.0.ln_1.weight", torch.randn(4, generator=gen)),
        ("visual.transformer.resblocks.1.ln_1.weight", torch.randn(4, generator=gen)),
        ("text_projection", torch.randn(3, 4, generator=gen).half().T.contiguous().T),
        ("logit_scale", torch.tensor(2.6592)),
        ("input_resolution", torch.tensor(2)),
    ])
    torch.jit.script(Holder(state)).save(str(path / "script.pt"))
    save_file({k: v.contiguous() for k, v in state.items()}, path / "script.safetensors")


def sharded(gen, path):
    """Two shards with their index, in both formats."""
    state = {f"layer.{i}.weight": torch.randn(2, i + 1, generator=gen) for i in range(4)}
    save_file(state, path / "sharded.safetensors")
    shards = [{k: v for i, (k, v) in enumerate(state.items()) if i % 2 == shard} for shard in range(2)]
    for stem, ending in (("model", "safetensors"), ("pytorch_model", "bin")):
        folder = path / ("sharded-" + ending)
        folder.mkdir(exist_ok=True)
        weight_map = {}
        for number, shard in enumerate(shards):
            name = f"{stem}-{number + 1:05}-of-00002.{ending}"
            weight_map.update(dict.fromkeys(shard, name))
            save_file(shard, folder / name) if ending == "safetensors" else torch.save(shard, folder / name)
        index = {"metadata": {"total_size": sum(4 * v.numel() for v in state.values())}, "weight_map": weight_map}
        (folder / f"{stem}.{ending}.index.json").write_text(json.dumps(index, indent=2) + "\n")


def rounding(gen, path):
    """fp32 values and what torch rounds them to: all magnitudes, halfway cases and subnormals."""
    halves = torch.arange(0, 0x7BFF, 37).to(torch.int16).view(torch.float16).float()
    f16 = torch.cat([halves, halves + 0.5 ** 25, halves - 0.5 ** 25, -halves,
                     torch.rand(2000, generator=gen) * 2 ** -13, torch.tensor([65519.99, float("inf"), -0.0])])
    middles = (torch.arange(0, 0x7BFE, 41).to(torch.int16).view(torch.float16).double()
               + torch.arange(1, 0x7BFF, 41).to(torch.int16).view(torch.float16).double()) / 2
    f16 = torch.cat([f16, middles.float()])
    bits = torch.randint(-2 ** 31, 2 ** 31, (4000,), generator=gen)
    low = torch.tensor([0, 0x8000, 0x7FFF, 0x8001, 0x18000])[torch.arange(4000) % 5]
    bf16 = ((bits & ~0x1FFFF) | low).to(torch.int32).view(torch.float32)
    bf16 = bf16[bf16.abs() < 3e38]
    assert f16.half().isfinite().sum() == len(f16) - 1
    tensors = {"f16.source": f16, "bf16.source": bf16, "f16": f16.half(), "bf16": bf16.bfloat16(),
               "i64": torch.tensor([[1, -2 ** 24]]), "a": torch.tensor(1.5).half(), "b": torch.zeros(0, 2)}
    save_file(tensors, path / "rounding.safetensors", metadata={"format": "pt"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    path = parser.parse_args().folder
    path.mkdir(parents=True, exist_ok=True)
    gen = torch.Generator().manual_seed(5)
    thing = odd(gen)
    save_file(flatten(thing), path / "odd.safetensors")
    for protocol in (2, 3, 4, 5):
        torch.save(thing, path / f"odd-{protocol}.pt", pickle_protocol=protocol)
    for protocol in (2, 4):
        torch.save(thing, path / f"odd-legacy-{protocol}.pt", pickle_protocol=protocol,
                   _use_new_zipfile_serialization=False)
    script(gen, path)
    sharded(gen, path)
    rounding(gen, path)
    torch.save(torch.nn.Linear(2, 2), path / "module.pt")
    torch.save({"a": torch.zeros(2, dtype=torch.complex64)}, path / "complex.pt")


if __name__ == "__main__":
    main()
