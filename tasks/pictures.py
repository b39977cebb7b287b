"""One part -> the rows of its pictures: views, their variants, supplied photographs.

Ids are made from what a picture depends on, so they are known before it is made, and what is there
already is not made again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import Field

from blocks.customer import Render
from tasks import variants
from tasks.materials import look
from tasks.records import Part, Record, View, content_id, jsonable
from tasks.render import RENDERER

if TYPE_CHECKING:
    from tasks import gate
    from tasks.augment import Chain

PICTURES: Final = "pictures-1"  # change it when the same settings give other views


class Present(Record):
    """A picture that the catalogue holds; `recipe` says which variants were made with a view."""

    id: str
    kind: str
    parent: str
    recipe: str
    accepted: bool


class Order(Record):
    """What is to be made of one part.

    `mesh` is its GLB (empty without CAD) and `scale` the mm in one of its units. `present` are the
    pictures that the catalogue already has of it.
    """

    part: Part
    mesh: bytes = b""
    scale: float = 1.0
    render: Render = Render()
    stages: tuple[str, ...] = ()
    settings: dict[str, dict[str, Any]] = Field({}, description="Settings of a stage, by its name.")
    checks: dict[str, dict[str, Any]] = Field({}, description="Settings of a check of the gate, by its name.")
    plugins: tuple[str, ...] = Field(("*",), description="Plug-ins of others that may be used, by name or package.")
    variants: int = 0
    later: str = Field("", description="Recipe of the variants that are made of the views afterwards, where a GPU is.")
    present: tuple[Present, ...] = ()
    salt: str = ""


class Made(Record):
    """The new rows of a part, the ids that stay, and the seconds that it took; or why it failed."""

    part: Part
    rows: tuple[dict[str, Any], ...] = ()
    kept: tuple[Present, ...] = ()
    stale: tuple[str, ...] = ()
    seconds: dict[str, float] = Field({}, description="Busy seconds by phase.")
    failure: str = ""


def view_ids(part: Part, render: Render, salt: str) -> tuple[str, ...]:
    """Ids of the views of a part, in the order of its cameras; none for a part without CAD."""
    if not part.geometry:
        return ()
    settings = render.model_dump()
    count = settings.pop("views")  # how many there are changes the cameras, so it counts once, below
    seed = (part.number, part.geometry, part.size_mm, jsonable(look(part)), settings, count, RENDERER, PICTURES)
    return tuple(content_id("view", seed, place, salt=salt) for place in range(count))


def photo_ids(part: Part, salt: str) -> dict[str, str]:
    """Ids of the supplied pictures of a part, by the digest of the file."""
    return {digest: content_id("photo", part.number, digest, salt=salt) for digest in part.photos}


def pictures(order: Order) -> Made:
    """Render, augment and judge what is missing; never raises for a part that cannot be rendered."""
    from tasks import gate
    from tasks.augment import chain
    from tasks.plugins import PluginError

    steps = chain(order.stages, order.settings, order.plugins)
    recipe = variants.recipe(steps, order.variants, order.checks, order.plugins)
    way = _Way(steps, recipe, gate.checks(order.checks, order.plugins))
    ids = view_ids(order.part, order.render, order.salt)
    done = {row.id for row in order.present if row.kind == "view" and row.recipe == recipe} & set(ids)
    photos = set(photo_ids(order.part, order.salt).values())
    bare = not (order.part.geometry or order.part.photos)
    beginnings = done | photos | ({variants.words_id(order.part, order.salt)} if bare else set())
    kept = tuple(
        row for row in order.present if row.id in done | photos or _stays(row, beginnings, recipe, order.later)
    )
    clock = _Clock()
    rows: list[dict[str, Any]] = []
    missing = [place for place, name in enumerate(ids) if name not in done]
    try:
        for place, view in clock.each("render", _views(order, missing)):
            rows += [{**row, "place": place} for row in _rows(order, view, ids[place], way, clock)]
    except PluginError:
        raise  # a broken stage or check is the run's problem, not this part's
    except Exception as error:  # noqa: BLE001 - one mesh that trips a library costs its part, not the run
        return Made(part=order.part, failure=f"{order.part.number} cannot be rendered: {error}", seconds=clock.seconds)
    names = {row["id"] for row in rows} | {row.id for row in kept}
    stale = tuple(row.id for row in order.present if row.id not in names)
    return Made(part=order.part, rows=tuple(rows), kept=kept, stale=stale, seconds=clock.seconds)


def _stays(row: Present, beginnings: set[str], *recipes: str) -> bool:
    """Whether a variant is still wanted: of a view, a photograph or words that stay, made in one of these ways."""
    return row.parent in beginnings and row.recipe in recipes


def photo_row(part: Part, name: str, data: bytes) -> dict[str, Any]:
    """Row of a supplied picture, `data` being the JPEG that ingest made of it."""
    return variants.blank(name, part, kind="photo", image=data)


def _views(order: Order, missing: list[int]) -> Any:
    from tasks.geometry import load
    from tasks.render import Studio

    if not missing:
        return iter(())
    vertices, faces = load(order.mesh)
    seed = content_id("studio", order.part.number, order.part.geometry, salt=order.salt)
    return Studio(order.render.size).views(vertices * order.scale, faces, order.part, order.render, seed, missing)


def _rows(order: Order, view: View, name: str, way: _Way, clock: _Clock) -> list[dict[str, Any]]:
    """The view's own row and one for each of its variants."""
    from tasks import codec, gate

    with clock("render"):
        columns = codec.encode_view(view)
        near, far = codec.depth_range(view)
    rows = [
        variants.blank(
            name, order.part, kind="view", camera=jsonable(view.camera), recipe=way.recipe, seed=name, **columns
        )
        | {"settings": jsonable({**order.render.model_dump(), "near": near, "far": far, "renderer": RENDERER})}
    ]
    if not (order.variants and order.stages):
        return rows
    with clock("augment"):
        for place, variant in enumerate(way.steps.variants(view, name, order.variants)):
            verdict = gate.verdict(variant, view, way.by)
            rows.append(variants.row(name, place, variant, verdict, way.steps, way.recipe))
    return rows


class _Way(NamedTuple):
    """How variants are made and judged, and what that is called."""

    steps: Chain
    recipe: str
    by: gate.Ready


class _Clock:
    """Busy seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, phase: str) -> _Timing:
        return _Timing(self.seconds, phase)

    def each(self, phase: str, items: Any) -> Any:
        """`items`, the time to produce each of them counted for `phase`."""
        iterator = iter(items)
        while True:
            with self(phase):
                item = next(iterator, None)
            if item is None:
                return
            yield item


class _Timing:
    def __init__(self, seconds: dict[str, float], phase: str) -> None:
        self._seconds, self._phase = seconds, phase

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        spent = time.perf_counter() - self._start
        self._seconds[self._phase] = self._seconds.get(self._phase, 0.0) + spent
