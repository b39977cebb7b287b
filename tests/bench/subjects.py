"""Who is asked: the classical baselines, a network that has learned nothing, and the model that ships."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import baselines
import numpy as np
from galleries import KEPT

from blocks import models
from blocks.customer import Embed
from tasks.codec import decode
from tasks.cutout import alone, look, silhouette, square
from tasks.embed import embedder, network
from tasks.records import bytes_id, content_id
from tasks.workshop import Workshop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

CHUNK = 64
RANDOM = "ViT-B/32 random"
SHIPPED = "shipped"
EXACT = "shipped, float32"
CUT = bytes_id(b"".join(Path(one.__file__).read_bytes() for one in (look, silhouette)))  # how an object is cut out
Progress = Callable[[str, int, int], None]


def classical(pictures: Sequence[bytes], advance: Progress) -> dict[str, Vectors]:
    """Vectors of all baselines, from the store where they are there."""
    return _stored(pictures, baselines.NAMES, baselines.described, advance)


def turned(queries: Sequence[bytes], advance: Progress) -> Vectors:
    """Vectors (n, angles, d) of the turned queries, from the store where they are there."""
    return _stored(queries, (baselines.TURNED,), baselines.turned, advance)[baselines.TURNED]


def _stored(
    pictures: Sequence[bytes],
    names: Sequence[str],
    describe: Callable[[Sequence[bytes]], dict[str, Vectors]],
    advance: Progress,
) -> dict[str, Vectors]:
    ids = [bytes_id(data) for data in pictures]
    files = {name: _file(ids, name, baselines.VERSION) for name in names}
    if not all(file.exists() for file in files.values()):
        made = _described(pictures, describe, advance)
        for name, file in files.items():
            _save(file, np.concatenate([some[name] for some in made]))
    return {name: np.load(file) for name, file in files.items()}


def _described(
    pictures: Sequence[bytes], describe: Callable[[Sequence[bytes]], dict[str, Vectors]], advance: Progress
) -> list[dict[str, Vectors]]:
    workers = os.cpu_count() or 1
    chunks = [pictures[start : start + CHUNK] for start in range(0, len(pictures), CHUNK)]
    made: list[dict[str, Vectors]] = []
    with Workshop(workers, describe, _lost) as workshop:
        for start in range(0, len(chunks), 4 * workers):
            advance("HOG and colours", start * CHUNK, len(pictures))
            made += workshop.make(chunks[start : start + 4 * workers])
    return made


def generic(pictures: Sequence[bytes], advance: Progress) -> Vectors:
    """Vectors of ViT-B/32 as it is before it is trained, from the store where they are there."""
    own = embedder(Embed(model="ViT-B-32", weights="random"))
    file = _file([bytes_id(data) for data in pictures], RANDOM, own.digest)
    if not file.exists():
        _save(file, _embedded(own.images, pictures, lambda done: advance(RANDOM, done, len(pictures))))
    return np.asarray(np.load(file), dtype=np.float32)


def shipped(weights: str, pictures: Sequence[bytes], advance: Progress, *, cut: bool = False) -> Vectors:
    """Vectors of the model that ships as the product makes them; never stored, for its code may change.

    `cut`: of the object in each picture, the second look that a search takes at a query.
    """
    own = embedder(Embed(weights=weights))

    def images(some: Sequence[Any]) -> Vectors:
        return own.images([alone(picture, own.side) for picture in some] if cut else some)

    return _embedded(images, pictures, lambda done: advance(SHIPPED, done, len(pictures)))


def exact(weights: str, pictures: Sequence[bytes], advance: Progress, *, cut: bool = False) -> Vectors:
    """Vectors of the same weights by open_clip's own way: its transform, its network, all in float32.

    From as many sides as the product looks from; `cut` as in `shipped`.
    """
    import torch
    from PIL import Image

    found = models.find(Embed().model, weights)
    file = _file([bytes_id(data) for data in pictures], EXACT, found.digest, str(found.turns), CUT if cut else "")
    if not file.exists():
        model = network(found)
        from open_clip.transform import PreprocessCfg, image_transform_v2  # importable from here on

        side = embedder(Embed(weights=weights)).side
        transform: Any = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)

        def look(picture: Any) -> Any:
            return alone(picture, side) if cut else square(picture)

        def images(some: Sequence[Any]) -> Vectors:
            with torch.inference_mode():
                ready = torch.stack([transform(Image.fromarray(look(picture))) for picture in some])
                turned = [model.encode_image(ready.rot90(turn, (2, 3)), normalize=True) for turn in range(found.turns)]
                mean: Vectors = torch.nn.functional.normalize(torch.stack(turned).mean(0), dim=-1).numpy()
                return mean

        _save(file, _embedded(images, pictures, lambda done: advance(EXACT, done, len(pictures))))
    return np.asarray(np.load(file), dtype=np.float32)


def _embedded(images: Callable[[Sequence[Any]], Vectors], pictures: Sequence[bytes], done: Any) -> Vectors:
    made = []
    for start in range(0, len(pictures), CHUNK):
        done(start)
        made.append(images([decode(data) for data in pictures[start : start + CHUNK]]))
    return np.concatenate(made)


def _file(ids: Sequence[str], *who: str) -> Path:
    return KEPT / "vectors" / f"{content_id(*who, *ids)}.npy"


def _save(file: Path, vectors: Vectors) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npy")
    np.save(part, vectors)
    part.rename(file)


def _lost(_: Sequence[bytes], reason: str) -> dict[str, Vectors]:
    raise SystemExit(f"a baseline failed: {reason}")
