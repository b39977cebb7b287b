"""The vectors that a model's table lacks: accepted pictures of active parts, embedded in batches.

What is left to do is an anti-join, so any number of workers may take shares of it, and whoever is stopped goes on.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from tasks.budget import counted, refuse
from tasks.making import BATCHES, chunks, on_gpu
from tasks.progress import Progress, Silent
from tasks.publish import DECODED, MANY, embedded
from tasks.records import Part
from tasks.shares import is_mine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.embed import Embedder

SMALLEST: Final = 512  # pictures of the smallest batch, and those after which the GPU seconds are looked at again
COMMIT: Final = 16_384  # most vectors in a commit: each reads all keys, and a million take 90 commits, not 2,000


class Filling:
    """Fills the table of the model in the customer's recipe.

    `live` says whether it is for the pictures that searches read, or for the newest ones. Of several workers that
    divide the work, `share` of `shares` takes the parts whose hash says so.
    """

    def __init__(
        self, customer: Customer, catalogue: Catalogue, *, live: bool = False, share: int = 0, shares: int = 1
    ) -> None:
        self.customer, self.catalogue, self.live = customer, catalogue, live
        self.progress: Progress = Silent()
        self._share, self._shares = share, shares
        self._parts: dict[str, Part] = {}
        self._count = 0

    @cached_property
    def shown(self) -> Catalogue:
        """Where the pictures are read."""
        return self.catalogue.served() if self.live else self.catalogue

    @cached_property
    def embedder(self) -> Embedder:
        """The model. Raises ValueError with a sentence when there is none such."""
        from tasks.embed import embedder

        return embedder(self.customer.recipe.embed, self.customer.plugins, self.catalogue)

    def lacking(self) -> tuple[str, ...]:
        """Ids of the accepted pictures of active parts that have no right vector yet, those of one part together.

        A vector that tells of another material than the part is not right: searches filter on it.
        """
        rows = self.catalogue.rows(self.embedder.table, ("id", "material"))
        there = {row["id"]: row["material"] or "" for row in rows}
        return tuple(
            name
            for part, name in self._wanted()
            if is_mine(part, self._share, self._shares) and there.get(name) != self._parts[part].material
        )

    def prune(self) -> int:
        """Remove the vectors of what is no accepted picture of an active part; returns how many there were."""
        from lancedb.expr import col

        there = set(self.catalogue.read(self.embedder.table, ("id",))["id"].to_pylist())
        surplus = sorted(there - {name for _, name in self._wanted()})
        for some in chunks(surplus, MANY):
            self.catalogue.delete(self.embedder.table, col("id").isin(list(some)))
        return len(surplus)

    def _wanted(self) -> list[tuple[str, str]]:
        """Part and id of each accepted picture of an active part, in order."""
        from lancedb.expr import col, lit

        self._parts = self._active()
        rows = self.shown.read("images", ("part", "id"), col("accepted") == lit(value=True))
        pairs = zip(rows["part"].to_pylist(), rows["id"].to_pylist(), strict=True)
        return sorted((part, name) for part, name in pairs if part in self._parts)

    def ready(self) -> None:
        """Make the table, before several write to it."""
        self.catalogue.table(self.embedder.table, self.embedder.dimension)

    def batches(self) -> list[Sequence[str]]:
        """The pictures that have no vector yet, in batches."""
        names = self.lacking()
        self.progress.start("vectors", len(names))
        return list(chunks(names, max(SMALLEST, -(-len(names) // BATCHES))))

    def make(self, names: Sequence[str]) -> int:
        """Embed pictures, in one commit, or one for every 16,384; returns how many vectors that gave."""
        self._parts = self._parts or self._active()
        return sum(self._committed(some) for some in chunks(names, COMMIT))

    def _committed(self, names: Sequence[str]) -> int:
        """Embed pictures in one commit; what there is when the customer's seconds are used up is kept too."""
        rows: list[dict[str, Any]] = []
        try:
            for some in chunks(names, SMALLEST):
                rows += self._counted(some)
        finally:
            if rows:
                self.catalogue.upsert(self.embedder.table, rows, dimension=self.embedder.dimension)
                self._count += len(rows)
        return len(rows)

    def _counted(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Embed pictures; on a GPU, where the customer's file has it done there, within its seconds of the month."""
        if not on_gpu(self.customer, "embed"):
            return self._embedded(names)
        refuse(self.customer, self.catalogue)
        with counted(self.catalogue, "embed"):
            return self._embedded(names)

    def _embedded(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Vector rows of pictures, a few of which are in memory as pixels at once."""
        from lancedb.expr import col

        rows: list[dict[str, Any]] = []
        for some in chunks(names, DECODED):
            pictures = self.shown.rows("images", ("id", "part", "kind", "image"), col("id").isin(list(some)))
            rows += embedded(pictures, self._parts, self.embedder)
            self.progress.advance("vectors", len(some))
        return rows

    def summary(self) -> dict[str, Any]:
        """How many vectors it made."""
        return {"vectors": self._count}

    def _active(self) -> dict[str, Part]:
        """The active parts, by number."""
        from lancedb.expr import col, lit

        rows = self.shown.rows("parts", ("part", "material"), col("status") == lit("active"))
        return {row["part"]: Part(number=row["part"], material=row["material"] or "") for row in rows}
