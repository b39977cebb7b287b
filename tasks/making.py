"""Makes batches of a customer's parts: renders, augments and judges in processes, embeds, and commits.

An onboarding does it itself, or its workers do it in shares; what comes of it is the same.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar

from tasks.plan import named_after, orders
from tasks.progress import Progress, Silent
from tasks.publish import Publisher
from tasks.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.embed import Embedder
    from tasks.pictures import Made
    from tasks.records import Part
    from tasks.tally import Tally

T = TypeVar("T")
log = logging.getLogger("partsight")
BATCHES: Final = 90  # most batches of one run: it stays under 200 task runs
SMALLEST: Final = 8  # parts in a batch: seconds of work, so that a task costs little beside it
PICTURES_AT_ONCE: Final = 512  # pictures in memory, and in one commit


class Making:
    """Makes parts with `workers` processes, which `close` ends, and counts in `tally`; threads may share it.

    `recipes` say what each part is made from, by its number; they are known before the first batch is.
    """

    def __init__(self, customer: Customer, catalogue: Catalogue, tally: Tally, workers: int) -> None:
        self.customer, self.catalogue, self.tally, self.workers = customer, catalogue, tally, workers
        self.recipes: Mapping[str, str] = {}
        self.progress: Progress = Silent()
        self._embedding = Lock()  # one batch is embedded at a time: the model uses all cores
        self._workshop = Workshop(workers, seconds=customer.quotas.part_seconds)

    def make(self, parts: Sequence[Part]) -> int:
        """Make what a batch of parts lacks and commit it; returns how many vectors that gave."""
        recipe = self.customer.recipe
        each = recipe.render.views * (1 + recipe.variants)
        return sum(self._make(some) for some in chunks(parts, max(1, PICTURES_AT_ONCE // each)))

    def _make(self, parts: Sequence[Part]) -> int:
        made: list[Made] = []
        for one in self._workshop.make(orders(self.catalogue, parts, self.customer)):
            made.append(one)
            self.tally.spend(one.seconds, self.workers)
            self.progress.advance("pictures", self.customer.recipe.render.views)
            if one.failure:
                self.tally.fail(one.part.number, named_after(one.part), one.failure)
                log.info("not made: %s", one.failure)
        publisher = Publisher(self.catalogue, self.recipes, self.tally, self.customer.slug)
        with self._embedding:
            vectors = publisher.publish(made, self.embedder, later=on_gpu(self.customer, "embed"))
        self.tally.add({"vectors": vectors})
        self.progress.advance("publish", len(made))
        return vectors

    @cached_property
    def embedder(self) -> Embedder:
        """The model of the customer's recipe. Raises ValueError with a sentence when there is none such."""
        from tasks.embed import embedder

        return embedder(self.customer.recipe.embed, self.customer.plugins, self.catalogue)

    def warm_up(self) -> None:
        """Load the model, so that the first batch finds it ready; what is wrong with it, that batch will say."""
        with self._embedding, suppress(ValueError, OSError, RuntimeError):
            self.embedder.images([])

    def close(self, *, at_once: bool = False) -> None:
        """End the processes; they are started anew when there is more to make, unless they were ended `at_once`."""
        self._workshop.close(at_once=at_once)


def on_gpu(customer: Customer, what: str) -> bool:
    """Whether `what` (augment, embed, adapt) is done in a pool of workers that have a GPU."""
    return bool(customer.pools.gpu) and what in customer.pools.on_gpu


def batches(parts: Sequence[Part]) -> list[Sequence[Part]]:
    """Parts in batches of seconds to a minute, in the order of their numbers."""
    work = sorted(parts, key=lambda part: part.number)
    return list(chunks(work, max(SMALLEST, -(-len(work) // BATCHES))))


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
