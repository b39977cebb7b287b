"""The network that ships, in open_clip's form: its configuration, its vocabulary, and how its weights are written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from blocks import torchvision_ops
from tasks.embed import quiet
from tasks.generate import spoken
from tasks.records import generator
from tasks.training import vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tasks.training.library import Shelf

NAME: Final = "partsight-small"
CONTEXT: Final = 40  # words and pieces of words
CAPTIONS: Final = 3  # of each part, to learn the vocabulary from


def configured(shelf: Shelf, folder: Path) -> Path:
    """Configuration and vocabulary in `folder`, learned from the captions of `shelf` where they are not there yet."""
    config, words = folder / f"{NAME}.json", folder / f"{NAME}.bpe.txt.gz"
    if not (config.is_file() and words.is_file()):
        folder.mkdir(parents=True, exist_ok=True)
        rngs = [generator("vocabulary", turn) for turn in range(CAPTIONS)]
        captions = [spoken(*said, rng) for said in shelf.says for rng in rngs]
        count = vocabulary.write(vocabulary.learned(captions), words)
        config.write_text(json.dumps(_config(count), indent=2) + "\n", encoding="utf-8")
    return config


def _config(words: int) -> dict[str, Any]:
    """A small residual network of plain 3 x 3 convolutions, which processors do best; a small transformer for words."""
    return {
        "embed_dim": 256,
        "vision_cfg": {"image_size": 96, "timm_model_name": "resnet10t", "timm_pool": "avg", "timm_proj": "linear"},
        "text_cfg": {"context_length": CONTEXT, "vocab_size": words, "width": 128, "heads": 4, "layers": 3},
    }


def created(config: Path, seed: int) -> tuple[Any, Any]:
    """A fresh model of `config`, its weights drawn from `seed`, and its tokenizer."""
    torchvision_ops.declare()
    import open_clip
    import torch

    open_clip.add_model_config(config)
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = open_clip.create_model(config.stem, load_weights=False, pretrained_text=False)
    words = str(config.with_suffix(".bpe.txt.gz"))
    return model, open_clip.get_tokenizer(config.stem, bpe_path=words)


def write(weights: Mapping[str, Any], folder: Path) -> Path:
    """Write `weights` as half precision safetensors into `folder`; returns the file."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    small = {
        name: value.detach().cpu().to(torch.float16 if value.dtype.is_floating_point else value.dtype).contiguous()
        for name, value in weights.items()
    }
    file = folder / f"{NAME}.safetensors"
    save_file(small, file)
    return file


def released(folder: Path, out: Path) -> Path:
    """Copy weights, configuration and vocabulary from `folder` to `out`; returns the weights' file."""
    from shutil import copyfile

    out.mkdir(parents=True, exist_ok=True)
    for ending in (".json", ".bpe.txt.gz", ".safetensors"):
        copyfile(folder / f"{NAME}{ending}", out / f"{NAME}{ending}")
    return out / f"{NAME}.safetensors"
