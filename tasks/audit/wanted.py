"""What a catalogue should hold by the recipe that its parts say they were made by, and the ids that follow from it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tasks import variants
from tasks.audit.finding import Finding, some
from tasks.pictures import photo_ids, view_ids
from tasks.records import content_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blocks.customer import Customer
    from tasks.audit.relations import Rows
    from tasks.records import Part


def missing(rows: Rows, customer: Customer) -> Iterator[Finding]:
    """Pictures, shapes and templates that parts lack; only of those that are said to be finished by today's recipe."""
    from tasks.augment import chain
    from tasks.plan import part_recipes

    parts = {number: rows.part(row) for number, row in rows.active.items()}
    recipes = part_recipes(list(parts.values()), customer)
    recipe = customer.recipe
    steps = chain(recipe.stages, recipe.settings, customer.plugins)
    made = variants.recipe(steps, recipe.variants, recipe.checks, customer.plugins)
    count = recipe.variants if recipe.stages and not steps.needs_gpu else 0
    of_part: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.images:
        of_part[row["part"]].append(row)
    for number, part in parts.items():
        if rows.active[number]["recipe"] == recipes[number]:
            yield from _pictures(part, of_part[number], customer, made, count)
        elif rows.active[number]["recipe"] and (part.geometry or part.photos) and not of_part[number]:
            yield Finding(
                table="images",
                kind="missing",
                key=number,
                what=f"{number} has no picture",
                remedy="remake",
                part=number,
            )
    yield from _shapes(rows, parts)
    if recipe.templates:
        yield from _templates(rows, parts)


def _pictures(
    part: Part, there: Sequence[dict[str, Any]], customer: Customer, made: str, count: int
) -> Iterator[Finding]:
    """Views and photographs of a part that are not there, and variants of those that are."""
    names = {row["id"] for row in there}
    views = view_ids(part, customer.recipe.render, customer.slug)
    for kind, ids in (("view", views), ("photo", photo_ids(part, customer.slug).values())):
        for name in ids:
            if name not in names:
                yield _picture(part, name, f"A {kind} of {part.number} is missing")
    of_view: dict[str, set[str]] = defaultdict(set)
    for row in there:
        if row["kind"] == "variant" and row["recipe"] == made:
            of_view[row["parent"]].add((row["seed"] or "").rpartition(":")[2])
    current = {row["id"] for row in there if row["kind"] == "view" and row["recipe"] == made}
    for view in views:
        if view in current and (lacking := _lacking(view, of_view[view], made, count)):
            what = f"{len(lacking)} variants of a view of {part.number} are missing"
            yield _picture(part, lacking[0], what, view)


def _lacking(view: str, there: set[str], made: str, count: int) -> list[str]:
    """Ids of the variants of a view that are not there: they are numbered from 0 on, and are `count` or more."""
    most = max((int(place) + 1 for place in there if place.isdecimal()), default=0)
    return [variants.name(view, made, place) for place in range(max(count, most)) if str(place) not in there]


def _picture(part: Part, name: str, what: str, *views: str) -> Finding:
    return Finding(table="images", kind="missing", key=name, what=what, remedy="remake", part=part.number, views=views)


def _shapes(rows: Rows, parts: Mapping[str, Part]) -> Iterator[Finding]:
    """Geometries that files or parts name and that are not there."""
    there = {row["geometry"] for row in rows.shapes}
    used: dict[str, list[str]] = defaultdict(list)
    for number, part in parts.items():
        if part.geometry:
            used[part.geometry].append(number)
    for name in sorted((set(rows.bodies) | set(used)) - there):
        if rows.bodies[name] & rows.marked:  # it comes when its file is read again
            continue
        what = f"The shape of {some(used[name])} is missing" if name in used else "The shape of a file is missing"
        yield Finding(table="shapes", kind="missing", key=name, what=what, remedy="read" if rows.bodies[name] else "")
    twins = {row["same_as"] for row in rows.shapes if row["same_as"]}
    for name in sorted(twins - there - set(rows.bodies) - set(used)):
        yield Finding(table="shapes", kind="missing", key=name, what="The twin of a shape is missing")


def _templates(rows: Rows, parts: Mapping[str, Part]) -> Iterator[Finding]:
    there = {row["geometry"] for row in rows.shelves.rows("templates", "geometry")}
    for number, part in parts.items():
        if part.geometry and part.geometry not in there:
            what = f"{number} has no shape templates"
            yield Finding(table="templates", kind="missing", key=part.geometry, what=what, remedy="later")


def ids(rows: Rows, slug: str) -> Iterator[Finding]:
    """Ids that do not follow from their content: of files, variants and photographs."""
    photographs = {
        name for row in rows.parts for name in photo_ids(rows.part(row), slug).values() if row["status"] == "active"
    }
    for row in rows.files:
        if row["id"] != content_id("file", row["name"], row["digest"], salt=slug):
            what = f"The id of the file {row['name']} does not follow from its name and its digest"
            yield Finding(table="files", kind="id", key=row["id"], what=what, remedy="remove", rows=(row["_rowid"],))
    for row in rows.images:
        wrong = row["kind"] == "photo" and row["part"] in rows.active and row["id"] not in photographs
        if row["kind"] == "variant":
            place = (row["seed"] or "").rpartition(":")[2]
            wrong = not place.isdecimal() or row["id"] != variants.name(row["parent"], row["recipe"], int(place))
        if wrong:
            what = f"The id of a {row['kind']} of {row['part']} does not follow from what it was made of"
            yield Finding(table="images", kind="id", key=row["id"], what=what, remedy="remove", rows=(row["_rowid"],))
