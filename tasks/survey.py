"""What a source holds now, beside what is known of it: the first step of a run, and often the last."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from blocks.source import Source
from tasks.forget.listed import Listed
from tasks.ingest import Found, scan
from tasks.metadata import Entry, entries, first_of_each
from tasks.plan import FilePlan, PartPlan, file_id, file_plan, part_plan, parts
from tasks.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer


class Survey(Record):
    """The files of a source, what the customer says of their parts, and what is to be read.

    `notes` are sentences about what could
    not be used.
    """

    files: tuple[Found, ...]
    entries: tuple[Entry, ...]
    plan: FilePlan
    refused: tuple[dict[str, str], ...]
    notes: tuple[str, ...]


@contextmanager
def survey(customer: Customer, catalogue: Catalogue, source: Source | None, limit: int | None) -> Iterator[Survey]:
    """Open the source (or the customer's own), which stays open (downloaded, unpacked) inside the `with` block.

    Raises ValueError with a sentence when there is nothing that could be a part.
    """
    if source is None and not customer.source:
        raise ValueError(f"'{customer.slug}' has no source: say in the customer's file where the CAD is.")
    source = source or Source(location=customer.source)
    with source.open(customer.quotas) as listing:
        listed = Listed(catalogue, customer.slug)
        there = scan(listing, customer.slug, customer.plugins)
        found = [file for file in there if not _forgotten(file, listed, customer.slug)]
        metadata = [entries(file.path, file.name) for file in found if file.kind == "metadata"]
        files = tuple(file for file in found if file.kind != "metadata")
        if not files:
            what = "but what was forgotten" if len(found) < len(there) else "and no photograph of a part"
            raise ValueError(f"{source.location} holds no CAD file {what}.")
        said = first_of_each(entry for those, _ in metadata for entry in those)
        yield Survey(
            files=files,
            entries=tuple(entry for entry in said if not listed.has("part", entry.number)),
            plan=file_plan(catalogue, files, customer, limit),
            refused=tuple({"file": one.name, "reason": one.reason} for one in listing.refused),
            notes=(*(wrong for _, wrong in metadata if wrong), *_left_out(len(there) - len(found))),
        )


def _forgotten(file: Found, listed: Listed, slug: str) -> bool:
    """Whether a file is one that was forgotten, or a photograph called like a part that was."""
    if not listed or file.kind == "metadata":
        return False
    return listed.has("file", file_id(file, slug)) or (file.kind == "photo" and listed.names(file.name))


def _left_out(count: int) -> tuple[str, ...]:
    are = "1 file was" if count == 1 else f"{count} files were"
    return (f"{are} left out: their parts were forgotten.",) if count else ()


def parts_now(catalogue: Catalogue, customer: Customer, seen: Survey) -> PartPlan:
    """What has to be done with the parts, once every file is read."""
    from tasks.augment import chain

    recipe = customer.recipe
    described = chain(recipe.stages, recipe.settings, customer.plugins).source == "part"
    return part_plan(catalogue, parts(catalogue, seen.entries, recipe.unit, described=described), customer)


def outlook(catalogue: Catalogue, customer: Customer, seen: Survey) -> dict[str, Any]:
    """What a run would do: files to read, and parts to work on among those that are known already."""
    plan, ahead = seen.plan, parts_now(catalogue, customer, seen)
    views = customer.recipe.render.views * len(ahead.work)
    return {
        "customer": customer.slug,
        "files": {"read": len(plan.read), "gone": len(plan.gone), "unchanged": plan.unchanged, "waiting": plan.waiting},
        "parts": {"work": len(ahead.work), "unchanged": ahead.unchanged, "retired": len(ahead.retired)},
        "pictures": views * (1 + customer.recipe.variants),
    }


def remarks(seen: Survey, plan: PartPlan) -> list[str]:
    """What a person should know besides the counts."""
    found = list(seen.notes)
    if plan.over:
        are = "1 part was" if len(plan.over) == 1 else f"{len(plan.over)} parts were"
        found.append(f"{are} not made: the customer may have {len(plan.recipes)} (`quotas.parts`), and has them.")
    if seen.plan.waiting:
        found.append(f"{seen.plan.waiting} files were left for another run, as the limit says.")
        return found
    over = {part.number for part in plan.over}
    unseen = sorted({entry.number for entry in seen.entries} - set(plan.recipes) - over)
    if unseen:
        some = ", ".join(unseen[:5]) + (" …" if len(unseen) > 5 else "")
        found.append(f"Named in the metadata, but without CAD and without photograph: {len(unseen)} parts ({some}).")
    return found
