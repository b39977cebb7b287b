"""What the learning looks at: buffers of a customer's parts from anywhere around them, and their own photographs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import Field

from tasks import codec
from tasks.cutout import alone
from tasks.records import Bytes, Part, Record, bytes_id, content_id, generator
from tasks.render import RENDERER
from tasks.rig import MATERIALS, roaming
from tasks.training.places import places
from tasks.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from blocks.models import Weights
    from tasks.tuning.course import Course

SIZE: Final = 112  # pixels of a buffer: a part fills it, networks look at no more of one part
PACE: Final = 80  # views that a core renders in a second, of parts of some thousand triangles
BYTES: Final = 6e9  # most that the buffers of all parts take
FEWEST: Final = 4  # views of each part
SCENES: Final = 48
OWN: Final = 0.6  # share of parts that are of their own material: what it is made of is not what it is
MIXED: Final = 0.5  # share of a part's photographs that are supplied ones, where there are some


class Sitter(Record):
    """A shape that is to be told from the others: `mesh` is its GLB, `scale` the mm in one of its units.

    `part` is the first of the parts that have it; `photographs` are encoded pictures of any of them.
    """

    part: Part
    mesh: bytes
    scale: float
    photographs: tuple[bytes, ...] = ()


class Order(Record):
    """A sitter to be rendered into `file` from so many sides."""

    sitter: Sitter
    file: Path
    views: int


class Sat(Record):
    """What came of an order: nothing, or why it failed."""

    part: Part
    failure: str = ""


class Shelf(Record):
    """What stands in the library: a file of buffers for each part, supplied photographs, and what is said of each."""

    parts: tuple[Part, ...]
    files: tuple[Path, ...]
    views: int = Field(ge=1, description="How many each file holds.")
    failures: tuple[str, ...] = Field((), description="A sentence for each part that cannot be rendered.")
    identity: str
    scenes: Any  # (n, 160, 160, 3) uint8 tensor
    photographs: Any  # {place: (k, SIZE, SIZE, 3) uint8}

    def buffers(self, place: int, numbers: Any) -> Bytes:
        """These of the views of a part, (k, 112, 112, 8) uint8.

        The file is open no longer than that: of ten thousand at once a process may not have as many.
        """
        return np.array(np.load(self.files[place], mmap_mode="r")[numbers])

    def said(self, model: Any, weights: Weights, device: str) -> Tensor | None:
        """What the model's own words say of each part, (parts, d) of unit length; None where nobody says anything."""
        import torch

        from tasks.embed import tokenizer

        told = [" ".join(filter(None, (part.name, part.description))) for part in self.parts]
        if not (weights.trained and weights.words) or len(set(told)) < 2:
            return None
        tokens = tokenizer(weights)(told)
        with torch.inference_mode():
            found = [model.encode_text(some, normalize=True).float() for some in tokens.split(256)]
        return torch.cat(found).clone().to(device)

    def with_photographs(self, pictures: Tensor, chosen: Any, rng: np.random.Generator) -> Tensor:
        """`pictures` (p * k, 3, s, s) of the parts `chosen` (p,), some of them replaced by supplied photographs."""
        import torch
        from torch.nn.functional import interpolate

        each, size = len(pictures) // len(chosen), pictures.shape[-1]
        for place, part in enumerate(chosen):
            supplied = self.photographs.get(int(part))
            if supplied is None:
                continue
            for number in range(place * each, place * each + each):
                if rng.random() < MIXED:
                    one = torch.from_numpy(supplied[int(rng.integers(len(supplied)))]).permute(2, 0, 1)[None].float()
                    one = interpolate(one / 255, size=(size, size), mode="bilinear", antialias=True)
                    pictures[number] = one.rot90(int(rng.integers(4)), (2, 3))[0].to(pictures.device)
        return pictures


def views(parts: int, course: Course, workers: int) -> int:
    """Views of each of so many parts: as many as there is time for, and room."""
    time = course.render_minutes * 60 * workers * PACE / max(parts, 1)
    room = BYTES / (max(parts, 1) * SIZE * SIZE * 8)
    return int(max(FEWEST, min(course.views, time, room)))


def fitting(sitters: Sequence[Sitter]) -> tuple[Sitter, ...]:
    """All `sitters`, or as many as there is room for, drawn by lot: the others are found as they were before."""
    most = int(BYTES / (FEWEST * SIZE * SIZE * 8))
    drawn = sorted(sitters, key=lambda one: content_id("sitter", one.part.geometry))[:most]
    return tuple(sorted(drawn, key=lambda one: one.part.number)) if len(drawn) < len(sitters) else tuple(sitters)


def stocked(
    folder: Path, sitters: Sequence[Sitter], course: Course, workers: int, told: Callable[[int], None]
) -> Shelf:
    """The library in `folder` with all `sitters`; only what it lacks is rendered. `told` hears of each part's views.

    Raises ValueError with a sentence when fewer than two parts can be rendered.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = views(len(sitters), course, workers)
    sitters = fitting(sitters)
    orders = [Order(sitter=one, file=folder / f"{_name(one, count)}.npy", views=count) for one in sitters]
    failures: dict[str, str] = {}
    missing = [order for order in orders if not order.file.is_file()]
    told(count * (len(orders) - len(missing)))
    with Workshop(workers, sat, lost) as workshop:
        for start in range(0, len(missing), 4 * workers):
            some = missing[start : start + 4 * workers]
            failures |= {one.part.number: one.failure for one in workshop.make(some) if one.failure}
            told(count * len(some))
    sound = [order for order in orders if order.sitter.part.number not in failures]
    if len(sound) < 2:
        raise ValueError(f"There is nothing to tell apart: {len(sound)} parts can be rendered.")
    made = {place: _photographs(order.sitter) for place, order in enumerate(sound) if order.sitter.photographs}
    scenes = places(SCENES, folder / "places.npy")
    import torch

    return Shelf(
        parts=tuple(order.sitter.part for order in sound),
        files=tuple(order.file for order in sound),
        views=count,
        failures=tuple(failures.values()),
        identity=content_id(
            "shelf", *(order.file.stem for order in sound), *(bytes_id(one.tobytes()) for one in made.values())
        ),
        scenes=torch.from_numpy(np.array(scenes)),
        photographs=made,
    )


def sat(order: Order) -> Sat:
    """Render a part; never raises for one that cannot be rendered. Runs in a worker process."""
    from tasks.geometry import load
    from tasks.render import Studio

    part = order.sitter.part
    try:
        vertices, faces = load(order.sitter.mesh)
        vertices = vertices * order.sitter.scale
        stands = dict(enumerate(roaming(vertices, order.views, SIZE, ("tuning", part.geometry))))
        rng = generator("tuning material", part.geometry)
        dressed = part if rng.random() < OWN else part.replace(material=str(rng.choice(sorted(MATERIALS))))
        taken = Studio(SIZE).taken(vertices, faces, dressed, stands, part.geometry)
        buffers = np.stack([codec.packed(view) for _, view in taken])
    except Exception as error:  # noqa: BLE001 - one mesh that trips a library costs its part, not the learning
        return lost(order, str(error))
    unfinished = order.file.with_suffix(".new.npy")
    np.save(unfinished, buffers)
    unfinished.rename(order.file)
    return Sat(part=part)


def lost(order: Order, reason: str) -> Sat:
    """What came of an order that failed."""
    return Sat(part=order.sitter.part, failure=f"{order.sitter.part.number} is not learned: {reason}")


def _name(sitter: Sitter, count: int) -> str:
    """What a part's file depends on."""
    return content_id("buffers", sitter.part.geometry, sitter.part.material, RENDERER, count, SIZE)


def _photographs(sitter: Sitter) -> Bytes:
    """The supplied photographs of a part, each cut out and laid on the backdrop, (k, SIZE, SIZE, 3) uint8."""
    pictures = [codec.decode(one) for one in sitter.photographs]
    return np.stack([alone(picture, SIZE) for picture in pictures])
