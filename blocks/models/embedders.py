"""Which model embeds: an open_clip name and its weights, found, pinned and named without loading them."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from blocks.models import hub
from blocks.tables import vectors_table

SHIPPED: Final = "partsight-small"
RANDOM: Final = "random"
_FOLDER: Final = Path(__file__).parent.parent / "weights"
_HUB: Final = "hf-hub:"
_HUB_CONFIG: Final = "open_clip_config.json"
_HUB_WEIGHTS: Final = "open_clip_model.safetensors"


class Weights(BaseModel):
    """A model that is ready to be loaded, and by what name and digest its vectors are known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name that people see; it says random where the weights are.")
    digest: str = Field(description="Hash of the weights and of the configuration, 32 hex digits.")
    dimension: int = Field(ge=1, description="Length of a vector.")
    trained: bool = Field(description="Whether anything was learned; random weights know no words.")
    architecture: str = Field(description="Name by which open_clip makes the network.")
    config: Path | None = Field(None, description="Configuration that open_clip has to be told of first.")
    file: Path | None = Field(None, description="Weights as a safetensors file; none when they are random.")
    vocabulary: Path | None = Field(None, description="Own vocabulary of the text side.")
    preprocess: dict[str, Any] = Field({}, description="Preprocessing that came with the weights.")
    quick_gelu: bool = Field(False, description="Whether the weights were trained with QuickGELU.")
    words: bool = Field(True, description="Whether its text side was trained, where anything was.")
    tuned: str = Field("", description="Digest of the tensors that a customer's parts taught it, laid over the others.")

    @property
    def turns(self) -> int:
        """From how many sides a picture is looked at, its vectors averaged: what ships knows no up."""
        return 4 if self.architecture == SHIPPED else 1

    @property
    def table(self) -> str:
        """Name of the table that holds its vectors; other weights under the same name have another."""
        return vectors_table(f"{self.name} {self.digest[:8]}")


def find(model: str, weights: str = "") -> Weights:
    """The weights that `model` and `weights` name; downloads them from the hub when they are a tag.

    `model` is the model that ships, an open_clip name, or "hf-hub:owner/name[@revision]". `weights` is an
    open_clip tag ("tag[@revision]"), a safetensors path, "random", or empty: what ships, or what the hub has.
    Raises ValueError with a sentence when the model does not exist, is not there, or is not safe to load.
    """
    if model.startswith(_HUB):
        return _from_hub(model)
    if _is_path(weights):
        return _from_file(model, Path(weights).expanduser())
    if weights == RANDOM:
        return _random(model)
    if model == SHIPPED and not weights:
        return _from_file(SHIPPED, _FOLDER / f"{SHIPPED}.safetensors").model_copy(update={"name": SHIPPED})
    return _from_tag(model, weights)


def tuned(base: Weights, digest: str) -> Weights:
    """`base` with the tensors of that digest laid over its own: another model, with vectors of its own."""
    return base.model_copy(
        update={
            "name": f"{base.name} tuned",
            "digest": _hash("tuned", base.digest, digest),
            "trained": True,
            "words": base.trained and base.words,
            "tuned": digest,
        }
    )


def _random(model: str) -> Weights:
    """The network of `model` with numbers drawn by chance, always the same: what its form alone is worth."""
    from importlib.metadata import version

    own = _FOLDER / f"{SHIPPED}.json" if model == SHIPPED else None
    config = _parsed(own) if own else _config(model)
    return Weights(
        name=f"{model}-{RANDOM}",
        digest=_hash(RANDOM, json.dumps(config, sort_keys=True), version("torch"), version("open_clip_torch")),
        dimension=config["embed_dim"],
        trained=False,
        architecture=model,
        config=own,
        vocabulary=_FOLDER / f"{SHIPPED}.bpe.txt.gz" if own else None,
    )


def _from_file(model: str, file: Path) -> Weights:
    if file.suffix != ".safetensors":
        raise ValueError(f"{file.name} is not loaded: such a file can run code. Convert it to .safetensors first.")
    if not file.is_file():
        raise ValueError(f"There are no weights at {file}: give the path of a safetensors file.")
    own, hub, vocabulary = file.with_suffix(".json"), file.parent / _HUB_CONFIG, file.with_suffix(".bpe.txt.gz")
    if model == SHIPPED and not own.is_file():
        own, vocabulary = _FOLDER / f"{SHIPPED}.json", _FOLDER / f"{SHIPPED}.bpe.txt.gz"
    found: dict[str, Any] = {"name": f"{model}/{file.stem}", "architecture": model}
    if own.is_file():
        config = _parsed(own)
        found |= {"architecture": own.stem, "config": own}
    elif hub.is_file():
        config = _parsed(hub).get("model_cfg", {})
        found |= {"architecture": f"local-dir:{file.parent}", "preprocess": _parsed(hub).get("preprocess_cfg", {})}
    else:
        config = _config(model)
    if "embed_dim" not in config:
        raise ValueError(f"The configuration beside {file.name} is not one of open_clip's: it has no embed_dim.")
    return Weights(
        digest=_digest(file, json.dumps([config, found.get("preprocess")], sort_keys=True)),
        dimension=config["embed_dim"],
        trained=True,
        file=file,
        vocabulary=vocabulary if vocabulary.is_file() else None,
        **found,
    )


def _from_tag(model: str, weights: str) -> Weights:
    from blocks import torchvision_ops

    config = _config(model)
    torchvision_ops.declare()
    import open_clip

    tag, _, revision = weights.partition("@")
    known = open_clip.list_pretrained_tags_by_model(model)
    pinned = open_clip.get_pretrained_cfg(model, tag) if tag else {}
    if not pinned:
        what = f"{model} has no weights called {tag!r}" if tag else f"{model} needs weights"
        raise ValueError(f"{what}: give a safetensors file, or one of {', '.join(known[:8]) or 'no known tag'}.")
    owner, _, name = str(pinned.get("hf_hub", "")).rpartition("/")
    if not owner:
        raise ValueError(f"{model} with {tag} is not published as safetensors, and nothing else is loaded.")
    file = hub.file(owner, re.sub(r"\.(bin|pth?)$", ".safetensors", name) or _HUB_WEIGHTS, revision)
    _check_text_side(config)
    keys = ("mean", "std", "interpolation", "resize_mode", "fill_color")
    return Weights(
        name=f"{model}/{tag}",
        digest=_digest(file, json.dumps([config, pinned], sort_keys=True)),
        dimension=config["embed_dim"],
        trained=True,
        architecture=model,
        file=file,
        preprocess={key: pinned[key] for key in keys if pinned.get(key) is not None},
        quick_gelu=bool(pinned.get("quick_gelu")),
    )


def _from_hub(model: str) -> Weights:
    repository, _, revision = model.removeprefix(_HUB).partition("@")
    config = hub.file(repository, _HUB_CONFIG, revision)
    file = hub.file(repository, _HUB_WEIGHTS, revision)
    found = _from_file(model, file)  # both lie in one snapshot folder, like any folder of the customer's
    _check_text_side(_parsed(config)["model_cfg"])
    return found.model_copy(update={"name": repository})


def _check_text_side(config: dict[str, Any]) -> None:
    """Fetch, or miss with a sentence, what a text side from the hub reads while it is made."""
    text = config["text_cfg"]
    for repository in {text.get("hf_model_name"), text.get("hf_tokenizer_name")} - {None, ""}:
        hub.file(repository, "config.json" if repository == text.get("hf_model_name") else "tokenizer_config.json", "")


def _config(model: str) -> dict[str, Any]:
    """open_clip's own configuration of `model`, read without importing it (that takes seconds)."""
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise ValueError("open_clip is not installed; install the project with `pip install -e .`.")
    folder = Path(spec.origin).parent / "model_configs"
    names = sorted(path.stem for path in folder.glob("*.json"))
    if model not in names:
        from difflib import get_close_matches

        close = ", ".join(get_close_matches(model, [SHIPPED, *names], n=3, cutoff=0.4))
        raise ValueError(f"There is no open_clip model called {model!r}; did you mean {close or SHIPPED}?")
    return dict(json.loads((folder / f"{model}.json").read_text(encoding="utf-8")))


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error


def _is_path(weights: str) -> bool:
    return "/" in weights or Path(weights).suffix in {".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".npz"}


def _digest(file: Path, config: str) -> str:
    from blake3 import blake3

    return str(blake3(config.encode()).update_mmap(file).hexdigest(length=16))


def _hash(*parts: str) -> str:
    from blake3 import blake3

    return str(blake3("\0".join(parts).encode()).hexdigest(length=16))
