"""The variants that a GPU makes: from views that stand in the tables to rows that were judged, batch by batch.

What is left to do is an anti-join: a view whose first variant is not there has none. A batch is made, judged,
embedded and committed as one, so a worker that dies loses its current batch; any number of workers may take shares
of the same work, for they write different rows.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks import codec, cutout, variants
from tasks.apart import Apart, LostBatchError
from tasks.augment import Chain, Task, chain
from tasks.budget import counted, spent
from tasks.jury import Judged, Jury
from tasks.progress import Progress, Silent
from tasks.records import Bytes, Part, View
from tasks.shares import is_mine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.embed import Embedder

BATCHES: Final = 90  # most batches: a flow run stays under 200 task runs
MOST_LOST: Final = 2  # batches: what loses so many is broken, and each costs its time limit
SMALLEST: Final = 64  # views in a commit: a minute of a GPU, and what is lost when its worker dies
_prepared: ContextVar[Augmentation | None] = ContextVar("prepared", default=None)
_COLUMNS: Final = ("id", "part", "camera", "settings", "image", "depth", "mask", "normals")
_PART: Final = ("name", "description", "material", "colour", "geometry", "size_mm", "photos")


Todo = tuple[str, int]  # a view and the number of its variant
Shown = tuple[Judged, Chain]  # a variant as it was judged, and the steps that made it


class Augmentation:
    """Makes the variants that a customer's views lack. `run` is written into the rows.

    Of several workers that divide the work, `share` of `shares` takes the parts whose hash says so.
    """

    def __init__(self, customer: Customer, catalogue: Catalogue, run: str, share: int = 0, shares: int = 1) -> None:
        self.customer, self.catalogue, self.run = customer, catalogue, run
        self.progress: Progress = Silent()
        self._share, self._shares = share, shares
        self._sources: dict[str, str] = {}
        self._parts: dict[str, Part] = {}
        self._made_now = self._accepted = 0
        self._done: set[str] = set()
        self._told: list[str] = []
        self._lost = 0  # batches
        parts = -(-SMALLEST // customer.recipe.render.views)  # that a commit shows
        self._apart = Apart(customer.quotas.part_seconds * parts)

    def summary(self) -> dict[str, Any]:
        """How many variants were made and accepted, and why it stopped before its end, or gave a part up."""
        return {"made": self._made_now, "accepted": self._accepted, "notes": [*self._jury.notes, *self._told]}

    def tell(self, notes: Sequence[str]) -> None:
        """Take over what another worker had to say of its share of this work."""
        self._told += [note for note in notes if note not in self._told]

    @cached_property
    def steps(self) -> Chain:
        """The stages, in order."""
        return chain(self.customer.recipe.stages, self.customer.recipe.settings, self.customer.plugins)

    @cached_property
    def recipe(self) -> str:
        """Name of the way in which the variants are made."""
        recipe = self.customer.recipe
        return variants.recipe(self.steps, recipe.variants, recipe.checks, self.customer.plugins)

    def lacking(self) -> tuple[str, ...]:
        """Ids of what lacks variants, those of one part together; none where no stage wants a GPU."""
        from lancedb.expr import col

        if not (self.customer.recipe.variants and self.steps.needs_gpu):
            return ()
        self._parts = self._active()
        self._sources = self._found()
        there = set(self.catalogue.read("images", ("id",), col("kind").isin(["variant", "text"]))["id"].to_pylist())
        mine = sorted((part, name) for name, part in self._sources.items() if self._is_mine(part))
        return tuple(name for _, name in mine if variants.name(name, self.recipe, 0) not in there)

    def _found(self) -> dict[str, str]:
        """What variants are made from, and the part that it shows: ids of pictures, or of a part's words."""
        from lancedb.expr import col, lit

        source = self.steps.source
        if source == "part":
            bare = [part for part in self._parts.values() if not part.geometry and not part.photos]
            return {variants.words_id(part, self.customer.slug): part.number for part in bare}
        wanted = (col("kind") == lit(source)) & (col("accepted") == lit(value=True))
        rows = self.catalogue.rows("images", ("id", "part"), wanted)
        return {row["id"]: row["part"] for row in rows if row["part"] in self._parts}

    def batches(self) -> Iterator[Sequence[str]]:
        """The views that lack variants, in batches, but for parts and runs that the breaker has stopped."""
        views = self.lacking()
        self.progress.start("augment", len(views))
        size = max(SMALLEST, -(-len(views) // BATCHES))
        try:
            for start in range(0, len(views), size):
                if batch := self._wanted(views[start : start + size]):
                    yield batch
        except GeneratorExit:
            self._apart.close(at_once=True)  # or whoever cancels it waits for the batch
            raise
        finally:
            self._apart.close()
        self.progress.finish("augment")

    def make(self, names: Sequence[str]) -> int:
        """Make the variants of the views `names`, a commit for every 64; returns how many were accepted.

        A second try after a failure goes on with those that were not committed.
        """
        before = self._accepted
        todo = [name for name in names if name not in self._done]
        for start in range(0, len(todo), SMALLEST):
            if some := self._wanted(todo[start : start + SMALLEST]):
                try:
                    with self._jury.provisionally(), counted(self.catalogue, "augment", self.run):
                        self._make(some)
                except LostBatchError as error:  # the next run makes them
                    self._told.append(str(error))
                    self._lost += 1
        return self._accepted - before

    def _wanted(self, names: Sequence[str]) -> list[str]:
        """Those whose part has not been given up; none where the stages of others lose one batch after another."""
        if self._lost >= MOST_LOST or self._is_used_up():
            return []
        return [name for name in names if not self._jury.given_up(self._sources[name])]

    def _is_used_up(self) -> bool:
        """Whether the customer's month has no more seconds of a GPU, which the run then tells of."""
        if not self.customer.quotas.gpu_seconds:
            return False
        found = spent(self.customer, self.catalogue)
        if found.is_used_up:
            self.tell([f"Not all variants were made. {found.sentence}"])
        return found.is_used_up

    def _make(self, names: Sequence[str]) -> None:
        from tasks.publish import exchange, vector_row
        from tasks.reviews import Reviews

        views, reviews = self._views(names), Reviews(self.catalogue)
        told = {"run": self.run, "kind": "text" if self.steps.source == "part" else "variant"}
        rows, vectors = [], []
        for name, shown in self._made(views).items():
            for place, (one, steps) in enumerate(shown):
                row = variants.row(name, place, one.variant, one.verdict, steps, self.recipe) | told
                rows.append(reviews.over(row))
                if rows[-1]["accepted"]:
                    vectors.append(vector_row(row, one.variant.part, self._vector(one)))
        embedder = self._embedder
        rejected = [row["id"] for row in rows if not row["accepted"]]  # an earlier try may have left their vectors
        exchange(self.catalogue, embedder.table, vectors, rejected, dimension=embedder.dimension)
        exchange(self.catalogue, "images", rows, [])  # last: this is what says that they are there
        self.progress.advance("augment", len(names))
        self._done.update(names)
        self._made_now += len(rows)
        self._accepted += len(vectors)

    def _vector(self, one: Judged) -> Any:
        """The vector (d,) of a variant; one that only a person accepted was not embedded yet."""
        if one.vector is not None and not self.customer.recipe.embed.digest:
            return one.vector
        return self._embedder.indexed([one.variant.image], ["variant"])[0]

    def _made(self, views: dict[str, View]) -> dict[str, list[Shown]]:
        """What came of each view: every variant in the first way that the gate accepts, or as it was rejected last."""
        settled: dict[Todo, list[Shown]] = {}
        pending = [(name, number) for name in views for number in range(self.customer.recipe.variants)]
        for steps in self._ladder():
            settled |= dict(zip(pending, self._tried(steps, pending, views), strict=True))
            pending = [todo for todo in pending if self._wants_more(settled[todo])]
            if not pending:
                break
        self._jury.count(one for some in settled.values() for one, _ in some)
        found: dict[str, list[Shown]] = {name: [] for name in views}
        for (name, _), shown in sorted(settled.items()):
            found[name] += shown
        return found

    def _ladder(self) -> Iterator[Chain]:
        """The ways to make a picture, each gentler than the one before."""
        yield self.steps
        attempt = 1
        while (steps := self.steps.gentler(attempt)) is not None:
            yield steps
            attempt += 1

    def _wants_more(self, shown: Sequence[Shown]) -> bool:
        """Whether a picture is worth another try."""
        rejected = [one for one, _ in shown if not one.verdict.accepted]
        return bool(rejected) and not self._jury.given_up(rejected[0].variant.part.number)

    def _tried(self, steps: Chain, pending: Sequence[Todo], views: dict[str, View]) -> list[list[Shown]]:
        """One try of all that is pending, judged."""
        tasks = [Task(view=views[name], seed=name, numbers=(number,)) for name, number in pending]
        made = self._apart.batch(steps, tasks)
        judged = self._jury.judge(made, [views[name] for name, _ in pending])
        return [[(one, steps) for one in some] for some in judged]

    def _views(self, names: Sequence[str]) -> dict[str, View]:
        """What is stored under these ids, as views; a view without anything on it for a part that is only words."""
        from lancedb.expr import col

        size = self.customer.recipe.render.size
        if self.steps.source == "part":
            grey = np.full((size, size, 3), 128, np.uint8)
            return {name: codec.flat_view(grey, self._parts[self._sources[name]]) for name in names}
        rows = self.catalogue.rows("images", _COLUMNS, col("id").isin(list(names)))
        if self.steps.source == "view":
            return {row["id"]: codec.decode_view(row, self._parts[row["part"]]) for row in rows}
        return {row["id"]: codec.flat_view(_square(row["image"], size), self._parts[row["part"]]) for row in rows}

    def _is_mine(self, part: str) -> bool:
        return is_mine(part, self._share, self._shares)

    def _active(self) -> dict[str, Part]:
        """The active parts, by number."""
        from lancedb.expr import col, lit

        rows = self.catalogue.rows("parts", ("part", *_PART), col("status") == lit("active"))
        known = [{key: value for key, value in row.items() if value is not None} for row in rows]
        parts = [
            Part(number=row.pop("part"), **row | {"photos": json.loads(row.get("photos") or "[]")}) for row in known
        ]
        return {part.number: part for part in parts}

    @cached_property
    def _jury(self) -> Jury:
        return Jury(self.catalogue, self._embedder, self.customer.recipe.checks, self.customer.plugins)

    @cached_property
    def _embedder(self) -> Embedder:
        from tasks.embed import embedder

        return embedder(self.customer.recipe.embed, self.customer.plugins, self.catalogue)


def _square(data: bytes, size: int) -> Bytes:
    """The whole of a photograph on a square (size, size, 3)."""
    from PIL import Image

    picture = Image.fromarray(cutout.square(codec.decode(data)))
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))


@contextmanager
def opened(customer: Customer, catalogue: Catalogue, run: str, share: int, shares: int) -> Iterator[Augmentation]:
    """The work that `prepared` made ready, or else new work."""
    yield _prepared.get() or Augmentation(customer, catalogue, run, share, shares)


@contextmanager
def prepared(work: Augmentation) -> Iterator[None]:
    """Inside the `with` block, `opened` gives `work`."""
    token = _prepared.set(work)
    try:
        yield
    finally:
        _prepared.reset(token)
