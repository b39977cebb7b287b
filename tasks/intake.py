"""The files of a run, read in the sandbox and committed batch by batch: what is committed is never read again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from tasks.contents import Contents, contents
from tasks.making import BATCHES, chunks

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.ingest import Found, Reading
    from tasks.progress import Progress
    from tasks.tally import Tally

log = logging.getLogger("partsight")
AT_ONCE: Final = 24  # files whose meshes are in memory, and in one commit
MOST_BYTES: Final = 256 * 2**20  # of their meshes and pictures: large ones are committed fewer at a time


class Intake:
    """Reads `files` in their order with `workers` processes, which `close` ends."""

    def __init__(
        self, customer: Customer, catalogue: Catalogue, files: Sequence[Found], tally: Tally, workers: int
    ) -> None:
        self._customer, self._catalogue, self._files = customer, catalogue, files
        self._tally, self._workers = tally, workers
        self._readings: Generator[Reading] | None = None
        self._contents: list[Contents] = []  # read, and not committed yet
        self._committed = 0  # files

    def batches(self) -> Iterator[Sequence[Found]]:
        """The files in batches."""
        yield from chunks(self._files, max(AT_ONCE, -(-len(self._files) // BATCHES)))

    def read(self, files: Sequence[Found], progress: Progress) -> int:
        """Read the next `files`, commit their shapes and rows, and return how many can be used."""
        done = self._committed - self._files.index(files[0])  # a second try goes on where the first failed
        return sum(self._read(len(some), progress) for some in chunks(files[done:], AT_ONCE))

    def close(self) -> None:
        """End the processes that read."""
        if self._readings is not None:
            self._readings.close()
            self._readings = None

    def _read(self, count: int, progress: Progress) -> int:
        good, end = 0, self._committed + count
        while self._committed < end:
            with self._tally.phase("ingest"):
                # after a failed commit they are here already
                while self._committed + len(self._contents) < end and _bytes(self._contents) < MOST_BYTES:
                    self._contents.append(contents(self._next(), self._customer.slug))
                    progress.advance("read")
            good += self._publish()
        return good

    def _publish(self) -> int:
        """Commit what was read, and return how many of the files can be used."""
        from tasks.publish import publish_files

        with self._tally.phase("publish"):
            publish_files(self._catalogue, self._contents, self._customer, self._tally.run)
        bad = [found.reading for found in self._contents if found.reading.reason]
        for reading in bad:
            log.info("quarantined: %s", reading.reason)
        good = len(self._contents) - len(bad)
        self._committed += len(self._contents)
        self._contents = []
        return good

    def _next(self) -> Reading:
        """The next reading; the readers are started once, and anew after they failed."""
        from tasks.ingest import readings

        if self._readings is None:
            rest = self._files[self._committed + len(self._contents) :]
            self._readings = readings(rest, self._customer.quotas, self._workers, self._customer.plugins)
        try:
            return next(self._readings)
        except BaseException:
            self._readings = None
            raise


def _bytes(those: Sequence[Contents]) -> int:
    """Bytes of the meshes and pictures in what was read."""
    return sum(len(one.reading.photo) + sum(len(shape.mesh) for shape in one.shapes) for one in those)
