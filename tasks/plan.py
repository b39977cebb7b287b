"""What is left to do: the difference between what a customer sent and what their tables hold.

Nothing keeps a ledger. Ids are made from content, so what is missing is an anti-join; run it twice
and the second answer is "nothing".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from tasks import contents, variants
from tasks.ingest import READER_VERSION
from tasks.inventory import FileRow, ShapeRow, inventory
from tasks.pictures import Order, Present, photo_ids, view_ids
from tasks.readers import registry
from tasks.records import Occurrence, Part, Record, content_id

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from blocks.catalogue import Catalogue
    from blocks.customer import Customer
    from tasks.ingest import Found
    from tasks.metadata import Entry

OCCURRENCES = TypeAdapter(tuple[Occurrence, ...])
_NO_READING = {"part_seconds", "sink_seconds", "parts", "gpu_seconds"}  # quotas that no file is read under


class FilePlan(Record):
    """Files to read now, how many wait for another run, rows whose file is gone, and how many are as they were."""

    read: tuple[Any, ...]
    waiting: int
    gone: tuple[str, ...]
    unchanged: int


class PartPlan(Record):
    """Parts by what has to be done with them; `recipes` name what each active part is made from.

    Those `over` the customer's quota are new, and not made.
    """

    new: tuple[Part, ...]
    changed: tuple[Part, ...]
    unchanged: int
    retired: tuple[str, ...]
    recipes: dict[str, str]
    over: tuple[Part, ...] = ()

    @property
    def work(self) -> tuple[Part, ...]:
        """Every part that is new or changed."""
        return self.new + self.changed


def file_id(found: Found, salt: str) -> str:
    """Id of the row of a file: its name and its content."""
    return content_id("file", found.name, found.digest, salt=salt)


def reader_name(customer: Customer, *, fine: bool) -> str:
    """What read a file: a file that could not be read is tried again when limits or readers change."""
    if fine:
        return READER_VERSION
    limits = customer.quotas.model_dump(exclude=_NO_READING)
    return content_id(READER_VERSION, limits, sorted(registry(customer.plugins).readers))


def file_plan(catalogue: Catalogue, found: Sequence[Found], customer: Customer, limit: int | None) -> FilePlan:
    """Compare the files at the source with the `files` table; `limit` is the most that are read, CAD first.

    While the new content of a file waits, the row of its old content stays.
    """
    rows = {row["id"]: row for row in catalogue.rows("files", ("id", "name", "reader", "status"))}
    ids = {file_id(file, customer.slug): file for file in found}
    fine = {name: row["status"] == "ok" for name, row in rows.items()}
    known = {name for name, row in rows.items() if row["reader"] == reader_name(customer, fine=fine[name])}
    unread = sorted((file for name, file in ids.items() if name not in known), key=lambda f: (f.kind != "cad", f.name))
    read = unread if limit is None else unread[:limit]
    waiting = {file.name for file in unread[len(read) :]}
    return FilePlan(
        read=tuple(read),
        waiting=len(waiting),
        gone=tuple(sorted(name for name in set(rows) - set(ids) if rows[name]["name"] not in waiting)),
        unchanged=sum(fine[name] for name in known & set(ids)),
    )


def parts(catalogue: Catalogue, entries: Sequence[Entry], unit: str, *, described: bool = False) -> tuple[Part, ...]:
    """The customer's parts, from the rows of their files and shapes; `described`: and those only written of."""
    columns = ("name", "digest", "kind", "status", "bodies")
    files = [
        FileRow(name=row["name"], digest=row["digest"], kind=row["kind"], bodies=contents.rows(row["bodies"]))
        for row in catalogue.rows("files", columns)
        if row["status"] == "ok"
    ]
    shapes = {row["geometry"]: ShapeRow(**row) for row in catalogue.rows("shapes", tuple(ShapeRow.model_fields))}
    return inventory(files, shapes, entries, unit, described=described)


def part_plan(catalogue: Catalogue, wanted: Sequence[Part], customer: Customer) -> PartPlan:
    """Compare the parts that should be there with the `parts` table.

    What is there stays, also where the quota is smaller now; new parts are made in the order of their numbers, as many
    as there is room for.
    """
    rows = {row["part"]: row for row in catalogue.rows("parts", (*COLUMNS, "status"))}
    active = {number for number, row in rows.items() if row["status"] == "active"}
    wanted, over = _within(wanted, active, customer.quotas.parts)
    recipes = part_recipes(wanted, customer)
    new, changed = [], []
    for part in wanted:
        row = rows.get(part.number)
        if row is None or row["status"] == "retired":
            new.append(part)
        elif not is_as_wanted(row, part, recipes[part.number]):
            changed.append(part)
    return PartPlan(
        new=tuple(new),
        changed=tuple(changed),
        unchanged=len(wanted) - len(new) - len(changed),
        retired=tuple(sorted(active - set(recipes))),
        recipes=recipes,
        over=over,
    )


def named_after(part: Part) -> str:
    """The file that a part is found in first, or its number where there is none."""
    return part.occurrences[0].file if part.occurrences else part.number


def beyond(part: Part, most: int) -> str:
    """Why a part that there was no room for is not made."""
    return (
        f"{named_after(part)}: the part {part.number} was not made: the customer may have {most} parts "
        "(`quotas.parts` in the customer's file), and has them. It is made once there is room."
    )


def _within(wanted: Sequence[Part], active: Collection[str], most: int) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """The parts that a quota has room for, in their order, and the others."""
    new = sorted(part.number for part in wanted if part.number not in active)
    room = max(0, most - (len(wanted) - len(new)))
    over = set(new[room:])
    return (
        tuple(part for part in wanted if part.number not in over),
        tuple(part for part in wanted if part.number in over),
    )


def part_recipes(wanted: Sequence[Part], customer: Customer) -> dict[str, str]:
    """For each part number the name of everything its pictures and vectors are made from; equal means finished."""
    from tasks.augment import chain
    from tasks.embed import embedder

    recipe, salt, plugins = customer.recipe, customer.slug, customer.plugins
    steps = chain(recipe.stages, recipe.settings, plugins)
    made = variants.recipe(steps, recipe.variants, recipe.checks, plugins)
    model = embedder(recipe.embed, plugins).table
    return {
        part.number: content_id(
            "part", view_ids(part, recipe.render, salt), sorted(photo_ids(part, salt).values()), made, model
        )
        for part in wanted
    }


COLUMNS = (  # of the row of a part that say whether it is as wanted
    *("part", "name", "description", "material", "geometry", "occurrences", "photos", "words"),
    *("colour", "size_mm", "volume_mm3", "recipe"),
)


def is_as_wanted(row: Mapping[str, Any], part: Part, recipe: str) -> bool:
    """Whether the row of a part says what the part is, and that it was made by this recipe."""
    return bool(row["recipe"] == recipe) and all(row[name] == value for name, value in compared(part).items())


def compared(part: Part) -> dict[str, Any]:
    """The columns of the row of a part that say what it is."""
    return {
        "part": part.number,
        "name": part.name,
        "description": part.description,
        "material": part.material,
        "geometry": part.geometry,
        "occurrences": OCCURRENCES.dump_json(part.occurrences).decode(),
        "photos": json.dumps(part.photos),
        "words": part.words,
        "colour": list(part.colour) if part.colour else None,
        "size_mm": list(part.size_mm) if part.size_mm else None,
        "volume_mm3": part.volume_mm3,
    }


def orders(catalogue: Catalogue, batch: Sequence[Part], customer: Customer) -> list[Order]:
    """What is to be made of each part of a batch, given the pictures that are there."""
    from lancedb.expr import col

    from tasks.augment import chain

    recipe, plugins = customer.recipe, customer.plugins
    steps = chain(recipe.stages, recipe.settings, plugins)
    ways: dict[str, Any] = {name: getattr(recipe, name) for name in ("stages", "settings", "variants", "checks")}
    if steps.needs_gpu:
        ways = {"later": variants.recipe(steps, recipe.variants, recipe.checks, plugins)}
    numbers = [part.number for part in batch]
    present: dict[str, list[Present]] = {number: [] for number in numbers}
    columns = (*Present.model_fields, "part")
    for row in catalogue.rows("images", columns, col("part").isin(numbers)):
        present[row.pop("part")].append(Present(**row))
    wanted = sorted({part.geometry for part in batch if part.geometry})
    shapes = {
        row["geometry"]: row for row in catalogue.rows("shapes", ("geometry", "mesh", "size"), _any("geometry", wanted))
    }
    return [
        Order(
            part=part,
            mesh=shapes[part.geometry]["mesh"] if part.geometry else b"",
            scale=_scale(part, shapes[part.geometry]["size"]) if part.geometry else 1.0,
            render=recipe.render,
            **ways,
            plugins=plugins,
            present=tuple(sorted(present[part.number], key=lambda row: row.id)),
            salt=customer.slug,
        )
        for part in batch
    ]


def _any(column: str, values: Sequence[str]) -> Any:
    from lancedb.expr import col

    return col(column).isin(list(values) or [""])


def _scale(part: Part, size: Sequence[float]) -> float:
    """Millimetres in one unit of the mesh: from its longest side, which is never zero."""
    longest = max(range(3), key=lambda axis: size[axis])
    return part.size_mm[longest] / size[longest] if part.size_mm else 1.0
