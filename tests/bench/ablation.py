"""What each ingredient of a search gives: cut-out, masking, sides, tuning, templates, their fusion, several pictures.

Each way of looking scores every part for every query. The catalogue is tuned by `partsight adapt` itself, in as many
minutes as are given; a catalogue that is tuned already is not tuned again. The last way is the search as it ships.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import galleries
import numpy as np

from blocks.customer import Embed
from tasks import score
from tasks.cutout import alone, cropped, cut, windows
from tasks.cutout.classic import MARGIN, piece
from tasks.cutout.silhouette import SURE
from tasks.embed import embedder
from tasks.score import Ranking
from tasks.templates import fusion
from tasks.templates.features import asked as described
from tasks.templates.match import compared
from tasks.templates.plates import read
from tasks.templates.projection import projection
from tasks.tuning import shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from galleries import Gallery
    from numpy.typing import NDArray

    from tasks.embed import Embedder
    from tasks.queries import Query
    from tasks.records import Bytes

    Scores = NDArray[np.float32]

SIDE = 96  # pixels of a picture that is cut out: those of the model that ships
TWINS = 0.985  # how alike two parts are, view by view, that no picture can tell apart: what a byte a number loses
PLACES = ("photo", "photoreal")  # makers of the pictures that are asked with; the index's own renderer flatters

BEFORE = "untuned: whole, cut by colour"
CLOSE = "untuned: cut out"
MASKED = "untuned: cut out, masked"
SHIPPED = "untuned: whole, cut out and masked"
ONE_SIDE = "tuned: cut out, masked"
SIDES = "tuned: and from four sides"
CLASSICAL = "templates: cut by colour"
SHAPES = "templates: cut out"
UNTUNED = "untuned and templates"
EVERYTHING = "tuned and templates"
WAYS = (BEFORE, CLOSE, MASKED, SHIPPED, ONE_SIDE, SIDES, CLASSICAL, SHAPES, UNTUNED, EVERYTHING)
FUSED = {UNTUNED: (SHIPPED, SHAPES), EVERYTHING: (SIDES, SHAPES)}
PAIRS = (  # (what it is, without, with)
    ("the cut-out, for templates", CLASSICAL, SHAPES),
    ("the cut-out, for the embedding", BEFORE, SHIPPED),
    ("masking", CLOSE, MASKED),
    ("the whole picture beside it", MASKED, SHIPPED),
    ("tuning", SHIPPED, SIDES),
    ("four sides", ONE_SIDE, SIDES),
    ("templates, untuned", SHIPPED, UNTUNED),
    ("templates, tuned", SIDES, EVERYTHING),
    ("tuning, with templates", UNTUNED, EVERYTHING),
    ("the embedding beside templates", SHAPES, EVERYTHING),
)


def tuned(gallery: Gallery, minutes: float) -> dict[str, Any]:
    """Tune the catalogue, unless it was tuned so long before; returns what is known of the weights."""
    live = gallery.catalogue.served().embed
    known = shelf.card(gallery.catalogue, live.digest) if live and live.digest else None
    if known is None or known.course["minutes"] != minutes:
        file = str(galleries.KEPT / f"{gallery.customer.slug}.yaml")
        told = galleries.asked("adapt", file, "--minutes", str(minutes), "--even-if-worse")
        return {name: told[name] for name in ("weights", "minutes", "parts", "seconds")}
    return {"weights": known.digest, "minutes": known.minutes, "parts": known.parts}


class Ablation:
    """The questions about a gallery, looked at in all ways; `step` is told how far it is."""

    def __init__(self, gallery: Gallery, asked: Sequence[Query], step: Callable[[str, int, int], None]) -> None:
        self.gallery = gallery
        self.asked = [query for query in asked if query.renderer in PLACES]
        self.parts = list(gallery.parts)
        self._step = step
        self._pictures = [query.pixels for query in self.asked]
        self._cuts = [self._told("cut out", place, cut(one).mask) for place, one in enumerate(self._pictures)]

    def measured(self) -> dict[str, Any]:
        """Figures of all ways by who made the pictures and how difficult they are; and of several pictures at once."""
        ways = self.ways()
        cells: dict[str, Any] = {}
        for cell in sorted({(query.renderer, query.difficulty) for query in self.asked}):
            rows = [place for place, one in enumerate(self.asked) if (one.renderer, one.difficulty) == cell]
            cells[" ".join(cell)] = {name: self._figures(self.rankings(some, rows)) for name, some in ways.items()}
            cells[" ".join(cell)] |= {"gains": self._gains(ways, rows)}
        for renderer in sorted({query.renderer for query in self.asked}):
            name = f"{renderer}, all pictures of a part"
            cells[name] = {way: self._figures(self._together(ways, way, renderer)) for way in ways}
        return {"cells": cells, "twins": [sorted(some) for some in self.groups if len(some) > 1]}

    def ways(self) -> dict[str, Scores]:
        """Scores (queries, parts) by the name of the way."""
        own, mine = embedder(Embed()), self.embedder
        shipped, index = self._index(own), self._index(mine)
        boxes = [self._boxed(place) for place in range(len(self.asked))]
        masked = [alone(one, SIDE) for one in self._pictures]
        plain = [look for one in self._pictures for look in (one, cropped(one)[0])]
        found = {
            BEFORE: self._best(own.images(plain).reshape(len(masked), 2, -1), shipped),
            CLOSE: self._best(own.images(boxes)[:, None], shipped),
            MASKED: self._best(own.images(masked)[:, None], shipped),
            SHIPPED: self._best(own.looks(self._pictures), shipped),
            ONE_SIDE: self._best(_one_side(mine, masked)[:, None], index),
            SIDES: self._best(mine.looks(self._pictures), index),
            CLASSICAL: self._shapes([_by_colour(one) for one in self._pictures]),
            SHAPES: self._shapes(self._cuts),
        }
        return found | {way: _fused(*(found[one] for one in both)) for way, both in FUSED.items()}

    @cached_property
    def embedder(self) -> Embedder:
        """The model that searches use now: tuned."""
        there = self.gallery.catalogue.served()
        return embedder(there.embed or Embed(), there=self.gallery.catalogue)

    @cached_property
    def plates(self) -> Scores:
        """The templates (parts, views, k) of all parts."""
        rows = self.gallery.catalogue.rows("templates", ("geometry", "views", "plates"))
        of = {row["geometry"]: read(row["plates"], row["views"]) for row in rows}
        return np.stack([of[self.gallery.parts[part].geometry] for part in self.parts])

    @cached_property
    def groups(self) -> tuple[frozenset[str], ...]:
        """Parts that no picture can tell apart: in the mean, each view of one is one of the other; then the rest."""
        links = []
        for place, one in enumerate(self.plates):
            for other in range(place + 1, len(self.parts)):
                alike = one @ self.plates[other].T
                if min(alike.max(0).mean(), alike.max(1).mean()) >= TWINS:
                    links.append((self.parts[place], self.parts[other]))
        together = [frozenset(some) for some in score.linked(links)]
        alone = set(self.parts) - {part for some in together for part in some}
        return (*together, *(frozenset({part}) for part in sorted(alone)))

    def rankings(self, scores: Scores, rows: Sequence[int]) -> list[Ranking]:
        """What the queries `rows` find."""
        return [self._ranked(self.asked[row].part, scores[row]) for row in rows]

    def _ranked(self, part: str, scores: Scores) -> Ranking:
        order = np.argsort(-scores, kind="stable")
        names = tuple(self.parts[int(place)] for place in order)
        right = self.gallery.identical({part})
        return Ranking(part=part, relevant=right, parts=names, scores=tuple(map(float, scores[order])))

    def _together(self, ways: dict[str, Scores], way: str, renderer: str) -> list[Ranking]:
        """What all pictures of a part by one maker find together: by mean cosines and mean fits, as a search does."""
        of: dict[str, list[int]] = {}
        for row, query in enumerate(self.asked):
            if query.renderer == renderer:
                of.setdefault(query.part, []).append(row)
        if way not in FUSED:
            return [self._ranked(part, ways[way][rows].mean(0)) for part, rows in of.items()]
        means = {part: [ways[one][rows].mean(0, keepdims=True) for one in FUSED[way]] for part, rows in of.items()}
        return [self._ranked(part, _fused(*some)[0]) for part, some in means.items()]

    def _figures(self, rankings: Sequence[Ranking]) -> dict[str, Any]:
        """Recall, also where twins count as one part."""
        group = {part: some for some in self.groups for part in some}
        wider = [one.replace(relevant=one.relevant | group[one.part]) for one in rankings]
        owners = [one.part for one in wider]
        as_one = {str(k): score.recall([one.rank for one in wider], k, owners).model_dump() for k in (1, 5)}
        return {**score.figures(rankings).model_dump(), "twins": as_one}

    def _gains(self, ways: dict[str, Scores], rows: Sequence[int]) -> dict[str, Any]:
        """By how much each ingredient raises recall@1, with intervals."""
        first = {name: [float(one.rank == 1) for one in self.rankings(some, rows)] for name, some in ways.items()}
        owners = [self.asked[row].part for row in rows]
        return {what: score.change(first[a], first[b], owners).model_dump() for what, a, b in PAIRS}

    def _index(self, model: Embedder) -> Scores:
        """Vectors of the pictures in the index, in their order."""
        from tasks.codec import decode

        return model.images([decode(row["image"]) for row in self.gallery.views])

    def _best(self, looks: Scores, index: Scores) -> Scores:
        """Cosines (queries, parts) of the most similar picture, of the best look (queries, looks, d)."""
        place = {part: number for number, part in enumerate(self.parts)}
        alike = np.max(looks @ index.T, axis=1)
        best = np.full((len(alike), len(self.parts)), -np.inf, dtype=np.float32)
        np.maximum.at(best.T, [place[row["part"]] for row in self.gallery.views], alike.T)
        return best

    def _shapes(self, masks: Sequence[Scores]) -> Scores:
        """How well the shape of each part fits, (queries, parts)."""
        found = []
        for place, (picture, mask) in enumerate(zip(self._pictures, masks, strict=True)):
            turns = projection().short(described(picture, mask))
            fits = [compared(turns, some)[0] for some in self.plates]
            found.append(self._told("templates", place, fits))
        return np.array(found, np.float32)

    def _boxed(self, place: int) -> Bytes:
        """The square about the object of a query, its ground as it is."""
        mask = windows.window(self._cuts[place], *windows.corner(self._cuts[place]), max(self._cuts[place].shape))
        rows, columns = (np.flatnonzero((mask > SURE).any(axis=axis)) for axis in (1, 0))
        side = round((max(np.ptp(rows), np.ptp(columns)) + 1) * (1 + 2 * MARGIN))
        top, left = (round((some[0] + some[-1] + 1 - side) / 2) for some in (rows, columns))
        boxed: Bytes = windows.window(windows.square(self._pictures[place]), top, left, side)
        return boxed

    def _told(self, what: str, place: int, value: Any) -> Any:
        self._step(what, place, len(self.asked))
        return value


def _fused(cosines: Scores, shapes: Scores) -> Scores:
    """As a search does: of the parts that the embedding puts first."""
    return np.stack(
        [fusion.fused(some, fits, fusion.leading(some)) for some, fits in zip(cosines, shapes, strict=True)]
    )


def _one_side(model: Any, pictures: Sequence[Bytes]) -> Scores:
    """Vectors of pictures that are looked at as they are, and not from four sides."""
    kept, model._turns = model._turns, 1
    try:
        found: Scores = model.images(pictures)
    finally:
        model._turns = kept
    return found


def _by_colour(picture: Bytes) -> Scores:
    """The classical silhouette (h, w) float32: what differs from the rim's colour."""
    from PIL import Image

    found = piece(windows.square(picture))
    if found is None:
        return np.ones(picture.shape[:2], np.float32)
    side = max(picture.shape[:2])
    grown = np.asarray(Image.fromarray(found).resize((side, side), Image.Resampling.NEAREST), np.float32)
    top, left = windows.corner(picture)
    return grown[-top : picture.shape[0] - top, -left : picture.shape[1] - left]


def goals(name: str, found: dict[str, Any]) -> dict[str, tuple[float, float, str]]:
    """Each goal for a tuned catalogue: what was reached, the goal, and what stands beside it."""
    wanted = {
        ("photo clean", "1"): 0.60,
        ("photo cluttered", "1"): 0.45,
        ("photo clean", "5"): 0.80,
        ("photo cluttered", "5"): 0.65,
        ("photo, all pictures of a part", "1"): 0.80,
    }
    made: dict[str, tuple[float, float, str]] = {}
    for (cell, depth), goal in wanted.items():
        for there in (cell, cell.replace("photo", "photoreal", 1)):
            if there not in found["cells"]:
                continue
            figures = found["cells"][there]
            one, before = figures[EVERYTHING]["recall"][depth], figures[BEFORE]["recall"][depth]
            twins = figures[EVERYTHING]["twins"][depth]
            what = f"{100 * one['low']:.0f} to {100 * one['high']:.0f} %; twins as one {100 * twins['value']:.1f} %"
            what += f"; before {100 * before['value']:.1f} %"
            made[f"{name} {there}, recall@{depth}, everything on"] = (one["value"], goal, what)
    return made
