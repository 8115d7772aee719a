"""Configurations of Hugging Face's text models without a download, for the scripts beside this one."""
import json
import pathlib
from unittest import mock

PUBLISHED = (pathlib.Path(__file__).resolve().parents[2] / "src" / "main" / "resources" / "org" / "clip4j" / "model" /
             "text_models.json")


def local(folder=None):
    """A context in which AutoConfig.from_pretrained takes config.json of a folder, or the published values that clip4j has."""
    from transformers import AutoConfig
    real = AutoConfig.from_pretrained

    def config(name, *args, **kwargs):
        here = folder and pathlib.Path(folder) / "config.json"
        values = json.loads(here.read_text()) if here and here.exists() else {}
        if "model_type" not in values or "vision_config" in values:
            published = json.loads(PUBLISHED.read_text())
            if str(name) not in published:
                return real(name, *args, **kwargs)
            values = published[str(name)]
        return AutoConfig.for_model(**{k: v for k, v in values.items() if k != "architectures"})
    return mock.patch.object(AutoConfig, "from_pretrained", config)
