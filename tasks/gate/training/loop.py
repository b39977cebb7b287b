"""What the gate's network learns: where the part is seen, where that differs from its CAD, and whether it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.gate import sight
from tasks.gate.training.library import DIFFERS, HIDDEN, KINDS, PLANTED, SEEN
from tasks.records import Bytes, Record, content_id, generator
from tasks.training.learner import Learner
from tasks.training.library import DRAWN

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from tasks.gate.training.course import Course
    from tasks.gate.training.library import Book
    from tasks.training.learner import Losses

NAME: Final = "gate"
FILE: Final = sight.WEIGHTS.name
WHOLE: Final = 0.5  # weight of the verdict on the whole picture, against each of the two maps
RARE: Final = 3.0  # how much more a cell counts that differs: there are few
VISIBLE: Final = 0.03  # share of the part below which a sibling is neither a fault nor none
SOUND: Final = 0.5  # share of a batch without fault
FAINT: Final = 0.15  # how far each colour is changed at most, and all together by twice as much


class Batch(Record):
    """Pictures to learn from; `given` (n, 13, s, s), `truth` (n, 2, s/4, s/4), `fault` and `counts` (n,) floats."""

    given: Any
    truth: Any
    fault: Any
    counts: Any


class Lessons:
    """The training of the network on the pictures of `book`."""

    def __init__(self, book: Book, course: Course, folder: Path) -> None:
        self._book, self._course = book, course
        self._pages = {what: book.opened(what) for what in ("pictures", "truth", "colours", "views")}
        self._sound = np.flatnonzero(book.kind == 0)
        self._faulty = [np.flatnonzero(book.kind == kind) for kind in range(1, len(KINDS))]
        self._faulty = [some for some in self._faulty if len(some)]
        identity = content_id(course.seed, sight.WIDTHS, sight.CHANNELS, PLANTED, DRAWN)
        self.learner = Learner(NAME, {"sight": sight.created(course.seed)}, course.pace, folder, identity=identity)

    def losses(self, step: int) -> Losses:
        """How far the network is from the truth, at `step`."""
        rng = generator("gate", self._course.seed, step)
        return losses(self.learner.networks["sight"], self.batch(self._drawn(rng), rng))

    def _drawn(self, rng: np.random.Generator) -> list[int]:
        """Places of a batch: sound pictures and all kinds of faults, as many of each."""
        count = self._course.pace.batch
        sound = round(SOUND * count)
        first = int(rng.integers(len(self._faulty)))
        found = [int(rng.choice(self._sound)) for _ in range(sound)]
        kinds = (self._faulty[(first + at) % len(self._faulty)] for at in range(count - sound))
        return found + [int(rng.choice(kind)) for kind in kinds]

    def batch(self, places: list[int], rng: np.random.Generator | None = None) -> Batch:
        """The pictures at `places` of the book; with `rng` turned, mirrored, and in other colours."""
        import torch

        pages: list[tuple[Any, ...]] = []
        for place in places:
            chunk, at = int(self._book.chunk[place]), int(self._book.place[place])
            picture, truth, colours = (self._pages[what][chunk][at] for what in ("pictures", "truth", "colours"))
            view = self._pages["views"][chunk][int(self._book.view[place])]
            if rng is not None:
                turn = int(rng.integers(4)), bool(rng.random() < 0.5)
                picture, truth, colours = (_turned(one, *turn) for one in (tinted(picture, rng), truth, colours))
                view = turned(view, *turn)
            pages.append((picture, view, truth, colours))
        pictures, views, truth, colours = (np.stack(some) for some in zip(*pages, strict=True))
        hidden = (truth & HIDDEN > 0).astype(np.uint8) * 255
        kind, counts = self._book.kind[places], told_apart(self._book, VISIBLE)[places]
        device = self.learner.device
        return Batch(
            given=sight.stacked(pictures, views, hidden, colours).to(device),
            truth=_cells(np.stack([truth & SEEN > 0, truth & DIFFERS > 0], axis=1)).to(device),
            fault=torch.from_numpy((kind > 0).astype(np.float32)).to(device),
            counts=torch.from_numpy(counts.astype(np.float32)).to(device),
        )


def told_apart(book: Book, least: float) -> Any:
    """Which pictures (n,) show for certain what they are said to show: of siblings those that differ by so much."""
    return (book.kind != KINDS.index("sibling")) | (book.change >= least)


def losses(network: Any, batch: Batch) -> Losses:
    """How far `network` is from the truth of `batch`."""
    from torch.nn.functional import binary_cross_entropy_with_logits as apart

    maps, fault = network(batch.given)
    part, differs = batch.truth.unbind(1)
    seen = apart(maps[:, 0].float(), part)
    other = apart(maps[:, 1].float(), differs, weight=1 + RARE * differs)
    each = apart(fault.float(), batch.fault, reduction="none") * batch.counts
    whole = each.sum() / batch.counts.sum().clamp_min(1)
    return {"loss": seen + other + WHOLE * whole, "seen": seen, "differs": other, "whole": whole}


def exam(network: Any, lessons: Lessons, *, most: float = 0.05) -> dict[str, float]:
    """Shares of faults that are caught where `most` of the sound pictures of `lessons`' book are rejected, by kind."""
    import torch

    book, found = lessons._book, []  # noqa: SLF001 # one of the two looks into the other's pages
    with torch.inference_mode():
        for start in range(0, len(book), 32):
            batch = lessons.batch(list(range(start, min(start + 32, len(book)))))
            found.append(network(batch.given)[1].float().cpu().numpy())
    fault = np.concatenate(found)
    limit = float(np.quantile(fault[book.kind == 0], 1 - most))
    visible = (book.kind > 0) & told_apart(book, 0.05)
    caught = {
        name: float((fault[visible & (book.kind == kind)] > limit).mean())
        for kind, name in enumerate(KINDS)
        if (visible & (book.kind == kind)).any()
    }
    return {"limit": limit, "caught": float((fault[visible] > limit).mean()), **caught}


def write(network: Any, file: Path) -> Path:
    """Write the weights of `network` in half precision; returns the file."""
    import torch
    from safetensors.torch import save_file

    weights = {
        name: value.detach().cpu().to(torch.float16).contiguous() for name, value in network.state_dict().items()
    }
    save_file(weights, file)
    return file


def turned(view: Bytes, quarters: int, mirrored: bool) -> Bytes:  # as drawn
    """A packed view (s, s, 8), turned counter-clockwise and then mirrored: its normals turn along."""
    found: Bytes = _turned(view, quarters, mirrored).copy()
    x, y = (found[..., at].astype(np.int16) - 128 for at in (4, 5))
    for _ in range(quarters):
        x, y = -y, x
    if mirrored:
        x = -x
    part = found[..., 3] > 0
    found[..., 4], found[..., 5] = (np.where(part, np.clip(value + 128, 0, 255), 128) for value in (x, y))
    return found


def _turned(pixels: Any, quarters: int, mirrored: bool) -> Any:
    found = np.rot90(pixels, quarters)
    return found[:, ::-1] if mirrored else found


def tinted(picture: Bytes, rng: np.random.Generator) -> Bytes:
    """The picture (s, s, 3), a little brighter or darker, and in slightly other colours."""
    light = 1 + rng.uniform(-2 * FAINT, 2 * FAINT) + rng.uniform(-FAINT, FAINT, 3)
    return np.asarray(np.clip(picture * light.astype(np.float32), 0, 255), dtype=np.uint8)


def _cells(truth: Any) -> Tensor:
    """Bits (n, c, s, s) as shares of the network's cells, (n, c, s/4, s/4) float32."""
    import torch
    from torch.nn.functional import avg_pool2d

    return avg_pool2d(torch.from_numpy(truth).float(), sight.GRAIN)
