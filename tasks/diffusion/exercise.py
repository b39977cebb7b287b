"""An adapter on trial: the same views and seeds without and with it, and what gate and catalogue say of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.augment import Task, flatten
from tasks.diffusion.adapters import Figures
from tasks.records import Bytes, Record, View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from blocks.catalogue import Catalogue
    from tasks.augment import Chain
    from tasks.embed import Embedder, Vectors
    from tasks.jury import Jury
    from tasks.records import Part

ROWS: Final = 12  # views on a sheet
_GAP: Final = 4
_BATCH: Final = 16  # views that go through the stages at once


class Trial(Record):
    """What came of one way to make pictures: the first picture of each view, by the view's id, and its figures."""

    pictures: dict[str, Bytes]
    figures: Figures


class Known:
    """The vectors of the views and photographs that searches read: whose picture is a variant most like?

    `parts` are those of the catalogue; of the same geometry they count as one, since no picture tells them apart.
    """

    def __init__(self, catalogue: Catalogue, table: str, parts: Mapping[str, Part]) -> None:
        from lancedb.expr import col

        self._shapes = {number: part.geometry or number for number, part in parts.items()}
        rows = catalogue.read(table, ("id", "part", "vector"), col("kind").isin(["view", "photo"]))
        owners = rows["part"].to_pylist()
        there = [place for place, owner in enumerate(owners) if owner in parts]
        numbers = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        self._vectors = numbers.reshape(len(owners), -1)[there]
        self._names = np.array(rows["id"].to_pylist())[there]
        self._owners = np.array([self._shapes[owners[place]] for place in there])

    def found(self, vectors: Vectors, views: Sequence[str], parts: Sequence[str]) -> list[bool]:
        """Whether each of `vectors` (n, d), made of the view of that id, is most like a picture of its own part.

        The view itself does not count: what is hardly changed would find it, and prove nothing.
        """
        alike = vectors @ self._vectors.T
        alike[np.array(views)[:, None] == self._names] = -np.inf
        own = np.array([self._shapes[part] for part in parts])
        return [bool(one) for one in self._owners[alike.argmax(axis=1)] == own]


def tried(steps: Chain, views: Mapping[str, View], known: Known, jury: Jury, embedder: Embedder) -> Trial:
    """Make one picture of each of `views` in that way, and judge it as onboarding does; the first try alone counts."""
    names = list(views)
    made: list[tuple[View, ...]] = []
    for start in range(0, len(names), _BATCH):
        some = names[start : start + _BATCH]
        made += steps.batch([Task(view=views[name], seed=name, numbers=(0,)) for name in some])
    judged = [some[0] for some in jury.judge([some[:1] for some in made], list(views.values()))]
    vectors = embedder.images([one.variant.image for one in judged])
    found = known.found(vectors, names, [view.part.number for view in views.values()])
    failed = Counter(one.verdict.check for one in judged if not one.verdict.accepted)
    figures = Figures(
        views=len(names),
        passed=1 - failed.total() / len(names),
        found=sum(found) / len(names),
        reasons=dict(failed),
    )
    pictures = {name: one.variant.image for name, one in zip(names, judged, strict=True)}
    return Trial(pictures=pictures, figures=figures)


def refusal(trials: Mapping[str, Figures]) -> str:
    """Why an adapter is not used, given the figures "without", "with" and perhaps "before"; empty where it is."""
    now = trials["with"]
    for name, said in (("without", "without it"), ("before", "with the adapter that is in use")):
        then = trials.get(name)
        if then is not None and now.passed < then.passed:
            return f"The gate accepts {now.passed:.0%} of the pictures made with it, and {then.passed:.0%} {said}."
        if then is not None and now.found < then.found:
            return f"{now.found:.0%} of the pictures made with it find their own part, and {then.found:.0%} {said}."
    if not now.passed:
        return "The gate accepts none of the pictures, neither without it nor with it: that proves nothing."
    return ""


def sheet(views: Mapping[str, View], without: Trial, with_it: Trial) -> Any:
    """The render, the picture without the adapter and the one with it, a row for each of some views: a PIL image."""
    from PIL import Image, ImageDraw

    names = list(views)[:ROWS]
    size = max(views[names[0]].mask.shape)
    head = 16
    columns = (
        ("render", [flatten(views[name]).image for name in names]),
        ("without", [without.pictures[name] for name in names]),
        ("with", [with_it.pictures[name] for name in names]),
    )
    paper = Image.new("RGB", (3 * (size + _GAP) - _GAP, head + len(names) * (size + _GAP)), (255, 255, 255))
    for across, (title, pictures) in enumerate(columns):
        left = across * (size + _GAP)
        ImageDraw.Draw(paper).text((left, 2), title, fill=(60, 60, 64))
        for down, picture in enumerate(pictures):
            paper.paste(Image.fromarray(picture), (left, head + down * (size + _GAP)))
    return paper
