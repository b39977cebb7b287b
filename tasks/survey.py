"""What a source holds now, beside what is known of it: the first step of a run, and often the last."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from blocks.source import Source
from tasks.ingest import Found, scan
from tasks.metadata import Entry, entries, first_of_each
from tasks.plan import FilePlan, PartPlan, file_plan, part_plan, parts
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer


class Survey(Record):
    """The files of a source, what the customer says of their parts, and what is to be read.

    `partial` when a limit left files out: then nothing counts as removed. `notes` are sentences about
    what could not be used.
    """

    files: tuple[Found, ...]
    entries: tuple[Entry, ...]
    plan: FilePlan
    refused: tuple[dict[str, str], ...]
    notes: tuple[str, ...]
    partial: bool

    @property
    def names(self) -> set[str] | None:
        """Names of the files that parts are made from; None for all."""
        return {file.name for file in self.files} if self.partial else None


@contextmanager
def survey(customer: Customer, catalogue: Catalogue, source: str, limit: int | None) -> Iterator[Survey]:
    """Open the source, which stays open (downloaded, unpacked) inside the `with` block.

    Raises ValueError with a sentence when there is nothing that could be a part.
    """
    location = source or customer.source
    with Source(location=location).open(customer.quotas) as listing:
        found = scan(listing, customer.slug)
        metadata = [entries(file.path, file.name) for file in found if file.kind == "metadata"]
        files = _limited([file for file in found if file.kind != "metadata"], limit)
        if not files:
            raise ValueError(f"{location} holds no CAD file and no photograph of a part.")
        partial = limit is not None
        yield Survey(
            files=files,
            entries=first_of_each(entry for those, _ in metadata for entry in those),
            plan=file_plan(catalogue, files, customer.slug, partial=partial),
            refused=tuple({"file": one.name, "reason": one.reason} for one in listing.refused),
            notes=tuple(wrong for _, wrong in metadata if wrong),
            partial=partial,
        )


def parts_now(catalogue: Catalogue, customer: Customer, seen: Survey) -> PartPlan:
    """What has to be done with the parts, once every file is read."""
    wanted = parts(catalogue, seen.entries, customer.recipe.unit, seen.names)
    return part_plan(catalogue, wanted, customer, partial=seen.partial)


def unseen(entries: Sequence[Entry], plan: PartPlan) -> tuple[str, ...]:
    """Part numbers that the customer names but that have neither CAD nor photograph."""
    return tuple(sorted({entry.number for entry in entries} - set(plan.recipes)))


def _limited(files: list[Found], limit: int | None) -> tuple[Found, ...]:
    if limit is None:
        return tuple(files)
    cad = [file for file in files if file.kind == "cad"]
    stems = {PurePosixPath(file.name).stem.casefold() for file in cad[:limit]}
    photos = [file for file in files if file.kind == "photo" and any(_stem(file).startswith(stem) for stem in stems)]
    return tuple(cad[:limit]) + tuple(photos)


def _stem(file: Found) -> str:
    return PurePosixPath(file.name).stem.casefold()
