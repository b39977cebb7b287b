"""A diffusion model as diffusers writes it into a folder: what is in it, whether it is safe to load, and its digest."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from blocks.models import hub

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

INDEX: Final = "model_index.json"
ADVICE: Final = "partsight.json"  # steps, guidance and size that those who made the model advise
LEFT_OUT: Final = frozenset({"safety_checker", "feature_extractor", "image_encoder"})  # never loaded
_CLASSES: Final = {
    "unet": {"UNet2DConditionModel"},
    "vae": {"AutoencoderKL", "AutoencoderTiny"},
    "text_encoder": {"CLIPTextModel"},
    "text_encoder_2": {"CLIPTextModelWithProjection"},
    "tokenizer": {"CLIPTokenizer", "CLIPTokenizerFast"},
    "tokenizer_2": {"CLIPTokenizer", "CLIPTokenizerFast"},
}
_NEEDED: Final = ("unet", "vae", "tokenizer", "scheduler")
_LIBRARIES: Final = {"diffusers", "transformers"}
_UNSAFE: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".msgpack", ".onnx")
_HALF: Final = "fp16"
_WEIGHTLESS: Final = ("tokenizer", "scheduler")
_WEIGHTS: Final = re.compile(r"(?:diffusion_pytorch_)?model(?:\.(?P<kind>fp16))?(?:-\d+-of-\d+)?\.safetensors")


def located(said: str, revision: str, ours: Path | None) -> Path:
    """The folder that `said` names: one on this machine, or a repository of the hub at a pinned revision."""
    if ours is not None:
        if not (ours / INDEX).is_file():
            raise ValueError(f"{said} is not part of this installation: name another model, or leave this stage out.")
        return ours
    if said.startswith(hub.PREFIX):
        repository, _, pinned = said.removeprefix(hub.PREFIX).partition("@")
        if not (pinned or revision):
            raise ValueError(f"Say which revision of {repository} is meant: {said}@ and a commit of the repository.")
        return _from_hub(repository, pinned or revision)
    folder = Path(said).expanduser()
    if folder.is_file():
        safe(folder)
        raise ValueError(f"{folder.name} is a single file; give a folder as diffusers writes it with save_pretrained.")
    if not folder.is_dir():
        raise ValueError(f"There is no model at {said}: give a folder, or hf-hub:owner/name@revision.")
    return folder


def index(folder: Path) -> dict[str, str]:
    """The parts of a pipeline with their classes, those that are loaded alone.

    Raises ValueError with a sentence when it is no Stable Diffusion or wants code of its own.
    """
    if not (folder / INDEX).is_file():
        raise ValueError(f"{folder} holds no diffusion model: {INDEX} is missing.")
    content = parsed(folder / INDEX)
    kind = str(content.get("_class_name", "?"))
    found: dict[str, str] = {}
    for name, said in content.items():
        if name.startswith("_") or name in LEFT_OUT or not isinstance(said, list) or said[0] is None:
            continue
        library, which = said
        if library not in _LIBRARIES:
            raise ValueError(f"{folder.name} wants code of its own for its {name} ({library}), and none is ever run.")
        if which not in _CLASSES.get(name, {which}) or (name not in _CLASSES and name != "scheduler"):
            raise ValueError(f"{folder.name} is a {kind} with a {which}; only Stable Diffusion 1, 2 and XL are known.")
        found[name] = which
    if missing := [name for name in _NEEDED if name not in found]:
        raise ValueError(
            f"{folder.name} is a {kind} without {missing[0]}; only Stable Diffusion 1, 2 and XL are known."
        )
    return found


def variant(folder: Path, parts: Mapping[str, str]) -> str:
    """Which kind of the weights is read: "fp16" where all parts have it, else the plain one.

    Raises ValueError when the weights of a part are missing or are no safetensors.
    """
    return preferred([folder / name for name in sorted(parts) if not name.startswith(_WEIGHTLESS)])


def preferred(folders: Sequence[Path]) -> str:
    """The kind of weights that all of the folders have: "fp16" sooner than the plain one.

    Raises ValueError with a sentence when there is none, or none that is safe to load.
    """
    kinds = [{_kind(path.name) for path in folder.glob("*.safetensors")} - {None} for folder in folders]
    for folder, found in zip(folders, kinds, strict=True):
        if not found:
            for unsafe in sorted(path for path in folder.glob("*") if path.suffix in _UNSAFE):
                safe(unsafe)
            raise ValueError(f"There are no weights in {folder}: a safetensors file is missing.")
    common = set[str | None].intersection(*kinds)
    if not common:
        raise ValueError(f"{folders[0].parent} has weights of two kinds: bring all parts in fp16, or all plain.")
    best = _HALF if _HALF in common else ""
    for path in (path for folder in folders for path in folder.glob("*.safetensors") if _kind(path.name) == best):
        shapes(path)
    return best


def safe(file: Path) -> None:
    """Refuse a file that is no safetensors file."""
    if file.suffix != ".safetensors":
        raise ValueError(f"{file.name} is not loaded: such a file can run code. Convert it to .safetensors first.")


def files(folder: Path, parts: Mapping[str, str], kind: str) -> tuple[Path, ...]:
    """Every file of a pipeline that decides its pictures."""
    own = [path for path in (folder / INDEX, folder / ADVICE) if path.is_file()]
    return (*own, *(path for name in sorted(parts) for path in component(folder / name, kind)))


def component(folder: Path, kind: str) -> tuple[Path, ...]:
    """Configuration, vocabulary and weights of one part."""
    found = [path for path in folder.iterdir() if path.suffix in {".json", ".txt"} or _kind(path.name) == kind]
    return tuple(sorted(found))


def width(folder: Path) -> int:
    """Width of the text that the UNet of a pipeline listens to."""
    return listens(parsed(folder / "unet" / "config.json"))


def listens(config: Mapping[str, Any]) -> int:
    """Width of the text that a UNet or a ControlNet of that configuration listens to."""
    said = config.get("cross_attention_dim") or 0
    return int(said if isinstance(said, int) else said[0])


def shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Shape of each weight in a safetensors file, read from its head alone.

    Raises ValueError with a sentence when the file is not whole, or stands for one that was never fetched.
    """
    with file.open("rb") as opened:
        start = opened.read(8)
        length = int.from_bytes(start, "little")
        size = file.stat().st_size
        try:
            head = json.loads(opened.read(length)) if len(start) == 8 and length < size else {}
            ends = [told["data_offsets"][1] for name, told in head.items() if name != "__metadata__"]
            found = {name: tuple(told["shape"]) for name, told in head.items() if name != "__metadata__"}
        except (ValueError, TypeError, KeyError, AttributeError):
            ends, found = [], {}
    if not ends or 8 + length + max(ends) != size:
        raise ValueError(f"{file.parent.name}/{file.name} is not a whole safetensors file: copy or fetch it again.")
    return found


def advice(folder: Path) -> dict[str, Any]:
    """What those who made the model advise, as far as they say."""
    return parsed(folder / ADVICE) if (folder / ADVICE).is_file() else {}


def parsed(path: Path) -> dict[str, Any]:
    """JSON of a configuration; raises ValueError with a sentence when there is none."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ValueError(f"{path} is missing: the folder is not whole.") from None
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error


def hashed(paths: Iterable[Path], *more: str) -> str:
    """Hash of the content of files and of `more`: 32 hex digits."""
    from blake3 import blake3

    whole = blake3()
    for path in paths:
        known = path.stat()
        whole.update(f"{path.parent.name}/{path.name} {_content(path, known.st_size, known.st_mtime_ns)}\n".encode())
    for text in more:
        whole.update(f"{text}\n".encode())
    return str(whole.hexdigest(length=16))


@lru_cache(maxsize=256)
def _content(path: Path, size: int, changed: int) -> str:
    """Hash of a file; weights have gigabytes, so one that has not changed is read once in a process."""
    from blake3 import blake3

    del size, changed
    return str(blake3(max_threads=blake3.AUTO).update_mmap(path).hexdigest(length=16))


def _from_hub(repository: str, revision: str) -> Path:
    """The folder of a repository: from the local cache when it is whole there, else fetched."""
    there = hub.cached(repository, revision)
    if there is not None:
        try:
            if (there / INDEX).is_file():
                variant(there, index(there))
            else:
                preferred([there])
        except ValueError:
            pass
        else:
            return there
    return hub.folder(repository, revision, _wanted)


def _wanted(names: Sequence[str]) -> list[str]:
    """The files of a repository that are fetched: configurations, and of each part's weights one kind."""
    plain = [name for name in names if name.endswith((".json", ".txt")) and name.count("/") <= 1]
    whole = INDEX in names
    found: dict[str, dict[str, list[str]]] = {}
    for name in names:
        folder, _, file = name.rpartition("/")
        kind = _kind(file)
        if kind is not None and folder not in LEFT_OUT and (not whole or folder):
            found.setdefault(folder, {}).setdefault(kind, []).append(name)
    best = _HALF if all(_HALF in kinds for kinds in found.values()) else ""
    return [*plain, *(name for kinds in found.values() for name in kinds.get(best, ()))]


def _kind(name: str) -> str | None:
    """Which kind of weights a file holds: "fp16", "" the plain ones; None: it holds none that are read."""
    found = _WEIGHTS.fullmatch(name)
    return (found["kind"] or "") if found else None
