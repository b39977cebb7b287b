"""Pictures to learn from: sound ones and faulty ones of made-up parts, beside what the CAD knows of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from tasks import codec
from tasks.augment import chain
from tasks.gate.colours import likely
from tasks.gate.training import faults
from tasks.gate.training.faults import Sitter, apart, filled, holes
from tasks.generate import families, specimen
from tasks.records import Bytes, Record, View, generator
from tasks.rig import MATERIALS
from tasks.training import chunks
from tasks.training.library import DRAWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tasks.render import Studio

PLANTED: Final = "faults-1"  # change it when the same seed gives another picture: the library is made anew
CHUNK: Final = 8  # sitters in a file
PLACES: Final = 16  # of the rig's cameras
OTHERWISE: Final = 0.4  # share of sitters whose pictures are of another material, in another light, than the view
CHAINS: Final = (
    (("wear", "background", "camera"), 0.55),
    (("background",), 0.12),
    (("wear", "camera"), 0.15),
    (("wear", "background", "occlude", "camera"), 0.18),
)
TURNED: Final = ("missing piece", "opened hole")  # what the picture lacks, or has, of a part that was changed
KINDS: Final = ("", *faults.FAULTS, *TURNED)
SEEN, DIFFERS, HIDDEN = 1, 2, 4  # bits of a pixel's truth

Key = tuple[str, int, int]  # family, series, place of the camera


class Shot(NamedTuple):
    """What is to be photographed: the view that the gate is told of, and what the picture shows instead."""

    kind: str
    shown: View
    view: View


class Book(Record):
    """What stands in the library: for each picture its chunk, its place there, its view's place there, and its kind.

    `kind` counts in KINDS, and `change` is the share of the part that differs.
    """

    chunk: Any
    place: Any
    view: Any
    kind: Any
    change: Any
    folder: Any

    def __len__(self) -> int:
        """How many pictures."""
        return len(self.chunk)

    def opened(self, what: str) -> list[Bytes]:
        """Memory maps of the chunks, uint8.

        They are "pictures" (n, s, s, 3), "truth" (n, s, s) bits, "colours" (n, s/2, s/2), and "views" (m, s, s, 8).
        """
        count = int(self.chunk.max()) + 1
        return [np.load(f"{chunks.stem(self.folder, index)}.{what}.npy", mmap_mode="r") for index in range(count)]


def planned(count: int, seed: int, *, first: int = 0) -> tuple[Key, ...]:
    """Sitters: parts of all families but the held-out ones, series from `first` on, each before one of its cameras."""
    names = [name for name, family in families().items() if not family.held_out]
    order = generator("sitters", seed).permutation(len(names))
    places = generator("places", seed, first).integers(PLACES, size=count)
    return tuple(
        (names[int(order[number % len(names)])], first + number // len(names), int(places[number]))
        for number in range(count)
    )


def stocked(folder: Path, keys: Sequence[Key], workers: int, advance: Callable[[int], None]) -> Book:
    """The library in `folder` with the pictures of `keys`; only what it lacks is made.

    `advance` is told of each chunk's pictures.
    """
    orders = [tuple(keys[start : start + CHUNK]) for start in range(0, len(keys), CHUNK)]
    said = chunks.stocked(folder, orders, _write, workers, advance, PLANTED, DRAWN)
    rows = [(index, place, *row) for index, one in enumerate(said) for place, row in enumerate(one["rows"])]
    chunk, place, view, kind, change = (np.array(column) for column in zip(*rows, strict=True))
    return Book(chunk=chunk, place=place, view=view, kind=kind, change=change, folder=folder)


def _write(stem: Path, order: Sequence[Key]) -> tuple[dict[str, Any], int]:
    from tasks.render import Studio

    studio = Studio(faults.SIZE)
    pictures, truth, colours = [], [], []
    views: list[Bytes] = []
    rows: list[tuple[int, int, float]] = []
    for key in order:
        for shot in shots(studio, tuple(key)):  # type: ignore[arg-type] # JSON has no tuples
            known = codec.packed(shot.view)
            at = next((n for n, one in enumerate(views) if np.array_equal(one, known)), len(views))
            if at == len(views):
                views.append(known)
            variant = _variant(shot, (*key, len(rows)))
            pictures.append(variant.image)
            truth.append(true(shot, variant))
            colours.append(likely(variant.image, shot.view.mask, truth[-1] & HIDDEN > 0))
            rows.append((at, KINDS.index(shot.kind), round(apart(shot.shown, shot.view).share, 5)))
    for what, some in (("pictures", pictures), ("truth", truth), ("colours", colours), ("views", views)):
        np.save(f"{stem}.{what}.npy", np.stack(some) if some else np.zeros(0, np.uint8))  # no draft was sound
    return {"rows": rows}, len(rows)


def shots(studio: Studio, key: Key) -> Iterator[Shot]:
    """What is photographed of one sitter: sound pictures, and each fault that it can have, once."""
    rng = generator("sitting", *key)
    look = {"material": str(rng.choice(sorted(MATERIALS))), "light": "other"} if rng.random() < OTHERWISE else {}
    try:
        family, series, place = key
        sitter = Sitter(studio, specimen(family, series, 0), place, **look)
    except ValueError:  # a family's draft that is not sound
        return
    view, shown = sitter.view, sitter.shown
    yield from [Shot("", shown, view)] * 3
    for fault in faults.FAULTS:
        planted = sitter.faulty(fault)
        if planted is not None:
            yield Shot(fault, planted, view)
    # the other way about: the CAD has what the picture lacks; and sound ones, so that such CAD is no sign of a fault
    if (flanged := sitter.flanged(plain=True)) is not None and (likeness := sitter.flanged()) is not None:
        yield Shot("missing piece", shown, flanged)
        yield Shot("", likeness, flanged)
    found = [hole for hole in holes(view.mask) if np.count_nonzero(hole) >= faults.LEAST_HOLE]
    if found:
        hole = found[int(rng.integers(len(found)))]
        yield Shot("opened hole", shown, filled(view, hole))
        yield Shot("", filled(shown, hole), filled(view, hole))


def _variant(shot: Shot, seed: object) -> View:
    """The picture: what is shown, through one of the chains of stages."""
    rng = generator("chain", seed)
    names = CHAINS[int(rng.choice(len(CHAINS), p=[share for _, share in CHAINS]))][0]
    return chain(names).variants(shot.shown, str(seed), 1)[0]


def true(shot: Shot, variant: View) -> Bytes:
    """Of each pixel: whether the part is seen there, whether it differs from the CAD, whether something hides it."""
    hidden = shot.shown.mask & ~variant.mask
    seen = shot.shown.mask & ~hidden
    differs = apart(shot.shown, shot.view).pixels & ~hidden
    bits = seen * SEEN + differs * DIFFERS + (hidden & shot.view.mask) * HIDDEN
    return np.asarray(bits, dtype=np.uint8)
