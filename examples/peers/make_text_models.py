#!/usr/bin/env python3
"""Makes the golden cases of text models that are published by themselves, beside an OpenCLIP image model.

    python make_text_models.py OUT [NAME...] [--mclip DIR] [--seed 0]

OUT/NAME holds OpenCLIP's checkpoint of the image model, the text model's own folder in `text`, case.json, and
expected.safetensors with inputs, features, the gradients of one step, five losses and the parameters after them, as
make_timm_vit.py has them, under OpenCLIP's names. The text model is computed by its publisher's code: --mclip is a clone of
FreddeFrallan/Multilingual-CLIP; sentence-transformers is installed. Dropout is off.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
from unittest import mock

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import open_clip
import torch
from open_clip.model import CLIP
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModel, PreTrainedModel

from make_text_encoders import BERT, ROBERTA, features, save, texts
from make_timm_vit import randomise, train

WIDTH = 24
IMAGES = {"embed_dim": 20, "vision_cfg": dict(image_size=32, layers=1, width=16, head_width=8, patch_size=8),
          "text_cfg": dict(context_length=8, vocab_size=50, width=16, heads=1, layers=1)}
SMALL = dict(vocab_size=60, hidden_size=WIDTH, num_attention_heads=2, intermediate_size=40)
XLMR = dict(ROBERTA, model_type="xlm-roberta", **SMALL)
DISTILBERT = dict(model_type="distilbert", vocab_size=60, dim=WIDTH, n_layers=2, n_heads=2, hidden_dim=40,
                  max_position_embeddings=24, pad_token_id=0, activation="gelu", dropout=0.0, attention_dropout=0.0,
                  sinusoidal_pos_embds=False)


class Beside(torch.nn.Module):
    """An image model with another text model, and OpenCLIP's methods."""

    def __init__(self, images, text, pad):
        super().__init__()
        self.images, self.text, self.pad = images, text, pad

    @property
    def logit_scale(self):
        return self.images.logit_scale

    def encode_image(self, pixels, normalize=False):
        return self.images.encode_image(pixels, normalize=normalize)

    def encode_text(self, ids, normalize=False):
        x = self.texts(ids, (ids != self.pad).long())
        return torch.nn.functional.normalize(x, dim=-1) if normalize else x

    def named_parameters(self, *args, **kwargs):
        own = set("visual." + n for n, _ in self.images.visual.named_parameters()) | {"logit_scale"}
        for name, p in self.images.named_parameters():
            if name in own:
                yield name, p
        for name, p in self.text.named_parameters():
            if self.name(name):
                yield self.name(name), p


class MClip(Beside):
    @staticmethod
    def name(stored):
        if ".pooler." in stored:
            return None
        return "text." + stored.replace("LinearTransformation.", "proj.")

    def texts(self, ids, mask):
        class Batch(dict):
            pass
        return self.text("", lambda text, **kwargs: Batch(input_ids=ids, attention_mask=mask))


class SentenceTransformer(Beside):
    @staticmethod
    def name(stored):
        if ".pooler." in stored:
            return None
        return {"0": "text.transformer.", "2": "text."}[stored[0]] + stored[2:].replace(
            "auto_model.", "").replace("model.", "", 1).replace("linear.", "proj.")

    def texts(self, ids, mask):
        return self.text({"input_ids": ids, "attention_mask": mask})["sentence_embedding"]


def published_class(clone):
    """M-CLIP's class as it is published, whose constructor asks for weights."""
    import types
    for name in ("Config_MCLIP", "pt_multilingual_clip"):
        source = subprocess.run(["git", "-C", clone, "show", f"HEAD:multilingual_clip/{name}.py"], capture_output=True,
                                text=True, check=True).stdout
        module = types.ModuleType("multilingual_clip." + name)
        package = sys.modules.setdefault("multilingual_clip", types.ModuleType("multilingual_clip"))
        sys.modules[module.__name__] = module
        setattr(package, name, module)
        exec(source, module.__dict__)
    return module.MultilingualCLIP, sys.modules["multilingual_clip.Config_MCLIP"].MCLIPConfig


def make_mclip(folder, images, gen, clone):
    kind, config_kind = published_class(clone)
    (folder / "text" / "small-xlmr").mkdir(parents=True)
    (folder / "text" / "small-xlmr" / "config.json").write_text(json.dumps(XLMR, indent=2) + "\n")
    config = {"modelBase": "small-xlmr", "transformerDimensions": WIDTH, "numDims": 20}
    local = AutoConfig.for_model(**XLMR)
    with mock.patch.object(AutoModel, "from_pretrained", lambda name, **kwargs: AutoModel.from_config(local)):
        model_config = config_kind()
        model_config.__dict__.update(config)
        text = kind(model_config)
    model = MClip(images, randomise(text, gen), 1)
    torch.save({**text.state_dict(), "transformer.embeddings.position_ids": torch.arange(24)[None]},
               folder / "text" / "pytorch_model.bin")
    (folder / "text" / "config.json").write_text(json.dumps({"architectures": ["MultilingualCLIP"], "model_type": "M-CLIP",
                                                            **config}, indent=2) + "\n")
    return model, XLMR, "M-CLIP's kind: the mean of an XLM-RoBERTa's tokens and a linear map with bias"


def make_sentences(folder, images, gen, base, modes, bias, about):
    from sentence_transformers.sentence_transformer.modules import Pooling
    from sentence_transformers.base.modules.dense import Dense
    inner = AutoModel.from_config(AutoConfig.for_model(**base))

    class Transformer(torch.nn.Module):
        """sentence-transformers' own asks for a tokenizer."""

        def __init__(self):
            super().__init__()
            self.model = inner

        def forward(self, features):
            features["token_embeddings"] = self.model(**features).last_hidden_state
            return features
    pooling = Pooling(WIDTH, pooling_mode=modes)
    dense = Dense(WIDTH, 20, bias=bias, activation_function=torch.nn.Identity())
    text = torch.nn.Sequential(Transformer(), pooling, dense)
    model = SentenceTransformer(images, randomise(text, gen), base["pad_token_id"])
    out = folder / "text"
    (out / "1_Pooling").mkdir(parents=True)
    (out / "2_Dense").mkdir()
    inner.save_pretrained(out)
    (out / "config.json").write_text(json.dumps(base, indent=2) + "\n")
    pooling.save(str(out / "1_Pooling"))
    if modes == "mean":  # as the published files are
        (out / "1_Pooling" / "config.json").write_text(json.dumps({
            "word_embedding_dimension": WIDTH, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False}) + "\n")
    dense.save(str(out / "2_Dense"))
    (out / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 16, "do_lower_case": False}) + "\n")
    names = ["sentence_transformers.models." + kind for kind in ("Transformer", "Pooling", "Dense")]
    (out / "modules.json").write_text(json.dumps([
        {"idx": i, "name": str(i), "path": path, "type": kind} for i, (path, kind) in enumerate(
            zip(("", "1_Pooling", "2_Dense"), names))], indent=2) + "\n")
    return model, base, about


CASES = {
    "mclip": lambda folder, images, gen, args: make_mclip(folder, images, gen, args.mclip),
    "sentences-distilbert": lambda folder, images, gen, args: make_sentences(
        folder, images, gen, DISTILBERT, "mean", False,
        "clip-ViT-B-32-multilingual-v1's kind: the mean of a DistilBERT's tokens and a linear map"),
    "sentences-bert-last": lambda folder, images, gen, args: make_sentences(
        folder, images, gen, dict(BERT, **SMALL), "lasttoken", True, "a BERT's last token and a linear map with bias"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--mclip", default="Multilingual-CLIP")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for name, make in CASES.items():
        if args.names and name not in args.names:
            continue
        folder = args.out / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        gen = torch.Generator().manual_seed(args.seed)
        images = randomise(CLIP(**IMAGES), gen)
        save_file({k: v.clone().contiguous() for k, v in images.state_dict().items()}, folder / "open_clip_model.safetensors")
        (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": IMAGES, "preprocess_cfg": {
            "mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, "interpolation": "bicubic",
            "resize_mode": "shortest"}}, indent=2) + "\n")
        model, base, about = make(folder, images, gen, args)
        pixels = torch.randn(4, 3, 32, 32, generator=gen)
        ids = texts(gen, base["vocab_size"], base["pad_token_id"])
        out = features(model, pixels, ids)
        train(model, pixels, ids, out)
        save(folder, "the text model's own library", about, out)
        case = json.loads((folder / "case.json").read_text())
        (folder / "case.json").write_text(json.dumps({**case, "text_model": "text"}, indent=2) + "\n")


if __name__ == "__main__":
    main()
